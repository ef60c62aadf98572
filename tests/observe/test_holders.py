"""who_holds: every kind of holder, in the same words on every Python."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextvars
import functools
import gc
import itertools
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lessons_lib.observe import survivors, watch, where_is, who_holds
from lessons_lib.observe.holding.holders import Holders


class Upload:
    registry: list[object] = []  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        pass


def parse(upload: Upload) -> None:
    raise ValueError("no text")


def chains(holders: Holders) -> list[str]:
    return [str(chain) for chain in holders.chains]


def dropped(make: Callable[[Upload], Any]) -> tuple[Any, weakref.ref[Upload]]:
    """Hand an upload to something that may hold it, and let go of it here."""
    upload = Upload("cv.pdf")
    return make(upload), weakref.ref(upload)


def asked(reference: weakref.ref[Upload]) -> Holders:
    return who_holds(reference())


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


class Box:
    def __init__(self, thing: object) -> None:
        self.thing = thing


class Slotted:
    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda u: [0, {"file": (u,)}], "held → [1] → ['file'] → [0]"),
        (lambda u: {u}, "held → set"),
        (Box, "held → Box.thing"),
        (Slotted, "held → Slotted.thing"),
        (lambda u: u.close, "held → method close → self"),
        (functools.partial(functools.partial, print), "held → partial → [0]"),
        (closure, "held → function <lambda> → upload"),
        (lambda u: iter([u]), "held → list_iterator → [0]"),
        (kept_error, "held → [0] → ValueError.__traceback__ → frame of parse → upload"),
    ],
)
def test_chains_in_words(make: Callable[[Upload], Any], expected: str) -> None:
    held, upload = dropped(make)
    told = chains(asked(upload))
    function = "test_chains_in_words()"
    assert f"{function} → {expected}" in told
    del held


def test_a_suspended_generator_holds_its_locals() -> None:
    held, upload = dropped(generator)
    told = chains(asked(upload))
    assert "test_a_suspended_generator_holds_its_locals() → held → generator lines → mine" in told
    held.close()


def test_every_name_is_told() -> None:
    one = two = Upload("two names")
    told = chains(who_holds(one))
    assert [line.rpartition(" → ")[2] for line in told] == ["one", "two"]
    del two


def test_a_module_a_context_and_a_thread_hold_too() -> None:
    variable: contextvars.ContextVar[Upload] = contextvars.ContextVar("variable")
    variable.set(Upload("context"))
    assert "context variable variable" in chains(who_holds(variable.get()))
    Upload.registry.append(Upload("module"))
    told = chains(who_holds(Upload.registry[0]))
    assert f"{__name__}.Upload → class Upload.registry → [0]" in told
    Upload.registry.clear()
    local = threading.local()
    local.file = Upload("thread")
    assert any("threading.local.file" in line for line in chains(who_holds(local.file)))


def test_another_thread_s_function_holds_its_argument() -> None:
    ready, done = threading.Event(), threading.Event()

    def work(mine: Upload) -> None:
        ready.set()
        done.wait()

    upload = Upload("in a thread")
    thread = threading.Thread(target=work, args=(upload,))
    thread.start()
    ready.wait()
    holders = who_holds(upload)
    told = chains(holders)
    done.set()
    thread.join()
    unread = "The locals of a running thread were not looked at."
    assert (unread in str(holders).splitlines()) == (sys.version_info < (3, 13))
    assert ("work() → mine" in told) == (sys.version_info >= (3, 13))
    assert "a running thread → Thread._args → [0]" in told


def test_untracked_containers_are_walked_through() -> None:
    blob = b"the words of a user"
    blobs = {("thread", 1): ("msgpack", blob)}
    gc.collect()  # from now on the inner tuple is untracked: get_referrers does not know it
    told = chains(who_holds(blob))
    name = "test_untracked_containers_are_walked_through()"
    assert f"{name} → blobs → [('thread', 1)] → [1]" in told
    del blobs


def test_an_untracked_container_is_found_in_an_untracked_one() -> None:
    inner = ("a", 1)
    outer = (inner, 2)
    gc.collect()
    name = "test_an_untracked_container_is_found_in_an_untracked_one()"
    assert f"{name} → outer → [0]" in chains(who_holds(inner))
    del outer


def test_only_the_argument() -> None:
    told = str(who_holds(Upload("alone")))
    assert told.splitlines() == [
        "No name leads to Upload 'alone'.",
        "Only the argument of this call holds it: it dies when the call returns.",
    ]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_garbage_is_called_garbage(depth: int) -> None:
    def make(upload: Upload) -> None:
        ring: list[Any] = [upload]
        for _ in range(depth):
            ring = [ring]
        upload.ring = ring  # type: ignore[attr-defined]

    was_on = gc.isenabled()
    gc.disable()
    try:
        _, upload = dropped(make)
        assert "It is garbage: only a cycle leads to it" in str(asked(upload))
    finally:
        gc.collect()
        if was_on:
            gc.enable()


@pytest.fixture
def frozen() -> Iterator[None]:
    yield
    gc.unfreeze()


FROZEN_SHELF: list[object] = []


@pytest.mark.usefixtures("frozen")
def test_what_gc_freeze_has_set_aside_is_found() -> None:
    FROZEN_SHELF.append({"first": [Upload("frozen")]})
    before = chains(who_holds(FROZEN_SHELF[0]["first"][0]))  # type: ignore[index]
    gc.freeze()
    upload = FROZEN_SHELF[0]["first"][0]  # type: ignore[index]
    after = chains(who_holds(upload))
    FROZEN_SHELF.clear()
    function = "test_what_gc_freeze_has_set_aside_is_found()"
    chain = "FROZEN_SHELF → [0] → ['first'] → [0]"
    assert before == [f"{__name__}.{chain}"]
    assert after == [f"{function} → upload", f"{__name__}.{chain}"]


@pytest.mark.usefixtures("frozen")
def test_a_chain_may_lead_through_frozen_things_and_new_ones() -> None:
    FROZEN_SHELF.append([])
    gc.freeze()
    FROZEN_SHELF[0].append(Upload("new"))  # type: ignore[attr-defined]
    told = chains(who_holds(FROZEN_SHELF[0][0]))  # type: ignore[index]
    FROZEN_SHELF.clear()
    assert told == [f"{__name__}.FROZEN_SHELF → [0] → [0]"]


@pytest.mark.usefixtures("frozen")
def test_what_only_frozen_garbage_holds_is_not_called_held_by_c_code() -> None:
    def make(upload: Upload) -> None:
        ring: list[Any] = [upload]
        ring.append(ring)

    was_on = gc.isenabled()
    gc.disable()
    try:
        _, upload = dropped(make)
        gc.freeze()
        told = str(asked(upload))
    finally:
        gc.unfreeze()
        gc.collect()
        if was_on:
            gc.enable()
    assert told.splitlines()[:2] == [
        "No name leads to Upload 'cv.pdf'.",
        "It is held unseen: gc.freeze() hides from the search what it has set aside.",
    ]


def test_weak_references_are_told_apart() -> None:
    held, upload = dropped(lambda u: [u])
    assert "Beside these, a weak reference: it keeps nothing alive." in str(asked(upload))
    del held


def test_chains_are_bounded_and_counted() -> None:
    many = [[Upload("shared")]]
    for _ in range(20):
        many.append([many[0][0]])
    told = who_holds(many[0][0])
    assert len(told.chains) == 6
    assert re.search(r"… and \d+ more", str(told))


def test_the_search_leaves_nothing_behind() -> None:
    held, upload = dropped(lambda u: [u])
    first = str(asked(upload))
    assert str(asked(upload)) == first
    del held
    assert upload() is None


def test_the_search_puts_the_collector_back() -> None:
    was_on = gc.isenabled()
    gc.enable()
    who_holds(Upload("x"))
    assert gc.isenabled()
    if not was_on:
        gc.disable()


def test_no_words_depend_on_an_address() -> None:
    table = {2**40 + id(object()): Upload("by number")}
    told = str(who_holds(next(iter(table.values()))))
    assert not re.search(r"\d{7}|0x", told)


def test_it_draws_what_it_says() -> None:
    held, upload = dropped(lambda u: {"first": [u]})
    holders = asked(upload)
    svg = holders.picture().svg
    for word in ("held", "first", "[0]", "Upload", "cv.pdf"):
        assert word in svg
    bundle = holders._repr_mimebundle_()
    assert bundle["text/plain"] == str(holders)
    assert "<img" in bundle["text/html"]
    del held


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


# -- what other people's programs are like -------------------------------------------------------


class Child:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        parent.children.append(self)


def test_children_that_lead_back_hide_no_name() -> None:
    root: Any = Upload("root")
    root.children = []
    for _ in range(500):
        Child(root)
    registry = {"page": root}
    del root
    here = "test_children_that_lead_back_hide_no_name()"
    assert chains(asked(weakref.ref(registry["page"])))[0] == f"{here} → registry → ['page']"


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


def test_a_hundred_holders_are_counted_and_more_are_said_to_be_more() -> None:
    shared = Upload("shared")
    names = {f"holder_{number}": [shared] for number in range(300)}
    globals().update({name: names[name] for name in list(names)[:100]})
    few = {name: names.pop(name) for name in list(names)[:100]}
    kept = list(names.values())
    names.clear()
    try:
        told = who_holds(shared)
        assert told.at_least
        assert "is held by at least 200 chains:" in str(told)
        kept.clear()
        few.clear()
        assert "is held by 101 chains:" in str(who_holds(shared))
    finally:
        for number in range(100):
            del globals()[f"holder_{number}"]


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


def test_an_instance_leads_to_its_class_and_that_to_its_own() -> None:
    class Meta(type):
        pass

    def make(held: Upload) -> object:
        meta = Meta("OtherMeta", (type,), {"cache": [held]})
        return meta("Model", (), {"shelf": {"s": held}})()

    kept, upload = dropped(lambda u: {"ada": make(u)})
    here = "test_an_instance_leads_to_its_class_and_that_to_its_own()"
    assert chains(asked(upload)) == [
        f"{here} → kept → ['ada'] → Model.__class__ → class Model.shelf → ['s']",
        f"{here} → kept → ['ada'] → Model.__class__ → class Model.__class__ → "
        "class OtherMeta.cache → [0]",
    ]
    del kept


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


def by_atexit(close: Any) -> Callable[[Any], object]:
    atexit.register(close)
    return atexit.unregister


def by_a_codec(close: Any) -> Callable[[Any], object]:
    codecs.register_error("uploads", close)
    return lambda close: codecs.register_error("uploads", codecs.strict_errors)


def by_a_signal(close: Any) -> Callable[[Any], object]:
    before = signal.signal(signal.SIGTERM, close)
    return lambda close: signal.signal(signal.SIGTERM, before)


def by_a_database(close: Any) -> Callable[[Any], object]:
    connection = sqlite3.connect(":memory:")
    connection.create_function("close", 0, close)
    return lambda close: connection.close()


@pytest.mark.parametrize(
    ("hold", "first"),
    [(by_atexit, ""), (by_a_codec, "['uploads'] → "), (by_a_signal, ""), (by_a_database, "")],
)
def test_what_c_code_holds_is_told_as_far_as_it_goes(hold: Any, first: str) -> None:
    let_go, upload = dropped(lambda u: hold(u.close))
    told = str(asked(upload))
    let_go(upload().close)  # type: ignore[union-attr]
    assert told.startswith("No name leads to Upload 'cv.pdf'.\nIt is held unseen, by C code")
    assert f"→ {first}method close → self." in told


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


def test_a_context_variable_is_named_wherever_it_has_its_value() -> None:
    request: contextvars.ContextVar[Upload] = contextvars.ContextVar("request")

    async def main() -> list[str]:
        context = contextvars.Context()
        context.run(request.set, Upload("later"))
        seen = weakref.ref(context[request])
        asyncio.get_running_loop().call_later(60, print, context=context)
        del context
        return chains(asked(seen))

    assert any(line.endswith("context variable request") for line in asyncio.run(main()))
    ready, done = threading.Event(), threading.Event()
    made: list[weakref.ref[Upload]] = []

    def work() -> None:
        request.set(Upload("elsewhere"))
        made.append(weakref.ref(request.get()))
        ready.set()
        done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    told = chains(asked(made[0]))
    done.set()
    thread.join()
    assert any("context variable request" in line for line in told)


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


def test_two_looks_beside_a_busy_neighbour_say_the_same(busy_neighbour: Any) -> None:
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
