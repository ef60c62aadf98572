"""Progress as a short code to copy: made in one place, typed or pasted in another.

A code is letters of Crockford's base 32 (no I, L, O, U; upper or lower case), in groups of five:

    1 version · for each lesson with something done: 1 its number, 2 fingerprint, 1 how many marks,
    and the marks, a letter for each question and exercise · 4 checksum

A mark is 0 for nothing; the first choice of a question (1 is a); 1 for an exercise that was tried
and 2 for one that was accepted. The fingerprint stands for what the lesson asks; when that has
changed, its marks mean nothing and are refused, and the others still count. Accepted sources are
not in the code: they are in the download.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from string import ascii_lowercase

from lessons_lib.teach.course import LESSONS
from lessons_lib.teach.loader import load
from lessons_lib.teach.model import Words
from lessons_lib.teach.store import Record, Tried

VERSION = "3"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("OIL", "011")
_SUM = 4


class CodeError(ValueError):
    """Why a code cannot be used, in one sentence."""


@dataclass(frozen=True)
class Decoded:
    """What a code holds: a record, the lessons it is of, and those left out as changed."""

    record: Record
    brought: tuple[str, ...]
    changed: tuple[str, ...]


def encode(record: Record) -> str:
    """The code of a record; empty when there is nothing to carry.

    >>> encode(Record())
    ''
    """
    parts = [_part(at, load(lesson.number), record) for at, lesson in enumerate(LESSONS)]
    if not any(parts):
        return ""
    body = VERSION + "".join(parts)
    letters = body + _hashed(body, _SUM)
    return "-".join(letters[i : i + 5] for i in range(0, len(letters), 5))


def decode(code: str) -> Decoded:
    """The record in a code; raises `CodeError` saying what is wrong with it.

    >>> decode("22-3")
    Traceback (most recent call last):
    lessons_lib.teach.codes.CodeError: The code is too short: it has 3 letters, the shortest has 10.
    """
    left = _sound(code)[1:-_SUM]
    record, brought, changed = Record(), [], []
    while left:
        number, end = LESSONS[ALPHABET.index(left[0])].number, 4 + ALPHABET.index(left[3])
        words, fingerprint, marks, left = load(number), left[1:3], left[4:end], left[end:]
        if fingerprint == _fingerprint(words):
            record = _marked(record, words, marks)
            brought.append(number)
        else:
            changed.append(number)
    return Decoded(record, tuple(brought), tuple(changed))


def _sound(code: str) -> str:
    """The letters of a code that is whole and of this version."""
    letters = "".join(code.split()).replace("-", "").upper().translate(_ALIKE)
    if strange := sorted(set(letters) - set(ALPHABET)):
        raise CodeError(f"The code has a sign that no code has: {strange[0]!r}.")
    if len(letters) < 10:
        raise CodeError(
            f"The code is too short: it has {len(letters)} letters, the shortest has 10."
        )
    if letters[0] != VERSION:
        raise CodeError(
            f"The code says version {ALPHABET.index(letters[0])}, and this edition of the course "
            f"reads version {VERSION}: check its first letter, or copy a code from such an edition."
        )
    if _hashed(letters[:-_SUM], _SUM) != letters[-_SUM:]:
        raise CodeError(
            "The code is mistyped, or a part of it is missing: its last four letters (the "
            "checksum) do not fit the rest. Compare it group by group with the one you copied."
        )
    return letters


def _part(at: int, words: Words, record: Record) -> str:
    """What a code says of one lesson: nothing, when nothing was done there."""
    answered = [record.questions.get(question.id) for question in words.questions]
    chosen = [one.first if one else " " for one in answered]
    tried = [record.exercises.get(exercise.id, Tried()) for exercise in words.exercises]
    marks = "".join(ALPHABET[ascii_lowercase.find(letter) + 1] for letter in chosen)
    marks += "".join(str(bool(one.tries or one.accepted) + one.accepted) for one in tried)
    if not marks.strip("0"):
        return ""
    return ALPHABET[at] + _fingerprint(words) + ALPHABET[len(marks)] + marks


def _marked(record: Record, words: Words, marks: str) -> Record:
    """The record with what one lesson's marks say."""
    answered, tried = marks[: len(words.questions)], marks[len(words.questions) :]
    for question, mark in zip(words.questions, answered, strict=True):
        if mark != "0":
            record = record.answer(question.id, ascii_lowercase[ALPHABET.index(mark) - 1])
    for exercise, mark in zip(words.exercises, tried, strict=True):
        if mark != "0":
            record = record.attempt(exercise.id, mark == "2", "")
    return record


def _fingerprint(words: Words) -> str:
    # What is asked, and not its words: a sentence can be mended and the codes stay good.
    asked = [f"{q.id} {len(q.options)} {q.right}" for q in words.questions]
    return _hashed("\n".join([*asked, *(exercise.id for exercise in words.exercises)]), 2)


def _hashed(text: str, letters: int) -> str:
    """The last letters of a text's hash, written in the alphabet's base of 32."""
    digest = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return "".join(ALPHABET[digest >> 5 * i & 31] for i in reversed(range(letters)))
