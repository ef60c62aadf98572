"""`review`: half an hour of recall over everything that the reader has done so far."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import chain, zip_longest

from lessons_lib.teach import look
from lessons_lib.teach.asking import Asking
from lessons_lib.teach.course import LESSONS
from lessons_lib.teach.loader import load
from lessons_lib.teach.model import NotFound, Question
from lessons_lib.teach.store import Answered, store

_NOTHING = "Nothing to review yet: answer a prediction in a lesson first."


def review(number: int = 10) -> Asking | look.Told:
    """Ask questions of the lessons begun so far, those that were answered wrongly before first.

    After them come those that were wrong at first, those never answered, and the others; of alike
    ones different ones at each call. Neighbours are of different lessons where there are several.
    Raises `NotFound` for a number that is none from 1 up.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise NotFound(f"review takes a number of questions from 1 up, such as 10, not {number!r}.")
    answered = store().read().questions
    pool = [
        one
        for words in (load(lesson.number) for lesson in LESSONS)
        if any(one.id in answered for one in words.questions)
        for one in words.questions
    ]
    random.shuffle(pool)  # so that of alike ones each call asks others
    ranks: dict[int, list[Question]] = {rank: [] for rank in range(4)}
    for one in pool:
        ranks[_rank(one, answered.get(one.id))].append(one)
    asked = [one for alike in ranks.values() for one in _spaced(alike)]
    if not asked:
        return look.Told(_NOTHING, look.panel(_NOTHING))
    return Asking("Review", tuple(asked[:number]))


def _rank(question: Question, answered: Answered | None) -> int:
    """How soon to ask it again: 0 first."""
    if answered is None:
        return 2
    if answered.last != question.right:
        return 0
    return 1 if answered.first != question.right else 3


def _spaced(questions: Iterable[Question]) -> list[Question]:
    """One question of each lesson in turn, as long as there are any."""
    by_lesson: dict[str, list[Question]] = {}
    for one in questions:
        by_lesson.setdefault(one.id[:2], []).append(one)
    rounds = zip_longest(*by_lesson.values())
    return [one for one in chain.from_iterable(rounds) if one is not None]
