"""Memories in one file, read whole and written whole: a pickle, and JSON that is replaced at once.

Both read the file at the start of a turn and write it at the end. Whoever wrote in between is
overwritten; a lock around the whole turn would mend that, and make everybody wait for the model.
"""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from pathlib import Path

from lessons_lib.memories.chatbot import (
    Message,
    Model,
    checked_folder,
    checked_id,
    reply,
    take_turn,
)

Conversations = dict[str, list[Message]]


class PickleBot:
    """The chatbot on a pickle file, written in place.

    A kill inside the write leaves half a file, and whoever can write to the file can have any code
    run by whoever reads it.

    >>> folder = tempfile.TemporaryDirectory()
    >>> PickleBot(folder.name).say("My name is Ada.")
    'Hello, Ada.'
    >>> PickleBot(folder.name).say("What is my name?")
    'Your name is Ada.'
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path | str, *, model: Model = reply) -> None:
        """Keep conversations in `conversations.pickle` in the folder, which is made if missing."""
        self.path = checked_folder(folder) / "conversations.pickle"
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
        conversations = self._load()
        messages = conversations.setdefault(checked_id(conversation), [])
        answer = take_turn(messages, text, file, self.model)
        self._save(conversations)
        return answer

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved, oldest message first."""
        return self._load().get(checked_id(conversation), [])

    def forget(self, conversation: str = "c1") -> None:
        """Write the file again without a conversation."""
        conversations = self._load()
        if conversations.pop(checked_id(conversation), None) is not None:
            self._save(conversations)

    def close(self) -> None:
        """Nothing to let go of: the file is open only while it is read or written."""

    def _load(self) -> Conversations:
        if not self.path.exists():
            return {}
        with self.path.open("rb") as file:
            # This is where a stranger's file would run its code.
            conversations: Conversations = pickle.load(file)
            return conversations

    def _save(self, conversations: Conversations) -> None:
        # On purpose without any care: "wb" empties the file before the first byte is written.
        with self.path.open("wb") as file:
            pickle.dump(conversations, file)


class JsonBot:
    """The chatbot on a JSON file that is written aside and put in its place at once.

    Whenever it is killed, the file is the old one or the new one, and never half of either.

    >>> folder = tempfile.TemporaryDirectory()
    >>> JsonBot(folder.name).say("My name is Ada.")
    'Hello, Ada.'
    >>> JsonBot(folder.name).say("What is my name?")
    'Your name is Ada.'
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path | str, *, model: Model = reply) -> None:
        """Keep conversations in `conversations.json` in the folder, which is made if missing."""
        self.path = checked_folder(folder) / "conversations.json"
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
        conversations = self._load()
        messages = conversations.setdefault(checked_id(conversation), [])
        answer = take_turn(messages, text, file, self.model)
        self._save(conversations)
        return answer

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved, oldest message first."""
        return self._load().get(checked_id(conversation), [])

    def forget(self, conversation: str = "c1") -> None:
        """Write the file again without a conversation."""
        conversations = self._load()
        if conversations.pop(checked_id(conversation), None) is not None:
            self._save(conversations)

    def close(self) -> None:
        """Nothing to let go of: the file is open only while it is read or written."""

    def _load(self) -> Conversations:
        if not self.path.exists():
            return {}
        conversations: Conversations = json.loads(self.path.read_text(encoding="utf-8"))
        return conversations

    def _save(self, conversations: Conversations) -> None:
        replace(self.path, json.dumps(conversations, ensure_ascii=False))


def replace(path: Path, text: str) -> None:
    """Replace a file's text at once: written aside, forced to the disk, then renamed.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     note = Path(folder, "note.txt")
    ...     replace(note, "old")
    ...     replace(note, "new")
    ...     note.read_text(), [path.name for path in Path(folder).iterdir()]
    ('new', ['note.txt'])
    """
    # Each writer has a file of its own aside: two that shared one would mix their texts.
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".aside")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # the rename must not reach the disk before the text does
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise
