"""A memory with bounds: so many sessions, so many bytes, so many idle seconds, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from cachetools import TTLCache

from lessons_lib.memories.chatbot import Message, Model, checked_id, reply
from lessons_lib.memories.plain import Conversations, PlainBot


class SessionBot(PlainBot):
    """The chatbot on a bounded session store: the sessions that nobody came back to go first.

    - `most`: how many sessions are kept at once; the one that was used longest ago is dropped
    - `idle`: seconds after its last turn when a session is dropped
    - `size`: bytes of text in all sessions together; a session larger than that is not kept

    >>> bot = SessionBot(most=2)
    >>> for name in ("Ada", "Bob", "Eve"):
    ...     _ = bot.say(f"My name is {name}.", conversation=name)
    >>> bot.say("What is my name?", conversation="Eve")
    'Your name is Eve.'
    >>> bot.say("What is my name?", conversation="Ada")
    'You have not told me your name.'
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        most: int = 1000,
        idle: float = 1800.0,
        size: int = 10_000_000,
        clock: Callable[[], float] = time.monotonic,
        model: Model = reply,
    ) -> None:
        """Start empty. A test gives a `clock` that it can turn; nothing goes into `folder`."""
        for name, bound in (("most", most), ("idle", idle), ("size", size)):
            if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not bound > 0:
                raise ValueError(f"{name} is {bound!r}: give a number above 0")
        super().__init__(folder, model=model)
        self.most = most
        self._sessions: TTLCache[str, list[Message]] = TTLCache(size, idle, clock, weigh)
        self._lock = threading.Lock()  # the cache rearranges itself even when it is read

    def load(self, conversation: str) -> Conversations:
        """Return a session, or nothing when it has been dropped."""
        with self._lock:
            return {conversation: self._sessions.get(conversation, [])}

    def keep(self, conversation: str, loaded: Conversations) -> None:
        """Put a session back: it is weighed anew, and its idle time starts again."""
        with self._lock:
            # It grew while it was in the cache, which weighs what is put in and never again.
            self._sessions.pop(conversation, None)
            if weigh(loaded[conversation]) <= self._sessions.maxsize:
                self._sessions[conversation] = loaded[conversation]
            while len(self._sessions) > self.most:
                self._sessions.popitem()

    def forget(self, conversation: str = "c1") -> None:
        """Drop a session now."""
        with self._lock:
            self._sessions.pop(checked_id(conversation), None)


def weigh(messages: list[Message]) -> int:
    """Bytes of text in a session, files included.

    >>> weigh([{"role": "user", "content": "Hello"}])
    5
    """
    texts = [message["content"] for message in messages]
    texts += [message["file"]["content"] for message in messages if "file" in message]
    return sum(len(text.encode()) for text in texts)
