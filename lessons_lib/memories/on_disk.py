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

from lessons_lib.memories.chatbot import Model, checked_folder, checked_id, reply
from lessons_lib.memories.plain import Conversations, PlainBot


class FileBot(PlainBot):
    """The chatbot on one file of all conversations, `name` in a folder."""

    name = ""

    def __init__(self, folder: Path | str, *, model: Model = reply) -> None:
        super().__init__(folder, model=model)
        self.path = checked_folder(folder) / self.name

    def load(self, conversation: str) -> Conversations:
        return self.decoded(self.path.read_bytes()) if self.path.exists() else {}

    def decoded(self, data: bytes) -> Conversations:
        """Return the conversations that some bytes of the file stand for."""
        raise NotImplementedError

    def forget(self, conversation: str = "c1") -> None:
        """Write the file again without a conversation."""
        loaded = self.load(checked_id(conversation))
        if loaded.pop(conversation, None) is not None:
            self.keep(conversation, loaded)


class PickleBot(FileBot):
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

    name = "conversations.pickle"

    def decoded(self, data: bytes) -> Conversations:
        """Unpickle; this is where a stranger's file would run its code."""
        conversations: Conversations = pickle.loads(data)
        return conversations

    def keep(self, conversation: str, loaded: Conversations) -> None:
        """Write without any care, on purpose: "wb" empties the file before its first byte."""
        with self.path.open("wb") as file:
            pickle.dump(loaded, file)


class JsonBot(FileBot):
    """The chatbot on a JSON file that is written aside and put in its place at once.

    Whenever it is killed, the file is the old one or the new one, and never half of either.
    """

    name = "conversations.json"

    def decoded(self, data: bytes) -> Conversations:
        """Read JSON: plain data, which runs no code."""
        conversations: Conversations = json.loads(data)
        return conversations

    def keep(self, conversation: str, loaded: Conversations) -> None:
        replace(self.path, json.dumps(loaded, ensure_ascii=False))


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
