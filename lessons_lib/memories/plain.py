"""Memories in plain Python: what they have in common, and the plainest of them, a dict.

They differ in what they load before a turn, and in how they keep it afterwards.
"""

from __future__ import annotations

from pathlib import Path

from lessons_lib.memories.chatbot import Message, Model, Upload, checked_id, reply, take_turn

Conversations = dict[str, list[Message]]


class PlainBot:
    """The chatbot on what it loads before a turn and keeps after it; each memory says how."""

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
        """Keep the model; `folder` is there for memories that write something down."""
        self.model = model

    def load(self, conversation: str) -> Conversations:
        """Return conversations by their ids, this one among them if there is something of it."""
        raise NotImplementedError

    def keep(self, conversation: str, loaded: Conversations) -> None:
        """Keep what was loaded, the new turn in it; by default it is what is kept already."""

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn. Who speaks (`user`) makes no difference to these memories."""
        loaded = self.load(checked_id(conversation))
        # The list itself, and no copy: where two turns go on at once, both add to it.
        messages = loaded.setdefault(conversation, [])
        answer = take_turn(messages, text, file, self.model)
        self.keep(conversation, loaded)
        return answer

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of the conversation, oldest message first."""
        return list(self.load(checked_id(conversation)).get(conversation, []))

    def close(self) -> None:
        """Nothing to let go of: no file is open between two turns."""


class DictBot(PlainBot):
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
        """Start with no conversation; nothing goes into `folder`."""
        super().__init__(folder, model=model)
        self.conversations: Conversations = {}

    def load(self, conversation: str) -> Conversations:
        """Return all there is."""
        return self.conversations

    def forget(self, conversation: str = "c1") -> None:
        """Drop a conversation: with the last reference to it goes all that was said."""
        self.conversations.pop(checked_id(conversation), None)
