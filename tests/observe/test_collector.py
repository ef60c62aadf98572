"""What the collector did, told by its own events."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lessons_lib.observe import CollectorLog, collector_off, watch_collector
from lessons_lib.observe.measuring.collector import MAX_LINES, Collection

from .heap import small_heap as small_heap


class Node:
    """Something that can hold itself."""

    def __init__(self) -> None:
        self.me = self


class Leaf(Node):
    pass


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    gc.collect()
    was_on = gc.isenabled()
    yield
    assert gc.isenabled() == was_on
    gc.collect()


def ask() -> None:
    gc.collect()


def test_each_collection_says_where_it_came_and_what_it_freed() -> None:
    with collector_off(), watch_collector(Node, Leaf) as log:
        for kind in (Node, Node, Leaf):
            kind()
        ask()
        ask()
    line = ask.__code__.co_firstlineno + 1
    assert str(log) == (
        "The collector ran twice:\n"
        f"  1. generation 2, in ask(), line {line}: freed 3 Node, 1 Leaf\n"
        f"  2. generation 2, in ask(), line {line}: freed 0 Node, 0 Leaf"
    )
    assert (log.freed(Node), log.freed(Leaf)) == (3, 1)
    assert log.collections[0].collected >= 3
    assert all(run.seconds > 0 for run in log)


def test_counting_frees_without_the_collector() -> None:
    with collector_off(), watch_collector(Node) as log:
        node = Node()
        del node.me, node
    assert str(log) == repr(log) == "The collector did not run."
    assert log.freed(Node) == 0
    assert log._repr_html_() is None


def test_left_to_itself_it_runs_and_every_cycle_is_counted_once() -> None:
    gc.enable()
    with watch_collector(Node) as log:
        for _ in range(20_000):
            Node()
        by_itself = len(log)
        gc.collect()
    assert by_itself > 0
    assert log.freed(Node) == 20_000
    assert log.collections[-1].generation == 2


def test_what_a_finalizer_saves_was_not_freed() -> None:
    saved: list[object] = []

    class Phoenix(Node):
        def __del__(self) -> None:
            saved.append(self)

    with collector_off(), watch_collector(Phoenix) as log:
        Phoenix()
        gc.collect()
        assert log.freed(Phoenix) == 0
        saved.clear()
        gc.collect()
    assert log.freed(Phoenix) == 1


def test_many_collections_are_summed_by_generation() -> None:
    with collector_off(), watch_collector(Node) as log:
        for _ in range(MAX_LINES):
            Node()
            gc.collect(0)
        gc.collect()
    assert len(log) == MAX_LINES + 1
    lines = str(log).splitlines()
    assert lines[0] == f"The collector ran {MAX_LINES + 1} times:"
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"  generation 0: {MAX_LINES} times",
        "  generation 2: once",
    ]
    assert sum(int(n) for n in re.findall(r"freed (\d+) Node", str(log))) == MAX_LINES


def test_all_is_as_it_was_afterwards_also_after_an_error() -> None:
    callbacks = list(gc.callbacks)
    with pytest.raises(ZeroDivisionError), watch_collector(), collector_off():
        len(gc.callbacks) == len(callbacks) + 1 and 1 / 0
    assert gc.callbacks == callbacks
    with collector_off(), collector_off():
        pass
    gc.disable()
    try:
        with collector_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_beside_a_busy_neighbour(busy_neighbour: Callable[..., None]) -> None:
    """Others make cycles: what it says of a class of ours is certain while they do not collect."""
    busy_neighbour()
    with collector_off(), watch_collector(Node) as log:
        while not any("in ask()" in run.where for run in log):
            ask()  # Python does nothing where another thread's collection is still under way
        for _ in range(2_000):
            Node()
        ask()
    assert log.freed(Node) == 2_000
    assert log.collections[-1].freed == (("Node", 2_000),)
    assert "in ask()" in log.collections[-1].where


def test_two_logs_side_by_side() -> None:
    with collector_off(), watch_collector(Node) as outer:
        gc.collect()
        with watch_collector() as inner:
            Node()
            gc.collect()
    assert (len(outer), len(inner), outer.freed(Node)) == (2, 1, 1)


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ([Node()], "<.*> is no class, expected one: give the class, not an instance of it"),
        ([int], "the collector does not know instances of int, expected a class whose"),
        ([], "Node was not watched, expected one of none: begin with"),
    ],
)
def test_what_makes_no_sense_is_one_clear_sentence(classes: list[Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{says}"), watch_collector(*classes) as log:
        log.freed(Node)


def test_a_class_is_known_by_itself_and_not_by_its_equality() -> None:
    class Meta(type):
        __hash__ = type.__hash__

        def __eq__(cls, other: object) -> bool:
            return True

    one, other = Meta("One", (Node,), {}), Meta("Other", (Node,), {})
    log = CollectorLog((one, other), [Collection(2, "in line 1", (("One", 0), ("Other", 1)))])
    assert (log.freed(one), log.freed(other)) == (0, 1)
