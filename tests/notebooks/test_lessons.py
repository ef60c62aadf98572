"""Every written lesson keeps every rule, and asks what its answers know."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lessons_lib.teach import answers, course
from lessons_lib.teach.model import Exercise
from lessons_lib.teach.proof import prove
from tests.notebooks import reading
from tests.notebooks.asking import asking_faults
from tests.notebooks.reading import Notebook
from tests.notebooks.rules import RULES, Rule
from tests.project import notebooks

LESSONS = notebooks()
WITH_ANSWERS = [lesson.number for lesson in course.LESSONS if answers.has_answers(lesson.number)]
EXERCISES = [exercise for number in WITH_ANSWERS for exercise in answers.load(number).exercises]


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


@pytest.mark.parametrize("number", WITH_ANSWERS)
def test_answers_belong_to_a_written_lesson(number: str) -> None:
    lesson = course.find_lesson(number)
    assert course.is_written(lesson), f"answers/lesson_{number}.py has no {lesson.slug}.ipynb"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_exercise_is_proven(exercise: Exercise) -> None:
    """The stub fails, the solution passes, each near-miss fails with its own message."""
    if exercise.id[:2] >= "09":
        # As in the lesson's kernel by then: what is loaded here, no child of the crash lab loads.
        import langgraph.checkpoint.sqlite
        import langgraph.graph  # noqa: F401
    _tell(prove(exercise))
