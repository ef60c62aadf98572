"""Whether a notebook and its module of answers fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lessons_lib.teach import answers
from lessons_lib.teach.model import Answers, Exercise
from tests.notebooks.reading import Notebook, calls

_ASKED_WITH: dict[str, Callable[[str], object]] = {
    "predict": answers.question,
    "recall": answers.question,
    "check": answers.exercise,
    "hint": answers.exercise,
    "solution": answers.exercise,
}


def asking_faults(notebook: Notebook, known: Answers | None = None) -> Iterator[str]:
    """Every id of a notebook that is unknown, every one of its lesson that it leaves unasked.

    Its exercises are asked with check, hint and solution, and their stubs stand in a cell.
    """
    known = known or answers.load(notebook.number)
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
    for exercise in known.exercises:
        yield from _exercise_faults(notebook, exercise, asked)


def _exercise_faults(
    notebook: Notebook, exercise: Exercise, asked: set[tuple[str, str]]
) -> Iterator[str]:
    for function in ("check", "hint", "solution"):
        if (function, exercise.id) not in asked:
            yield f"the exercise {exercise.id!r} has no {function}({exercise.id!r}) cell"
    if not any(exercise.stub.strip() in cell.source for cell in notebook.code):
        yield f"no cell holds the stub of {exercise.id!r} as the answers have it"
