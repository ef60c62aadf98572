"""A saver's SQLite database: is it one, is it LangGraph's, can it be read now?

A SqliteSaver sets a database up when it is first used, with tables of its own in whatever file it
was given. So the file is looked at first, and a file that is none of LangGraph's stays as it is.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .asked import is_sqlite

TABLES = ("checkpoints", "writes")


@contextmanager
def readable(saver: Any) -> Iterator[None]:
    """Read from a saver in the block; what SQLite says against it becomes one sentence.

    Raises:
        ValueError: The file is damaged, or no database, or not LangGraph's, or its connection
            is closed.
        TimeoutError: Another connection has locked it.
        RuntimeError: The saver waits for the event loop that this very call holds up.
    """
    with told_plainly(saver):
        if is_sqlite(saver):
            with saver.lock:
                require_tables(saver.conn)
        yield


@contextmanager
def told_plainly(saver: Any) -> Iterator[None]:
    """What a saver says against being read becomes one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        raise _plainly(saver, error) from error
    except (asyncio.InvalidStateError, NotImplementedError) as error:
        raise RuntimeError(
            f"the {type(saver).__name__} cannot be read from here, expected a saver that needs no "
            "await: make the same call in another thread, with await asyncio.to_thread(…)"
        ) from error


def tables_in(connection: sqlite3.Connection) -> list[str]:
    """The names of the tables in a database."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows]


def is_set_up(saver: Any) -> bool:
    """Whether a SqliteSaver's database has LangGraph's tables: a saver makes them when asked."""
    with saver.lock:
        return set(TABLES) <= set(tables_in(saver.conn))


def require_tables(connection: sqlite3.Connection) -> None:
    """Raise ValueError when LangGraph's tables are not in the database."""
    found = tables_in(connection)
    if set(TABLES) <= set(found):
        return
    name = name_of(connection)
    if not found:
        raise ValueError(
            f"{name} is empty, expected checkpoints in it: no graph has saved to it yet, so invoke "
            "one, or look whether the path is right"
        )
    tables = ", ".join(found[:4]) + (", …" if len(found) > 4 else "")
    raise ValueError(
        f"{name} holds other tables ({tables}), expected LangGraph's ({' and '.join(TABLES)}): "
        "give the file that a SqliteSaver wrote"
    )


def name_of(connection: sqlite3.Connection) -> str:
    """The file of a connection in words, by its last name alone."""
    path = path_of(connection)
    if not path:
        return "the database in memory"
    return f"the database {path.replace(chr(92), '/').rsplit('/', 1)[-1]}"


def path_of(connection: sqlite3.Connection) -> str:
    """The path of a connection's main file; empty for one in memory."""
    for _, name, path in connection.execute("PRAGMA database_list"):
        if name == "main":
            return str(path or "")
    return ""


def _plainly(saver: Any, error: sqlite3.Error) -> Exception:
    words = str(error)
    if isinstance(error, sqlite3.ProgrammingError):
        return ValueError(
            f"the saver's connection cannot be used ({words.rstrip('.')}), expected an open one: "
            "open the file again"
        )
    name = _known_name(saver)
    if "locked" in words or "busy" in words:
        return TimeoutError(
            f"{name} is locked by another connection, expected one that can be read: "
            "commit or close the other, then call again"
        )
    return ValueError(
        f"{name} cannot be read ({words}), expected a whole SQLite database: "
        "take a copy from before the damage"
    )


def _known_name(saver: Any) -> str:
    try:
        return name_of(saver.conn)
    except (sqlite3.Error, AttributeError):
        return "the database"
