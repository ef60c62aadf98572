"""One SQLite database and the files beside it: where a text is in them, and what erases it.

The bytes are put together in memory as a reader of the database would see them, and SQLite itself
is asked for the rows. It never opens the files: that might copy the write-ahead log into the
database. What a deletion left is what stands in the pages more often than in the same database
written anew. A text that goes over from one page to the next is found in rows alone.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from .fact import Text
from .finds import Found
from .rows import Row, search_rows

BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a database that is damaged; its own words of it may be no UTF-8."""
_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_WERE = "pages as they were"
_MADE = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"


def is_database(data: bytes) -> bool:
    """Whether some bytes begin as a SQLite database does."""
    return data.startswith(b"SQLite format 3\x00") and len(data) >= 100


def search_database(
    name: str, file: bytes, text: Text, log: bytes = b"", journal: bytes = b""
) -> Found:
    """All places that have a text in a database file, in its write-ahead log and in its journal.

    Raises one of BROKEN when SQLite cannot read the file at all.
    """
    found, wal = Found(), read_log(log)
    data = _with_log(file, wal)
    with closing(_opened(data)) as database:
        tables = ["sqlite_schema", *(row["name"] for row in database.execute(_MADE).fetchall())]
        found.add(search_rows(name, tables, partial(_rows, database), text))
        first = "the row's deletion" if found.finds else "VACUUM"
        try:
            _count_deleted(found, name, data, database, text)
        except BROKEN as error:
            found.unread.append(f"{name} was not searched for what deletions left: {error}.")
    if wal.newest:
        now = _pages(data)
        old = (p for n, p in enumerate(_pages(file)) if n >= len(now) or p != now[n])
        words = ("old page", "replaced in the write-ahead log", "the file", _TRUNCATE)
        found.some(name, words, sum(map(text.count, old)))
    for what, frames, erased_by in (
        ("pages as they are now", wal.newest.values(), f"{first}, then {_TRUNCATE}"),
        (_WERE, wal.older, f"{_TRUNCATE}, or closing the last connection"),
        ("pages of a transaction that is not over", wal.open, f"ROLLBACK, then {_TRUNCATE}"),
    ):
        words = ("frame", what, "the write-ahead log", erased_by)
        found.some(f"{name}-wal", words, sum(map(text.inside, frames)))
    over = "the end of the transaction, or PRAGMA journal_mode = DELETE"
    words = ("page", _WERE, "the rollback journal", over)
    found.some(f"{name}-journal", words, text.count(journal))
    return found


def _opened(data: bytes) -> sqlite3.Connection:
    """A connection to a copy of a database in memory."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    # Where the header speaks of a write-ahead log, SQLite wants a file: say that there is none.
    database.deserialize(data[:18] + b"\x01\x01" + data[20:])
    database.execute("PRAGMA temp_store = MEMORY")
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    database.row_factory = sqlite3.Row
    return database


def _rows(database: sqlite3.Connection, table: str) -> Iterator[Row]:
    quoted = table.replace('"', '""')
    return map(dict, database.execute(f'SELECT * FROM "{quoted}"'))


# -- what was deleted and is still there ---------------------------------------------------------


def _count_deleted(
    found: Found, name: str, data: bytes, database: sqlite3.Connection, text: Text
) -> None:
    """Find what is in free pages, and in pages in use more often than in a database made anew."""
    database.execute("VACUUM")
    in_free = sum(map(text.count, _free_pages(_pages(data))))
    in_use = text.count(data) - in_free - text.count(database.serialize())
    for kind, number in (("free page", in_free), ("free space in a page", in_use)):
        found.some(name, (kind, "left by a deletion", "the file", "VACUUM"), number)


def _pages(data: bytes) -> list[bytes]:
    size = struct.unpack_from(">H", data, 16)[0]
    return _cut(data, 65536 if size == 1 else size)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _free_pages(pages: list[bytes]) -> list[bytes]:
    """The free pages: a chain of trunks, each with a list of leaves."""
    found: dict[int, bytes] = {}
    trunk = struct.unpack_from(">I", pages[0], 32)[0]
    while 0 < trunk <= len(pages) and trunk not in found:
        page = found[trunk] = pages[trunk - 1]
        trunk, count, *leaves = struct.unpack(f">{len(page) // 4}I", page[: len(page) // 4 * 4])
        found |= {n: pages[n - 1] for n in leaves[:count] if 0 < n <= len(pages)}
    return list(found.values())


# -- the write-ahead log -------------------------------------------------------------------------


class Log(NamedTuple):
    """The pages in a write-ahead log, each in the versions of its transactions."""

    newest: dict[int, bytes]
    """By number, as the last commit left them."""
    size: int
    """How many pages the database has by that commit."""
    older: list[bytes]
    open: list[bytes]
    """What a transaction has written that is not over."""


def read_log(log: bytes) -> Log:
    """The pages in a write-ahead log; one that SQLite would not read has none but older ones.

    Each begins with its page's number, the size after a commit (or 0) and the salts of its round;
    after a restart of the log, frames of an earlier round stand behind the new ones
    (sqlite.org/fileformat2.html, 4.1).
    """
    if len(log) < 32 or struct.unpack_from(">I", log)[0] not in (0x377F0682, 0x377F0683):
        return Log({}, 0, [log], [])
    length, salts = struct.unpack_from(">I", log, 8)[0], log[16:24]
    places = range(32, len(log) - length - 23, length + 24)
    heads = [struct.unpack_from(">II8s", log, at) for at in places]
    pages = [log[at + 24 : at + 24 + length] for at in places]
    this_round = list(takewhile(lambda head: head[2] == salts, heads))
    end = max((n for n, (_, size, _) in enumerate(this_round, 1) if size), default=0)
    size = this_round[end - 1][1] if end else 0
    committed = [
        (number, page) for (number, *_), page in zip(heads[:end], pages[:end], strict=True)
    ]
    newest = {number: page for number, page in committed if number <= size}
    older = [page for number, page in committed if newest.get(number) is not page]
    return Log(newest, size, older + pages[len(this_round) :], pages[end : len(this_round)])


def _with_log(data: bytes, wal: Log) -> bytes:
    """A database file with the newest pages of its log laid over it."""
    if not wal.size:
        return data
    length = len(next(iter(wal.newest.values())))
    pages = dict(enumerate(_cut(data, length), 1)) | wal.newest
    return b"".join(pages.get(number, bytes(length)) for number in range(1, wal.size + 1))
