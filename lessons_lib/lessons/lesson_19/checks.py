"""What judges the exercises of lesson 19, Trust and change."""

import logging
import operator
import sqlite3
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypedDict
from unittest import mock
from zoneinfo import ZoneInfo

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, interrupt

from lessons_lib.lessons.shared import RAN, in_a_row, mark, new_folder, thread
from lessons_lib.memories.seal import Seal, SealedSerializer, Tampered
from lessons_lib.teach.model import NotYet


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep LangGraph from warning, once in a process, of each class that it imports."""
    logger = logging.getLogger("langgraph.checkpoint.serde.jsonplus")
    was_off, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_off


# --- Exercise 1: a class that comes back ----------------------------------------------------

ZONES = ("Europe/Berlin", "America/New_York")
SEAT = ("row 3", "seat 4")
RECENT = 3


def check_case(case_class: Any) -> str:
    """Prove that a case comes back as it was: by default, twice, and where only it is allowed."""
    by_default, only_this = (
        JsonPlusSerializer(),
        JsonPlusSerializer(allowed_msgpack_modules=[case_class]),
    )
    # The serialiser imports a class by its module and name, and a notebook is `__main__`.
    module = sys.modules[case_class.__module__]
    with unwarned(), mock.patch.object(module, case_class.__name__, case_class, create=True):
        for zone in ZONES:
            case = _case(case_class, zone)
            _judge_case(case, zone, "before any trip")
            once = _sent(case, by_default)
            _judge_case(once, zone, "written and read")
            _judge_case(_sent(once, by_default), zone, "written and read twice")
            _judge_case(_sent(case, only_this), zone, "in strict mode, with this class allowed")
    return f"{len(ZONES)} zones, 3 ways there and back: each time the same seat, bound and hour."


def _case(case_class: Any, zone: str) -> Any:
    # The clocks go forward in the night that follows, in Berlin and in New York.
    day = {"Europe/Berlin": (2027, 3, 27), "America/New_York": (2027, 3, 13)}[zone]
    due = datetime(*day, 9, tzinfo=ZoneInfo(zone))
    return case_class(seat=SEAT, recent=deque("abc", maxlen=RECENT), due=due)


def _sent(case: Any, serde: JsonPlusSerializer) -> Any:
    try:
        stored = serde.dumps_typed(case)
    except TypeError as error:
        raise NotYet(
            f"it cannot be written: {error}. LangGraph writes a dataclass or a pydantic model by "
            "its fields, and no other class of yours."
        ) from None
    again = serde.loads_typed(stored)
    if type(again) is type(case):
        return again
    try:
        type(case)(**again)
    except Exception as error:
        raise NotYet(
            f"a {type(again).__name__} came back, without a word: the class is called again with "
            f"the fields that were written, and that raised {type(error).__name__}: {error}."
        ) from None
    raise NotYet(f"a {type(again).__name__} came back: a subclass of it is written as one.")


def _judge_case(case: Any, zone: str, when: str) -> None:
    """Raise NotYet unless a case is what was made."""
    if case.seat != SEAT or type(case.seat) is not tuple:
        raise NotYet(
            f"{when}: `seat` is {case.seat!r}, expected {SEAT!r}. There is no tuple in msgpack; "
            "whoever makes the object has to make it one again."
        )
    if list(case.recent) != list("abc") or not isinstance(case.recent, deque):
        raise NotYet(f"{when}: `recent` is {case.recent!r}, expected a deque of 'a', 'b' and 'c'.")
    if case.recent.maxlen != RECENT:
        raise NotYet(
            f"{when}: `recent` has the bound {case.recent.maxlen}, expected {RECENT}: it keeps "
            f"{'all that comes' if case.recent.maxlen is None else 'another number of things'}."
        )
    if case.due.utcoffset() is None:
        raise NotYet(f"{when}: `due` has no zone at all: nobody knows which nine o'clock is meant.")
    hour = case.next_day().astimezone(ZoneInfo(zone)).hour
    if hour != 9:
        raise NotYet(
            f"{when}: due at 9 in {zone}, and the next day at {hour}. A moment has an offset; only "
            "a zone, kept by its name, knows that the clocks go forward."
        )
    if case.due.hour != 9:
        raise NotYet(f"{when}: `due` says {case.due:%H:%M}, and in {zone} it was 9 o'clock.")


# --- Exercise 2: carry an old thread over ---------------------------------------------------

Migrate = Callable[[Any, Any, dict[str, Any]], object]
ADA, BOB = thread("ada"), thread("bob")


class Yesterday(TypedDict):
    """The old state: each message is a pair."""

    messages: Annotated[list[Any], operator.add]
    name: str


class Today(TypedDict):
    """The new state: each message is a dict, and the name has another name."""

    messages: Annotated[list[Any], operator.add]
    customer: str


class Office:
    """Both versions of the bot on one file, and a record of the nodes that ran."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.saver = SqliteSaver(self.connection)
        self.ran: list[str] = []
        self.old = self._bot(Yesterday, "name", lambda role, text: (role, text))
        self.new = self._bot(Today, "customer", lambda role, text: {"role": role, "content": text})

    def _bot(self, schema: Any, name: str, form: Callable[[str, str], object]) -> Any:
        def text(message: Any) -> str:
            return str(message["content"] if isinstance(message, dict) else message[1])

        def answer(state: Any) -> dict[str, Any]:
            self.ran.append("answer")
            return {"messages": [form("assistant", f"Hello, {state[name]}.")]}

        def review(state: Any) -> dict[str, Any]:
            self.ran.append("review")
            if "refund" not in text(state["messages"][-2]):
                return {}
            return {"messages": [form("assistant", f"Refund: {interrupt('Refund?')}")]}

        return in_a_row(schema, {"answer": answer, "review": review}, self.saver)

    def say_old(self, thread: Any, text: str, **more: str) -> None:
        """A turn on yesterday's version."""
        self.old.invoke({"messages": [("user", text)], **more}, thread)

    def say_new(self, thread: Any, text: str, **more: str) -> Any:
        """A turn on today's version; the last thing that was said."""
        turn = {"messages": [{"role": "user", "content": text}], **more}
        return self.new.invoke(turn, thread)["messages"][-1]["content"]

    def checkpoints(self, thread: Any) -> list[str]:
        """The ids of a thread's checkpoints, newest first."""
        listed = list(self.saver.list(thread))
        return [one.config["configurable"]["checkpoint_id"] for one in listed]


def said(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Messages in today's form."""
    return [{"role": role, "content": text} for role, text in pairs]


def _judge_state(office: Office, expected: list[dict[str, str]], when: str) -> None:
    """Raise NotYet unless today's version reads these messages, and Ada's name."""
    values = office.new.get_state(ADA).values
    messages = values.get("messages")
    if messages == expected:
        if values.get("customer") != "Ada":
            raise NotYet(
                f"{when}: `customer` is {values.get('customer')!r}. Today's version has no channel "
                "`name`, so it cannot read what is in it; yesterday's can."
            )
        return
    if messages and messages[0] == {"role": "role", "content": "content"}:
        raise NotYet(
            f"{when}: the messages are {messages[0]!r} and the like: a dict was unpacked into its "
            "two keys. What has been carried over must be left alone."
        )
    if messages and len(messages) > len(expected):
        raise NotYet(
            f"{when}: {len(messages)} messages, expected {len(expected)}. An update goes through "
            "the reducer, which adds; `Overwrite` goes past it."
        )
    if messages and [m for m in messages if not isinstance(m, dict)]:
        raise NotYet(
            f"{when}: the messages are still {messages[0]!r} and the like, expected "
            f"{expected[0]!r}. What was saved as a pair is read as a list."
        )
    raise NotYet(f"{when}: the messages are {messages!r}, expected {expected!r}.")


def _carried(
    migrate: Migrate,
    office: Office,
    expected: list[dict[str, str]],
    due: tuple[str, ...],
    when: str,
) -> None:
    """Carry Ada's thread over, twice, and judge it each time."""
    before, ran = office.checkpoints(ADA), len(office.ran)
    is_new = office.new.get_state(ADA).values.get("messages") == expected
    for times in (when, f"{when}, carried over twice"):
        already = len(office.checkpoints(ADA))
        try:
            migrate(office.old, office.new, ADA)
        except Exception as error:
            raise NotYet(f"{times}: {type(error).__name__}: {error}.") from error
        if len(office.ran) > ran:
            raise NotYet(
                f"{times}: the node {office.ran[ran]!r} ran. To change a state nothing has to run: "
                "`update_state` writes a checkpoint and no more."
            )
        if not set(before) <= set(office.checkpoints(ADA)):
            raise NotYet(
                f"{times}: the checkpoints from before are gone, and with them the way back, if the "
                "new version has to be taken back."
            )
        _judge_state(office, expected, times)
        if (now := office.new.get_state(ADA).next) != due:
            raise NotYet(
                f"{times}: next is {now}, expected {due}. `as_node` says whose step an update stands "
                "for, and so what comes next; without it, it is the node that wrote last."
            )
        if is_new and len(office.checkpoints(ADA)) > already:
            raise NotYet(
                f"{times}: there is a checkpoint more, and nothing was to be carried over. Look "
                "whether something is old before you write."
            )
        is_new = True


OPENING = (("user", "My name is Ada."), ("assistant", "Hello, Ada."))


def check_migrate(migrate: Migrate) -> str:
    """Prove on four threads that old ones are carried over, once, and others left alone."""
    for story in (_carried_whole, _carried_waiting, _carried_new):
        office = Office()
        with closing(office.connection):
            story(migrate, office)
    return "4 threads: whole, waiting, new and none. Carried over once, no node ran, nothing lost."


def _carried_whole(migrate: Migrate, office: Office) -> None:
    office.say_old(ADA, "My name is Ada.", name="Ada")
    office.say_old(BOB, "My name is Bob.", name="Bob")
    bobs = office.checkpoints(BOB)
    _carried(migrate, office, said(*OPENING), (), "a whole thread")
    if office.checkpoints(BOB) != bobs:
        raise NotYet("Ada's thread was to be carried over, and Bob's has a new checkpoint, too.")
    if (answer := office.say_new(ADA, "Who am I?")) != "Hello, Ada.":
        raise NotYet(f"carried over, then asked who she is: the bot said {answer!r}.")
    later = (("user", "Who am I?"), ("assistant", "Hello, Ada."))
    _carried(migrate, office, said(*OPENING, *later), (), "after a turn on today's version")


def _carried_waiting(migrate: Migrate, office: Office) -> None:
    office.say_old(ADA, "My name is Ada.", name="Ada")
    office.say_old(ADA, "I want a refund.")
    asked = (("user", "I want a refund."), ("assistant", "Hello, Ada."))
    _carried(migrate, office, said(*OPENING, *asked), ("review",), "a thread that waits")
    told = office.new.invoke(Command(resume="yes"), ADA)["messages"][-1]["content"]
    if told != "Refund: yes":
        raise NotYet(f"a thread that waits: answered with 'yes', and the bot said {told!r}.")


def _carried_new(migrate: Migrate, office: Office) -> None:
    _carried_nobody(migrate, office)
    office.say_new(ADA, "My name is Ada.", customer="Ada")
    _carried(migrate, office, said(*OPENING), (), "a thread that today's version began")


def _carried_nobody(migrate: Migrate, office: Office) -> None:
    try:
        migrate(office.old, office.new, ADA)
    except Exception as error:
        raise NotYet(
            f"a thread that nobody has begun: {type(error).__name__}: {error}. There is nothing to "
            "carry over: leave it alone."
        ) from error
    if office.checkpoints(ADA):
        raise NotYet("a thread that nobody has begun has a checkpoint now: leave it alone.")


# --- Exercise 3: the tampered thread among ten ----------------------------------------------

Find = Callable[[Path, bytes], str | None]
KEY = b"a key of 16 byte"
CUSTOMERS = ("ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jo")


class Conversation(TypedDict):
    """A state that says whose it is."""

    messages: Annotated[list[str], operator.add]
    customer: str


def fill(path: Path) -> None:
    """Ten conversations in a file, all sealed."""

    def answer(state: Conversation) -> dict[str, list[str]]:
        return {"messages": [f"Hello, {state['customer']}."]}

    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection, serde=SealedSerializer(Seal(KEY)))
        graph = in_a_row(Conversation, {"answer": answer}, saver)
        for name in CUSTOMERS:
            turn: Any = {"messages": [f"I am {name}."], "customer": name}
            graph.invoke(turn, thread(name))


_NEWEST = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
_OLDEST = "SELECT min(checkpoint_id) FROM checkpoints WHERE thread_id = ?"


def _change_checkpoint(database: sqlite3.Connection, victim: str, which: str) -> None:
    [blob] = database.execute(
        f"SELECT checkpoint FROM checkpoints WHERE checkpoint_id = ({which})", (victim,)
    ).fetchone()
    database.execute(
        f"UPDATE checkpoints SET checkpoint = ? WHERE checkpoint_id = ({which})",
        (blob.replace(b"I am", b"I be"), victim),
    )


def change_newest(database: sqlite3.Connection, victim: str) -> None:
    """Write another text into the newest checkpoint."""
    _change_checkpoint(database, victim, _NEWEST)


def change_oldest(database: sqlite3.Connection, victim: str) -> None:
    """Write another text into the oldest checkpoint, where time travel would find it."""
    _change_checkpoint(database, victim, _OLDEST)


def change_write(database: sqlite3.Connection, victim: str) -> None:
    """Write another text into what a node has written."""
    database.execute(
        "UPDATE writes SET value = CAST(replace(value, 'Hello', 'Howdy') AS BLOB)"
        " WHERE thread_id = ? AND channel = 'messages'",
        (victim,),
    )


def hide_code(database: sqlite3.Connection, victim: str) -> None:
    """Put a row with a false seal, which calls a function when it is read."""
    call = ormsgpack.packb((mark.__module__, "mark", victim))
    database.execute(
        f"UPDATE checkpoints SET checkpoint = ? WHERE checkpoint_id = ({_NEWEST})",
        (bytes(32) + ormsgpack.packb(ormsgpack.Ext(0, call)), victim),
    )


def put_anothers(database: sqlite3.Connection, victim: str) -> None:
    """Put another customer's newest row, seal and all, in the place of this one's."""
    other = next(name for name in CUSTOMERS if name != victim)
    database.execute(
        "UPDATE checkpoints SET checkpoint ="
        f" (SELECT checkpoint FROM checkpoints WHERE checkpoint_id = ({_NEWEST}))"
        f" WHERE checkpoint_id = ({_NEWEST})",
        (other, victim),
    )


FORGERIES: dict[str, tuple[str, Callable[[sqlite3.Connection, str], None]]] = {
    "a text of the newest checkpoint is another": ("finn", change_newest),
    "code is hidden behind a false seal": ("bob", hide_code),
    "a text of the oldest checkpoint is another": ("jo", change_oldest),
    "what a node has written is another (the table `writes`)": ("cleo", change_write),
    "another customer's row, seal and all, stands in this thread": ("gus", put_anothers),
}


def check_tampered(tampered: Find) -> str:
    """Prove on six files that the forged thread is found, that none is suspected, and nothing ran."""
    with new_folder() as folder, unwarned():
        whole = folder / "whole.db"
        fill(whole)
        if (found := _found(tampered, whole, "ten whole threads")) is not None:
            raise NotYet(f"ten whole threads, and {found!r} was suspected: expected None.")
        for what, (victim, forge) in FORGERIES.items():
            path = folder / f"{victim}.db"
            path.write_bytes(whole.read_bytes())
            with closing(sqlite3.connect(path)) as database, database:
                forge(database, victim)
            found = _found(tampered, path, what)
            if RAN:
                RAN.clear()
                raise NotYet(
                    f"{what}, and the code ran: look at the seal before you make anything."
                )
            if found is None:
                raise NotYet(f"{what}, and nothing was found.")
            if found != victim:
                raise NotYet(f"{what} in the thread {victim!r}, and the answer was {found!r}.")
    return f"{len(FORGERIES)} forgeries among ten threads: each found, none suspected, nothing ran."


def _found(tampered: Find, path: Path, what: str) -> str | None:
    RAN.clear()
    try:
        return tampered(path, KEY)
    except Exception as error:
        if isinstance(error, Tampered):
            told = "Tampered was raised. Catch what the seal raises, and say which thread it was."
        else:
            told = (
                f"{type(error).__name__}: {error} was raised. The table `writes` holds no states, "
                "and a thread's oldest state has no `customer` yet."
            )
        raise NotYet(f"{what}: {told}") from error


CHECKS = {
    "19.case": check_case,
    "19.migrate": check_migrate,
    "19.tampered": check_tampered,
}
