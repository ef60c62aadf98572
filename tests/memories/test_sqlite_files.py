"""Memories in SQLite: a turn cut off, and files that are damaged, another's, or locked."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import GraphBot, MendedBot, SqliteBot, StoreBot, sqlite_files

MAKERS: dict[str, Callable[[Path], Any]] = {
    "SqliteBot": SqliteBot,
    "GraphBot": GraphBot,
    "StoreBot": StoreBot,
    "MendedBot": partial(MendedBot, key=b"a key of thirty-two bytes, or so"),
}


@pytest.fixture(scope="module", params=MAKERS)
def used(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What makes a memory, and the folder of one that was used and closed."""
    make, folder = MAKERS[request.param], tmp_path_factory.mktemp("used")
    bot = make(folder)
    bot.say("My name is Ada.")
    bot.close()
    return make, folder


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def a_letter(file: Path) -> None:
    file.write_text("Dear Ada, this is a letter.\n" * 50, encoding="utf-8")


def another_s(file: Path) -> None:
    """One whose tables have names as ours, and other columns."""
    file.unlink()
    other = sqlite3.connect(file)
    for table in ("albums", "checkpoints", "turns"):
        other.execute(f"CREATE TABLE {table} (title)")
    other.close()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut_off, "it cannot be read, database disk image is malformed: move it away to begin"),
        (a_letter, "it cannot be read, file is not a database: move it away to begin anew, or"),
        (
            another_s,
            "it is another program's database, with the tables albums, checkpoints, turns: give "
            "this memory a folder of its own",
        ),
    ],
)
def test_a_file_that_is_refused_stays_as_it_was(
    used: Any, damage: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    make, folder = used
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (file,) = tmp_path.glob("*.db")
    damage(file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"\.db ") as raised:
        make(tmp_path)
    assert says in str(raised.value).replace(str(file), "it")
    assert file.read_bytes() == before
    assert {path.suffix for path in tmp_path.glob(f"{file.name}*")} == {".db"}, "nobody holds it"


def test_a_file_that_is_locked_or_empty(
    used: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make, folder = used
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (file,) = tmp_path.glob("*.db")
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")  # in WAL mode a reader need not wait
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TimeoutError, match=r"has been locked by another connection for 0\.05 s: "):
        make(tmp_path)
    other.close()
    file.write_bytes(b"")
    bot = make(tmp_path)
    assert bot.say("What is my name?") == "You have not told me your name."
    bot.close()


def test_a_store_whose_saver_was_never_used(tmp_path: Path) -> None:
    """A kill may come between the two: what they share is a memory's file all the same."""
    StoreBot(tmp_path).close()
    tables = sqlite3.connect(tmp_path / "graph.db").execute("SELECT name FROM sqlite_master")
    found = {name for (name,) in tables}
    assert "store" in found
    assert "checkpoints" not in found
    bot = StoreBot(tmp_path)
    assert bot.say("My name is Ada.") == "Hello, Ada."
    bot.close()
