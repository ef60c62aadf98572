"""Lesson 18 as a reader takes it: a Postgres in the notebook, a prediction, an exercise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.database import NoPostgres, postgres
from lessons_lib.teach import loader
from tests.browser.lab import WIDE, Lesson, Server

NOTEBOOK = "18_many_workers_one_memory.ipynb"


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 18, open, its imports run."""
    try:
        postgres()
    except NoPostgres as error:
        pytest.skip(str(error))
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, NOTEBOOK)
    opened.hide_sidebars()
    opened.run(opened.find("import asyncio"))
    yield opened
    opened.close()


def test_a_postgres_starts_beside_the_notebook(lesson: Lesson) -> None:
    expect(lesson.run(lesson.find("server = postgres()"))).to_contain_text("Postgres 18")


def test_a_prediction_is_answered(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find('predict("18.xact")'))
    cell.get_by_role("button", name="b) Yes: the lock guards nothing").click()
    expect(cell).to_contain_text("The connection commits after each statement")


def test_the_exercise_is_red_and_then_green(lesson: Lesson) -> None:
    stub, check = lesson.find("def alone("), lesson.find('check("18.alone", alone)')
    lesson.run(stub)
    expect(lesson.run(check)).to_contain_text("two were in the block at once")
    lesson.run(stub, loader.answers("18.alone").solution)
    expect(lesson.run(check)).to_contain_text("alone in the block for its name")
