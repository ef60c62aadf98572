"""who_holds: every kind of holder, in the same words on every Python."""

from __future__ import annotations

import contextvars
import functools
import gc
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lessons_lib.observe import who_holds
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
