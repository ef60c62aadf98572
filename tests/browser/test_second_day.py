"""Two days of work: a lesson run, saved and left, and opened again when its kernel is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from lessons_lib.launch.copies import not_yet_run
from tests.browser.lab import PHONE, WIDE, Lesson, Server
from tests.project import ROOT

WIDGETS = {
    "02_reference_counting.ipynb": (
        *("import gc", "class Upload", 'predict("02.last-reference")', "step("),
    ),
    "12_interrupts_and_time_travel.ipynb": (
        *("from lessons_lib.memories import warm_up", "class Case(", "THREAD =", "def draft("),
        *("paid, mailed", "def finished_case(", "def before(node)", "machine = time_machine("),
    ),
}
"""A lesson with a prediction and a player, and one with a time machine: the cells that are run, the
last by a part of its text."""
STATIC = re.compile("[Rr]un this cell to")


@pytest.fixture(scope="module")
def saved(page: Page, server: Server) -> None:
    """The first day: each lesson as the reader gets it, run and saved. Then the page is left."""
    page.set_viewport_size(WIDE)
    for name in WIDGETS:
        (server.folder / f"day-{name}").write_bytes(not_yet_run(ROOT / "notebooks" / name))
        with Lesson.open(page, server, f"day-{name}") as lesson:
            assert not any(cell.get("outputs") for cell in lesson.cells())
            assert not any(cell.get("execution_count") for cell in lesson.cells())
            for index in _cells(lesson, name):
                ran = lesson.run(index)
            expect(ran.get_by_role("slider").first).to_be_visible()
            lesson.save()
    page.goto("about:blank")  # else the page would still have the lessons of the day before


@pytest.fixture(scope="module", params=WIDGETS, ids=lambda name: name[:2])
def name(request: pytest.FixtureRequest) -> str:
    """A lesson's file."""
    asked: str = request.param
    return asked


@pytest.fixture(scope="module")
def lesson(name: str, saved: None, page: Page, server: Server) -> Iterator[Lesson]:
    """The second day: the lesson, opened again."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, f"day-{name}") as opened:
        yield opened


def _cells(lesson: Lesson, name: str) -> list[int]:
    *needs, last = WIDGETS[name]
    return [*lesson.starting(*needs), lesson.find(last)]


def test_a_saved_lesson_shows_its_widgets_standing_still_on_the_second_day(
    lesson: Lesson, name: str
) -> None:
    for index in _cells(lesson, name):
        cell = lesson.show(index)
        expect(cell.get_by_text("Error displaying widget")).to_have_count(0)
    expect(cell.get_by_role("img").first).to_be_visible()
    expect(cell.get_by_text(STATIC)).to_be_visible()


def _told(cell: Locator) -> str:
    """What the box of a widget says above it."""
    said: str = cell.locator(".rc-live").evaluate(
        "box => getComputedStyle(box, '::before').content"
    )
    return said


@pytest.mark.parametrize("name", ["02_reference_counting.ipynb"], ids=["02"], indirect=True)
def test_widgets_say_that_their_kernel_was_shut_down(lesson: Lesson, name: str) -> None:
    """At once; and once there is another kernel, to a click."""
    page = lesson.page
    cells = [lesson.run(index) for index in _cells(lesson, name)][-2:]
    expect(cells[-1].get_by_role("slider")).to_be_visible()
    assert [_told(cell) for cell in cells] == ["none", "none"]
    lesson.shut_down()
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        assert all("is gone" in _told(cell) for cell in cells), size
    page.set_viewport_size(WIDE)
    lesson.start_again()
    assert [_told(cell) for cell in cells] == ["none", "none"]
    lesson.show(lesson.find("step(")).get_by_role("button", name="next").click()
    assert ["is gone" in _told(cell) for cell in cells] == [False, True]
