"""One SQLite database and the files beside it: where a text is in them, and what erases it.

The bytes are put together in memory as a reader of the database would see them, and SQLite itself
is asked for the rows. It never opens the files: that might copy the write-ahead log into the
database. What a deletion left is what stands in the pages more often than in the same database
written anew. A text that goes over from one page to the next is found in rows alone.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from .fact import Text
from .finds import Find, Found
from .keepers import Decode
from .rows import Rows, search_rows

MAGIC = b"SQLite format 3\x00"
BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a database that is damaged; its own words of it may be no UTF-8."""
_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_CLOSE = f"{_TRUNCATE}, or closing the last connection"


@dataclass(frozen=True)
class Files:
    """The bytes of a database file and of what lies beside it; empty for what is not there."""

    name: str
    data: bytes
    log: bytes = b""
    journal: bytes = b""


def is_database(data: bytes) -> bool:
    """Whether some bytes begin as a SQLite database does."""
    return data.startswith(MAGIC) and len(data) >= 100


def search_database(files: Files, text: Text, decode: Decode | None = None) -> Found:
    """All places in a database that have a text.

    Raises one of BROKEN when SQLite cannot read the file at all.
    """
    found, name = Found(), files.name
    frames, size = read_log(files.log)
    data = _with_log(files.data, frames, size)
    with closing(_opened(data)) as database:
        found.add(search_rows(name, _tables(database), text, decode))
        first = "the row's deletion" if found.finds else "VACUUM"
        try:
            database.execute("VACUUM")
            found.finds += _left_over(name, data, database.serialize(), text)
        except BROKEN as error:
            found.unread.append(f"{name} was not searched for what deletions left: {error}.")
    if frames:
        found.finds += _old_pages(files, data, text)
    found.finds += _in_log(f"{name}-wal", frames, text, first)
    if files.log and not frames and text.inside(files.log):
        what = "no log that can be read"
        found.finds.append(Find(f"{name}-wal", "write-ahead log", what, "the file", _CLOSE))
    if count := text.count(files.journal):
        held_by = "the rollback journal"
        erased_by = "the end of the transaction, or PRAGMA journal_mode = DELETE"
        what, place = "pages as they were", f"{name}-journal"
        found.finds.append(Find(place, "page", what, held_by, erased_by, count, certain=False))
    return found


def _opened(data: bytes) -> sqlite3.Connection:
    """A connection to a copy of a database in memory."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    # Where the header speaks of a write-ahead log, SQLite wants a file: say that there is none.
    database.deserialize(data[:18] + b"\x01\x01" + data[20:])
    database.execute("PRAGMA temp_store = MEMORY")
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    return database


def _pages(data: bytes) -> list[bytes]:
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    return _cut(data, size)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _tables(database: sqlite3.Connection) -> Iterator[tuple[str, Rows]]:
    made = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    for table in ["sqlite_master", *(row[0] for row in database.execute(made).fetchall())]:
        yield table, _rows(database, table.replace('"', '""'))


def _rows(database: sqlite3.Connection, quoted: str) -> Rows:
    rows = database.execute(f'SELECT * FROM "{quoted}"')
    columns = [column[0] for column in rows.description]
    yield from (dict(zip(columns, values, strict=True)) for values in rows)


# -- what was deleted and is still there ---------------------------------------------------------


def _left_over(name: str, data: bytes, anew: bytes, text: Text) -> Iterator[Find]:
    """What stands in free pages, and in pages in use more often than the rows account for."""
    in_free = sum(text.count(page) for page in _free_pages(_pages(data)))
    in_use = text.count(data) - in_free - text.count(anew)
    for kind, count in (("free page", in_free), ("free space in a page", in_use)):
        if count > 0:
            what = "left by a deletion"
            yield Find(name, kind, what, "the file", "VACUUM", count, certain=False)


def _free_pages(pages: list[bytes]) -> list[bytes]:
    """The free pages: a chain of trunks, each with a list of leaves."""
    found: dict[int, bytes] = {}
    trunk = struct.unpack_from(">I", pages[0], 32)[0]
    while 0 < trunk <= len(pages) and trunk not in found:
        page = found[trunk] = pages[trunk - 1]
        trunk, count, *leaves = struct.unpack(f">{len(page) // 4}I", page[: len(page) // 4 * 4])
        found |= {n: pages[n - 1] for n in leaves[:count] if 0 < n <= len(pages)}
    return list(found.values())


def _old_pages(files: Files, data: bytes, text: Text) -> Iterator[Find]:
    """Pages in the file of which the log has a newer version, and pages past the end."""
    now = _pages(data)
    old = enumerate(_pages(files.data))
    count = sum(text.count(page) for n, page in old if n >= len(now) or page != now[n])
    if count:
        what = "replaced in the write-ahead log"
        yield Find(files.name, "old page", what, "the file", _TRUNCATE, count, certain=False)


# -- the write-ahead log -------------------------------------------------------------------------


class Frame(NamedTuple):
    """A page in a write-ahead log, in the version of one transaction, and what it is by now."""

    page: int
    state: str
    data: bytes


_NOW, _WERE, _OPEN = (
    "pages as they are now",
    "pages as they were",
    "pages of a transaction that is not over",
)


def read_log(log: bytes) -> tuple[list[Frame], int]:
    """The frames of a write-ahead log, and how many pages the database has by its last commit.

    Each begins with its page's number, the size after a commit (or 0) and the salts of its round;
    after a restart of the log, frames of an earlier round stand behind the new ones
    (sqlite.org/fileformat2.html, 4.1).
    """
    if len(log) < 32 or struct.unpack_from(">I", log)[0] not in (0x377F0682, 0x377F0683):
        return [], 0
    length, salts = struct.unpack_from(">I", log, 8)[0], log[16:24]
    places = range(32, len(log) - length - 23, length + 24)
    heads = [struct.unpack_from(">II8s", log, at) for at in places]
    old = [number for number, (_, _, salt) in enumerate(heads) if salt != salts]
    this_round = heads[: old[0]] if old else heads
    committed = max((n + 1 for n, (_, size, _) in enumerate(this_round) if size), default=0)
    size = heads[committed - 1][1] if committed else 0
    newest = {page: n for n, (page, _, _) in enumerate(heads[:committed]) if page <= size}
    frames = []
    for number, (at, (page, _, _)) in enumerate(zip(places, heads, strict=True)):
        state = _OPEN if committed <= number < len(this_round) else _WERE
        state = _NOW if newest.get(page) == number else state
        frames.append(Frame(page, state, log[at + 24 : at + 24 + length]))
    return frames, size


def _with_log(data: bytes, frames: list[Frame], size: int) -> bytes:
    """A database file with the newest pages of its log laid over it."""
    if not size:
        return data
    empty = bytes(len(frames[0].data))
    pages = dict(enumerate(_cut(data, len(empty)), 1))
    pages |= {frame.page: frame.data for frame in frames if frame.state == _NOW}
    return b"".join(pages.get(number, empty) for number in range(1, size + 1))


def _in_log(name: str, frames: list[Frame], text: Text, first: str) -> Iterator[Find]:
    """The log; `first` is what must be done before its newest pages can be erased."""
    erased_by = {
        _NOW: f"{first}, then {_TRUNCATE}",
        _WERE: _CLOSE,
        _OPEN: f"ROLLBACK, then {_TRUNCATE}",
    }
    found = Counter(frame.state for frame in frames if text.inside(frame.data))
    for state, how in erased_by.items():
        if found[state]:
            held_by = "the write-ahead log"
            yield Find(name, "frame", state, held_by, how, found[state], certain=False)
