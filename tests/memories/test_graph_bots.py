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

from lessons_lib.memories import Message, SqliteBot, crash, moment, reply, stored
from lessons_lib.memories.graph import GraphBot, InMemoryGraphBot, OnGraph
from lessons_lib.memories.graph_mended import MendedBot
from lessons_lib.memories.graph_store import StoreBot, namespace
from lessons_lib.memories.seal import Seal, SealedSerializer, Tampered

KEY = secrets.token_bytes(32)
BOTS: dict[str, Callable[..., OnGraph]] = {
    "in memory": InMemoryGraphBot,
    "saver": GraphBot,
    "store": StoreBot,
    "mended": partial(MendedBot, key=KEY),
}


@pytest.fixture(params=BOTS)
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made: Any = BOTS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def mended(tmp_path: Path) -> Iterator[MendedBot]:
    made = MendedBot(tmp_path, key=KEY)
    yield made
    made.close()


def texts(messages: list[Message]) -> list[str]:
    return [message["content"] for message in messages]


def test_turns_are_taken_back(bot: Any) -> None:
    for name in ("Ada", "Bob", "Eve"):
        bot.say(f"My name is {name}.")
    bot.back()
    assert bot.say("What is my name?") == "Your name is Bob."
    bot.back(2)
    assert bot.say("What is my name?") == "Your name is Ada."
    bot.back(2)
    assert bot.messages() == []
    assert bot.say("Hello") == "I see. That was your message number 1."


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_turns_are_taken_back_in_every_mode(tmp_path: Path, durability: Any) -> None:
    bot = GraphBot(tmp_path, durability=durability)
    bot.say("My name is Ada.")
    bot.work({"ticket": lambda: "Ticket opened.", "mail": lambda: "Mail sent."})
    assert len(bot.messages()) == 4
    bot.back()
    assert texts(bot.messages()) == ["My name is Ada.", "Hello, Ada."]
    bot.back()
    assert bot.messages() == []
    bot.close()


@pytest.mark.parametrize("turns", [0, -1, 2, "1", None])
def test_turns_that_cannot_be_taken_back(bot: Any, turns: Any) -> None:
    bot.say("Hello")
    with pytest.raises(ValueError, match=f"turns is {turns!r}: give how many of the 1 to take"):
        bot.back(turns)
    with pytest.raises(ValueError, match="turns is 1: give how many of the 0 to take back"):
        bot.back(conversation="c2")
    assert len(bot.messages()) == 2


def test_steps(bot: Any) -> None:
    done: list[str] = []
    steps = {name: partial(doing, done, name) for name in ("ticket", "mail")}
    assert bot.work(steps) == ["ticket done", "mail done"]
    assert bot.work(steps) == ["ticket done", "mail done"], "the turn is over: this is another"
    assert done == ["ticket", "mail"] * 2
    assert bot.say("Hello") == "I see. That was your message number 1."
    assert texts(bot.messages())[:2] == ["ticket done", "mail done"]


def doing(done: list[str], name: str) -> str:
    moment(name)
    done.append(name)
    return f"{name} done"


def test_no_steps(bot: Any) -> None:
    with pytest.raises(ValueError, match="there is no step to do: give them by name"):
        bot.work({})
    assert bot.messages() == []


def test_a_turn_that_was_cut_off_needs_its_steps() -> None:
    def first(folder: Path) -> None:
        steps = {name: partial(doing, [], name) for name in ("ticket", "mail", "note")}
        GraphBot(folder, durability="sync").work(steps)

    def then(folder: Path) -> tuple[str, list[str]]:
        bot = GraphBot(folder, durability="sync")
        try:
            bot.work({"ticket": partial(doing, [], "ticket")})
        except ValueError as error:
            return str(error), bot.work(
                {name: partial(doing, [], name) for name in ("mail", "note")}
            )
        return "", []

    says = "step 'mail' is left to do, the steps given are ticket: give it"
    life = crash(first, at="mail", then=then)
    assert life.value == (says, ["mail done", "note done"])
    assert life.redone == ("mail",)


def test_a_turn_with_steps_is_given_up_by_a_new_one() -> None:
    def first(folder: Path) -> None:
        GraphBot(folder, durability="sync").work({"ticket": partial(doing, [], "ticket")})

    def then(folder: Path) -> tuple[bool, str, bool]:
        bot = GraphBot(folder)
        return bot.half_done(), bot.say("Hello"), bot.half_done()

    answer = "I see. That was your message number 1."
    assert crash(first, at="ticket", then=then).value == (True, answer, False)


@pytest.mark.parametrize("make", [StoreBot, partial(MendedBot, key=KEY)])
def test_facts_of_a_user(tmp_path: Path, make: Any) -> None:
    bot = make(tmp_path)
    bot.say("My name is Ada.", conversation="c1", user="ada@example.com")
    bot.say("My name is Augusta.", conversation="c.2", user="ada@example.com")
    answer = bot.say("What is my name?", conversation="c3", user="ada@example.com")
    assert answer == "Your name is Augusta.", "the newest"
    for other in ("ada@example", "ada@example%2ecom", "ada", "facts"):
        answer = bot.say("What is my name?", conversation=f"of {other}", user=other)
        assert answer == "You have not told me your name."
    bot.close()


@pytest.mark.parametrize("user", ["", None, 5])
def test_without_a_user_nobodys_facts_are_sent(tmp_path: Path, user: Any) -> None:
    """An empty label would be left out, and the conversation `bob` be taken for the user."""
    for make in (StoreBot, SqliteBot):
        bot = make(tmp_path / make.__name__)
        bot.say("My name is Bob.", conversation="c1", user="bob")
        with pytest.raises(ValueError, match=f"the user is {user!r}: give their name or id"):
            bot.say("What is my name?", conversation="bob", user=user)
        assert bot.messages("bob") == []
        bot.close()


def test_more_facts_than_a_search_returns_by_itself(tmp_path: Path) -> None:
    bot = StoreBot(tmp_path, durability="exit")
    for number in range(15):
        bot.say(f"My name is Ada{number}.", conversation=f"c{number}")
    assert bot.say("What is my name?", conversation="new") == "Your name is Ada14."
    assert bot.say("What did I say first?", conversation="c0") == "You said: My name is Ada0."
    bot.close()


def test_a_namespace() -> None:
    places = {namespace(user, "c1") for user in ("a.b", "a%2eb", "a%b", "a")}
    assert len(places) == 4
    assert not any("." in part for place in places for part in place)


def test_a_store_knows_nothing_of_back_and_forget(tmp_path: Path) -> None:
    plain, mended = StoreBot(tmp_path / "plain"), MendedBot(tmp_path / "mended", key=KEY)
    answers = {}
    for bot in (plain, mended):
        bot.say("My name is Ada.", conversation="c1")
        bot.say("My name is Eve.", conversation="c1")
        bot.back(conversation="c1")
        back = bot.say("What is my name?", conversation="c2")
        bot.forget("c1")
        answers[bot] = back, bot.say("What is my name?", conversation="c3")
        bot.close()
    unknown = "You have not told me your name."
    assert answers[plain] == ("Your name is Eve.", "Your name is Eve.")
    assert answers[mended] == ("Your name is Ada.", unknown)


def test_forgotten_bytes_are_gone_while_others_have_the_file_open(mended: MendedBot) -> None:
    folder = mended._folder
    other = MendedBot(folder, key=KEY)
    other.say("My name is Zephyrine.", conversation="c2", user="zoe")
    for turn in range(5):
        mended.say(f"My name is Quirin. {turn}", conversation="c1")
    assert stored(folder, "Quirin")
    mended.forget("c1")
    assert stored(folder, "Quirin") == ()
    assert other.say("What is my name?", conversation="c2", user="zoe") == "Your name is Zephyrine."
    other.close()


def test_forgetting_says_when_the_log_cannot_be_emptied(tmp_path: Path) -> None:
    bot = MendedBot(tmp_path, key=KEY)
    bot.say("My name is Ada.")
    reader = sqlite3.connect(tmp_path / "graph.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM checkpoints").fetchone()
    bot._saved.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(TimeoutError, match=r"somebody is reading graph\.db: its log still has"):
        bot.forget()
    reader.close()
    bot.forget()
    assert stored(tmp_path, "Ada") == ()
    bot.close()


def test_two_writers_in_one_process(mended: MendedBot) -> None:
    with ThreadPoolExecutor(4) as pool:
        said = pool.map(lambda number: mended.say(f"Turn {number}."), range(12))
        assert len(set(said)) == 12
    assert len(mended.messages()) == 24


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


def test_a_lock_is_let_go_of_by_a_killed_process() -> None:
    def model(messages: Any) -> str:
        moment("asked")
        return reply(messages)

    def bot(folder: Path) -> MendedBot:
        return MendedBot(folder, key=KEY, model=model)

    def first(folder: Path) -> str:
        return bot(folder).say("My name is Ada.")

    def then(folder: Path) -> str:
        return bot(folder).resume()

    assert crash(first, at="asked", then=then).value == "Hello, Ada."


def test_another_key(tmp_path: Path) -> None:
    bot = MendedBot(tmp_path, key=KEY)
    bot.say("My name is Ada.", conversation="c1")
    bot.close()
    other = MendedBot(tmp_path, key=secrets.token_bytes(32))
    with pytest.raises(Tampered, match="is not what was sealed: changed, or another key"):
        other.messages("c1")
    with pytest.raises(Tampered):
        other.say("What is my name?", conversation="c2")
    other.close()


@pytest.mark.parametrize("change", ["replace(value, 'Ada', 'Eve')", "json_remove(value, '$.seal')"])
def test_a_changed_fact_is_refused(mended: MendedBot, change: str) -> None:
    mended.say("My name is Ada.", conversation="c1")
    with mended._facts as database:
        database.execute(f"UPDATE store SET value = {change}")
    with pytest.raises(Tampered):
        mended.say("What is my name?", conversation="c2")


def test_the_kind_is_sealed_too() -> None:
    serializer = SealedSerializer(Seal(KEY))
    kind, data = serializer.dumps_typed(b"Ada")
    assert (kind, serializer.loads_typed((kind, data))) == ("bytes", b"Ada")
    with pytest.raises(Tampered):
        serializer.loads_typed(("msgpack", data))
    with pytest.raises(Tampered):
        serializer.loads_typed((kind, b""))


@pytest.mark.parametrize(
    ("key", "told"), [(b"short", "5 bytes"), ("a" * 32, "str"), (None, "NoneType")]
)
def test_no_key(tmp_path: Path, key: Any, told: str) -> None:
    with pytest.raises(ValueError, match=f"the key is {told}: give 16 bytes or more, as secrets"):
        MendedBot(tmp_path / "new", key=key)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("make", BOTS.values(), ids=BOTS)
def test_durability_is_checked_before_anything_is_made(tmp_path: Path, make: Any) -> None:
    with pytest.raises(ValueError, match="durability is 'bogus': it can be 'sync', 'async' or"):
        make(tmp_path / "new", durability="bogus")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("conversation", ["", None, 1])
def test_no_conversation(bot: Any, conversation: Any) -> None:
    says = f"the conversation is {conversation!r}: give its id, as in 'c1'"
    acts: list[Callable[[], object]] = [
        lambda: bot.say("Hello", conversation=conversation),
        lambda: bot.resume(conversation),
        lambda: bot.work({"mail": str}, conversation=conversation),
        lambda: bot.back(conversation=conversation),
        lambda: bot.forget(conversation),
        lambda: bot.messages(conversation),
    ]
    for act in acts:
        with pytest.raises(ValueError, match=says):
            act()


def test_nothing_to_finish_and_nothing_to_forget(bot: Any) -> None:
    with pytest.raises(ValueError, match="conversation 'c1' has no turn to finish: say something"):
        bot.resume()
    bot.forget("unknown")
    assert bot.messages("unknown") == []
