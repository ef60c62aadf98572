"""What judges the exercises of lesson 03, Cycles and the collector."""

import gc
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from lessons_lib.lessons.shared import Reader, Upload, counted_collections, weakly
from lessons_lib.teach.model import NotYet

# --- Exercise 1: a reply knows its parent -------------------------------------------------------


def check_message(message: Callable[..., Any]) -> str:
    """Prove that a discussion is linked both ways and dies at once, by reference count."""
    with counted_collections():
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
    replies = [one for one in root.replies if not isinstance(one, weakref.ref)]
    if len(replies) != 2:
        raise NotYet(
            f"two replies were made without a name of their own, and the parent has {len(replies)}. "
            "Held weakly, or not at all, a reply dies at once: the parent owns its replies."
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
    for one in replies:
        _parent(one.parent, root)


def _parent(parent: Any, root: Any) -> None:
    """What a reply gives as its parent is the message itself."""
    if isinstance(parent, weakref.ref):
        raise NotYet(
            "`reply.parent` is a weak reference, which somebody has to call; expected the message. "
            "A property can do so."
        )
    if isinstance(parent, weakref.ProxyTypes):
        raise NotYet(
            "`reply.parent` is a proxy, which looks like the message and is another object; once "
            "the parent has died it raises ReferenceError instead of being None."
        )
    if parent is not root:
        raise NotYet("a reply does not know its parent, which is alive.")


def _orphan(message: Callable[..., Any]) -> None:
    """A reply that outlives its parent says None."""
    reply = message("Yes.", message("Is my file there?"))
    if reply.parent is not None:
        raise NotYet(_still_alive(message))


# --- Exercise 2: a hundred failed requests ------------------------------------------------------


def parse(upload: Upload) -> None:
    """Read text files, and fail on everything else."""
    if not upload.name.endswith(".txt"):
        raise ValueError(f"no text in {upload.name}")


REQUESTS = 100


def check_handle(handle: Callable[..., str]) -> str:
    """Prove that a hundred failed requests leave no upload, without a collection."""
    reader = Reader()
    no_reference = (
        "exceptions take no weak reference, as the error says. You do not need the "
        "exception after the except block, only its words."
    )

    with counted_collections() as collections:
        with weakly(no_reference):
            _answers(handle, reader)
            for _ in range(REQUESTS):
                handle("cv.pdf", reader.read, parse)
        if gc.isenabled():
            raise NotYet("`handle` switched the collector on. The budget is no collection.")
        left, asked = len(reader.alive), collections()
        errors = sum(type(thing) is ValueError for thing in gc.get_objects())
        gc.collect()
        if still := len(reader.alive):
            raise NotYet(
                f"uploads alive: {still}, and no collection frees them. Something outside "
                "`handle` keeps an exception: a list, or a global name."
            )
        _within_budget(left, asked, errors)
    return f"{REQUESTS} failed requests, nothing left, and the collector was never needed."


def _answers(handle: Callable[..., str], reader: Reader) -> None:
    """What the customer is told, when it goes well and when it does not."""
    if (said := handle("notes.txt", reader.read, parse)) != "ok":
        raise NotYet(f"for a file that can be parsed it returned {said!r}, expected 'ok'.")
    try:
        said = handle("cv.pdf", reader.read, parse)
    except ValueError:
        raise NotYet("the error left `handle`; the customer expects an answer.") from None
    if said != "failed: no text in cv.pdf":
        raise NotYet(
            f"for a file that cannot be parsed it returned {said!r}, expected "
            "'failed: no text in cv.pdf'."
        )
    if (asked := reader.asked) != ["notes.txt", "cv.pdf"]:
        raise NotYet(f"`read` was called for {asked}; each file is to be read, and once.")


def _within_budget(left: int, asked: int, errors: int) -> None:
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
    if errors:
        raise NotYet(
            f"no upload is left, and {errors} errors are, each in a cycle with a frame of `handle` "
            "that only a collection ends. They are small, and they add up."
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


class LeadsTo(dict[str, list[str]]):
    """Where each name leads, for an answer that does not go round and round."""

    asked = 0

    def __getitem__(self, name: str) -> list[str]:
        """Where a name leads; refused to those who have asked far too often."""
        self.asked += 1
        if self.asked > 200:
            raise NotYet("a cycle sends you round for ever. Visit each name once.")
        return super().__getitem__(name)


def check_garbage(
    garbage: Callable[[Mapping[str, int], Mapping[str, list[str]]], set[str]],
) -> str:
    """Prove on four small heaps that exactly the garbage is found."""
    for what, references, leads_to, expected in CASES:
        _same(what, garbage(dict(references), LeadsTo(leads_to)), expected, set(references))
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


CHECKS = {
    "03.message": check_message,
    "03.handle": check_handle,
    "03.garbage": check_garbage,
}
