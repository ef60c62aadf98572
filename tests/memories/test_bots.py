"""The chatbot's rules, and the memories around it: what each remembers, and how each forgets."""

from __future__ import annotations

import contextvars
import json
import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import (
    ContextBot,
    DictBot,
    GraphBot,
    InMemoryGraphBot,
    JournalBot,
    JsonBot,
    LocalBot,
    MendedBot,
    Message,
    PickleBot,
    SessionBot,
    SqliteBot,
    StoreBot,
    ThreadLocalBot,
    crash,
    held,
    moment,
    reply,
    stored,
)
from lessons_lib.memories.chatbot import answered, heard

ASK = "What is my name?"
KNOWN, UNKNOWN = "Your name is Ada.", "You have not told me your name."
FORGET: dict[str, Callable[[Path], Any]] = {
    "dict": DictBot,
    "sessions": SessionBot,
    "pickle": PickleBot,
    "JSON": JsonBot,
    "SQLite": SqliteBot,
    "journal": JournalBot,
    "in memory": InMemoryGraphBot,
    "saver": GraphBot,
    "store": StoreBot,
    "mended": partial(MendedBot, key=b"a key of thirty-two bytes, or so"),
}
"""Those that keep conversations apart, until they are told to forget one."""
ALL = {**FORGET, "local": LocalBot, "thread": ThreadLocalBot, "context": ContextBot}


def conversation(*turns: str | tuple[str, tuple[str, str]]) -> list[Message]:
    return [heard(turn) if isinstance(turn, str) else heard(*turn) for turn in turns]


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        (["Hello"], "I see. That was your message number 1."),
        (["Hello", "It is broken."], "I see. That was your message number 2."),
        (["my name is Ada"], "Hello, Ada."),
        (["My name is Ada.", "My name is Bob.", "What's my name?"], "Your name is Bob."),
        (["What did I say first?"], "You have not said anything yet."),
        (["It is broken.", "Hm", "What did I say first?"], "You said: It is broken."),
        ([("Here.", ("cv.pdf", "Ada, engineer"))], "I have read cv.pdf."),
        (["What was in my file?"], "You have not sent me a file."),
        (
            [("Here.", ("cv.pdf", "Ada, engineer")), "what is in my file?"],
            "Your file cv.pdf says: Ada, engineer",
        ),
        (["That was helpful."], "Thank you for telling me."),
        (["Was that helpful?"], "You have not told me."),
        (["That was helpful.", "Was that helpful?"], "You said it was helpful."),
        (["That was not helpful.", "Was that helpful?"], "You said it was not helpful."),
    ],
)
def test_the_rules(turns: list[Any], answer: str) -> None:
    assert reply(conversation(*turns)) == answer


@pytest.mark.parametrize("messages", [[], [answered("Hello")]])
def test_nothing_to_answer(messages: list[Message]) -> None:
    with pytest.raises(ValueError, match="there is no message to answer"):
        reply(messages)


@pytest.mark.parametrize("make", FORGET.values(), ids=FORGET)
def test_a_conversation_is_remembered_until_it_is_forgotten(make: Any, tmp_path: Path) -> None:
    bot = make(tmp_path)
    bot.say("My name is Ada.", conversation="c1")
    bot.say("Here.", conversation="c1", file=("cv.pdf", "Ada, engineer"))
    assert bot.say(ASK, conversation="c1") == KNOWN
    assert [message["role"] for message in bot.messages("c1")] == ["user", "assistant"] * 3
    assert bot.messages("c1")[2]["file"] == {"name": "cv.pdf", "content": "Ada, engineer"}
    assert bot.say(ASK, conversation="c2", user="bob") == UNKNOWN
    bot.forget("c1")
    bot.forget("c1")
    assert bot.messages("c1") == []
    assert len(bot.messages("c2")) == 2
    bot.close()


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"text": ""}, "the text is '': say something"),
        ({"text": None}, "the text is None: say something"),
        ({"text": "x", "conversation": ""}, "the conversation is '': give its id"),
        ({"text": "x", "conversation": None}, "the conversation is None: give its id"),
        ({"text": "x", "file": "cv.pdf"}, "the file is 'cv.pdf': give its name and its text"),
        ({"text": "x", "file": ("cv.pdf", b"")}, "the file is .*: give its name and its text"),
    ],
)
def test_bad_turns(make: Any, arguments: dict[str, Any], says: str, tmp_path: Path) -> None:
    bot = make(tmp_path)
    with pytest.raises(ValueError, match=says):
        bot.say(**arguments)
    assert bot.messages("c1") == []
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


def test_sent_held_stored(tmp_path: Path) -> None:
    """A dict holds the conversation and stores nothing; a checkpointed graph the other way."""
    sent: list[str] = []

    def model(messages: Sequence[Message]) -> str:
        sent.extend(message["content"] for message in messages)
        return reply(messages)

    plain, graph = DictBot(tmp_path / "plain", model=model), GraphBot(tmp_path, model=model)
    for bot in (plain, graph):
        bot.say("My name is Ada.")
        bot.say("Hello")
    assert sent.count("My name is Ada.") == 4, "sent again with every turn"
    assert (held(plain, "name is Ada"), held(graph, "name is Ada")) == (1, 0)
    assert not (tmp_path / "plain").exists()
    assert "graph.db-wal" in stored(tmp_path, "name is Ada")
    graph.close()
    assert stored(tmp_path, "name is Ada") == ("graph.db",)


@pytest.mark.parametrize("fact", ["", None])
def test_a_fact_is_a_text(tmp_path: Path, fact: Any) -> None:
    with pytest.raises(ValueError, match=f"the fact is {fact!r}: give a few characters"):
        held([], fact)
    with pytest.raises(ValueError, match=f"the fact is {fact!r}: give a few characters"):
        stored(tmp_path, fact)


def test_stored_wants_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder: give the one the memory writes to"):
        stored(tmp_path / "nowhere", "x")


@pytest.mark.parametrize("make", [PickleBot, JsonBot, SqliteBot, JournalBot, GraphBot])
@pytest.mark.parametrize("folder", [None, 5, "a\0b", __file__])
def test_what_can_be_no_folder_is_one_sentence(make: Any, folder: Any) -> None:
    with pytest.raises(ValueError, match=r"the folder is .*, which can be none") as told:
        make(folder)
    assert "\n" not in str(told.value)
