"""Memories in plain Python: what they have in common, and those in variables.

A dict, a local variable, one for each thread, one for each context: none of them writes anything
down. They differ in what they load before a turn, and in how they keep it afterwards.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
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
        """Take a turn: load, add to it, keep."""
        loaded = self.load(checked_id(conversation))
        # The list itself, and no copy: where two turns go on at once, both add to it.
        messages = loaded.setdefault(conversation, [])
        answer = take_turn(messages, text, file, self.model)
        self.keep(conversation, loaded)
        return answer

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return a copy of the conversation."""
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
        super().__init__(folder, model=model)
        self.conversations: Conversations = {}

    def load(self, conversation: str) -> Conversations:
        return self.conversations

    def forget(self, conversation: str = "c1") -> None:
        """Drop a conversation: with the last reference to it goes all that was said."""
        self.conversations.pop(checked_id(conversation), None)


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
    list follows the worker, and not the user. It dies with the thread.

    >>> bot = ThreadLocalBot()
    >>> bot.say("My name is Ada.", conversation="c1", user="ada")
    'Hello, Ada.'
    >>> bot.say("What is my name?", conversation="c2", user="bob")
    'Your name is Ada.'
    """

    def __init__(self, folder: Path | str | None = None, *, model: Model = reply) -> None:
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
        super().__init__(folder, model=model)
        self._messages: ContextVar[tuple[Message, ...]] = ContextVar("messages")

    def load(self, conversation: str) -> Conversations:
        """Return what was said in this context, whatever conversation is asked for."""
        return {conversation: list(self._messages.get(()))}

    def keep(self, conversation: str, loaded: Conversations) -> None:
        """Set it anew: a copied context would share a list that is changed in place."""
        self._messages.set(tuple(loaded[conversation]))
