"""What may be given as a place to search, and where what it keeps lies."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...database.aside import is_postgres
from .database import search_database
from .fact import Text
from .files import search_path
from .finds import Found, told
from .keepers import is_keeper, is_readable, search_keeper
from .postgres import search_postgres


def checked_places(places: Sequence[object]) -> None:
    """Refuse, before anything is searched, what is no place and a path that is not there."""
    for place in places:
        if isinstance(place, (str, os.PathLike)):
            if not Path(place).exists():
                raise FileNotFoundError(
                    f"{str(place)!r} is not there, expected a file or a folder: check the path"
                )
        elif not (
            is_keeper(type(place)) or _is_graph(place) or isinstance(place, sqlite3.Connection)
        ):
            name = type(place).__name__
            shown = f"the class {place.__name__}" if isinstance(place, type) else name
            raise TypeError(
                f"{shown} is no place to search, expected a saver, a store, a "
                "compiled graph, or the path of a file or a folder: give one of these"
            )


def search_places(places: Sequence[object], text: Text) -> Found:
    """All places on disk, in databases, and in what savers and stores list, that have a text."""
    found = Found()
    for place in places:
        for part in _parts(place, found.notes):
            found.add(_searched(part, text))
    return found


def _is_graph(place: object) -> bool:
    return any(base.__name__ == "Pregel" for base in type(place).__mro__)


def _parts(place: Any, notes: list[str]) -> Iterator[Any]:
    """What a place is made of: of a graph, its saver, its store and its cache."""
    if not _is_graph(place):
        yield place
        return
    parts = (place.checkpointer, place.store, place.cache)
    kept = [part for part in parts if is_keeper(type(part))]
    if not kept:
        notes.append("The graph has neither a checkpointer nor a store: it keeps nothing.")
    yield from kept


def _searched(place: Any, text: Text) -> Found:
    if isinstance(place, (str, os.PathLike)):
        return search_path(Path(place), text)
    if is_readable(place) or type(place).__name__ == "InMemoryCache":
        return Found()  # found already, as all that live in this process
    name = "the connection" if isinstance(place, sqlite3.Connection) else type(place).__name__
    inside = getattr(place, "conn", getattr(place, "_conn", None))
    connection = place if isinstance(place, sqlite3.Connection) else inside
    text = replace(text, serde=getattr(place, "serde", None))
    try:
        if isinstance(connection, sqlite3.Connection):
            where, data = _file_of(connection)
        elif type(connection).__module__.startswith("aiosqlite"):
            where, data = _asked_aside(connection)
        elif is_postgres(connection):
            return search_postgres(connection, text)
        else:
            return _listed(place, name, text)
        found = search_path(Path(where), text) if where else search_database(name, data, text)
        if where and getattr(connection, "in_transaction", False):
            found.unread.append(f"{name}: what its open transaction has changed was not searched.")
        return found
    except Exception as error:  # whatever its database, its driver or its thread has to say
        said = f"{name} was not searched: it does not tell what it has ({told(error)})."
        return Found(unread=[said])


# -- databases in a file -------------------------------------------------------------------------


def _file_of(connection: sqlite3.Connection) -> tuple[str, bytes]:
    """The path of a connection's file; or, where it has none, the database itself.

    Asking for the file's name reads nothing of the database.
    """
    cursor = connection.cursor()
    cursor.row_factory = None
    path = next(cursor.execute("PRAGMA database_list"))[2]
    return path, b"" if path else connection.serialize()


def _asked_aside(connection: Any) -> tuple[str, bytes]:
    """The same of an aiosqlite connection, in a thread with a loop of its own.

    What aiosqlite does runs in a thread of the connection's, and any loop may wait for it: the
    one that runs the caller's cell is not needed.
    """

    async def ask() -> tuple[str, bytes]:
        async with connection.execute("PRAGMA database_list") as cursor:
            path = tuple(await cursor.fetchone())[2]
        if path:
            return path, b""
        with closing(sqlite3.connect(":memory:", check_same_thread=False)) as copy:
            await connection.backup(copy)
            return "", copy.serialize()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


# -- any other saver or store: what it lists -----------------------------------------------------


def _listed(place: Any, name: str, text: Text) -> Found:
    """Search what a saver or a store lists; its loop is looked at first, and never waited for."""
    if why := _out_of_reach(place):
        return Found(unread=[f"{name} was not searched: {why}."])
    found = search_keeper(place, text)
    found.unread.append(f"{name}: only what it lists was searched, not what deletions left.")
    return found


def _out_of_reach(place: Any) -> str:
    """Why an asynchronous saver or store cannot be asked from here, and what can be done."""
    loop = getattr(place, "loop", None) or getattr(place, "_loop", None)
    if not isinstance(loop, asyncio.AbstractEventLoop):
        return ""
    if loop.is_closed():
        return "its event loop is closed; make it anew in a loop that runs"
    if not loop.is_running():
        return "its event loop stands still; search while it runs"
    if asyncio._get_running_loop() is loop:
        return "its event loop waits for this very call; write await asyncio.to_thread(where_is, …)"
    return ""
