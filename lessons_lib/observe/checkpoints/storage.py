"""What a saver keeps, in bytes: of which thread, in which channel, as what.

A memory saver keeps one blob for each version of a channel. A SQLite saver keeps the whole state in
every checkpoint, and beside its rows there are bytes of the file that belong to no thread: pages
that were freed, and the log (WAL) with pages that are not yet, or no more, part of the file. A
Postgres saver keeps blobs, and plain strings and numbers in the checkpoint; long values compressed.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...database.aside import in_transaction, reading
from ..pictures.table import Table
from ..pictures.waiting import waiting
from .reading import SaverReader, is_langgraphs, path_of, saver_of, told

MAX_THREADS = 12
"""Of more threads, the table shows the heaviest."""
UNREAD = "(cannot be read)"
"""In the place of the channels of a checkpoint that cannot be taken apart."""


@dataclass(frozen=True)
class Stored:
    """Bytes of one kind: of a channel of a thread, or of no thread at all.

    Attributes:
        thread: The thread's id; empty for what belongs to none.
        channel: The channel; empty where several lie together or none is meant.
        kind: "checkpoint" (the state as SQLite keeps it, or the frame around it), "metadata",
            "blob" (a channel's value, one for each version), "write" (what one node wrote),
            "free page", "WAL" (the log beside a file) or "table and index" (the database's own
            frame; in Postgres with what deletions left).
        bytes: How many; `count` is in how many pieces.
    """

    thread: str
    channel: str
    kind: str
    bytes: int
    count: int = 1


Asked = str | None


@dataclass(frozen=True)
class Storage:
    """Everything that a saver keeps; `where` says in which memory or file.

    `bytes(thread=…, channel=…, kind=…)` adds up what is asked for.
    """

    where: str
    parts: tuple[Stored, ...]
    notes: tuple[str, ...] = ()

    def bytes(self, *, thread: Asked = None, channel: Asked = None, kind: Asked = None) -> int:
        """The bytes of a thread, a channel, a kind, or of all."""
        return sum(part.bytes for part in self._asked(thread, channel, kind))

    def count(self, *, thread: Asked = None, channel: Asked = None, kind: Asked = None) -> int:
        """How many pieces these bytes are in: rows, blobs or pages."""
        return sum(part.count for part in self._asked(thread, channel, kind))

    def _asked(self, thread: Asked, channel: Asked, kind: Asked) -> list[Stored]:
        return [
            part
            for part in self.parts
            if thread in (None, part.thread)
            and channel in (None, part.channel)
            and kind in (None, part.kind)
        ]

    @property
    def threads(self) -> tuple[str, ...]:
        """The threads, the heaviest first."""
        return self._heaviest("thread")

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels, the heaviest first."""
        return self._heaviest("channel")

    def _heaviest(self, field: str) -> tuple[str, ...]:
        found: Counter[str] = Counter()
        for part in self.parts:
            found[getattr(part, field)] += part.bytes
        return tuple(sorted(filter(None, found), key=lambda name: (-found[name], name)))

    def table(self) -> Table:
        """Threads as rows, kinds as columns, and last what belongs to no thread."""
        kinds = self._heaviest("kind")
        own = [kind for kind in kinds if not self.count(thread="", kind=kind)]

        def row(name: str, thread: Asked = None) -> list[object]:
            of_kinds = [self.bytes(thread=thread, kind=kind) for kind in own]
            return [name, *of_kinds, self.bytes(thread=thread)]

        rows = [row(name, name) for name in self.threads[:MAX_THREADS]]
        rows += [[f"({k})", *[0] * len(own), self.bytes(kind=k)] for k in kinds if k not in own]
        rows.append(row("all"))
        notes = [*self.notes]
        if bad := self.count(channel=UNREAD):
            notes.append(f"{bad} checkpoints cannot be taken apart: their bytes are counted whole")
        if (more := len(self.threads) - MAX_THREADS) > 0:
            notes.append(f"… and {more} lighter threads, counted in the last row")
        return Table(["bytes of", *own, "together"], rows, self.where, notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.table()._repr_mimebundle_()


def storage(saver: Any) -> Storage:
    """Bytes per thread, channel and kind that a saver keeps; reads only.

    A compiled graph may be given too: then its saver is read.

    Of a checkpoint that cannot be taken apart, as without the key of an encrypted one, the bytes
    are counted whole, in the channel "(cannot be read)".

    Raises:
        TypeError: Not a memory, SQLite or Postgres saver of LangGraph's: others are not read yet.
        ValueError: The database is empty, damaged or not LangGraph's, or its connection is closed.
        TimeoutError: Another connection has locked it.
    """
    if hasattr(saver, "checkpointer"):  # None in a graph without a saver, True in some subgraphs
        saver = saver_of(saver)
    for known, read in _READERS.items():
        if is_langgraphs(saver, known):
            SaverReader(saver).require_tables()
            try:
                return read(saver)
            except Exception as error:  # SQLite's or psycopg's, which is loaded for Postgres alone
                raise told(saver, error) from error
    name, advice = type(saver).__name__, "ask its database itself for its sizes"
    if isinstance(saver, type):
        name = f"the class {saver.__name__}"
        advice = "give the one that the graph was compiled with, not its class"
    elif isinstance(saver, (str, os.PathLike)) or is_langgraphs(saver, "AsyncSqliteSaver"):
        advice = "open its file in a SqliteSaver, storage(SqliteSaver(sqlite3.connect(path)))"
    raise TypeError(
        f"{name} is not read yet, expected an InMemorySaver, a SqliteSaver or a PostgresSaver: "
        f"{advice}"
    )


Pieces = Iterator[tuple[str, str, str, int, int]]
"""The thread, the channel and the kind of some bytes, how many they are, in how many pieces."""


def _summed(pieces: Pieces) -> tuple[Stored, ...]:
    """The bytes of each thread, channel and kind together."""
    sizes: Counter[tuple[str, str, str]] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for thread, channel, kind, size, count in pieces:
        key = str(thread), channel, kind  # a memory saver keeps a thread_id of None as it is
        sizes[key] += size
        counts[key] += count
    return tuple(Stored(*key, size, counts[key]) for key, size in sizes.items())


# -- in memory -----------------------------------------------------------------------------------


def _in_memory(saver: Any) -> Pieces:
    """Serialised bytes alone; Python's own frame around each object is not counted."""
    # Each is copied first: the graph may run on meanwhile.
    for (thread, _, channel, _), (_, blob) in list(saver.blobs.items()):
        yield thread, channel, "blob", len(blob), 1
    for (thread, _, _), writes in list(saver.writes.items()):
        for _, channel, (_, value), _ in list(writes.values()):
            yield thread, channel, "write", len(value), 1
    for thread, spaces in list(saver.storage.items()):
        for kept in list(spaces.values()):
            for (_, checkpoint), (_, metadata), _ in list(kept.values()):
                yield thread, "", "checkpoint", len(checkpoint), 1
                yield thread, "", "metadata", len(metadata), 1


# -- in SQLite -----------------------------------------------------------------------------------

_CHECKPOINTS = "SELECT thread_id, type, checkpoint, metadata FROM checkpoints"
_WRITES = (
    "SELECT thread_id, channel, 'write', COALESCE(SUM(LENGTH(value)), 0), COUNT(*) "
    "FROM writes GROUP BY thread_id, channel"
)


def _of_sqlite(saver: Any) -> Storage:
    """Read through the saver's own connection: it sees what the saver sees, and waits for none."""
    with saver.lock:
        parts = _summed(_in_rows(saver))
        path = path_of(saver.conn)
        payload = sum(part.bytes for part in parts)
        beside = _summed(_beside_rows(saver.conn, path, payload))
    return Storage(f"SqliteSaver, {os.path.basename(path) or 'in memory'}", parts + beside)


def _in_rows(saver: Any) -> Pieces:
    with waiting("reading checkpoints") as tell:
        rows = saver.conn.execute(_CHECKPOINTS)
        for number, (thread, kind, blob, metadata) in enumerate(rows):
            tell(f"reading checkpoints, {number} done")
            try:
                sizes = channel_sizes(saver.serde, kind, blob)
            except Exception:  # a serialiser without the key, a damaged row: each says it its way
                sizes = {UNREAD: len(blob or b"")}
            for channel, size in sizes.items():
                yield thread, channel, "checkpoint", size, 1
            yield thread, "", "checkpoint", len(blob or b"") - sum(sizes.values()), 1
            yield thread, "", "metadata", len(metadata or b""), 1
        yield from saver.conn.execute(_WRITES)


def channel_sizes(serde: Any, kind: str, blob: bytes) -> dict[str, int]:
    """How many bytes of a stored checkpoint each of its channels takes.

    The usual format, MessagePack, is taken apart without making objects of what is in it; a saver
    with a serialiser of another kind reads the state and writes it channel by channel again.
    """
    if kind == "msgpack":
        import ormsgpack

        keys = ormsgpack.OPT_NON_STR_KEYS
        plain = ormsgpack.unpackb(blob, ext_hook=ormsgpack.Ext, option=keys)
        return {
            str(name): len(ormsgpack.packb(value, option=keys))
            for name, value in plain["channel_values"].items()
        }
    values = serde.loads_typed((kind, blob))["channel_values"]
    return {str(name): len(serde.dumps_typed(value)[1]) for name, value in values.items()}


def _beside_rows(connection: sqlite3.Connection, path: str, payload: int) -> Pieces:
    """The bytes of the file that are no thread's; its pages as the connection sees them now."""
    page, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    yield "", "", "free page", free * page, free
    yield "", "", "table and index", max(0, (pages - free) * page - payload), pages - free
    log = f"{path}-wal"
    if path and os.path.exists(log):
        yield "", "", "WAL", os.path.getsize(log), 1


# -- in Postgres ---------------------------------------------------------------------------------

# The values that stand in a checkpoint's JSON have their share of what the whole takes.
_ROWS = """
    SELECT thread_id, key AS channel, 'checkpoint' AS kind,
        sum(pg_column_size(checkpoint)::numeric * octet_length(value::text)
            / octet_length(checkpoint::text))::bigint AS stored, count(*) AS pieces
        FROM checkpoints, jsonb_each(checkpoint -> 'channel_values') GROUP BY 1, 2
    UNION ALL SELECT thread_id, '', 'checkpoint', sum(pg_column_size(checkpoint)), count(*)
        FROM checkpoints GROUP BY 1
    UNION ALL SELECT thread_id, '', 'metadata', sum(pg_column_size(metadata)), count(*)
        FROM checkpoints GROUP BY 1
    UNION ALL SELECT thread_id, channel, 'blob', coalesce(sum(pg_column_size(blob)), 0), count(blob)
        FROM checkpoint_blobs GROUP BY 1, 2
    UNION ALL SELECT thread_id, channel, 'write', sum(pg_column_size(blob)), count(*)
        FROM checkpoint_writes GROUP BY 1, 2
"""
_FRAME = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS stored FROM pg_class
    WHERE oid = ANY(ARRAY['checkpoints', 'checkpoint_blobs', 'checkpoint_writes']::regclass[])
"""


def _of_postgres(saver: Any) -> Storage:
    """Read on a connection of its own: it waits for no loop, and sees what was committed."""
    with reading(saver.conn) as database:
        parts = _summed(_in_tables(database))
        [frame] = database.execute(_FRAME)
        where = f"{type(saver).__name__}, database {database.info.dbname}"
    rest = max(0, frame["stored"] - sum(part.bytes for part in parts))
    # The server's log is of all its databases: its bytes are no saver's.
    notes = ["as Postgres stores them, long ones compressed; the server's WAL is not counted"]
    if in_transaction(saver.conn):
        notes.append("without what the saver's own connection has not committed")
    return Storage(where, (*parts, Stored("", "", "table and index", rest)), tuple(notes))


def _in_tables(database: Any) -> Pieces:
    for row in database.execute(_ROWS):
        thread, channel, kind, stored, pieces = row.values()
        yield thread, channel, kind, stored, pieces
        if channel and kind == "checkpoint":  # it is a part of the checkpoint
            yield thread, "", kind, -stored, 0


_READERS = {
    "InMemorySaver": lambda saver: Storage("InMemorySaver", _summed(_in_memory(saver))),
    "SqliteSaver": _of_sqlite,
    "BasePostgresSaver": _of_postgres,
}
