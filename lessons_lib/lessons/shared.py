"""What checks of several lessons share: lives that are killed, and a Python that starts afresh."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lessons_lib.memories import Crash
from lessons_lib.memories.crash_lab.crossing import pack
from lessons_lib.memories.crash_lab.report import Life
from lessons_lib.memories.crash_lab.watch import Gate, lived
from lessons_lib.teach.model import NotYet

_TIMEOUT = 30.0


def one_life(first: Callable[[Path], object], folder: Path, at: str = "", nth: int = 1) -> Life:
    """Run `first(folder)` in a process that is killed at a moment, or once it has returned.

    For checks that read themselves what the dead process left: no second one has to be started.
    Raises NotYet when the life ended in an error of the reader's code.
    """
    gate = Gate((at,), nth=nth) if at else Gate(at_return=True)
    life = lived(pack(first), folder, gate, _TIMEOUT, ())
    say_if_failed(Crash((life,)))
    return life


def say_if_failed(report: Crash) -> None:
    """Raise NotYet when a life of the report ended in an error of the reader's code."""
    for life in report.lives:
        if life.error or life.ended.startswith("raised"):
            raise NotYet(f"a process {life.ended}. {life.error}".strip())


@contextmanager
def another_hash(function: Callable[..., Any]) -> Iterator[None]:
    """Have a reader's function call another `hash` than the built-in one meanwhile.

    A Python that is started afresh gives other numbers for texts. The processes of the crash lab
    have one parent and its hash seed, so no kill would show it.
    """
    names = getattr(inspect.unwrap(function), "__globals__", {"hash": None})
    own = "hash" in names
    if not own:
        names["hash"] = lambda thing: hash(thing) ^ 0x5EED
    try:
        yield
    finally:
        if not own:
            del names["hash"]


class SaltedText(str):
    """A text with the hash that a process started afresh might give it."""

    salt: int

    def __hash__(self) -> int:
        return self.salt


def salted(text: str, salt: int) -> str:
    """The text, with a hash of its own."""
    one = SaltedText(text)
    one.salt = salt
    return one
