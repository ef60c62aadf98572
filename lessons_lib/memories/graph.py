"""The chatbot as a LangGraph graph, its conversations in checkpoints in a SQLite file.

This module loads LangGraph; nothing else in the library does.
"""

from __future__ import annotations

import operator
import sqlite3
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from lessons_lib.memories.chatbot import Message, Model, answered, checked_id, heard, reply

Durability = Literal["sync", "async", "exit"]


class Conversation(TypedDict):
    """The state of a conversation: what a node returns is added to the end."""

    messages: Annotated[list[Message], operator.add]


Graph = CompiledStateGraph[Conversation, None, Conversation, Conversation]


def build(checkpointer: BaseCheckpointSaver[Any] | None, model: Model = reply) -> Graph:
    """Compile the graph: one node that sends the whole conversation to the model.

    >>> from langgraph.checkpoint.memory import InMemorySaver
    >>> graph = build(InMemorySaver())
    >>> done = graph.invoke({"messages": [heard("My name is Ada.")]}, thread("c1"))
    >>> done = graph.invoke({"messages": [heard("What is my name?")]}, thread("c1"))
    >>> done["messages"][-1]["content"]
    'Your name is Ada.'
    """

    def answer(state: Conversation) -> Conversation:
        return {"messages": [answered(model(state["messages"]))]}

    builder = StateGraph(Conversation)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=checkpointer)


def thread(conversation: str) -> RunnableConfig:
    """Return the config that leads to a conversation: the key of its checkpoints."""
    return {"configurable": {"thread_id": checked_id(conversation)}}


class GraphBot:
    """The chatbot on a checkpointed graph: a conversation is remembered while its file is.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> bot = GraphBot(folder.name)
    >>> bot.say("My name is Ada.")
    'Hello, Ada.'
    >>> bot.close(); del bot
    >>> bot = GraphBot(folder.name)
    >>> bot.say("What is my name?")
    'Your name is Ada.'
    >>> bot.close(); folder.cleanup()
    """

    def __init__(
        self, folder: Path | str, *, model: Model = reply, durability: Durability = "async"
    ) -> None:
        """Open (or make) `graph.db` in the folder, which is made if it is missing."""
        if durability not in ("sync", "async", "exit"):
            # LangGraph takes any word without a sound, and then behaves as in "async".
            raise ValueError(f"durability is {durability!r}: it can be 'sync', 'async' or 'exit'")
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        # The graph saves in threads of its own; the saver sees to it that one writes at a time.
        self._connection = sqlite3.connect(path / "graph.db", check_same_thread=False)
        self.graph = build(SqliteSaver(self._connection), model)
        self.durability: Durability = durability

    def say(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
    ) -> str:
        """Take a turn. Who speaks (`user`) makes no difference to this memory."""
        turn: Conversation = {"messages": [heard(text, file)]}
        return self._last(self.graph.invoke(turn, thread(conversation), durability=self.durability))

    def half_done(self, conversation: str = "c1") -> bool:
        """Whether the last turn was cut off: its newest checkpoint has tasks that are not over."""
        return bool(self.graph.get_state(thread(conversation)).tasks)

    def resume(self, conversation: str = "c1") -> str:
        """Finish a turn that was cut off, and return its answer.

        Raises ValueError when there is none: asking again would not do anything.
        """
        if not self.half_done(conversation):
            raise ValueError(f"conversation {conversation!r} has no turn to finish: say something")
        return self._last(self.graph.invoke(None, thread(conversation), durability=self.durability))

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved, oldest message first."""
        saved: dict[str, list[Message]] = self.graph.get_state(thread(conversation)).values
        return saved.get("messages", [])

    def close(self) -> None:
        """Close the file. The conversations stay in it."""
        self._connection.close()

    @staticmethod
    def _last(state: Any) -> str:
        text: str = state["messages"][-1]["content"]
        return text
