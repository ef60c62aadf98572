"""Memories in plain Python."""

from __future__ import annotations

from pathlib import Path

from lessons_lib.memories.chatbot import Message, Model, checked_id, reply, take_turn


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
        return take_turn(messages, text, file, self.model)

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of the conversation, oldest message first."""
        return list(self.conversations.get(checked_id(conversation), []))

    def forget(self, conversation: str = "c1") -> None:
        """Drop a conversation: with the last reference to it goes all that was said."""
        self.conversations.pop(checked_id(conversation), None)

    def close(self) -> None:
        """Nothing to let go of: what is not held any more is forgotten."""
