"""What judges the exercises of lesson 14, Long-term memory II."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langgraph.store.base import Item, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from lessons_lib.lessons.shared import (
    Endless,
    both_stores,
    new_folder,
    noting,
    store_connection,
    when,
)
from lessons_lib.memories.embedding import search_index
from lessons_lib.teach.model import NotYet


def texts_of(found: object, name: str) -> list[str]:
    """What the reader returned, as a list of strings; raises NotYet when it is anything else."""
    if isinstance(found, str) or not isinstance(found, Iterable):
        raise NotYet(f"`{name}` returned {found!r}, expected a list of strings.")
    texts = list(found)
    for text in texts:
        if not isinstance(text, str):
            raise NotYet(
                f"`{name}` returned a list with a `{type(text).__name__}` in it, expected strings: "
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
    if not store.texts:
        raise NotYet(
            f"{start}: no fact was found at all. They lie under ('users', user), and the fields "
            "of each are `kind` and `text`."
        )
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


# --- Exercise 2: over when it is over -------------------------------------------------------

MOST_ASKED = 20
LASTING = "My name is Ada."
LONG = tuple(f"Ada has asked about page {page} of the manual." for page in range(1, 31))
SHORT = tuple(f"Ada is in a hurry, for reason {reason}." for reason in range(1, 31))
BOBS_OWN = "Bob has time."
OVER = "Nobody sweeps here; who looks at the time when a fact is read?"
FOR_EVER = "It was kept for ever: what stands for that, and is it a number in JSON, too?"


class Trial:
    """The reader's class on one kind of store, and a clock that the check moves."""

    def __init__(self, facts: Any, store: Any, operations: list[Any], name: str) -> None:
        self.make, self.store, self.operations, self.name = facts, store, operations, name
        self.minute = 0
        self.facts = self.restarted()

    def restarted(self) -> Any:
        """A new object on the same store, as a new process makes it."""
        return self.make(self.store, lambda: self.minute)

    def keep(self, user: str, key: str, text: str, minutes: int | None = None) -> None:
        """Keep a fact; raise NotYet, saying why, when that fails."""
        try:
            self.facts.keep(user, key, text, minutes)
        except NotImplementedError:
            raise NotYet(
                f"on `{self.name}`: `ttl=` raised NotImplementedError. This store has no dates, and "
                "the other one looks at them only in a sweep. Put the end where both keep it, and "
                "you can read it: in the value."
            ) from None

    def living(self, user: str) -> list[str]:
        """What the reader's object returns for a user; raises NotYet when it did more than look."""
        self.operations.clear()
        try:
            texts = texts_of(self.facts.living(user), "living")
        except TypeError as error:
            raise NotYet(
                f"on `{self.name}`: `living` raised TypeError: {error}. A filter compares a value "
                "that every fact has; a fact without an end has none here."
            ) from None
        for op in self.operations:
            if isinstance(op, SearchOp) and op.limit > MOST_ASKED:
                raise NotYet(
                    f"one search asked for {op.limit} items; at most {MOST_ASKED} are allowed. "
                    "Whatever the number, one user has more: ask for page after page."
                )
            if isinstance(op, PutOp):
                raise NotYet("`living` wrote to the store, or deleted from it. It only looks.")
        return texts

    def judge(self, living: Collection[str], why: str = "", over: str = OVER) -> None:
        """Judge what is returned of Ada's facts, which is to be all that live and no others."""
        texts = self.living("ada")
        with when(f"on `{self.name}`, at minute {self.minute}"):
            judge_living(texts, living, why, over)


def judge_living(texts: list[str], living: Collection[str], why: str, over: str) -> None:
    if BOBS_OWN in texts:
        raise NotYet('a fact of Bob\'s was returned. Ask under `("users", user)`.')
    if dead := [text for text in texts if text not in living]:
        raise NotYet(f"{dead[0]!r} was over, and was returned. {over}")
    missing = [text for text in living if text not in texts]
    if missing and len(texts) in (10, MOST_ASKED):
        raise NotYet(
            f"{len(texts)} texts were returned, and {len(living)} facts live. "
            "A search returns a page."
        )
    if missing:
        why = why or (FOR_EVER if missing[0] == LASTING else "Its minutes are not up.")
        raise NotYet(f"{missing[0]!r} lives, and was not returned. {why}")
    if len(texts) != len(living):
        raise NotYet(f"{len(living)} facts live, and {len(texts)} texts came back.")


def tell(trial: Trial) -> None:
    """Keep what Ada says: one fact for ever, thirty for long, thirty for a short time."""
    trial.keep("ada", "name", LASTING)
    trial.keep("bob", "mood", BOBS_OWN)
    for number, (long, short) in enumerate(zip(LONG, SHORT, strict=True)):
        trial.keep("ada", f"long {number}", long, 120)
        trial.keep("ada", f"short {number}", short, 30)


def try_facts(facts: Any, store: Any, operations: list[Any], name: str) -> None:
    """Tell Ada's facts, let the minutes pass, and ask what lives."""
    trial = Trial(facts, store, operations, name)
    tell(trial)
    trial.minute = 10
    trial.judge([LASTING, *LONG, *SHORT])
    trial.minute = 40
    trial.judge([LASTING, *LONG])
    trial.facts = trial.restarted()
    trial.judge(
        [LASTING, *LONG],
        "This is a new `Facts` on the same store, as after a restart. What the one before had in a "
        "variable is gone with it.",
    )
    trial.keep("ada", "short 0", SHORT[0], 60)
    trial.minute = 90
    trial.judge(
        [LASTING, *LONG, SHORT[0]],
        "It was kept again at minute 40, for 60 minutes. An end is counted from when a fact is put.",
    )
    trial.minute = 100
    trial.judge(
        [LASTING, *LONG],
        over="Kept at minute 40 for 60 minutes, it lives until minute 100, and no longer *at* it.",
    )
    trial.minute = 1000
    trial.judge([LASTING])
    if (bobs := trial.living("bob")) != [BOBS_OWN]:
        raise NotYet(
            f"asked for Bob's facts, it returned {bobs!r}. Whose facts are searched is for the "
            "argument `user` to say."
        )


def check_living(facts: Any) -> str:
    """Ask on both stores, at several minutes and after a restart, for what is not over."""
    for name, store, operations in both_stores():
        try_facts(facts, store, operations, name)
    return (
        "both stores, 61 facts, and each was over at its minute; no sweep, and nothing prolonged."
    )


# --- Exercise 3: forget a user --------------------------------------------------------------

Forget = Callable[[Any, str], Any]
MINE = ("users", "ada")
MOST_LEFT = 36
MARK = "confided by ada"
OTHERS = (("users", "adam"), ("users", "bob"), ("teams", "users", "ada"))


def put_in_turn(store: SqliteStore, namespace: tuple[str, ...], key: str, text: str) -> None:
    """Put a fact a minute after all before it, so that what is newest is no matter of luck."""
    store.setup()
    store.conn.execute("UPDATE store SET updated_at = datetime(updated_at, '-1 minutes')")
    store.put(namespace, key, {"text": text})


@contextmanager
def a_full_file() -> Iterator[tuple[SqliteStore, list[Any]]]:
    """A store on a file, with Ada's facts in three namespaces and those of others.

    Beside it the list of what it is asked to do from now on.
    """
    with new_folder() as folder:
        store, operations = noting(SqliteStore, store_connection(folder / "facts.db"))
        store.conn.execute("PRAGMA secure_delete = off")
        try:
            for below in (("feedback",), ("files", "2025"), ()):
                for number in range(12):
                    text = f"{MARK}, {number}"
                    put_in_turn(store, (*MINE, *below), f"fact {number}", text)
            for namespace in OTHERS:
                store.put(namespace, "fact", {"text": "of somebody else"})
            operations.clear()
            yield store, operations
        finally:
            store.conn.close()


def bytes_of(store: SqliteStore) -> bytes:
    """The database file of a store, as it is on disk."""
    path: str = store.conn.execute("PRAGMA database_list").fetchone()[2]
    return Path(path).read_bytes()


def check_forget(forget: Forget) -> str:
    """Forget Ada, then look with the API and in the bytes of the file."""
    with a_full_file() as (store, operations):
        endless = None
        try:
            forget(store, "ada")
        except Endless as error:
            endless = error
        skipped = any(isinstance(op, SearchOp) and op.offset for op in operations)
        operations.clear()
        left = store.search(MINE, limit=1000)
        kept = [bool(store.get(namespace, "fact")) for namespace in OTHERS]
        there = MARK.encode() in bytes_of(store)
        forget(store, "bob")
        bob = store.get(("users", "bob"), "fact")
    judge_left([item.namespace for item in left], skipped)
    if endless:
        raise endless
    if not all(kept):
        lost = OTHERS[kept.index(False)]
        raise NotYet(
            f"the fact under {lost!r} is gone, too, and it was not Ada's. Name the user in every "
            "search; and in SQL a string is not compared part by part."
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


def judge_left(left: list[tuple[str, ...]], skipped: bool) -> None:
    if not left:
        return
    if len(left) == MOST_LEFT:
        raise NotYet("all 36 facts are still found: none of them was deleted.")
    if skipped:
        raise NotYet(
            f"{len(left)} of 36 facts are still found. What is deleted is out of the next search, "
            "so an `offset` skips as many that are not. Always ask for the first page, or collect "
            "all pages before you delete."
        )
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
