"""What judges the exercises of lesson 04, Finding leaks."""

import asyncio
import gc
import logging
import threading
import types
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

from lessons_lib.lessons.shared import apart, weakly
from lessons_lib.observe.holding.search import collector_off
from lessons_lib.observe.measuring.collector import watch_collector
from lessons_lib.teach.model import NotYet

# --- Exercise 1: a bus that keeps nobody ------------------------------------------------------


class Window:
    """One open browser window, which shows what it is told."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.noted: list[str] = []

    def show(self, news: str) -> None:
        self.shown.append(news)

    def note(self, news: str) -> None:
        self.noted.append(news)


def publish(bus: Any, news: str) -> None:
    """Publish, and say what it means when a dead callback is called."""
    try:
        bus.publish(news)
    except TypeError as error:
        if "'NoneType' object is not callable" in str(error):
            raise NotYet(
                "a window has been closed, its weak reference gives None, and `publish` called "
                "it. Ask first whether the callback is still there."
            ) from None
        raise


def dead_references(thing: object) -> int:
    """How many weak references whose objects are gone can be reached from a thing."""
    leave = (type, types.ModuleType, types.FrameType)
    seen, waiting, dead = {id(thing)}, [thing], 0
    for one in waiting:  # grows while it is walked
        dead += isinstance(one, weakref.ref) and one() is None
        for other in _led_to(one):
            if id(other) not in seen and not isinstance(other, leave):
                seen.add(id(other))
                waiting.append(other)
    return dead


def _led_to(one: object) -> list[Any]:
    """What a thing refers to; of a function its cells and defaults, not its module."""
    if isinstance(one, types.FunctionType):
        return [one.__closure__, one.__defaults__, one.__kwdefaults__]
    return gc.get_referents(one)


def check_bus(bus_class: type[Any]) -> str:
    """Prove that a bus tells the open windows, keeps no closed one, and no reference to one."""
    with collector_off(), watch_collector() as log:
        bus, stays, leaves = bus_class(), Window(), Window()
        seen = weakref.ref(leaves)
        bus.subscribe(stays.show)
        bus.subscribe(leaves.note)
        publish(bus, "one")
        _require_told(stays, leaves)
        del leaves
        publish(bus, "two")
        _require_closed(seen, bool(log.collections))
        if stays.shown != ["one", "two"]:
            raise NotYet(
                f"the window that stayed open was told {stays.shown}, expected one and two."
            )
    for _ in range(50):
        bus.subscribe(Window().show)
    publish(bus, "three")
    if dead := dead_references(bus):
        raise NotYet(
            f"50 windows came and went. None is alive, and the bus still has {dead} weak "
            "references to them. A small leak is a leak: let go of the dead ones when you publish."
        )
    _require_all(bus_class)
    return "open windows are told, closed ones are gone, and so are the references to them."


def _require_closed(window: weakref.ref[Window], collected: bool) -> None:
    if window() is None:
        return
    if collected:
        raise NotYet(
            "a collection ran, and the closed window is still alive. A collection frees what no "
            "name can reach, and the bus leads to it."
        )
    raise NotYet("a window was closed, and the bus still leads to it: 1 object too many.")


def _require_all(bus_class: type[Any]) -> None:
    bus, one, two = bus_class(), Window(), Window()
    for method in (one.show, one.note, two.show):
        bus.subscribe(method)
    publish(bus, "news")
    if one.shown + one.noted + two.shown != ["news"] * 3:
        raise NotYet(
            "three methods were handed over, `show` and `note` of one window and `show` of "
            "another, and the news did not reach all three. A key that two subscribers share "
            "keeps the later one alone."
        )


def _require_told(stays: Window, leaves: Window) -> None:
    if leaves.shown:
        raise NotYet(
            "a window subscribed with `note`, and its `show` was called. Keep which method it was, "
            "and not the window alone."
        )
    if stays.shown != ["one"] or leaves.noted != ["one"]:
        raise NotYet(
            "two windows were open, and the news did not reach them. `window.show` makes a new "
            "bound method each time; a plain weak reference to it is dead at once."
        )


# --- Exercise 2: counted once, kept no longer than the upload ---------------------------------


class Text(str):
    """The text of an upload; knows how often it was split, and can be watched."""

    splits = 0

    def split(self, *args: Any, **kwargs: Any) -> list[str]:
        self.splits += 1
        return super().split(*args, **kwargs)


def check_upload(upload_class: type[Any]) -> str:
    """Prove that words are counted once, when asked for, and that nothing outlives the upload."""
    if isinstance(getattr(vars(upload_class).get("words"), "fget", None), cached_property):
        raise NotYet("a `cached_property` is a property already: take `@property` away.")
    with collector_off():
        text, other = Text("tea and cake"), Text("milk")
        upload = upload_class("menu.txt", text)
        if text.splits:
            raise NotYet(
                "the words were counted when the upload was made. Most uploads are never asked: "
                "count when `words` is first asked for."
            )
        _require_words(upload, upload_class("menu.txt", other))
        _require_one_split(text)
        with weakly(NO_SLOT):
            seen, seen_text = weakref.ref(upload), weakref.ref(text)
        del upload, text
        if seen() is not None:
            raise NotYet(_why_upload_lives(upload_class))
        if seen_text() is not None:
            raise NotYet(
                "the upload died, and its text did not: it is the key of a cache, and the text is "
                "the large part."
            )
        _require_many(upload_class)
    return "counted once, when asked for; and no upload, and no text, outlived its request."


NO_SLOT = 'the check watches an upload by a weak reference; with `__slots__`, add "__weakref__".'


def _require_many(upload_class: type[Any]) -> None:
    """Twenty uploads, one after the other: none is taken for one that has died, and none stays."""
    seen = []
    for number in range(1, 21):
        one = upload_class("menu.txt", Text("tea " * number))
        if one.words != number:
            raise NotYet(
                f"an upload of {number} words was told {one.words!r}, which is the number of one "
                "that has died. Its `id` was used again."
            )
        seen.append(weakref.ref(one))
        del one
    if any(ref() is not None for ref in seen):
        raise NotYet(_why_upload_lives(upload_class))


def _require_words(upload: Any, other: Any) -> None:
    found = [upload.words, upload.words, other.words]
    if callable(found[0]):
        raise NotYet("`upload.words` is a method now. The server asks for it without calling it.")
    if found[:2] != [3, 3]:
        raise NotYet(f"'tea and cake' has 3 words, and `words` says {found[0]!r}.")
    if found[2] != 1:
        raise NotYet(
            f"two uploads bear the same name, and the second was told {found[2]!r} words, which is "
            "the first one's number. A name is no identity."
        )


def _require_one_split(text: Text) -> None:
    if text.splits == 0:
        raise NotYet(
            "the check counts calls of `text.split()`, and saw none. Count the words with it."
        )
    if text.splits != 1:
        raise NotYet(
            f"`words` was asked for twice and the text split {text.splits} times. "
            "The second answer must come from where the first one was kept."
        )


def _why_upload_lives(upload_class: type[Any]) -> str:
    cached = getattr(vars(upload_class).get("words"), "fget", None)
    info = getattr(cached, "cache_info", None)
    bound = info().maxsize if info else None
    if bound is not None:
        last = f"last {bound} uploads" if bound > 1 else "last upload"
        return (
            f"the upload is still alive: a cache of {bound} keeps the {last}, whether anybody "
            "needs it or not. That is a bound, and the budget is 0."
        )
    if info is None:
        return (
            "the upload is still alive after its request: something leads to it, a container that "
            "outlives it or a cycle through itself (the collector is off)."
        )
    return (
        "the upload is still alive: a cache that belongs to the class has it as a key. "
        "Keep the answer where it dies together with the upload."
    )


# --- The lab: what every row says -------------------------------------------------------------


class File:
    """An upload of the lab, whose life is watched."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log: list[str] = []


class Unreadable:
    """An upload that a request fails on."""

    @property
    def name(self) -> str:
        raise ValueError("this file cannot be read")


class Row(NamedTuple):
    """One line of the lab's table; `fault` is what is wrong, empty when the budget is kept."""

    requests: int
    alive: int
    fault: str = ""

    def but(self, fault: str) -> "Row":
        """The same counts, with another thing wrong."""
        return self._replace(fault=fault)


def budget(one: Callable[[], Any], rows: Mapping[str, Callable[[Any], Row]]) -> str:
    """The table of a lab, as what was proven or as what is missing."""
    table = [f"  {'method':<10}{'requests':>8}{'still alive':>15}"]
    red = []
    for method, row in rows.items():
        requests, still, fault = row(one())
        table.append(f"{'✗' if fault else '✓'} {method:<10}{requests:>8}{still:>15}")
        if fault:
            red.append(f"`{method}`: {fault}")
    shown = "\n".join(["```", *table, "```"])
    if not red:
        return f"no upload outlived its request.\n\n{shown}"
    raise NotYet("\n\n".join([f"{len(red)} of {len(rows)} methods are red.", shown, *red]))


def served(request: Callable[[File], str]) -> Row:
    """Serve five uploads, one after the other: how many still live, and the first complaint."""
    seen: list[weakref.ref[Any]] = []
    faults = []
    for number in range(5):
        upload = File(f"file{number}.txt")
        seen.append(weakref.ref(upload))
        faults.append(request(upload))
        del upload
    return Row(5, alive(seen), next(filter(None, faults), ""))


def alive(seen: list[weakref.ref[Any]]) -> int:
    """How many of the watched uploads live."""
    return sum(one() is not None for one in seen)


def expecting(answer: Callable[[File], Any], expected: str) -> Callable[[File], str]:
    """A request that is complained about unless it answers as expected of the upload."""

    def request(upload: File) -> str:
        said = answer(upload)
        return "" if said == expected.format(upload.name) else f"it answered {said!r:.60}."

    return request


# --- Exercise 3: the lab, first half: held by a thing -----------------------------------------


def row_remind(desk: Any) -> Row:
    """Reminders must work when the upload is long gone."""
    row = served(lambda upload: desk.remind(upload) or "")
    if row.alive and any(getattr(one, "__defaults__", None) for one in desk.reminders):
        return row.but("a default argument is a reference too. Keep the name alone.")
    if row.alive:
        return row.but(
            "what was stored in `reminders` leads to the upload (a cell of the lambda, or an "
            "argument that was bound). What does it need?"
        )
    try:
        said = [reminder() for reminder in desk.reminders]
    except (AttributeError, ReferenceError):
        return row.but(
            "it is called when the upload is long gone, and the weak reference leads nowhere."
        )
    except TypeError:
        return row.but("a reminder is something to call.")
    expected = [f"file{number}.txt is ready" for number in range(5)]
    return row if said == expected else row.but(f"the reminders said {said!r:.80}.")


def row_bundle(desk: Any) -> Row:
    """A bundle has the files of one request, and the caller's list stays the caller's."""

    def request(upload: File) -> str:
        names = desk.bundle(upload)
        one = names == [upload.name]
        return "" if one else f"one file was sent, and it answered {names!r:.60}."

    row = served(request)
    if row.alive:
        return row.but(
            "the list in the `def` is made once, and collects the files of all requests."
        )
    if row.fault:
        return row
    mine, empty = [File("mine.txt")], list[File]()
    names = desk.bundle(File("more.txt"), mine)
    desk.bundle(File("one.txt"), empty)
    if names != ["mine.txt", "more.txt"]:
        return row.but(f"added to a list with mine.txt, it answered {names!r:.60}.")
    if len(mine) != 2:
        return row.but("a caller handed in a list of its own, and it was not added to, or emptied.")
    if len(empty) != 1:
        return row.but(
            "a caller handed in an empty list of its own, and nothing was added to it. An empty "
            "list is false, and is not None."
        )
    return row


def row_preview(desk: Any) -> Row:
    """A preview is the first page; the desk still knows how many it gave."""
    row = served(expecting(desk.preview, "{}, page 1"))
    if row.alive:
        return row.but(
            "a generator waits in the middle, in a list, and its frame holds the upload. Its name "
            "in your method is only one of two references."
        )
    told = desk.previews if isinstance(desk.previews, int) else len(desk.previews)
    if not row.fault and told != 5:
        return row.but(f"5 previews were given, and the desk counts {told}.")
    return row


def row_annotate(desk: Any) -> Row:
    """A note is there for as long as its upload, and no longer."""

    def request(upload: File) -> str:
        desk.annotate(upload)
        try:
            return "" if desk.notes[upload]["text"] == "read" else "the note has another text."
        except (KeyError, TypeError):
            return 'while the upload lives, `notes[upload]["text"]` must be there.'

    row = served(request)
    if row.alive:
        return row.but(
            "the key is weak, the value is not, and the value leads back to its key. "
            "So the key never dies."
        )
    return row


def check_desk(desk_class: type[Any]) -> str:
    """Prove that no upload outlives any of the four requests of a desk."""
    rows = {
        "remind": row_remind,
        "bundle": row_bundle,
        "preview": row_preview,
        "annotate": row_annotate,
    }
    with collector_off():
        return budget(desk_class, rows)


# --- Exercise 4: the lab, second half: held by what runs --------------------------------------


def in_a_pool(request: Callable[[File], str]) -> Row:
    """Serve six uploads by two workers, three each; like `served`, before the workers go home."""
    seen: list[weakref.ref[Any]] = []
    both = threading.Barrier(2, timeout=10)

    def job(number: int) -> str:
        both.wait()
        upload = File(f"file{number}.txt")
        seen.append(weakref.ref(upload))
        return request(upload)

    with ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(job, range(6)))
        return Row(6, alive(seen), next(filter(None, faults), ""))


def lives_after_a_failure(request: Callable[[Any], object]) -> bool:
    """Whether an upload outlives a request that raised, in the worker that served it."""

    def job() -> weakref.ref[Unreadable]:
        upload = Unreadable()
        with suppress(ValueError):
            request(upload)
        return weakref.ref(upload)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(job).result()() is not None


def row_greet(worker: Any) -> Row:
    """What a worker keeps in its `threading.local` must go when the request ends, however it ends."""
    row = in_a_pool(expecting(worker.greet, "from {}"))
    if row.alive:
        return row.but(
            "one for each worker and not for each request: what a thread has in `HERE` stays there."
        )
    if lives_after_a_failure(worker.greet):
        return Row(1, 1, "a request failed, and your clearing up came after the line that raised.")
    return row


def row_sign(worker: Any) -> Row:
    """A context variable must be as it was before the request."""
    row = in_a_pool(expecting(worker.sign, "about {}"))
    if row.alive:
        return row.but(
            "a thread of the pool has one context for all its requests, and the value stays in it."
        )
    if lives_after_a_failure(worker.sign):
        told = (
            "a request failed, and the value was not taken back: the line that does it was skipped."
        )
        return Row(1, 1, told)
    return row if row.fault else row.but(not_restored(worker))


def not_restored(worker: Any) -> str:
    """What is wrong with the context variable after a request; empty when it is as it was."""
    variable = type(worker).sign.__globals__["CURRENT"]
    before = File("outer.txt")
    token = variable.set(before)
    try:
        worker.sign(File("inner.txt"))
        if variable.get(None) is before:
            return ""
        return "what was in the variable before the request is gone. `reset(token)` brings it back."
    finally:
        variable.reset(token)


class Tail(logging.Handler):
    """The server's own handler, which has to stay."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def row_log(worker: Any) -> Row:
    """A handler of one request must go with it, and no other handler."""
    tail = Tail()
    worker.logger.addHandler(tail)

    def request(upload: File) -> str:
        worker.log(upload)
        expected = [f"read {upload.name}"]
        return "" if upload.log == expected else f"the log of {upload.name} is {upload.log!r:.60}."

    row = served(request)
    if row.alive:
        return row.but(_why_logged(worker))
    if len(tail.lines) != 5 and not row.fault:
        row = row.but("the server's own handler was thrown out with the one of the request.")
    before = list(worker.logger.handlers)
    with suppress(ValueError):
        worker.log(Unreadable())
    if not row.fault and worker.logger.handlers != before:
        told = (
            "a request failed, and its handler stayed with the logger: the line that removes it "
            "was skipped."
        )
        return Row(1, 1, told)
    return row


def _why_logged(worker: Any) -> str:
    if any(getattr(one, "_closed", False) for one in worker.logger.handlers):
        return "a closed handler is still in the logger's list. Closing is not removing."
    return (
        "the logger lives as long as the process and lists every handler it was given. Each "
        "later line goes to all of them."
    )


async def index_some(worker: Any, seen: list[weakref.ref[Any]]) -> str:
    """Index five uploads, one after the other, until all tasks are done; the first complaint."""
    faults = []
    for number in range(5):
        upload = File(f"file{number}.txt")
        seen.append(weakref.ref(upload))
        await worker.index(upload)
        del upload
        faults.append(_index_fault(_at_work(), worker.tasks))
        while at_work := _at_work():
            await asyncio.wait(at_work)
        await asyncio.sleep(0)  # what is called when a task is done has been called by now
    return next(filter(None, faults), "")


def _at_work() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def _index_fault(at_work: set[asyncio.Task[Any]], kept: Any) -> str:
    if not at_work:
        return "it waited until the upload was parsed. A request should not."
    if at_work <= set(kept) and not isinstance(kept, weakref.WeakSet):
        return ""
    return (
        "a task is at work and nobody holds it. The event loop refers to it weakly, so it may "
        "vanish in the middle."
    )


def row_index(worker: Any) -> Row:
    """A task must be held while it works, and not when it is done."""
    seen: list[weakref.ref[Any]] = []
    fault = apart(lambda: index_some(worker, seen))
    still = alive(seen)
    held = "a finished task holds its result, and `tasks` holds the finished task."
    return Row(5, still, held if still else fault)


def check_worker(worker_class: type[Any]) -> str:
    """Prove that no upload outlives any of the four requests of a worker."""
    rows = {"greet": row_greet, "sign": row_sign, "log": row_log, "index": row_index}
    with collector_off():
        return budget(worker_class, rows)


CHECKS = {
    "04.bus": check_bus,
    "04.words": check_upload,
    "04.lab-desk": check_desk,
    "04.lab-worker": check_worker,
}
