"""What a lesson asks: the data behind `predict`, `recall`, `check`, `hint`, `solution`, `catch_up`.

A lesson's content is one module, `answers/lesson_02.py`, holding three names:

- `QUESTIONS`: a tuple of `Question`, used by `predict` and `recall` alike;
- `EXERCISES`: a tuple of `Exercise`;
- `CATCH_UP`: a `CatchUp`, or `None` when the lesson starts from nothing.

Texts may use a little Markdown: `` `code` ``, `**bold**`, `*emphasis*`, blank lines, fenced code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def code(block: str) -> str:
    r"""The source in an indented block, as a notebook's cell would hold it.

    >>> code("\n    def remember(error):\n        return error\n    ")
    'def remember(error):\n    return error\n'
    """
    return dedent(block).strip("\n") + "\n"


class NotFound(LookupError):
    """A wrong id or lesson; a notebook shows its one sentence without the frames that led to it."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotYet(Exception):
    """Raised by an exercise's check: one or two sentences on what is wrong and what to look at."""


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
        """The letter of the right option.

        >>> Question("02.x", "Two?", (Option("1", "no"), Option("2", "yes", right=True))).right
        'b'
        """
        return next(LETTERS[i] for i, option in enumerate(self.options) if option.right)

    def lettered(self) -> list[tuple[str, Option]]:
        """The options with their letters, in order."""
        return list(zip(LETTERS, self.options, strict=False))


@dataclass(frozen=True)
class NearMiss:
    """A plausible wrong answer, and a part of the message that must meet it (and it alone)."""

    source: str
    says: str


@dataclass(frozen=True)
class Exercise:
    """A task whose answer is an object of the reader's, named `name`.

    `check` takes that object and returns what was proven (the words after "Right:"), or raises
    `NotYet` with what is wrong (the words after "Not yet:"). `given` is the source that the
    notebook runs before the exercise; it is run before stub, solution and near-misses when the
    exercise is proven. `alternatives` are other right answers, which must pass too.
    """

    id: str
    name: str
    task: str
    stub: str
    solution: str
    check: Callable[[Any], str]
    hints: tuple[str, ...]
    near_misses: tuple[NearMiss, ...] = ()
    given: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatchUp:
    """What a laggard needs before a lesson: sentences one can say, and names one has.

    `source` is run as if in the notebook; of what it binds, `names` are shown as ready for use.
    """

    say: tuple[str, ...]
    source: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """All that `answers/lesson_NN.py` holds for one lesson."""

    number: str
    questions: tuple[Question, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    catch_up: CatchUp | None = None
