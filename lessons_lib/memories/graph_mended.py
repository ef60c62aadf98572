"""The chatbot on a graph with a store, and what LangGraph leaves to whoever uses it.

- a **lock** for each thread around the whole turn: of two writers, one waits
- **forgetting** that reaches the facts in the store and the bytes in the file and its log
- **going back** that takes along the facts told in the turns that are taken back
- a **seal** on everything that is stored
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore

from lessons_lib.memories.chatbot import Model, Step, checked_folder, checked_id, reply
from lessons_lib.memories.graph import Durability, checked_mode
from lessons_lib.memories.graph_store import StoreBot, forget_facts
from lessons_lib.memories.seal import Seal, SealedSerializer, SealedStore


class MendedBot(StoreBot):
    """The chatbot on checkpoints and a store, which passes the whole memory exam.

    >>> import secrets, tempfile
    >>> folder, key = tempfile.TemporaryDirectory(), secrets.token_bytes(32)
    >>> bot = MendedBot(folder.name, key=key)
    >>> bot.say("My name is Ada.", conversation="c1")
    'Hello, Ada.'
    >>> bot.say("What is my name?", conversation="c2")
    'Your name is Ada.'
    >>> bot.forget("c1")
    >>> bot.say("What is my name?", conversation="c2")
    'You have not told me your name.'
    >>> bot.close(); folder.cleanup()
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        key: bytes,
        model: Model = reply,
        durability: Durability = "sync",
    ) -> None:
        """Open (or make) `graph.db` in the folder. The key is kept elsewhere, and never there."""
        self._seal = Seal(key)
        checked_mode(durability)
        self._folder = checked_folder(folder)
        with self._alone("the tables"):  # two processes that make them are in each other's way
            super().__init__(folder, model=model, durability=durability)

    def say(self, text: str, *, conversation: str = "c1", **rest: Any) -> str:
        """Take a turn; who comes meanwhile with another turn of this conversation waits."""
        with self._alone(conversation):
            return super().say(text, conversation=conversation, **rest)

    def resume(self, conversation: str = "c1") -> str:
        # The lock of whoever was killed in it was let go of when that process ended.
        with self._alone(conversation):
            return super().resume(conversation)

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        with self._alone(conversation):
            return super().work(steps, conversation=conversation)

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        """Go on from an earlier state; what was told since is no fact any more."""
        with self._alone(conversation):
            super().back(turns, conversation=conversation)
            forget_facts(self.graph.store, conversation, len(self.messages(conversation)))

    def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation, the facts told in it, and the bytes of both."""
        with self._alone(conversation):
            super().forget(conversation)
            forget_facts(self.graph.store, conversation)
            self._erase()

    def _alone(self, conversation: str) -> FileLock:
        """The lock of a conversation; its file's name does not give the conversation away."""
        name = hashlib.sha256(checked_id(conversation).encode()).hexdigest()[:32]
        return FileLock(self._folder / f"{name}.lock")

    def _erase(self) -> None:
        """Write the file anew without what was deleted, and empty the log beside it."""
        saver = self.graph.checkpointer
        assert isinstance(saver, SqliteSaver)
        with saver.cursor(transaction=False) as cursor:  # VACUUM may be in no transaction
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise TimeoutError("somebody is reading graph.db: its log still has what was deleted")

    def _open(self) -> tuple[SqliteSaver, SqliteStore]:
        for connection in (self._saved, self._facts):
            connection.execute("PRAGMA secure_delete = ON")  # most builds do it unasked, not all
        saver = SqliteSaver(self._saved, serde=SealedSerializer(self._seal))
        return saver, SealedStore(self._facts, self._seal)
