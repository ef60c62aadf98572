"""The chatbot as LangChain's ready-made agent, its conversations in the checkpoints of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.messages import BaseMessage, HumanMessage, RemoveMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from lessons_lib.memories.chatbot import Message, Step, Upload, heard, step_due
from lessons_lib.memories.graph import Durability, OnGraph, checked_mode, connect, thread
from lessons_lib.memories.scripted_model import ScriptedModel, Wish, as_ours


def do_step(name: str, runtime: ToolRuntime[Any, Any]) -> str:
    """Do a step of a longer turn. What it does is no state: it comes along as the run's context."""
    return step_due(name, runtime.context)()


def next_step(messages: Sequence[BaseMessage]) -> list[Wish]:
    """The step that is due: of those that the newest request names, the first that is not done."""
    at = max(i for i, message in enumerate(messages) if message.type == "human")
    steps = messages[at].additional_kwargs.get("steps", [])
    done = sum(message.type == "tool" for message in messages[at:])
    return [("do_step", {"name": steps[done]})] if done < len(steps) else []


class AgentBot(OnGraph):
    """The chatbot on an agent that LangChain built: a conversation is remembered while its file is.

    What the tools are called with and answer is in its state, and not in its `messages`.
    """

    def __init__(self, folder: Path | str, *, durability: Durability = "async") -> None:
        checked_mode(durability)  # before there is a file
        self._connection = connect(folder)
        saver = SqliteSaver(self._connection)
        agent = create_agent(ScriptedModel(wants=next_step), [do_step], checkpointer=saver)
        super().__init__(agent, durability)

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        heard(text, file)  # which refuses what is no text, or no file
        turn = HumanMessage(text, additional_kwargs={"file": file} if file else {})
        answer: str = self._run({"messages": [turn]}, conversation)[-1].text
        return answer

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        """Do named steps, each a tool call."""
        if not steps:
            raise ValueError("there is no step to do: give them by name, as in {'mail': send}")
        before = len(self._newest(conversation))
        request = HumanMessage("Please do these.", additional_kwargs={"steps": list(steps)})
        turn = None if self.half_done(conversation) else {"messages": [request]}
        done = self._run(turn, conversation, steps)[before:]
        return [message.text for message in done if message.type == "tool"]

    def messages(self, conversation: str = "c1") -> list[Message]:
        return as_ours(self._newest(conversation))

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        saved = self._newest(conversation)
        asked = [i for i, message in enumerate(saved) if message.type == "human"]
        if not isinstance(turns, int) or not 1 <= turns <= len(asked):
            raise ValueError(f"turns is {turns!r}: give how many of the {len(asked)} to take back")
        # The agent's reducer goes by the messages' ids, and keeps what it is not given again.
        earlier = [RemoveMessage(REMOVE_ALL_MESSAGES), *saved[: asked[-turns]]]
        self.graph.update_state(thread(conversation), {"messages": earlier}, as_node="model")

    def close(self) -> None:
        self._connection.close()
