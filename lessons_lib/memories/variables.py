"""Memories in variables: a local one, one for each thread, one for each context.

A module dict, the fourth kind, is `DictBot` in `plain`. None of them writes anything down. What
tells them apart is what leads to the conversation: a frame, a worker thread, a context.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from pathlib import Path

from lessons_lib.memories.chatbot import Message, Model, reply
from lessons_lib.memories.plain import Conversations, PlainBot


class LocalBot(PlainBot):
    """The chatbot on a local variable: a message is remembered until `say` returns.

    >>> bot = LocalBot()
    >>> bot.say("My name is Ada.")
    'Hello, Ada.'
    >>> bot.say("What is my name?")
    'You have not told me your name.'
    """

    def load(self, conversation: str) -> Conversations:
        """Return nothing: the list of the turn before died when `say` returned."""
        return {}


class ThreadLocalBot(PlainBot):
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
        """Start with no thread's list. Each dies with its thread."""
        super().__init__(folder, model=model)
        self._here = threading.local()

    def load(self, conversation: str) -> Conversations:
        """Return this thread's list, whatever conversation is asked for."""
        if not hasattr(self._here, "messages"):
            self._here.messages = []
        return {conversation: self._here.messages}


class ContextBot(PlainBot):
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
        super().__init__(folder, model=model)
        self._messages: ContextVar[tuple[Message, ...]] = ContextVar("messages")

    def load(self, conversation: str) -> Conversations:
        """Return what was said in this context, whatever conversation is asked for."""
        return {conversation: list(self._messages.get(()))}

    def keep(self, conversation: str, loaded: Conversations) -> None:
        """Set it anew: a copied context would share a list that is changed in place."""
        self._messages.set(tuple(loaded[conversation]))
