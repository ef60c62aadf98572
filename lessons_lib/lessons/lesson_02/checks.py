"""What judges the exercises of lesson 02, Reference counting."""

import gc
import traceback
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from lessons_lib.lessons.shared import Reader, Upload, counted_collections, weakly
from lessons_lib.memories import held
from lessons_lib.teach.model import NotYet

# --- Exercise 1: remember the error, forget the request -------------------------------------


def names(report: object, function: str) -> bool:
    """Whether a kept report says this function's name, by itself or in something that it holds."""
    return function in str(report) or held(report, function) > 0


def parse(upload: Upload) -> None:
    """Fail, with an upload among the locals."""
    raise ValueError(f"no text in {upload.name}")


def unpack(upload: Upload) -> None:
    """Fail under another name, so that a report cannot know the name beforehand."""
    raise ValueError(f"no archive in {upload.name}")


FAILING = (parse, unpack)


def fail_and_remember(
    remember: Callable[[BaseException], object], work: Callable[[Upload], None]
) -> tuple[object, Any]:
    """Handle one upload that cannot be read; what was kept, and a weak reference to the upload."""
    upload = Upload("cv.pdf")  # as in a server, the one who catches has a name for it, too
    try:
        work(upload)
    except ValueError as error:
        return remember(error), weakref.ref(upload)
    raise AssertionError("nothing was raised")


def _cleared(report: object) -> bool:
    """Whether the frame that failed has let go of its locals."""
    frames = [frame for frame, _ in traceback.walk_tb(getattr(report, "__traceback__", None))]
    return len(frames) > 1 and not frames[-1].f_locals


def remembered(remember: Callable[[BaseException], object], work: Callable[[Upload], None]) -> Any:
    """What is kept of a failure; raise NotYet when an upload is kept with it."""
    no_reference = (
        "exceptions take no weak references, as the error says. "
        "Keep something that does not lead to the frames at all."
    )
    with counted_collections() as collections:
        with weakly(no_reference):
            report, seen = fail_and_remember(remember, work)
        if seen() is None:
            return report
        raise NotYet(_why_kept(report, seen, bool(collections())))


def _why_kept(report: object, seen: weakref.ref[Upload], collected: bool) -> str:
    """The likeliest reason why an upload outlives its request."""
    if collected:
        return (
            "a collection ran and freed nothing: it frees what no name can reach. "
            "The exception you kept leads to the upload, through its traceback."
        )
    gc.collect()
    if seen() is None:
        return (
            "the upload lives on until the collector runs: what you did made a cycle through "
            "the frames, as reading their locals can. Text about the frames needs no locals."
        )
    if _cleared(report):
        return (
            "the frames that had ended let go, but the one that caught the error was still "
            "running. Clearing left that one as it found it, with its local `upload`."
        )
    return (
        "the upload is still alive. What you keep leads to a traceback, the traceback to the "
        "frame of parse, the frame to its local `upload`."
    )


def check_remember(remember: Callable[[BaseException], object]) -> str:
    """Prove that a report names the failing function, whichever it is, and holds no upload."""
    reports = [remembered(remember, work) for work in FAILING]
    report, other = reports
    if report is None:
        raise NotYet("no upload is left, and no report either: `remember` returned None.")
    if not names(report, "parse") and isinstance(report, BaseException):
        raise NotYet(
            "no upload is left, but an exception without its traceback no longer says where it "
            "happened. Save the text of the traceback before you let go of it."
        )
    if not names(report, "parse"):
        raise NotYet(
            "no upload is left, but the report has lost the place: it does not name `parse`. "
            "The message alone is too little for the evening."
        )
    if not names(other, "unpack"):
        raise NotYet(
            "the report names `parse` whatever has failed: here it was another function, `unpack`. "
            "Read the name from the traceback."
        )
    return "the report names the function that failed, and no upload outlived its request."


# --- Exercise 2: one upload at a time -------------------------------------------------------


class Room(Reader):
    """Hands out uploads and remembers how many of them were alive at once."""

    peak = 0

    def read(self, name: str) -> Upload:
        """Bring one upload into memory."""
        upload = super().read(name)
        self.peak = max(self.peak, len(self.alive))
        return upload


FILES = ["a.txt", "notes.md", "photo.jpeg", "cv.pdf", "letter.odt"]


def check_one_at_a_time(total_size: Callable[[list[str], Callable[[str], Upload]], int]) -> str:
    """Prove that a total is right and that one upload at most was alive while it was made."""
    room = Room()
    with counted_collections() as collections:
        total = total_size(list(FILES), room.read)
        collected = collections()
    expected = sum(len(name) * 10 for name in FILES)
    if total != expected:
        raise NotYet(f"the total is {total!r}, expected {expected}: every upload counts once.")
    if len(room.asked) != len(FILES):
        raise NotYet(
            f"read() was called {len(room.asked)} times for {len(FILES)} files. "
            "Reading is the slow part: once for each file."
        )
    if room.peak > 1:
        raise NotYet(_too_many(room.peak, collected))
    return f"{len(FILES)} uploads summed, and never more than one alive."


def _too_many(peak: int, collected: int) -> str:
    if peak > 2:
        return (
            f"{peak} uploads were alive at once, and the budget is 1. "
            "Something holds them all until the end: a list, or calls that have not returned."
        )
    if collected:
        return (
            "two uploads were alive at once, and the collections you asked for freed nothing: "
            "a name still leads to the last one while read() makes the next."
        )
    return (
        "two uploads were alive at once. So close: while read() makes the next one, "
        "a name still leads to the last. Rebinding lets go too late."
    )


# --- Exercise 3: a callback that keeps no upload --------------------------------------------


class Page:
    """What makes an upload large; the living ones are known, copies too."""

    alive: ClassVar["weakref.WeakSet[Page]"] = weakref.WeakSet()

    def __new__(cls) -> "Page":
        """Note one more: copying comes by here as well."""
        one = super().__new__(cls)
        cls.alive.add(one)
        return one


class Pages(Upload):
    """An upload with something in it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.pages = [Page()]


def check_callback(ready_message: Callable[[Upload], Callable[[], str]]) -> str:
    """Prove that a callback still says its sentence after the upload has died."""
    Page.alive.clear()  # what an earlier answer still holds is not held by this one
    upload = Pages("menu.txt")
    seen = weakref.ref(upload)
    callback = ready_message(upload)
    if not callable(callback):
        raise NotYet(
            f"ready_message returned {type(callback).__name__}, expected a function that can be "
            "called later."
        )
    del upload
    if seen() is not None:
        by_default = bool(getattr(callback, "__defaults__", None))
        del callback
        raise NotYet(_who_leads_to(seen, by_default))
    if Page.alive:
        raise NotYet(
            "the upload is gone, but the callback holds a copy of it, or all that was in it, "
            "which is as large. The message needs its name and nothing more."
        )
    _says(callback)
    return "the callback speaks of an upload that is long gone."


def _who_leads_to(seen: weakref.ref[Pages], by_default: bool) -> str:
    """Why the upload lives, asked after the callback has been let go of."""
    if seen() is not None:
        return (
            "the upload is still alive, even without the callback: something else that you made "
            "leads to it, a list or a cycle for example."
        )
    if by_default:
        return (
            "the upload is still alive: a default argument is a reference too, kept in the "
            "function's `__defaults__`."
        )
    return "the upload is still alive: the callback mentions it, so the callback holds it."


def _says(callback: Callable[[], str]) -> None:
    try:
        said = callback()
    except (AttributeError, ReferenceError):
        raise NotYet(
            "the upload is gone, and the callback needed it: a weak reference gives None by now. "
            "Take what you need while the upload lives."
        ) from None
    if said != "menu.txt is ready":
        raise NotYet(f"the callback said {said!r}, expected 'menu.txt is ready'.")


CHECKS = {
    "02.remember": check_remember,
    "02.one-at-a-time": check_one_at_a_time,
    "02.callback": check_callback,
}
