"""The instruments on Postgres savers of every kind, and what erases each copy of a fact there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.postgres import PostgresStore
from langgraph.types import Command
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from lessons_lib.database import Postgres
from lessons_lib.memories.chatbot import heard
from lessons_lib.memories.graph import build, thread
from lessons_lib.observe import history, storage, time_machine
from lessons_lib.observe.whereabouts.fact import Text
from lessons_lib.observe.whereabouts.finds import Found
from lessons_lib.observe.whereabouts.places import search_places
from tests.observe.graphs import ADA, complaint
from tests.observe.test_whereabouts_on_disk import encrypted

TABLES = ["checkpoints", "checkpoint_blobs", "checkpoint_writes", "store"]
USUAL: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
IN_FILES = (
    "database of_a_test: a copy in the server's files that Postgres compressed, or has not written "
    "there yet, cannot be seen; standbys, archives and backups were not looked at."
)


@pytest.fixture
def database(uri: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with LangGraph's tables, which nobody tidies up meanwhile."""
    with psycopg.connect(uri, **USUAL) as opened:
        PostgresSaver(opened).setup()
        PostgresStore(opened).setup()
        for table in TABLES:
            opened.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        opened.execute("CHECKPOINT")  # from now on the log keeps all, until the next one
        yield opened


def looked(fact: str, *places: object) -> Found:
    return search_places(places, Text.of(fact))


def kinds(fact: str, *places: object) -> set[str]:
    return {find.kind for find in looked(fact, *places).finds}


# -- savers of every kind --------------------------------------------------------------------------


@contextmanager
def _sync(uri: str, kind: str) -> Iterator[PostgresSaver]:
    if kind == "pool":
        made = ConnectionPool[psycopg.Connection[Any]]
        with made(uri, kwargs=USUAL, min_size=1, open=True) as pool:
            yield PostgresSaver(pool)
    elif kind == "pipeline":
        with PostgresSaver.from_conn_string(uri, pipeline=True) as saver:
            yield saver
    else:
        usual = {**USUAL, "autocommit": kind == "connection"}
        with psycopg.connect(uri, **usual) as connection:
            yield PostgresSaver(connection)


@asynccontextmanager
async def _async(uri: str, kind: str) -> AsyncIterator[AsyncPostgresSaver]:
    if kind == "async pool":
        made = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
        async with made(uri, kwargs=USUAL, min_size=1, open=False) as pool:
            yield AsyncPostgresSaver(pool)
    else:
        async with AsyncPostgresSaver.from_conn_string(uri) as saver:
            yield saver


def _forked(graph: Any) -> list[str]:
    """The labels of a history, after the time machine has forked it."""
    assert history(graph, ADA).at(2).values["log"] == ["smoke", "found", "drafted"]
    machine = time_machine(graph, ADA)
    machine.fork(1, {"log": ["mine"]}, as_node="find")
    assert machine.at("2b").values["log"] == ["smoke", "found", "mine"]
    return [one.label for one in history(graph, ADA)]


LABELS = ["-1", "0", "1", "2", "3", "4", "2b"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("kind", ["connection", "pool", "pipeline", "no autocommit"])
def test_a_saver_is_read_gone_back_in_weighed_and_searched(uri: str, kind: str) -> None:
    with _sync(uri, kind) as saver:
        graph = complaint(saver)
        graph.invoke({"log": ["smoke"]}, ADA)
        graph.invoke(Command(resume="yes"), ADA)
        assert _forked(graph) == LABELS
        found, weighed = looked("drafted", graph), storage(graph)
        if kind == "no autocommit":
            said = "what the given connection has not committed yet was not seen in rows"
            assert [said in line for line in found.unread] == [False, True]
            assert weighed.notes[-1] == "without what the saver's own connection has not committed"
            assert (weighed.threads, "row" in {find.kind for find in found.finds}) == ((), False)
            assert isinstance(saver.conn, psycopg.Connection)
            saver.conn.commit()
        assert {"row", "WAL"} <= kinds("drafted", graph)
        assert storage(saver).count(kind="metadata") == len(LABELS)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("kind", ["async connection", "async pool"])
def test_an_async_saver_in_the_loop_that_runs(uri: str, kind: str) -> None:
    async def cell() -> None:
        async with _async(uri, kind) as saver:
            graph = complaint(saver)
            await graph.ainvoke({"log": ["smoke"]}, ADA)
            await graph.ainvoke(Command(resume="yes"), ADA)
            for look in (history, time_machine):
                with pytest.raises(RuntimeError, match="with await asyncio"):
                    look(graph, ADA)
            assert await asyncio.to_thread(_forked, graph) == LABELS
            assert {"row", "WAL"} <= kinds("drafted", graph)
            assert storage(graph).where == "AsyncPostgresSaver, database of_a_test"

    asyncio.run(cell())


# -- what erases what ------------------------------------------------------------------------------


def _done(database: psycopg.Connection[Any], *statements: str) -> None:
    for statement in (*statements, "CHECKPOINT"):
        database.execute(statement)


def test_each_copy_is_found_until_what_erases_it_is_done(
    uri: str, database: psycopg.Connection[Any]
) -> None:
    fact = "9 Quince Row"
    saver, store = PostgresSaver(database), PostgresStore(database)
    graph = build(saver)
    for number in range(8):
        graph.invoke({"messages": [heard(f"I live at {fact}, {number}.")]}, thread("ada"))
        graph.invoke({"messages": [heard("Hello.")]}, thread("bob"))
    for number in range(60):
        store.put(("ada",), "home", {"at": fact})
        store.put(("bob",), str(number), {"at": f"{number} Elm"})
    assert "WAL" in kinds(fact, saver)
    _done(database, "ANALYZE")
    found = looked(fact, graph, store)
    assert found.unread == [IN_FILES]
    rows = [(one.what, one.count, one.erased_by) for one in found.finds if one.kind == "row"]
    assert rows == [
        ("channel '__start__' of thread 'ada'", 8, "delete_thread('ada')"),
        ("channel 'messages' of thread 'ada'", 16, "delete_thread('ada')"),
        ("channel 'messages' of thread 'ada'", 8, "delete_thread('ada')"),
        ("ada 'home'", 1, "delete(('ada',), 'home')"),
    ]
    rest = [(one.kind, one.held_by) for one in found.finds if one.kind not in ("row", "WAL")]
    assert ("sample", "pg_statistic") in rest
    dead = ("dead row", "the file of table store")
    assert [each for each in rest if each[0] == "dead row"] == [dead]  # what put() replaced
    files = _row(database, "SELECT count(*) AS n FROM pg_ls_waldir()")["n"] + 2  # what comes yet
    anew = [f"VACUUM FULL {table}" for table in TABLES]
    with psycopg.connect(uri) as older:
        older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT 1")  # it sees the rows, and has no table locked
        saver.delete_thread("ada")
        store.delete(("ada",), "home")
        _done(database, *anew)
        assert kinds(fact, saver) - {"WAL"} == {"sample", "dead row"}
    for steps, expected in (
        (["VACUUM"], {"sample", "dead row"}),
        (anew, {"sample"}),
        (["ANALYZE", "VACUUM FULL pg_statistic"], set()),
        (["SELECT pg_switch_wal()", "CHECKPOINT"] * (files + 2), set()),
    ):
        _done(database, *steps)
        assert kinds(fact, saver) - {"WAL"} == expected, steps  # a checkpoint may drop its file
    assert not kinds(fact, saver)


def test_a_fact_in_a_key_is_in_indexes_and_one_in_json_and_a_subgraph_is_named(
    database: psycopg.Connection[Any],
) -> None:
    saver = PostgresSaver(database)
    inner = complaint(True)
    graph = type(inner.builder)(inner.builder.state_schema).add_node("team", inner)
    graph = graph.add_edge("__start__", "team").compile(checkpointer=saver)
    graph.invoke({"log": ["smoke"], "part": 4711}, thread("ada@example.org"))
    _done(database, "CREATE TABLE diary (line text)")
    found, unread = looked("ada@example.org", saver).finds, looked("4711", saver).unread
    assert "database of_a_test: only LangGraph's tables were searched, not diary." in unread
    assert {one.held_by for one in found if one.kind == "index entry"} == {
        f"an index of table {table}" for table in TABLES[:3]
    }
    what = {one.what for one in looked("4711", saver).finds}
    assert "checkpoint of thread 'ada@example.org', namespace 'team'" in what


# -- bytes -----------------------------------------------------------------------------------------


def test_stored_bytes_are_of_threads_channels_and_kinds_and_make_the_tables(
    database: psycopg.Connection[Any],
) -> None:
    saver = PostgresSaver(database)
    graph = complaint(saver)
    graph.invoke({"log": ["smoke " * 2000], "part": 7}, ADA)
    graph.invoke({"log": ["smoke"]}, thread("bob"))
    kept = storage(saver)
    asked = "SELECT sum(pg_column_size(blob)) AS n, sum(length(blob)) AS plain FROM {}"
    for kind, table in (("blob", "checkpoint_blobs"), ("write", "checkpoint_writes")):
        row = _row(database, asked.format(table))
        assert kept.bytes(kind=kind) == row["n"] < row["plain"] / 5
    whole = _row(database, "SELECT sum(pg_column_size(checkpoint)) AS n FROM checkpoints")["n"]
    assert kept.bytes(kind="checkpoint") == whole
    assert 0 < kept.bytes(kind="checkpoint", channel="part") < whole / 10
    assert (kept.threads, kept.channels[0]) == (("ada", "bob"), "log")
    total = "SELECT sum(pg_total_relation_size(t::regclass)) AS n FROM unnest(%s::text[]) AS t"
    assert kept.bytes() == _row(database, total, TABLES[:3])["n"]
    assert "long ones compressed; the server's WAL is not counted" in str(kept)


def _row(database: psycopg.Connection[Any], question: str, *asked: object) -> dict[str, Any]:
    [row] = database.execute(question, asked)
    return dict(row)


# -- what cannot be seen, and what is left alone ---------------------------------------------------


def test_without_the_right_to_read_files_that_is_said_and_nothing_is_left_open(
    uri: str, database: psycopg.Connection[Any]
) -> None:
    graph = complaint(PostgresSaver(database))
    graph.invoke({"log": ["smoke"]}, ADA)
    before = database.execute("SELECT ctid, xmin, xmax, * FROM checkpoints").fetchall()
    database.execute("CREATE ROLE reader LOGIN PASSWORD 'tell-nobody'")
    try:
        database.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        with psycopg.connect(uri.replace("postgres@", "reader:tell-nobody@"), **USUAL) as theirs:
            saver = PostgresSaver(theirs)
            found, weighed = looked("drafted", saver), storage(saver)
            theirs.execute("SET lock_timeout = '7s'")
            assert theirs.info.transaction_status.name == "IDLE"
        [said] = found.unread
        assert said.startswith(
            "database of_a_test: what deletions left in the server's files was not looked at, nor "
            "was its WAL: connect as a superuser (InsufficientPrivilege: permission denied"
        )
        assert {find.kind for find in found.finds} == {"row"}
        assert "tell-nobody" not in f"{found}{weighed}"
        with pytest.raises(ValueError, match="OperationalError: the connection is closed"):
            storage(saver)
        assert "the connection is closed" in looked("drafted", saver).unread[0]
    finally:
        database.execute("DROP OWNED BY reader")
        database.execute("DROP ROLE reader")
    assert database.execute("SELECT ctid, xmin, xmax, * FROM checkpoints").fetchall() == before
    others = (
        "SELECT count(*) AS n FROM pg_stat_activity "
        "WHERE datname = 'of_a_test' AND backend_type = 'client backend'"
    )
    until = time.monotonic() + 10  # the server's side ends a moment after the connection is closed
    while (left := _row(database, others)["n"]) > 1 and time.monotonic() < until:
        pass
    assert left == 1


def test_the_folder_of_a_cluster_is_searched_and_nobody_told_to_delete_its_files(
    ours: Postgres, database: psycopg.Connection[Any]
) -> None:
    assert ours.data is not None
    PostgresStore(database).put(("ada",), "home", {"at": "9 Quince Row"})
    finds = looked("9 Quince Row", ours.data).finds
    assert {find.erased_by for find in finds} == {"the server: where_is(fact, saver) says how"}


def test_a_database_without_tables_a_locked_table_and_a_lost_key_are_said(
    uri: str, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = PostgresSaver(database, serde=encrypted(90))
    build(saver).invoke({"messages": [heard("I live at 9 Quince Row.")]}, thread("ada"))
    assert "row" in kinds("9 Quince Row", saver)
    found = looked("9 Quince Row", PostgresSaver(database, serde=encrypted(91)))
    assert "encrypted values were not read: ValueError: MAC check failed" in found.unread[0]
    monkeypatch.setattr("lessons_lib.database.aside._SETTINGS", "SET lock_timeout = '20ms'")
    with psycopg.connect(uri) as other:
        other.execute("LOCK TABLE checkpoint_writes")
        table, log = looked("9 Quince Row", saver).unread
        assert log.endswith(
            "nor was its WAL (LockNotAvailable: canceling statement due to lock timeout)."
        )
        assert "table checkpoint_writes was not read to its end: LockNotAvailable" in table
        with pytest.raises(TimeoutError, match="of the PostgresSaver is locked by another"):
            storage(saver)
    database.execute("DROP SCHEMA public CASCADE")
    assert "has none of LangGraph's tables" in looked("9 Quince Row", saver).unread[-1]
    with pytest.raises(ValueError, match=r"UndefinedTable.*call saver.setup\(\) once"):
        storage(saver)
