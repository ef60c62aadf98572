"""survivors and watch."""

from __future__ import annotations

import gc
import threading

import pytest

from lessons_lib.observe import live, survivors, watch, who_holds


class Node:
    name = "class attribute"


class Leaf(Node):
    __slots__ = ()


def test_survivors_counts_subclasses_too_and_of_what_is_frozen_what_has_a_name() -> None:
    node = Node()
    gc.freeze()
    try:
        leaf = Leaf()
        assert (survivors(Node), survivors(Leaf)) == (2, 1)
    finally:
        gc.unfreeze()
    del node
    assert survivors(Node) == 1
    del leaf


def test_a_loop_over_the_living_ones_is_no_holder() -> None:
    class Page: ...

    kept = [Page()]
    [held] = [str(who_holds(page)) for page in live(Page)]
    assert "kept → [0]" in held
    assert "generator" not in held
    del kept


def test_a_lifeline_tells_by_which_hand() -> None:
    counted, ring = Node(), Node()
    ring.me = ring  # type: ignore[attr-defined]
    lives = watch(counted, "counted"), watch(ring)
    assert [str(life) for life in lives] == ["counted: alive", "Node: alive"]
    del counted
    assert (lives[0].alive, lives[0].died_by) == (False, "reference count")
    del ring
    gc.collect()
    assert str(lives[1]) == "Node: died by the collector"


@pytest.mark.parametrize("thing", [[], {}, 3, "text", (1,)])
def test_what_takes_no_weak_reference_is_one_clear_sentence(thing: object) -> None:
    with pytest.raises(TypeError, match=f"{type(thing).__name__} takes no weak reference"):
        watch(thing)


def test_classes_that_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="the collector does not know instances of int"):
        survivors(int)
    with pytest.raises(TypeError, match="'Node' is no class, expected one"):
        survivors("Node")  # type: ignore[arg-type]


def test_a_death_beside_a_collection_of_another_thread_is_told_right() -> None:
    """The collector at work in another thread has let this one in, by a finalizer of its own."""
    inside, go_on = threading.Event(), threading.Event()

    class Slow:
        def __del__(self) -> None:
            inside.set()
            go_on.wait()

    def collect() -> None:
        slow = Slow()
        slow.me = slow  # type: ignore[attr-defined]
        del slow
        gc.collect()

    node = Node()
    life = watch(node)
    thread = threading.Thread(target=collect)
    thread.start()
    inside.wait()
    del node
    go_on.set()
    thread.join()
    assert life.died_by == "reference count"
