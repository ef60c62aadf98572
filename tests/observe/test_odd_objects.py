"""Objects that do not want to be looked at, and programs that are not what they seem.

The instruments call no code of the reader's, and say in one sentence what they cannot do.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import weakref
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from lessons_lib.memories.places import held
from lessons_lib.observe import (
    Table,
    aliases,
    compare_growth,
    grown,
    growth,
    history,
    kept_by_line,
    measure,
    round_trip,
    step,
    storage,
    survivors,
    time_machine,
    where_is,
    who_holds,
)
from tests.observe.graphs import ADA, complaint, counted


class Box:
    """A thing that holds others."""


class Lazy:
    """A stand-in for a proxy that loads what it stands for when it is asked for its class."""

    asked = 0

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        Lazy.asked += 1
        raise RuntimeError("loaded")


class Dumb:
    """A class that cannot say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def dead_proxy() -> Any:
    """A weak proxy whose object is gone: whatever is asked of it raises ReferenceError."""
    return weakref.proxy(Box())


@pytest.mark.usefixtures("new_things_alone")
def test_a_dead_proxy_is_walked_past_and_no_property_of_the_readers_is_called() -> None:
    told = str(step("import weakref\nclass A: pass\na = A()\np = weakref.proxy(a)\ndel a"))
    assert "A died, by reference count" in told
    box: Any = Box()
    box.proxy, box.lazy, box.it, box.text = (
        dead_proxy(),
        Lazy(),
        Box(),
        "a text beside a dead proxy",
    )
    before = Lazy.asked
    str(step("x = box\ny = [x]", box=box))
    assert "box" in str(who_holds(box.it))
    assert "beside a dead" in str(where_is("text beside a dead proxy"))
    assert [held(box, "beside"), held({"Ada": 1}, "Ada")] == [1, 1]
    assert Lazy.asked == before


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([[]] * 2, "a copy of its own"),
        (deque([*range(50), (1, 2)]), "tuple"),
    ],
)
def test_a_change_deep_inside_or_of_an_empty_part_is_noticed(value: object, says: str) -> None:
    found = round_trip(value)
    assert not found
    assert says in str(found)


def test_long_keys_are_compared_to_their_end() -> None:
    class Ends:
        """A serialiser that changes the end of a text."""

        def dumps(self, value: Any) -> str:
            return json.dumps(value).replace("end", "END")

        def loads(self, text: str) -> Any:
            return json.loads(text)

    assert not round_trip({"k" * 60 + "end": 1}, Ends())


async def later(*_: object) -> int:
    """Work that is only done when it is awaited."""
    return 1


@pytest.mark.parametrize(
    "look",
    [
        lambda: measure(later),
        lambda: grown(later),
        lambda: kept_by_line(later),
        lambda: growth(later, [1, 2, 4]),
        lambda: growth(later, [1, 2, 4], of=float),
    ],
)
def test_an_async_function_has_not_done_its_work(look: Any) -> None:
    with pytest.raises(TypeError, match=r"later is async and nothing of it ran"):
        look()
    assert asyncio.run(later()) == 1


def test_a_task_has_not_done_its_work_before_its_loop_comes_to_it() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"later is async and nothing of it ran"):
            measure(lambda: asyncio.create_task(later()))

    asyncio.run(main())


def test_survivors_does_not_ask_a_metaclass() -> None:
    class Meta(type):
        def __subclasscheck__(cls, other: type) -> bool:
            raise RuntimeError("asked")

    class Shape(metaclass=Meta):
        pass

    shape = Shape()
    assert survivors(Shape) == 1
    del shape


def test_aliases_writes_nothing_into_a_strangers_database(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "mine.db", check_same_thread=False)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    aliases(complaint(SqliteSaver(connection)), {"log": []}, ADA)
    names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert (names, mode) == ([("mine",)], "delete")


def test_a_machine_whose_thread_was_deleted_says_so() -> None:
    graph = counted(InMemorySaver(), 2)
    machine = time_machine(graph, ADA)
    assert len(machine) > 2
    graph.checkpointer.delete_thread("ada")
    for look in (machine.read_again, machine.read_older):
        with pytest.raises(ValueError, match=r"holds no checkpoint at all, expected some of"):
            look()
    assert repr(machine) == "TimeMachine(thread 'ada', 4 checkpoints)"


@pytest.mark.parametrize("id", [None, 0])
def test_a_thread_whose_id_stays_as_it_is_is_found_in_memory(id: object) -> None:
    graph, nobody = complaint(InMemorySaver()), {"configurable": {"thread_id": id}}
    graph.invoke({"log": ["smoke"]}, nobody)
    assert len(history(graph, nobody)) == 4
    assert aliases(graph, Command(resume="yes"), nobody).ran == ("ask", "send", "send")
    with pytest.raises(ValueError, match=f"would write to '{id}'"):
        time_machine(graph, nobody).fork(1, {"log": []}, as_node="find")
    assert list(graph.checkpointer.storage) == [id]


def test_a_value_that_cannot_say_what_it_is_is_told_by_its_class() -> None:
    from lessons_lib.observe.checkpoints.differences import show

    assert show(Dumb()) == "<Dumb, whose repr fails>"


def test_a_fork_names_a_channel_that_is_not_there() -> None:
    machine = time_machine(counted(InMemorySaver(), 2), ADA)
    count = len(machine)
    with pytest.raises(ValueError, match="the state has no 'lgo'"):
        machine.fork(1, {"lgo": ["typo"]})
    machine.read_again()
    assert len(machine) == count


def test_steps_are_counted_before_they_are_said_to_be_too_many() -> None:
    assert "stopped" not in step("x = 1", max_steps=1).recording.note
    assert "stopped" in step("x = 1\ny = 2", max_steps=1).recording.note


def test_growths_of_different_sizes_are_not_drawn_over_one_axis() -> None:
    few = growth(lambda n: range(n), [10, 20, 40], of=len)
    many = growth(lambda n: range(n), [100, 200, 400], of=len)
    with pytest.raises(ValueError, match="different sizes"):
        compare_growth({"few": few, "many": many}, "things")
    with pytest.raises(TypeError, match="no dictionary of growths"):
        compare_growth(3)  # type: ignore[arg-type]
    rows: Any = ((number,) for number in [7])
    assert "7" in str(Table(("n",), rows))


def test_a_graph_without_a_saver_has_nothing_to_weigh() -> None:
    with pytest.raises(ValueError, match=r"saver|checkpointer"):
        storage(complaint(None))


def test_what_holds_a_thing_is_escaped() -> None:
    box: Any = Box()
    waiting = (one for one in [box])
    copy = (thing for thing in [box] if next(waiting))
    next(copy)
    page = who_holds(box)._repr_html_()
    assert "<genexpr>" not in page


@pytest.mark.parametrize(
    ("snippet", "more", "says"),
    [
        (5, {}, "5 is no snippet, expected lines of Python in a text"),
        ("x = 1", {"max_steps": "a"}, "max_steps='a', expected a whole number"),
        ("x = 1", {"max_steps": 0}, "max_steps=0, expected a whole number"),
        ("x = 1", {"show": 3}, r"show=3, expected the numbers of steps: give \[3\]"),
        ("x = 1", {"show": ["a"]}, "show has the step 'a', expected numbers from 1 to 1"),
    ],
)
def test_what_cannot_be_stepped_through_is_one_sentence(
    snippet: Any, more: dict[str, Any], says: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        step(snippet, **more)
