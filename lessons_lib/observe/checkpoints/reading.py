"""The one door to a saver: it is read whole and at once, or one sentence says why not.

An async saver answers through its event loop. It is asked from another thread alone, and only while
the loop runs: one that is closed, stopped or held up, or ends meanwhile, is said, not waited for.

A stored value that cannot be read does not spoil the rest: a stand-in takes its place.
"""

from __future__ import annotations

import asyncio
import copy
import os
import re
import sqlite3
from collections import UserDict
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import wait
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from ..pictures.style import said_of, shorten

Config = dict[str, Any]

TABLES = ("checkpoints", "writes")
"""Those that LangGraph's SQLite savers keep checkpoints in."""
PATIENCE = 5.0
"""Seconds in which a running event loop must answer, before it is told to be held up."""
UNREAD = "lessons_lib: unread"
"""The key under which a stand-in says why the stored value could not be read."""


# -- what one is given ---------------------------------------------------------------------------


def saver_of(graph: Any) -> Any:
    """The checkpointer of a compiled graph; TypeError for no graph, ValueError for no saver."""
    require_graph(graph)
    if callable(getattr(graph.checkpointer, "get_tuple", None)):
        return graph.checkpointer
    raise ValueError(
        f"the graph's checkpointer is {graph.checkpointer!r}, expected a saver, since without one "
        "nothing is kept: compile(checkpointer=InMemorySaver())"
    )


def require_graph(graph: Any) -> None:
    """Raise TypeError when `graph` is no compiled graph."""
    if callable(getattr(graph, "get_state_history", None)) and hasattr(graph, "checkpointer"):
        return
    told = f"{shorten(said_of(graph), 40)} is no graph"
    if callable(getattr(graph, "compile", None)):
        told = f"a {type(graph).__name__} is not compiled yet"
    raise TypeError(
        f"{told}, expected a compiled graph: give what builder.compile(checkpointer=…) returned"
    )


def place_of(config: Any) -> tuple[str, str, str]:
    """The thread's id, the namespace and the checkpoint's id in a config; the last may be empty.

    >>> place_of({"configurable": {"thread_id": 7}})
    ('7', '', '')
    """
    inner = config.get("configurable") if isinstance(config, Mapping) else None
    if not isinstance(inner, Mapping) or "thread_id" not in inner:
        raise ValueError(
            f"the config {config!r} names no thread, expected a thread_id in it: "
            'give {"configurable": {"thread_id": "ada"}}'
        )
    space, id = inner.get("checkpoint_ns"), inner.get("checkpoint_id")
    return str(inner["thread_id"]), space or "", id or ""


def is_langgraphs(saver: object, *names: str) -> bool:
    """Whether it is LangGraph's saver of such a name, which is not loaded to find out.

    >>> is_langgraphs([], "InMemorySaver")
    False
    """
    return any(
        base.__name__ in names and base.__module__.startswith("langgraph.")
        for base in type(saver).__mro__
    )


# -- the reader ----------------------------------------------------------------------------------


class SaverReader(BaseCheckpointSaver[Any]):
    """Reads from a saver, sync or async, and changes nothing in it.

    It is a saver itself: what a checkpoint's channels mean (which nodes are next, what each wrote)
    is known to the graph alone, which asks its saver.

    Each method raises one sentence when the saver cannot be read: ValueError (a damaged, empty or
    foreign database, a closed connection), TimeoutError (locked), RuntimeError (an event loop that
    cannot answer here and now).
    """

    def __init__(self, saver: Any) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver
        self.at_hand: Any = None
        """A CheckpointTuple to be given without reading and decoding it a second time."""
        self._has_task_path = True

    def get_tuple(self, config: Any) -> Any:
        """LangGraph's CheckpointTuple for a config, or None."""
        _, namespace, id = place_of(config)
        if self.at_hand:
            _, its_namespace, its_id = place_of(self.at_hand.config)
            if namespace == its_namespace and id in ("", its_id):
                return self.at_hand
        if not self._may_have(config):
            return None
        return self._ask(lambda s: s.get_tuple(config), lambda s: s.aget_tuple(config))

    def listed(self, config: Config, **asked: Any) -> tuple[list[Any], str]:
        """All that the saver's `list` gives; and why it ended too early, or nothing.

        It is read to its end at once: a SqliteSaver holds its lock as long as a list is open.
        """
        found: list[Any] = []
        if not self._may_have(config):
            return found, ""

        def collect(saver: Any) -> None:
            for one in saver.list(config, **asked):
                found.append(one)

        async def acollect(saver: Any) -> None:
            async for one in saver.alist(config, **asked):
                found.append(one)

        try:
            self._ask(collect, acollect)
        except (ValueError, TimeoutError) as error:
            if not found:
                raise
            return found, str(error)
        return found, ""

    def get_delta_channel_history(self, **asked: Any) -> Any:
        """What a DeltaChannel is put together from: it lies in several checkpoints."""
        return self._ask(
            lambda s: s.get_delta_channel_history(**asked),
            lambda s: s.aget_delta_channel_history(**asked),
        )

    def _may_have(self, config: Config) -> bool:
        """False where an InMemorySaver would make an empty entry for a thread that is asked for."""
        self.require_tables()
        if not is_langgraphs(self.saver, "InMemorySaver"):
            return True
        place = config["configurable"]
        return place.get("checkpoint_ns", "") in self.saver.storage.get(place["thread_id"], ())

    def _ask(
        self, work: Callable[[Any], Any], awork: Callable[[Any], Coroutine[Any, Any, Any]]
    ) -> Any:
        """The sync answer, or from a saver that has an event loop the async one."""
        loop = self._reachable_loop()
        saver = self._lenient()
        try:
            if loop:
                return answer(awork(saver), loop, self.saver)
            try:
                return work(saver)
            except NotImplementedError:
                if running_loop():
                    raise
                return asyncio.run(awork(saver))
        except NoAnswer:
            raise
        except Exception as error:  # each saver has its own
            raise told(self.saver, error) from error

    def _lenient(self) -> Any:
        """A copy that shares what is stored, with a serialiser that does not fail."""
        try:
            lenient = copy.copy(self.saver)
            lenient.serde = _Lenient(self.saver.serde)
        except Exception:  # a wrapper, say, that hands on whatever it is asked for
            return self.saver
        if is_langgraphs(self.saver, *_ON_SQLITE):
            # As if it had been set up: that would commit, switch the log on, and alter old tables.
            lenient.is_setup, lenient._has_task_path = True, self._has_task_path
        return lenient

    def _reachable_loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop of an async saver, if it has one; RuntimeError if it cannot answer now."""
        loop = loop_of(self.saver)
        if loop is None:
            return None
        if running_loop() is loop:
            raise NoAnswer(self.saver, *HERE)
        if not loop.is_running():
            raise NoAnswer(self.saver, "is closed" if loop.is_closed() else "stands still")
        # One that runs may be held up, by this very caller perhaps: it is asked for nothing first.
        ping = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            ping.result(PATIENCE)
        except TimeoutError as error:
            ping.cancel()
            cure = "something holds it up, so await where it blocks, then call again"
            state = f"did not answer in {PATIENCE:.0f} seconds"
            raise NoAnswer(self.saver, state, cure) from error
        return loop

    def tables(self) -> list[str]:
        """The names of the tables in a SQLite database; those of LangGraph's for other savers.

        A SQLite saver makes its own in whatever file it was given when it is first used.
        """
        if not is_langgraphs(self.saver, *_ON_SQLITE):
            return list(TABLES)
        tables = dict(self._ask(_rows, _arows))
        self._has_task_path = "task_path" in tables.get("writes", "")
        return list(tables)

    def require_tables(self) -> None:
        """Raise ValueError when a SQLite database has no tables of LangGraph's."""
        tables = self.tables()
        if set(TABLES) <= set(tables):
            return
        name = _file_name(self.saver)
        if not tables:
            raise ValueError(
                f"{name} is empty, expected checkpoints in it: no graph has saved to it yet, so "
                "invoke one, or look whether the path is right"
            )
        found = ", ".join(tables[:4]) + (", …" if len(tables) > 4 else "")
        raise ValueError(
            f"{name} holds other tables ({found}), expected LangGraph's ({' and '.join(TABLES)}): "
            "give the file that a SqliteSaver wrote"
        )


_ON_SQLITE = ("SqliteSaver", "AsyncSqliteSaver")
_TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"


def _rows(saver: Any) -> list[tuple[str, str]]:
    with saver.lock:
        return list(saver.conn.execute(_TABLES))


async def _arows(saver: Any) -> list[tuple[str, str]]:
    return list(await saver.conn.execute_fetchall(_TABLES))


class NoAnswer(RuntimeError):
    """The event loop of an async saver cannot answer here and now."""

    def __init__(
        self, saver: Any, state: str, cure: str = "make the saver anew in the loop that runs now"
    ) -> None:
        super().__init__(
            f"the event loop of the {type(saver).__name__} {state}, expected one that runs in "
            f"another thread and is free: {cure}"
        )


HERE = ("runs in this very thread", "make the same call with await asyncio.to_thread(…)")


def answer(work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, saver: Any) -> Any:
    """What the loop answers; a loop that ends meanwhile would never do so."""
    future = asyncio.run_coroutine_threadsafe(work, loop)
    while not wait([future], timeout=1).done:
        if not loop.is_running():
            future.cancel()
            raise NoAnswer(saver, "ended before it had answered")
    return future.result()


def path_of(connection: sqlite3.Connection) -> str:
    """The path of a connection's main file; empty for one in memory."""
    _, _, path = connection.execute("PRAGMA database_list").fetchone()  # number 0 is the main one
    return str(path or "")


def loop_of(keeper: object) -> asyncio.AbstractEventLoop | None:
    """The event loop through which a saver or a store answers, if it has one."""
    loop = getattr(keeper, "loop", None)
    return loop if isinstance(loop, asyncio.AbstractEventLoop) else None


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


# -- what cannot be read -------------------------------------------------------------------------


class Unread(UserDict[str, Any]):
    """Stands where a stored value could not be read: why, and how many bytes it has.

    A saver that looks for the parts of a checkpoint in it finds empty ones.
    """

    def __init__(self, why: str, size: int) -> None:
        super().__init__(id="", channel_versions={}, versions_seen={}, channel_values={})
        self.data[UNREAD] = self.why = why
        self.size = size

    def __repr__(self) -> str:
        return f"(cannot be read: {self.why})"


class _Lenient:
    """A serialiser that gives a stand-in for what it cannot read."""

    def __init__(self, serde: Any) -> None:
        self._serde = serde

    def dumps_typed(self, value: Any) -> Any:
        return self._serde.dumps_typed(value)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        try:
            return self._serde.loads_typed(data)
        except Exception as error:  # each serialiser has its own
            return Unread(why_unread(data[0], error), len(data[1] or b""))


def why_unread(kind: str, error: Exception) -> str:
    """Why a stored value could not be read; `kind` is what the saver calls its format."""
    if "+" not in str(kind):
        return first_line(error)
    if isinstance(error, NotImplementedError):
        return (
            f"it is encrypted ({kind}) and the saver has no key: give the saver the "
            "serde=EncryptedSerializer(…) that wrote it"
        )
    return f"it is encrypted ({kind}) and this key does not open it ({first_line(error)})"


def first_line(error: BaseException) -> str:
    """An error in a line.

    >>> first_line(ValueError("no"))
    'ValueError: no'
    """
    words = str(error).strip().splitlines()
    name = type(error).__name__
    return f"{name}: {shorten(' '.join(words[:2]), 120)}" if words else name


def is_of_database(error: Exception) -> bool:
    """Whether SQLite or Postgres says no, and not the saver or the graph."""
    return isinstance(error, sqlite3.Error) or type(error).__module__.startswith("psycopg")


def told(saver: Any, error: Exception) -> Exception:
    """What a saver says against being read, as one sentence that says what to do."""
    whole = f"{type(error).__module__}.{type(error).__name__}: {error}"
    kind, sentence = next(_TOLD[sign] for sign in _TOLD if re.match(sign, whole, re.DOTALL))
    name, file, said = type(saver).__name__, _file_name(saver), first_line(error)
    return kind(sentence.format(name=name, file=file, said=said, error=error))


# What an error begins with, by module and class: psycopg is not imported to ask for its classes.
# The first that fits is told. aiosqlite raises a ValueError where a connection is closed.
_TOLD: dict[str, tuple[type[Exception], str]] = {
    r"builtins\.NotImplementedError": (
        RuntimeError,
        "the {name} cannot be read without await ({said}), expected one with list and get_tuple: "
        "make the same call with await asyncio.to_thread(…), or give the graph a sync saver",
    ),
    r"sqlite3\.ProgrammingError: .*same thread": (
        ValueError,
        "the saver's connection belongs to another thread ({said}), expected one for all threads: "
        "sqlite3.connect(path, check_same_thread=False)",
    ),
    r"sqlite3\.ProgrammingError|builtins\.ValueError: .*onnection": (
        ValueError,
        "the saver's connection cannot be used ({said}), expected an open one: open the file again",
    ),
    r"sqlite3\..*(locked|busy)|.*\.LockNotAvailable:": (
        TimeoutError,
        "{file} is locked by another connection, expected one that can be read: "
        "commit or close the other, then call again",
    ),
    r"sqlite3\..*readonly": (
        ValueError,
        "{file} cannot be written to ({error}), expected one that can: open it for writing",
    ),
    r"sqlite3\.": (
        ValueError,
        "{file} cannot be read ({error}), expected a whole SQLite database: "
        "take a copy from before the damage",
    ),
    r"psycopg.*UndefinedTable": (
        ValueError,
        "the database of the {name} cannot be read ({said}), expected LangGraph's tables in it: "
        "call saver.setup() once",
    ),
    r"psycopg": (
        ValueError,
        "the database of the {name} cannot be read ({said}), expected a connection that is open, "
        "free and allowed to: look at it, or at its pool, and whether the server runs",
    ),
    r"": (
        ValueError,
        "the {name} cannot be read ({said}), expected a saver that gives its checkpoints: "
        "look at what it does in list and get_tuple",
    ),
}


def _file_name(saver: Any) -> str:
    """The file of a SQLite saver in words, by its last name alone."""
    if not is_langgraphs(saver, "SqliteSaver"):
        return f"the database of the {type(saver).__name__}"
    try:
        path = path_of(saver.conn)
    except sqlite3.Error:  # a closed connection
        return "the database"
    return f"the database {os.path.basename(path) or 'in memory'}"
