"""A review asks what was wrong first, one lesson in turn, and nothing that was not begun."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lessons_lib.teach import review
from lessons_lib.teach.asking import Asking
from lessons_lib.teach.course import LESSONS
from lessons_lib.teach.loader import load
from lessons_lib.teach.model import NotFound, Question
from lessons_lib.teach.store import Record, Store


def wrong(question: Question) -> str:
    return next(letter for letter in question.options if letter != question.right)


def asked(number: int = 10) -> list[str]:
    found = review(number)
    assert isinstance(found, Asking)
    return [one.id for one in found.questions]


def test_before_anything_was_answered_it_says_so() -> None:
    assert str(review()) == "Nothing to review yet: answer a prediction in a lesson first."


def test_what_was_wrong_comes_first_and_lessons_take_turns(kept: Store) -> None:
    first, second, third = (load(number).questions for number in ("01", "02", "03"))
    still_wrong = [*first[:2], *second[:2]]
    mended, right = third[0], third[1]

    def answers(record: Record) -> Record:
        for one in (*still_wrong, mended):
            record = record.answer(one.id, wrong(one))
        return record.answer(mended.id, mended.right).answer(right.id, right.right)

    kept.update(answers)
    for _ in range(5):
        ids = asked()
        assert len(set(ids)) == len(ids) == 10
        assert set(ids[:4]) == {one.id for one in still_wrong}
        assert all(a[:2] != b[:2] for a, b in pairwise(ids[:4]))
        assert ids[4] == mended.id
        assert right.id not in ids
        assert {id[:2] for id in ids} <= {"01", "02", "03"}
    begun = sum(len(load(lesson.number).questions) for lesson in LESSONS[1:4])
    assert asked(1000)[-1] == right.id
    assert len(asked(1000)) == begun


@pytest.mark.parametrize("number", [0, -1, True, "ten", 2.5])
def test_a_number_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(NotFound, match="takes a number of questions from 1 up, such as 10, not"):
        review(number)
