"""A Postgres database: its rows, its samples of them, what its files still have, and its log.

All of it is asked for by SQL, on a connection of its own: also the files, which a superuser may
read through the server. The text is never sent there. In a table's file, what stands outside of
the rows that are in the table now was left by a deletion or a replacement. A text that Postgres
compressed, or cut in two, is found in rows alone.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ...database.aside import in_transaction, reading
from ..pictures.style import shorten
from .fact import Text
from .finds import Found, Words, told
from .rows import Row, search_rows

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[dict[str, Any]]

LARGEST = 1 << 29
"""Bytes of a file, at most."""
_CHUNK = 1 << 24
_TABLES = ["checkpoints", "checkpoint_blobs", "checkpoint_writes", "store", "store_vectors"]
_SEEN_IN_FILES = (
    "{name}: a copy in the server's files that Postgres compressed, or has not written there yet, "
    "cannot be seen; standbys, archives and backups were not looked at."
)
_NO_FILES = (
    "{name}: what deletions left in the server's files was not looked at, nor was its WAL{how} "
    "({why})."
)
_NOT_COMMITTED = "{name}: what the given connection has not committed yet was not seen in rows."
_OTHERS = "{name}: only LangGraph's tables were searched, not {others}."
_DEAD_ROW = ("dead row", "left by a deletion or a replacement")
_INDEX_ENTRY = ("index entry", "of rows that are there or were")
_IN_LOG: Words = (
    *("WAL", "changes as they were written", "the server's WAL"),
    "pg_switch_wal() and CHECKPOINT, once for each file and twice more",
)
_FOUND = """
    SELECT oid::regclass::text AS name, array_position(%s, relname::text) AS place FROM pg_class
    WHERE relkind IN ('r', 'p') AND relname NOT LIKE '%%\\_migrations'
        AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
    ORDER BY place, name
"""
_FILES = """
    WITH tables AS (
        SELECT oid, oid::regclass::text AS name, reltoastrelid AS toast
        FROM pg_class WHERE oid = ANY(%s::regclass[])),
    files AS (
        SELECT name, oid, name AS rows, 'the file of table ' || name AS said FROM tables
        UNION ALL SELECT name, toast, toast::regclass::text, 'the TOAST file of table ' || name
        FROM tables WHERE toast <> 0
        UNION ALL SELECT name, indexrelid, '', 'an index of table ' || name
        FROM tables, pg_index WHERE indrelid = tables.oid)
    SELECT *, pg_relation_filepath(oid) AS path, pg_relation_size(oid) AS size
    FROM files ORDER BY array_position(%s, name), said DESC
"""
_SAMPLES = """
    SELECT format('%%I', tablename) AS name, attname,
        concat(most_common_vals::text, histogram_bounds::text) AS sample
    FROM pg_stats WHERE tablename = ANY(%s)
"""


def search_postgres(connection: Any, text: Text) -> Found:
    """All places in the database of a psycopg connection, or a pool of them, that have a text."""
    with reading(connection) as database:
        name, found = f"database {database.info.dbname}", Found()
        known = {row["name"]: row["place"] for row in database.execute(_FOUND, [_TABLES])}
        tables = [table for table, place in known.items() if place]
        # The files first: a SELECT may tidy up a page that it reads, as any other's would.
        left = _in_files(database, name, [*tables, "pg_statistic"], text)
        found.add(search_rows(name, tables, partial(_rows, database), text))
        for words in _in_samples(database, text):
            found.some(name, words, 1)
        found.add(left)
    if others := [table for table, place in known.items() if not place]:
        found.unread.append(_OTHERS.format(name=name, others=shorten(", ".join(others), 60)))
    if not tables:
        found.unread.append(f"{name} has none of LangGraph's tables: call setup() once.")
    if in_transaction(connection):
        found.unread.append(_NOT_COMMITTED.format(name=name))
    return found


def _rows(database: Database, table: str) -> Iterator[Row]:
    return database.cursor().stream(f"SELECT * FROM {table}")


def _in_samples(database: Database, text: Text) -> Iterator[Words]:
    """What ANALYZE keeps of the values of each column."""
    for row in database.execute(_SAMPLES, [_TABLES]):
        sample = row["sample"]
        unhexed = map(bytes.fromhex, re.findall(r"\\x((?:[0-9a-f]{2})+)", sample))
        if text.inside(sample) or any(map(text.inside, unhexed)):
            what = f"column {row['attname']} of table {row['name']}"
            yield (
                "sample",
                what,
                "pg_statistic",
                f"ANALYZE {row['name']}, when other rows are in it",
            )


# -- the server's files --------------------------------------------------------------------------


def _in_files(database: Database, name: str, tables: list[str], text: Text) -> Found:
    """What is in the log, and left in the files of tables and indexes."""
    import psycopg

    found, left = Found(), Counter[Words]()
    try:
        files = database.execute("SELECT 'pg_wal/' || name AS path, size FROM pg_ls_waldir()")
        parts = (part for file in files.fetchall() for part in _parts(database, **file))
        found.some(name, _IN_LOG, sum(map(text.count, parts)))
        for file in database.execute(_FILES, [tables, tables]).fetchall():
            if file["size"] > LARGEST:
                found.unread.append(f"{name}: {file['said']} was not searched: it is too large.")
                continue
            erased_by = f"VACUUM FULL {file['name']}, with no older transaction open"
            kind, what = _DEAD_ROW if file["rows"] else _INDEX_ENTRY
            left[kind, what, file["said"], erased_by] += _left(database, file, text)
    except psycopg.Error as error:
        lacks = isinstance(error, psycopg.errors.InsufficientPrivilege)
        how = ": connect as a superuser" if lacks else ""
        found.unread.append(_NO_FILES.format(name=name, how=how, why=told(error)))
    else:
        found.unread.append(_SEEN_IN_FILES.format(name=name))
    for words, number in left.items():
        found.some(name, words, number)
    return found


def _left(database: Database, file: dict[str, Any], text: Text) -> int:
    """How often a file has the text outside of the rows that are in the table now."""
    [row] = database.execute("SHOW block_size")
    size = int(row["block_size"])
    parts = b"".join(_parts(database, file["path"], file["size"]))
    pages = {at // size: parts[at : at + size] for at in range(0, len(parts), size)}
    pages = {number: page for number, page in pages.items() if text.inside(page)}
    if pages and file["rows"]:
        for row in database.execute(f"SELECT ctid::text FROM {file['rows']}"):
            number, item = map(int, row["ctid"].strip("()").split(","))
            if number in pages:
                pages[number] = _without(pages[number], item)
    return sum(map(text.count, pages.values()))


def _without(page: bytes, item: int) -> bytes:
    """A page without one of its rows (postgresql.org/docs/current/storage-page-layout.html)."""
    at = 20 + 4 * item
    if at + 4 > struct.unpack_from("<H", page, 12)[0]:
        return page  # a row that is not in the file yet
    pointer = struct.unpack_from("<I", page, at)[0]
    start, end = pointer & 0x7FFF, (pointer & 0x7FFF) + (pointer >> 17)
    return page[:start] + bytes(end - start) + page[end:]


def _parts(database: Database, path: str, size: int) -> Iterator[bytes]:
    """The bytes of a file of the server, in pieces; none of one that is gone by now."""
    read = "SELECT pg_read_binary_file(%s, %s, %s, true) AS part"
    with database.cursor(binary=True) as cursor:
        for start in range(0, size, _CHUNK):
            [row] = cursor.execute(read, [path, start, _CHUNK])
            yield row["part"] or b""
