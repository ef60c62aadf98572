"""Small graphs and savers for the tests of what looks at checkpoints."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt

ADA: Any = {"configurable": {"thread_id": "ada"}}


class Complaint(TypedDict, total=False):
    """What a customer's complaint goes through."""

    log: Annotated[list[str], operator.add]
    order: dict[str, Any]
    part: int


def find(state: Complaint) -> Complaint:
    return {"log": ["found"], "order": {"id": "A-1", "price": 10}}


def draft(state: Complaint) -> Complaint:
    return {"log": ["drafted"]}


def check(state: Complaint) -> Complaint:
    return {"order": {"id": "A-1", "price": 12}}


def ask(state: Complaint) -> Complaint:
    return {"log": [interrupt("send it?")]}


def parts(state: Complaint) -> list[Send]:
    return [Send("send", {"part": number}) for number in (1, 2)]


def send(state: Complaint) -> Complaint:
    return {"log": [f"sent part {state['part']}"]}


def complaint(saver: Any) -> Any:
    """find, then draft and check side by side, then ask a human, then send two parts."""
    builder = StateGraph(Complaint)
    for node in (find, draft, check, ask, send):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "find")
    builder.add_edge("find", "draft")
    builder.add_edge("find", "check")
    builder.add_edge(["draft", "check"], "ask")
    builder.add_conditional_edges("ask", parts, ["send"])
    builder.add_edge("send", END)
    return builder.compile(checkpointer=saver)


def counter(saver: Any, until: int) -> Any:
    """One node that counts up, a step each, and keeps the last three numbers."""

    def count(state: Count) -> Count:
        return {"n": state["n"] + 1, "last": [*state["last"], state["n"]][-3:]}

    builder = StateGraph(Count)
    builder.add_node("count", count)
    builder.add_edge(START, "count")
    builder.add_conditional_edges(
        "count", lambda state: "count" if state["n"] < until else END, ["count", END]
    )
    return builder.compile(checkpointer=saver)


class Count(TypedDict):
    """A number, and the last few."""

    n: int
    last: list[int]


def counted(saver: Any, until: int) -> Any:
    """A counter that has run on Ada's thread."""
    graph = counter(saver, until)
    graph.invoke({"n": 0, "last": []}, ADA | {"recursion_limit": until + 5})
    return graph


class Elsewhere(BaseCheckpointSaver[str]):
    """A saver that offers what every saver must, and nothing to look into."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = InMemorySaver()

    def get_tuple(self, config: Any) -> Any:
        return self._kept.get_tuple(config)

    def list(self, config: Any, **asked: Any) -> Iterator[Any]:
        return self._kept.list(config, **asked)

    def put(self, *given: Any) -> Any:
        return self._kept.put(*given)

    def put_writes(self, *given: Any) -> None:
        self._kept.put_writes(*given)

    def get_next_version(self, current: Any, channel: None) -> str:
        return self._kept.get_next_version(current, channel)


def open_sqlite(path: Path, timeout: float = 5) -> SqliteSaver:
    """A saver on a file; close its `conn`."""
    return SqliteSaver(sqlite3.connect(path, check_same_thread=False, timeout=timeout))
