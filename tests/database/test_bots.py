"""The chatbots on Postgres: what they know, whom they wait for, what is left when they forget."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from lessons_lib.database import Postgres
from lessons_lib.memories import Message, PostgresBot, PostgresMendedBot, graph_postgres
from lessons_lib.memories.seal import Tampered

Make = Callable[[str], PostgresBot | PostgresMendedBot]
make_mended = partial(PostgresMendedBot, key=b"sixteen bytes ok")


@pytest.fixture
def mended(uri: str) -> Iterator[PostgresMendedBot]:
    """The mended bot on an empty database."""
    with closing(make_mended(uri)) as bot:
        yield bot


@pytest.mark.parametrize("make", [PostgresBot, make_mended])
def test_a_bot_made_later_knows_the_conversation(uri: str, make: Make) -> None:
    with closing(make(uri)) as bot:
        bot.say("My name is Ada.")
        bot.say("Here is my file.", file=("cv.pdf", "Ada, engineer"))
    with closing(make(uri)) as bot:
        assert bot.say("What is my name?") == "Your name is Ada."
        assert bot.say("What is in my file?") == "Your file cv.pdf says: Ada, engineer"
        assert bot.say("What is my name?", conversation="c2", user="bob").startswith("You have not")
        bot.back(3)
        assert len(bot.messages()) == 2


def test_the_users_facts_are_known_in_another_conversation(mended: PostgresMendedBot) -> None:
    mended.say("My name is Ada.", conversation="c1", user="ada")
    asked = "What is my name?"
    assert mended.say(asked, conversation="c2", user="ada") == "Your name is Ada."
    assert mended.say(asked, conversation="c3", user="bob") == "You have not told me your name."
    mended.back(conversation="c1")
    assert mended.say(asked, conversation="c4", user="ada") == "You have not told me your name."


def test_tables_are_made_by_four_at_once(uri: str) -> None:
    with ThreadPoolExecutor(4) as four:
        bots = list(four.map(make_mended, [uri] * 4))
    for bot in bots:
        bot.say("Hello")
        bot.close()


def test_two_writers_lose_no_turn(uri: str) -> None:
    together = threading.Barrier(2)

    def write(name: str) -> None:
        with closing(make_mended(uri)) as bot:
            together.wait(30)
            for number in range(4):
                bot.say(f"{name} {number}")

    with ThreadPoolExecutor(2) as two:
        list(two.map(write, ["one", "two"]))
    with closing(make_mended(uri)) as bot:
        told = [one["content"] for one in bot.messages() if one["role"] == "user"]
    assert sorted(told) == sorted(
        f"{name} {number}" for name in ("one", "two") for number in range(4)
    )


_WORKER = """
import sys, threading
from lessons_lib.memories import PostgresMendedBot

def model(messages):
    print("in the step", flush=True)
    threading.Event().wait()

bot = PostgresMendedBot(sys.argv[1], key=b"sixteen bytes ok", model=model)
bot.say("My name is Ada.")
"""


def test_the_turn_of_a_worker_that_was_killed_is_finished_by_another(uri: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, uri], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert worker.stdout is not None
    with worker.stdout:
        assert worker.stdout.readline() == "in the step\n"
        worker.kill()
        worker.wait()
    with closing(make_mended(uri)) as bot:
        assert bot.resume() == "Hello, Ada."
        assert len(bot.messages()) == 2


def test_a_worker_that_slept_writes_nothing_when_it_wakes(uri: str) -> None:
    asleep, wakes = threading.Event(), threading.Event()

    def sleeping(messages: Sequence[Message]) -> str:
        asleep.set()
        wakes.wait(30)
        return "I slept."

    with closing(make_mended(uri, model=sleeping)) as sleeper, ThreadPoolExecutor(1) as one:
        turn = one.submit(sleeper.say, "My name is Ada.")
        assert asleep.wait(30)
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
        with closing(make_mended(uri)) as other:
            assert other.resume() == "Hello, Ada."
            wakes.set()
            with pytest.raises(psycopg.OperationalError):
                turn.result(30)
            assert [one["content"] for one in other.messages()] == [
                "My name is Ada.",
                "Hello, Ada.",
            ]
            assert other.say("What is my name?") == "Your name is Ada."


def _files_with(ours: Postgres, words: str) -> list[str]:
    assert ours.data is not None
    files = [path for path in ours.data.rglob("*") if path.is_file()]
    return [path.name for path in files if words.encode() in path.read_bytes()]


def test_what_is_forgotten_is_in_no_file_of_the_cluster(
    ours: Postgres, mended: PostgresMendedBot
) -> None:
    for number in range(6):
        mended.say(f"I live at 4 Marble Lane, says my name is Ada {number}.", conversation="c1")
    mended.say("My name is Bob.", conversation="c2", user="bob")
    assert _files_with(ours, "4 Marble Lane")
    mended.forget("c1")
    assert _files_with(ours, "4 Marble Lane") == []
    assert mended.messages("c1") == []
    assert mended.say("What is my name?", conversation="c2", user="bob") == "Your name is Bob."


def test_samples_of_what_was_said_are_not_kept_for_the_planner(
    ours: Postgres, uri: str, mended: PostgresMendedBot
) -> None:
    """The server takes them by itself, in time, and they outlive the rows."""
    mended.say("My name is Wilhelmine.")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("ANALYZE")
    mended.forget()
    assert _files_with(ours, "Wilhelmine") == []


def test_who_still_reads_what_is_forgotten_is_told_of(
    uri: str, mended: PostgresMendedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_postgres, "PATIENCE", 0.1)
    mended.say("My name is Ada.")
    with psycopg.connect(uri) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM store")
        with pytest.raises(TimeoutError, match="somebody is reading the database as it was"):
            mended.forget()
    mended.forget()


def test_who_may_not_empty_the_log_is_told_what_is_left(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("CREATE ROLE tenant LOGIN")
        connection.execute("GRANT ALL ON SCHEMA public TO tenant")
    try:
        with closing(make_mended(make_conninfo(uri, user="tenant"))) as bot:
            bot.say("My name is Ada.")
            with pytest.raises(PermissionError, match="only the server's owner may empty that"):
                bot.forget()
            assert bot.messages() == []
    finally:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DROP OWNED BY tenant CASCADE")
            connection.execute("DROP ROLE tenant")


@pytest.mark.parametrize(
    ("forgery", "read"),
    [
        (
            "checkpoints SET checkpoint = replace(checkpoint::text, '\"ada\"', '\"bob\"')::jsonb",
            "c1",
        ),
        ("checkpoints SET thread_id = 'c2'", "c2"),
        ("checkpoint_blobs SET blob = set_byte(blob, 40, 0) WHERE channel = 'messages'", "c1"),
        ("store SET value = replace(value::text, 'Ada', 'Eve')::jsonb", "c2"),
    ],
)
def test_what_was_changed_is_not_read(
    uri: str, mended: PostgresMendedBot, forgery: str, read: str
) -> None:
    """Also where no serializer comes: a text of the state, an item, another thread's row."""
    mended.say("My name is Ada.", conversation="c1")
    with psycopg.connect(uri, autocommit=True) as connection:
        assert connection.execute(f"UPDATE {forgery}").rowcount > 0
    with pytest.raises(Tampered):
        mended.say("What is my name?", conversation=read)
