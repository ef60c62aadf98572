"""The chatbot's rules, and what the memories around it have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import (
    AgentBot,
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
BOTS: dict[str, Callable[[Path], Any]] = {
    "local": LocalBot,
    "thread": ThreadLocalBot,
    "context": ContextBot,
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
    "agent": AgentBot,
}


@pytest.fixture(params=BOTS)
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = BOTS[request.param](tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        (["Hello", "It is broken."], "I see. That was your message number 2."),
        (["My name is Ada.", "My name is Bob.", "What's my name?"], "Your name is Bob."),
        (["What did I say first?"], "You have not said anything yet."),
        (["It is broken.", "Hm", "What did I say first?"], "You said: It is broken."),
        (["What was in my file?"], "You have not sent me a file."),
        (
            [("Here.", ("cv.pdf", "Ada, engineer")), "what is in my file?"],
            "Your file cv.pdf says: Ada, engineer",
        ),
        (["Was that helpful?"], "You have not told me."),
        (["That was not helpful.", "Was that helpful?"], "You said it was not helpful."),
    ],
)
def test_the_rules(turns: list[Any], answer: str) -> None:
    assert reply([heard(*((t,) if isinstance(t, str) else t)) for t in turns]) == answer


@pytest.mark.parametrize("messages", [[], [answered("Hello")]])
def test_nothing_to_answer(messages: list[Message]) -> None:
    with pytest.raises(ValueError, match="there is no message to answer"):
        reply(messages)


def test_a_conversation_is_remembered_until_it_is_forgotten(bot: Any) -> None:
    if not hasattr(bot, "forget"):
        return
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


@pytest.mark.parametrize(
    "kind", ["pickle", "JSON", "SQLite", "journal", "saver", "store", "mended", "agent"]
)
def test_a_bot_made_later_knows_the_conversation(kind: str, tmp_path: Path) -> None:
    for text, answer in (("My name is Ada.", "Hello, Ada."), (ASK, KNOWN)):
        bot = BOTS[kind](tmp_path)
        assert bot.say(text) == answer
        bot.close()


def test_turns_are_taken_back(bot: Any) -> None:
    if not hasattr(bot, "back"):
        return
    for name in ("Ada", "Bob", "Eve"):
        bot.say(f"My name is {name}.")
    bot.back()
    assert bot.say(ASK) == "Your name is Bob."
    bot.back(2)
    assert bot.say(ASK) == KNOWN
    bot.back(2)
    assert bot.messages() == []
    assert bot.say("Hello") == "I see. That was your message number 1."
    for turns in (0, "1"):
        with pytest.raises(ValueError, match=f"turns is {turns!r}: give how many"):
            bot.back(turns)
    assert len(bot.messages()) == 2


def test_what_makes_no_sense_is_one_sentence_and_leaves_nothing(bot: Any) -> None:
    steps = {"mail": str}
    cases: tuple[tuple[Callable[[], Any], str], ...] = (
        (lambda: bot.say(""), "the text is '': say something"),
        (lambda: bot.say(None), "the text is None: say something"),
        (lambda: bot.say("x", file="cv.pdf"), "the file is 'cv.pdf': give its name and its text"),
        (lambda: bot.say("x", file=("cv.pdf", b"")), "the file is .*: give its name and its text"),
        (lambda: bot.say("x", conversation=""), "the conversation is '': give its id, as in 'c1'"),
        (lambda: bot.say("x", conversation=None), "the conversation is None: give its id"),
        (lambda: bot.messages(1), "the conversation is 1: give its id"),
        (lambda: bot.resume(""), "the conversation is '': give its id"),
        (lambda: bot.work(steps, conversation=""), "the conversation is '': give its id"),
        (lambda: bot.back(conversation=""), "the conversation is '': give its id"),
        (lambda: bot.forget(""), "the conversation is '': give its id"),
        (lambda: bot.resume(), "conversation 'c1' has no turn to finish"),
        (lambda: bot.work({}), "there is no step to do: give them by name"),
    )
    for does, says in cases:
        if set(does.__code__.co_names) <= set(dir(bot)):
            with pytest.raises(ValueError, match=says):
                does()
    assert bot.messages("c1") == []


@pytest.mark.parametrize("make", [PickleBot, JsonBot, SqliteBot, JournalBot, GraphBot])
def test_what_can_be_no_folder_is_one_sentence(make: Any) -> None:
    for folder in (None, 5, "a\0b", __file__):
        with pytest.raises(ValueError, match=r"the folder is .*, which can be none") as told:
            make(folder)
        assert "\n" not in str(told.value)


def test_sessions_go_by_count_age_and_bytes() -> None:
    now = [0.0]
    bot = SessionBot(most=2, idle=60, size=400, clock=lambda: now[0])
    for name in ("a", "b", "a", "c"):
        bot.say("My name is Ada.", conversation=name)
    assert [bool(bot.messages(name)) for name in "abc"] == [True, False, True], "by count"
    now[0] = 59
    bot.say("Hello", conversation="a")
    now[0] = 61
    assert [bool(bot.messages(name)) for name in "ac"] == [True, False], "by age of its last turn"
    bot.say("x" * 300, conversation="d")
    assert [bool(bot.messages(name)) for name in "ad"] == [False, True], "by bytes"
    bot.say("y" * 300, conversation="d")
    assert bot.messages("d") == [], "a session larger than all the room there is"
    with pytest.raises(ValueError, match="idle is 0: give a number above 0"):
        SessionBot(idle=0)


def test_killed_inside_a_write() -> None:
    def first(folder: Path) -> None:
        bot = JsonBot(folder)
        bot.say("My name is Ada.")
        os.fsync = lambda fd: moment("half")
        bot.say("My name is Eve.")

    assert crash(first, at="half", then=lambda folder: JsonBot(folder).say(ASK)).value == KNOWN


def test_a_fact_is_a_text_and_a_folder_is_there(tmp_path: Path) -> None:
    for look in (lambda: held([], ""), lambda: stored(tmp_path, "")):
        with pytest.raises(ValueError, match="the fact is '': give a few characters"):
            look()
    with pytest.raises(ValueError, match="is no folder: give the one the memory writes to"):
        stored(tmp_path / "nowhere", "x")
