"""What is done to a memory's files before it is asked again: cut, changed, code hidden in them."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

from lessons_lib.exam.worker import Lab, Trouble


class LeavesAMark:
    """Unpickled, it makes a folder: the harmless stand-in for whatever an attacker wants run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, (str(self.mark),))


def _cut(path: Path, mark: Path) -> None:
    """As a kill in the middle of a write does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _change(path: Path, mark: Path) -> None:
    """Write another name of the same length over the one that was told."""
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve"))


def _hide_code(path: Path, mark: Path) -> None:
    """Put code that leaves a mark in place of a file, or of every blob of a database."""
    if path.read_bytes().startswith(b"SQLite format 3\0"):
        _replace_blobs(path, mark)
    else:
        path.write_bytes(pickle.dumps(LeavesAMark(mark)))


DAMAGES = {"cut in half": _cut, "a name changed": _change, "code hidden": _hide_code}


def suffer(damage: str, lab: Lab) -> str:
    """Damage a copy of the memory's folder (or do nothing to it), ask a new worker for the name,
    and say what it did.
    """
    folder, mark = lab.folder / damage, lab.folder / f"{damage}.mark"
    shutil.copytree(lab.memory, folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    before = [path.read_bytes() for path in files]
    for path in files if damage in DAMAGES else ():
        DAMAGES[damage](path, mark)
    if damage == "a name changed" and before == [path.read_bytes() for path in files]:
        return "nothing was there to be changed"
    try:
        answer = lab.worker(folder).ask().answer
    except Trouble:
        return "ran the code" if mark.exists() else "refused"
    if mark.exists():
        return "ran the code"
    if answer == "Your name is Ada.":
        return "not believed" if damage == "a name changed" else "answered well"
    return "believed it" if answer == "Your name is Eve." else "began anew, without a word"


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
                (_msgpack(mark), pickle.dumps(LeavesAMark(mark))),
            )
    database.commit()
    database.close()


def _msgpack(mark: Path) -> bytes:
    """Code as LangGraph's msgpack can hold it: a function that is called when it is read.

    An extension of type 0 is a module, a name in it, and the argument that it is called with.
    """
    call = b"\x93" + b"".join(map(_msgpack_text, ("os", "mkdir", str(mark))))
    return b"\xc8" + struct.pack(">HB", len(call), 0) + call


def _msgpack_text(text: str) -> bytes:
    data = text.encode()
    return b"\xda" + struct.pack(">H", len(data)) + data
