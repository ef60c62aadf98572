"""The graphs that the tests kill: an order of five steps, and one of two parallel branches.

No annotations as text here: LangGraph reads those of `Order` in a child, where it has no module.
"""

import operator
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from lessons_lib.memories import moment
from lessons_lib.memories.slow_disk import SlowDisk

ORDER: RunnableConfig = {"configurable": {"thread_id": "order 1"}}
STEPS = tuple(f"step {number}" for number in range(1, 6))


class Order(TypedDict):
    done: Annotated[list[str], operator.add]


def node(name: str) -> Any:
    def work(state: Order) -> Order:
        moment(name)
        return {"done": [name]}

    return work


def five_steps(saver: SqliteSaver) -> Any:
    builder = StateGraph(Order)
    for before, name in zip((START, *STEPS), STEPS, strict=False):
        builder.add_node(name, node(name))
        builder.add_edge(before, name)
    return builder.compile(checkpointer=saver)


def two_branches(saver: SqliteSaver) -> Any:
    builder = StateGraph(Order)
    for name in ("mail", "print"):
        builder.add_node(name, node(name))
        builder.add_edge(START, name)
    return builder.compile(checkpointer=saver)


def opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "orders.db", check_same_thread=False)


def fast(folder: Path) -> SqliteSaver:
    return SqliteSaver(opened(folder))


def slow(folder: Path, checkpoints: int = 1) -> SlowDisk:
    return SlowDisk(opened(folder), checkpoints=checkpoints)


class Telling(SqliteSaver):
    """Passes a moment when what the branch `mail` wrote is on the disk."""

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        super().put_writes(config, writes, task_id, task_path)
        if task_path.endswith("mail"):
            moment("mail saved")


class Held(SqliteSaver):
    """Never gets to save what the branch `mail` wrote."""

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        if task_path.endswith("mail"):
            moment("mail waits for the disk")
            threading.Event().wait()
        super().put_writes(config, writes, task_id, task_path)


SHAPES = {
    "chain": (("a",), ("b",), ("c",)),
    "branches": (("a",), ("b branch 1", "b branch 2", "b branch 3"), ("c",)),
}
"""The nodes of a turn, super-step by super-step."""


def begun(done: Sequence[str]) -> int:
    """How many turns were begun."""
    return sum(" " not in name.removeprefix("turn ") for name in done)


def whole(shape: str, turns: int) -> list[str]:
    """What is done when so many turns are over: each begins with its number."""
    names = ["", *(f" {name}" for step in SHAPES[shape] for name in step)]
    return [f"turn {number}{name}" for number in range(1, turns + 1) for name in names]


def turns(shape: str, *, join: bool = False) -> Callable[[SqliteSaver], Any]:
    """The graph of one turn, to be compiled with a saver.

    Branches lead to the next step by an edge each; or, with `join`, by one edge that waits for all.
    """

    def taking_part(name: str) -> Any:
        def work(state: Order) -> Order:
            this = f"turn {begun(state['done'])} {name}"
            moment(this)
            return {"done": [this]}

        return work

    def compiled(saver: SqliteSaver) -> Any:
        builder = StateGraph(Order)
        before: tuple[str, ...] = (START,)
        for step in SHAPES[shape]:
            for name in step:
                builder.add_node(name, taking_part(name))
                for start in [list(before)] if join and len(before) > 1 else before:
                    builder.add_edge(start, name)
            before = step
        return builder.compile(checkpointer=saver)

    return compiled
