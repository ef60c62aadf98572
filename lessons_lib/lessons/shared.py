"""What checks of several lessons share: uploads, collections, kills, a Python started afresh."""

from __future__ import annotations

import gc
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.teach.model import NotYet

if TYPE_CHECKING:
    from lessons_lib.memories import Crash, Life

_TIMEOUT = 30.0


class Upload:
    """A stand-in for a user's file, whose life the checks watch."""

    def __init__(self, name: str, size: int = 0) -> None:
        self.name = name
        self.size = size


@contextmanager
def counted_collections() -> Iterator[Callable[[], int]]:
    """Keep the collector from running by itself; yields a function: those asked for so far."""
    asked: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            asked.append(phase)

    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()  # so that a hundred collections in an answer look at that answer's objects alone
    gc.callbacks.append(note)
    try:
        yield lambda: len(asked)
    finally:
        gc.callbacks.remove(note)
        gc.unfreeze()
        if was_on:
            gc.enable()


def on_disk(folder: Path, slow: bool = False) -> Any:
    """A SQLite saver on a file in `folder`; a slow one is stuck after it has saved the input."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from lessons_lib.memories.slow_disk import SlowDisk

    connection = sqlite3.connect(folder / "memory.db", check_same_thread=False)
    return SlowDisk(connection) if slow else SqliteSaver(connection)


def require_graph(graph: Any, function: str, end: str) -> None:
    """Raise NotYet unless what a reader's function returned is a compiled graph."""
    if not hasattr(graph, "invoke"):
        raise NotYet(
            f"{function} returned {type(graph).__name__}, expected a compiled graph: "
            f"end it with `{end}`."
        )


def one_life(first: Callable[[Path], object], folder: Path, at: str = "", nth: int = 1) -> Life:
    """Run `first(folder)` in a process that is killed at a moment, or once it has returned.

    For checks that read themselves what the dead process left: no second one has to be started.
    Raises NotYet when the life ended in an error of the reader's code.
    """
    from lessons_lib.crash_lab.crossing import pack
    from lessons_lib.crash_lab.watch import Gate, lived
    from lessons_lib.memories import Crash

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
