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
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from .fact import Text
from .finds import Find
from .keepers import Decode, Locked

MAGIC = b"SQLite format 3\x00"
BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a database that is damaged; its own words of it may be no UTF-8."""
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_WAL_MAGICS = (0x377F0682, 0x377F0683)
_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_CLOSE = f"{_TRUNCATE}, or closing the last connection"


@dataclass(frozen=True)
class Files:
    """The bytes of a database file and of what lies beside it; empty for what is not there."""

    name: str
    data: bytes
    log: bytes = b""
    journal: bytes = b""


class Frame(NamedTuple):
    """A page in a write-ahead log, in the version of one transaction, and what it is by now."""

    page: int
    state: str
    data: bytes


def is_database(data: bytes) -> bool:
    """Whether some bytes begin as a SQLite database does."""
    return data.startswith(MAGIC) and len(data) >= 100


def finds_in_database(
    files: Files, text: Text, decode: Decode | None = None
) -> tuple[list[Find], list[str]]:
    """All places in a database that have a text; and what was not read, with why, in words.

    Raises one of BROKEN when SQLite cannot read the file at all.
    """
    frames, size = read_log(files.log)
    data = _with_log(files.data, frames, size)
    unread: list[str] = []
    with closing(_opened(data)) as database:
        finds = list(_rows(database, files.name, text, decode, unread))
        erased_by = "the row's deletion" if finds else "VACUUM"
        try:
            database.execute("VACUUM")
            finds += _left_over(files.name, data, database.serialize(), text)
        except BROKEN as error:
            unread.append(f"{files.name} was not searched for what deletions left: {error}.")
    if frames:
        finds += _old_pages(files, data, text)
    finds += _in_log(files, frames, text, erased_by)
    finds += _in_journal(files, text)
    return finds, unread


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
    return [data[at : at + size] for at in range(0, len(data), size)]


# -- rows ----------------------------------------------------------------------------------------


def _rows(
    database: sqlite3.Connection,
    name: str,
    text: Text,
    decode: Decode | None,
    unread: list[str],
) -> Iterator[Find]:
    """The rows that have the text, those with the same words counted together."""
    found: Counter[tuple[str, str, str]] = Counter()
    locked = Locked()
    made = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    for table in ["sqlite_master", *(row[0] for row in database.execute(made).fetchall())]:
        quoted = table.replace('"', '""')
        try:
            rows = database.execute(f'SELECT * FROM "{quoted}"')
            columns = tuple(column[0] for column in rows.description)
            for values in rows:
                row = dict(zip(columns, values, strict=True))
                for column, value in row.items():
                    plain = isinstance(value, (str, bytes)) and text.inside(value)
                    if plain or locked.has(row.get("type"), value, decode):
                        found[_words_for(table, row, column)] += 1
        except BROKEN as error:
            unread.append(f"{name}: table {table} was not read to its end: {error}.")
    unread += locked.said(name)
    for (what, table, erased_by), count in found.items():
        yield Find(name, "row", what, f"table {table}", erased_by, count)


def _words_for(table: str, row: dict[str, object], column: str) -> tuple[str, str, str]:
    """What to call a row, its table, and what erases it."""
    if table in ("checkpoints", "writes") and "thread_id" in row:
        part = f"channel {row.get('channel')!r}" if table == "writes" else column
        thread = row["thread_id"]
        return f"{part} of thread {thread!r}", table, f"delete_thread({thread!r})"
    if table == "store" and "prefix" in row and "key" in row:
        namespace, key = tuple(str(row["prefix"]).split(".")), row["key"]
        return f"{'/'.join(namespace)} {key!r}", table, f"delete({namespace!r}, {key!r})"
    if table == "sqlite_master":
        return f"the definition of {row['name']}", "sqlite_schema", f"DROP {row['name']}"
    return f"column {column}", table, f"DELETE FROM {table} WHERE …"


# -- what was deleted and is still there ---------------------------------------------------------


def _left_over(name: str, data: bytes, anew: bytes, text: Text) -> Iterator[Find]:
    """What stands in free pages, and in pages in use more often than the rows account for."""
    pages = _pages(data)
    free = [pages[number - 1] for number in _free_pages(pages) if 0 < number <= len(pages)]
    in_free = sum(text.count(page) for page in free)
    in_use = text.count(data) - in_free - text.count(anew)
    for kind, count in (("free page", in_free), ("free space in a page", in_use)):
        if count > 0:
            what = "left by a deletion"
            yield Find(name, kind, what, "the file", "VACUUM", count, certain=False)


def _free_pages(pages: Sequence[bytes]) -> set[int]:
    """The numbers of the free pages: a chain of trunks, each with a list of leaves."""
    found: set[int] = set()
    trunk = struct.unpack_from(">I", pages[0], 32)[0]
    while 0 < trunk <= len(pages) and trunk not in found:
        following, count = struct.unpack_from(">II", pages[trunk - 1])
        most = len(pages[trunk - 1]) // 4 - 2
        leaves = struct.unpack_from(f">{min(count, most)}I", pages[trunk - 1], 8)
        found.update((trunk, *leaves))
        trunk = following
    return found


def _old_pages(files: Files, data: bytes, text: Text) -> Iterator[Find]:
    """Pages in the file of which the log has a newer version, and pages past the end."""
    now = _pages(data)
    old = enumerate(_pages(files.data))
    count = sum(text.count(page) for n, page in old if n >= len(now) or page != now[n])
    if count:
        what = "replaced in the write-ahead log"
        yield Find(files.name, "old page", what, "the file", _TRUNCATE, count, certain=False)


# -- the write-ahead log and the rollback journal ------------------------------------------------

_NOW, _WERE, _OPEN = (
    "pages as they are now",
    "pages as they were",
    "pages of a transaction that is not over",
)


def read_log(log: bytes) -> tuple[list[Frame], int]:
    """The frames of a write-ahead log, and how many pages the database has by its last commit.

    A frame begins with the page's number, the size after a commit (or 0) and the two salts of its
    round; after a restart of the log, frames of an earlier round stand behind the new ones.
    """
    if len(log) < 32 or struct.unpack_from(">I", log)[0] not in _WAL_MAGICS:
        return [], 0
    size, salts = struct.unpack_from(">I", log, 8)[0], log[16:24]
    places = range(32, len(log) - size - 23, size + 24)
    heads = [struct.unpack_from(">II", log, at) for at in places]
    this_round = 0
    for at in places:
        if log[at + 8 : at + 16] != salts:
            break
        this_round += 1
    commits = [number for number in range(this_round) if heads[number][1]]
    committed = commits[-1] + 1 if commits else 0
    last = heads[committed - 1][1] if committed else 0
    newest = {heads[n][0]: n for n in range(committed) if heads[n][0] <= last}
    frames = []
    for number, at in enumerate(places):
        page = heads[number][0]
        state = _NOW if newest.get(page) == number else _WERE
        state = _OPEN if committed <= number < this_round else state
        frames.append(Frame(page, state, log[at + 24 : at + 24 + size]))
    return frames, last


def _with_log(data: bytes, frames: Sequence[Frame], size: int) -> bytes:
    """A database file with the newest pages of its log laid over it."""
    if not size:
        return data
    whole, page_size = bytearray(data), len(frames[0].data)
    for frame in frames:
        if frame.state == _NOW:
            start = (frame.page - 1) * page_size
            whole.extend(bytes(max(0, start - len(whole))))
            whole[start : start + page_size] = frame.data
    return bytes(whole[: size * page_size])


def _in_log(files: Files, frames: Sequence[Frame], text: Text, first: str) -> Iterator[Find]:
    """The log; `first` is what must be done before its newest pages can be erased."""
    name = f"{files.name}-wal"
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
    if not frames and text.inside(files.log):
        yield Find(name, "write-ahead log", "no log that can be read", "the file", _CLOSE)


def _in_journal(files: Files, text: Text) -> Iterator[Find]:
    """The rollback journal: pages as they were before a transaction."""
    if not text.inside(files.journal):
        return
    what, erased_by = "pages before the last one", "PRAGMA journal_mode = DELETE"
    if files.journal.startswith(_JOURNAL_MAGIC):
        what, erased_by = "pages before the transaction under way", "the end of the transaction"
    name, count = f"{files.name}-journal", text.count(files.journal)
    yield Find(name, "page", what, "the rollback journal", erased_by, count, certain=False)
