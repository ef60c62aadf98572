"""Part 4 as a reader takes it: of each lesson something that runs, a prediction, an exercise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.database import NoPostgres, postgres
from tests.browser.lab import WIDE, Lesson, Server, is_answered


class Plan(NamedTuple):
    """What is done in one lesson: cells by their beginnings, and what each must show."""

    notebook: str
    first: tuple[str, ...]
    run: str
    shows: str
    prediction: str
    exercise: str


PRICE = Plan(
    notebook="17_the_price_of_memory.ipynb",
    first=(
        *("import pickle", "sent = 0", "class Conv", "FILE =", "TURNS =", "def characters"),
        "history = []",
    ),
    run="weights = converse(in_a_list",
    shows="sent - characters: exponent about 2",
    prediction="17.after-vacuum",
    exercise="17.erase",
)
WORKERS = Plan(
    notebook="18_many_workers_one_memory.ipynb",
    first=("from lessons_lib.memories import warm_up",),
    run="server = postgres()",
    shows="Postgres 18",
    prediction="18.xact",
    exercise="18.alone",
)
TRUST = Plan(
    notebook="19_trust_and_change.ipynb",
    first=("import io", "def version(", "class Status("),
    run="round_trip(state)",
    shows="deque with maxlen=None",
    prediction="19.anothers-row",
    exercise="19.case",
)
OWN = Plan(
    notebook="20_write_a_checkpointer.ipynb",
    first=(
        *("import asyncio", "class Case(", "TABLES =", "class Saver(", "def put(", "def in_a_"),
        *("def mark(", "def fresh("),
    ),
    run="await suite()",
    shows="1/17",
    prediction="20.fork",
    exercise="20.get-tuple",
)


@pytest.fixture(
    params=[PRICE, WORKERS, TRUST, OWN], ids=lambda plan: plan.notebook[:2], scope="module"
)
def plan(request: pytest.FixtureRequest) -> Plan:
    """One lesson's plan; that on Postgres is skipped where none can be started."""
    chosen: Plan = request.param
    if chosen is WORKERS:
        try:
            postgres()
        except NoPostgres as error:
            pytest.skip(str(error))
    return chosen


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server, plan: Plan) -> Iterator[Lesson]:
    """The lesson, open, its definitions run."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, plan.notebook) as opened:
        opened.run_those(*plan.first)
        yield opened


def test_it_runs_in_the_browser(lesson: Lesson, plan: Plan) -> None:
    expect(lesson.run(lesson.find(plan.run))).to_contain_text(plan.shows)


def test_a_prediction_is_answered(lesson: Lesson, plan: Plan) -> None:
    cell = lesson.run(lesson.find(f'predict("{plan.prediction}")'))
    is_answered(cell, plan.prediction)


def test_an_exercise_is_solved(lesson: Lesson, plan: Plan) -> None:
    lesson.solves(plan.exercise)
