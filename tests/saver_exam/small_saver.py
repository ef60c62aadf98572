"""A small checkpointer in earnest, on a plain SQLite connection: what the exam's faults go into."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import wraps
from typing import Any

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

# Columns without a type keep what they are given: 7 is not "7".
TABLES = """
CREATE TABLE checkpoints (thread, ns, id, parent, kind, body, about_kind, about,
                          PRIMARY KEY (thread, ns, id));
CREATE TABLE channels (thread, ns, channel, version, kind, value,
                       PRIMARY KEY (thread, ns, channel, version));
CREATE TABLE writes (thread, ns, id, task, idx, path, channel, kind, value,
                     PRIMARY KEY (thread, ns, id, task, idx));
"""
COPY = "INSERT INTO {0} SELECT ?, {1} FROM {0} WHERE thread = ?"
COPIED = {
    "checkpoints": "ns, id, parent, kind, body, about_kind, about",
    "channels": "ns, channel, version, kind, value",
    "writes": "ns, id, task, idx, path, channel, kind, value",
}


class SmallSaver(BaseCheckpointSaver[str]):
    """Checkpoints without their values, values by their versions, and writes: a table each."""

    def __init__(self, path: str = ":memory:") -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.conn = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.conn.executescript(TABLES)

    def __enter__(self) -> SmallSaver:
        return self

    def __exit__(self, *error: object) -> None:
        self.conn.close()

    def get_next_version(self, current: str | None, channel: None) -> str:
        number = int(current.split(".")[0]) if current else 0
        return f"{number + 1:032}.{random.random():016}"

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        thread, ns = _place(config)
        id, parent = checkpoint["id"], get_checkpoint_id(config)
        body = self._dumped({**checkpoint, "channel_values": {}})
        about = self._dumped(get_checkpoint_metadata(config, metadata))
        values = checkpoint["channel_values"]
        channels = [
            (thread, ns, channel, version, *self._dumped(values[channel]))
            for channel, version in new_versions.items()
            if channel in values
        ]
        self._change(
            (_insert("checkpoints", 8), [(thread, ns, id, parent, *body, *about)]),
            (_insert("channels", 6), channels),
        )
        return _config(thread, ns, id)

    def put_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        at = (*_place(config), get_checkpoint_id(config), task_id)
        for number, (channel, value) in enumerate(writes):
            idx = WRITES_IDX_MAP.get(channel, number)
            row = (*at, idx, task_path, channel, *self._dumped(value))
            instead = "REPLACE" if channel in WRITES_IDX_MAP else "IGNORE"
            self._change((_insert("writes", 9, instead), [row]))

    def get_tuple(self, config: Any) -> CheckpointTuple | None:
        (thread, ns), id = _place(config), get_checkpoint_id(config)
        found = self._rows("id, parent, kind, body, about_kind, about FROM checkpoints"
                           " WHERE thread = ? AND ns = ? AND ? IN (id, '') "
                           "ORDER BY id DESC LIMIT 1", thread, ns, id or "")  # fmt: skip
        return self._read(thread, ns, *found[0]) if found else None

    def _read(self, thread: str, ns: str, id: str, parent: str, *row: Any) -> CheckpointTuple:
        body, about = self.serde.loads_typed(row[:2]), self.serde.loads_typed(row[2:])
        stored = {(channel, version): self.serde.loads_typed((kind, value)) for
                  channel, version, kind, value in self._rows("channel, version, kind, value FROM "
                  "channels WHERE thread = ? AND ns = ?", thread, ns)}  # fmt: skip
        versions = body["channel_versions"].items()
        body["channel_values"] = {one[0]: stored[one] for one in versions if one in stored}
        pending = [(task, channel, self.serde.loads_typed((kind, value))) for
                   task, channel, kind, value in self._rows("task, channel, kind, value "
                   "FROM writes WHERE thread = ? AND ns = ? AND id = ? "
                   "ORDER BY path, task, idx", thread, ns, id)]  # fmt: skip
        before = _config(thread, ns, parent) if parent else None
        return CheckpointTuple(_config(thread, ns, id), body, about, before, pending)

    def list(
        self, config: Any, *, filter: Any = None, before: Any = None, limit: int | None = None
    ) -> Iterator[CheckpointTuple]:
        asked = (config or {}).get("configurable", {})
        thread = str(asked["thread_id"]) if asked else None
        rows = self._rows("thread, ns, id, parent, kind, body, about_kind, about FROM checkpoints "
            "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
            "AND id < coalesce(?, id || '.') ORDER BY id DESC", thread, asked.get("checkpoint_ns"),
            asked.get("checkpoint_id"), before and get_checkpoint_id(before))  # fmt: skip
        wanted = (filter or {}).items()
        every = [self._read(*row) for row in rows]
        found = [one for one in every if wanted <= one.metadata.items()]
        yield from found[:limit]

    def delete_thread(self, thread_id: str) -> None:
        for table in COPIED:
            self._change((f"DELETE FROM {table} WHERE thread = ?", [(str(thread_id),)]))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        for one in [*self.list(None)]:
            if one.metadata.get("run_id") in run_ids:
                self._drop(one)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        ids = [(target_thread_id, source_thread_id)]
        self._change(*((COPY.format(table, columns), ids) for table, columns in COPIED.items()))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        for thread in thread_ids:
            if strategy == "delete":
                self.delete_thread(thread)
                continue
            latest: dict[str, CheckpointTuple] = {}
            every = [*self.list({"configurable": {"thread_id": thread}})]
            for one in every:
                latest.setdefault(_place(one.config)[1], one)
            kept = {key for one in latest.values() for key in self._needed(one)}
            for one in every:
                if (_place(one.config)[1], one.checkpoint["id"]) not in kept:
                    self._drop(one)

    def _needed(self, latest: CheckpointTuple) -> Iterator[tuple[str, str]]:
        """A checkpoint, and those before it that its delta channels are made of."""
        one: CheckpointTuple | None = latest
        wanted = set(latest.metadata.get("counters_since_delta_snapshot", ()))
        while one:
            yield _place(one.config)[1], one.checkpoint["id"]
            wanted -= one.checkpoint["channel_values"].keys()
            one = self.get_tuple(one.parent_config) if one.parent_config and wanted else None

    def _drop(self, one: CheckpointTuple) -> None:
        at = (*_place(one.config), one.checkpoint["id"])
        for table in ("checkpoints", "writes"):
            self._change((f"DELETE FROM {table} WHERE thread = ? AND ns = ? AND id = ?", [at]))

    def _dumped(self, value: Any) -> tuple[str, bytes]:
        return self.serde.dumps_typed(value)

    def _rows(self, query: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with self.lock:
            return self.conn.execute(f"SELECT {query}", values).fetchall()

    def _change(self, *statements: tuple[str, Sequence[tuple[Any, ...]]]) -> None:
        with self.lock, self.conn:
            self.conn.execute("BEGIN")
            for statement, rows in statements:
                self.conn.executemany(statement, rows)

    async def alist(self, config: Any, **asked: Any) -> AsyncIterator[CheckpointTuple]:
        for one in self.list(config, **asked):
            yield one


def _awaited(name: str) -> Any:
    sync = getattr(SmallSaver, name)

    @wraps(sync)  # LangGraph gives `task_path` only where it finds it among the parameters
    async def method(*given: Any, **named: Any) -> Any:
        return sync(*given, **named)

    return method


for name in ("put", "put_writes", "get_tuple", "delete_thread", "delete_for_runs", "copy_thread",
             "prune"):  # fmt: skip
    setattr(SmallSaver, f"a{name}", _awaited(name))


def _place(config: Any) -> tuple[str, str]:
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


def _config(thread: str, ns: str, id: str) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}


def _insert(table: str, columns: int, instead: str = "REPLACE") -> str:
    return f"INSERT OR {instead} INTO {table} VALUES ({', '.join('?' * columns)})"
