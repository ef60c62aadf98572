"""Memories in SQLite: a turn cut off, users, and files that are damaged, another's, or locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import GraphBot, MendedBot, SqliteBot, StoreBot, sqlite_files

ASK = "What is my name?"
MAKERS: dict[str, Callable[[Path], Any]] = {
    "SqliteBot": SqliteBot,
    "GraphBot": GraphBot,
    "StoreBot": StoreBot,
    "MendedBot": partial(MendedBot, key=b"a key of thirty-two bytes, or so"),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], Any]:
    return MAKERS[request.param]


@pytest.fixture
def file(make: Callable[[Path], Any], tmp_path: Path) -> Path:
    """The database of a memory that was used and closed."""
    bot = make(tmp_path)
    bot.say("My name is Ada.")
    bot.close()
    (found,) = tmp_path.glob("*.db")
    return found


def refused(make: Callable[[Path], Any], file: Path) -> str:
    """The sentence with which a file is refused; it stays as it was, and nobody holds it."""
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"\.db ") as raised:
        make(file.parent)
    assert file.read_bytes() == before
    assert {path.suffix for path in file.parent.glob(f"{file.name}*")} == {".db"}
    return str(raised.value).replace(str(file), "it")


def test_a_file_that_is_cut_off(make: Callable[[Path], Any], file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])
    assert refused(make, file) == (
        "it cannot be read, database disk image is malformed: move it away to begin anew, or put "
        "a copy in its place"
    )


def test_a_file_that_is_no_database(make: Callable[[Path], Any], file: Path) -> None:
    file.write_text("Dear Ada, this is a letter.\n" * 50, encoding="utf-8")
    assert refused(make, file).startswith("it cannot be read, file is not a database: ")


@pytest.mark.parametrize("table", ["albums", "checkpoints", "turns"])
def test_another_program_s_database(make: Callable[[Path], Any], file: Path, table: str) -> None:
    file.unlink()
    other = sqlite3.connect(file)
    other.execute(f"CREATE TABLE {table} (title)")
    other.close()
    assert refused(make, file) == (
        f"it is another program's database, with the tables {table}: give this memory a folder of "
        "its own"
    )


def test_an_empty_file_is_begun_anew(make: Callable[[Path], Any], file: Path) -> None:
    file.write_bytes(b"")
    bot = make(file.parent)
    assert bot.say(ASK) == "You have not told me your name."
    bot.close()


def test_a_file_that_is_locked(
    make: Callable[[Path], Any], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")  # in WAL mode a reader need not wait
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TimeoutError, match=r"has been locked by another connection for 0\.05 s: "):
        make(file.parent)
    other.close()


def test_a_store_whose_saver_was_never_used(tmp_path: Path) -> None:
    """A kill may come between the two: what they share is a memory's file all the same."""
    bot = StoreBot(tmp_path)
    bot.close()
    tables = sqlite3.connect(tmp_path / "graph.db").execute("SELECT name FROM sqlite_master")
    found = [name for (name,) in tables]
    assert "store" in found
    assert "checkpoints" not in found
    bot = StoreBot(tmp_path)
    assert bot.say("My name is Ada.") == "Hello, Ada."
    bot.close()


def test_sqlite_finishes_a_turn_and_goes_back(tmp_path: Path) -> None:
    def failing(messages: Any) -> str:
        raise TimeoutError("the model is away")

    bot = SqliteBot(tmp_path)
    bot.say("Hello")
    away = SqliteBot(tmp_path, model=failing)
    with pytest.raises(TimeoutError):
        away.say("My name is Ada.")
    away.close()
    assert bot.resume() == "Hello, Ada."
    assert len(bot.messages()) == 4
    with pytest.raises(ValueError, match="conversation 'c1' has no turn to finish"):
        bot.resume()
    bot.back()
    assert bot.say(ASK) == "You have not told me your name."
    with pytest.raises(ValueError, match="turns is 0: give how many to take back"):
        bot.back(0)
    bot.close()


def test_sqlite_knows_its_users(tmp_path: Path) -> None:
    bot = SqliteBot(tmp_path)
    bot.say("My name is Ada.", conversation="c1", user="ada")
    assert bot.say(ASK, conversation="c2", user="ada") == "Your name is Ada."
    assert bot.say(ASK, conversation="c3", user="ad") == "You have not told me your name."
    assert bot.say("What did I say first?", conversation="c2", user="ada") == f"You said: {ASK}"
    bot.forget("c1")
    assert bot.say(ASK, conversation="c4", user="ada") == "You have not told me your name."
    bot.close()
