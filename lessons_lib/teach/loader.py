"""Where the lessons' own files are found: `lesson.toml`, `answers.py`, `checks.py`, the notebook.

Each is read when it is needed and not before: the words by `predict` and `progress`, the answers
by `solution`, the checks (the only code, and the only import) by `check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from lessons_lib.teach.answer_cells import read_answers
from lessons_lib.teach.course import ROOT, find_lesson
from lessons_lib.teach.model import Answers, Exercise, LessonError, NotFound, Question, Words
from lessons_lib.teach.words import ID, mistake, read_words

Asked = TypeVar("Asked", Question, Exercise)


def folder(number: str) -> Path:
    """The folder of a lesson's own files."""
    return ROOT / "lessons_lib" / "lessons" / f"lesson_{number}"


def notebook(number: str) -> Path:
    """The lesson's notebook in the course (not the reader's copy)."""
    return find_lesson(number).notebook


def load(number: str) -> Words:
    """The words of one lesson; a lesson without a folder asks nothing.

    >>> [exercise.name for exercise in load("05").exercises]
    ['Conversations', 'serve', 'bots_for']
    """
    path = folder(number) / "lesson.toml"
    return read_words(number, path) if path.is_file() else Words()


def answers(id: str) -> Answers:
    """The right answers to an exercise, and plausible wrong ones."""
    number = id[:2]
    known = [exercise.id for exercise in load(number).exercises]
    return read_answers(folder(number) / "answers.py", known)[id]


def check_of(id: str) -> Callable[[Any], str]:
    """What judges an answer: it says what was proven, or raises `NotYet` with what is wrong."""
    place = folder(id[:2])
    module = import_module(".".join([*place.relative_to(ROOT).parts, "checks"]))
    if id not in module.CHECKS:
        last = len((place / "checks.py").read_text("utf-8").splitlines())
        raise mistake(place / "checks.py", last, f"no check for {id}")
    return module.CHECKS[id]  # type: ignore[no-any-return]


def stub(id: str) -> str:
    """The stub of an exercise: the notebook's code cell before the one that checks it."""
    cells = [source for source, _ in _code_cells(id[:2])]
    calls_check = re.compile(rf"\bcheck\(\s*[\"']{re.escape(id)}[\"']")
    for before, cell in pairwise(cells):
        if calls_check.search(cell):
            return before + "\n"
    raise LessonError(f"{notebook(id[:2]).name}: no code cell stands before check({id!r}, …).")


def catch_up_source(number: str) -> str:
    """What a lesson starts from: the notebook's cells that are tagged `catch-up`."""
    cells = _code_cells(number)
    return "\n\n\n".join(source for source, tags in cells if "catch-up" in tags) + "\n"


def question(id: str) -> Question:
    """The question with this id; a wrong id raises `NotFound` naming the nearest right one."""
    words = load(_number(id))
    other = "an exercise, not a question: use check, hint or solution"
    return _find(id, "question", words.questions, words.exercises, other)


def exercise(id: str) -> Exercise:
    """The exercise with this id; a wrong id raises `NotFound` naming the nearest right one."""
    words = load(_number(id))
    other = "a question, not an exercise: use predict or recall"
    return _find(id, "exercise", words.exercises, words.questions, other)


def _find(
    id: str,
    kind: str,
    asked: Sequence[Asked],
    others: Sequence[Question | Exercise],
    other: str,
) -> Asked:
    for one in asked:
        if one.id == id:
            return one
    if any(one.id == id for one in others):
        raise NotFound(f"{id!r} is {other} for it.")
    known = [one.id for one in asked]
    if near := get_close_matches(id, known, n=1, cutoff=0.5):
        raise NotFound(f"There is no {kind} {id!r}; did you mean {near[0]!r}?")
    listed = ", ".join(map(repr, known)) or "none"
    raise NotFound(f"There is no {kind} {id!r}; lesson {id[:2]} has {listed}.")


def _number(id: object) -> str:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise NotFound(
            f"{id!r} is no id: write two digits of the lesson, a dot and a name, "
            "such as '02.kept-exception'."
        )
    return find_lesson(id[:2]).number


def _code_cells(number: str) -> list[tuple[str, list[str]]]:
    """The source and the tags of each code cell."""
    cells = json.loads(notebook(number).read_text("utf-8"))["cells"]
    return [
        ("".join(cell["source"]), cell["metadata"].get("tags", []))
        for cell in cells
        if cell["cell_type"] == "code"
    ]
