"""The lessons of parts 1 and 2 as a reader with a phone does them, one after the other.

What works in the room of a phone works on a wide screen too. nbval runs every cell already, so one
lesson is run whole here, and the others only as far as their widgets need it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import PHONE, Lesson, Server, is_answered, words
from tests.project import notebooks

PLAYER = 'step("""'


@dataclass(frozen=True)
class Plan:
    """What is driven in a lesson.

    Attributes:
        recalled: The first question of its `recall`, if it has one.
        predicted: A question of a `predict`.
        exercise: The exercise that is solved.
        players: How many `step` there are; all of them are moved.
        needs: The beginnings of the cells to run first; empty when the whole lesson is run.
    """

    number: str
    recalled: str
    predicted: str
    exercise: str
    players: int = 0
    needs: tuple[str, ...] = ()


PLANS = [
    Plan("01", "01.recall-sent", "01.backup", "01.say", 4, ("import ",)),
    Plan("02", "02.recall-model", "02.last-reference", "02.remember", 1),
    Plan("03", "03.recall-del", "03.cycle", "03.message", 2, ("import gc", "class Conversation:")),
    Plan("04", "04.recall-traceback", "04.line", "04.bus", needs=("import gc",)),
    Plan(
        *("05", "05.recall-alias", "05.global", "05.conversations", 1),
        needs=("import asyncio", "def turn(", "class Bot:"),
    ),
    Plan("06", "06.recall-owner", "06.threads", "06.five-rounds", 1, ("import asyncio",)),
    Plan("07", "07.recall-kill", "07.half-way", "07.load", needs=("import json",)),
    Plan("08", "08.recall-aside", "08.half-a-line", "08.run-rarely", needs=("import inspect",)),
]


@pytest.fixture(scope="module", params=PLANS, ids=lambda plan: plan.number)
def plan(request: pytest.FixtureRequest) -> Plan:
    """One lesson's plan."""
    asked: Plan = request.param
    return asked


@pytest.fixture(scope="module")
def lesson(plan: Plan, page: Page, server: Server) -> Iterator[Lesson]:
    """The lesson, open and not yet run."""
    page.set_viewport_size(PHONE)
    name = next(path.name for path in notebooks() if path.name.startswith(plan.number))
    with Lesson.open(page, server, name) as opened:
        yield opened


def _drawn(lesson: Lesson) -> list[int]:
    """The cells that put out a picture or a table."""
    return [
        index
        for index, cell in enumerate(lesson.cells())
        if any(tag in json.dumps(cell.get("outputs") or []) for tag in ("<img", "<table"))
    ]


def test_pictures_show_before_anything_is_run(lesson: Lesson) -> None:
    cells = _drawn(lesson)
    assert cells, "the lesson should hold pictures or tables"
    for index in cells:
        lesson.nothing_is_cut_off(index)


def test_it_runs(lesson: Lesson, plan: Plan) -> None:
    if plan.needs:
        asked = [f'recall("{plan.recalled}"', f'predict("{plan.predicted}")']
        lesson.run_those(*plan.needs, *asked, *([PLAYER] if plan.players else []))
    else:
        lesson.run_all()
    code = [cell for cell in lesson.cells() if cell["cell_type"] == "code"]
    ran = sorted(cell["execution_count"] for cell in code if cell["execution_count"])
    assert ran, "no cell was run"
    assert plan.needs or ran == list(range(1, len(code) + 1))
    assert [output for cell in code for output in cell["outputs"] if _is_bad(output)] == []


def _is_bad(output: dict[str, str]) -> bool:
    return output["output_type"] == "error" or output.get("name") == "stderr"


def test_every_player_moves_by_keyboard_and_by_button(lesson: Lesson, plan: Plan) -> None:
    cells = lesson.starting(PLAYER) if plan.players else []
    assert len(cells) == plan.players
    for index in cells:
        _play(lesson.show(index))
        lesson.nothing_is_cut_off(index)


def _play(cell: Locator) -> None:
    """Move a player to its last step, by keys and by buttons: each time it tells another thing."""
    slider, told = cell.get_by_role("slider", name="Step"), cell.get_by_role("status").first
    previous = cell.get_by_role("button", name="previous")
    after = cell.get_by_role("button", name="next")
    slider.focus()
    slider.press("Home")
    expect(told).to_contain_text("Step 1 of")
    expect(previous).to_be_disabled()
    last = int(re.findall(r"Step 1 of (\d+)", told.inner_text())[0])
    said = [_after_number(told)]
    for move, step in (("ArrowRight", 2), ("End", last), (previous, last - 1), (after, last)):
        slider.press(move) if isinstance(move, str) else move.click()
        expect(told).to_contain_text(f"Step {step} of {last}")
        said.append(_after_number(told))
    assert all(one != other for one, other in pairwise(said)), said
    expect(after).to_be_disabled()
    expect(cell.locator(".rc-player img")).to_be_visible()
    marked = cell.locator("[aria-current=step]")
    assert marked.evaluate("line => line.scrollWidth <= line.clientWidth"), "colour ends early"


def _after_number(told: Locator) -> str:
    """What a player tells, without the number of the step."""
    return told.inner_text().partition(",")[2]


def test_questions_are_answered_explained_and_kept(
    lesson: Lesson, plan: Plan, server: Server
) -> None:
    for call, id in (("recall", plan.recalled), ("predict", plan.predicted)):
        cell = lesson.show(lesson.find(f'{call}("{id}"'))
        is_answered(cell, id)
    assert {plan.recalled, plan.predicted} <= server.progress()["questions"].keys()


def test_an_exercise_is_solved(lesson: Lesson, plan: Plan, server: Server) -> None:
    exercise = loader.exercise(plan.exercise)
    hints = lesson.show(lesson.find(f'hint("{exercise.id}"'))
    for number, hint in enumerate(exercise.hints[:2], 1):
        hints.locator("summary", has_text=f"Hint {number}").click()
        expect(hints.get_by_text(words(hint))).to_be_visible()
    lesson.solves(exercise.id)
    assert exercise.id in server.progress()["exercises"]
