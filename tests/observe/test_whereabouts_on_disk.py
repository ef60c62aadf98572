"""where_is on disk: databases, their logs, journals and free pages, and plain files; untouched."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore

from lessons_lib.memories.chatbot import heard
from lessons_lib.memories.graph import build, thread
from lessons_lib.observe import Find, where_is
from lessons_lib.observe.whereabouts import files
from lessons_lib.observe.whereabouts.fact import Text
from lessons_lib.observe.whereabouts.files import search_path
from lessons_lib.observe.whereabouts.logs import read_log
from lessons_lib.observe.whereabouts.pages import Database
from lessons_lib.observe.whereabouts.places import search_places

FACT = "My name is Ada Lovelace."
TEXT = Text.of("Ada Lovelace")


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


def test_with_secure_delete_and_an_open_connection_the_log_keeps_it(path: Path) -> None:
    with closing(connect(path)) as connection:
        saver = talked(connection)
        assert kinds(path) == [*ROWS, NOW, OLD]
        saver.delete_thread("c1")
        assert kinds(path) == [OLD]
        connection.execute("VACUUM")
        assert kinds(path) == [OLD]
        assert erasers(path) == {"PRAGMA wal_checkpoint(TRUNCATE), or closing the last connection"}
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not kinds(path)


def test_with_secure_delete_and_no_connection_it_is_gone(path: Path) -> None:
    with closing(connect(path)) as connection:
        talked(connection).delete_thread("c1")
    assert not kinds(path)


def test_without_secure_delete_it_stays_in_free_pages_too(path: Path) -> None:
    with closing(connect(path, "OFF")) as connection:
        saver = talked(connection)
        saver.delete_thread("c1")
        told = kinds(path)
        assert FREE in told
        assert OLD in told
        assert not [kind for kind in told if kind.startswith("row")]
        connection.execute("VACUUM")
        assert kinds(path) == [OLD]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not kinds(path)


def test_without_secure_delete_a_closed_file_keeps_it_until_vacuum(path: Path) -> None:
    with closing(connect(path, "OFF")) as connection:
        talked(connection).delete_thread("c1")
    assert FREE in kinds(path)
    assert erasers(path) == {"VACUUM"}
    with closing(connect(path, "OFF")) as connection:
        connection.execute("VACUUM")
    assert not kinds(path)


# -- the write-ahead log and the journal ---------------------------------------------------------


def notes_table(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.commit()
    return connection


def test_a_transaction_under_way_is_told_from_what_is_committed(path: Path) -> None:
    with closing(notes_table(connect(path))) as connection:
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.executemany("INSERT INTO notes (text) VALUES (?)", [("x" * 3000,)] * 50)
        told = kinds(path)
        assert told == ["frame: pages of a transaction that is not over"]
        connection.rollback()


def test_frames_of_an_earlier_round_are_found_until_they_are_written_over(path: Path) -> None:
    with closing(notes_table(connect(path))) as connection:
        connection.executemany("INSERT INTO notes (text) VALUES (?)", [(FACT + "x" * 3000,)] * 9)
        connection.commit()
        connection.execute("DELETE FROM notes")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO notes (text) VALUES ('short')")
        connection.commit()
        assert kinds(path) == ["frame: pages left of an earlier round"]


def test_pages_in_the_file_that_the_log_replaces_are_found(path: Path) -> None:
    with closing(notes_table(connect(path))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("DELETE FROM notes")
        connection.commit()
        assert kinds(path) == ["old page: replaced in the write-ahead log"]


def test_a_rollback_journal_is_read(path: Path) -> None:
    with closing(notes_table(connect(path, journal="PERSIST"))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
        connection.execute("DELETE FROM notes")
        connection.execute("PRAGMA cache_spill = 1")
        connection.commit()
        assert kinds(path) == ["page: pages before the last one"]
        assert erasers(path) == {"PRAGMA journal_mode = DELETE"}
        connection.execute("PRAGMA journal_mode = DELETE")
        assert not kinds(path)


def test_a_log_without_its_database_is_searched_as_bytes(path: Path) -> None:
    with closing(notes_table(connect(path))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
        orphan = path.with_name("orphan.db-wal")
        shutil.copy(f"{path}-wal", orphan)
    assert [find.kind for find in search_path(orphan, TEXT).finds] == ["file"]


# -- the format ----------------------------------------------------------------------------------


def values_of(data: bytes, log: bytes = b"") -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a database by table, as its bytes say."""
    wal = read_log(log)
    database = Database(data, wal.newest() if wal else {}, wal.size if wal else 0)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in database.rows():
        found.setdefault(row.table, []).append(row.values)
    rest = [rest for rest in database.rests() if rest.kind == "page that nothing leads to"]
    assert not rest
    assert not database.damaged
    return found


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 65536])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_the_rows_are_those_that_sqlite_gives(path: Path, page_size: int, encoding: str) -> None:
    chance = random.Random(page_size)
    rows = [
        (chance.choice([None, n, -n * 10**9, n / 7, "né" * n, bytes(n)]), "w" * (n * n % 7000))
        for n in range(300)
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f'PRAGMA encoding = "{encoding}"')
        connection.execute("CREATE TABLE t (a, b)")
        connection.execute("CREATE INDEX i ON t (b, a)")
        connection.execute("CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.executemany("INSERT INTO w VALUES (?, ?)", [(f"k{n}", n) for n in range(200)])
        connection.execute("DELETE FROM t WHERE rowid % 3 = 0")
        connection.commit()
        expected = list(connection.execute("SELECT a, b FROM t"))
        without = list(connection.execute("SELECT k, v FROM w"))
    found = values_of(path.read_bytes())
    assert found["t"] == expected
    assert sorted(found["w"]) == sorted(without)


def test_rows_are_read_through_the_log(path: Path) -> None:
    with closing(notes_table(connect(path))) as connection:
        texts = [f"note {n} " + "x" * (n % 5000) for n in range(0, 20000, 97)]
        for text in texts:
            connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))
            connection.commit()
        found = values_of(path.read_bytes(), Path(f"{path}-wal").read_bytes())
    assert [text for _, text in found["notes"]] == texts


def test_a_text_cut_by_the_border_of_two_pages_is_found(path: Path) -> None:
    with closing(notes_table(connect(path, "OFF", "DELETE"))) as connection:
        for lead in range(3900, 4200, 7):
            connection.execute("INSERT INTO notes (text) VALUES (?)", ("x" * lead + FACT * 400,))
        connection.commit()
        [row] = search_path(path, TEXT).finds
        assert (row.kind, row.count) == ("row", 43)
        connection.execute("DELETE FROM notes")
        connection.commit()
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


def test_any_table_will_do(path: Path) -> None:
    with closing(notes_table(connect(path, journal="DELETE"))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
    [row] = search_path(path, TEXT).finds
    assert row == Find("graph.db", "row", "column text", "table notes", "DELETE FROM notes WHERE …")


# -- folders and plain files ---------------------------------------------------------------------


def test_the_files_of_a_folder_come_in_order_with_their_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    state = {"messages": [{"content": FACT}], "name": "Ada Lovelace"}
    (tmp_path / "b.json").write_text(json.dumps(state))
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(state))
    (tmp_path / "sub" / "c.txt").write_text("Ada Lovelace\n")
    (tmp_path / "none.txt").write_text("Ada\n")
    with closing(notes_table(connect(tmp_path / "n.db", journal="DELETE"))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
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
    found = search_path(tmp_path, Text.of('Ren\u00e9 said "hi"')).finds
    assert [find.place for find in found] == ["escaped.json", "plain.json"]


# -- bad input -----------------------------------------------------------------------------------


def test_a_missing_path_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        where_is("Ada Lovelace", tmp_path / "no.db")
    assert str(caught.value) == (
        f"'{tmp_path / 'no.db'}' is not there, expected a file or a folder: check the path"
    )


def test_a_closed_connection_is_a_sentence(path: Path) -> None:
    connection = connect(path)
    saver = SqliteSaver(connection)
    connection.close()
    with pytest.raises(ValueError, match="SqliteSaver does not tell where its file is") as caught:
        search_places([saver], TEXT)
    assert str(caught.value).endswith("of this thread: give the path of the file")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"", "graph.db is empty: SQLite takes it for a database without tables."),
        (lambda data: b"no database", "graph.db is no SQLite database, for all its name."),
        (lambda data: data[:50], "graph.db is cut off inside its header."),
        (cut, "graph.db is cut off: its header promises "),
        (lambda data: data[:4096] + b"\xff" * (len(data) - 4096), "graph.db is damaged: a page"),
    ],
)
def test_spoilt_files_are_searched_and_said_in_a_sentence(
    path: Path, spoil: Callable[[bytes], bytes], said: str
) -> None:
    with closing(connect(path)) as connection:
        talked(connection)
    path.write_bytes(spoil(path.read_bytes()))
    before = state_of(path.parent)
    [note] = search_path(path, TEXT).notes
    assert note.startswith(said)
    assert state_of(path.parent) == before


def test_any_bytes_after_a_database_s_header_are_survived(path: Path) -> None:
    with closing(notes_table(connect(path, journal="DELETE"))) as connection:
        connection.executemany("INSERT INTO notes (text) VALUES (?)", [("x" * 900,)] * 40)
        connection.commit()
    data, chance = path.read_bytes(), random.Random(4)
    for _ in range(60):
        spoilt = bytearray(data)
        for _ in range(30):
            spoilt[chance.randrange(16, len(spoilt))] = chance.randrange(256)
        path.write_bytes(spoilt)
        search_path(path, TEXT)


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


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    with closing(notes_table(connect(path, journal="DELETE"))) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (FACT,))
        connection.commit()
        connection.execute("BEGIN EXCLUSIVE")
        yield path


def test_a_locked_database_is_read_and_stays_locked(locked: Path) -> None:
    """On POSIX closing a file would let go of the locks that SQLite holds on it."""
    [row] = search_path(locked, TEXT).finds
    assert row.kind == "row"
    command = [sys.executable, "-c", TAKE_THE_LOCK, str(locked)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "locked\n"


def test_only_what_is_open_here_is_read_by_a_child(locked: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Ada Lovelace")
    assert files.open_here([locked])
    assert not files.open_here([other])
    assert files.open_here([other, locked])
