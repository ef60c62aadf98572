"""One SQLite database and the files beside it: where a text is in them, and what erases it."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .fact import Text
from .finds import Find
from .logs import JOURNAL_MAGIC, Frame, Log, read_log
from .pages import MAGIC, Database, Row

Decode = Callable[[str, bytes], bool]
"""Whether a blob that is encrypted has the text, by the serialiser that can read it."""

_VACUUM = "VACUUM"
_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_CLOSE = f"{_TRUNCATE}, or closing the last connection"


@dataclass(frozen=True)
class Files:
    """The bytes of a database file and of what lies beside it; empty for what is not there."""

    name: str
    data: bytes
    log: bytes = b""
    journal: bytes = b""


def finds_in_database(
    files: Files, text: Text, decode: Decode | None = None
) -> tuple[list[Find], list[str]]:
    """All places in a database that have a text, and what is wrong with its files, in words."""
    log = read_log(files.log)
    database = Database(files.data, log.newest() if log else {}, log.size if log else 0)
    rows = list(_rows(database, files.name, text, decode))
    rests = list(_rests(database, files.name, text))
    finds = [*rows, *rests, *_old_pages(database, files.name, text)]
    finds += _in_log(files, log, text, "the row's deletion" if rows else _VACUUM)
    finds += _in_journal(files, database.page_size, text)
    return finds, list(_troubles(files, database))


def _troubles(files: Files, database: Database) -> Iterator[str]:
    size, promised = len(files.data), database.promised * database.page_size
    if size < promised and not database.over:
        yield (
            f"{files.name} is cut off: its header promises {database.promised} pages and "
            f"{size // database.page_size} are there. What is there was searched."
        )
    elif database.damaged:
        yield (
            f"{files.name} is damaged: a page is missing, or not what the page above it says. "
            "What could be read was searched."
        )


# -- rows ----------------------------------------------------------------------------------------


def _rows(database: Database, name: str, text: Text, decode: Decode | None) -> Iterator[Find]:
    found = Counter(
        words
        for row in database.rows()
        for column in _columns_with(row, text, decode)
        for words in [_words_for(row, column)]
    )
    for (what, table, erased_by), count in found.items():
        yield Find(name, "row", what, f"table {table}", erased_by, count)


def _columns_with(row: Row, text: Text, decode: Decode | None) -> list[str]:
    """The columns of a row that have the text."""
    names = [*row.columns, *(f"column {n}" for n in range(len(row.columns), len(row.values)))]
    pairs = list(zip(names, row.values, strict=False))
    found = [
        column for column, value in pairs if isinstance(value, (str, bytes)) and text.inside(value)
    ]
    form = dict(pairs).get("type")
    if decode and isinstance(form, str) and "+" in form:
        blobs = ((column, value) for column, value in pairs if isinstance(value, bytes))
        found += [column for column, blob in blobs if column not in found and decode(form, blob)]
    return found


def _words_for(row: Row, column: str) -> tuple[str, str, str]:
    """What to call a row, its table, and what erases it; rows with the same words are counted."""
    values = dict(zip(row.columns, row.values, strict=False))
    if row.table in ("checkpoints", "writes") and "thread_id" in values:
        thread, channel = values["thread_id"], values.get("channel")
        part = f"channel {channel!r}" if row.table == "writes" else column
        return f"{part} of thread {thread!r}", row.table, f"delete_thread({thread!r})"
    if row.table == "store" and "prefix" in values and "key" in values:
        namespace, key = tuple(str(values["prefix"]).split(".")), values["key"]
        return f"{'/'.join(namespace)} {key!r}", row.table, f"delete({namespace!r}, {key!r})"
    if row.table == "sqlite_schema":
        name = str(values.get("name"))
        return f"the definition of {name}", row.table, f"DROP {name}"
    return f"column {column}", row.table, f"DELETE FROM {row.table} WHERE …"


# -- what was deleted and is still there ---------------------------------------------------------


def _rests(database: Database, name: str, text: Text) -> Iterator[Find]:
    """Free pages and free space; a text that runs on into the next free page is found too."""
    rests = list(database.rests())
    follows = {rest.page: rest.data for rest in rests if rest.kind == "free page"}
    found = Counter(rest.kind for rest in rests if _has(rest.data, follows, text))
    for kind, count in found.items():
        what = "left by a deletion" if kind.startswith("free") else "left over"
        yield Find(name, kind, what, "the file", _VACUUM, count, certain=False)


def _has(data: bytes, pages: dict[int, bytes], text: Text) -> bool:
    """Whether a page has a text, or the end of it and the page that it overflows into."""
    if text.inside(data):
        return True
    following = pages.get(struct.unpack_from(">I", data)[0]) if len(data) >= 4 else None
    if following is None:
        return False
    longest = max(map(len, text.in_bytes))
    return text.inside(data[-longest + 1 :] + following[4 : 4 + longest])


def _old_pages(database: Database, name: str, text: Text) -> Iterator[Find]:
    """Pages in the file of which the log has a newer version, and pages past the end."""
    size = database.page_size
    numbers = [n for n in database.over if database.page(n) != _of_file(database, n)]
    numbers += range(database.size + 1, len(database.file) // size + 1)
    count = sum(text.inside(_of_file(database, number)) for number in numbers)
    if count:
        what = "replaced in the write-ahead log"
        yield Find(name, "old page", what, "the file", _TRUNCATE, count, certain=False)


def _of_file(database: Database, number: int) -> bytes:
    size = database.page_size
    return database.file[(number - 1) * size : number * size]


def _in_log(files: Files, log: Log | None, text: Text, first: str) -> Iterator[Find]:
    """Frames of the write-ahead log: the newest version of a page, and the older ones.

    `first` is what must be done before the newest are erased: they are the database.
    """
    name = f"{files.name}-wal"
    if log is None:
        if text.inside(files.log):
            yield Find(name, "write-ahead log", "no log that can be read", "the file", _CLOSE)
        return
    pages = log.newest()
    found = Counter(frame.state for frame in log.frames if _frame_has(frame, pages, text))
    for state in ("newest", "replaced", "not committed", "left over"):
        if found[state]:
            what, erased_by = _FRAMES[state]
            held_by, erased_by = "the write-ahead log", erased_by.format(first=first)
            yield Find(name, "frame", what, held_by, erased_by, found[state], certain=False)


_FRAMES = {
    "newest": ("pages as they are now", f"{{first}}, then {_TRUNCATE}"),
    "replaced": ("pages as they were", _CLOSE),
    "not committed": ("pages of a transaction that is not over", "ROLLBACK, then " + _TRUNCATE),
    "left over": ("pages left of an earlier round", _CLOSE),
}


def _frame_has(frame: Frame, pages: dict[int, bytes], text: Text) -> bool:
    return _has(frame.data, pages, text)


def _in_journal(files: Files, page_size: int, text: Text) -> Iterator[Find]:
    """The rollback journal: pages as they were before a transaction."""
    if not files.journal or not text.inside(files.journal):
        return
    open_now = files.journal.startswith(JOURNAL_MAGIC)
    erased_by = "the end of the transaction" if open_now else "PRAGMA journal_mode = DELETE"
    what = "pages before the transaction under way" if open_now else "pages before the last one"
    sector = 512
    records = (
        files.journal[at : at + page_size + 8]
        for at in range(sector, len(files.journal), page_size + 8)
    )
    count = max(1, sum(text.inside(record) for record in records))
    name = f"{files.name}-journal"
    yield Find(name, "page", what, "the rollback journal", erased_by, count, certain=False)


def is_database(data: bytes) -> bool:
    """Whether some bytes begin as a SQLite database does."""
    return data.startswith(MAGIC) and len(data) >= 100
