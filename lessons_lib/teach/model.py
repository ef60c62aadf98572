"""What a lesson asks: the data behind `predict`, `recall`, `check`, `hint` and `catch_up`.

Texts may use a little Markdown: `` `code` ``, `**bold**`, `*emphasis*`, blank lines, fenced code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class _Sentence(Exception):
    """A notebook shows its one sentence without the frames that led to it."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotFound(_Sentence, LookupError):
    """A wrong id or lesson."""


class NotYet(Exception):
    """Raised by an exercise's check: one or two sentences on what is wrong and what to look at."""


class LessonError(_Sentence, ValueError):
    """A mistake in a lesson's own files: the file, the line, and what is wrong, in one sentence."""


@dataclass(frozen=True)
class Option:
    """One answer to a question, with the reason why it is right or wrong."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its options by their letters; exactly one of them is right."""

    id: str
    text: str
    options: Mapping[str, Option]

    @property
    def right(self) -> str:
        """The letter of the right option."""
        return next(letter for letter, option in self.options.items() if option.right)


@dataclass(frozen=True)
class Exercise:
    """A task whose answer is an object of the reader's, named `name`."""

    id: str
    name: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """The words of one lesson; `say` is what one can say before it, nothing where it starts."""

    questions: tuple[Question, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    say: tuple[str, ...] = ()


@dataclass(frozen=True)
class NearMiss:
    """A plausible wrong answer, and a part of the message that must meet it (and it alone)."""

    source: str
    says: str


@dataclass(frozen=True)
class Answers:
    """The sources of one exercise: what the notebook gives, right answers, plausible wrong ones."""

    solution: str
    given: str = ""
    alternatives: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
