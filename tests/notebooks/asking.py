"""Whether a notebook and its lesson's own files fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lessons_lib.teach import loader
from lessons_lib.teach.model import Exercise, Words
from tests.notebooks.reading import Notebook, calls

_ASKED_WITH: dict[str, Callable[[str], object]] = {
    "predict": loader.question,
    "recall": loader.question,
    "check": loader.exercise,
    "hint": loader.exercise,
    "solution": loader.exercise,
}


def asking_faults(notebook: Notebook, known: Words | None = None) -> Iterator[str]:
    """Every id of a notebook that is unknown, every one of its lesson that it leaves unasked.

    Its exercises are asked with check, hint and solution, and what one needs to begin with it
    is tagged `catch-up`.
    """
    known = known or loader.load(notebook.number)
    found = calls(notebook, *_ASKED_WITH)
    for cell, function, id in found:
        try:
            _ASKED_WITH[function](id)
        except LookupError as error:
            yield f"{cell}: {error}"
    asked = {(function, id) for _, function, id in found}
    for question in known.questions:
        if not {("predict", question.id), ("recall", question.id)} & asked:
            yield f"the question {question.id!r} is never asked"
    tagged = any("catch-up" in cell.tags for cell in notebook.code)
    if tagged != bool(known.say):
        yield "cells tagged catch-up and the lesson's [catch_up] go together: one is missing"
    for exercise in known.exercises:
        yield from _exercise_faults(exercise, asked)


def _exercise_faults(exercise: Exercise, asked: set[tuple[str, str]]) -> Iterator[str]:
    for function in ("check", "hint", "solution"):
        if (function, exercise.id) not in asked:
            yield f"the exercise {exercise.id!r} has no {function}({exercise.id!r}) cell"
