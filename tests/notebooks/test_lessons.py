"""Every written lesson keeps every rule, and asks what its answers know."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import warm_up
from lessons_lib.teach import course, loader
from lessons_lib.teach.catching import defined
from lessons_lib.teach.sources import kind
from tests.notebooks import reading
from tests.notebooks.asking import asking_faults
from tests.notebooks.reading import Notebook
from tests.notebooks.rules import RULES, Rule
from tests.project import ROOT, notebooks
from tests.proof import asked, prove, run_cell

LESSONS = notebooks()
WRITTEN = [path.stem[:2] for path in LESSONS]
EXERCISES = [exercise.id for number in WRITTEN for exercise in loader.load(number).exercises]
CAUGHT_UP = [number for number in WRITTEN if loader.load(number).say]


@cache
def _read(path: Path) -> Notebook:
    return reading.read(path)


def _tell(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps(path: Path, rule: Rule) -> None:
    _tell([f"{path.name}, {fault}" for fault in rule(_read(path))])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_is_one_of_the_course(path: Path) -> None:
    assert course.find_lesson(path.stem[:2]).slug == path.stem


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_says_how_long_it_takes(path: Path) -> None:
    lesson = course.find_lesson(path.stem[:2])
    minutes = f"**Core** {lesson.core} minutes · **deeper** {lesson.deeper} minutes"
    assert minutes in _read(path).cells[0].source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_asks_what_its_answers_know(path: Path) -> None:
    _tell([f"{path.name}, {fault}" for fault in asking_faults(_read(path))])


def test_every_folder_belongs_to_a_written_lesson() -> None:
    folders = sorted((ROOT / "lessons_lib/lessons").glob("lesson_*"))
    assert [folder.name[-2:] for folder in folders] == WRITTEN


@pytest.mark.parametrize("number", WRITTEN)
def test_the_files_of_a_lesson_fit_together(number: str) -> None:
    """Words, answers and checks are read without a fault, and know the same exercises."""
    place = loader.folder(number)
    checks = import_module(f"lessons_lib.lessons.{place.name}.checks").CHECKS
    assert list(checks) == [exercise.id for exercise in loader.load(number).exercises]
    for id in checks:
        assert loader.answers(id).solution


@pytest.mark.parametrize("id", EXERCISES)
def test_the_stub_of_an_exercise_stands_before_its_check(id: str) -> None:
    name = loader.exercise(id).name
    stub = loader.stub(id)
    assert kind(stub, name) != "value" or name in defined(stub)


@pytest.mark.parametrize("number", CAUGHT_UP)
def test_what_a_lesson_starts_from_runs_alone(number: str) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    run_cell(loader.catch_up_source(number), names)
    assert set(defined(loader.catch_up_source(number))) <= set(names)


@cache
def _warm_up() -> None:
    """Have all children of the crash lab forked from a process that has loaded what they need."""
    warm_up(langgraph=True, also=("lessons_lib.lessons.shared", "langchain.agents"))


@pytest.mark.usefixtures("new_things_alone")
@pytest.mark.parametrize("id", EXERCISES)
def test_exercise_is_proven(id: str) -> None:
    """The stub fails, the solution passes, each near miss fails with its own message."""
    _warm_up()
    _tell(prove(asked(id)))
