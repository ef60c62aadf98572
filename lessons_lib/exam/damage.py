"""What is done to what a memory keeps before it is asked again: cut, changed, code hidden in it."""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path

DAMAGES = ("cut in half", "a name changed", "code hidden")


class LeavesAMark:
    """Unpickled, it makes a folder: the harmless stand-in for whatever an attacker wants run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, (str(self.mark),))


def damaged(damage: str, data: bytes, mark: Path, *, msgpack: bool = False) -> bytes:
    """Return some bytes with a damage; code is packed as what reads them expects it.

    >>> damaged("a name changed", b"I am Ada.", Path("mark"))
    b'I am Eve.'
    """
    if damage == "cut in half":  # as a kill in the middle of a write does
        return data[: len(data) // 2]
    if damage == "a name changed":  # another one of the same length
        return data.replace(b"Ada", b"Eve")
    return _msgpack(mark) if msgpack else pickle.dumps(LeavesAMark(mark))


def damage_file(damage: str, path: Path, mark: Path) -> None:
    """Damage a file; code is put in place of all of it, or of every blob of a database."""
    data = path.read_bytes()
    if damage == "code hidden" and data.startswith(b"SQLite format 3\0"):
        _replace_blobs(path, mark)
    else:
        path.write_bytes(damaged(damage, data, mark))


def _replace_blobs(path: Path, mark: Path) -> None:
    """Put code into every blob, packed as the blob itself says it is; JSON has no place for any."""
    database = sqlite3.connect(path)
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")').fetchall()]
        is_msgpack = "type = 'msgpack'" if "type" in columns else "0"
        for column in columns:
            database.execute(
                f'UPDATE "{table}" SET "{column}" = CASE WHEN {is_msgpack} THEN ? ELSE ? END'
                f" WHERE typeof(\"{column}\") = 'blob' AND substr(\"{column}\", 1, 1) <> x'7b'",
                [damaged("code hidden", b"", mark, msgpack=packed) for packed in (True, False)],
            )
    database.commit()
    database.close()


def _msgpack(mark: Path) -> bytes:
    """Code as LangGraph's msgpack can hold it: a function that is called when it is read.

    An extension of type 0 is a module, a name in it, and the argument that it is called with.
    """
    import ormsgpack  # which comes with LangGraph, and is not loaded without it

    return ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("os", "mkdir", str(mark)))))
