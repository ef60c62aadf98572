"""Lesson 03, cycles and the collector: its questions, exercises and their checks."""

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "03.recall-del",
        "From lesson 02. `cv = Upload(…)`, `inbox = [cv]`, `del cv`. Is the upload dead?",
        (
            Option(
                "Yes: `del` destroys an object",
                "No. `del` removes a name. The list still leads to the object.",
            ),
            Option(
                "No: the list leads to it",
                "Right. An object dies with its last reference, and that is not the last.",
                right=True,
            ),
            Option(
                "Not yet: it dies at the next collection",
                "No. No collection frees what a list in use leads to.",
            ),
        ),
    ),
    Question(
        "03.recall-exception",
        "From lesson 02. A list keeps an exception that `parse(upload)` raised. What does it hold?",
        (
            Option(
                "The message alone",
                "No. That would be so if the list kept text. It keeps the exception itself.",
            ),
            Option(
                "The exception and the names of the functions it passed",
                "No. A traceback holds the frames themselves, and not their names.",
            ),
            Option(
                "Every local of every frame that it passed, the upload too",
                "Right. Exception, traceback, frame, local: one chain.",
                right=True,
            ),
        ),
    ),
    Question(
        "03.cycle",
        "Collector off. `ada.upload` is `cv`, and `cv.conversation` is `ada`. Then `del ada` and "
        "`del cv`. What is still alive?",
        (
            Option(
                "Nothing: no name is left",
                "No. An object dies when its count reaches zero, and each still has one reference.",
            ),
            Option(
                "Only the conversation, which was deleted first",
                "No. Whatever keeps the one keeps the other; they hold each other.",
            ),
            Option(
                "Both",
                "Right. Each is led to by the other, and nothing ever cuts that.",
                right=True,
            ),
            Option(
                "Both, until the function or the cell ends",
                "No. The end of a cell frees nothing, and a function only gives up its names.",
            ),
        ),
    ),
    Question(
        "03.collector-on",
        "The collector is on. Five thousand pairs are made in a loop, each forgotten at once. "
        "Nobody calls `gc.collect()`. How many uploads are alive after the loop?",
        (
            Option(
                "None: the collector frees a pair as soon as it is forgotten",
                "No. Nothing tells it that a pair was forgotten. It has to come and look.",
            ),
            Option(
                "Some: those since its last visit",
                "Right. How many depends on the version and on all that ran before.",
                right=True,
            ),
            Option(
                "All five thousand: nobody asked it to collect",
                "No. It comes by itself when many more containers were made than freed.",
            ),
        ),
    ),
    Question(
        "03.second-count",
        "Read the last column. `photo` has no reference from outside. Is it garbage?",
        (
            Option(
                "Yes: nothing outside leads to it",
                "No. Nothing outside leads to it *directly*. But something leads to `bob`.",
            ),
            Option(
                "No: `bob` is held from outside, and leads to it",
                "Right. What a held object leads to is held.",
                right=True,
            ),
            Option(
                "No: its count is not zero",
                "No. The counts of `ada` and `cv` are not zero either, and they are garbage.",
            ),
        ),
    ),
    Question(
        "03.weak",
        "Collector off. The conversation holds its upload; the upload has a weak reference to the "
        "conversation. Then `del cv`, then `del ada`. What dies when?",
        (
            Option(
                "The upload at `del cv`, the conversation at `del ada`",
                "No. At `del cv` the conversation still leads to the upload.",
            ),
            Option(
                "Both at `del ada`",
                "Right. The conversation loses its last reference, and the upload with it.",
                right=True,
            ),
            Option(
                "Neither: it is still a cycle",
                "No. A weak reference does not count, so the way back is no part of a cycle.",
            ),
            Option(
                "The conversation at once: it is only weakly held",
                "No. The name `ada` holds it, until it is deleted.",
            ),
        ),
    ),
    Question(
        "03.finalizers",
        "Two sessions with a `__del__` hold each other; both names are deleted, and then comes "
        "`gc.collect()`. What happens?",
        (
            Option(
                "Nothing: objects with `__del__` in a cycle are never freed",
                "No. That was so up to Python 3.3, and is repeated to this day.",
            ),
            Option(
                "Both say goodbye, then both are freed",
                "Right. Each finalizer runs once, while both objects are still whole.",
                right=True,
            ),
            Option(
                "The first is freed, and the second fails: its partner is gone",
                "No. All finalizers of the garbage run before any of it is freed.",
            ),
            Option(
                "They are freed, and `__del__` is not called",
                "No. The collector calls finalizers as counting does.",
            ),
        ),
    ),
    Question(
        "03.freeze",
        "A pair is garbage, and then `gc.freeze()` is called. When does it die?",
        (
            Option(
                "At the next `gc.collect()`, like any garbage",
                "No. The collector no longer looks at what is frozen.",
            ),
            Option(
                "At `gc.freeze()`, which collects first",
                "No. It moves what is there, garbage included, and frees nothing.",
            ),
            Option(
                "Not before `gc.unfreeze()` and a collection after it",
                "Right. Frozen garbage stays.",
                right=True,
            ),
        ),
    ),
)


@contextmanager
def collector_off() -> Iterator[Callable[[], int]]:
    """Keep the collector from running by itself; yields a function: collections asked for."""
    asked: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            asked.append(phase)

    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()  # so that a hundred collections in an answer look at that answer's objects alone
    gc.callbacks.append(note)
    try:
        yield lambda: len(asked)
    finally:
        gc.callbacks.remove(note)
        gc.unfreeze()
        if was_on:
            gc.enable()


# --- Exercise 1: a reply knows its parent -------------------------------------------------------


def check_message(message: Callable[..., Any]) -> str:
    """Prove that a discussion is linked both ways and dies at once, by reference count."""
    with collector_off():
        root = message("Is my file there?")
        _linked(message, root)
        seen = [weakref.ref(one) for one in (root, *root.replies)]
        del root
        if any(one() is not None for one in seen):
            gc.collect()
            raise NotYet(_still_alive(message, any(one() is not None for one in seen)))
        _orphan(message)
    return "every reply finds its parent, and a discussion dies at once, collector off."


def _still_alive(message: Callable[..., Any], after_a_collection: bool = False) -> str:
    if after_a_collection:
        return (
            "the discussion outlives its last name, and a collection too: it is no cycle that "
            "keeps it. Something else leads to the messages, a list of them all for example."
        )
    if hasattr(message, "__del__"):
        return (
            "the discussion outlives its last name. `__del__` cannot help: it is called when an "
            "object dies, and in a cycle nothing dies by reference count."
        )
    return (
        "the discussion outlives its last name: parent and reply hold each other. One of the two "
        "references has to be weak. Which of them owns the other?"
    )


def _linked(message: Callable[..., Any], root: Any) -> None:
    """Two replies, led to by their parent alone, are there and know it."""
    for text in ("Yes.", "No."):
        message(text, root)
    replies = list(root.replies)
    if len(replies) != 2 or any(isinstance(one, weakref.ref) for one in replies):
        raise NotYet(
            "two replies were made without a name of their own, and the parent does not hold them. "
            "A reply that is held weakly dies at once: the parent owns its replies."
        )
    if sorted(one.text for one in replies) != ["No.", "Yes."]:
        raise NotYet("a message has lost its text. Keep everything.")
    if callable(root.parent):
        raise NotYet(
            "`message.parent` is a function that somebody has to call, expected the message itself "
            "or None. A property can do so."
        )
    if root.parent is not None:
        raise NotYet(f"the parent of the root is {root.parent!r}, expected None.")
    if any(isinstance(one.parent, weakref.ref) for one in replies):
        raise NotYet(
            "`reply.parent` is a weak reference, which somebody has to call; expected the message. "
            "A property can do so."
        )
    if any(isinstance(one.parent, weakref.ProxyTypes) for one in replies):
        raise NotYet(
            "`reply.parent` is a proxy, which looks like the message and is another object; once "
            "the parent has died it raises ReferenceError instead of being None."
        )
    if any(one.parent is not root for one in replies):
        raise NotYet("a reply does not know its parent, which is alive.")


def _orphan(message: Callable[..., Any]) -> None:
    """A reply that outlives its parent says None."""
    reply = message("Yes.", message("Is my file there?"))
    if reply.parent is not None:
        raise NotYet(_still_alive(message))


MESSAGE = Exercise(
    id="03.message",
    name="Message",
    task="Link parent and replies both ways, without a cycle.",
    stub=code("""
            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = parent
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)
            """),
    solution=code("""
            import weakref


            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self._parent = None if parent is None else weakref.ref(parent)
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)

                @property
                def parent(self):
                    return None if self._parent is None else self._parent()
            """),
    alternatives=(
        code("""
            import weakref


            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.replies = []
                    self._parents = weakref.WeakSet()
                    if parent is not None:
                        self._parents.add(parent)
                        parent.replies.append(self)

                @property
                def parent(self):
                    return next(iter(self._parents), None)
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            import weakref


            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = parent and weakref.ref(parent)
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)
            """),
            "is a weak reference",
        ),
        NearMiss(
            code("""
            import weakref


            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = parent
                    self.replies = weakref.WeakSet()
                    if parent is not None:
                        parent.replies.add(self)
            """),
            "the parent owns its replies",
        ),
        NearMiss(
            code("""
            import weakref


            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = parent and weakref.proxy(parent)
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)
            """),
            "is a proxy",
        ),
        NearMiss(
            code("""
            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = parent
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)

                def __del__(self):
                    self.parent = None
                    self.replies.clear()
            """),
            "`__del__` cannot help",
        ),
        NearMiss(
            code("""
            class Message:
                def __init__(self, text, parent=None):
                    self.text = text
                    self.parent = None
                    self.replies = []
                    if parent is not None:
                        parent.replies.append(self)
            """),
            "does not know its parent",
        ),
    ),
    hints=(
        "Two references make the cycle. Without which of them would a discussion fall apart?",
        "Keep a weak reference to the parent, under another name, and call it when asked.",
        "`self._parent = weakref.ref(parent)`, and a property `parent` that returns "
        "`self._parent()`. The root has no parent.",
    ),
    check=check_message,
)


# --- Exercise 2: a hundred failed requests ------------------------------------------------------


class Upload:
    """A stand-in for a user's file, whose life the check watches."""

    def __init__(self, name: str) -> None:
        self.name = name


def parse(upload: Upload) -> None:
    """Read text files, and fail on everything else."""
    if not upload.name.endswith(".txt"):
        raise ValueError(f"no text in {upload.name}")


REQUESTS = 100


def check_handle(handle: Callable[..., str]) -> str:
    """Prove that a hundred failed requests leave no upload, without a collection."""
    alive: weakref.WeakSet[Upload] = weakref.WeakSet()

    reads: list[str] = []

    def read(name: str) -> Upload:
        reads.append(name)
        upload = Upload(name)
        alive.add(upload)
        return upload

    with collector_off() as collections:
        try:
            _answers(handle, read)
            if reads != ["notes.txt", "cv.pdf"]:
                raise NotYet(f"`read` was called for {reads}; each file is to be read, and once.")
            for _ in range(REQUESTS):
                handle("cv.pdf", read, parse)
        except TypeError as error:
            if "weak reference" not in str(error):
                raise
            raise NotYet(
                "exceptions take no weak reference, as the error says. You do not need the "
                "exception after the except block, only its words."
            ) from None
        if gc.isenabled():
            raise NotYet("`handle` switched the collector on. The budget is no collection.")
        left, asked = len(alive), collections()
        gc.collect()
        if len(alive):
            raise NotYet(
                f"uploads alive: {len(alive)}, and no collection frees them. Something outside "
                "`handle` keeps an exception: a list, or a global name."
            )
        _within_budget(left, asked)
    return f"{REQUESTS} failed requests, no upload left, and the collector was never needed."


def _answers(handle: Callable[..., str], read: Callable[[str], Upload]) -> None:
    """What the customer is told, when it goes well and when it does not."""
    if (said := handle("notes.txt", read, parse)) != "ok":
        raise NotYet(f"for a file that can be parsed it returned {said!r}, expected 'ok'.")
    try:
        said = handle("cv.pdf", read, parse)
    except ValueError:
        raise NotYet("the error left `handle`; the customer expects an answer.") from None
    if said != "failed: no text in cv.pdf":
        raise NotYet(
            f"for a file that cannot be parsed it returned {said!r}, expected "
            "'failed: no text in cv.pdf'."
        )


def _within_budget(left: int, asked: int) -> None:
    if asked and left:
        raise NotYet(
            f"collections asked for: {asked}; uploads still alive: {left}. While `handle` runs, "
            "its frame is in use and no garbage. The last cycle stays behind."
        )
    if asked:
        raise NotYet(
            f"no upload is left, but it took {asked} collections, and each looks at every object "
            "of a process. The budget is 0: make no cycle."
        )
    if left:
        raise NotYet(
            f"{left} uploads are alive after {REQUESTS + 1} failed requests. A local name leads to "
            "the exception, that to the traceback, that to the frames: of `parse`, with the "
            "upload, and of `handle`, with the local name."
        )


HANDLE = Exercise(
    id="03.handle",
    name="handle",
    task="Handle failing requests so that nothing is left of them, with the collector off.",
    stub=code("""
            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = error
                return f"failed: {problem}" if problem else "ok"
            """),
    solution=code("""
            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = str(error)
                return f"failed: {problem}" if problem else "ok"
            """),
    alternatives=(
        code("""
            def handle(name, read, parse):
                try:
                    parse(read(name))
                except ValueError as error:
                    return f"failed: {error}"
                return "ok"
            """),
        code("""
            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = error
                try:
                    return f"failed: {problem}" if problem else "ok"
                finally:
                    del problem
            """),
        code("""
            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = error.with_traceback(None)
                return f"failed: {problem}" if problem else "ok"
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            import gc


            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = error
                gc.collect()
                return f"failed: {problem}" if problem else "ok"
            """),
            "no garbage",
        ),
        NearMiss(
            code("""
            import gc


            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = str(error)
                gc.collect()
                return f"failed: {problem}" if problem else "ok"
            """),
            "make no cycle",
        ),
        NearMiss(
            code("""
            def handle(name, read, parse):
                problem = None
                upload = read(name)
                try:
                    parse(upload)
                except ValueError as error:
                    problem = error
                finally:
                    del upload
                return f"failed: {problem}" if problem else "ok"
            """),
            "and of `handle`, with the local name",
        ),
        NearMiss(
            code("""
            def handle(name, read, parse):
                try:
                    parse(read(name))
                except ValueError:
                    return "failed"
                return "ok"
            """),
            "returned 'failed'",
        ),
        NearMiss(
            code("""
            def handle(name, read, parse):
                parse(read(name))
                return "ok"
            """),
            "the customer expects an answer",
        ),
        NearMiss(
            code("""
            import weakref


            def handle(name, read, parse):
                problem = None
                try:
                    parse(read(name))
                except ValueError as error:
                    problem = weakref.ref(error)
                return f"failed: {problem()}" if problem else "ok"
            """),
            "take no weak reference",
        ),
    ),
    hints=(
        "Which local name of `handle` leads to the exception after the except block has ended?",
        "What the answer needs are the words of the error, and not the error.",
        "`problem = str(error)`; or return the answer inside the except block.",
    ),
    check=check_handle,
)


# --- Exercise 3: find the garbage ---------------------------------------------------------------


CASES: tuple[tuple[str, dict[str, int], dict[str, list[str]], set[str]], ...] = (
    (
        "one pair held from outside, one not",
        {"ada": 1, "cv": 1, "bob": 2, "photo": 1},
        {"ada": ["cv"], "cv": ["ada"], "bob": ["photo"], "photo": ["bob"]},
        {"ada", "cv"},
    ),
    (
        "a chain of five, held at its beginning and listed from its end",
        {"word": 1, "page": 1, "file": 1, "message": 1, "inbox": 1},
        {
            "word": [],
            "page": ["word"],
            "file": ["page"],
            "message": ["file"],
            "inbox": ["message"],
        },
        set(),
    ),
    (
        "a pair with a file hanging on it",
        {"ada": 1, "cv": 1, "page": 1},
        {"ada": ["cv"], "cv": ["ada", "page"], "page": []},
        {"ada", "cv", "page"},
    ),
    (
        "a list that mentions itself, and one message twice",
        {"inbox": 1, "hello": 2},
        {"inbox": ["inbox", "hello", "hello"], "hello": []},
        {"inbox", "hello"},
    ),
)


def check_garbage(
    garbage: Callable[[Mapping[str, int], Mapping[str, list[str]]], set[str]],
) -> str:
    """Prove on four small heaps that exactly the garbage is found."""
    for what, references, leads_to, expected in CASES:
        _same(what, garbage(dict(references), dict(leads_to)), expected, set(references))
    return f"the garbage of {len(CASES)} small heaps, and not a name more."


def _same(what: str, got: Any, expected: set[str], everything: set[str]) -> None:
    if not isinstance(got, set | frozenset):
        raise NotYet(f"it returned a {type(got).__name__}, expected the set of names to collect.")
    if got == expected:
        return
    if got == everything - expected:
        raise NotYet(f"{what}: these are the names to *keep*, {sorted(got)}. Return the others.")
    if wrong := sorted(got - expected):
        raise NotYet(
            f"{what}: {wrong} would be collected, and are in use. Something held from outside "
            f"leads there{_how_far(wrong)}."
        )
    raise NotYet(
        f"{what}: {sorted(expected - got)} would stay, and no living name leads there. "
        "Being in no cycle is no reason to stay."
    )


def _how_far(wrong: list[str]) -> str:
    return ", by a chain of more than one step" if "word" in wrong else ""


GARBAGE = Exercise(
    id="03.garbage",
    name="garbage",
    task="Return the names that nothing outside leads to, directly or by a chain.",
    given="from collections import Counter\n",
    stub=code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)
                return {one for one in references if references[one] == inside[one]}
            """),
    solution=code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)
                to_visit = [one for one in references if references[one] > inside[one]]
                kept = set()
                while to_visit:
                    one = to_visit.pop()
                    if one not in kept:
                        kept.add(one)
                        to_visit.extend(leads_to[one])
                return set(references) - kept
            """),
    alternatives=(
        code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)
                kept = {one for one in references if references[one] > inside[one]}
                while more := {t for one in kept for t in leads_to[one]} - kept:
                    kept |= more
                return references.keys() - kept
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)
                kept = {one for one in references if references[one] > inside[one]}
                kept |= {target for one in kept for target in leads_to[one]}
                return set(references) - kept
            """),
            "by a chain of more than one step",
        ),
        NearMiss(
            code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)
                kept = {one for one in references if references[one] > inside[one]}
                while more := {t for one in kept for t in leads_to[one]} - kept:
                    kept |= more
                return kept
            """),
            "these are the names to *keep*",
        ),
        NearMiss(
            code("""
            def garbage(references, leads_to):
                def comes_back(one):
                    seen, to_visit = set(), list(leads_to[one])
                    while to_visit:
                        here = to_visit.pop()
                        if here not in seen:
                            seen.add(here)
                            to_visit.extend(leads_to[here])
                    return one in seen

                def held(one):
                    inside = Counter(t for targets in leads_to.values() for t in targets)
                    return references[one] > inside[one] or any(
                        references[other] > inside[other]
                        for other in references
                        if one in leads_to[other]
                    )

                return {one for one in references if comes_back(one) and not held(one)}
            """),
            "Being in no cycle",
        ),
        NearMiss(
            code("""
            def garbage(references, leads_to):
                inside = Counter(target for targets in leads_to.values() for target in targets)

                def keep(one):
                    return {one}.union(*(keep(target) for target in leads_to[one]))

                held = [one for one in references if references[one] > inside[one]]
                return set(references).difference(*map(keep, held))
            """),
            "RecursionError",
        ),
        NearMiss(
            code("""
            def garbage(references, leads_to):
                return [one for one in references if not leads_to[one]]
            """),
            "expected the set of names",
        ),
    ),
    hints=(
        "The first attempt collects `photo`. Who leads to it, and is that one garbage?",
        "Start with those that have a reference from outside, and follow where they lead, and "
        "where that leads. What you never reach is garbage.",
        "Keep a list of names to visit and a set of names to keep. Visit a name once, or a cycle "
        "will send you round for ever.",
    ),
    check=check_garbage,
)

EXERCISES = (MESSAGE, HANDLE, GARBAGE)
CATCH_UP = CatchUp(
    say=(
        "An object dies with its last reference, at once, with the collector on or off.",
        "del, a return and rebinding remove one reference each.",
        "A kept exception holds every local of every frame that it passed, and of their callers.",
        "A weak reference leads to an object without keeping it alive.",
    ),
    source="""import gc
import sys
import weakref
from collections import Counter

from lessons_lib.observe import Table, collector_off, step, survivors
from lessons_lib.observe import watch, watch_collector, who_holds


class Conversation:
    def __init__(self, name):
        self.name = name
        self.upload = None


class Upload:
    def __init__(self, name):
        self.name = name
        self.conversation = None


def talk(name):
    \"\"\"A conversation and its upload, which hold each other.\"\"\"
    conversation, upload = Conversation(name), Upload("cv.pdf")
    conversation.upload, upload.conversation = upload, conversation
    return conversation


def find(kind):
    return next(thing for thing in gc.get_objects() if type(thing) is kind)
""",
    names=("Conversation", "Upload", "talk", "find"),
)
