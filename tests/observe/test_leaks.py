"""What grew, where it was made, which objects it is: asked of programs that leak."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import pickle
import threading
import tracemalloc
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from itertools import count
from typing import Any

import pytest

from lessons_lib.observe import Live, collector_off, grown, kept_by_line, live, measure
from lessons_lib.observe.measuring.lines import Line
from lessons_lib.observe.measuring.runs import Runs
from lessons_lib.observe.measuring.traces import stacks_of

from .heap import small_heap as small_heap


class Session:
    """What leaks."""

    def __init__(self, name: str = "") -> None:
        self.name = name


def leftovers(run: Callable[[], object]) -> dict[str, int]:
    return dict(grown(run).each)


# -- grown: every leak of the course's detective story -------------------------------------------


class Page:
    """Has a method to be called back."""

    def refresh(self) -> None: ...


class Server:
    @functools.cache  # noqa: B019
    def greet(self) -> str:
        return "hello"


kept: list[Any] = []
text, users, sessions = bytearray(), count(), dict[int, object]()
notes: weakref.WeakKeyDictionary[Session, object] = weakref.WeakKeyDictionary()
log = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    for store in (kept, text, sessions, notes, log.handlers):
        store.clear()
    Server.greet.cache_clear()


def stored_exception() -> None:
    session = Session()
    try:
        int(session.name)
    except ValueError as error:
        kept.append(error)


def captured() -> None:
    session = Session()
    kept.append(lambda: session)


def stream() -> Iterator[Session]:
    session = Session()
    yield session
    yield session


def suspended() -> None:
    kept.append(stream())
    next(kept[-1])


def value_of_its_weak_key() -> None:
    session = Session()
    notes[session] = [session]


def mutable_default(seen: list[Session] = []) -> None:  # noqa: B006
    seen.append(Session())


@pytest.mark.parametrize(
    ("run", "leaks"),
    [
        (lambda: sessions.update({next(users): Session()}), {"Session": 1}),
        (lambda: sessions.setdefault(0, Session()), {}),
        (lambda: Server().greet(), {"Server": 1}),
        (lambda: kept.append(Page().refresh), {"Page": 1, "method refresh of Page": 1}),
        (stored_exception, {"Session": 1, "ValueError": 1, "traceback": 1}),
        (captured, {"Session": 1, "cell": 1, "function": 1}),
        (suspended, {"Session": 1, "generator": 1}),
        (value_of_its_weak_key, {"Session": 1, "list": 1}),
        (mutable_default, {"Session": 1}),
        (lambda: log.addHandler(logging.NullHandler()), {"NullHandler": 1}),
    ],
)
def test_a_leak_is_named(run: Callable[[], object], leaks: dict[str, int]) -> None:
    found = leftovers(run)
    assert {name: found.get(name) for name in leaks} == leaks
    own = {"Session", "Server", "Page", "function", "generator"}
    assert found.keys() & own == leaks.keys() & own


def test_one_per_worker_is_no_leak_per_job() -> None:
    local, current = threading.local(), ContextVar[Session]("current")

    def job() -> None:
        local.session = Session()
        current.set(Session())

    with ThreadPoolExecutor(1) as pool:
        assert grown(lambda: pool.submit(job).result()).each == ()


def test_a_cycle_grows_only_with_the_collector_off() -> None:
    def cycle() -> None:
        session = Session()
        session.me = session  # type: ignore[attr-defined]

    assert grown(cycle).each == ()
    with collector_off():
        assert grown(cycle).each == (("Session", 1),)
    gc.collect()


def test_a_request_that_leaves_nothing() -> None:
    found = grown(lambda: [Session() for _ in range(10)], times=3)
    assert str(found) == (
        "Nothing grew in 3 runs, of all that they made themselves: no class, and anything else by "
        "less than 1 KiB. A few bytes in each run would show with times=30."
    )
    assert repr(found) == str(found)
    assert found._repr_html_() is None


def full_cache(size: int, filled: bool) -> Callable[[], object]:
    cache: deque[object] = deque((Session() for _ in range(size * filled)), maxlen=size)
    return lambda: cache.append(Session())


@pytest.mark.parametrize(
    ("size", "filled"), [(6, False), (9, False), (10, False), (5, True), (1000, True)]
)
def test_a_cache_that_is_full_before_the_end_did_not_grow(size: int, filled: bool) -> None:
    found = grown(full_cache(size, filled))
    assert found.each == ()
    assert not filled or str(found).startswith("Nothing grew")


def test_what_others_do_once_neither_counts_nor_hides_a_growth() -> None:
    """Nor does the one that each run replaces."""
    others = [Session() for _ in range(5)]
    calls = count()

    def visit() -> None:
        kept.append(Session())
        sessions[0] = Session()
        match next(calls):
            case 2:
                others.clear()
            case 5:
                kept.append(threading.Event())

    assert grown(visit).each == (("Session", 1),)


def test_bound_methods_that_others_let_go_of_do_not_hide_the_program_s() -> None:
    """As a notebook's threads do: in two parts of the three."""

    class Mail:
        def send(self) -> None: ...

    listeners: list[object] = []
    others = [Mail().send for _ in range(8)]
    calls = count()

    def visit() -> None:
        listeners.append(Page().refresh)
        if next(calls) in (2, 9):
            del others[-4:]

    assert leftovers(visit) == {"Page": 1, "method refresh of Page": 1}
    assert not others


def test_it_reads_well_and_modules_are_named_where_two_classes_share_a_name() -> None:
    kept: list[object] = []
    other = type("Session", (), {"__module__": "elsewhere"})
    found = grown(lambda: kept.extend((Session(), other(), other(), [])))
    assert str(found) == (
        "Each run leaves behind:\n"
        "  elsewhere.Session  2 more\n"
        f"  {__name__}.Session  1 more\n"
        "  list               1 more"
    ).replace("elsewhere.Session  ", "elsewhere.Session".ljust(len(__name__) + 10)).replace(
        "list               ", "list".ljust(len(__name__) + 10)
    )
    assert "<td" in str(found._repr_html_())
    assert "after 11 runs" in str(found._repr_html_())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: grown("visit"), "'visit' cannot be called, expected a function"),  # type: ignore[arg-type]
        (lambda: kept_by_line("visit"), "'visit' cannot be called, expected a function"),  # type: ignore[arg-type]
        (lambda: grown(list, 1), "times=1, expected a whole number from 2 up: 11, say$"),
        (lambda: grown(list, 2.5), "times=2.5, expected a whole number from 2"),  # type: ignore[arg-type]
        (lambda: grown(list, True), "times=True, expected a whole number from 2"),
        (lambda: grown(lambda: 1 // 0), "(integer )?division"),
        (lambda: kept_by_line(lambda: 1 // 0), "(integer )?division"),
    ],
)
def test_what_makes_no_sense_is_one_clear_sentence(wrong: Callable[[], object], says: str) -> None:
    with pytest.raises((TypeError, ValueError, ZeroDivisionError), match=f"^{says}"):
        wrong()
    assert not tracemalloc.is_tracing()


# -- kept_by_line --------------------------------------------------------------------------------


def test_the_library_works_for_the_line_that_called_it() -> None:
    store = []
    text = json.dumps([{"role": "user", "content": "hello " + str(n)} for n in range(500)])

    def serve() -> None:
        store.append(json.loads(text))

    assert [line.source for line in kept_by_line(serve).lines] == ["store.append(json.loads(text))"]


def test_what_is_let_go_is_not_named() -> None:
    found = kept_by_line(lambda: [str(n) * 100 for n in range(1000)] and None)
    assert found.lines == ()
    assert (
        str(found)
        == repr(found)
        == ("Less than 1 KiB stayed of what the run made itself: repeat the work inside it.")
    )


def test_the_largest_comes_first() -> None:
    store: list[object] = []

    def serve() -> None:
        store.append(bytearray(8_000))
        store.append(bytearray(60_000))
        store.append(bytearray(32_000))

    assert [line.about for line in kept_by_line(serve).lines] == ["over half", "over a quarter"]
    assert Line("", "", 1, 0.15).about == "over a tenth"


def test_a_trace_that_somebody_began_goes_on_and_nothing_is_said_of_the_run() -> None:
    tracemalloc.start()
    try:
        found = kept_by_line(lambda: pytest.fail("called"))
        assert str(found).startswith("tracemalloc is tracing already, and a run's own memory can")
        with pytest.raises(RuntimeError, match=r"^tracemalloc is tracing already, and"):
            grown(lambda: None)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_run_that_stops_the_trace_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"^the run stopped tracemalloc, .* expected one that"):
        grown(tracemalloc.stop)
    assert not tracemalloc.is_tracing()


# -- live ----------------------------------------------------------------------------------------


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    """What was frozen to make the heap small comes back: `live` would say that it sees less."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("nothing_frozen")
def test_it_holds_nothing() -> None:
    class Visit(Session): ...

    held = [Visit("ada"), Visit("bo")]
    found = live(Visit)
    assert str(found) == repr(found) == "2 live Visit: 'ada', 'bo'"
    assert {id(thing) for thing in found} == {id(thing) for thing in held}
    last = weakref.ref(held[0])
    del held[0]
    assert last() is None
    assert (len(found), found[0], str(found)) == (1, held[0], "1 live Visit: 'bo'")
    with pytest.raises(IndexError, match=r"^there is no live Visit number 1, expected one of 1:"):
        found[1]


@pytest.mark.usefixtures("nothing_frozen")
def test_subclasses_count_and_many_are_not_all_named() -> None:
    class Guest(Session): ...

    class Regular(Guest): ...

    held = [Guest(f"g{n:02}") for n in range(8)] + [Regular("r") for _ in range(3)]
    assert (
        str(live(Guest))
        == f"11 live Guest: {', '.join(f'{g.name!r}' for g in held[:8])}, … and 3 more"
    )
    assert len(live(Regular)) == 3
    nameless = [Regular(), Regular()]
    assert len(nameless) + 3 == len(live(Regular))


@pytest.mark.usefixtures("nothing_frozen")
def test_names_are_read_without_calling_the_program() -> None:
    class Shy:
        @property
        def name(self) -> str:
            raise AssertionError("called")

    held = [Shy()]
    assert str(live(Shy)) == "1 live Shy"
    assert isinstance(live(Shy), Live)
    assert held


class Slotted:
    __slots__ = ("other",)


@pytest.mark.parametrize(
    ("cls", "error", "says"),
    [
        (Session(), TypeError, "is no class, expected one"),
        (int, ValueError, "the collector does not know instances of int"),
        (dict, TypeError, "instances of dict take no weak reference"),
        (Slotted, TypeError, "instances of Slotted take no weak reference, .*__weakref__"),
    ],
)
def test_what_cannot_be_held_weakly(cls: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        live(cls)


# -- beside a busy neighbour ---------------------------------------------------------------------


def test_grown_beside_a_busy_neighbour(busy_neighbour: Callable[..., None]) -> None:
    """Others make and let go of lists, bound methods and the reader's own class all the time."""
    listeners: list[object] = []
    users, sessions = count(), dict[int, Session]()

    def visit() -> None:
        sessions[next(users)] = Session()
        listeners.extend((Page().refresh, [], []))

    busy_neighbour(Session, Page)
    leaks = {"Session": 1, "Page": 1, "list": 2, "method refresh of Page": 1}
    found = grown(visit)
    assert (dict(found.each), found.uneven) == (leaks, ())
    assert grown(lambda: bool([Session(), []])).each == ()
    assert grown(lambda: threading.Event().wait(0.002)).each == ()


def test_kept_by_line_beside_a_busy_neighbour(busy_neighbour: Callable[..., None]) -> None:
    store: list[object] = []
    busy_neighbour(Session)
    found = kept_by_line(lambda: store.append(bytearray(5_000)))
    assert [line.source for line in found.lines] == [
        "found = kept_by_line(lambda: store.append(bytearray(5_000)))"
    ]
    assert 5_000 <= found.kept < 6_000
    assert kept_by_line(lambda: bool([Session()])).lines == ()


@pytest.mark.usefixtures("nothing_frozen")
def test_live_beside_a_busy_neighbour(busy_neighbour: Callable[..., None]) -> None:
    """The neighbours' own come and go in the list; what the program holds stays in it."""
    held = [Session(f"mine {n}") for n in range(3)]
    busy_neighbour(Session)
    for _ in range(5):
        found = live(Session)
        assert {id(thing) for thing in held} <= {id(thing) for thing in found}
        assert all(isinstance(thing, Session) for thing in found)
        assert str(found).partition(" live ")[0].isdigit()


# -- grown: whose growth, and what growth --------------------------------------------------------


def on_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_what_a_run_makes_on_other_threads_is_its_own() -> None:
    kept: list[object] = []

    async def serve() -> None:
        await asyncio.gather(asyncio.to_thread(lambda: kept.append(Session())))

    def job() -> int:
        return int("no number")

    def failed() -> None:
        future = pool.submit(job)
        assert future.exception()
        kept.append(future)

    assert leftovers(lambda: on_a_thread(lambda: kept.append(Session()))) == {"Session": 1}
    assert leftovers(lambda: asyncio.run(serve())) == {"Session": 1}
    with ThreadPoolExecutor(2) as pool:
        assert leftovers(lambda: pool.submit(lambda: kept.append(Session())).result()) == {
            "Session": 1
        }
        found = leftovers(failed)
        assert (found["Future"], found["ValueError"], found["traceback"]) == (1, 1, 1)
        assert "partial" not in found
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    assert "runs.py" not in start.__code__.co_filename + submit.__code__.co_filename


def test_a_thread_that_a_run_starts_goes_when_it_has_ended() -> None:
    threads: list[weakref.ref[threading.Thread]] = []

    def run() -> None:
        thread = threading.Thread(target=lambda: None)
        threads.append(weakref.ref(thread))
        thread.start()
        thread.join()

    with collector_off():
        grown(run, 2)
    assert [thread() for thread in threads] == [None, None, None]


def test_what_another_thread_leaves_behind_is_not_charged_to_the_run() -> None:
    class Beat: ...

    log: list[object] = []
    turn, done = threading.Event(), threading.Event()

    def beat() -> None:
        while not ended:
            turn.wait()
            turn.clear()
            log.append(Beat())
            done.set()

    def run() -> None:
        done.clear()
        turn.set()
        done.wait()

    ended: list[int] = []
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert str(grown(run)).startswith("Nothing grew in 11 runs, of all that they made")
    finally:
        ended.append(1)
        turn.set()
        thread.join()
    assert len(log) >= 12


def test_a_leak_on_every_third_run_is_told_as_that() -> None:
    calls, kept = count(), list[object]()
    found = grown(lambda: kept.append(Session()) if next(calls) % 3 == 0 else None)
    assert str(found) == "In 11 runs, not as many in each:\n  Session  3 more"
    assert "not as many" in str(found._repr_html_())


@pytest.mark.parametrize(
    "run",
    [
        lambda: kept.append(json.loads('{"u": {"n": "a"}}')),
        lambda: kept.append("x" * 10_000 + str(next(users))),
        lambda: kept.append(pickle.loads(pickle.dumps({"text": "x" * 500}))),
        lambda: text.extend(bytes(200_000)),
    ],
)
def test_bytes_that_stay_are_told_where_no_class_grew(run: Callable[[], object]) -> None:
    found = grown(run)
    assert found.each == ()
    assert found.kept > 1024
    assert str(found).startswith("No class grew, but of what 11 runs made ")
    assert "kept_by_line names the line" in str(found)


def test_a_metaclass_of_the_reader_is_not_asked() -> None:
    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError("asked")

    class Odd(metaclass=Meta):
        def refresh(self) -> None: ...

    kept: list[object] = []
    assert leftovers(lambda: kept.append(Odd())) == {"Odd": 1}
    gc.unfreeze()
    assert len(live(Odd)) == 12
    assert len(live(Session)) >= 0
    gc.freeze()


# -- live: what it does not count ----------------------------------------------------------------


def test_what_a_run_makes_in_memory_that_frozen_lists_had_is_its_own() -> None:
    kept: list[object] = []
    frozen: list[list[object]] = [[] for _ in range(20)]
    gc.freeze()
    runs = Runs()
    with runs.traced(lambda things: None):
        for number in range(1, 4):
            frozen.pop()
            runs.call(number, lambda: kept.append([]))
        made_by = [stack and runs.maker(stack) for stack in stacks_of(kept)]
    assert made_by == [1, 2, 3]


def test_live_says_what_it_does_not_count() -> None:
    def made() -> type:
        class Doc: ...

        return Doc

    old, new = made(), made()
    held = [old(), old()]
    gc.unfreeze()
    assert str(live(new)) == "0 live Doc (but 2 of an earlier class of that name)"
    assert str(live(old)) == "2 live Doc"
    gc.freeze()
    assert str(live(old)) == (
        "2 live Doc (of what gc.freeze() has set aside, only those to which a name leads)"
    )
    assert held


@pytest.mark.usefixtures("nothing_frozen")
def test_live_by_anything_but_a_number() -> None:
    with pytest.raises(TypeError, match=r"^'x' is no number, expected that of a living Session: "):
        live(Session)["x"]  # type: ignore[index]


# -- what did none of its work -------------------------------------------------------------------


async def coroutine() -> None: ...


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("instrument", [grown, kept_by_line, measure])
@pytest.mark.parametrize(
    ("run", "says"),
    [
        (coroutine, "coroutine is async and nothing of it ran, .*: give lambda: asyncio.run"),
        (generator, r"generator is a generator and .*: give lambda: list\(generator\(…\)\)$"),
        (async_generator, "async_generator is an async generator and nothing of it ran, expected"),
    ],
)
def test_a_run_that_has_not_begun(instrument: Callable[[Any], object], run: Any, says: str) -> None:
    with pytest.raises(TypeError, match=f"^{says}"):
        instrument(run)
    assert not tracemalloc.is_tracing()


def test_a_generator_that_has_begun_is_a_result() -> None:
    waiting: list[Iterator[int]] = []

    def visit() -> Iterator[int]:
        waiting.append(generator())
        next(waiting[-1])
        return waiting[-1]

    assert leftovers(visit) == {"generator": 1}
    assert measure(lambda: (n for n in range(10))).kept < 1024
