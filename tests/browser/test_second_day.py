"""Two days of work: a lesson run, saved and left; the course stopped, started and opened again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.launch.copies import not_yet_run
from tests.browser.lab import WIDE, Lesson, Server, jupyterlab
from tests.kernels import Place
from tests.project import ROOT

WIDGETS = {
    "02_reference_counting.ipynb": (
        "import gc",
        "class Upload",
        'predict("02.last-reference")',
        "step(",
    ),
    "12_interrupts_and_time_travel.ipynb": (
        "from lessons_lib.memories import warm_up",
        "class Case(",
        "THREAD =",
        "def draft(",
        "paid, mailed",
        "def finished_case(",
        "def before(node)",
        "machine = time_machine(",
    ),
}
"""A lesson with a prediction and a player, and one with a time machine: the cells that are run, the
last by a part of its text."""
STATIC = re.compile("[Rr]un this cell")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A course laid out as the reader gets it."""
    with Place.make() as made:
        (made.folder / "my").mkdir()
        for name in WIDGETS:
            (made.folder / "my" / name).write_bytes(not_yet_run(ROOT / "notebooks" / name))
        yield made


def _opened(page: Page, server: Server) -> Iterator[tuple[Lesson, list[int]]]:
    page.set_viewport_size(WIDE)
    page.goto("about:blank")  # a page of the day before may have the same address
    for name, beginnings in WIDGETS.items():
        lesson = Lesson.open(page, server, name)
        *needs, last = beginnings
        yield lesson, [*lesson.starting(*needs), lesson.find(last)]
        lesson.close()


def test_a_saved_lesson_shows_its_widgets_standing_still_on_the_second_day(
    page: Page, place: Place
) -> None:
    with jupyterlab(place) as first:
        for lesson, cells in _opened(page, first):
            assert not any(cell.get("outputs") for cell in lesson.cells())
            assert not any(cell.get("execution_count") for cell in lesson.cells())
            for index in cells:
                ran = lesson.run(index)
            expect(ran.get_by_role("slider").first).to_be_visible()
            lesson.save()
    with jupyterlab(place) as second:
        for lesson, cells in _opened(page, second):
            for index in cells:
                cell = lesson.show(index)
                expect(cell.get_by_text("Error displaying widget")).to_have_count(0)
            expect(cell.get_by_role("img").first).to_be_visible()
            expect(cell.get_by_text(STATIC)).to_be_visible()
