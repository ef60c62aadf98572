"""Files and folders: read as bytes, without a change to them and without a lock let go.

On POSIX a process that closes a file loses all locks it holds on it, also those that SQLite took
through another descriptor (sqlite.org/howtocorrupt.html, 2.2): a look at a database that is open
here could corrupt it. So what is open in this process is read by a child process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from .database import Decode, Files, finds_in_database, is_database
from .fact import Text
from .finds import Find
from .keepers import paths_in

LARGEST = 1 << 30
_DATABASES = (".db", ".sqlite", ".sqlite3")
_BESIDE = ("-wal", "-journal", "-shm")
_CHILD = """
import sys
for path in sys.argv[1:]:
    try:
        data = open(path, "rb").read()
    except OSError:
        data = b""
    sys.stdout.buffer.write(len(data).to_bytes(8, "big") + data)
"""


@dataclass
class OnDisk:
    """What was found on disk, and what is to be said of the files."""

    finds: list[Find] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def search_path(path: Path, text: Text, decode: Decode | None = None) -> OnDisk:
    """All places in a file, or in the files of a folder and of those in it, that have a text."""
    found = OnDisk()
    if not path.exists():
        raise FileNotFoundError(
            f"{str(path)!r} is not there, expected a file or a folder: check the path"
        )
    for name, file in _files(path):
        try:
            _search_file(name, file, text, decode, found)
        except OSError as error:
            found.notes.append(f"{name} was not searched: {error.strerror or error}.")
    return found


def _files(path: Path) -> list[tuple[str, Path]]:
    """The files to search, with the names by which they are called, in the order of those."""
    if not path.is_dir():
        return [(path.name, path)]
    files = (file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    named = sorted((file.relative_to(path).as_posix(), file) for file in files)
    return [(name, file) for name, file in named if not _is_beside(file)]


def _is_beside(file: Path) -> bool:
    """Whether a file belongs to a database that is there, and is read with it."""
    return any(
        file.name.endswith(end) and file.with_name(file.name.removesuffix(end)).is_file()
        for end in _BESIDE
    )


def _search_file(name: str, file: Path, text: Text, decode: Decode | None, found: OnDisk) -> None:
    beside = [file.with_name(file.name + end) for end in ("-wal", "-journal")]
    if file.stat().st_size > LARGEST:
        found.notes.append(f"{name} was not searched: it is larger than a gibibyte.")
        return
    data, log, journal = read_bytes([file, *beside])
    if is_database(data):
        finds, troubles = finds_in_database(Files(name, data, log, journal), text, decode)
        found.finds += finds
        found.notes += troubles
        return
    found.notes += _strange(name, data)
    found.finds += _plain(name, data, text)
    for path, rest in zip(beside, (log, journal), strict=True):
        found.finds += _plain(path.name, rest, text)


def _strange(name: str, data: bytes) -> Iterator[str]:
    """What to say of a file that is called a database and is none."""
    if not name.endswith(_DATABASES):
        return
    if not data:
        yield f"{name} is empty: SQLite takes it for a database without tables."
    elif data.startswith(b"SQLite format 3\0"):
        yield f"{name} is cut off inside its header. What is there was searched as plain bytes."
    else:
        yield f"{name} is no SQLite database, for all its name. It was searched as plain bytes."


def _plain(name: str, data: bytes, text: Text) -> Iterator[Find]:
    """A file that is no database: pickle, JSON, text or anything else."""
    if not text.inside(data):
        return
    kind, what = _sort(data, text)
    count = sum(data.count(form) for form in dict.fromkeys(text.in_bytes))
    yield Find(name, "file", what or kind, "the file", "deleting the file", max(1, count))


def _sort(data: bytes, text: Text) -> tuple[str, str]:
    """What sort of file some bytes are, and, of JSON, the first path that has the text."""
    if data[:1] == b"\x80" and data[-1:] == b".":
        return "pickle", ""
    if data[:1] in (b"{", b"["):
        try:
            path = next(paths_in(json.loads(data), text), "")
        except (ValueError, RecursionError):
            return "text", ""
        return "JSON", f"JSON {path}".strip()
    return ("bytes" if b"\0" in data else "text"), ""


# -- reading -------------------------------------------------------------------------------------


def read_bytes(paths: Iterable[Path]) -> list[bytes]:
    """The bytes of some files, empty for those that are not there.

    A file that cannot be read raises OSError.
    """
    wanted = list(paths)
    through_child = [path for path in wanted if path.is_file()] if open_here(wanted) else []
    by_child = dict(zip(through_child, _read_by_child(through_child), strict=True))
    return [
        by_child[path] if path in by_child else path.read_bytes() if path.is_file() else b""
        for path in wanted
    ]


def open_here(paths: list[Path]) -> bool:
    """Whether this process has one of some files open, and would lose its locks by a look."""
    if os.name == "nt":
        return False
    try:
        names = [file.path for file in psutil.Process().open_files()]
    except psutil.Error:
        return True
    ours = {_identity(path) for path in paths} - {None}
    return not ours.isdisjoint(map(_identity, names))


def _identity(path: Path | str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read_by_child(paths: list[Path]) -> list[bytes]:
    if not paths:
        return []
    command = [sys.executable, "-I", "-S", "-c", _CHILD, *map(str, paths)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    found, at = [], 0
    for _ in paths:
        size = int.from_bytes(out[at : at + 8], "big")
        found.append(out[at + 8 : at + 8 + size])
        at += 8 + size
    return found
