"""The chatbot's rules, and the memories around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import (
    Bot,
    DictBot,
    JournalBot,
    JsonBot,
    Message,
    PickleBot,
    SqliteBot,
    crash,
    held,
    moment,
    reply,
    stored,
)
from lessons_lib.memories.chatbot import answered, heard
from lessons_lib.memories.graph import GraphBot

Make = Callable[[Path], Bot]


@pytest.fixture(params=[DictBot, GraphBot])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = request.param(tmp_path)
    yield made
    made.close()


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


def test_words_file_and_feedback_are_remembered(bot: Bot) -> None:
    bot.say("My name is Ada.")
    bot.say("Here is my file.", file=("cv.pdf", "Ada, engineer"))
    bot.say("That was helpful.")
    assert bot.say("What did I say first?") == "You said: My name is Ada."
    assert bot.say("What was in my file?") == "Your file cv.pdf says: Ada, engineer"
    assert bot.say("Was that helpful?") == "You said it was helpful."
    assert [message["role"] for message in bot.messages()] == ["user", "assistant"] * 6
    assert bot.messages()[2].get("file") == {"name": "cv.pdf", "content": "Ada, engineer"}


def test_conversations_are_apart(bot: Bot) -> None:
    bot.say("My name is Ada.", conversation="c1")
    assert bot.say("What is my name?", conversation="c2", user="bob").startswith("You have not")
    assert len(bot.messages("c1")) == len(bot.messages("c2")) == 2
    assert bot.messages("c3") == []


def test_turns_may_be_taken_on_any_thread(bot: Bot) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(bot.say, "My name is Ada.").result()
    assert bot.say("What is my name?") == "Your name is Ada."


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
def test_bad_turns(bot: Bot, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bot.say(**arguments)
    assert bot.messages("c1") == []


def test_a_model_is_sent_the_whole_conversation(tmp_path: Path) -> None:
    for make in (DictBot, GraphBot):
        sent: list[int] = []

        def model(messages: Sequence[Message], sent: list[int] = sent) -> str:
            sent.append(len(messages))
            return reply(messages)

        made: Bot = make(tmp_path, model=model)
        made.say("one")
        made.say("two")
        made.close()
        assert sent == [1, 3]


def tell(make: Make) -> Callable[[Path], str]:
    return lambda folder: make(folder).say("My name is Ada.")


def ask(make: Make) -> Callable[[Path], str]:
    return lambda folder: make(folder).say("What is my name?")


@pytest.mark.parametrize(
    ("make", "answer"),
    [(DictBot, "You have not told me your name."), (GraphBot, "Your name is Ada.")],
)
def test_killed_between_turns(make: Make, answer: str) -> None:
    assert crash(tell(make), then=ask(make)).value == answer


def test_a_turn_cut_off_can_be_finished() -> None:
    def model(messages: Sequence[Message]) -> str:
        moment("asked")
        return reply(messages)

    def resume(folder: Path) -> tuple[bool, str, bool, int]:
        bot = GraphBot(folder, model=model)
        before = bot.half_done()
        answer = bot.resume()
        return before, answer, bot.half_done(), len(bot.messages())

    def first(folder: Path) -> str:
        return GraphBot(folder, model=model, durability="sync").say("My name is Ada.")

    report = crash(first, at="asked", then=resume)
    assert report.value == (True, "Hello, Ada.", False, 2)


def test_no_turn_to_finish(tmp_path: Path) -> None:
    bot = GraphBot(tmp_path)
    with pytest.raises(ValueError, match="conversation 'c1' has no turn to finish: say something"):
        bot.resume()
    bot.say("Hello")
    assert not bot.half_done()
    bot.close()


def test_durability_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="durability is 'bogus': it can be 'sync'"):
        GraphBot(tmp_path, durability="bogus")  # type: ignore[arg-type]


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
