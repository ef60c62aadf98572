"""A fault of LangGraph 1.2 that kills at random moments have found, pinned down: a join is lost.

No annotations as text here: LangGraph reads those of `Order` in a child, where it has no module.
"""

import operator
import sqlite3
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from lessons_lib.memories import crash, moment

ORDER: RunnableConfig = {"configurable": {"thread_id": "order 1"}}


class Order(TypedDict):
    done: Annotated[list[str], operator.add]


class Late(SqliteSaver):
    """Saves the checkpoint before the branches when what follows them has begun, and no other."""

    def __init__(self, connection: Any, begun: threading.Event) -> None:
        super().__init__(connection)
        self.begun, self.checkpoints = begun, 0

    def put(self, *arguments: Any) -> RunnableConfig:
        self.checkpoints += 1
        if self.checkpoints == 2:
            self.begun.wait()
        elif self.checkpoints > 2:
            threading.Event().wait()
        saved = super().put(*arguments)
        if self.checkpoints == 2:
            moment("saved late")
        return saved


@pytest.mark.parametrize("join", [False, True])
def test_in_async_a_join_can_be_lost(join: bool) -> None:
    """After a kill, a node that waits for all branches never runs.

    What such a node waits with is saved as it is when the disk comes to it, and not as it was at
    that checkpoint: the branches stand in it as having come already, so that their coming is no
    news. An edge from each branch does not have this fault.
    """

    def graph(saver: SqliteSaver, begun: threading.Event) -> Any:
        def tell(state: Order) -> Order:
            begun.set()
            moment("tell")
            return {"done": ["tell"]}

        builder = StateGraph(Order)
        builder.add_node("tell", tell)
        for name in ("mail", "print"):
            builder.add_node(name, lambda state, name=name: {"done": [name]})
            builder.add_edge(START, name)
            if not join:
                builder.add_edge(name, "tell")
        if join:
            builder.add_edge(["mail", "print"], "tell")
        return builder.compile(checkpointer=saver)

    def opened(folder: Path) -> sqlite3.Connection:
        return sqlite3.connect(folder / "orders.db", check_same_thread=False)

    def first(folder: Path) -> None:
        begun = threading.Event()
        graph(SqliteSaver(opened(folder)), begun).invoke({"done": []}, ORDER)
        begun.clear()
        late = Late(opened(folder), begun)
        graph(late, begun).invoke({"done": []}, ORDER, durability="async")

    def resume(folder: Path) -> list[str]:
        saver = SqliteSaver(opened(folder))
        done: list[str] = graph(saver, threading.Event()).invoke(None, ORDER)["done"]
        return done

    report = crash(first, at="tell", nth=2, after="saved late", then=resume)
    turn = ["mail", "print", "tell"]
    assert report.value == [*turn, *turn[: 2 if join else 3]]
