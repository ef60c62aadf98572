"""The answers, one module a lesson; a lesson's module is imported only when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, overload

from lessons_lib.teach.course import find_lesson
from lessons_lib.teach.model import Answers, Exercise, NotFound, Question

_ID = re.compile(r"(\d\d)\.([a-z0-9][a-z0-9-]*)")


def has_answers(number: str) -> bool:
    """Whether the lesson has a module of answers (most planned lessons have none yet)."""
    try:
        return find_spec(_module(number)) is not None
    except ValueError:  # a module put in place by hand (as tests do) has no spec
        return True


def load(number: str) -> Answers:
    """Everything one lesson asks; a lesson without a module asks nothing.

    >>> load("05").number
    '05'
    """
    if not has_answers(number):
        return Answers(number)
    module = import_module(_module(number))
    return Answers(
        number,
        tuple(getattr(module, "QUESTIONS", ())),
        tuple(getattr(module, "EXERCISES", ())),
        getattr(module, "CATCH_UP", None),
    )


def question(id: str) -> Question:
    """The question with this id; a wrong id raises `NotFound` naming the nearest right one."""
    return _find(id, "question")


def exercise(id: str) -> Exercise:
    """The exercise with this id; a wrong id raises `NotFound` naming the nearest right one."""
    return _find(id, "exercise")


@overload
def _find(id: str, kind: Literal["question"]) -> Question: ...
@overload
def _find(id: str, kind: Literal["exercise"]) -> Exercise: ...
def _find(id: str, kind: Literal["question", "exercise"]) -> Question | Exercise:
    answers = load(_number(id))
    pools: dict[str, Sequence[Question | Exercise]] = {
        "question": answers.questions,
        "exercise": answers.exercises,
    }
    for thing in pools.pop(kind):
        if thing.id == id:
            return thing
    (other, rest), *_ = pools.items()
    if id in _ids(rest):
        use = "predict or recall" if other == "question" else "check, hint or solution"
        raise NotFound(f"{id!r} is {_a(other)}, not {_a(kind)}: use {use} for it.")
    wanted = answers.questions if kind == "question" else answers.exercises
    raise NotFound(f"There is no {kind} {id!r}{_nearest(id, _ids(wanted))}")


def _number(id: object) -> str:
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise NotFound(
            f"{id!r} is no id: write two digits of the lesson, a dot and a name, "
            "such as '02.kept-exception'."
        )
    return find_lesson(id[:2]).number


def _nearest(id: str, known: list[str]) -> str:
    near = get_close_matches(id, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    if known:
        return f"; lesson {id[:2]} has {', '.join(map(repr, known))}."
    return f"; lesson {id[:2]} has none."


def _ids(things: Iterable[Question | Exercise]) -> list[str]:
    return [thing.id for thing in things]


def _a(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _module(number: str) -> str:
    return f"{__name__}.lesson_{number}"
