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
from ..pictures.style import said_of, shorten
from ..pictures.table import Table
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

    def __iter__(self) -> Iterator[Stored]:
        return iter(self.parts)

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
        rows: list[list[object]] = [
            [name, *(self.bytes(thread=name, kind=kind) for kind in own), self.bytes(thread=name)]
            for name in self.threads[:MAX_THREADS]
        ]
        rows += [
            [f"({kind})", *[0] * len(own), self.bytes(kind=kind)]
            for kind in kinds
            if kind not in own
        ]
        rows.append(["all", *(self.bytes(kind=kind) for kind in own), self.bytes()])
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
    if is_langgraphs(saver, "InMemorySaver"):
        return _of_memory(saver)
    if is_langgraphs(saver, "SqliteSaver"):
        SaverReader(saver).require_tables()
        try:
            return _of_sqlite(saver)
        except sqlite3.Error as error:
            raise told(saver, error) from error
    if is_langgraphs(saver, "BasePostgresSaver") and not isinstance(saver, type):
        try:
            return _of_postgres(saver)
        except Exception as error:  # psycopg's, which is not loaded for the other savers
            raise told(saver, error) from error
    advice = "ask its database itself for its sizes"
    if isinstance(saver, type):
        advice = "give the one that the graph was compiled with, not its class"
    elif is_langgraphs(saver, "AsyncSqliteSaver"):
        advice = "open its file a second time, storage(SqliteSaver(sqlite3.connect(path)))"
    raise TypeError(
        f"{shorten(said_of(saver), 60)} is not read yet, expected an InMemorySaver, a SqliteSaver "
        f"or a PostgresSaver: {advice}"
    )


# -- in memory -----------------------------------------------------------------------------------


class _Sums:
    """Bytes and pieces, added up for each thread, channel and kind."""

    def __init__(self) -> None:
        self.bytes: Counter[tuple[str, str, str]] = Counter()
        self.count: Counter[tuple[str, str, str]] = Counter()

    def add(self, thread: object, channel: str, kind: str, size: int, count: int = 1) -> None:
        self.bytes[str(thread), channel, kind] += size
        self.count[str(thread), channel, kind] += count

    def parts(self) -> tuple[Stored, ...]:
        return tuple(Stored(*key, size, self.count[key]) for key, size in self.bytes.items())


def _of_memory(saver: Any) -> Storage:
    """Serialised bytes alone; Python's own frame around each object is not counted."""
    sums = _Sums()
    for (thread, _, channel, _), (_, blob) in list(saver.blobs.items()):
        sums.add(thread, channel, "blob", len(blob))
    for (thread, _, _), writes in list(saver.writes.items()):
        for _, channel, (_, value), _ in list(writes.values()):
            sums.add(thread, channel, "write", len(value))
    for thread, spaces in list(saver.storage.items()):
        for kept in list(spaces.values()):
            for (_, checkpoint), (_, metadata), _ in list(kept.values()):
                sums.add(thread, "", "checkpoint", len(checkpoint))
                sums.add(thread, "", "metadata", len(metadata))
    return Storage("InMemorySaver", sums.parts())


# -- in SQLite -----------------------------------------------------------------------------------

_WRITES = (
    "SELECT thread_id, channel, SUM(LENGTH(value)), COUNT(*) "
    "FROM writes GROUP BY thread_id, channel"
)


def _of_sqlite(saver: Any) -> Storage:
    """Read through the saver's own connection: it sees what the saver sees, and waits for none."""
    sums = _Sums()
    with saver.lock:
        connection = saver.conn
        rows = connection.execute("SELECT thread_id, type, checkpoint, metadata FROM checkpoints")
        for thread, kind, blob, metadata in rows:
            try:
                sizes = channel_sizes(saver.serde, kind, blob)
            except Exception:  # a serialiser without the key, a damaged row: each says it its way
                sizes = {UNREAD: len(blob or b"")}
            for channel, size in sizes.items():
                sums.add(thread, channel, "checkpoint", size)
            sums.add(thread, "", "checkpoint", len(blob or b"") - sum(sizes.values()))
            sums.add(thread, "", "metadata", len(metadata or b""))
        for thread, channel, size, count in connection.execute(_WRITES):
            sums.add(thread, channel, "write", size or 0, count)
        path = path_of(connection)
        _add_what_is_beside(sums, connection, path)
    return Storage(f"SqliteSaver, {os.path.basename(path) or 'in memory'}", sums.parts())


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


def _add_what_is_beside(sums: _Sums, connection: sqlite3.Connection, path: str) -> None:
    """The bytes of the file that are no thread's; its pages as the connection sees them now."""
    page, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    payload = sum(sums.bytes.values())
    sums.add("", "", "free page", free * page, free)
    sums.add("", "", "table and index", max(0, (pages - free) * page - payload), pages - free)
    log = f"{path}-wal"
    if path and os.path.exists(log):
        sums.add("", "", "WAL", os.path.getsize(log))


# -- in Postgres ---------------------------------------------------------------------------------

# The values that stand in a checkpoint's JSON have their share of what the whole takes.
_ROWS = """
    SELECT thread_id, key AS channel, 'checkpoint' AS kind, count(*) AS pieces,
        sum(pg_column_size(checkpoint)::numeric * octet_length(value::text)
            / octet_length(checkpoint::text)) AS stored
        FROM checkpoints, jsonb_each(checkpoint -> 'channel_values') GROUP BY 1, 2
    UNION ALL SELECT thread_id, '', 'checkpoint', count(*), sum(pg_column_size(checkpoint))
        FROM checkpoints GROUP BY 1
    UNION ALL SELECT thread_id, '', 'metadata', count(*), sum(pg_column_size(metadata))
        FROM checkpoints GROUP BY 1
    UNION ALL SELECT thread_id, channel, 'blob', count(blob), sum(pg_column_size(blob))
        FROM checkpoint_blobs GROUP BY 1, 2
    UNION ALL SELECT thread_id, channel, 'write', count(*), sum(pg_column_size(blob))
        FROM checkpoint_writes GROUP BY 1, 2
"""
_FRAME = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0) AS stored FROM pg_class
    WHERE oid = ANY(ARRAY['checkpoints', 'checkpoint_blobs', 'checkpoint_writes']::regclass[])
"""


def _of_postgres(saver: Any) -> Storage:
    """Read on a connection of its own: it waits for no loop, and sees what was committed."""
    sums = _Sums()
    with reading(saver.conn) as database:
        for row in database.execute(_ROWS):
            thread, channel, kind = row["thread_id"], row["channel"], row["kind"]
            sums.add(thread, channel, kind, int(row["stored"] or 0), row["pieces"])
            if channel and kind == "checkpoint":  # it is a part of the checkpoint
                sums.add(thread, "", kind, -int(row["stored"] or 0), 0)
        stored = sum(sums.bytes.values())
        [frame] = database.execute(_FRAME)
        sums.add("", "", "table and index", max(0, int(frame["stored"]) - stored))
        where = f"{type(saver).__name__}, database {database.info.dbname}"
    # The server's log is of all its databases: its bytes are no saver's.
    notes = ["as Postgres stores them, long ones compressed; the server's WAL is not counted"]
    if in_transaction(saver.conn):
        notes.append("without what the saver's own connection has not committed")
    return Storage(where, sums.parts(), tuple(notes))
