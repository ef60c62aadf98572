"""Open a memory's SQLite file, if it is one: what is damaged or another's stays as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that a statement waits for another connection's writes."""


def open_file(path: Path, ours: Mapping[str, str], **options: Any) -> sqlite3.Connection:
    """Open a SQLite file (or make it, with its folder) for use in several threads.

    - `ours`: tables of the memory, each with a column; a file that was used has one at least.
    - `options`: more for `sqlite3.connect`.

    Raises ValueError when the file is no database, a damaged one, or one that has other tables;
    TimeoutError when another connection has locked it for half a minute.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection: sqlite3.Connection = sqlite3.connect(
        path, timeout=PATIENCE, check_same_thread=False, **options
    )
    try:
        _require(connection, path, ours)
    except BaseException:
        connection.close()
        raise
    return connection


def _require(connection: sqlite3.Connection, path: Path, ours: Mapping[str, str]) -> None:
    try:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        tables = [name for (name,) in connection.execute(names)]
        known = [_has(connection, table, column) for table, column in ours.items()]
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise TimeoutError(
            f"{path} has been locked by another connection for {PATIENCE:g} s: let that one end "
            "its transaction, then try again"
        ) from error
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"{path} cannot be read, {error}: move it away to begin anew, or put a copy in its "
            "place"
        ) from error
    if tables and not any(known):
        raise ValueError(
            f"{path} is another program's database, with the tables {', '.join(tables[:4])}: give "
            "this memory a folder of its own"
        )


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))
