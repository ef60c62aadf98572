"""Memories in plain Python."""

from __future__ import annotations

from pathlib import Path

from lessons_lib.memories.chatbot import Message, Model, answered, checked_id, heard, reply


class DictBot:
    """The chatbot on a dict: a conversation is remembered while this object is.

    >>> bot = DictBot()
    >>> bot.say("My name is Ada.")
    'Hello, Ada.'
    >>> bot.say("What is my name?")
    'Your name is Ada.'
    >>> bot.say("What is my name?", conversation="c2")
    'You have not told me your name.'
    """

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
        """Start with no conversation; `folder` is there for other memories, nothing goes there."""
        self.conversations: dict[str, list[Message]] = {}
        self.model = model

    def say(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
    ) -> str:
        """Take a turn. Who speaks (`user`) makes no difference to this memory."""
        messages = self.conversations.setdefault(checked_id(conversation), [])
        messages.append(heard(text, file))
        messages.append(answered(self.model(messages)))
        return messages[-1]["content"]

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of the conversation, oldest message first."""
        return list(self.conversations.get(checked_id(conversation), []))

    def close(self) -> None:
        """Nothing to let go of: what is not held any more is forgotten."""
