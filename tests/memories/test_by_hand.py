"""The memories by hand: what each remembers, and how each forgets."""

from __future__ import annotations

import contextvars
import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import (
    ContextBot,
    JournalBot,
    JsonBot,
    LocalBot,
    PickleBot,
    SessionBot,
    SqliteBot,
    ThreadLocalBot,
    crash,
    moment,
)

ASK = "What is my name?"
KNOWN, UNKNOWN = "Your name is Ada.", "You have not told me your name."


@pytest.mark.parametrize("make", [SessionBot, PickleBot, JsonBot, SqliteBot, JournalBot])
def test_a_conversation_is_remembered_until_it_is_forgotten(make: Any, tmp_path: Path) -> None:
    bot = make(tmp_path)
    bot.say("My name is Ada.", conversation="c1")
    bot.say("Here.", conversation="c1", file=("cv.pdf", "Ada, engineer"))
    assert bot.say(ASK, conversation="c1") == KNOWN
    assert bot.messages("c1")[2]["file"] == {"name": "cv.pdf", "content": "Ada, engineer"}
    assert bot.say(ASK, conversation="c2", user="bob") == UNKNOWN
    bot.forget("c1")
    bot.forget("c1")
    assert bot.messages("c1") == []
    assert len(bot.messages("c2")) == 2
    bot.close()


@pytest.mark.parametrize(
    "make",
    [LocalBot, ThreadLocalBot, ContextBot, SessionBot, PickleBot, JsonBot, SqliteBot, JournalBot],
)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"text": ""}, "the text is '': say something"),
        ({"text": "x", "conversation": ""}, "the conversation is '': give its id"),
        ({"text": "x", "file": "cv.pdf"}, "the file is 'cv.pdf': give its name and its text"),
    ],
)
def test_bad_turns(make: Any, arguments: dict[str, Any], says: str, tmp_path: Path) -> None:
    bot = make(tmp_path)
    with pytest.raises(ValueError, match=says):
        bot.say(**arguments)
    assert [message for message in bot.messages("c1") if message["role"] == "user"] == []
    bot.close()


def test_a_thread_local_follows_the_worker() -> None:
    bot = ThreadLocalBot()
    with ThreadPoolExecutor(1) as worker:
        worker.submit(bot.say, "My name is Ada.", user="ada").result()
        assert worker.submit(bot.say, ASK, conversation="c2", user="bob").result() == KNOWN
    assert bot.say(ASK, user="ada") == UNKNOWN


def test_a_contextvar_follows_the_context() -> None:
    bot, ada = ContextBot(), contextvars.Context()
    ada.run(bot.say, "My name is Ada.")
    copied = ada.copy()
    copied.run(bot.say, "My name is Eve.")
    assert ada.run(bot.say, ASK) == KNOWN
    assert bot.say(ASK) == UNKNOWN


def test_sessions_go_by_count_age_and_bytes() -> None:
    now = [0.0]
    bot = SessionBot(most=2, idle=60, size=400, clock=lambda: now[0])
    for name in ("a", "b", "a", "c"):
        bot.say("My name is Ada.", conversation=name)
    assert [bool(bot.messages(name)) for name in "abc"] == [True, False, True], "by count"
    now[0] = 59
    bot.say("Hello", conversation="a")
    now[0] = 61
    assert [bool(bot.messages(name)) for name in "ac"] == [True, False], (
        "by age since the last turn"
    )
    bot.say("x" * 300, conversation="d")
    assert [bool(bot.messages(name)) for name in "ad"] == [False, True], "by bytes"
    bot.say("y" * 300, conversation="d")
    assert bot.messages("d") == [], "a session larger than all the room there is"


@pytest.mark.parametrize("bound", ["most", "idle", "size"])
def test_bounds_are_checked(bound: str) -> None:
    arguments: dict[str, Any] = {bound: 0}
    with pytest.raises(ValueError, match=f"{bound} is 0: give a number above 0"):
        SessionBot(**arguments)


def halves(folder: Path, make: Any) -> None:
    """Tell two names; the file of the second turn is written in two halves, a moment between."""
    bot = make(folder)
    bot.say("My name is Ada.")
    real = json.dumps if make is JsonBot else pickle.dumps
    whole = real({"c1": [{"role": "user", "content": "My name is Eve."}]})
    if make is JsonBot:
        os.fsync = lambda fd: moment("half")
        bot.say("My name is Eve.")
    else:
        with bot.path.open("wb") as file:
            file.write(whole[: len(whole) // 2])
            file.flush()
            moment("half")


@pytest.mark.parametrize(("make", "ends"), [(JsonBot, "returned"), (PickleBot, "raised")])
def test_killed_inside_a_write(make: Any, ends: str) -> None:
    report = crash(
        lambda folder: halves(folder, make), at="half", then=lambda folder: make(folder).say(ASK)
    )
    assert report.lives[1].ended.startswith(ends)
    assert report.value == (KNOWN if make is JsonBot else None)


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
    assert bot.say(ASK) == UNKNOWN
    with pytest.raises(ValueError, match="turns is 0: give how many to take back"):
        bot.back(0)
    bot.close()


def test_sqlite_knows_its_users(tmp_path: Path) -> None:
    bot = SqliteBot(tmp_path)
    bot.say("My name is Ada.", conversation="c1", user="ada")
    assert bot.say(ASK, conversation="c2", user="ada") == KNOWN
    assert bot.say(ASK, conversation="c3", user="ad") == UNKNOWN
    assert bot.say("What did I say first?", conversation="c2", user="ada") == f"You said: {ASK}"
    bot.forget("c1")
    assert bot.say(ASK, conversation="c4", user="ada") == UNKNOWN
    bot.close()
