"""The player: its words, its widget, and what a page shows on which no widget runs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lessons_lib.observe import step
from lessons_lib.observe.stepping.player import STATIC_LIMIT, Player
from lessons_lib.observe.stepping.scenes import ACT_BOXES, Scenes
from lessons_lib.observe.stepping.stepper import record
from lessons_lib.observe.stepping.story import Story


class Upload:
    def __init__(self, name: str) -> None:
        self.name = name


shared: list[object] = []


@pytest.fixture
def player() -> Player:
    return step(
        """
        a = Upload("a")
        b = a
        del a
        del b
        """
    )


@pytest.fixture(autouse=True)
def no_widget_is_left() -> Iterator[None]:
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()


def test_names_come_from_the_caller_or_are_given_and_objects_are_the_callers() -> None:
    step("shared.append(Upload('kept'))")
    assert [type(thing) for thing in shared] == [Upload]
    shared.clear()
    assert "n is 3" in str(step("n = len(given)", given=[1, 2, 3]))


def test_slider_and_buttons_move_through_the_steps_and_can_be_found_and_heard(
    player: Player,
) -> None:
    row, told, picture = player.widget.children
    previous, following, slider = row.children
    assert (slider.value, previous.disabled, following.disabled) == (1, True, False)
    assert (slider.description, bool(previous.tooltip)) == ("Step", True)
    assert "rc-player" in player.widget._dom_classes
    assert "rc-next" in following._dom_classes
    assert 'role="status" aria-live="polite"' in told.value
    assert 'aria-current="step"' in picture.value
    assert re.search(r'<img alt="After line 1: [^"]+"', picture.value)
    following.click()
    assert slider.value == 2
    assert "has 2 references" in html.unescape(told.value)
    slider.value = 4
    assert "died, by reference count" in told.value
    assert following.disabled
    previous.click()
    assert slider.value == 3


def test_a_page_shows_the_decisive_steps_and_a_terminal_the_table(player: Player) -> None:
    bundle = player._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert json.dumps(bundle)
    assert (bundle["text/plain"], player.show) == (str(player), [3])
    assert bundle["text/html"].count("<img") == 1
    assert "Step 4 of 4" in bundle["text/html"]


def test_show_picks_the_steps() -> None:
    chosen = step("a = Upload('a')\ndel a", show=[1, 2])
    assert chosen.static_html().count("<img") == 2
    with pytest.raises(ValueError, match=r"show has the step 9, expected numbers from 1 to 2"):
        step("a = Upload('a')\ndel a", show=[9])
    with pytest.raises(TypeError, match=r"give \[1\], say"):
        step("a = 1", show=1)  # type: ignore[arg-type]


def test_a_page_never_grows_without_end() -> None:
    lines = "\n".join(f"a{n} = Upload('{n}')\ndel a{n}" for n in range(40))
    page = step(lines).static_html()
    assert len(page) < STATIC_LIMIT + 2_000
    assert re.search(r"… and \d+ more steps: run the cell to see them", page)


def test_badges_count_the_arrows_drawn_and_what_died_is_an_outline(player: Player) -> None:
    for index in range(3):
        diagram = player.scenes.diagram(index)
        for box in diagram.boxes:
            if box.kind == "object":
                drawn = [a for a in diagram.arrows if a.head == box.id and a.style != "dashed"]
                assert box.badge == str(len(drawn))
    (box,) = player.scenes.diagram(3).boxes
    assert (box.state, box.note, box.badge) == ("died", "by reference count", "")


def test_boxes_keep_their_places_through_an_act_and_a_loop_needs_few() -> None:
    scenes = Scenes(Story(record("a = [1]\nb = [a]\nc = [b]\ndel a, b, c")))
    assert len(scenes.acts) == 1
    assert scenes.layout(0) is scenes.layout(3)
    scenes = Scenes(Story(record("for n in range(9):\n    u = Upload(str(n))", {"Upload": Upload})))
    assert len(set(scenes.slots.values())) == 2
    assert len(scenes.layout(0).boxes) <= ACT_BOXES


def test_the_same_snippet_gives_the_same_bytes() -> None:
    snippet = "s = {Upload('a'), Upload('b')}\nt = [s, (1, 'x')]\nt.clear()"
    assert len({step(snippet).static_html() for _ in range(2)}) == 1


@pytest.mark.parametrize(
    ("snippet", "words"),
    [
        ("pass", "nothing to step through"),
        ("1/0", "ZeroDivisionError: division by zero: not caught, the snippet ends here"),
    ],
)
def test_an_empty_and_a_failing_snippet_are_no_errors(snippet: str, words: Any) -> None:
    assert words in step(snippet)._repr_mimebundle_()["text/plain"]
