"""where_is on disk: databases, their logs, journals and free pages, and plain files; untouched."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langgraph.cache.memory import InMemoryCache
from langgraph.cache.sqlite import SqliteCache
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.store.base import BaseStore, SearchItem
from langgraph.store.sqlite import SqliteStore
from langgraph.types import CachePolicy

from lessons_lib.memories.chatbot import heard
from lessons_lib.memories.graph import build, thread
from lessons_lib.observe import where_is
from lessons_lib.observe.whereabouts import files
from lessons_lib.observe.whereabouts.fact import Text
from lessons_lib.observe.whereabouts.files import search_path
from lessons_lib.observe.whereabouts.finds import Found
from lessons_lib.observe.whereabouts.places import search_places

FACT = "My name is Ada Lovelace."
TEXT = Text.of("Ada Lovelace")
NOW_ = datetime.now(UTC)


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The bytes of all files, and when each was changed."""
    return {
        file.name: (
            file.read_bytes() if not file.name.endswith(".db") else b"",
            file.stat().st_mtime_ns,
        )
        for file in sorted(folder.iterdir())
    }


def kinds(path: Path) -> list[str]:
    """The kinds of all finds; the look leaves every file in the folder as it was."""
    before = state_of(path.parent)
    found = search_path(path, TEXT)
    assert state_of(path.parent) == before
    assert not found.notes
    assert not found.unread
    return [f"{find.kind}: {find.what}" for find in found.finds]


def erasers(path: Path) -> set[str]:
    return {find.erased_by for find in search_path(path, TEXT).finds}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graph.db"


def connect(path: Path, secure: str = "ON", journal: str = "WAL") -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute(f"PRAGMA secure_delete = {secure}")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    return connection


def talked(connection: sqlite3.Connection) -> SqliteSaver:
    """A saver with a thread that says the fact and one that does not."""
    saver = SqliteSaver(connection)
    graph = build(saver)
    for text in (FACT, "Hi.", "What is my name?"):
        graph.invoke({"messages": [heard(text)]}, thread("c1"))
    graph.invoke({"messages": [heard("Hi.")]}, thread("c2"))
    return saver


# -- a conversation, deleted ---------------------------------------------------------------------

ROWS = ["row: checkpoint of thread 'c1'", "row: channel 'messages' of thread 'c1'"]
OLD = "frame: pages as they were"
NOW = "frame: pages as they are now"
FREE = "free page: left by a deletion"


@pytest.mark.parametrize("secure", ["ON", "OFF"])
def test_a_deletion_leaves_old_pages_in_the_log_and_without_secure_delete_free_ones(
    path: Path, secure: str
) -> None:
    with closing(connect(path, secure)) as connection:
        saver = talked(connection)
        assert [kind for kind in kinds(path) if "left by" not in kind] == [*ROWS, NOW, OLD]
        saver.delete_thread("c1")
        told = kinds(path)
        assert (told == [OLD]) == (secure == "ON")
        assert (FREE in told) == (secure == "OFF")
        assert not [kind for kind in told if kind.startswith("row")]
        connection.execute("VACUUM")
        assert kinds(path) == [OLD]
        assert erasers(path) == {"PRAGMA wal_checkpoint(TRUNCATE), or closing the last connection"}
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not kinds(path)


@pytest.mark.parametrize("secure", ["ON", "OFF"])
def test_without_secure_delete_a_closed_file_keeps_it_until_vacuum(path: Path, secure: str) -> None:
    with closing(connect(path, secure)) as connection:
        talked(connection).delete_thread("c1")
    assert (FREE in kinds(path)) == (secure == "OFF")
    assert erasers(path) == ({"VACUUM"} if secure == "OFF" else set())
    with closing(connect(path, secure)) as connection:
        connection.execute("VACUUM")
    assert not kinds(path)


# -- the write-ahead log and the journal ---------------------------------------------------------


INSERT, DELETE = f"INSERT INTO notes (text) VALUES ('{FACT}')", "DELETE FROM notes"
MANY = "INSERT INTO notes (text) SELECT hex(zeroblob(1500)) FROM ten, ten"
LONG = f"INSERT INTO notes (text) SELECT '{FACT}' || hex(zeroblob(1500)) FROM ten"
SHORT = "INSERT INTO notes (text) VALUES ('short')"
TEN = "CREATE VIEW ten AS VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)"
TRUNCATE, RESTART = (f"PRAGMA wal_checkpoint({how})" for how in ("TRUNCATE", "RESTART"))
SPILL = ["PRAGMA cache_spill = 1", "PRAGMA cache_size = 1", "BEGIN"]
ENDED = "the end of the transaction, or PRAGMA journal_mode = DELETE"


def noted(connection: sqlite3.Connection, *statements: str) -> sqlite3.Connection:
    """A table of notes, and some statements, each a transaction of its own unless one begins."""
    connection.isolation_level = None
    for statement in ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)", TEN, *statements):
        connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    ("journal", "statements", "expected", "erased_by"),
    [
        ("DELETE", [INSERT], "row: column text", "DELETE FROM notes WHERE …"),
        (
            "WAL",
            [*SPILL, INSERT, MANY],
            "frame: pages of a transaction that is not over",
            "ROL",
        ),
        ("WAL", [LONG, DELETE, RESTART, SHORT], OLD, TRUNCATE),
        ("WAL", [INSERT, TRUNCATE, DELETE], "old page: replaced in the write-ahead log", TRUNCATE),
        ("PERSIST", [INSERT, DELETE], "page: pages as they were", ENDED),
    ],
)
def test_what_statements_leave_in_the_files(
    path: Path, journal: str, statements: list[str], expected: str, erased_by: str
) -> None:
    with closing(noted(connect(path, journal=journal), *statements)):
        assert kinds(path) == [expected]
        assert [how[: len(erased_by)] for how in erasers(path)] == [erased_by]


def test_a_log_without_its_database_is_searched_as_bytes(path: Path) -> None:
    with closing(noted(connect(path), INSERT)):
        orphan = path.with_name("orphan.db-wal")
        shutil.copy(f"{path}-wal", orphan)
    assert [find.kind for find in search_path(orphan, TEXT).finds] == ["file"]


# -- the format ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page_size", "encoding"), [(512, "UTF-8"), (4096, "UTF-16le"), (65536, "UTF-16be")]
)
def test_what_is_in_rows_is_told_from_what_is_left(
    path: Path, page_size: int, encoding: str
) -> None:
    """Every second row is deleted: the others are in rows and in an index."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f'PRAGMA encoding = "{encoding}"')
        connection.execute("CREATE TABLE t (a TEXT, b)")
        connection.execute("CREATE INDEX i ON t (b, a)")
        connection.execute("CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
        rows = [("x" * (n * n % 7000) + FACT, n) for n in range(60)]
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        keys = [(f"{n} {FACT}", n) for n in range(60)]
        connection.executemany("INSERT INTO w VALUES (?, ?)", keys)
        connection.commit()
        assert [find.count for find in search_path(path, TEXT).finds] == [60, 60]
        connection.execute("DELETE FROM t WHERE rowid % 2")
        connection.commit()
    table, other, *rest = search_path(path, TEXT).finds
    assert (table.count, other.count) == (30, 60)
    # SQLite leaves a copy where it moves a row, `secure_delete` or not: then there are more than
    # 30 in the table, 30 in its index and 60 in the other.
    wide = encoding.lower().replace("utf-16le", "utf-16-le").replace("utf-16be", "utf-16-be")
    assert bool(rest) == (path.read_bytes().count("Ada Lovelace".encode(wide)) > 120)


def test_rows_are_read_through_the_log(path: Path) -> None:
    with closing(noted(connect(path), *[INSERT, LONG] * 9)):
        [row, now, old] = search_path(path, TEXT).finds
    assert (row.kind, row.count) == ("row", 99)
    assert [f"{find.kind}: {find.what}" for find in (now, old)] == [NOW, OLD]


def test_a_text_cut_by_the_border_of_two_pages_is_found(path: Path) -> None:
    with closing(noted(connect(path, "OFF", "DELETE"))) as connection:
        for lead in range(3900, 4200, 7):
            connection.execute("INSERT INTO notes (text) VALUES (?)", ("x" * lead + FACT * 400,))
        [row] = search_path(path, TEXT).finds
        assert (row.kind, row.count) == ("row", 43)
        connection.execute("DELETE FROM notes")
    assert FREE in kinds(path)


# -- stores, and other tables --------------------------------------------------------------------


def test_a_sqlite_store_s_items_are_named(path: Path) -> None:
    with closing(
        sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    ) as connection:
        store = SqliteStore(connection)
        store.setup()
        store.put(("users", "ada"), "profile", {"name": "Ada Lovelace"})
        [row, *_] = search_places([store], TEXT).finds
        assert (row.place, row.what) == ("graph.db", "users/ada 'profile'")
        assert row.erased_by == "delete(('users', 'ada'), 'profile')"


def test_a_database_in_memory_is_read_through_its_connection() -> None:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        saver = talked(connection)
        found = search_places([saver], TEXT).finds
        assert [(find.place, find.what) for find in found][:1] == [
            ("SqliteSaver", "checkpoint of thread 'c1'")
        ]


def test_the_cache_of_a_graph_is_searched_too(path: Path) -> None:
    builder: Any = StateGraph(dict)
    builder.add_node("greets", lambda _: FACT, cache_policy=CachePolicy())
    builder.add_edge(START, "greets")
    for cache, finds in ((SqliteCache(path=str(path)), 2), (InMemoryCache[Any](), 0)):
        graph = builder.compile(cache=cache)
        list(graph.stream({}))
        found = search_places([graph], TEXT)
        assert (len(found.finds), found.notes, found.unread) == (finds, [], [])


# -- folders and plain files ---------------------------------------------------------------------


def test_the_files_of_a_folder_come_in_order_with_their_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    state = {"messages": [{"content": FACT}], "name": "Ada Lovelace"}
    (tmp_path / "b.json").write_text(json.dumps(state))
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(state))
    (tmp_path / "sub" / "c.txt").write_text("Ada Lovelace\n")
    (tmp_path / "none.txt").write_text("Ada\n")
    noted(connect(tmp_path / "n.db", journal="DELETE"), INSERT).close()
    found = search_path(tmp_path, TEXT).finds
    assert [(find.place, find.what, find.count) for find in found] == [
        ("a.pickle", "pickle", 2),
        ("b.json", "JSON ['messages'][0]['content']", 2),
        ("n.db", "column text", 1),
        ("sub/c.txt", "text", 1),
    ]
    assert found[0].erased_by == "deleting the file"


def test_accents_in_json_are_found_however_they_are_written(tmp_path: Path) -> None:
    for name, plain in (("plain.json", False), ("escaped.json", True)):
        text = json.dumps(['Ren\u00e9 said "hi"'], ensure_ascii=plain)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "wide.txt").write_text('- Ren\u00e9 said "hi"', encoding="utf-16")
    found = search_path(tmp_path, Text.of('Ren\u00e9 said "hi"')).finds
    places = [(find.place, find.count) for find in found]
    assert places == [("escaped.json", 1), ("plain.json", 1), ("wide.txt", 1)]


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("new_things_alone")
def test_a_place_that_cannot_be_read_is_said_first_and_the_rest_is_shown(tmp_path: Path) -> None:
    closed = sqlite3.connect(tmp_path / "closed.db", check_same_thread=False)
    saver = SqliteSaver(closed)
    closed.close()
    (tmp_path / "note.txt").write_text("Ada Lovelace")
    (tmp_path / "old.gz").write_bytes(gzip.compress(b"Ada Lovelace"))
    writing = sqlite3.connect(tmp_path / "open.db")
    writing.execute("CREATE TABLE notes (said)")
    writing.execute("INSERT INTO notes VALUES ('Ada Lovelace')")
    told = where_is(b"Ada Lovelace", saver, tmp_path / "note.txt", tmp_path / "old.gz", writing)
    writing.close()
    why = "(ProgrammingError: Cannot operate on a closed database.)"
    assert str(told).splitlines()[0] == (
        f"SqliteSaver was not searched: it does not tell what it has {why}."
    )
    assert str(told).splitlines()[1:3] == [
        "old.gz: what is compressed in it was not searched.",
        "the connection: what its open transaction has changed was not searched.",
    ]
    assert "note.txt" in [find.place for find in told]
    html = told._repr_mimebundle_()["text/html"]
    assert html.index("was not searched") < html.index("lives in")


def test_a_file_that_cannot_be_read_or_does_not_rest_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("Ada Lovelace")

    def read(paths: Sequence[Path]) -> list[bytes]:
        if paths[0].name == "a.txt":
            raise PermissionError(13, "Permission denied")
        with paths[0].open("a") as file:
            file.write("!")
        return [b"Ada Lovelace", b"", b""]

    monkeypatch.setattr(files, "read_bytes", read)
    found = search_path(tmp_path, TEXT)
    assert found.unread == [
        "a.txt was not searched: Permission denied.",
        "b.txt was written to while it was read: look again when it rests.",
    ]
    assert [find.place for find in found.finds] == ["b.txt"]


def test_another_thread_s_connection_is_a_sentence(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, ThreadPoolExecutor(1) as thread:
        [said] = thread.submit(search_places, [connection], TEXT).result().unread
    assert said.startswith("the connection was not searched: it does not tell what it has")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[: len(data) // 2], "graph.db was not read as a database: database disk"),
        (lambda data: data[:4096] + b"\xff" * (len(data) - 4096), "graph.db: table checkpoints wa"),
    ],
)
def test_spoilt_files_are_searched_and_said_in_a_sentence(
    path: Path, spoil: Callable[[bytes], bytes], said: str
) -> None:
    with closing(connect(path)) as connection:
        talked(connection)
    path.write_bytes(spoil(path.read_bytes()))
    before = state_of(path.parent)
    found = search_path(path, TEXT)
    assert [*found.unread, *found.notes][0].startswith(said)
    assert state_of(path.parent) == before


# -- encrypted values ----------------------------------------------------------------------------


class Xor:
    """A cipher for tests: it has a key, and refuses what another one has encrypted."""

    def __init__(self, key: int) -> None:
        self.key = key

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "xor", bytes([self.key, *(byte ^ self.key for byte in plaintext)])

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        if ciphertext[0] != self.key:
            raise ValueError("MAC check failed")
        return bytes(byte ^ self.key for byte in ciphertext[1:])


def encrypted(key: int) -> EncryptedSerializer:
    return EncryptedSerializer(Xor(key))


def test_encrypted_values_are_read_with_the_key_and_counted_without(path: Path) -> None:
    with closing(connect(path)) as connection:
        saver = SqliteSaver(connection, serde=encrypted(90))
        build(saver).invoke({"messages": [heard(FACT)]}, thread("c1"))
        assert "row" in {find.kind for find in search_places([saver], TEXT).finds}
        found = search_path(path, TEXT)
        assert not [find for find in found.finds if find.kind == "row"]
        [said] = found.unread
        assert re.fullmatch(
            r"graph.db: \d+ encrypted values were not read: give the saver that has the key.", said
        )
        other = SqliteSaver(connection, serde=encrypted(91))
        [said] = search_places([other], TEXT).unread
        assert "encrypted values were not read: ValueError: MAC check failed." in said


# -- asynchronous and foreign savers and stores --------------------------------------------------


@pytest.mark.parametrize("where", ["file", ":memory:"])
def test_an_async_saver_is_searched_from_the_loop_that_runs(tmp_path: Path, where: str) -> None:
    async def cell() -> Found:
        name = str(tmp_path / "a.db") if where == "file" else where
        async with AsyncSqliteSaver.from_conn_string(name) as saver:
            await build(saver).ainvoke({"messages": [heard(FACT)]}, thread("c1"))
            found = search_places([saver], TEXT)
        [said] = search_places([saver], TEXT).unread
        assert said.startswith("AsyncSqliteSaver was not searched: it does not tell what it has")
        return found

    found = asyncio.run(cell())
    assert not found.unread
    assert "row" in {find.kind for find in found.finds}


class OnServer(BaseCheckpointSaver[str]):
    """A saver whose database is elsewhere, asked through a loop as AsyncPostgresSaver is."""

    def __init__(self, items: list[Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.items, self.loop = items, loop

    def list(self, config: Any, **keywords: Any) -> Iterator[Any]:
        async def one(item: Any) -> Any:
            return item

        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield asyncio.run_coroutine_threadsafe(one(item), self.loop).result(10)


def listed(thread_id: str, text: str) -> Any:
    config: Any = {"configurable": {"thread_id": thread_id}}
    checkpoint: Any = {"channel_values": {"messages": [text]}}
    return CheckpointTuple(config, checkpoint, {}, None, [("task", "messages", text)])


def test_a_saver_on_a_server_is_searched_from_another_thread() -> None:
    async def cell() -> tuple[Found, Found]:
        broken = ConnectionError("server closed\nthe connection")
        saver = OnServer(
            [listed("c1", FACT), listed("c2", "x"), broken], asyncio.get_running_loop()
        )
        here = search_places([saver], TEXT)
        return here, await asyncio.to_thread(search_places, [saver], TEXT)

    here, aside = asyncio.run(cell())
    assert here.unread == [
        "OnServer was not searched: its event loop waits for this very call; write "
        "await asyncio.to_thread(where_is, …)."
    ]
    assert aside.unread[0] == (
        "OnServer was not searched to its end, after channel 'messages' of thread 'c2': "
        "ConnectionError: server closed the connection."
    )
    assert [(find.place, find.what) for find in aside.finds] == [
        ("OnServer", "checkpoint of thread 'c1'"),
        ("OnServer", "channel 'messages' of thread 'c1'"),
    ]


@pytest.mark.parametrize(("close", "why"), [(True, "is closed; make it"), (False, "stands still")])
def test_a_loop_that_does_not_run_is_said_at_once(close: bool, why: str) -> None:
    loop = asyncio.new_event_loop()
    if close:
        loop.close()
    [said] = search_places([OnServer([listed("c1", FACT)], loop)], TEXT).unread
    loop.close()
    assert f"its event loop {why}" in said


class Shelf(BaseStore):
    """A store of somebody else's."""

    def batch(self, ops: Any) -> Any:
        items = [SearchItem(("u",), f"{n:04}", {"t": FACT}, NOW_, NOW_) for n in range(1500)]
        return [items[op.offset : op.offset + op.limit] for op in ops]

    async def abatch(self, ops: Any) -> Any:
        raise NotImplementedError


def test_a_foreign_store_is_asked_page_by_page() -> None:
    found = search_places([Shelf()], TEXT)
    assert len(found.finds) == 1500
    assert found.unread == ["Shelf: only what it lists was searched, not what deletions left."]


# -- locks ---------------------------------------------------------------------------------------

TAKE_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("free")
except sqlite3.OperationalError:
    print("locked")
"""


def test_a_locked_database_is_read_by_a_child_and_stays_locked(path: Path, tmp_path: Path) -> None:
    """On POSIX closing a file would let go of the locks that SQLite holds on it."""
    other = tmp_path / "other.txt"
    other.write_text("Ada Lovelace")
    with closing(noted(connect(path, journal="DELETE"), INSERT, "BEGIN EXCLUSIVE")):
        assert [files.open_here([file]) for file in (path, other)] == [True, False]
        [row] = search_path(path, TEXT).finds
        assert row.kind == "row"
        command = [sys.executable, "-c", TAKE_THE_LOCK, str(path)]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "locked\n"
