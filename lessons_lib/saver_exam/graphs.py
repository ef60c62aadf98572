"""The graphs that some checks run, and that those alone load."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


def _joined(log: list[str], writes: list[list[str]]) -> list[str]:
    return [*log, *(word for words in writes for word in words)]


class _Log(TypedDict):
    log: Annotated[list[str], DeltaChannel(_joined)]


class _Form(TypedDict):
    said: Annotated[list[str], operator.add]


def log_graph(saver: Any) -> Any:
    """Six steps side by side, which log into a channel that is kept as its changes."""
    building = StateGraph(_Log)
    for name in "fbdace":
        building.add_node(name, _says(name))
        building.add_edge(START, name)
    return building.compile(checkpointer=saver)


def _says(name: str) -> Any:
    return lambda state: {"log": [name]}


def form_graph(saver: Any) -> Any:
    """One step that asks two questions."""
    building = StateGraph(_Form)
    building.add_node("ask", lambda state: {"said": [interrupt("name?"), interrupt("age?")]})
    building.add_edge(START, "ask")
    return building.compile(checkpointer=saver)
