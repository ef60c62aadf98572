"""What judges the exercises of lesson 13, Long-term memory I."""

from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import InvalidNamespaceError, Item, PutOp
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from lessons_lib.lessons.shared import another_hash, both_stores, salted, store_connection
from lessons_lib.teach.model import NotYet

# --- Exercise 1: a home for every user ------------------------------------------------------

Home = Callable[[str], tuple[str, ...]]

IDS = (
    *("1", "12", "2", "ada", "ada.l", "bob"),
    *("Ada", " ada", "nal@example.com", "langgraph"),
    *("ada@example.com", "ada.l@example.com", "ada_l@example.com", "ada-l@example.com"),
    *("adal@example.com", "ada.l@example_com", "~", "~.", "..", "%2E", "ünal@example.com"),
)


def judge_namespace(user: str, home: object) -> None:
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
    for user, home in homes.items():
        store.put(home, "profile", {"of": user})
        store.put((*home, "feedback"), "monday", {"of": user})
    for user, home in homes.items():
        owners = [item.value["of"] for item in store.search(home, limit=1000)]
        if owners != [user, user]:
            raise NotYet(f"a search in the home of {user!r} found items of {owners!r}.")


def check_home(home_of: Home) -> str:
    """Prove that every user has a home that a store takes and that nobody else can reach."""
    for user in IDS:
        judge_namespace(user, home_of(user))
        judge_same_everywhere(home_of, user)
    homes = {user: home_of(user) for user in look_alikes(home_of)}
    judge_apart(home_of, homes)
    with closing(store_connection()) as connection:
        judge_search(homes, SqliteStore(connection))
    return f"{len(homes)} users, with periods, dashes and look-alikes: each finds their own and no more."


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


def play(note_facts: NoteFacts, store: Any, operations: list[Any], shelf: Shelf) -> None:
    """Play the turns into a store; raise NotYet at the first that loses a fact or writes too much."""
    known: dict[tuple[str, ...], Facts] = {}
    for home, facts in TURNS:
        before, known[home] = known.get(home, {}), {**known.get(home, {}), **facts}
        operations.clear()
        note_facts(store, home, dict(facts))
        written = [op for op in operations if isinstance(op, PutOp)]
        judge_place(written, home, facts)
        judge_profile(store, home, known[home], shelf)
        judge_budget(written, facts, new=known[home] != before)


def judge_place(written: list[PutOp], home: tuple[str, ...], facts: Facts) -> None:
    for op in written:
        if op.namespace != home:
            raise NotYet(
                f"an item was put under {op.namespace!r}, and the home that was given is {home!r}. "
                "Whose facts are these?"
            )
        if op.key != "profile":
            raise NotYet(
                f"the turn that brought {facts!r} wrote the item {op.key!r}. An item for each fact "
                "loses none, and costs a write for each; the budget is one item, `profile`."
            )
    if len(written) > 1:
        raise NotYet(
            f"the turn that brought {facts!r} wrote the profile {len(written)} times; the budget "
            "is once."
        )


def judge_budget(written: list[PutOp], facts: Facts, new: bool) -> None:
    if written and not facts:
        raise NotYet("a turn in which nothing was heard wrote an item all the same.")
    if written and not new:
        raise NotYet(f"the turn that brought {facts!r} wrote what the store had known before.")


def judge_profile(store: Any, home: tuple[str, ...], expected: Facts, shelf: Shelf) -> None:
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
    for shelf, (_, store, operations) in zip((MEMORY, DISK), both_stores(), strict=True):
        play(note_facts, store, operations, shelf)
    judge_reading(note_facts)
    return (
        f"{len(TURNS)} turns on both stores: nothing lost, one write for what is new, none for what "
        "is not."
    )


CHECKS = {
    "13.home": check_home,
    "13.note-facts": check_note_facts,
}
