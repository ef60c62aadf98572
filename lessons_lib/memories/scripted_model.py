"""LangChain's own chat model with rules in place of a network: an agent's answers are certain."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from lessons_lib.memories.chatbot import Message, answered, heard, known, reply

Wish = tuple[str, dict[str, Any]]
"""A tool's name, and the arguments to call it with."""


def _nothing(messages: Sequence[BaseMessage]) -> list[Wish]:
    return []


class ScriptedModel(BaseChatModel):
    """A chat model that asks for the tools that `wants` names, and else answers with `reply`.

    - `wants` is given the messages that are sent, and says which tools to call next, if any.
    - `strict`: refuse a history in which a tool's call has no answer, as providers do.

    >>> model = ScriptedModel()
    >>> model.invoke([("user", "My name is Ada."), ("user", "What is my name?")]).text
    'Your name is Ada.'

    After a tool's answer it says that the tool is done:

    >>> def wants(messages):
    ...     return [("look_up", {"word": "Ada"})] if messages[-1].type == "human" else []
    >>> asked = ScriptedModel(wants=wants).invoke("Who is Ada?")
    >>> [(call["name"], call["args"]) for call in asked.tool_calls]
    [('look_up', {'word': 'Ada'})]
    """

    wants: Callable[[Sequence[BaseMessage]], list[Wish]] = _nothing
    strict: bool = False

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        """Return the model itself: it knows by rule what to call."""
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        if self.strict:
            refuse(messages)
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        if wanted := self.wants(messages):
            calls = [ToolCall(name=name, args=args, id=uuid.uuid4().hex) for name, args in wanted]
            return AIMessage("", tool_calls=calls)
        if messages[-1].type == "tool":
            return AIMessage(f"Done: {messages[-1].text}")
        return AIMessage(reply(as_ours(messages)))


def unanswered(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """The tool calls that no message answers, oldest first.

    >>> call = ToolCall(name="open_ticket", args={}, id="call 1")
    >>> asked = AIMessage("", tool_calls=[call])
    >>> [left["id"] for left in unanswered([asked])]
    ['call 1']
    >>> unanswered([asked, ToolMessage("Open.", tool_call_id="call 1")])
    []
    """
    answers = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    asked = [message for message in messages if isinstance(message, AIMessage)]
    return [call for one in asked for call in one.tool_calls if call["id"] not in answers]


def refuse(messages: Sequence[BaseMessage]) -> None:
    """Raise ValueError unless every tool call is answered right behind its message, and once.

    So the services behind real chat models have it.
    """
    waiting: list[str | None] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                raise ValueError("a tool's answer has no call before it: send both, or neither")
            waiting.remove(message.tool_call_id)
        elif waiting:
            break
        elif isinstance(message, AIMessage):
            waiting = [call["id"] for call in message.tool_calls]
    if waiting:
        raise ValueError("a tool call has no answer right behind it: answer it, and then go on")


def as_ours(messages: Sequence[BaseMessage]) -> list[Message]:
    """LangChain's messages as the course's model takes them; calls and tools' answers are left out.

    A file comes along in a message's `additional_kwargs`, as a pair of name and text.
    """
    ours = []
    for message in messages:
        if message.type == "human":
            ours.append(heard(message.text, message.additional_kwargs.get("file")))
        elif message.type == "ai" and message.text:
            ours.append(answered(message.text))
        elif message.type == "system":
            ours.append(known(message.text))
    return ours
