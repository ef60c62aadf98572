"""Lesson 15 as a reader meets it: the agent's checkpoints, and an exercise with its near misses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import WIDE, Lesson, Server

NEEDS = (
    "from lessons_lib.memories import warm_up",
    "def answer(",
    "class ScriptedModel(",
    "def open_ticket(",
    "def lines(",
)
"""The beginnings of the cells that the agent's first turn builds on."""


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 15, open and run as far as the agent's first turn."""
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, "15_ready_made_agents.ipynb")
    opened.hide_sidebars()
    for index in opened.starting(*NEEDS):
        opened.run(index)
    yield opened
    opened.close()


def test_a_turn_is_gone_through_checkpoint_by_checkpoint(lesson: Lesson) -> None:
    cell = lesson.run(lesson.find("time_machine(agent"))
    slider, told = cell.get_by_role("slider").first, cell.get_by_role("status").first
    slider.focus()
    slider.press("Home")
    expect(told).to_contain_text("Checkpoint 1 of 5")
    for wrote in ("human: 'My printer smokes.'", "model wrote", "tool: 'the ticket is open'"):
        cell.get_by_role("button", name="next").click()
        expect(told).to_contain_text(wrote)


@pytest.mark.parametrize("id", ["15.mend", "15.bounded"])
def test_an_exercise_is_solved(lesson: Lesson, id: str) -> None:
    exercise, answers = loader.exercise(id), loader.answers(id)
    if id == "15.mend":
        lesson.run(lesson.find("def unanswered("))
    stub = lesson.find(f"def {exercise.name}(")
    check = lesson.find(f'check("{id}"')
    expect(lesson.show(check)).to_contain_text("Not yet")
    near_miss = answers.near_misses[0]
    lesson.run(stub, near_miss.source)
    expect(lesson.run(check)).to_contain_text(near_miss.says.replace("`", ""))
    lesson.run(stub, answers.solution)
    expect(lesson.run(check)).to_contain_text("Right")
