"""A memory in SQLite, written by hand: a journal of turns, each a row with what was heard and said.

The user's words are down before the model is asked. A kill in between leaves a turn without an
answer, which can be seen, and finished.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from lessons_lib.memories.chatbot import (
    Message,
    Model,
    Upload,
    answered,
    checked_folder,
    checked_id,
    checked_user,
    heard,
    known,
    lasting,
    reply,
)
from lessons_lib.memories.sqlite_files import open_file

_TABLE = """
CREATE TABLE IF NOT EXISTS turns (
    conversation TEXT, number INTEGER, user TEXT, heard TEXT, lasting INTEGER, said TEXT,
    PRIMARY KEY (conversation, number)
)"""
# Part of the INSERT itself: between a SELECT and an INSERT another writer could take the number.
_NEXT = "SELECT 1 + coalesce(max(number), 0) FROM turns WHERE conversation = ?"


class SqliteBot:
    """The chatbot on a table of turns, in `turns.db` in a folder.

    What a user told in one conversation and is true in all (the name) is sent in the others too.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> bot = SqliteBot(folder.name)
    >>> bot.say("My name is Ada.", conversation="c1", user="ada")
    'Hello, Ada.'
    >>> bot.say("What is my name?", conversation="c2", user="ada")
    'Your name is Ada.'
    >>> bot.say("What is my name?", conversation="c3", user="bob")
    'You have not told me your name.'
    >>> bot.close(); folder.cleanup()
    """

    def __init__(self, folder: Path | str, *, model: Model = reply) -> None:
        """Open (or make) the database; it waits for other processes' writes."""
        self.model = model
        # One connection, used by one thread at a time; without a transaction of its own making.
        self._lock = threading.Lock()
        self._database = open_file(
            checked_folder(folder) / "turns.db", {"turns": "heard"}, isolation_level=None
        )
        self._run("PRAGMA journal_mode = WAL")  # whoever reads need not wait for whoever writes
        self._run("PRAGMA secure_delete = ON")  # most builds do it unasked, not all
        self._run(_TABLE)

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn: write down what was heard, ask the model, write down what it said."""
        message = json.dumps(heard(text, file))
        key = checked_id(conversation)
        checked_user(user)
        # Whether it lasts is decided now: a later search need not open every message.
        number = self._run(
            f"INSERT INTO turns VALUES (?, ({_NEXT}), ?, ?, ?, NULL) RETURNING number",
            (key, key, user, message, lasting(text)),
        )[0][0]
        return self._answer(conversation, number)

    def resume(self, conversation: str = "c1") -> str:
        """Answer the oldest turn that has no answer; raises ValueError when all have one."""
        rows = self._run(
            "SELECT min(number) FROM turns WHERE conversation = ? AND said IS NULL",
            (checked_id(conversation),),
        )
        if rows[0][0] is None:
            raise ValueError(f"conversation {conversation!r} has no turn to finish: say something")
        return self._answer(conversation, rows[0][0])

    def messages(self, conversation: str = "c1") -> list[Message]:
        rows = self._run(
            "SELECT heard, said FROM turns WHERE conversation = ? ORDER BY number",
            (checked_id(conversation),),
        )
        return _messages(rows)

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        if not isinstance(turns, int) or turns < 1:
            raise ValueError(f"turns is {turns!r}: give how many to take back, 1 or more")
        key = checked_id(conversation)
        self._run(
            f"DELETE FROM turns WHERE conversation = ? AND number >= ({_NEXT}) - ?",
            (key, key, turns),
        )

    def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation, its bytes in the file, and those in the log beside it."""
        # Each for what the one before leaves: rows, then free pages, then the log of both.
        self._run("DELETE FROM turns WHERE conversation = ?", (checked_id(conversation),))
        self._run("VACUUM")
        self._run("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _answer(self, conversation: str, number: int) -> str:
        """Ask the model about the turns up to this one, and write down what it says."""
        told = self._run(
            "SELECT heard FROM turns WHERE lasting AND conversation <> ? AND user ="
            " (SELECT user FROM turns WHERE conversation = ? AND number = ?) ORDER BY rowid",
            (conversation, conversation, number),
        )
        # A turn that is answered late is asked as it would have been then: nothing after it.
        before = self._run(
            "SELECT heard, CASE WHEN number < ? THEN said END FROM turns"
            " WHERE conversation = ? AND number <= ? ORDER BY number",
            (number, conversation, number),
        )
        facts = [known(json.loads(row[0])["content"]) for row in told]
        answer = self.model([*facts, *_messages(before)])
        self._run(
            "UPDATE turns SET said = ? WHERE conversation = ? AND number = ?",
            (answer, conversation, number),
        )
        return answer

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, a transaction of its own, and return its rows."""
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _messages(rows: list[tuple[Any, ...]]) -> list[Message]:
    messages: list[Message] = []
    for hearing, said in rows:
        messages.append(json.loads(hearing))
        if said is not None:
            messages.append(answered(said))
    return messages
