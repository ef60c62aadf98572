"""Lesson 19 as a reader takes it: a table of what changed, a prediction, an exercise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import PHONE, WIDE, Lesson, Server

NOTEBOOK = "19_trust_and_change.ipynb"
GIVEN = ("import io", "def version(", "class Status(")


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 19, open, its definitions run."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, NOTEBOOK) as opened:
        opened.run_those(*GIVEN)
        yield opened


def test_the_table_says_what_came_back_changed(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find("round_trip(state)"))
    expect(cell.get_by_role("cell", name="deque with maxlen=None")).to_be_visible()


def test_a_prediction_is_answered(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find('predict("19.anothers-row")'))
    cell.get_by_role("button", name="c) It knows what Bob said").click()
    expect(cell).to_contain_text("Nothing in the row says whose it is.")


def test_the_exercise_is_red_and_then_green(lesson: Lesson) -> None:
    stub, check = lesson.find("class Case:"), lesson.find('check("19.case", Case)')
    lesson.run(stub)
    expect(lesson.run(check)).to_contain_text("There is no tuple in msgpack")
    lesson.run(stub, loader.answers("19.case").solution)
    expect(lesson.run(check)).to_contain_text("each time the same seat, bound and hour")


def test_the_picture_of_two_threads_fits_a_phone(lesson: Lesson) -> None:
    lesson.page.set_viewport_size(PHONE)
    index = lesson.find("boxes = (")
    lesson.nothing_is_cut_off(index)
