"""Progress as a short code to copy: made in one place, typed or pasted in another.

A code is letters of Crockford's base 32 (no I, L, O, U; upper or lower case), in groups of five:

    1 version · 5 which of the lessons follow · for each: 2 fingerprint, 1 length, its marks
    · 4 checksum

The marks of a lesson are one number in mixed base: a digit for each question (0 or the first
choice) and one for each exercise (0, tried, accepted). The fingerprint stands for what the lesson
asks; when that has changed, its marks mean nothing and are refused, and the others still count.
Accepted sources are not in the code: they are in the download.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from lessons_lib.teach.course import LESSONS
from lessons_lib.teach.loader import load
from lessons_lib.teach.model import LETTERS, Words
from lessons_lib.teach.store import Answered, Record, Tried

VERSION = 2
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("OIL", "011")
_MAP, _PRINT, _SUM = 5, 2, 4
_SHORTEST = 1 + _MAP + _SUM


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
    numbers = [(lesson.number, _marks(load(lesson.number), record)) for lesson in LESSONS]
    parts = [_lesson(load(number), marks) for number, marks in numbers if marks]
    if not parts:
        return ""
    present = sum(1 << i for i, (_, marks) in enumerate(numbers) if marks)
    body = ALPHABET[VERSION] + _letters(present, _MAP) + "".join(parts)
    return _grouped(body + _checksum(body))


def decode(code: str) -> Decoded:
    """The record in a code; raises `CodeError` saying what is wrong with it.

    >>> decode("22-3")
    Traceback (most recent call last):
    lessons_lib.teach.codes.CodeError: The code is too short: it has 3 letters, the shortest has 10.
    """
    letters = _cleaned(code)
    _refuse_version(letters)
    record, brought, changed = Record(), [], []
    for number, fingerprint, marks in _pieces(letters):
        words = load(number)
        if fingerprint == _fingerprint(words):
            record = record.merge(_unmark(words, _number(marks)))
            brought.append(number)
        else:
            changed.append(number)
    return Decoded(record, tuple(brought), tuple(changed))


def _cleaned(code: str) -> str:
    letters = "".join(code.split()).replace("-", "").upper().translate(_ALIKE)
    strange = sorted(set(letters) - set(ALPHABET))
    if strange:
        raise CodeError(f"The code has a sign that no code has: {strange[0]!r}.")
    if len(letters) < _SHORTEST:
        raise CodeError(
            f"The code is too short: it has {len(letters)} letters, the shortest has {_SHORTEST}."
        )
    return letters


def _refuse_version(letters: str) -> None:
    version = ALPHABET.index(letters[0])
    if version != VERSION:
        raise CodeError(
            f"The code says version {version}, and this edition of the course reads version "
            f"{VERSION}: check its first letter, or update the course."
        )


def _pieces(letters: str) -> Iterator[tuple[str, str, str]]:
    """Each lesson's number, fingerprint and marks, once the whole code has proved sound."""
    present = _number(letters[1 : 1 + _MAP])
    found, at = [], 1 + _MAP
    for lesson in (lesson for i, lesson in enumerate(LESSONS) if present >> i & 1):
        start = at + _PRINT + 1
        length = ALPHABET.index(letters[start - 1]) if start <= len(letters) else len(letters)
        found.append((lesson.number, letters[at : at + _PRINT], letters[start : start + length]))
        at = start + length
    _refuse_damage(letters, at + _SUM)
    yield from found


def _refuse_damage(letters: str, expected: int) -> None:
    if _checksum(letters[:-_SUM]) == letters[-_SUM:] and len(letters) == expected:
        return
    if len(letters) < expected:
        raise CodeError(
            f"The code is too short or mistyped: after {len(letters)} letters some are missing. "
            "Copy it whole, from the first group to the last."
        )
    raise CodeError(
        "The code is mistyped: its last four letters (the checksum) do not fit the rest. "
        "Compare it group by group with the one you copied."
    )


def _lesson(words: Words, marks: int) -> str:
    length = max(1, -(-marks.bit_length() // 5))
    return _fingerprint(words) + ALPHABET[length] + _letters(marks, length)


def _bases(words: Words) -> list[int]:
    return [len(q.options) + 1 for q in words.questions] + [3 for _ in words.exercises]


def _marks(words: Words, record: Record) -> int:
    digits = [_choice(record.questions.get(q.id)) for q in words.questions]
    digits += [_state(record.exercises.get(e.id)) for e in words.exercises]
    number = 0
    for digit, base in zip(reversed(digits), reversed(_bases(words)), strict=True):
        number = number * base + min(digit, base - 1)
    return number


def _unmark(words: Words, number: int) -> Record:
    digits = []
    for base in _bases(words):
        number, digit = divmod(number, base)
        digits.append(digit)
    letters = {q.id: d for q, d in zip(words.questions, digits, strict=False) if d}
    states = digits[len(words.questions) :]
    tried = {e.id: d for e, d in zip(words.exercises, states, strict=True) if d}
    return Record(
        {id: Answered(LETTERS[d - 1], LETTERS[d - 1]) for id, d in letters.items()},
        {id: Tried(1, d == 2) for id, d in tried.items()},
    )


def _choice(answered: Answered | None) -> int:
    return LETTERS.find(answered.first) + 1 if answered else 0


def _state(tried: Tried | None) -> int:
    return 0 if tried is None or not (tried.tries or tried.accepted) else 1 + tried.accepted


def _fingerprint(words: Words) -> str:
    asked = [f"{q.id} {len(q.options)} {q.right}" for q in words.questions]
    asked += [exercise.id for exercise in words.exercises]
    return _hashed("\n".join(asked), _PRINT)


def _checksum(body: str) -> str:
    return _hashed(body, _SUM)


def _hashed(text: str, letters: int) -> str:
    digest = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return _letters(digest % 32**letters, letters)


def _letters(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * i & 31] for i in reversed(range(length)))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    return number


def _grouped(letters: str) -> str:
    return "-".join(letters[i : i + 5] for i in range(0, len(letters), 5))
