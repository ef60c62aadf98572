"""Progress over the whole course, and the code that carries it elsewhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.teach import check, loader, predict, progress, restore
from lessons_lib.teach.codes import ALPHABET, CodeError, decode, encode
from lessons_lib.teach.course import LESSONS
from lessons_lib.teach.store import Record, Store, store
from tests.proof import run

from . import sample
from .sample import BAG, DOUBLE


@contextmanager
def elsewhere(folder: Path) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESSONS_HOME", str(folder))
        yield store()


def work() -> None:
    """Answer a question, solve an exercise, fail another, in lesson 13; answer in lesson 14."""
    _, *buttons, _ = predict("13.last-reference").widget().children
    buttons[2].click()
    check("13.double", run(DOUBLE, DOUBLE.answers.solution))
    check("13.bag", run(BAG, BAG.answers.near_misses[0].source))
    _, *buttons, _ = predict("14.printed").widget().children
    buttons[0].click()


def test_the_table_has_every_lesson_and_what_was_done() -> None:
    work()
    shown = progress()
    assert [line.lesson for line in shown.lines] == list(LESSONS)
    text = str(shown)
    assert re.search(r"^13 +Long-term memory I +1 of 2, 0 right at first +1 of 3$", text, re.M)
    assert next(line for line in shown.lines if line.lesson.number == "14").right == 1


def test_what_is_next_is_named_and_leads_there() -> None:
    shown = progress()
    assert not shown.code
    assert not shown.download
    assert "Next: 00 Start here." in str(shown)
    assert 'Next: <a href="00_start_here.ipynb">00 Start here</a>' in shown._repr_html_()
    done = [replace(line, questions=0, exercises=0) for line in shown.lines[:2]]
    assert (left := replace(shown, lines=(*done, *shown.lines[2:])).next)
    assert left.number == "02"


def test_the_download_holds_the_accepted_answers() -> None:
    work()
    html = progress()._repr_html_()
    (data,) = re.findall(r'download="my_answers.py" href="data:text/x-python;base64,([^"]+)"', html)
    text = base64.b64decode(data).decode()
    assert text == "# 13.double\n" + DOUBLE.answers.solution
    compile(text, "my_answers.py", "exec")


def test_a_code_restores_elsewhere(tmp_path: Path) -> None:
    work()
    here, code = store().read(), progress().code
    assert len(code) <= 60
    with elsewhere(tmp_path / "other") as other:
        alike = code.replace("0", "o").replace("1", "l")
        told = restore(f"  {alike.lower().replace('-', ' ')}\n")
        there = other.read()
    assert told
    assert str(told) == "Restored for lessons 13, 14: 2 predictions, 1 solved exercise."
    assert there.questions == here.questions
    assert {id: tried.accepted for id, tried in there.exercises.items()} == {
        "13.double": True,
        "13.bag": False,
    }
    assert encode(there) == code


def test_restoring_loses_nothing_that_is_here(tmp_path: Path) -> None:
    work()
    code = progress().code
    with elsewhere(tmp_path / "other") as other:
        other.update(lambda record: record.answer("13.last-reference", "b"))
        other.update(lambda record: record.attempt("13.bag", True, "class Bag: ..."))
        restore(code)
        there = other.read()
    assert there.questions["13.last-reference"].first == "b"
    assert there.exercises["13.bag"].source == "class Bag: ..."
    assert there.exercises["13.double"].accepted


def test_a_changed_lesson_is_left_out_politely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work()
    code = progress().code
    (tmp_path / "lesson.toml").write_text(sample.WORDS.replace('right = "a"', 'right = "b"'))
    folder = loader.folder
    changed = {"13": tmp_path}
    monkeypatch.setattr(loader, "folder", lambda number: changed.get(number) or folder(number))
    assert str(restore(code)) == (
        "Restored for lessons 14: 1 prediction, 0 solved exercises. Lesson 13 has changed since "
        "the code was made; what it says about it was left out."
    )


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda code: code[:3], "is too short: it has 3 letters, the shortest has 10."),
        (lambda code: code[:-6], "a part of it is missing"),
        (lambda code: "2" + code[1:], "The code says version 2, and this edition"),
        (lambda code: code[:-1] + ("0" if code[-1] != "0" else "1"), "(the checksum)"),
        (lambda code: code + "00000", "(the checksum)"),
        (lambda code: code.replace("-", "#", 1), "has a sign that no code has: '#'"),
        *[(lambda _, it=it: it, "Put the code that") for it in ("", "  ", 5, None, b"abc")],
    ],
)
def test_a_wrong_code_is_answered_in_one_sentence(spoil: Any, says: str, kept: Store) -> None:
    work()
    before, code = kept.read(), progress().code
    told = restore(spoil(code))
    assert not told
    assert says in str(told)
    assert kept.read() == before


def test_every_record_goes_through_its_code() -> None:
    exercises = "double", "bag", "answer"
    for first, second, *tried in product(" ab", " ab", " -+", " -+", " -+"):
        record = Record()
        for name, letter in ("last-reference", first), ("printed", second):
            record = record.answer(f"13.{name}", letter) if letter != " " else record
        for name, came in zip(exercises, tried, strict=True):
            record = record.attempt(f"13.{name}", came == "+", "") if came != " " else record
        code = encode(record)
        assert (decode(code).record if code else Record()) == record


def test_no_single_slip_goes_unseen() -> None:
    code = encode(Record().answer("13.printed", "a").attempt("14.double", True, ""))
    for place, right in enumerate(code):
        for letter in set(ALPHABET) - {right} if right != "-" else ():
            with pytest.raises(CodeError):
                decode(code[:place] + letter + code[place + 1 :])
