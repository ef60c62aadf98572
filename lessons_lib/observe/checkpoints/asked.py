"""What an instrument for graphs is given, looked at before anything is read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..pictures.style import said_of, shorten

Config = dict[str, Any]


def saver_of(graph: Any) -> Any:
    """The checkpointer of a compiled graph; TypeError for no graph, ValueError for no saver."""
    require_graph(graph)
    saver = graph.checkpointer
    if callable(getattr(saver, "get_tuple", None)):
        return saver
    raise ValueError(
        f"the graph's checkpointer is {saver!r}, expected a saver, since without one nothing is "
        "kept: compile(checkpointer=InMemorySaver())"
    )


def require_graph(graph: Any) -> None:
    """Raise TypeError when `graph` is no compiled graph."""
    if callable(getattr(graph, "get_state_history", None)) and hasattr(graph, "checkpointer"):
        return
    if callable(getattr(graph, "compile", None)):
        raise TypeError(
            f"a {type(graph).__name__} is not compiled yet, expected a compiled graph: "
            "give builder.compile(checkpointer=…)"
        )
    raise TypeError(
        f"{shorten(said_of(graph), 40)} is no graph, expected a compiled one: "
        "give what builder.compile(checkpointer=…) returned"
    )


def place_of(config: Any) -> tuple[str, str, str]:
    """The thread's id, the namespace and the checkpoint's id in a config; the last may be empty.

    >>> place_of({"configurable": {"thread_id": 7}})
    ('7', '', '')
    """
    inner = config.get("configurable") if isinstance(config, Mapping) else None
    if not isinstance(inner, Mapping) or "thread_id" not in inner:
        raise ValueError(
            f"the config {config!r} names no thread, expected a thread_id in it: "
            'give {"configurable": {"thread_id": "ada"}}'
        )
    return (
        str(inner["thread_id"]),
        inner.get("checkpoint_ns") or "",
        inner.get("checkpoint_id") or "",
    )


def is_memory(saver: object) -> bool:
    """Whether it is LangGraph's InMemorySaver; LangGraph is not loaded to find out."""
    return _is(saver, "langgraph.checkpoint.memory", "InMemorySaver")


def is_sqlite(saver: object) -> bool:
    """Whether it is LangGraph's SqliteSaver; LangGraph is not loaded to find out."""
    return _is(saver, "langgraph.checkpoint.sqlite", "SqliteSaver")


def _is(saver: object, module: str, name: str) -> bool:
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(saver, cls)
