"""The graphs that the tests kill: an order of five steps, and one of two parallel branches.

No annotations as text here: LangGraph reads those of `Order` in a child, where it has no module.
"""

import operator
import sqlite3
import threading
from collections.abc import Sequence
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
