"""A recording: a snippet's steps in words and numbers, never the objects themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..holding.links import LinkStyle
from .contents import Change

By = Literal["reference count", "the collector"]
UNSEEN = "something"
"""What holds a thing to which no name leads, and that is no garbage."""


class Thing(NamedTuple):
    """An object that was seen: its number in order of appearance, its type, its telling name."""

    number: int
    type: str
    name: str
    hidden: bool


class Name(NamedTuple):
    """A name in a scope ("" is the snippet itself): it leads to a thing, or has a plain value."""

    scope: str
    label: str
    target: int
    value: str
    style: LinkStyle


Reference = tuple[int, str, int, LinkStyle]
"""A reference between two things: the tail's number, the label, the head's number, the style."""


class Death(NamedTuple):
    """A thing that is gone, and by which hand."""

    number: int
    by: By


@dataclass(frozen=True)
class Step:
    """What was there after one line: names, things with their values, references, and the news.

    It is made where a line ends, and filled by the look that follows.
    """

    line: int = 0
    event: str = ""
    """"done" after a statement, "call" of a function, "leave" before its return, "except" when an
    exception was caught, "end of for" (while, with, try …), "raised" when one was not caught."""
    scopes: list[str] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    values: dict[int, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    died: list[Death] = field(default_factory=list)
    garbage: set[int] = field(default_factory=set)
    unseen: list[tuple[str, int]] = field(default_factory=list)
    """What holds a thing out of sight, and the number of that thing."""
    held_by: dict[int, str] = field(default_factory=dict)
    """The way to a thing that came out of sight at this step, where one was found."""
    printed: str = ""
    error: str = ""
    """The exception that was caught or that ended the snippet at this step."""
    changes: list[Change] = field(default_factory=list)
    """Objects whose size or plain values are not what they were one step before."""
    collected: bool = False
    """Whether a collection may have taken place; none begins while another thread is at one."""

    def counts(self) -> Counter[int]:
        """The references drawn to each thing; weak ones hold nothing and do not count."""
        counts = Counter(name.target for name in self.names if name.style != "dashed")
        counts.update(head for _, _, head, style in self.references if style != "dashed")
        counts.update(number for _, number in self.unseen)
        return counts


@dataclass(frozen=True)
class Recording:
    """A snippet, the things seen in it and the steps it took; `note` says what was not recorded."""

    snippet: str
    things: list[Thing]
    steps: list[Step]
    note: str = ""
    afterwards: str = ""
    """What was printed when the snippet's names went, after its last line."""
