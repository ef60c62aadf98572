"""Diagrams, their layout and their pictures."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lessons_lib.observe.pictures import ink
from lessons_lib.observe.pictures.diagram import MAX_ARROWS, MAX_BOXES, Kind, State
from lessons_lib.observe.pictures.drawing import Arrow, Box, Diagram, Frame, draw, lay_out
from lessons_lib.observe.pictures.graphviz import TooDense, render

KINDS: tuple[Kind, ...] = (
    "name",
    "object",
    "pill",
    "checkpoint",
    "item",
    "sheet",
    "cylinder",
    "note",
)
STATES: tuple[State, ...] = ("plain", "kept", "lost", "garbage", "died")


def chain(length: int) -> Diagram:
    boxes = tuple(Box(f"b{i}", "Node", lines=(f"n={i}",), badge="1") for i in range(length))
    arrows = tuple(Arrow(f"b{i}", f"b{i + 1}", "next") for i in range(length - 1))
    return Diagram(boxes, arrows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_every_kind_in_every_state_is_sound_svg(kind: Kind, state: State) -> None:
    box = Box("a", "a < b & c", kind, lines=("x > 'y'",), badge="2", state=state)
    picture = draw(Diagram((box,)), alt='a "quoted" <alt>')
    root = ElementTree.fromstring(picture.svg)
    assert root.get("aria-label") == 'a "quoted" <alt>'
    assert "a < b & c" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("state", "word"),
    [("kept", "kept"), ("lost", "lost"), ("garbage", "garbage"), ("died", "died")],
)
def test_a_state_is_never_told_by_colour_alone(state: State, word: str) -> None:
    assert f">{word}<" in draw(Diagram((Box("a", "Node", state=state),)), alt="x").svg


def test_garbage_is_hatched_and_what_died_is_an_outline() -> None:
    garbage = draw(Diagram((Box("a", "Node", state="garbage"),)), alt="x").svg
    died = draw(Diagram((Box("a", "Node", state="died", note="by the collector"),)), alt="x").svg
    assert 'fill="url(#hatch)"' in garbage
    assert 'fill="url(#hatch)"' not in died
    assert f'fill="none" stroke="{ink.VERMILION}"' in died
    assert "by the collector" in died


def test_arrows_are_told_apart_without_colour() -> None:
    boxes = (Box("a", "a", "name"), Box("b", "Node"))
    for arrow_style, dashes in (("dashed", "7 5"), ("dotted", "1.5 5")):
        svg = draw(Diagram(boxes, (Arrow("a", "b", style=arrow_style),)), alt="x").svg  # type: ignore[arg-type]
        assert f'stroke-dasharray="{dashes}"' in svg
    assert "stroke-dasharray" not in draw(Diagram(boxes, (Arrow("a", "b"),)), alt="x").svg


def test_a_killed_process_has_a_broken_frame() -> None:
    boxes = (Box("a", "ticket"),)
    whole = draw(Diagram(boxes, (), (Frame("f", "process", ("a",)),)), alt="x").svg
    broken = draw(Diagram(boxes, (), (Frame("f", "process", ("a",), broken=True),)), alt="x").svg
    assert 'stroke-dasharray="26 7"' in broken
    assert 'stroke-dasharray="26 7"' not in whole


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


def test_thirty_boxes_at_most_and_the_rest_is_counted() -> None:
    picture = draw(chain(MAX_BOXES + 12), alt="x")
    assert picture.svg.count(">Node<") == MAX_BOXES
    assert "… and 12 more boxes, not drawn" in picture.svg


def test_sixty_arrows_at_most_and_the_rest_is_counted() -> None:
    boxes = tuple(Box(str(i), "Node") for i in range(12))
    arrows = tuple(Arrow(str(a), str(b)) for a in range(12) for b in range(12) if a != b)
    svg = draw(Diagram(boxes, arrows), alt="x").svg
    assert f"… and {len(arrows) - MAX_ARROWS} more arrows, not drawn" in svg


def test_a_layout_out_of_fuel_still_gives_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_dense(*args: object, **options: object) -> str:
        raise TooDense("too many arrows")

    monkeypatch.setattr("lessons_lib.observe.pictures.graphviz.render", too_dense)
    svg = draw(chain(8), alt="x").svg
    assert svg.count(">Node<") == 8
    ElementTree.fromstring(svg)


def test_fuel_stops_a_dense_graph_and_the_next_one_is_drawn() -> None:
    edges = "".join(f"n{i}->n{(i * 7 + j * 13) % 200};" for i in range(200) for j in range(10))
    with pytest.raises(TooDense):
        render(f"digraph {{ {edges} }}")
    assert render("digraph { a -> b }", "plain").startswith("graph")


def test_an_arrow_to_nowhere_is_one_clear_sentence() -> None:
    with pytest.raises(ValueError, match=r"names the box 'b', but no box has that id"):
        Diagram((Box("a", "Node"),), (Arrow("a", "b"),))


def test_an_empty_alternative_text_is_refused() -> None:
    with pytest.raises(ValueError, match="alt is empty"):
        draw(chain(1), alt=" ")


def test_nothing_to_draw_is_a_picture_too() -> None:
    assert "nothing to draw" in draw(Diagram(()), alt="nothing").svg


class _Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))


def test_a_picture_is_an_image_with_words(tmp_path: Path) -> None:
    picture = draw(chain(2), alt='two "nodes" & <more>', text="n0 → n1")
    bundle = picture._repr_mimebundle_()
    parser = _Images()
    parser.feed(bundle["text/html"])
    (image,) = parser.images
    assert image["alt"] == 'two "nodes" & <more>'
    source = image["src"] or ""
    assert base64.b64decode(source.partition("base64,")[2]).decode() == picture.svg
    assert bundle["text/plain"] == "n0 → n1" == str(picture)
    assert picture.save(tmp_path / "p.svg").read_text(encoding="utf-8") == picture.svg


def test_code_is_never_drawn_small() -> None:
    sizes = re.findall(r"font-size:(\d+)px", draw(chain(2), alt="x").svg)
    assert min(map(int, sizes)) >= 13


def test_a_narrow_page_is_scrolled_to_what_it_would_not_show() -> None:
    boxes = tuple(Box(name, "object" * 3) for name in "abcd")
    line = Diagram(boxes, tuple(Arrow(a.id, b.id) for a, b in pairwise(boxes)), direction="LR")
    first, last = (draw(line, "A line.", see=id) for id in "ad")
    assert first.focus == 0
    assert last.focus > 270
    assert "scroll-initial-target" in last.html()
    assert "scroll-initial-target" not in first.html()
