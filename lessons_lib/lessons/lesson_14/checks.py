"""What judges the exercises of lesson 14, Long-term memory II."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.memories.embedding import search_index
from lessons_lib.teach.model import NotYet

if TYPE_CHECKING:
    from langgraph.store.sqlite import SqliteStore


def sqlite_store(path: Path | str, ttl: float | None, refresh: bool) -> "SqliteStore":
    """A SQLite store on a connection of its own that commits at once."""
    from langgraph.store.sqlite import SqliteStore

    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    return SqliteStore(connection, ttl={"default_ttl": ttl, "refresh_on_read": refresh})


def texts_of(found: object, name: str) -> list[str]:
    """What the reader returned, as a list of texts; raises NotYet when it is anything else."""
    if isinstance(found, str) or not isinstance(found, Iterable):
        raise NotYet(f"`{name}` returned {found!r}, expected a list of texts.")
    texts = list(found)
    for text in texts:
        if not isinstance(text, str):
            raise NotYet(
                f"`{name}` returned a list with a `{type(text).__name__}` in it, expected texts: "
                '`item.value["text"]`.'
            )
    return texts


# --- Exercise 1: a budget of three facts ----------------------------------------------------

FactsFor = Callable[[Any, str, str], list[str]]
MOST_SENT, MOST_READ = 3, 10

ADAS = (
    ("profile", "My name is Ada."),
    ("profile", "I write to you in English."),
    ("feedback", "The answer about the toner was helpful."),
    ("file", "I have uploaded jam.png, a photo."),
    ("feedback", "The answer about the jam was not helpful."),
    ("file", "I have uploaded manual.pdf."),
    ("profile", "My laptop runs Linux."),
    ("feedback", "The answer about the cable was helpful."),
    ("file", "I have uploaded report.docx."),
    ("feedback", "The answer about the driver was helpful."),
    ("profile", "I work at the city library."),
    ("profile", "My printer is a Zeta 3."),
    ("profile", "Please never call me before ten."),
    ("file", "I have uploaded invoice.pdf, of May."),
)
BOBS = (
    ("profile", "My printer is an InkJet 20."),
    ("profile", "Please never call me before noon."),
    ("file", "I have uploaded invoice.pdf, of June."),
    ("profile", "I work at the harbour."),
)
WANTED = {
    "Which printer is it?": "My printer is a Zeta 3.",
    "Can I call before ten?": "Please never call me before ten.",
    "Is there an invoice uploaded?": "I have uploaded invoice.pdf, of May.",
    "Where do you work?": "I work at the city library.",
    "Was the jam answer helpful?": "The answer about the jam was not helpful.",
}
INTERNAL = tuple(f"Note {number}: which printer is it? Asked again." for number in range(1, 12))


def counting_store() -> Any:
    """An indexed store in memory that notes how many facts were read, and by which searches."""
    from langgraph.store.base import Item, SearchOp
    from langgraph.store.memory import InMemoryStore

    class Counting(InMemoryStore):
        __slots__ = ("read", "searches", "texts")
        read: int
        searches: list[SearchOp]
        texts: list[str]

        def batch(self, ops: Any) -> Any:
            asked = list(ops)
            results = super().batch(asked)
            found = [item for result in results if isinstance(result, list) for item in result]
            self.texts += [item.value["text"] for item in found if isinstance(item, Item)]
            self.searches += [op for op in asked if isinstance(op, SearchOp)]
            for result in results:
                self.read += 1 if isinstance(result, Item) else len(result or ())
            return results

    store = Counting(index=search_index(["text"], setting=""))
    store.read, store.searches, store.texts = 0, [], []
    return store


def told_store() -> Any:
    """The counting store with the facts of two users and the notes of the staff."""
    store = counting_store()
    for user, facts in (("ada", ADAS), ("bob", BOBS)):
        for number, (kind, text) in enumerate(facts):
            store.put(("users", user), f"fact {number}", {"kind": kind, "text": text})
    for number, text in enumerate(INTERNAL):
        store.put(("users", "ada"), f"note {number}", {"kind": "internal", "text": text})
    return store


def judge_whose(sent: list[str], question: str) -> None:
    """Raise NotYet when something was sent that is not the user's, or not for the model."""
    strangers = [text for text in sent if text in {text for _, text in BOBS}]
    if strangers:
        raise NotYet(
            f"for Ada's question {question!r} Bob's fact was sent: {strangers[0]!r}. The namespace "
            "of a search is a prefix."
        )
    notes = [text for text in sent if text in INTERNAL]
    if notes:
        raise NotYet(
            f"for {question!r} a note of the staff was sent: {notes[0]!r}. Its words are those of "
            "the question, so it is nearest of all. Which filter leaves this kind out?"
        )


def judge_budget(sent: list[str], read: int, question: str) -> None:
    """Raise NotYet when more was read or sent than the budget allows."""
    if len(sent) > MOST_SENT:
        raise NotYet(f"for {question!r} {len(sent)} facts were sent; the budget is {MOST_SENT}.")
    if read > MOST_READ:
        raise NotYet(
            f"for {question!r} {read} facts were read from the store; the budget is {MOST_READ}. "
            "Let the store choose, and not your code."
        )


def judge_found(sent: list[str], store: Any, question: str) -> None:
    """Raise NotYet, with the likeliest reason, when the fact that answers was not sent."""
    if WANTED[question] in sent:
        return
    start = f"for {question!r} the fact that answers it was not sent"
    searches = store.searches
    if not any(op.query for op in searches):
        raise NotYet(f"{start}: what was sent does not depend on the question.")
    if not any(op.filter for op in searches):
        raise NotYet(
            f"{start}. You left out the notes of the staff after the search, and by then they had "
            "taken all the places."
        )
    if all(op.limit < MOST_SENT for op in searches):
        raise NotYet(
            f"{start}: it came second. The order is the embedder's guess; use the whole budget."
        )
    if any(op.query and op.query != question for op in searches):
        raise NotYet(f"{start}: the query was {searches[0].query!r}, and not the question.")
    if any(op.offset for op in searches):
        raise NotYet(f"{start}: your `offset` leaves out what is nearest.")
    if WANTED[question] in store.texts:
        raise NotYet(f"{start}. It was read from the store, and your code left it out afterwards.")
    raise NotYet(f"{start}. Does your filter let facts of every kind but one through?")


def check_three_facts(facts_for: FactsFor) -> str:
    """Put Ada's four questions to the reader's function, on a store that counts."""
    for question in WANTED:
        store = told_store()
        sent = texts_of(facts_for(store, "ada", question), "facts_for")
        judge_whose(sent, question)
        judge_budget(sent, store.read, question)
        judge_found(sent, store, question)
    bobs = texts_of(facts_for(told_store(), "bob", "Which printer is it?"), "facts_for")
    if strangers := [text for text in bobs if text not in {text for _, text in BOBS}]:
        raise NotYet(
            f"Bob asked, and was sent what is not his: {strangers[0]!r}. Whose facts are searched is "
            "for the argument `user` to say."
        )
    return f"{len(WANTED)} questions, at most {MOST_SENT} facts sent for each, the right one among them."


# --- Exercise 2: only what has not ended ----------------------------------------------------

Living = Callable[[Any, str], list[str]]
HOUR = 60.0
LASTING = "My name is Ada."
ENDED = "Ada is in a hurry."
NEWS = tuple(f"Ada has asked about page {page} of the manual." for page in range(1, 13))
MINE = ("users", "ada")


@contextmanager
def a_morning() -> Iterator["SqliteStore"]:
    """A store with a fact for ever, one that has ended and twelve in the middle of their hour."""
    store = sqlite_store(":memory:", HOUR, refresh=True)
    try:
        put_in_turn(store, MINE, "name", LASTING, None)
        put_in_turn(store, ("users", "bob"), "mood", "Bob has time.", HOUR)
        for number, text in enumerate(NEWS):
            put_in_turn(store, MINE, f"news {number}", text, HOUR)
        put_in_turn(store, MINE, "mood", ENDED, HOUR)
        set_back(store, "expires_at", 30, "TRUE")
        set_back(store, "expires_at", 31, "key = 'mood' AND prefix = 'users.ada'")
        yield store
    finally:
        store.conn.close()


def put_in_turn(
    store: "SqliteStore", namespace: tuple[str, ...], key: str, text: str, ttl: float | None
) -> None:
    """Put a fact a minute after all before it, so that what is newest is no matter of luck."""
    set_back(store, "updated_at", 1, "TRUE")
    store.put(namespace, key, {"text": text}, ttl=ttl)


def set_back(store: "SqliteStore", column: str, minutes: int, where: str) -> None:
    """Let time pass for some facts, by moving a date of theirs back."""
    store.setup()
    store.conn.execute(
        f"UPDATE store SET {column} = datetime({column}, ?) WHERE {where}", (f"-{minutes} minutes",)
    )


def dates(store: "SqliteStore") -> dict[tuple[str, str], str]:
    """When each fact of the table ends, under its namespace and key."""
    rows = store.conn.execute("SELECT prefix, key, expires_at FROM store WHERE expires_at NOT NULL")
    return {(prefix, key): ends for prefix, key, ends in rows}


def is_past(date: str) -> bool:
    """Whether SQLite's clock has passed a date of its own making."""
    with sqlite3.connect(":memory:") as clock:
        past = bool(clock.execute("SELECT ? < CURRENT_TIMESTAMP", (date,)).fetchone()[0])
    clock.close()
    return past


def judge_ended(texts: list[str], after: dict[tuple[str, str], str]) -> None:
    """Raise NotYet, saying why, when the fact whose time is over was returned."""
    if ENDED not in texts:
        return
    date = after.get(("users.ada", "mood"))
    if date is None:
        raise NotYet(
            f"{ENDED!r} ended a minute ago, and was returned. You swept when you had read it already."
        )
    if is_past(date):
        raise NotYet(
            f"{ENDED!r} ended a minute ago, and was returned: `search` does not look at the date, "
            "and nobody has swept."
        )
    raise NotYet(
        f"{ENDED!r} ended a minute ago, and was returned. Worse, it lives again: your search read it "
        "first, and reading gave it another hour."
    )


def check_living(living: Living) -> str:
    """Ask for what lives, and compare the dates before and after."""
    with a_morning() as store:
        before = dates(store)
        texts = texts_of(living(store, "ada"), "living")
        after = dates(store)
        bobs = texts_of(living(store, "bob"), "living")
    judge_ended(texts, after)
    if "Bob has time." in texts:
        raise NotYet('a fact of Bob\'s was returned. Ask under `("users", user)`.')
    judge_kept(before, after)
    expected = {LASTING, *NEWS}
    if missing := expected - set(texts):
        raise NotYet(
            f"{len(texts)} texts were returned, and {len(expected)} facts live. Missing is, among "
            f"others, {min(missing)!r}. A search returns a page: ten, or as many as `limit` says."
        )
    judge_dates(before, after)
    if bobs != ["Bob has time."]:
        raise NotYet(
            f"asked for Bob's facts, it returned {bobs!r}. Whose facts are searched is for the "
            "argument `user` to say."
        )
    return f"{len(expected)} living facts returned, the ended one not, and every date is as it was."


def judge_kept(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> None:
    """Raise NotYet when a living fact is gone."""
    for prefix, key in before:
        if (prefix, key) != ("users.ada", "mood") and (prefix, key) not in after:
            raise NotYet(f"the fact {key!r} had half an hour left, and is no longer in the store.")


def judge_dates(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> None:
    """Raise NotYet when a living fact has another end than before."""
    for (prefix, key), ends in before.items():
        if key == "mood" and prefix == "users.ada":
            continue
        if after[prefix, key] != ends:
            raise NotYet(
                f"the fact {key!r} had half an hour left and has another time now. Looking prolonged "
                "it; a search can be told not to refresh."
            )


# --- Exercise 3: forget a user --------------------------------------------------------------

Forget = Callable[[Any, str], Any]
MARK = "confided by ada"
OTHERS = (("users", "adam"), ("users", "bob"), ("teams", "users", "ada"))


@contextmanager
def a_full_file() -> Iterator["SqliteStore"]:
    """A store on a file, with Ada's facts in three namespaces and those of others."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = sqlite_store(Path(folder) / "facts.db", None, refresh=False)
        store.conn.execute("PRAGMA secure_delete = off")
        try:
            for below in (("feedback",), ("files", "2025"), ()):
                for number in range(12):
                    text = f"{MARK}, {number}"
                    put_in_turn(store, (*MINE, *below), f"fact {number}", text, None)
            for namespace in OTHERS:
                store.put(namespace, "fact", {"text": "of somebody else"})
            yield store
        finally:
            store.conn.close()


def bytes_of(store: "SqliteStore") -> bytes:
    """The database file of a store, as it is on disk."""
    path: str = store.conn.execute("PRAGMA database_list").fetchone()[2]
    return Path(path).read_bytes()


def check_forget(forget: Forget) -> str:
    """Forget Ada, then look with the API and in the bytes of the file."""
    with a_full_file() as store:
        forget(store, "ada")
        left = store.search(MINE, limit=1000)
        kept = [bool(store.get(namespace, "fact")) for namespace in OTHERS]
        there = MARK.encode() in bytes_of(store)
        forget(store, "bob")
        bob = store.get(("users", "bob"), "fact")
    judge_left([item.namespace for item in left])
    if not all(kept):
        lost = OTHERS[kept.index(False)]
        raise NotYet(
            f"the fact under {lost!r} is gone, too, and it was not Ada's. Name the user in every "
            "search; and in SQL a text is not compared part by part."
        )
    if there:
        raise NotYet(
            "no search finds a fact of hers, and her words are still in the file: their room is "
            "free, and not empty. What writes the file anew?"
        )
    if bob:
        raise NotYet("asked to forget Bob, it left his fact. Delete for the argument `user`.")
    return (
        "36 facts in three namespaces forgotten, none of anybody else's, and no byte of them left."
    )


def judge_left(left: list[tuple[str, ...]]) -> None:
    """Raise NotYet when a search still finds facts of Ada's, saying where."""
    if not left:
        return
    below = {tuple(namespace) for namespace in left}
    if MINE in below:
        raise NotYet(
            f"{len(left)} of 36 facts are still found, some of them under {MINE!r} itself. A search "
            "returns a page."
        )
    raise NotYet(
        f"{len(left)} of 36 facts are still found, all of them below {MINE!r}, as under "
        f"{min(below)!r}. Delete a fact under *its* namespace, `item.namespace`."
    )


CHECKS = {
    "14.three-facts": check_three_facts,
    "14.living": check_living,
    "14.forget": check_forget,
}
