"""Lesson 17 as a reader takes it: the growth of two savers, a prediction, an exercise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import WIDE, Lesson, Server

NOTEBOOK = "17_the_price_of_memory.ipynb"
GIVEN = ("import pickle", "sent = 0", "class Conv", "FILE =", "TURNS =", "def characters")


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 17, open, its definitions run."""
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, NOTEBOOK)
    opened.hide_sidebars()
    for index in opened.starting(*GIVEN):
        opened.run(index)
    yield opened
    opened.close()


def test_what_is_sent_grows_with_the_square(lesson: Lesson) -> None:
    lesson.run(lesson.find("def in_a_list("))
    cell = lesson.run(lesson.find("weights = converse(in_a_list"))
    expect(cell).to_contain_text("sent - characters: exponent about 2")


def test_a_prediction_is_answered(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find('predict("17.after-vacuum")'))
    cell.get_by_role("button", name="b) No, they are still").click()
    expect(cell).to_contain_text("The log has to be written back into the file, and emptied.")


def test_the_exercise_is_red_and_then_green(lesson: Lesson) -> None:
    stub, check = lesson.find("def erase("), lesson.find('check("17.erase", erase)')
    lesson.run(stub)
    expect(lesson.run(check)).to_contain_text("was not written back and emptied")
    lesson.run(stub, loader.answers("17.erase").solution)
    expect(lesson.run(check)).to_contain_text("no byte of the thread is left")
