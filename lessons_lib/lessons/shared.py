"""What checks of several lessons share: kills, a desk in the world outside, what is alive, loops.

A function named `judge_…` raises `NotYet` when what it judges is wrong, and one named `check_…`
returns what was proven.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lessons_lib.memories import crash, moment
from lessons_lib.teach.model import NotYet

if TYPE_CHECKING:
    from lessons_lib.memories import Crash, Life

_TIMEOUT = 30.0
_MOST_ASKED = 500

Result = TypeVar("Result")


@contextmanager
def when(moment: str) -> Iterator[None]:
    """Begin what is wrong with when, or where, it was found."""
    try:
        yield
    except NotYet as fault:
        raise NotYet(f"{moment}: {fault}") from None


class Upload:
    """A stand-in for a user's file, whose life the checks watch."""

    def __init__(self, name: str, size: int = 0) -> None:
        self.name = name
        self.size = size


@contextmanager
def new_folder() -> Iterator[Path]:
    """A folder that goes when the block ends, whatever a killed process has left in it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


# --- What is alive ----------------------------------------------------------------------------


class Reader:
    """Hands out uploads, and knows which were asked for and which of them live."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.alive: weakref.WeakSet[Upload] = weakref.WeakSet()

    def read(self, name: str) -> Upload:
        """An upload of `len(name) * 10` bytes, which is not held here."""
        upload = Upload(name, size=len(name) * 10)
        self.asked.append(name)
        self.alive.add(upload)
        return upload


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


@contextmanager
def new_objects() -> Iterator[Callable[..., int]]:
    """Set aside all that there is; yields a function: how many instances of classes live since."""

    def alive(*kinds: type) -> int:
        gc.collect()
        return sum(issubclass(type(thing), kinds) for thing in gc.get_objects())

    gc.collect()
    gc.freeze()
    try:
        yield alive
    finally:
        gc.unfreeze()


@contextmanager
def weakly(otherwise: str) -> Iterator[None]:
    """Say so when a reader's code asks for a weak reference to what takes none."""
    try:
        yield
    except TypeError as error:
        if "weak reference" in str(error):
            raise NotYet(otherwise) from None
        raise


# --- Loops ------------------------------------------------------------------------------------


def apart(main: Callable[[], Coroutine[Any, Any, Result]], stands_still: str = "") -> Result:
    """What a coroutine returns on a thread and loop of its own: a notebook's has a loop already.

    Raises NotYet with `stands_still` when it has not returned after ten seconds.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    async def quietly() -> Result:
        # A task that was not awaited since the check has ended is no news.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        return await main()

    def run() -> None:
        try:
            results.append(asyncio.run(quietly()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10.0 if stands_still else None)
    if thread.is_alive():
        raise NotYet(stands_still)
    if errors:
        raise errors.pop()  # popped: what was raised leads to this frame
    return results[0]


# --- Kills ------------------------------------------------------------------------------------


class Desk:
    """The world outside: each key opens one ticket, and opening it again changes nothing.

    The moments on either side of the act can be killed at.
    """

    def __init__(
        self, folder: Path, before: str = "at the desk", after: str = "ticket opened"
    ) -> None:
        self.tickets = folder / "tickets"
        self.tickets.mkdir(exist_ok=True)
        self.moments = before, after

    def open(self, key: str) -> None:
        """Open the ticket of this key, if it is not open."""
        before, after = self.moments
        moment(before)
        (self.tickets / str(key).encode().hex()).touch()
        moment(after)

    def keys(self) -> list[str]:
        """The keys of all tickets that have been opened."""
        return sorted(bytes.fromhex(one.name).decode() for one in self.tickets.iterdir())

    def count(self) -> int:
        """How many tickets have been opened."""
        return len(self.keys())


def on_disk(folder: Path, slow: bool = False) -> Any:
    """A SQLite saver on a file in `folder`; a slow one is stuck after it has saved the input."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from lessons_lib.memories.slow_disk import SlowDisk

    connection = sqlite3.connect(folder / "memory.db", check_same_thread=False)
    connection.execute("PRAGMA synchronous = off")  # a kill is no power failure
    return SlowDisk(connection) if slow else SqliteSaver(connection)


def crashed(first: Callable[[Path], object], at: str | None = None, **how: Any) -> Crash:
    """What `crash` reports; raises NotYet when a life ended in an error of the reader's code."""
    report = crash(first, at, **how)
    say_if_failed(*report.lives)
    return report


def one_life(first: Callable[[Path], object], folder: Path, at: str = "", nth: int = 1) -> Life:
    """Run `first(folder)` in a process that is killed at a moment, or once it has returned.

    For checks that read themselves what the dead process left: no second one has to be started.
    Raises NotYet when the life ended in an error of the reader's code.
    """
    from lessons_lib.crash_lab.crossing import pack
    from lessons_lib.crash_lab.watch import Gate, lived

    gate = Gate((at,), nth=nth) if at else Gate(at_return=True)
    life = lived(pack(first), folder, gate, _TIMEOUT, ())
    say_if_failed(life)
    return life


def say_if_failed(*lives: Life) -> None:
    """Raise NotYet when a life ended in an error of the reader's code."""
    for life in lives:
        if life.error or life.ended.startswith("raised"):
            raise NotYet(f"a process {life.ended}. {life.error}".strip())


def each_moment(passed: Iterable[str]) -> list[tuple[str, int]]:
    """Each moment that a life has passed, with the number of that passing: where to kill the next.

    >>> each_moment(["put", "send", "put"])
    [('put', 1), ('send', 1), ('put', 2)]
    """
    names = list(passed)
    return [(name, names[: at + 1].count(name)) for at, name in enumerate(names)]


# --- Hostile code ------------------------------------------------------------------------------

RAN: list[str] = []
"""The harmless mark: what hostile code does is to add its own name here."""


def mark(name: str) -> None:
    """Be called by what a hostile file, or a hostile row, holds."""
    RAN.append(name)


# --- Another process --------------------------------------------------------------------------


@contextmanager
def another_hash(function: Callable[..., Any]) -> Iterator[None]:
    """Have a reader's function call another `hash` than the built-in one meanwhile.

    A Python that is started afresh gives other numbers for strings. The processes of the crash lab
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
    """A string with the hash that a process started afresh might give it."""

    salt: int

    def __hash__(self) -> int:
        return self.salt


def salted(text: str, salt: int) -> str:
    """The string, with a hash of its own."""
    one = SaltedText(text)
    one.salt = salt
    return one


# --- Graphs and stores ------------------------------------------------------------------------


def thread(name: str, **more: str) -> Any:
    """The config of a thread."""
    return {"configurable": {"thread_id": name, **more}}


def require_graph(graph: Any, function: str, end: str) -> None:
    """Raise NotYet unless what a reader's function returned is a compiled graph."""
    if not hasattr(graph, "invoke"):
        raise NotYet(
            f"{function} returned {type(graph).__name__}, expected a compiled graph: "
            f"end it with `{end}`."
        )


def in_a_row(state: Any, nodes: dict[str, Any], saver: Any = None, **how: Any) -> Any:
    """A graph of nodes that follow one another, compiled."""
    from langgraph.graph import START, StateGraph

    builder = StateGraph(state).add_sequence(list(nodes.items()))
    return builder.add_edge(START, next(iter(nodes))).compile(checkpointer=saver, **how)


def store_connection(path: Path | str = ":memory:") -> sqlite3.Connection:
    """A connection as a SqliteStore wants it: the store begins its transactions itself."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA synchronous = off")
    return connection


class Endless(NotYet):
    """A reader's code asks a store again and again."""

    def __init__(self) -> None:
        super().__init__(
            f"the store was asked {_MOST_ASKED} times, and no end was in sight: a page that is "
            "not empty comes back in each round. Does your code ask for the next one?"
        )


def both_stores() -> Iterator[tuple[str, Any, list[Any]]]:
    """The name of each kind of store, one of that kind, and the list of what it is asked to do."""
    from langgraph.store.memory import InMemoryStore
    from langgraph.store.sqlite import SqliteStore

    yield "InMemoryStore", *noting(InMemoryStore)
    with closing(store_connection()) as connection:
        yield "SqliteStore", *noting(SqliteStore, connection)


def noting(kind: Any, *arguments: Any) -> tuple[Any, list[Any]]:
    """A store of this kind, and the list in which it notes what it is asked to do.

    Raises Endless when the list grows too long: empty it before each thing to be judged.
    """
    operations: list[Any] = []

    class Noting(kind):  # type: ignore[misc]
        def batch(self, ops: Iterable[Any]) -> Any:
            asked = list(ops)
            operations.extend(asked)
            if len(operations) > _MOST_ASKED:
                raise Endless
            return super().batch(asked)

    return Noting(*arguments), operations
