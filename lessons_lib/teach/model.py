"""What a lesson asks: the data behind `predict`, `recall`, `check`, `hint` and `catch_up`.

Texts may use a little Markdown: `` `code` ``, `**bold**`, `*emphasis*`, blank lines, fenced code.
"""

from __future__ import annotations

from dataclasses import dataclass

LETTERS = "abcdefghijklmnopqrstuvwxyz"


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
    """A question with its options; exactly one of them is right."""

    id: str
    text: str
    options: tuple[Option, ...]

    @property
    def right(self) -> str:
        """The letter of the right option."""
        return next(letter for letter, option in self.lettered() if option.right)

    def lettered(self) -> list[tuple[str, Option]]:
        """The options with their letters, in order."""
        return list(zip(LETTERS, self.options, strict=False))


@dataclass(frozen=True)
class Exercise:
    """A task whose answer is an object of the reader's, named `name`."""

    id: str
    name: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """The words of one lesson; `say` is what one can say before it, nothing where it starts."""

    number: str
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
