"""who_holds: every kind of holder, in the same words on every Python."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import collections
import contextvars
import functools
import gc
import itertools
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lessons_lib.observe import survivors, watch, where_is, who_holds
from lessons_lib.observe.holding.holders import Holders

alone = pytest.mark.usefixtures("new_things_alone")


class Upload:
    registry: list[object] = []  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        pass


class Box:
    def __init__(self, thing: object) -> None:
        self.thing = thing


class Slotted:
    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing


def chains(holders: Holders) -> list[str]:
    return [str(chain) for chain in holders.chains]


def dropped(make: Callable[[Upload], Any]) -> tuple[Any, weakref.ref[Upload]]:
    """Hand an upload to something that may hold it, and let go of it here."""
    upload = Upload("cv.pdf")
    return make(upload), weakref.ref(upload)


def asked(reference: weakref.ref[Upload]) -> Holders:
    return who_holds(reference())


# -- the words -----------------------------------------------------------------------------------


def parse(upload: Upload) -> None:
    raise ValueError("no text")


def kept_error(upload: Upload) -> list[Exception]:
    try:
        parse(upload)
    except ValueError as error:
        return [error]
    raise AssertionError


def closure(upload: Upload) -> Callable[[], Upload]:
    return lambda: upload


def generator(upload: Upload) -> Iterator[int]:
    def lines() -> Iterator[int]:
        mine = upload
        yield 1
        del mine

    source = lines()
    next(source)
    return source


def of_class(upload: Upload) -> object:
    meta: Any = type("Meta", (type,), {})("OtherMeta", (type,), {"cache": [upload]})
    return meta("Model", (), {})()


def of_thread(upload: Upload) -> threading.local:
    here = threading.local()
    here.file = upload
    return here


def chained_in_untracked(upload: Upload) -> object:
    return {("thread", 1): ("msgpack", upload)}


@alone
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda u: [0, {"file": (u,)}], "[1] → ['file'] → [0]"),
        (lambda u: {u}, "set"),
        (lambda u: collections.deque([*range(777), u]), "[777]"),
        (
            lambda u: collections.defaultdict(int, [*((n, 0) for n in range(777)), ("a", u)]),
            "['a']",
        ),
        (lambda u: type("History", (list,), {"__iter__": None})([*range(777), u]), "[777]"),
        (chained_in_untracked, "[('thread', 1)] → [1]"),
        (Box, "Box.thing"),
        (Slotted, "Slotted.thing"),
        (lambda u: u.close, "method close → self"),
        (functools.partial(functools.partial, print), "partial → [0]"),
        (closure, "function <lambda> → upload"),
        (generator, "generator lines → mine"),
        (lambda u: iter([u]), "list_iterator → [0]"),
        (kept_error, "[0] → ValueError.__traceback__ → frame of parse → upload"),
        (of_thread, "threading.local.file"),
        (lambda u: type("Model", (), {"shelf": {"s": u}})(), "Model.__class__ → class Model.s"),
        (of_class, "Model.__class__ → class Model.__class__ → class OtherMeta.cache → [0]"),
    ],
)
def test_chains_in_words(make: Callable[[Upload], Any], expected: str) -> None:
    held, upload = dropped(make)
    told = chains(asked(upload))
    assert any(line.startswith(f"test_chains_in_words() → held → {expected}") for line in told)
    del held


@alone
def test_every_name_is_told_and_a_picture_draws_what_is_said() -> None:
    one = two = {"first": [Upload("cv.pdf")]}
    holders = who_holds(one["first"][0])
    here = "test_every_name_is_told_and_a_picture_draws_what_is_said()"
    assert chains(holders) == [f"{here} → {name} → ['first'] → [0]" for name in ("one", "two")]
    page, svg = holders._repr_html_(), holders.picture().svg
    assert all(word in svg for word in ("one", "first", "[0]", "Upload", "cv.pdf"))
    assert repr(holders) == str(holders)
    assert "<img" in page
    del two


def test_a_module_and_a_context_hold_too() -> None:
    variable: contextvars.ContextVar[Upload] = contextvars.ContextVar("variable")
    variable.set(Upload("context"))
    assert "context variable variable" in chains(who_holds(variable.get()))
    Upload.registry.append(Upload("module"))
    told = chains(who_holds(Upload.registry[0]))
    assert f"{__name__}.Upload → class Upload.registry → [0]" in told
    Upload.registry.clear()


def test_another_thread_s_function_and_context_hold_too() -> None:
    ready, done = threading.Event(), threading.Event()
    request: contextvars.ContextVar[Upload] = contextvars.ContextVar("request")
    made: list[weakref.ref[Upload]] = []

    def work(mine: Upload) -> None:
        request.set(Upload("elsewhere"))
        made.append(weakref.ref(request.get()))
        ready.set()
        done.wait()

    upload = Upload("in a thread")
    thread = threading.Thread(target=work, args=(upload,))
    thread.start()
    ready.wait()
    holders, elsewhere = who_holds(upload), chains(asked(made[0]))
    done.set()
    thread.join()
    unread = "The locals of a running thread were not looked at."
    assert (unread in str(holders).splitlines()) == (sys.version_info < (3, 13))
    assert ("work() → mine" in chains(holders)) == (sys.version_info >= (3, 13))
    assert "a running thread → Thread._args → [0]" in chains(holders)
    assert any("context variable request" in line for line in elsewhere)
    request.set(here := Upload("here"))
    named = [line for line in chains(who_holds(here)) if "request" in line]
    assert named == ["context variable request"]


@alone
def test_untracked_containers_are_walked_through() -> None:
    blob, inner = b"the words of a user", ("a", 1)
    blobs, outer = {("thread", 1): ("msgpack", blob)}, (inner, 2)
    gc.collect()  # from now on tuples of atoms are untracked: get_referrers does not know them
    here = "test_untracked_containers_are_walked_through()"
    assert f"{here} → blobs → [('thread', 1)] → [1]" in chains(who_holds(blob))
    assert f"{here} → outer → [0]" in chains(who_holds(inner))
    del blobs, outer


@alone
def test_a_finished_task_holds_its_result_and_its_exception() -> None:
    async def work() -> Upload:
        return Upload("made by a task")

    async def fail() -> None:
        raise KeyError(Upload("in an error"))

    async def main() -> list[list[str]]:
        tasks = {asyncio.create_task(work())}
        failed = [asyncio.create_task(fail())]
        await asyncio.wait([*tasks, *failed])
        made = weakref.ref(next(iter(tasks)).result())
        lost = weakref.ref(failed[0].exception().args[0])  # type: ignore[union-attr]
        return [chains(asked(made)), chains(asked(lost))]

    made, lost = asyncio.run(main())
    assert "main() → tasks → set → Task._result" in made
    assert "main() → failed → [0] → Task._exception → KeyError.args[0]" in lost


@alone
def test_a_context_variable_of_a_later_call_is_named() -> None:
    request: contextvars.ContextVar[Upload] = contextvars.ContextVar("request")

    async def main() -> list[str]:
        context = contextvars.Context()
        context.run(request.set, Upload("later"))
        seen = weakref.ref(context[request])
        asyncio.get_running_loop().call_later(60, print, context=context)
        del context
        return chains(asked(seen))

    assert any(line.endswith("context variable request") for line in asyncio.run(main()))


def test_a_finalizer_and_a_cached_method_are_named() -> None:
    class Page:
        @functools.lru_cache  # noqa: B019
        def words(self) -> int:
            return 1

    page = Page()
    page.words()
    seen = weakref.ref(page)
    del page
    here = "test_a_finalizer_and_a_cached_method_are_named()"
    told = chains(who_holds(seen()))
    assert f"{here} → Page → class Page → ['words'] → lru_cache of words → a key → [0]" in told
    Page.words.cache_clear()
    file, upload = dropped(lambda u: weakref.finalize(Box, u.close))
    assert "a finalizer → finalize.func → method close → self" in chains(asked(upload))
    file.detach()


@alone
def test_a_widget_of_the_readers_own_hides_nothing() -> None:
    import ipywidgets

    class View:
        def go(self, *_: object) -> None: ...

    view = View()
    button = ipywidgets.Button()
    button.on_click(view.go)
    seen = weakref.ref(view)
    del view
    told = chains(who_holds(seen()))
    button.close()
    assert any(" → button → Button" in line and "method go → self" in line for line in told)


# -- what no name leads to -----------------------------------------------------------------------


def ring(upload: Upload) -> None:
    upload.ring = [[[[upload]]]]  # type: ignore[attr-defined]


def by_atexit(upload: Upload) -> Callable[[Upload], object]:
    atexit.register(upload.close)
    return lambda upload: atexit.unregister(upload.close)


def by_a_codec(upload: Upload) -> Callable[[Upload], object]:
    codecs.register_error("uploads", upload.close)  # type: ignore[arg-type]
    return lambda _: codecs.register_error("uploads", codecs.strict_errors)


@pytest.mark.parametrize(
    ("hold", "says"),
    [
        (ring, "It is garbage: only a cycle leads to it, and no collection has come by yet."),
        # From 3.14 on the list in which C code has it is shown, too.
        (by_atexit, " → method close → self."),
        (by_a_codec, "expression → ['uploads'] → method close → self."),
    ],
)
def test_what_no_name_leads_to(hold: Callable[[Upload], Any], says: str) -> None:
    gc.disable()
    try:
        let_go, upload = dropped(hold)
        no_name, why, *_ = str(asked(upload)).splitlines()
        if let_go:
            let_go(upload())
    finally:
        gc.enable()
        gc.collect()
    assert no_name == "No name leads to Upload 'cv.pdf'."
    assert why.endswith(says)
    assert upload() is None
    told = str(who_holds(Upload("alone")))
    only = "Only the argument of this call holds it: it dies when the call returns."
    assert told == f"No name leads to Upload 'alone'.\n{only}"


@alone
def test_where_the_search_stops_it_says_so_first_and_gives_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit in ("MOST_LEVELS", "MOST_SWEEPS"):
        monkeypatch.setattr(f"lessons_lib.observe.holding.search.{limit}", 0)
    held, upload = dropped(lambda u: [u])
    told = str(asked(upload))
    assert told.startswith("The search stopped after 0 sweeps")
    assert "Elsewhere no name leads to" in told
    del held


# -- frozen things -------------------------------------------------------------------------------


@pytest.fixture
def frozen() -> Iterator[None]:
    yield
    gc.unfreeze()


SHELF: list[Any] = []


@pytest.mark.usefixtures("frozen")
def test_names_lead_to_frozen_things_and_through_them_to_new_ones() -> None:
    SHELF.append({"first": [Upload("frozen")]})
    gc.freeze()
    SHELF[0]["second"] = Upload("new")
    old, new = chains(who_holds(SHELF[0]["first"][0])), chains(who_holds(SHELF[0]["second"]))
    SHELF.clear()
    assert old == [f"{__name__}.SHELF → [0] → ['first'] → [0]"]
    assert new == [f"{__name__}.SHELF → [0] → ['second']"]


@pytest.mark.usefixtures("frozen")
def test_what_only_frozen_garbage_holds_is_not_called_held_by_c_code() -> None:
    def make(upload: Upload) -> None:
        ring: list[Any] = [upload]
        ring.append(ring)

    gc.disable()
    try:
        _, upload = dropped(make)
        gc.freeze()
        told = str(asked(upload))
    finally:
        gc.unfreeze()
        gc.enable()
        gc.collect()
    assert told.splitlines()[:2] == [
        "No name leads to Upload 'cv.pdf'.",
        "It is held unseen: gc.freeze() hides from the search what it has set aside.",
    ]


# -- many and long chains ------------------------------------------------------------------------


@alone
def test_children_that_lead_back_hide_no_name() -> None:
    root = Upload("root")
    root.children = []  # type: ignore[attr-defined]
    root.children += [Box(root) for _ in range(500)]  # type: ignore[attr-defined]
    root.me = root  # type: ignore[attr-defined]
    registry = {"page": root}
    del root
    here = "test_children_that_lead_back_hide_no_name()"
    told = chains(asked(weakref.ref(registry["page"])))
    assert told == [f"{here} → registry → ['page']"]


@alone
@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_of_thousands_is_followed_to_its_name(backwards: bool) -> None:
    """However it was made: from its end to its head, or in no order at all."""
    boxes = [Box(None) for _ in range(3000)]
    order = boxes if backwards else boxes[::7] + [b for i, b in enumerate(boxes) if i % 7]
    for box, after in itertools.pairwise(order):
        box.thing = after
    order[-1].thing = Upload("at the end")
    head, end = order[0], weakref.ref(order[-1].thing)
    del boxes, order, box, after
    here = "test_a_chain_of_thousands_is_followed_to_its_name()"
    [told] = chains(asked(end))
    assert told.startswith(f"{here} → head → Box.thing → Box.thing")
    assert "→ … 2989 more … →" in told
    del head


@alone
def test_long_chains_that_differ_in_their_middle_are_two() -> None:
    end = Upload("at the end")
    way: dict[str, Any] = {"same": [[[[[[[[end]]]]]]]]}
    head: Any = [{"this": way}, {"that": way}]
    for _ in range(7):
        head = [head]
    seen = weakref.ref(end)
    del end, way
    one, other = chains(asked(seen))
    assert one == other
    assert "head → [0] → [0] → [0] → [0] → [0] → … 7 more … → [0] → [0]" in one
    del head


@alone
def test_a_hundred_holders_are_counted_and_more_are_said_to_be_more() -> None:
    shared = Upload("shared")
    few = {f"holder_{number}": [shared] for number in range(100)}
    kept = [[shared] for _ in range(200)]
    globals().update(few)
    few.clear()
    try:
        told = who_holds(shared)
        assert len(told.chains) == 6
        assert told.at_least
        assert "is held by at least 200 chains:" in str(told)
        assert re.search(r"… and at least \d+ more", str(told))
        kept.clear()
        assert "is held by 101 chains:" in str(who_holds(shared))
    finally:
        for number in range(100):
            del globals()[f"holder_{number}"]


# -- a look changes nothing ----------------------------------------------------------------------


@alone
def test_the_search_leaves_nothing_behind() -> None:
    held, upload = dropped(lambda u: {2**40 + id(u): u})
    first = str(asked(upload))
    assert "Beside these, a weak reference: it keeps nothing alive." in first
    assert not re.search(r"\d{7}|0x", first)  # no words depend on an address
    assert str(asked(upload)) == first
    del held
    assert upload() is None


@alone
def test_classes_are_told_apart_by_identity() -> None:
    class Odd(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        __hash__ = None  # type: ignore[assignment]

    class Text(str, metaclass=Odd):
        __slots__ = ()

    class Thing(metaclass=Odd):
        pass

    thing: Any = Thing()
    thing.text = Text("a text of an odd class")
    assert survivors(Thing) == 1
    assert "thing" in str(who_holds(thing))
    assert "Thing.text" in str(where_is("text of an odd"))
    assert watch(thing).alive


LEAVES_ASYNCIO_ALONE = """
import asyncio, gc
from lessons_lib.observe import who_holds

async def wait():
    loop = asyncio.get_running_loop()
    for _ in range(5):
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        await future

asyncio.run(wait())
held = [(bytes(3), 1)]
gc.collect()
who_holds(held[0][0])
asyncio.run(wait())
gc.get_referrers(held); gc.collect()
print("ended")
"""


def test_the_search_leaves_asyncio_as_it_was() -> None:
    """On CPython 3.12 a look into its module tied a knot that no later search came out of."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_ASYNCIO_ALONE], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "ended\n", done.stderr


def test_two_looks_beside_a_busy_neighbour_say_the_same(
    busy_neighbour: Any, new_things_alone: None
) -> None:
    upload = Upload("beside a neighbour")
    shelf = {"first": [upload], "second": Box(upload)}
    text = {"note": "words that " + "nobody else has"}
    before = chains(who_holds(upload))
    busy_neighbour()
    assert (chains(who_holds(upload)), survivors(Box)) == (before, 1)
    assert "text → ['note']" in str(where_is("that nobody else"))
    life = watch(upload)
    del upload, shelf, text
    assert life.died_by == "reference count"
