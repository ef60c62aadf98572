"""Lesson 14, how facts are found and how they end: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

from lessons_lib.memories.embedding import search_index
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

if TYPE_CHECKING:
    from langgraph.store.sqlite import SqliteStore

QUESTIONS = (
    Question(
        "14.recall-prefix",
        'From lesson 13. Facts lie under `("users", "ada")` and `("users", "bob")`. What does '
        '`store.search(("users",))` return?',
        (
            Option(
                "Nothing: no fact lies under exactly this namespace",
                "No. A search takes its namespace as a prefix, and everything below it belongs to it.",
            ),
            Option(
                "Facts of Ada and of Bob",
                "Right. The prefix crosses users, so leave the user out and you read everybody's.",
                right=True,
            ),
            Option(
                "An error: the user is missing",
                "No. A store knows no users. It knows namespaces, and this is one.",
            ),
        ),
    ),
    Question(
        "14.recall-age",
        "From lesson 06. A `TTLCache` of 30 minutes, and an hour in which nobody touches it. "
        "Then its owner asks for Ada. What does it say?",
        (
            Option(
                "Ada is still there until something removes her",
                "No. That cache compares the date when it is asked. You will need this difference soon.",
            ),
            Option(
                "She is not there",
                "Right. This cache looks at the date at every read. Not everything with a TTL does.",
                right=True,
            ),
            Option(
                "She is there, since asking counts as use",
                "No. In that cache only a write starts the time anew.",
            ),
        ),
    ),
    Question(
        "14.ten",
        "Twelve facts are stored, one a day. `store.search(ADA)` on the store in memory: is the "
        "fact of day 12 among what is found?",
        (
            Option(
                "Yes: a search without conditions returns all",
                "No. It has one condition that you did not write, `limit=10`.",
            ),
            Option(
                "Yes: the newest come first",
                "No. SQLite does it so, as far as its dates can tell. The store in memory walks through a dict.",
            ),
            Option(
                "No: it returns the ten that were put first",
                "Right. It stops after ten, and a dict keeps the order in which it was filled.",
                right=True,
            ),
            Option(
                "No: it raises, since there are more than ten",
                "No. Nothing tells you that there are more.",
            ),
        ),
    ),
    Question(
        "14.stars",
        'Nine of the twelve facts have no stars. What does `filter={"stars": {"$gte": 4}}` do on the '
        "store in memory?",
        (
            Option(
                "It finds the two with four stars or more",
                "No. SQLite does it so: there a missing value is unknown, and is left out.",
            ),
            Option(
                "It raises `TypeError`",
                "Right. It asks every fact for its stars, and makes a number of `None`.",
                right=True,
            ),
            Option(
                "It finds those two, and the nine without stars",
                "No. That is what `$ne` does on this store, where nothing is made a number.",
            ),
            Option(
                "It finds nothing, silently",
                "No. Other filters do that. This one is loud.",
            ),
        ),
    ),
    Question(
        "14.silent",
        'A store that was made without an index is searched with `query="Can I call before ten?"`. '
        "What happens?",
        (
            Option(
                "An error: it cannot search by words",
                "No. An error would have been kind.",
            ),
            Option(
                "Facts that contain these words come first",
                "No. Nothing looks at the words.",
            ),
            Option(
                "The query is ignored: the first ten facts",
                "Right. Silently, so in a test with few facts it looks as if it worked.",
                right=True,
            ),
            Option(
                "Nothing is found",
                "No. An empty answer would at least have been noticed.",
            ),
        ),
    ),
    Question(
        "14.near",
        "The store has an index now. What does it return for *What is the weather in Lima?*, which no "
        "fact answers?",
        (
            Option(
                "Nothing: no fact is near enough",
                "No. There is no *enough*. A search ranks what there is and returns the first.",
            ),
            Option(
                "Three facts with a score of zero",
                "No. All sentences share letters, and trained vectors share directions.",
            ),
            Option(
                "Three facts with scores that look like any others",
                "Right. The nearest are returned, near or not.",
                right=True,
            ),
        ),
    ),
    Question(
        "14.expired",
        "A fact with a TTL of 60 minutes, 61 minutes later, in SQLite. What does `search` return?",
        (
            Option(
                "Both facts, also the one whose time is over",
                "Right. Reading does not look at the date. Only a sweep does.",
                right=True,
            ),
            Option(
                "Only her name",
                "No. That is how the cache of lesson 06 does it: it asks the clock at every read.",
            ),
            Option(
                "Only her name, and the other fact is deleted by the search",
                "No. A search deletes nothing.",
            ),
        ),
    ),
    Question(
        "14.read-expired",
        "With `refresh_on_read`: the hour is over, the fact is read, then swept. What is left?",
        (
            Option(
                "Her name: the fact was over before it was read",
                "No. It was over by its date, and the reading wrote a new date.",
            ),
            Option(
                "Her name and the fact",
                "Right. Reading gave it another hour, and the sweep found nothing to do.",
                right=True,
            ),
            Option(
                "Nothing: the sweep takes all that has a default",
                "No. Her name was put with `ttl=None` and has no date.",
            ),
        ),
    ),
    Question(
        "14.letters",
        "*Please call me before ten.* Nobody said so; she said *Please never call me before ten.* How "
        "high does the lexical embedder score that fact?",
        (
            Option(
                "Low: it says the opposite",
                "No. Opposites are made of nearly the same letters.",
            ),
            Option(
                "About half: some words fit",
                "No. All words fit but one.",
            ),
            Option(
                "Very high",
                "Right. Six words, five of them the same. What *never* means is not in its letters.",
                right=True,
            ),
        ),
    ),
    Question(
        "14.deleted",
        "`secure_delete` is off, and a fact has been deleted. The file is opened with an editor. "
        "Are the words in it?",
        (
            Option("No: it was deleted", "No. Its place was marked as free, and that is all."),
            Option(
                "Yes, until something else needs the room or the file is written anew",
                "Right. Free is not empty.",
                right=True,
            ),
            Option(
                "Only while the connection is open",
                "No. These bytes are in the file, and closing does not touch them.",
            ),
        ),
    ),
    Question(
        "14.exam",
        "A bot with a saver, and one with a saver and a store. Each is told a name and asked to forget "
        "that conversation. Which does better?",
        (
            Option(
                "The one with the store: it knows what belongs to the user",
                "No. What it knows under the user is not in the conversation that is deleted.",
            ),
            Option(
                "Neither passes, and the one with the store does worse",
                "Right. One leaves bytes in its file. The other goes on telling the name.",
                right=True,
            ),
            Option(
                "Both pass: `delete_thread` deletes what was told in the thread",
                "No. It deletes checkpoints. A store knows no threads, and a file keeps free pages.",
            ),
        ),
    ),
)


def sqlite_store(path: Path) -> "SqliteStore":
    """A SQLite store on a connection of its own that commits at once."""
    from langgraph.store.sqlite import SqliteStore

    return SqliteStore(sqlite3.connect(path, check_same_thread=False, isolation_level=None))


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


def _facts(*body: str, found: str, result: str = 'item.value["text"] for item in found') -> str:
    lines = "".join(f"    {line}\n" for line in (*body, f"found = {found}", f"return [{result}]"))
    return f"def facts_for(store, user, question):\n{lines}"


_OWN = 'store.search(("users", user), '
_NOT_INTERNAL = 'filter={"kind": {"$ne": "internal"}}'
_TEXT = 'item.value["text"]'

THREE_FACTS = Exercise(
    id="14.three-facts",
    name="facts_for",
    task="Send at most three facts with a question, the right one among them, and read at most ten.",
    stub=_facts(found='store.search(("users", user))'),
    solution=_facts(found=f"{_OWN}query=question, {_NOT_INTERNAL}, limit=3)"),
    alternatives=(
        _facts(found=f"{_OWN}query=question, {_NOT_INTERNAL})[:3]"),
        _facts(
            "kinds = ['profile', 'file', 'feedback']",
            found=f'[i for k in kinds for i in {_OWN}query=question, filter={{"kind": k}}, limit=3)]',
            result=f"{_TEXT} for item in sorted(found, key=lambda i: -i.score)[:3]",
        ),
    ),
    near_misses=(
        NearMiss(
            _facts(found=f"{_OWN}{_NOT_INTERNAL}, limit=3)"), "does not depend on the question"
        ),
        NearMiss(_facts(found=f"{_OWN}query=question, limit=3)"), "a note of the staff was sent"),
        NearMiss(
            _facts(
                found=f"{_OWN}query=question)",
                result=f'{_TEXT} for item in found if item.value["kind"] != "internal"][:3',
            ),
            "taken all the places",
        ),
        NearMiss(
            _facts(found=f'store.search(("users",), query=question, {_NOT_INTERNAL}, limit=3)'),
            "Bob's fact was sent",
        ),
        NearMiss(
            _facts(
                "words = set(question.lower().split())",
                found=f"{_OWN}{_NOT_INTERNAL}, limit=1000)",
                result=f"{_TEXT} for item in sorted(found, key=lambda i: "
                "-len(words & set(i.value['text'].lower().split())))[:3]",
            ),
            "facts were read from the store",
        ),
        NearMiss(
            _facts(found=f"{_OWN}query=question, {_NOT_INTERNAL}, limit=1)"), "it came second"
        ),
        NearMiss(
            _facts(found=f'{_OWN}query=question, filter={{"kind": "profile"}}, limit=3)'),
            "every kind but one",
        ),
    ),
    hints=(
        "Three things choose: the namespace, a filter and a query. The stub uses one of them.",
        "What is left out *after* the search has already taken a place in it. The filter belongs in it.",
        '`store.search(("users", user), query=question, filter={"kind": {"$ne": "internal"}}, limit=3)`',
    ),
    check=check_three_facts,
)


# --- Exercise 2: over when it is over -------------------------------------------------------

MOST_ASKED = 20
LASTING = "My name is Ada."
LONG = tuple(f"Ada has asked about page {page} of the manual." for page in range(1, 31))
SHORT = tuple(f"Ada is in a hurry, for reason {reason}." for reason in range(1, 31))
BOBS_OWN = "Bob has time."
FOR_EVER = "It was kept for ever: what stands for that, and is it a number in JSON, too?"


def watched(kind: Any, *connection: sqlite3.Connection) -> tuple[Any, list[Any]]:
    """A store of this kind, and the list in which it notes what it is asked to do."""

    class Watched(kind):  # type: ignore[misc]
        def batch(self, ops: Iterable[Any]) -> Any:
            asked = list(ops)
            operations.extend(asked)
            return super().batch(asked)

    operations: list[Any] = []
    return Watched(*connection), operations


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
        except Exception as error:
            raise NotYet(f"on `{self.name}`: `keep` raised {error!r}.") from None

    def living(self, user: str) -> list[str]:
        """What the reader's object returns for a user; raises NotYet when it did more than look."""
        from langgraph.store.base import PutOp, SearchOp

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

    def judge(self, living: Collection[str], why: str = "") -> None:
        """Raise NotYet unless Ada's living facts are returned, all of them and no others."""
        texts = self.living("ada")
        where = f"on `{self.name}`, at minute {self.minute}"
        if BOBS_OWN in texts:
            raise NotYet(f'{where}: a fact of Bob\'s was returned. Ask under `("users", user)`.')
        if over := [text for text in texts if text not in living]:
            raise NotYet(
                f"{where}: {over[0]!r} was over, and was returned. Nobody sweeps here; who looks "
                "at the time when a fact is read?"
            )
        missing = [text for text in living if text not in texts]
        if missing and len(texts) in (10, MOST_ASKED):
            raise NotYet(
                f"{where}: {len(texts)} texts were returned, and {len(living)} facts live. "
                "A search returns a page."
            )
        if missing:
            why = why or (FOR_EVER if missing[0] == LASTING else "Its minutes are not up.")
            raise NotYet(f"{where}: {missing[0]!r} lives, and was not returned. {why}")
        if len(texts) != len(living):
            raise NotYet(f"{where}: {len(living)} facts live, and {len(texts)} texts came back.")


def try_facts(facts: Any, store: Any, operations: list[Any], name: str) -> None:
    """Tell Ada's facts, let the minutes pass, and ask what lives."""
    trial = Trial(facts, store, operations, name)
    trial.keep("ada", "name", LASTING)
    trial.keep("bob", "mood", BOBS_OWN)
    for number, (long, short) in enumerate(zip(LONG, SHORT, strict=True)):
        trial.keep("ada", f"long {number}", long, 120)
        trial.keep("ada", f"short {number}", short, 30)
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
    trial.minute = 1000
    trial.judge([LASTING])
    if (bobs := trial.living("bob")) != [BOBS_OWN]:
        raise NotYet(
            f"asked for Bob's facts, it returned {bobs!r}. Whose facts are searched is for the "
            "argument `user` to say."
        )


def check_living(facts: Any) -> str:
    """Ask on both stores, at several minutes and after a restart, for what is not over."""
    from langgraph.store.memory import InMemoryStore
    from langgraph.store.sqlite import SqliteStore

    try_facts(facts, *watched(InMemoryStore), "InMemoryStore")
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    with closing(connection):
        try_facts(facts, *watched(SqliteStore, connection), "SqliteStore")
    return (
        "both stores, 61 facts, and each was over at its minute; no sweep, and nothing prolonged."
    )


def _class(keep: str, living: str, first: str = "") -> str:
    methods = f"""
            class Facts:
                def __init__(self, store, clock):
                    self.store, self.clock = store, clock{first}

                def keep(self, user, key, text, minutes=None):
{indent(dedent(keep).strip(), " " * 20)}

                def living(self, user):
{indent(dedent(living).strip(), " " * 20)}
            """
    return code(methods)


_KEEP = """
    until = 10**12 if minutes is None else self.clock() + minutes
    self.store.put(("users", user), key, {"text": text, "until": until})
"""
_PAGES = """
    found, condition = [], {"until": {"$gt": self.clock()}}
    while page := self.store.search(("users", user), filter=condition, offset=len(found)):
        found += page
    return [item.value["text"] for item in found]
"""
_IN_PYTHON = """
    found, now = [], self.clock()
    while page := self.store.search(("users", user), limit=20, offset=len(found)):
        found += page
    alive = [i.value for i in found if i.value["until"] is None or i.value["until"] > now]
    return [value["text"] for value in alive]
"""
_NONE = """
    until = None if minutes is None else self.clock() + minutes
    self.store.put(("users", user), key, {"text": text, "until": until})
"""

LIVING = Exercise(
    id="14.living",
    name="Facts",
    task="Return every fact that is not over, on both stores, with no sweep; prolong none.",
    stub=_class(
        'self.store.put(("users", user), key, {"text": text}, ttl=minutes)',
        """
            found = self.store.search(("users", user))
            return [item.value["text"] for item in found]
        """,
    ),
    solution=_class(_KEEP, _PAGES),
    alternatives=(_class(_NONE, _IN_PYTHON),),
    near_misses=(
        NearMiss(
            _class('self.store.put(("users", user), key, {"text": text})', _IN_PYTHON).replace(
                'alive = [i.value for i in found if i.value["until"] is None or i.value["until"] > now]',
                "alive = [i.value for i in found]",
            ),
            "was over, and was returned",
        ),
        NearMiss(_class(_NONE, _PAGES), "`living` raised TypeError"),
        NearMiss(
            _class(_KEEP.replace("10**12", 'float("inf")'), _PAGES), "is it a number in JSON, too?"
        ),
        NearMiss(
            _class(
                _KEEP,
                """
                    condition = {"until": {"$gt": self.clock()}}
                    found = self.store.search(("users", user), filter=condition)
                    return [item.value["text"] for item in found]
                """,
            ),
            "A search returns a page",
        ),
        NearMiss(
            _class(
                _KEEP,
                """
                    condition = {"until": {"$gt": self.clock()}}
                    found = self.store.search(("users", user), filter=condition, limit=1000)
                    return [item.value["text"] for item in found]
                """,
            ),
            "one search asked for 1000 items",
        ),
        NearMiss(
            _class(
                """
                    self.ends[key] = 10**12 if minutes is None else self.clock() + minutes
                    self.store.put(("users", user), key, {"text": text})
                """,
                """
                    found = []
                    while page := self.store.search(("users", user), offset=len(found)):
                        found += page
                    now = self.clock()
                    return [i.value["text"] for i in found if self.ends.get(i.key, 0) > now]
                """,
                first="\n                    self.ends = {}",
            ),
            "as after a restart",
        ),
        NearMiss(
            _class(_KEEP.replace("self.clock() + minutes", "minutes"), _PAGES),
            "counted from when a fact is put",
        ),
        NearMiss(_class(_KEEP, _PAGES.replace('("users", user)', '("users",)')), "a fact of Bob's"),
        NearMiss(
            _class(
                _KEEP,
                """
                    found = []
                    while page := self.store.search(("users", user), offset=len(found)):
                        found += page
                    for item in found:
                        if item.value["until"] <= self.clock():
                            self.store.delete(item.namespace, item.key)
                    return [i.value["text"] for i in found if i.value["until"] > self.clock()]
                """,
            ),
            "It only looks",
        ),
    ),
    hints=(
        "Neither store looks at a date when a fact is read. What can both of them compare, while "
        "they search? See section 2.",
        "Put the minute at which a fact is over into its value, as a number that *every* fact has, "
        "and ask for those whose minute is still to come. And a search returns a page.",
        '`{"text": text, "until": self.clock() + minutes}`, or a very large number for what is kept '
        'for ever. Then `filter={"until": {"$gt": self.clock()}}`, with an `offset`, until a page '
        "is empty.",
    ),
    check=check_living,
)


# --- Exercise 3: forget a user --------------------------------------------------------------

Forget = Callable[[Any, str], Any]
MINE = ("users", "ada")
MARK = "confided by ada"
OTHERS = (("users", "adam"), ("users", "bob"), ("teams", "users", "ada"))


def put_in_turn(store: "SqliteStore", namespace: tuple[str, ...], key: str, text: str) -> None:
    """Put a fact a minute after all before it, so that what is newest is no matter of luck."""
    store.setup()
    store.conn.execute("UPDATE store SET updated_at = datetime(updated_at, '-1 minutes')")
    store.put(namespace, key, {"text": text})


@contextmanager
def a_full_file() -> Iterator["SqliteStore"]:
    """A store on a file, with Ada's facts in three namespaces and those of others."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = sqlite_store(Path(folder) / "facts.db")
        store.conn.execute("PRAGMA secure_delete = off")
        try:
            for below in (("feedback",), ("files", "2025"), ()):
                for number in range(12):
                    text = f"{MARK}, {number}"
                    put_in_turn(store, (*MINE, *below), f"fact {number}", text)
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


def _forget(*body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body)
    return f"def forget(store, user):\n{lines}"


_ALL = 'for item in store.search(("users", user), limit=1000):'
_DELETE = "    store.delete(item.namespace, item.key)"
_VACUUM = 'store.conn.execute("VACUUM")'

FORGET = Exercise(
    id="14.forget",
    name="forget",
    task="Delete all facts of one user, and leave no byte of them in the file.",
    stub=_forget(
        'for item in store.search(("users", user)):',
        '    store.delete(("users", user), item.key)',
    ),
    solution=_forget(
        'while page := store.search(("users", user)):',
        "    for item in page:",
        "        store.delete(item.namespace, item.key)",
        _VACUUM,
    ),
    alternatives=(
        _forget(_ALL, _DELETE, _VACUUM),
        _forget('store.conn.execute("PRAGMA secure_delete = on")', _ALL, _DELETE),
    ),
    near_misses=(
        NearMiss(
            _forget('for item in store.search(("users", user)):', _DELETE, _VACUUM),
            "A search returns a page",
        ),
        NearMiss(
            _forget(_ALL, '    store.delete(("users", user), item.key)', _VACUUM),
            "under *its* namespace",
        ),
        NearMiss(
            _forget(
                'store.conn.execute("DELETE FROM store WHERE prefix LIKE ?", [f"users.{user}%"])',
                _VACUUM,
            ),
            "part by part",
        ),
        NearMiss(_forget(_ALL, _DELETE), "free, and not empty"),
    ),
    hints=(
        "Three things hide what is left: the ten of a page, the namespaces below, and free pages.",
        "Search again until a page is empty, and delete each fact under `item.namespace`.",
        'At the end `store.conn.execute("VACUUM")` writes the file anew.',
    ),
    check=check_forget,
)

EXERCISES = (THREE_FACTS, LIVING, FORGET)

CATCH_UP = CatchUp(
    say=(
        "A store is a second memory beside the saver: a namespace and a key lead to a fact.",
        "`search` takes its namespace as a prefix, part by part, so a short one crosses users.",
        "`put` replaces the whole value; to add to it, read, merge and put.",
        "`InMemoryStore` holds your object, `SqliteStore` a copy.",
    ),
    source="""import logging
import sqlite3

from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

logging.getLogger("langgraph.store.memory").setLevel(logging.ERROR)

TOLD = [
    {"kind": "profile", "text": "My name is Ada."},
    {"kind": "profile", "text": "I write to you in English."},
    {"kind": "file", "text": "I have uploaded invoice.pdf."},
    {"kind": "feedback", "text": "The answer about the invoice was helpful.", "stars": 5},
    {"kind": "profile", "text": "My printer is a Zeta 3."},
    {"kind": "file", "text": "I have uploaded jam.png, a photo."},
    {"kind": "feedback", "text": "The answer about the jam was not helpful.", "stars": 1},
    {"kind": "profile", "text": "I work at the city library."},
    {"kind": "file", "text": "I have uploaded manual.pdf."},
    {"kind": "feedback", "text": "The answer about the toner was helpful.", "stars": 4},
    {"kind": "profile", "text": "My laptop runs Linux."},
    {"kind": "profile", "text": "Please never call me before ten."},
]


def sqlite_store(**settings):
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    return SqliteStore(connection, **settings)


def pass_time(store, minutes):
    for column in ["created_at", "updated_at", "expires_at"]:
        earlier = f"UPDATE store SET {column} = datetime({column}, ?)"
        store.conn.execute(earlier, [f"-{minutes} minutes"])


ADA = ("users", "ada")
DAY = 24 * 60


def tell(store, facts):
    for day, fact in enumerate(facts, 1):
        store.put(ADA, f"day {day:02}", {**fact, "day": day})
        if isinstance(store, SqliteStore):
            pass_time(store, DAY)
    return store


memory, sqlite = tell(InMemoryStore(), TOLD), tell(sqlite_store(), TOLD)
""",
    names=("TOLD", "sqlite_store", "pass_time", "ADA", "DAY", "tell", "memory", "sqlite"),
)
