"""Lesson 02, reference counting: its questions, exercises and their checks."""

import gc
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lessons_lib.observe.holding.references import survivors
from lessons_lib.teach.model import Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "02.recall-model",
        "From lesson 00. A language model is called twice. What does it remember of the first call?",
        (
            Option(
                "Everything, for a while",
                "No. It looks that way because somebody sends the earlier messages again.",
            ),
            Option(
                "Nothing that is not sent again",
                "Right. The model is a function of what it is sent; the memory is yours to keep.",
                right=True,
            ),
            Option(
                "What was said under the same thread id",
                "No. A thread id is a key in your checkpointer. The model never sees it.",
            ),
        ),
    ),
    Question(
        "02.recall-key",
        "From lesson 00. A bot on a checkpointed graph, with its checkpoints in a file, is killed. "
        "What does a new process need to go on with the conversation?",
        (
            Option(
                "The graph object of the first process",
                "No. That died with its process. The new process makes another one.",
            ),
            Option(
                "The file and the thread id",
                "Right. What was written is in the file, and the thread id is the key to it.",
                right=True,
            ),
            Option(
                "Nothing: the model knows what was said",
                "No. A model knows what it is sent, and the old messages come from the file.",
            ),
        ),
    ),
    Question(
        "02.last-reference",
        "`cv = Upload(…)`, then `inbox = [cv]`, then `del cv`, then `inbox.clear()`. "
        "When does the upload die?",
        (
            Option(
                "At `del cv`: that is what del does",
                "No. `del cv` removes the name cv. The list still leads to the object.",
            ),
            Option(
                "At `inbox.clear()`",
                "Right. The slot of the list was the last reference.",
                right=True,
            ),
            Option(
                "At the next garbage collection",
                "No. The collector looks for cycles. There is none here, so it is never needed.",
            ),
            Option(
                "When the cell ends",
                "No. Nothing is freed because a cell ends; a notebook's names are globals.",
            ),
        ),
    ),
    Question(
        "02.return",
        "A function makes two uploads. One is appended to a global list, one is only a local name. "
        "How many are alive after it returns?",
        (
            Option(
                "None: both went out of scope",
                "No. Names have scope, objects have references. The list still leads to one.",
            ),
            Option("One", "Right. The one that the list leads to.", right=True),
            Option(
                "Two, until the collector runs",
                "No. The local's object had one reference, the frame's, and died with the frame.",
            ),
        ),
    ),
    Question(
        "02.notebook",
        "`notes` was displayed by the cell above. Now `del notes`. Is the upload dead?",
        (
            Option(
                "Yes: its only name is gone",
                "No. You gave it one name, and the notebook gave it more when it showed it.",
            ),
            Option(
                "No: the notebook still leads to it",
                "Right. Displaying a value in the usual way keeps it.",
                right=True,
            ),
            Option(
                "It dies at the next cell",
                "No. Running another cell moves `_` on, but `Out` keeps every displayed value.",
            ),
        ),
    ),
    Question(
        "02.kept-exception",
        "`handle` catches the error and appends it to the list `errors`. When does the upload die?",
        (
            Option(
                "When `parse` raises: its frame is left",
                "No. The frame is left but not gone. The traceback leads to it.",
            ),
            Option(
                "When the except block ends",
                "No. The block's name `error` is removed there, but the list holds the exception.",
            ),
            Option(
                "At `gc.collect()`",
                "No. There is no cycle: a chain of references leads from the list to the upload.",
            ),
            Option(
                "At `errors.clear()`",
                "Right. That cuts the first link of the chain, and the rest falls with it.",
                right=True,
            ),
        ),
    ),
    Question(
        "02.closure",
        "`subscribe` has two locals, `upload` and `draft`. The lambda that it returns mentions only "
        "`upload`. What is alive afterwards?",
        (
            Option(
                "Both: a closure keeps its surroundings",
                "No. It keeps the variables that it uses, one cell each, and not the frame.",
            ),
            Option("Only `upload`", "Right. It is the lambda's one free variable.", right=True),
            Option(
                "Neither: the function has returned",
                "No. The lambda needs `upload` to work later, so it holds it.",
            ),
        ),
    ),
)


class Upload:
    """A stand-in for a user's file, whose life the checks watch."""

    def __init__(self, name: str, size: int = 0) -> None:
        self.name = name
        self.size = size


@contextmanager
def collector_off() -> Iterator[Callable[[], int]]:
    """Keep the collector from running by itself; yields a function: collections asked for so far."""
    asked: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            asked.append(phase)

    was_on = gc.isenabled()
    gc.disable()
    gc.callbacks.append(note)
    try:
        yield lambda: len(asked)
    finally:
        gc.callbacks.remove(note)
        if was_on:
            gc.enable()


# --- Exercise 1: remember the error, forget the request -------------------------------------


def as_text(report: object) -> str:
    """Everything that a kept report can say, as one string."""
    if isinstance(report, traceback.TracebackException):
        return "".join(report.format())
    if isinstance(report, BaseException):
        return "".join(traceback.format_exception(report))
    if isinstance(report, list | tuple):
        return "".join(map(str, report))
    return f"{report} {getattr(report, '__dict__', '')}"


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
    with collector_off() as collections:
        try:
            report, seen = fail_and_remember(remember, work)
        except TypeError as error:
            if "weak reference" in str(error):
                raise NotYet(
                    "exceptions take no weak references, as the error says. "
                    "Keep something that does not lead to the frames at all."
                ) from None
            raise
        if seen() is None:
            return report
        if collections():
            raise NotYet(
                "a collection ran and freed nothing. The upload is in no cycle: "
                "the exception you kept leads to it, through its traceback."
            )
        gc.collect()
        if seen() is None:
            raise NotYet(
                "the upload lives on until the collector runs: what you did made a cycle through "
                "the frames, as reading their locals can. Text about the frames needs no locals."
            )
        if _cleared(report):
            raise NotYet(
                "the frames that had ended let go, but the one that caught the error was still "
                "running. `clear_frames` left it as it found it, with its local `upload`."
            )
        raise NotYet(
            "the upload is still alive. What you keep leads to a traceback, the traceback to the "
            "frame of parse, the frame to its local `upload`."
        )


def check_remember(remember: Callable[[BaseException], object]) -> str:
    """Prove that a report names the failing function, whichever it is, and holds no upload."""
    reports = [remembered(remember, work) for work in FAILING]
    report, texts = reports[0], [as_text(report) for report in reports]
    if report is None:
        raise NotYet("no upload is left, and no report either: `remember` returned None.")
    if "parse" not in texts[0] and isinstance(report, BaseException):
        raise NotYet(
            "no upload is left, but an exception without its traceback no longer says where it "
            "happened. Save the text of the traceback before you let go of it."
        )
    if "parse" not in texts[0]:
        raise NotYet(
            "no upload is left, but the report has lost the place: it does not name `parse`. "
            "The message alone is too little for the evening."
        )
    if "unpack" not in texts[1]:
        raise NotYet(
            "the report names `parse` whatever has failed: here it was another function, `unpack`. "
            "Read the name from the traceback."
        )
    return "the report names the function that failed, and no upload outlived its request."


REMEMBER = Exercise(
    id="02.remember",
    name="remember",
    task="Keep a report that names the function that failed, and no upload.",
    stub=code("""
            def remember(error):
                return error
            """),
    solution=code("""
            import traceback


            def remember(error):
                return traceback.TracebackException.from_exception(error)
            """),
    alternatives=(
        code("""
            import traceback


            def remember(error):
                return "".join(traceback.format_exception(error))
            """),
        code("""
            import traceback


            def remember(error):
                return traceback.format_exception(error)
            """),
        code("""
            import traceback


            def remember(error):
                place = traceback.extract_tb(error.__traceback__)[-1]
                return {"error": repr(error), "in": place.name, "line": place.lineno}
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            import gc


            def remember(error):
                gc.collect()
                return error
            """),
            "in no cycle",
        ),
        NearMiss(
            code("""
            def remember(error):
                return str(error)
            """),
            "does not name `parse`",
        ),
        NearMiss(
            code("""
            def remember(error):
                return error.with_traceback(None)
            """),
            "without its traceback",
        ),
        NearMiss(
            code("""
            import weakref


            def remember(error):
                return weakref.ref(error)
            """),
            "take no weak references",
        ),
        NearMiss(
            code("""
            import traceback


            def remember(error):
                traceback.clear_frames(error.__traceback__)
                return error
            """),
            "as it found it",
        ),
        NearMiss(
            code("""
            def remember(error):
                return error.__traceback__
            """),
            "leads to a traceback",
        ),
        NearMiss(
            code("""
            def remember(error):
                return f"parse: {error}"
            """),
            "whatever has failed",
        ),
        NearMiss(
            code("""
            def remember(error):
                report = f"in parse: {error}"
            """),
            "returned None",
        ),
    ),
    hints=(
        "Read the chain of section 4 once more: errors, exception, traceback, frame, upload. Which link "
        "do you not need?",
        "You need text *about* the frames, and not the frames.",
        "The standard library has a class for this: `traceback.TracebackException`. "
        "It has a method `from_exception`.",
    ),
    check=check_remember,
)


# --- Exercise 2: one upload at a time -------------------------------------------------------


class Room:
    """Hands out uploads and remembers how many of them were alive at once."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Upload] = weakref.WeakSet()
        self.peak = 0
        self.reads = 0

    def read(self, name: str) -> Upload:
        """Bring one upload of `len(name) * 10` bytes into memory."""
        upload = Upload(name, size=len(name) * 10)
        self.alive.add(upload)
        self.peak = max(self.peak, len(self.alive))
        self.reads += 1
        return upload


FILES = ["a.txt", "notes.md", "photo.jpeg", "cv.pdf", "letter.odt"]


def check_one_at_a_time(total_size: Callable[[list[str], Callable[[str], Upload]], int]) -> str:
    """Prove that a total is right and that one upload at most was alive while it was made."""
    room = Room()
    with collector_off() as collections:
        total = total_size(list(FILES), room.read)
        collected = collections()
    expected = sum(len(name) * 10 for name in FILES)
    if total != expected:
        raise NotYet(f"the total is {total!r}, expected {expected}: every upload counts once.")
    if room.reads != len(FILES):
        raise NotYet(
            f"read() was called {room.reads} times for {len(FILES)} files. "
            "Reading is the slow part: once for each file."
        )
    if room.peak == 2 and collected:
        raise NotYet(
            "two uploads were alive at once, and the collections you asked for freed nothing: "
            "a name still leads to the last one while read() makes the next."
        )
    if room.peak == 2:
        raise NotYet(
            "two uploads were alive at once. So close: while read() makes the next one, "
            "a name still leads to the last. Rebinding lets go too late."
        )
    if room.peak > 1:
        raise NotYet(
            f"{room.peak} uploads were alive at once, and the budget is 1. "
            "Something holds them all until the end: a list, or calls that have not returned."
        )
    return f"{len(FILES)} uploads summed, and never more than one alive."


ONE_AT_A_TIME = Exercise(
    id="02.one-at-a-time",
    name="total_size",
    task="Sum the sizes with one upload in memory at a time.",
    stub=code("""
            def total_size(names, read):
                uploads = [read(name) for name in names]
                return sum(upload.size for upload in uploads)
            """),
    solution=code("""
            def total_size(names, read):
                total = 0
                for name in names:
                    upload = read(name)
                    total += upload.size
                    del upload
                return total
            """),
    alternatives=(
        code("""
            def total_size(names, read):
                return sum(read(name).size for name in names)
            """),
        code("""
            def total_size(names, read):
                def size(name):
                    upload = read(name)
                    return upload.size

                return sum(map(size, names))
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def total_size(names, read):
                total = 0
                for name in names:
                    upload = read(name)
                    total += upload.size
                return total
            """),
            "Rebinding lets go too late",
        ),
        NearMiss(
            code("""
            import gc


            def total_size(names, read):
                total = 0
                for name in names:
                    upload = read(name)
                    total += upload.size
                    gc.collect()
                return total
            """),
            "freed nothing",
        ),
        NearMiss(
            code("""
            def total_size(names, read):
                uploads = [read(name) for name in names]
                total = sum(upload.size for upload in uploads)
                del uploads
                return total
            """),
            "the budget is 1",
        ),
        NearMiss(
            code("""
            def total_size(names, read):
                return read(names[0]).size
            """),
            "every upload counts once",
        ),
        NearMiss(
            code("""
            def total_size(names, read):
                return sum(read(name).size for name in names if read(name))
            """),
            "Reading is the slow part",
        ),
    ),
    hints=(
        "When does the second upload come to life, and what leads to the first at that moment?",
        "In `upload = read(name)`, the right-hand side runs first, while the name still holds the old one.",
        "Let go before the next read: `del upload` at the end of the loop's body.",
    ),
    check=check_one_at_a_time,
)


# --- Exercise 3: a callback that keeps no upload --------------------------------------------


class Page:
    """What makes an upload large; copies of it can be counted."""


class Pages(Upload):
    """An upload with something in it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.pages = [Page()]


def check_callback(ready_message: Callable[[Upload], Callable[[], str]]) -> str:
    """Prove that a callback still says its sentence after the upload has died."""
    upload = Pages("cv.pdf")
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
    if survivors(Page):
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
    if said != "cv.pdf is ready":
        raise NotYet(f"the callback said {said!r}, expected 'cv.pdf is ready'.")


CALLBACK = Exercise(
    id="02.callback",
    name="ready_message",
    task="Return a callback that keeps the name and not the upload.",
    stub=code("""
            def ready_message(upload):
                return lambda: f"{upload.name} is ready"
            """),
    solution=code("""
            def ready_message(upload):
                name = upload.name
                return lambda: f"{name} is ready"
            """),
    alternatives=(
        code("""
            def ready_message(upload):
                return lambda name=upload.name: f"{name} is ready"
            """),
        code("""
            def ready_message(upload):
                return f"{upload.name} is ready".format
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def ready_message(upload):
                return lambda upload=upload: f"{upload.name} is ready"
            """),
            "__defaults__",
        ),
        NearMiss(
            code("""
            import weakref


            def ready_message(upload):
                seen = weakref.ref(upload)
                return lambda: f"{seen().name} is ready"
            """),
            "a weak reference gives None",
        ),
        NearMiss(
            code("""
            def ready_message(upload):
                return f"{upload.name} is ready"
            """),
            "expected a function",
        ),
        NearMiss(
            code("""
            import functools


            def ready_message(upload):
                return functools.partial(lambda u: f"{u.name} is ready", upload)
            """),
            "the callback holds it",
        ),
        NearMiss(
            code("""
            import copy


            def ready_message(upload):
                mine = copy.copy(upload)
                return lambda: f"{mine.name} is ready"
            """),
            "holds a copy of it",
        ),
    ),
    hints=(
        "What does the sentence need: the upload, or something of the upload?",
        "A closure keeps the variables that it mentions. Let it mention another one.",
        "Read `upload.name` into a variable before you make the lambda.",
    ),
    check=check_callback,
)

EXERCISES = (REMEMBER, ONE_AT_A_TIME, CALLBACK)
CATCH_UP = None
