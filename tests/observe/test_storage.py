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

BOB: Any = {"configurable": {"thread_id": "bob"}}


def two_complaints(saver: Any) -> Any:
    graph = complaint(saver)
    graph.invoke({"log": ["smoke"]}, ADA)
    graph.invoke({"log": ["fire " * 200]}, BOB)
    return graph


def test_in_memory_every_byte_is_some_threads() -> None:
    saver = InMemorySaver()
    two_complaints(saver)
    kept = storage(saver)
    assert kept.threads == ("bob", "ada")
    assert kept.bytes(kind="blob") == sum(len(blob) for _, blob in saver.blobs.values())
    assert kept.count(kind="blob") == len(saver.blobs)
    writes = [write for task in saver.writes.values() for write in task.values()]
    assert kept.bytes(kind="write") == sum(len(value) for _, _, (_, value), _ in writes)
    assert kept.bytes() == kept.bytes(thread="ada") + kept.bytes(thread="bob")
    assert kept.bytes(thread="bob", channel="log") > 1000 > kept.bytes(thread="ada", channel="log")
    assert kept.channels[0] == "log"


def test_in_sqlite_rows_and_pages_make_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    saver = open_sqlite(path)
    two_complaints(saver)
    kept = storage(saver)
    rows = saver.conn.execute("SELECT SUM(LENGTH(checkpoint)), COUNT(*) FROM checkpoints")
    size, count = rows.fetchone()
    assert kept.bytes(kind="checkpoint") == size
    assert kept.count(kind="metadata") == count
    assert kept.bytes(kind="WAL") == os.path.getsize(f"{path}-wal") > 0
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    settled = storage(saver)
    assert settled.bytes(kind="WAL") == 0
    assert settled.bytes() == path.stat().st_size
    saver.conn.close()


def test_after_a_delete_the_file_is_free_pages_until_vacuum(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    saver = open_sqlite(path)
    counted(saver, 60)
    before = storage(saver)
    saver.delete_thread("ada")
    after = storage(saver)
    assert before.bytes(kind="free page") < after.bytes(kind="free page")
    assert after.threads == ()
    assert after.count(kind="free page") > 3
    saver.conn.execute("VACUUM")
    assert storage(saver).bytes(kind="free page") == 0
    saver.conn.close()


def test_channels_in_sqlite_weigh_what_the_serialiser_writes(tmp_path: Path) -> None:
    saver = open_sqlite(tmp_path / "bot.sqlite")
    complaint(saver).invoke({"log": ["smoke"]}, ADA, durability="exit")
    values = saver.get_tuple(ADA).checkpoint["channel_values"]  # type: ignore[union-attr]
    kept = storage(saver)
    for channel, value in values.items():
        weight = len(saver.serde.dumps_typed(value)[1])
        assert kept.bytes(channel=channel, kind="checkpoint") == weight
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


def test_looking_changes_no_byte(tmp_path: Path) -> None:
    saver = open_sqlite(tmp_path / "bot.sqlite")
    two_complaints(saver)
    before = contents(tmp_path)
    str(storage(saver))
    assert contents(tmp_path) == before
    assert not saver.conn.in_transaction
    saver.conn.close()
    memory = InMemorySaver()
    two_complaints(memory)
    keys = list(memory.blobs), list(memory.writes), list(memory.storage)
    str(storage(memory))
    assert (list(memory.blobs), list(memory.writes), list(memory.storage)) == keys


def test_the_tables_add_up() -> None:
    saver = InMemorySaver()
    graph = complaint(saver)
    for number in range(MAX_THREADS + 3):
        config: Any = {"configurable": {"thread_id": f"user {number:02}"}}
        graph.invoke({"log": ["x" * 50 * number]}, config)
    table = storage(saver).table()
    assert table.columns[0] == "bytes of"
    assert table.rows[0][0] == "user 14"
    assert table.rows[-1][0] == "all"
    for row in table.rows:
        assert sum(cell for cell in row[1:-1] if isinstance(cell, int)) == row[-1]
    assert str(storage(saver)).endswith("… and 3 lighter threads, counted in the last row")
    channels = {row[0]: row[1:] for row in storage(saver).by_channel().rows}
    assert channels["log"][0] == storage(saver).bytes(channel="log", kind="blob")
    assert "<table" in storage(saver)._repr_mimebundle_()["text/html"]


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
        (Elsewhere(), "ask a server's database itself"),
        (None, "ask a server's database itself"),
        (InMemorySaver, "give the one that the graph was compiled with, not its class"),
        (_async_saver, r"a second time, storage\(SqliteSaver\(sqlite3.connect\(path\)\)\)"),
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
