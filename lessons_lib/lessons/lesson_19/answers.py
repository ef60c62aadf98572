# Lesson 19, Trust and change: its answers, which are read and never imported.

# %% 19.case: given
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


# %% 19.case: solution
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime
    zone: str = ""

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.zone = self.zone or self.due.tzinfo.key
        self.due = self.due.astimezone(ZoneInfo(self.zone))

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: alternative
from pydantic import BaseModel, model_validator


class Case(BaseModel):
    seat: tuple[str, str]
    recent: deque
    due: datetime
    zone: str = ""

    @model_validator(mode="after")
    def as_it_was(self):
        self.recent = deque(self.recent, maxlen=3)
        self.zone = self.zone or self.due.tzinfo.key
        self.due = self.due.astimezone(ZoneInfo(self.zone))
        return self

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: alternative
@dataclass(frozen=True)
class Case:
    seat: tuple
    recent: deque
    due: datetime
    zone: ZoneInfo | None = None

    def __post_init__(self):
        zone = self.zone or self.due.tzinfo
        object.__setattr__(self, "seat", tuple(self.seat))
        object.__setattr__(self, "recent", deque(self.recent, maxlen=3))
        object.__setattr__(self, "zone", zone)
        object.__setattr__(self, "due", self.due.astimezone(zone))

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: it keeps all that comes
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime
    zone: str = ""

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.zone = self.zone or self.due.tzinfo.key
        self.due = self.due.astimezone(ZoneInfo(self.zone))

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: written and read: due at 9 in Europe/Berlin, and the next day at 10
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: before any trip: due at 9 in Europe/Berlin
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.due = self.due.astimezone(UTC)

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: before any trip: due at 9 in America/New_York
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.due = self.due.astimezone(ZoneInfo("Europe/Berlin"))

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: got an unexpected keyword argument 'zone'
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime
    zone: str = field(init=False)

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.zone = self.due.tzinfo.key

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: that raised AttributeError
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime
    zone: str = ""

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.zone = self.due.tzinfo.key
        self.due = self.due.astimezone(ZoneInfo(self.zone))

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: no other class of yours
class Case:
    def __init__(self, seat, recent, due):
        self.seat, self.recent, self.due = seat, recent, due

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: a subclass of it is written as one
class Case(dict):
    def __init__(self, seat, recent, due):
        super().__init__(seat=seat, recent=recent, due=due)
        self.seat, self.recent, self.due = seat, recent, due

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.case: near miss: `due` has no zone at all
@dataclass
class Case:
    seat: tuple
    recent: deque
    due: datetime

    def __post_init__(self):
        self.seat = tuple(self.seat)
        self.recent = deque(self.recent, maxlen=3)
        self.due = self.due.replace(tzinfo=None)

    def next_day(self):
        return self.due + timedelta(days=1)


# %% 19.migrate: given
from langgraph.types import Overwrite


# %% 19.migrate: solution
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": was["name"]})


# %% 19.migrate: alternative
def migrate(old, new, thread):
    was = old.get_state(thread).values
    if "name" not in was:  # another version has had a turn here, or nobody
        return
    carried = [dict(zip(("role", "content"), pair)) for pair in was["messages"]]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": was["name"]})


# %% 19.migrate: near miss: which adds; `Overwrite` goes past it
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    new.update_state(thread, {"messages": carried, "customer": was["name"]})


# %% 19.migrate: near miss: What was saved as a pair is read as a list
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    carried = []
    for message in messages:
        if isinstance(message, tuple):
            message = {"role": message[0], "content": message[1]}
        carried.append(message)
    if "name" in was:
        new.update_state(thread, {"messages": Overwrite(carried), "customer": was["name"]})


# %% 19.migrate: near miss: a dict was unpacked into its two keys
def migrate(old, new, thread):
    was = old.get_state(thread).values
    if not was:
        return
    carried = [{"role": role, "content": text} for role, text in was["messages"]]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": was.get("name", "Ada")})


# %% 19.migrate: near miss: yesterday's can
def migrate(old, new, thread):
    was = new.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": was.get("name")})


# %% 19.migrate: near miss: it is the node that wrote last
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    update = {"messages": Overwrite(carried), "customer": was["name"]}
    new.update_state(thread, update, as_node="review")


# %% 19.migrate: near miss: nothing has to run
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    new.invoke({"messages": Overwrite(carried), "customer": was["name"]}, thread)


# %% 19.migrate: near miss: the way back
def migrate(old, new, thread):
    was = old.get_state(thread).values
    messages = was.get("messages", [])
    if not messages or isinstance(messages[0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in messages]
    new.checkpointer.delete_thread(thread["configurable"]["thread_id"])
    new.update_state(thread, {"messages": carried, "customer": was["name"]}, as_node="review")


# %% 19.migrate: near miss: whether something is old before you write
def migrate(old, new, thread):
    was = old.get_state(thread).values
    if not was:
        return
    carried = [
        message if isinstance(message, dict) else {"role": message[0], "content": message[1]}
        for message in was["messages"]
    ]
    customer = was.get("name") or new.get_state(thread).values["customer"]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": customer})


# %% 19.migrate: near miss: a thread that nobody has begun: KeyError
def migrate(old, new, thread):
    was = old.get_state(thread).values
    if was["messages"] and isinstance(was["messages"][0], dict):
        return
    carried = [{"role": role, "content": text} for role, text in was["messages"]]
    new.update_state(thread, {"messages": Overwrite(carried), "customer": was["name"]})


# %% 19.tampered: given
import sqlite3

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from lessons_lib.memories.seal import Seal, SealedSerializer, Tampered


# %% 19.tampered: solution
ROWS = """
SELECT thread_id, type, checkpoint FROM checkpoints
UNION ALL SELECT thread_id, type, value FROM writes"""


def tampered(path, key):
    serde = SealedSerializer(Seal(key))
    database = sqlite3.connect(path)
    rows = database.execute(ROWS).fetchall()
    database.close()
    for thread, kind, data in rows:
        try:
            value = serde.loads_typed((kind, data))
        except Tampered:
            return thread
        state = value.get("channel_values", {}) if isinstance(value, dict) else {}
        if state.get("customer", thread) != thread:
            return thread
    return None


# %% 19.tampered: alternative
def tampered(path, key):
    database = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(database, serde=SealedSerializer(Seal(key)))
    threads = [name for (name,) in database.execute("SELECT DISTINCT thread_id FROM checkpoints")]
    try:
        for name in threads:
            for one in saver.list({"configurable": {"thread_id": name}}):
                if one.checkpoint["channel_values"].get("customer", name) != name:
                    return name
    except Tampered:
        return name
    finally:
        database.close()


# %% 19.tampered: near miss: a text of the oldest checkpoint is another, and nothing was found
def tampered(path, key):
    database = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(database, serde=SealedSerializer(Seal(key)))
    threads = [name for (name,) in database.execute("SELECT DISTINCT thread_id FROM checkpoints")]
    for name in threads:
        try:
            newest = saver.get_tuple({"configurable": {"thread_id": name}})
        except Tampered:
            return name
        if newest.checkpoint["channel_values"]["customer"] != name:
            return name


# %% 19.tampered: near miss: is another (the table `writes`), and nothing was found
def tampered(path, key):
    serde = SealedSerializer(Seal(key))
    database = sqlite3.connect(path)
    for thread, kind, data in database.execute(
        "SELECT thread_id, type, checkpoint FROM checkpoints"
    ):
        try:
            state = serde.loads_typed((kind, data))["channel_values"]
        except Tampered:
            return thread
        if state.get("customer", thread) != thread:
            return thread


# %% 19.tampered: near miss: seal and all, stands in this thread, and nothing was found
ROWS = """
SELECT thread_id, type, checkpoint FROM checkpoints
UNION ALL SELECT thread_id, type, value FROM writes"""


def tampered(path, key):
    serde = SealedSerializer(Seal(key))
    database = sqlite3.connect(path)
    for thread, kind, data in database.execute(ROWS):
        try:
            serde.loads_typed((kind, data))
        except Tampered:
            return thread


# %% 19.tampered: near miss: look at the seal before you make anything
def tampered(path, key):
    seal, serde = Seal(key), JsonPlusSerializer()
    database = sqlite3.connect(path)
    for thread, kind, data in database.execute(
        "SELECT thread_id, type, checkpoint FROM checkpoints"
    ):
        value = serde.loads_typed((kind, data[32:]))
        if seal.of(kind.encode() + b":" + data[32:]) != data[:32]:
            return thread


# %% 19.tampered: near miss: Catch what the seal raises
def tampered(path, key):
    database = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(database, serde=SealedSerializer(Seal(key)))
    for one in saver.list(None):
        thread = one.config["configurable"]["thread_id"]
        if one.checkpoint["channel_values"].get("customer", thread) != thread:
            return thread


# %% 19.tampered: near miss: oldest state has no `customer` yet
def tampered(path, key):
    serde = SealedSerializer(Seal(key))
    database = sqlite3.connect(path)
    for thread, kind, data in database.execute(
        "SELECT thread_id, type, checkpoint FROM checkpoints"
    ):
        if serde.loads_typed((kind, data))["channel_values"]["customer"] != thread:
            return thread


# %% 19.tampered: near miss: was suspected: expected None
def tampered(path, key):
    seal = Seal(key)
    database = sqlite3.connect(path)
    for thread, data in database.execute("SELECT thread_id, checkpoint FROM checkpoints"):
        if seal.of(data[32:]) != data[:32]:
            return thread


# %% 19.tampered: near miss: a text of the newest checkpoint is another, and nothing was found
def tampered(path, key):
    database = sqlite3.connect(path)
    for thread, data in database.execute("SELECT thread_id, checkpoint FROM checkpoints"):
        if b"print" in data or b"mkdir" in data or b"system" in data:
            return thread
