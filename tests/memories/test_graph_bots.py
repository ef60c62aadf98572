"""The chatbot on LangGraph's savers and stores: what each adds, and what the mended one mends."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from lessons_lib.memories import SqliteBot, crash, moment, reply, stored
from lessons_lib.memories.agent import AgentBot
from lessons_lib.memories.graph import GraphBot, InMemoryGraphBot
from lessons_lib.memories.graph_mended import MendedBot
from lessons_lib.memories.graph_store import StoreBot
from lessons_lib.memories.seal import Seal, SealedSerializer, Tampered

KEY = secrets.token_bytes(32)
ASK = "What is my name?"
UNKNOWN = "You have not told me your name."
KEYED = partial(MendedBot, key=KEY)


@pytest.fixture
def mended(tmp_path: Path) -> Iterator[MendedBot]:
    made = MendedBot(tmp_path, key=KEY)
    yield made
    made.close()


def doing(name: str) -> str:
    moment(name)
    return f"{name} done"


def steps(*names: str) -> dict[str, Callable[[], str]]:
    return {name: partial(doing, name) for name in names}


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_turns_are_taken_back_in_every_mode(tmp_path: Path, durability: Any) -> None:
    bot = GraphBot(tmp_path, durability=durability)
    bot.say("My name is Ada.")
    bot.work(steps("ticket", "mail"))
    assert len(bot.messages()) == 4
    bot.back()
    assert [message["content"] for message in bot.messages()] == ["My name is Ada.", "Hello, Ada."]
    bot.back()
    assert bot.messages() == []
    with pytest.raises(ValueError, match="turns is 1: give how many of the 0 to take back"):
        bot.back()
    bot.close()


@pytest.mark.parametrize("make", [GraphBot, AgentBot])
def test_a_turn_that_was_cut_off_needs_its_steps(make: Any) -> None:
    def first(folder: Path) -> None:
        make(folder, durability="sync").work(steps("ticket", "mail", "note"))

    def then(folder: Path) -> tuple[str, list[str]]:
        bot = make(folder, durability="sync")
        try:
            return "", bot.work(steps("ticket"))
        except ValueError as error:
            return str(error), bot.work(steps("mail", "note"))

    life = crash(first, at="mail", then=then)
    says = "step 'mail' is left to do, the steps given are ticket: give it"
    assert life.value == (says, ["mail done", "note done"])
    assert life.redone == ("mail",)


@pytest.mark.parametrize("make", [StoreBot, KEYED, SqliteBot])
def test_facts_of_a_user(tmp_path: Path, make: Any) -> None:
    bot = make(tmp_path)
    bot.say("My name is Ada.", conversation="c1", user="ada@example.com")
    bot.say("My name is Augusta.", conversation="c.2", user="ada@example.com")
    answer = bot.say(ASK, conversation="c3", user="ada@example.com")
    assert answer == "Your name is Augusta.", "the newest"
    for other in ("ada@example", "ada@example%2ecom", "facts"):
        assert bot.say(ASK, conversation=f"of {other}", user=other) == UNKNOWN
    # An empty label would be left out, and the conversation's id be taken for the user's.
    for nobody in ("", None):
        with pytest.raises(ValueError, match=f"the user is {nobody!r}: give their name or id"):
            bot.say(ASK, conversation="ada@example.com", user=nobody)
    assert bot.messages("ada@example.com") == []
    bot.close()


def test_more_facts_than_a_search_returns_by_itself(tmp_path: Path) -> None:
    bot = StoreBot(tmp_path, durability="exit")
    for number in range(15):
        bot.say(f"My name is Ada{number}.", conversation=f"c{number}")
    assert bot.say(ASK, conversation="new") == "Your name is Ada14."
    assert bot.say("What did I say first?", conversation="c0") == "You said: My name is Ada0."
    bot.close()


def test_what_is_taken_back_or_forgotten_is_no_fact_any_more(mended: MendedBot) -> None:
    mended.say("My name is Ada.", conversation="c1")
    mended.say("My name is Eve.", conversation="c1")
    mended.back(conversation="c1")
    assert mended.say(ASK, conversation="c2") == "Your name is Ada."
    mended.forget("c1")
    assert mended.say(ASK, conversation="c3") == UNKNOWN


def test_more_facts_than_a_search_returns_are_forgotten(
    mended: MendedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons_lib.memories.graph_store.MOST", 2)
    for name in ("Ada", "Bob", "Eve", "Mia", "Tom"):
        mended.say(f"My name is {name}.")
    mended.forget()
    assert stored(mended._folder, "My name is") == ()


def test_forgotten_bytes_are_gone_while_others_have_the_file_open(mended: MendedBot) -> None:
    folder = mended._folder
    other = MendedBot(folder, key=KEY)
    other.say("My name is Zephyrine.", conversation="c2", user="zoe")
    mended.say("My name is Quirin.", conversation="c1")
    reader = sqlite3.connect(folder / "graph.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM checkpoints").fetchone()
    mended._saved.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(TimeoutError, match=r"somebody is reading graph\.db: its log still has"):
        mended.forget("c1")
    assert stored(folder, "Quirin")
    reader.close()
    mended.forget("c1")
    assert stored(folder, "Quirin") == ()
    assert other.say(ASK, conversation="c2", user="zoe") == "Your name is Zephyrine."
    other.close()


def test_another_conversation_does_not_wait(tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def model(messages: Any) -> str:
        if messages[-1]["content"] == "Wait.":
            asked.set()
            assert go_on.wait(30)
        return reply(messages)

    bot = MendedBot(tmp_path, key=KEY, model=model)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bot.say, "Wait.", conversation="c1")
        assert asked.wait(30)
        assert bot.say("Hello", conversation="c2") == "I see. That was your message number 1."
        lock = FileLock(bot._alone("c1").lock_file)
        with pytest.raises(TimeoutError):
            lock.acquire(timeout=0)
        go_on.set()
        assert waiting.result(30).startswith("I see.")
    bot.close()


@pytest.mark.parametrize(
    "change",
    ["", "replace(value, 'Ada', 'Eve')", "json_remove(value, '$.seal')"],
)
def test_another_key_and_a_changed_fact_are_refused(tmp_path: Path, change: str) -> None:
    bot = MendedBot(tmp_path, key=KEY)
    bot.say("My name is Ada.", conversation="c1")
    if change:
        bot._facts.execute(f"UPDATE store SET value = {change}")
    bot.close()
    other = MendedBot(tmp_path, key=KEY if change else secrets.token_bytes(32))
    with pytest.raises(Tampered, match="is not what was sealed: changed, or another key"):
        other.say(ASK, conversation="c2")
    other.close()


def test_the_kind_is_sealed_too() -> None:
    serializer = SealedSerializer(Seal(KEY))
    kind, data = serializer.dumps_typed(b"Ada")
    assert (kind, serializer.loads_typed((kind, data))) == ("bytes", b"Ada")
    for changed in (("msgpack", data), (kind, b"")):
        with pytest.raises(Tampered):
            serializer.loads_typed(changed)


@pytest.mark.parametrize(
    ("make", "wishes", "says"),
    [
        (MendedBot, {"key": b"short"}, "the key is 5 bytes: give 16 bytes or more, as secrets"),
        (MendedBot, {"key": "a" * 32}, "the key is str: give 16 bytes or more, as secrets"),
        *(
            (make, {"durability": "bogus"}, "durability is 'bogus': it can be 'sync', 'async' or")
            for make in (InMemoryGraphBot, GraphBot, StoreBot, KEYED, AgentBot)
        ),
    ],
)
def test_wishes_are_checked_before_anything_is_made(
    tmp_path: Path, make: Any, wishes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        make(tmp_path / "new", **wishes)
    assert not (tmp_path / "new").exists()
