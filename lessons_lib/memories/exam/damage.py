"""What is done to a memory's files before it is asked again: cut, changed, code hidden in them."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from lessons_lib.memories.exam.worker import Lab, Trouble

Damage = Literal["nothing", "cut in half", "a name changed", "code hidden"]
Fate = Literal[
    "refused", "not believed", "answered well", "began anew, without a word", "believed it",
    "ran the code",
]  # fmt: skip


class LeavesAMark:
    """Unpickled, it makes a folder: the harmless stand-in for whatever an attacker wants run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        import os

        return (os.mkdir, (str(self.mark),))


def cut(folder: Path, mark: Path) -> None:
    """Cut every file in half, as a kill in the middle of a write does."""
    for path in _files(folder):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(folder: Path, mark: Path) -> None:
    """Write another name of the same length over the one that was told."""
    for path in _files(folder):
        path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve"))


def hide_code(folder: Path, mark: Path) -> None:
    """Put a pickle that leaves a mark in place of every file, or of every blob of a database."""
    hostile = pickle.dumps(LeavesAMark(mark))
    for path in _files(folder):
        if path.read_bytes().startswith(b"SQLite format 3\0"):
            _replace_blobs(path, hostile)
        else:
            path.write_bytes(hostile)


_DOES: dict[Damage, Callable[[Path, Path], None]] = {
    "nothing": lambda folder, mark: None,
    "cut in half": cut,
    "a name changed": change,
    "code hidden": hide_code,
}
DAMAGES: tuple[Damage, ...] = tuple(_DOES)


def suffer(damage: Damage, lab: Lab) -> Fate:
    """Damage a copy of the memory's folder, ask a new worker for the name, and say what it did."""
    folder, mark = lab.folder / damage, lab.folder / f"{damage}.mark"
    shutil.copytree(lab.memory, folder)
    _DOES[damage](folder, mark)
    try:
        answer = lab.worker(folder).ask().answer
    except Trouble:
        return "ran the code" if mark.exists() else "refused"
    if mark.exists():
        return "ran the code"
    if answer == "Your name is Ada.":
        return "not believed" if damage == "a name changed" else "answered well"
    return "believed it" if answer == "Your name is Eve." else "began anew, without a word"


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]


def _replace_blobs(path: Path, hostile: bytes) -> None:
    database = sqlite3.connect(path)
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
            database.execute(
                f'UPDATE "{table}" SET "{column}" = ? WHERE typeof("{column}") = \'blob\'',
                (hostile,),
            )
    database.commit()
    database.close()
