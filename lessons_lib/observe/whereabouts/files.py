"""Files and folders: read as bytes, without a change to them and without a lock let go.

On POSIX a process that closes a file loses all locks it holds on it, also those that SQLite took
through another descriptor (sqlite.org/howtocorrupt.html, 2.2): a look at a database that is open
here could corrupt it. So what is open in this process is read by a child process.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from .database import BROKEN, is_database, search_database
from .fact import Text
from .finds import Find, Found
from .values import paths_in

LARGEST = 1 << 29
_BESIDE = ("-wal", "-journal", "-shm")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
"""How gzip, zip, bzip2, xz and zstandard begin."""
_CHILD = """
import pickle, sys
pickle.dump([open(path, "rb").read() for path in sys.argv[1:]], sys.stdout.buffer)
"""


def search_path(path: Path, text: Text) -> Found:
    """All places in a file, or in the files of a folder and of those in it, that have a text."""
    found = Found()
    for name, file in _files(path, found.unread):
        try:
            if not file.is_file():
                found.unread.append(f"{name} was not searched: it is neither a file nor a folder.")
            elif file.stat().st_size > LARGEST:
                found.unread.append(f"{name} was not searched: it is larger than half a gibibyte.")
            else:
                _search_file(name, file, text, found)
        except OSError as error:
            found.unread.append(f"{name} was not searched: {error.strerror or error}.")
    return found


def _files(path: Path, unread: list[str]) -> list[tuple[str, Path]]:
    """The files to search, with the names by which they are called, in the order of those."""
    if not path.is_dir():
        return [(path.name, path)]
    named: list[Path] = []
    errors: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=errors.append):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        unread += [f"{name} was not searched: it is a link to a folder." for name in links]
        named += [Path(folder, name) for name in files]
    unread += [f"{error.filename} was not searched: {error.strerror}." for error in errors]
    kept = (file for file in named if file.is_file() and not _is_beside(file))
    return sorted((file.relative_to(path).as_posix(), file) for file in kept)


def _is_beside(file: Path) -> bool:
    """Whether a file belongs to a database that is there, and is read with it."""
    return any(
        file.name.endswith(end) and file.with_name(file.name.removesuffix(end)).is_file()
        for end in _BESIDE
    )


def _search_file(name: str, file: Path, text: Text, found: Found) -> None:
    beside = [file.with_name(file.name + end) for end in ("-wal", "-journal")]
    data, log, journal = _read_at_rest(name, [file, *beside], found.unread)
    if is_database(data):
        try:
            found.add(search_database(name, data, text, log, journal))
            return
        except BROKEN as error:
            said = f"{name} was not read as a database: {error}. Its bytes were searched."
            found.unread.append(said)
    if data.startswith(_PACKED):
        found.unread.append(f"{name} is compressed: what is packed in it was not searched.")
    in_cluster = any((folder / "PG_VERSION").is_file() for folder in file.parents)
    erased_by = "the server: where_is(fact, saver) says how" if in_cluster else "deleting the file"
    for place, plain in ((name, data), (beside[0].name, log), (beside[1].name, journal)):
        if count := text.count(plain):
            what = _sort(plain, text)
            found.finds.append(Find(place, "file", what, "the file", erased_by, count))


def _sort(data: bytes, text: Text) -> str:
    """What sort of file some bytes are; of JSON also the first path that has the text."""
    if data[:1] == b"\x80" and data[-1:] == b".":
        return "pickle"
    if data[:1] in (b"{", b"["):
        try:
            return f"JSON {next(paths_in(json.loads(data), text), '')}".strip()
        except (ValueError, RecursionError):
            return "text"
    return "bytes" if b"\0" in data else "text"


# -- reading -------------------------------------------------------------------------------------


def _read_at_rest(name: str, paths: Sequence[Path], unread: list[str]) -> list[bytes]:
    """The bytes of files that belong together, read anew when one was written to meanwhile."""
    for _ in range(5):
        before = _states(paths)
        read = read_bytes(paths)
        if _states(paths) == before:
            return read
    unread.append(f"{name} was written to while it was read: look again when it rests.")
    return read


def _states(paths: Sequence[Path]) -> list[tuple[int, int]]:
    return [(path.stat().st_size, path.stat().st_mtime_ns) for path in paths if path.is_file()]


def read_bytes(paths: Sequence[Path]) -> list[bytes]:
    """The bytes of some files, empty for those that are not there.

    A file that cannot be read raises OSError.
    """
    there = [path for path in paths if path.is_file()]
    read = _read_by_child(there) if open_here(there) else [path.read_bytes() for path in there]
    known = dict(zip(there, read, strict=True))
    return [known.get(path, b"") for path in paths]


def open_here(paths: Sequence[Path]) -> bool:
    """Whether this process has one of some files open, and would lose its locks by a look."""
    if os.name == "nt":
        return False
    try:
        opened = [file.path for file in psutil.Process().open_files() if os.path.exists(file.path)]
    except psutil.Error:
        return True
    return any(path.exists() and path.samefile(name) for path in paths for name in opened)


def _read_by_child(paths: Sequence[Path]) -> list[bytes]:
    command = [sys.executable, "-I", "-S", "-c", _CHILD, *map(str, paths)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    read: list[bytes] = pickle.loads(done.stdout)
    return read
