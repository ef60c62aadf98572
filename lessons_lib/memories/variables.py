"""Memories in variables: a local one, one for each thread, one for each context.

A module dict, the fourth kind, is `DictBot` in `plain`. None of them writes anything down. What
tells them apart is what leads to the conversation: a frame, a worker thread, a context.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from pathlib import Path

from lessons_lib.memories.chatbot import Message, Model, checked_id, reply, take_turn


class LocalBot:
    """The chatbot on a local variable: a message is remembered until `say` returns.

    >>> bot = LocalBot()
    >>> bot.say("My name is Ada.")
    'Hello, Ada.'
    >>> bot.say("What is my name?")
    'You have not told me your name.'
    """

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
        """Keep the model, and nothing else."""
        self.model = model

    def say(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
    ) -> str:
        """Take a turn, as if it were the first."""
        checked_id(conversation)
        messages: list[Message] = []
        return take_turn(messages, text, file, self.model)

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return nothing: the list died when `say` returned."""
        checked_id(conversation)
        return []

    def close(self) -> None:
        """Nothing to let go of."""


class ThreadLocalBot:
    """The chatbot on `threading.local`: each worker thread has a list of its own.

    "One user, one thread" holds until a pool serves the next user on the same thread: then the
    list follows the worker, and not the user.

    >>> bot = ThreadLocalBot()
    >>> bot.say("My name is Ada.", conversation="c1", user="ada")
    'Hello, Ada.'
    >>> bot.say("What is my name?", conversation="c2", user="bob")
    'Your name is Ada.'
    """

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
        """Start with no thread's list."""
        self.model = model
        self._here = threading.local()

    def say(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
    ) -> str:
        """Take a turn. Which conversation it belongs to makes no difference to this memory."""
        checked_id(conversation)
        return take_turn(self._mine(), text, file, self.model)

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of what was said on this thread, to whomever."""
        checked_id(conversation)
        return list(self._mine())

    def close(self) -> None:
        """Nothing to let go of: each list dies with its thread."""

    def _mine(self) -> list[Message]:
        if not hasattr(self._here, "messages"):
            self._here.messages = []
        messages: list[Message] = self._here.messages
        return messages


class ContextBot:
    """The chatbot on a `ContextVar`: each context has a list of its own.

    A server runs every request in a context of its own, so requests never mix, and the next one of
    the same user starts with nothing.

    >>> from contextvars import Context
    >>> bot, ada = ContextBot(), Context()
    >>> ada.run(bot.say, "My name is Ada.")
    'Hello, Ada.'
    >>> ada.run(bot.say, "What is my name?")
    'Your name is Ada.'
    >>> Context().run(bot.say, "What is my name?")
    'You have not told me your name.'
    """

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
        """Make the variable. It has no value until a context sets one."""
        self.model = model
        self._messages: ContextVar[tuple[Message, ...]] = ContextVar("messages")

    def say(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
    ) -> str:
        """Take a turn. Which conversation it belongs to makes no difference to this memory."""
        # A new list is set each time: a copied context would share a list that is changed in place.
        messages = self.messages(conversation)
        answer = take_turn(messages, text, file, self.model)
        self._messages.set(tuple(messages))
        return answer

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of what was said in this context, to whomever."""
        checked_id(conversation)
        return list(self._messages.get(()))

    def close(self) -> None:
        """Nothing to let go of: each value dies with its context."""
