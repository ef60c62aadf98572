"""Lesson 13, long-term memory I: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lessons_lib.teach.answers.afresh import another_hash, salted
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "13.recall-ids",
        "From lesson 10. Four customers come with the thread ids `None`, `''`, `1` and `'1'`. "
        "Which of them does the saver refuse?",
        (
            Option(
                "None of them",
                "Right. The first two are taken as they are, and the last two are one thread.",
                right=True,
            ),
            Option("`None`, which is no id", "No. It is taken, and all who have no id share it."),
            Option(
                "All but `'1'`, the only string with something in it",
                "No. A saver asks for a `thread_id` to be there, and not for a good one.",
            ),
        ),
    ),
    Question(
        "13.recall-alias",
        "From lesson 01. A list is put into a dict, `d['tags'] = tags`. Then `tags.append('angry')`. "
        "What is in `d['tags']`?",
        (
            Option(
                "The list as it was when it was put in",
                "No. Putting it in made no copy. It made one more reference.",
            ),
            Option(
                "The list with the new tag",
                "Right. There is one list, and two ways that lead to it.",
                right=True,
            ),
            Option(
                "It depends on whether the dict was copied",
                "No. A copy of the dict would lead to the same list: a copy is shallow.",
            ),
        ),
    ),
    Question(
        "13.seed-store",
        "The graph is compiled with the store and with nothing else. She tells her name, and asks "
        "for it in the next turn, in the same thread. Does the bot know it?",
        (
            Option(
                "Yes: managing history is what the store is for",
                "No. No line of the graph puts anything into the store.",
            ),
            Option(
                "In the same thread yes, in another one no",
                "No. A thread's state is kept by a saver, and this graph has none.",
            ),
            Option(
                "No, not even in the same thread",
                "Right. There is no saver, and nobody put a word into the store.",
                right=True,
            ),
            Option(
                "It raises an error: there is a thread id and no saver",
                "No. The id is taken and leads to nothing.",
            ),
        ),
    ),
    Question(
        "13.crosses",
        "In `c1` Ada says her name. Then, in a new conversation `c2`, she asks for her name and what "
        "she said first. What is known there?",
        (
            Option(
                "Both",
                "No. What she said in `c1` is under the thread `c1`, and nobody put it elsewhere.",
            ),
            Option(
                "The name, and not what she said in `c1`",
                "Right. What was put under the user crosses. The words stay in their thread.",
                right=True,
            ),
            Option(
                "What she said, and not the name",
                "No. It is the other way round: the name is under the user, the words are not.",
            ),
            Option("Neither: `c2` is new", "No. `answer` looks under the user, who is not new."),
        ),
    ),
    Question(
        "13.kill",
        "A `SqliteSaver` beside an `InMemoryStore`, killed. A new process asks in `c1` what was said "
        "first, and in `c2` for the name. Which does it know?",
        (
            Option(
                "Both: the saver is on disk", "No. The saver has no part in what the store holds."
            ),
            Option(
                "What was said first, and not the name",
                "Right. The conversation was on disk, and the profile in the process.",
                right=True,
            ),
            Option(
                "The name, and not what was said first",
                "No. The name was in the memory that died.",
            ),
            Option("Neither", "No. The conversation was on disk, and `c1` still leads to it."),
        ),
    ),
    Question(
        "13.prefix",
        '`search(("users", "1"))`, where there are users 1, 2 and 12. Whose items come back?',
        (
            Option("Those of 1", "Right. Elements are compared, and not letters.", right=True),
            Option(
                "Those of 1 and 12",
                "No. It would be so for the string `users/1`. In a tuple, `'1'` and `'12'` differ.",
            ),
            Option(
                "The profile of 1 and not the feedback: a search needs the whole namespace",
                "No. A search takes everything below, and the feedback lies below.",
            ),
        ),
    ),
    Question(
        "13.replace",
        "The profile is `{'name': 'Ada'}`. In another conversation `learn` puts "
        "`{'printer': 'Zeta 3'}` under the same key. What is in the profile?",
        (
            Option(
                "Both facts",
                "No. That would be a join, and nobody wrote one. A store has no reducers.",
            ),
            Option(
                "The printer only",
                "Right. `put` writes the whole value.",
                right=True,
            ),
            Option(
                "The name only: the key is taken",
                "No. A `put` under a key that is taken replaces, and does not refuse.",
            ),
            Option(
                "Two items, one for each conversation",
                "No. The namespace and the key are the same, and no thread is in them.",
            ),
        ),
    ),
    Question(
        "13.alias",
        "`tags` was put into both stores, and then a tag was added to it. Which store has the new tag?",
        (
            Option("Neither: there was no `put` since", "No. One of them holds your list itself."),
            Option("Both", "No. One of them wrote the list down as it was."),
            Option(
                "The `InMemoryStore`",
                "Right. It holds your list. The other holds a string of JSON made from it.",
                right=True,
            ),
            Option(
                "The `SqliteStore`",
                "No. It wrote the list down, and what is written does not change.",
            ),
        ),
    ),
    Question(
        "13.file",
        "`store.delete` removes the item of the CV. Is the CV forgotten?",
        (
            Option(
                "Yes: nothing leads to it any more",
                "No. That is the rule for objects in a process. A file stays until it is erased.",
            ),
            Option(
                "No: the file is still there, and nothing leads to it",
                "Right. Somebody who looks into the folder finds it, and the bot never will.",
                right=True,
            ),
            Option(
                "No: the store keeps the old item as history",
                "No. A store has no history. The item is gone.",
            ),
        ),
    ),
    Question(
        "13.rules",
        "Ada gives the feedback *be more sarcastic*, and the bot improves its rules. Who is answered "
        "sarcastically?",
        (
            Option("Ada", "No. Look where the rules lie: there is no user in the namespace."),
            Option(
                "Ada and Bob",
                "Right. The rules are everybody's, and one user has written them.",
                right=True,
            ),
            Option("Neither: rules are no facts", "No. They are an item like any other."),
        ),
    ),
    Question(
        "13.background",
        "Two ways to learn, killed when the answer has been given, or when the fact has been learnt. "
        "In which of the four cases is the name lost?",
        (
            Option(
                "In none: the user had her answer",
                "No. The answer says nothing about what was kept.",
            ),
            Option(
                "In the background, killed when the answer has been given",
                "Right. Then the work was still waiting, in a process that was killed.",
                right=True,
            ),
            Option(
                "In the background, in both cases",
                "No. What was learnt is on disk, in whichever way.",
            ),
            Option(
                "Killed when the answer has been given, in both ways",
                "No. In the hot path the fact was on disk before the answer.",
            ),
        ),
    ),
    Question(
        "13.twice",
        "The node has put the feedback under a new `uuid4` and is killed before it returns; then the "
        "run is resumed. How many pieces of feedback are in the store?",
        (
            Option(
                "None: the step did not finish, so its `put` is taken back",
                "No. A `put` is done when it returns. No checkpoint can take it back.",
            ),
            Option("One", "No. The node runs again from its first line, and draws another key."),
            Option(
                "Two",
                "Right. Put once by the life that died, and once more by the next, under another key.",
                right=True,
            ),
        ),
    ),
    Question(
        "13.exam",
        "*The same user's facts, and only theirs, in a new conversation.* What do you have in your "
        "two columns?",
        (
            Option(
                "Saver: no. Saver and store: yes",
                "Right. No thread leads to another. What is put under the user is found from any.",
                right=True,
            ),
            Option(
                "Saver: yes. Saver and store: yes",
                "No. The saver finds a conversation by its thread, and the thread is new.",
            ),
            Option(
                "Saver: no. Saver and store: in part, other users see it too",
                "No. It would be so if `answer` searched `('users',)`. It gets one address.",
            ),
        ),
    ),
)


def connected(path: str) -> sqlite3.Connection:
    """A connection as a store wants it: it begins its transactions itself."""
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)


# --- Exercise 1: a home for every user ------------------------------------------------------

Home = Callable[[str], tuple[str, ...]]

IDS = (
    *("1", "12", "2", "ada", "ada.l", "bob"),
    *("Ada", " ada", "nal@example.com", "langgraph"),
    *("ada@example.com", "ada.l@example.com", "ada_l@example.com", "ada-l@example.com"),
    *("adal@example.com", "ada.l@example_com", "~", "~.", "..", "%2E", "ünal@example.com"),
)


def judge_namespace(user: str, home: object) -> None:
    """Raise NotYet unless a home is a tuple of labels that a store takes."""
    from langgraph.store.base import InvalidNamespaceError
    from langgraph.store.memory import InMemoryStore

    if isinstance(home, str):
        raise NotYet(
            f"the home of {user!r} is the string {home!r}. A string counts as a namespace of single "
            "letters: return a tuple of strings."
        )
    if not isinstance(home, tuple):
        raise NotYet(f"the home of {user!r} is {home!r}, expected a tuple of strings.")
    try:
        InMemoryStore().put(home, "profile", {"of": user})
    except InvalidNamespaceError as error:
        raise NotYet(f"the store refuses the home of {user!r}: {error}") from None


def judge_same_everywhere(home_of: Home, user: str) -> None:
    """Raise NotYet unless a user's home is the same in every call and in every process."""
    if home_of(user) != home_of(user):
        raise NotYet(f"two calls gave {user!r} two homes. What was put into the first is lost.")
    with another_hash(home_of):
        elsewhere = home_of(salted(user, 1))
    drawn = "id" in getattr(getattr(home_of, "__code__", None), "co_names", ())
    if elsewhere != home_of(user) or drawn:
        raise NotYet(
            f"the home of {user!r} is another one in every Python that is started afresh: a `hash()`, "
            "an `id()` or a variable leads to it. After a restart nobody would find theirs."
        )


def judge_one_to_one(homes: dict[str, tuple[str, ...]]) -> None:
    """Raise NotYet when two users share a home."""
    owners: dict[tuple[str, ...], str] = {}
    for user, home in homes.items():
        other = owners.setdefault(home, user)
        if other != user:
            raise NotYet(f"{other!r} and {user!r} share a home, and are two users.")


def look_alikes(home_of: Home) -> tuple[str, ...]:
    """More ids, made from the labels of homes: a period that was replaced meets its replacement."""
    made = [label for user in IDS for label in home_of(user)]
    return tuple(dict.fromkeys((*IDS, *made)))


def judge_apart(home_of: Home, homes: dict[str, tuple[str, ...]]) -> None:
    """Raise NotYet when two users share a home, or one lives inside another's."""
    if len(set(homes.values())) == 1:
        raise NotYet("every user has the same home, so each search finds everybody's items.")
    judge_one_to_one({f"user {number}": home_of(f"user {number}") for number in range(5000)})
    judge_one_to_one(homes)
    for user, home in homes.items():
        for other, below in homes.items():
            if other != user and below[: len(home)] == home:
                raise NotYet(
                    f"a search in the home of {user!r} finds the items of {other!r}: one namespace "
                    "begins with the other."
                )


def judge_search(homes: dict[str, tuple[str, ...]], store: Any) -> None:
    """Raise NotYet unless a store gives back to each user what is theirs, and nothing else."""
    for user, home in homes.items():
        store.put(home, "profile", {"of": user})
        store.put((*home, "feedback"), "monday", {"of": user})
    for user, home in homes.items():
        owners = [item.value["of"] for item in store.search(home, limit=1000)]
        if owners != [user, user]:
            raise NotYet(f"a search in the home of {user!r} found items of {owners!r}.")


def check_home(home_of: Home) -> str:
    """Prove that every user has a home that a store takes and that nobody else can reach."""
    from langgraph.store.sqlite import SqliteStore

    for user in IDS:
        judge_namespace(user, home_of(user))
        judge_same_everywhere(home_of, user)
    homes = {user: home_of(user) for user in look_alikes(home_of)}
    judge_apart(home_of, homes)
    with closing(connected(":memory:")) as connection:
        judge_search(homes, SqliteStore(connection))
    return f"{len(homes)} users, with periods, dashes and look-alikes: each finds their own and no more."


HOME = Exercise(
    id="13.home",
    name="home_of",
    task="Give every user id a namespace that is valid, lasting, and reached by no other user.",
    stub=code("""
            def home_of(user):
                return ("users", user)
            """),
    solution=code("""
            def home_of(user):
                return ("users", user.encode().hex())
            """),
    alternatives=(
        code("""
            import hashlib


            def home_of(user):
                return ("users", hashlib.sha256(user.encode()).hexdigest())
            """),
        code("""
            from urllib.parse import quote


            def home_of(user):
                return ("users", quote(user, safe="").replace(".", "%2E"))
            """),
        code("""
            def home_of(user):
                return ("users", user.replace("~", "~~").replace(".", "~d"), "memories")
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def home_of(user):
                return ("users", user.replace(".", "_"))
            """),
            "share a home",
        ),
        NearMiss(
            code("""
            def home_of(user):
                return ("users", *[part or "-" for part in user.split(".")])
            """),
            "one namespace begins with the other",
        ),
        NearMiss(
            code("""
            def home_of(user):
                return ("users",)
            """),
            "every user has the same home",
        ),
        NearMiss(
            code("""
            def home_of(user):
                return ("users", str(hash(user)))
            """),
            "started afresh",
        ),
        NearMiss(
            code("""
            import uuid


            def home_of(user):
                return ("users", uuid.uuid4().hex)
            """),
            "two homes",
        ),
        NearMiss(
            code("""
            def home_of(user):
                return f"users/{user.encode().hex()}"
            """),
            "single letters",
        ),
        NearMiss(
            code("""
            def home_of(user):
                return ("users", "@".join(user.split("@")[:1]))
            """),
            "refuses the home of",
        ),
    ),
    hints=(
        "A period must not be in the label, and `ada.l` and `ada_l` must not get the same label.",
        "Write the id in another alphabet, one without a period, so that different ids stay "
        "different.",
        "Every string can be made into bytes, and bytes can be spelled with sixteen characters: `user.encode().hex()`.",
    ),
    check=check_home,
)


# --- Exercise 2: a budget of one write ------------------------------------------------------

Facts = dict[str, str]
NoteFacts = Callable[[Any, tuple[str, ...], Facts], object]

ADA, BOB = ("users", "ada"), ("users", "bob")
TURNS: tuple[tuple[tuple[str, ...], Facts], ...] = (
    (ADA, {"name": "Ada"}),
    (BOB, {"name": "Bob", "city": "Bern"}),
    (ADA, {"printer": "Zeta 3", "city": "Turin"}),
    (ADA, {}),
    (ADA, {"name": "Ada"}),
    (ADA, {"printer": "Omega 1"}),
    (BOB, {"printer": "Zeta 3"}),
)


@dataclass(frozen=True)
class Shelf:
    """A kind of store, and what a fault on it is likely to mean."""

    name: str
    nothing: str
    lost: str


MEMORY = Shelf(
    "on `InMemoryStore`",
    nothing="Nothing at all was put.",
    lost="`put` replaces the whole item, and of two dicts that are joined the right one wins.",
)
DISK = Shelf(
    "on `SqliteStore`",
    nothing="This store is a new one. What is known from the one before may be in a variable, and "
    "that is no store.",
    lost="On `InMemoryStore` the same code passed: there an item is the store's own object. Here it "
    "is a copy, and a change counts when it is put.",
)

Written = list[tuple[tuple[str, ...], str]]
"""The namespace and key of each item that a turn wrote."""


def counting(kind: Any, *connection: sqlite3.Connection) -> tuple[Any, Written]:
    """A store of this kind, and the list in which it notes what it writes."""
    from langgraph.store.base import PutOp

    class Counting(kind):  # type: ignore[misc]
        def batch(self, ops: Iterable[Any]) -> Any:
            asked = list(ops)
            written.extend((op.namespace, op.key) for op in asked if isinstance(op, PutOp))
            return super().batch(asked)

    written: Written = []
    return Counting(*connection), written


def play(note_facts: NoteFacts, store: Any, written: Written, shelf: Shelf) -> None:
    """Play the turns into a store; raise NotYet at the first that loses a fact or writes too much."""
    known: dict[tuple[str, ...], Facts] = {}
    for home, facts in TURNS:
        before, known[home] = known.get(home, {}), {**known.get(home, {}), **facts}
        written.clear()
        note_facts(store, home, dict(facts))
        judge_place(written, home, facts)
        judge_profile(store, home, known[home], shelf)
        judge_budget(written, facts, new=known[home] != before)


def judge_place(written: Written, home: tuple[str, ...], facts: Facts) -> None:
    """Raise NotYet when a turn wrote anything but the profile at home, once."""
    for namespace, key in written:
        if namespace != home:
            raise NotYet(
                f"an item was put under {namespace!r}, and the home that was given is {home!r}. "
                "Whose facts are these?"
            )
        if key != "profile":
            raise NotYet(
                f"the turn that brought {facts!r} wrote the item {key!r}. An item for each fact "
                "loses none, and costs a write for each; the budget is one item, `profile`."
            )
    if len(written) > 1:
        raise NotYet(
            f"the turn that brought {facts!r} wrote the profile {len(written)} times; the budget "
            "is once."
        )


def judge_budget(written: Written, facts: Facts, new: bool) -> None:
    """Raise NotYet when a turn that brought nothing new wrote an item."""
    if written and not facts:
        raise NotYet("a turn in which nothing was heard wrote an item all the same.")
    if written and not new:
        raise NotYet(f"the turn that brought {facts!r} wrote what the store had known before.")


def judge_profile(store: Any, home: tuple[str, ...], expected: Facts, shelf: Shelf) -> None:
    """Raise NotYet unless the profile holds what this user told, and of two facts the newer."""
    item, user = store.get(home, "profile"), home[-1]
    if item is None:
        raise NotYet(f"{shelf.name}: {user} told something, and has no profile. {shelf.nothing}")
    told = [fact for whose, facts in TURNS if whose == home for fact in facts.items()]
    for what, fact in item.value.items():
        if not any((what, fact) in facts.items() for _, facts in TURNS):
            raise NotYet(
                f"{user}'s profile has {what!r}: {fact!r}, which nobody told. The value of the item "
                "is the dict of the facts itself, each as it was told."
            )
        if (what, fact) not in told:
            raise NotYet(f"{user}'s {what} is {fact!r}, which {user} never told. Who did?")
    for what, fact in expected.items():
        if what not in item.value:
            left = item.value
            raise NotYet(f"{shelf.name}: {user}'s {what} is lost, left is {left!r}. {shelf.lost}")
        if item.value[what] != fact:
            raise NotYet(
                f"{shelf.name}: {user}'s {what} is still {item.value[what]!r}, and the newer fact "
                f"is {fact!r}. {shelf.lost}"
            )


def judge_reading(note_facts: NoteFacts) -> None:
    """Raise NotYet when a value that the store gave out is changed, and not only read."""
    from langgraph.store.base import Item
    from langgraph.store.memory import InMemoryStore

    given: list[tuple[Any, Any]] = []

    class Lending(InMemoryStore):
        """Gives out copies, and remembers them."""

        def batch(self, ops: Any) -> Any:
            results = [deepcopy(one) for one in super().batch(ops)]
            lent = [one.value for one in results if isinstance(one, Item)]
            given.extend((value, deepcopy(value)) for value in lent)
            return results

    store = Lending()
    for home, facts in TURNS:
        note_facts(store, home, facts)
    if any(now != was for now, was in given):
        raise NotYet("you changed the value that `get` gave you. Join into a new dict.")


def check_note_facts(note_facts: NoteFacts) -> str:
    """Prove on both stores that facts are merged, with no write too many."""
    from langgraph.store.memory import InMemoryStore
    from langgraph.store.sqlite import SqliteStore

    play(note_facts, *counting(InMemoryStore), MEMORY)
    with closing(connected(":memory:")) as connection:
        play(note_facts, *counting(SqliteStore, connection), DISK)
    judge_reading(note_facts)
    return (
        f"{len(TURNS)} turns on both stores: nothing lost, one write for what is new, none for what "
        "is not."
    )


NOTE_FACTS = Exercise(
    id="13.note-facts",
    name="note_facts",
    task="Keep every fact in the profile, with at most one write a turn and none for nothing new.",
    stub=code("""
            def note_facts(store, home, facts):
                store.put(home, "profile", facts)
            """),
    solution=code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                old = item.value if item else {}
                new = {**old, **facts}
                if new != old:
                    store.put(home, "profile", new)
            """),
    alternatives=(
        code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                old = item.value if item else {}
                if not facts.items() <= old.items():
                    store.put(home, "profile", old | facts)
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                if facts:
                    store.put(home, "profile", {**item.value, **facts} if item else facts)
            """),
            "wrote what the store had known before",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                store.put(home, "profile", {**item.value, **facts} if item else facts)
            """),
            "nothing was heard",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                if item is None:
                    store.put(home, "profile", facts)
                else:
                    item.value.update(facts)
            """),
            "the same code passed",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                item = store.get(home, "profile")
                old = item.value if item else {}
                new = {**facts, **old}
                if new != old:
                    store.put(home, "profile", new)
            """),
            "is still 'Zeta 3'",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                for what, fact in facts.items():
                    store.put(home, what, {"fact": fact})
            """),
            "An item for each fact",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                item = store.get(home[:1], "profile")
                old = item.value if item else {}
                if {**old, **facts} != old:
                    store.put(home[:1], "profile", {**old, **facts})
            """),
            "Whose facts are these?",
        ),
        NearMiss(
            code("""
            profiles = {}


            def note_facts(store, home, facts):
                old = profiles.get(home, {})
                if {**old, **facts} != old:
                    profiles[home] = {**old, **facts}
                    store.put(home, "profile", profiles[home])
            """),
            "in a variable",
        ),
        NearMiss(
            code("""
            def note_facts(store, home, facts):
                if facts:
                    store.put(home, "profile", facts)
            """),
            "ada's name is lost",
        ),
    ),
    hints=(
        "`put` replaces the item. What has to be in the value so that nothing is lost?",
        "Get the item, join the old facts and the new ones in a *new* dict, and compare it with the "
        "old.",
        "`new = {**old, **facts}`; put it if `new != old`. `get` returns None where there is no "
        "item yet.",
    ),
    check=check_note_facts,
)

EXERCISES = (HOME, NOTE_FACTS)

CATCH_UP = CatchUp(
    say=(
        "A saver keeps a conversation under its thread id; no thread leads to another.",
        "Two names can lead to one object, and a change through one is seen through the other.",
        "A step that is killed is done again, and what it did outside the state is done twice.",
        "What a process holds dies with it, and what was written survives.",
    ),
    source="""import operator
import re
import sqlite3
from dataclasses import dataclass
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from lessons_lib.memories import crash, moment, reply
from lessons_lib.memories.chatbot import answered, heard, known


class Talk(TypedDict):
    messages: Annotated[list, operator.add]


@dataclass
class Who:
    user: str


def talk(*nodes):
    builder = StateGraph(Talk, context_schema=Who)
    builder.add_sequence(nodes)
    builder.add_edge(START, nodes[0].__name__)
    return builder


def say(graph, text, thread, user="ada", **how):
    config = {"configurable": {"thread_id": thread}}
    state = graph.invoke({"messages": [heard(text)]}, config, context=Who(user), **how)
    return state["messages"][-1]["content"]


RULES = {
    "name": r"my name is (\\w+)",
    "printer": r"my printer is an? ([\\w ]+)",
    "city": r"i live in (\\w+)",
}


def facts_in(text):
    found = {what: re.search(rule, text, re.IGNORECASE) for what, rule in RULES.items()}
    return {what: match[1] for what, match in found.items() if match}


def learn(state, runtime: Runtime[Who]):
    facts = facts_in(state["messages"][-1]["content"])
    if facts:
        runtime.store.put(("users", runtime.context.user), "profile", facts)


def answer(state, runtime: Runtime[Who]):
    item = runtime.store.get(("users", runtime.context.user), "profile")
    facts = item.value if item else {}
    told = [known(f"My {what} is {value}.") for what, value in facts.items()]
    return {"messages": [answered(reply([*told, *state["messages"]]))]}


def opened(path):
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)


SAVERS = {
    "InMemorySaver": lambda folder: InMemorySaver(),
    "SqliteSaver": lambda folder: SqliteSaver(opened(folder / "talk.db")),
}
STORES = {
    "InMemoryStore": lambda folder: InMemoryStore(),
    "SqliteStore": lambda folder: SqliteStore(opened(folder / "facts.db")),
}


def compiled(folder, *nodes, saver="SqliteSaver", store="SqliteStore"):
    return talk(*nodes).compile(checkpointer=SAVERS[saver](folder), store=STORES[store](folder))
""",
    names=(
        "Talk",
        "Who",
        "talk",
        "say",
        "facts_in",
        "learn",
        "answer",
        "opened",
        "SAVERS",
        "STORES",
        "compiled",
    ),
)
