"""What a saver keeps, byte by byte: sums that are right, and nothing changed by looking."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from lessons_lib.observe import storage
from lessons_lib.observe.checkpoints.storage import MAX_THREADS, channel_sizes
from tests.observe.graphs import ADA, Elsewhere, complaint, counted, open_sqlite
from tests.observe.test_history import contents


def _of(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def test_in_memory_every_byte_is_some_threads_and_looking_changes_nothing() -> None:
    saver = InMemorySaver()
    graph = complaint(saver)
    for number in range(MAX_THREADS + 3):
        graph.invoke({"log": ["x" * 50 * number]}, _of(f"user {number:02}"))
    keys = list(saver.blobs), list(saver.writes), list(saver.storage)
    kept = storage(saver)
    assert kept.bytes(kind="blob") == sum(len(blob) for _, blob in saver.blobs.values())
    assert kept.count(kind="blob") == len(saver.blobs)
    writes = [write for task in saver.writes.values() for write in task.values()]
    assert kept.bytes(kind="write") == sum(len(value) for _, _, (_, value), _ in writes)
    assert kept.bytes() == sum(kept.bytes(thread=thread) for thread in kept.threads)
    assert kept.bytes(thread="user 14", channel="log") > kept.bytes(thread="user 00")
    assert (kept.threads[0], kept.channels[0]) == ("user 14", "log")
    table = kept.table()
    assert (table.columns[0], table.rows[0][0], table.rows[-1][0]) == ("bytes of", "user 14", "all")
    for row in table.rows:
        assert sum(cell for cell in row[1:-1] if isinstance(cell, int)) == row[-1]
    assert str(kept).endswith("… and 3 lighter threads, counted in the last row")
    assert "<table" in kept._repr_mimebundle_()["text/html"]
    assert (list(saver.blobs), list(saver.writes), list(saver.storage)) == keys


def test_in_sqlite_rows_and_pages_make_the_file_and_looking_changes_no_byte(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.sqlite"
    saver = open_sqlite(path)
    complaint(saver).invoke({"log": ["smoke"]}, ADA)
    counted(saver, 30)
    before = contents(tmp_path)
    kept = storage(saver)
    assert (contents(tmp_path), saver.conn.in_transaction) == (before, False)
    rows = saver.conn.execute("SELECT SUM(LENGTH(checkpoint)), COUNT(*) FROM checkpoints")
    assert (kept.bytes(kind="checkpoint"), kept.count(kind="metadata")) == rows.fetchone()
    assert kept.bytes(kind="WAL") == os.path.getsize(f"{path}-wal") > 0
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    settled = storage(saver)
    assert settled.bytes(kind="WAL") == 0
    assert settled.bytes() == path.stat().st_size
    saver.delete_thread("ada")
    after = storage(saver)
    assert settled.bytes(kind="free page") < after.bytes(kind="free page")
    assert (after.threads, after.count(kind="free page") > 3) == ((), True)
    saver.conn.execute("VACUUM")
    assert storage(saver).bytes(kind="free page") == 0
    saver.conn.close()


@pytest.mark.parametrize("fallback", [False, True])
def test_a_checkpoint_is_taken_apart_in_either_format(fallback: bool) -> None:
    serde = JsonPlusSerializer(pickle_fallback=fallback)
    values: dict[str, Any] = {"messages": [HumanMessage("hi", id="1")] * 2, "set": {1, 2}, "n": 7}
    if fallback:
        values["odd"] = 3 + 4j
    kind, blob = serde.dumps_typed({"channel_values": values})
    assert kind == ("pickle" if fallback else "msgpack")
    assert channel_sizes(serde, kind, blob) == {
        name: len(serde.dumps_typed(value)[1]) for name, value in values.items()
    }


def test_a_database_in_memory_has_no_log_and_a_graph_may_be_given_for_its_saver() -> None:
    with SqliteSaver.from_conn_string(":memory:") as saver:
        kept = storage(counted(saver, 3))
        assert kept.parts == storage(saver).parts
    assert kept.where == "SqliteSaver, in memory"
    assert kept.bytes(kind="WAL") == 0 < kept.bytes(kind="table and index")


async def _async_saver() -> Any:
    return AsyncSqliteSaver(await aiosqlite.connect(":memory:"))


@pytest.mark.parametrize(
    ("saver", "advice"),
    [
        (Elsewhere(), "ask its database itself"),
        (None, "ask its database itself"),
        (InMemorySaver, "give the one that the graph was compiled with, not its class"),
        (_async_saver, r"in a SqliteSaver, storage\(SqliteSaver\(sqlite3.connect\(path\)\)\)"),
    ],
)
def test_another_saver_is_declined(saver: Any, advice: str) -> None:
    async def main() -> None:
        opened = await saver() if saver is _async_saver else saver
        with pytest.raises(TypeError, match=f"is not read yet, expected .*: .*{advice}"):
            storage(opened)
        if saver is _async_saver:
            await opened.conn.close()

    asyncio.run(main())
