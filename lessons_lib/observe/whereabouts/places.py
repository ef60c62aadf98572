"""What may be given as a place to search, and where what it keeps lies."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .database import Decode, Files, finds_in_database
from .fact import Text
from .files import OnDisk, search_path
from .keepers import paths_in
from .live import is_keeper, is_readable


def checked_places(places: Sequence[object]) -> None:
    """Refuse, before anything is searched, what is no place and a path that is not there."""
    for place in places:
        if isinstance(place, (str, os.PathLike)):
            if not Path(place).exists():
                raise FileNotFoundError(
                    f"{str(place)!r} is not there, expected a file or a folder: check the path"
                )
        elif not (is_keeper(type(place)) or _is_graph(place) or _is_open(place)):
            raise TypeError(
                f"{type(place).__name__} is no place to search, expected a saver, a store, a "
                "compiled graph, or the path of a file or a folder: give one of these"
            )


def search_places(places: Sequence[object], text: Text) -> OnDisk:
    """All places on disk, and in databases in memory, that have a text."""
    found = OnDisk()
    for place in places:
        for part in _parts(place, found.notes):
            here = _search(part, text)
            found.finds += [find for find in here.finds if find not in found.finds]
            found.notes += [note for note in here.notes if note not in found.notes]
    return found


def _is_graph(place: object) -> bool:
    names = {base.__name__ for base in type(place).__mro__}
    return "Pregel" in names


def _is_open(place: object) -> bool:
    return isinstance(place, sqlite3.Connection)


def _parts(place: Any, notes: list[str]) -> Iterator[Any]:
    """What a place is made of: of a graph, its saver and its store."""
    if not _is_graph(place):
        yield place
        return
    kept = [part for part in (place.checkpointer, place.store) if is_keeper(type(part))]
    if not kept:
        notes.append("The graph has neither a checkpointer nor a store: it keeps nothing.")
    yield from kept


def _search(place: Any, text: Text) -> OnDisk:
    if isinstance(place, (str, os.PathLike)):
        return search_path(Path(place), text)
    if isinstance(place, sqlite3.Connection):
        return _search_database(place, "the connection", text, None)
    if is_readable(place):
        return OnDisk()  # found already, as all that live in this process
    connection = getattr(place, "conn", None)
    name = type(place).__name__
    if not isinstance(connection, sqlite3.Connection):
        said = f"{name} was not searched: it keeps what it has where this does not read it yet."
        return OnDisk(notes=[said])
    return _search_database(connection, name, text, _decoder(place, text))


def _search_database(
    connection: sqlite3.Connection, name: str, text: Text, decode: Decode | None
) -> OnDisk:
    """Search the file of a connection, or its pages when it has none.

    Asking for the file's name reads nothing of the database.
    """
    try:
        [*_, path] = next(row for row in connection.execute("PRAGMA database_list"))
        if path:
            return search_path(Path(path), text, decode)
        finds, notes = finds_in_database(Files(name, connection.serialize()), text, decode)
    except sqlite3.ProgrammingError as error:
        raise ValueError(
            f"{name} does not tell where its file is ({error}), expected an open connection of "
            "this thread: give the path of the file"
        ) from None
    return OnDisk(finds, notes)


def _decoder(saver: Any, text: Text) -> Decode | None:
    """How to look into blobs that are encrypted: through the saver's own serialiser."""
    serde = getattr(saver, "serde", None)
    if serde is None:
        return None

    def has(form: str, data: bytes) -> bool:
        try:
            return bool(next(paths_in(serde.loads_typed((form, data)), text), ""))
        except Exception:  # another key, or damaged: whatever the serialiser raises
            return False

    return has
