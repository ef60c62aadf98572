"""Open a memory's SQLite file, if it is one: what is damaged stays as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that a statement waits for another connection's writes."""


def open_file(path: Path, **options: Any) -> sqlite3.Connection:
    """Open a SQLite file (or make it) for use in several threads; `options` are for `connect`.

    Raises ValueError when the file is no database, or a damaged one.
    """
    connection: sqlite3.Connection = sqlite3.connect(
        path, timeout=PATIENCE, check_same_thread=False, **options
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):  # locked by another connection
            raise
        raise ValueError(
            f"{path} cannot be read, {error}: move it away to begin anew, or put a copy in its "
            "place"
        ) from error
    return connection
