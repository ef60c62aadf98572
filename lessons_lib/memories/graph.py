"""The chatbot as a LangGraph graph, its conversations in checkpoints: in memory, or in a file."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import Overwrite

from lessons_lib.memories.chatbot import (
    Message,
    Model,
    Step,
    Upload,
    answered,
    checked_folder,
    checked_id,
    heard,
    reply,
    step_due,
)
from lessons_lib.memories.sqlite_files import open_file

Durability = Literal["sync", "async", "exit"]


class Conversation(TypedDict):
    """The state of a conversation: messages are added to the end, the rest is replaced."""

    messages: Annotated[list[Message], operator.add]
    user: str
    """Who spoke last."""
    left: list[str]
    """The steps of a longer turn that are not done yet."""


Graph = CompiledStateGraph[Any, Any, Any, Any]


def build(checkpointer: BaseCheckpointSaver[Any] | None, model: Model = reply) -> Graph:
    """Compile the graph: one node that sends the whole conversation to the model.

    >>> graph = build(InMemorySaver())
    >>> done = graph.invoke({"messages": [heard("My name is Ada.")]}, thread("c1"))
    >>> done = graph.invoke({"messages": [heard("What is my name?")]}, thread("c1"))
    >>> done["messages"][-1]["content"]
    'Your name is Ada.'
    """

    def answer(state: Conversation) -> dict[str, list[Message]]:
        return {"messages": [answered(model(state["messages"]))]}

    return compiled(answer, checkpointer)


def compiled(
    answer: Callable[..., dict[str, list[Message]]],
    checkpointer: BaseCheckpointSaver[Any] | None,
    store: BaseStore | None = None,
) -> Graph:
    """Compile a graph of the node that answers, and of the steps of a longer turn.

    Each step is a super-step. What it does is no state: it comes along as the run's context.
    """

    def step(state: Conversation, runtime: Runtime[Any]) -> dict[str, list[Any]]:
        name, *left = state["left"]
        return {"messages": [answered(step_due(name, runtime.context)())], "left": left}

    def first(state: Conversation) -> str:
        return "step" if state.get("left") else "answer"

    def then(state: Conversation) -> str:
        return "step" if state["left"] else END

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Conversation)
    builder.add_node("answer", answer)
    builder.add_node("step", step)
    builder.add_conditional_edges(START, first, ["step", "answer"])
    builder.add_conditional_edges("step", then, ["step", END])
    return builder.compile(checkpointer=checkpointer, store=store)


def thread(conversation: str) -> RunnableConfig:
    """Return the config that leads to a conversation: the key of its checkpoints."""
    return {"configurable": {"thread_id": checked_id(conversation)}}


def checked_mode(durability: Durability) -> Durability:
    """Return the mode, or raise ValueError for what is none.

    LangGraph takes any word without a sound, and then behaves as in "async".
    """
    if durability not in ("sync", "async", "exit"):
        raise ValueError(f"durability is {durability!r}: it can be 'sync', 'async' or 'exit'")
    return durability


class OnGraph:
    """The chatbot on a compiled graph, whatever its checkpoints are kept in."""

    def __init__(self, graph: Graph, durability: Durability) -> None:
        """Keep the graph, and when it is to save."""
        self.graph = graph
        self.durability: Durability = checked_mode(durability)

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn: one run of the graph."""
        turn: Conversation = {"messages": [heard(text, file)], "user": user, "left": []}
        answer: str = self._run(turn, conversation)[-1]["content"]
        return answer

    def half_done(self, conversation: str = "c1") -> bool:
        """Whether the last turn was cut off: its newest checkpoint has tasks that are not over."""
        return bool(self.graph.get_state(thread(conversation)).tasks)

    def resume(self, conversation: str = "c1") -> str:
        # Where the last turn has ended, LangGraph would run nothing, and say nothing of it.
        if not self.half_done(conversation):
            raise ValueError(f"conversation {conversation!r} has no turn to finish: say something")
        self._run(None, conversation)
        return self.messages(conversation)[-1]["content"]

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        """Do named steps; raises ValueError when the one that was cut off is not among them."""
        if not steps:
            raise ValueError("there is no step to do: give them by name, as in {'mail': send}")
        before = len(self.messages(conversation))
        turn = None if self.half_done(conversation) else {"left": list(steps)}
        done = self._run(turn, conversation, steps)
        return [message["content"] for message in done[before:]]

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved."""
        return self._newest(conversation)

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        """Go on from an earlier state: what was taken back stays in the thread's history."""
        ends = self._ends(conversation)
        if not isinstance(turns, int) or not 1 <= turns < len(ends):
            raise ValueError(
                f"turns is {turns!r}: give how many of the {len(ends) - 1} to take back"
            )
        # The reducer adds; and as if it came from "answer", so that nothing is left to run.
        earlier = {"messages": Overwrite(ends[turns]), "left": []}
        self.graph.update_state(thread(conversation), earlier, as_node="answer")

    def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation's checkpoints, as LangGraph does it."""
        thread(conversation)  # which refuses what is no id
        assert isinstance(self.graph.checkpointer, BaseCheckpointSaver)
        self.graph.checkpointer.delete_thread(conversation)

    def _newest(self, conversation: str) -> list[Any]:
        """The messages of the newest checkpoint."""
        values: dict[str, list[Any]] = self.graph.get_state(thread(conversation)).values
        return values.get("messages", [])

    def _run(
        self, turn: object, conversation: str, steps: Mapping[str, Step] | None = None
    ) -> list[Any]:
        """Run the graph to its end, and return the messages."""
        config = thread(conversation)
        state = self.graph.invoke(turn, config, context=steps, durability=self.durability)
        messages: list[Any] = state["messages"]
        return messages

    def _ends(self, conversation: str) -> list[list[Message]]:
        """The conversation as it is, and as it was before each of its turns, the last one first."""
        ends = [self.messages(conversation)]
        for saved in self.graph.get_state_history(thread(conversation)):
            messages = saved.values.get("messages", [])
            # What is longer was taken back; what has tasks is the middle of a turn.
            if len(messages) < len(ends[-1]) and not saved.tasks:
                ends.append(messages)
        return [*ends, []] if ends[-1] else ends


class InMemoryGraphBot(OnGraph):
    """The chatbot on a graph whose checkpoints are kept by this process, while this object is."""

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        model: Model = reply,
        durability: Durability = "async",
    ) -> None:
        super().__init__(build(InMemorySaver(), model), durability)

    def close(self) -> None:
        """Nothing to let go of: the saver is forgotten with this object."""


class GraphBot(OnGraph):
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
        checked_mode(durability)  # before there is a file
        self._connection = connect(folder)
        super().__init__(build(SqliteSaver(self._connection), model), durability)

    def close(self) -> None:
        self._connection.close()


def connect(folder: Path | str, **options: Any) -> sqlite3.Connection:
    """Open `graph.db` in a folder, for the threads in which a graph saves.

    A saver and a store each see to it that one of them writes at a time. Raises ValueError for a
    file that is damaged or another's.
    """
    ours = {"checkpoints": "thread_id", "store": "prefix"}
    return open_file(checked_folder(folder) / "graph.db", ours, **options)
