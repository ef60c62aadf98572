"""Lesson 16 as a reader takes it: a server in the kernel, a prediction, an exercise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import WIDE, Lesson, Server

NOTEBOOK = "16_inside_a_server.ipynb"
GIVEN = ("import asyncio", "class Conversation(", "async def asked(")


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 16, open, its definitions run."""
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, NOTEBOOK)
    opened.hide_sidebars()
    for index in opened.starting(*GIVEN):
        opened.run(index)
    yield opened
    opened.close()


def test_a_server_answers_beside_the_notebook(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find("await two_turns(web(amnesia))"))
    expect(cell).to_contain_text("You have not told me your name.")


def test_a_prediction_is_answered(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find('predict("16.who-waits")'))
    cell.get_by_role("button", name="c) Wherever nothing blocks").click()
    expect(cell).to_contain_text("Look for what the one thread is doing meanwhile.")


def test_the_exercise_is_red_and_then_green(lesson: Lesson) -> None:
    stub, check = lesson.find("class Answer:"), lesson.find('check("16.follow", Answer)')
    lesson.run(stub)
    expect(lesson.run(check)).to_contain_text("the client hung up")
    lesson.run(stub, loader.answers("16.follow").solution)
    expect(lesson.run(check)).to_contain_text("the turn ran once")
