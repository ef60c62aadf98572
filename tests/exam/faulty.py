"""Memories with a fault each, for the exam to catch; and one that mends one."""

from __future__ import annotations

import asyncio
import atexit
import json
import pickle
import shutil
import sqlite3
import tempfile
import threading
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import thread
from pathlib import Path
from typing import Any

from filelock import FileLock

from lessons_lib.memories import DictBot, JournalBot, JsonBot, SqliteBot, reply
from lessons_lib.memories.chatbot import Step, answered, heard


class LosesFiles(DictBot):
    def say(self, text: str, *, file: Any = None, **keywords: Any) -> str:
        return super().say(text, **keywords)


class CutsUsersShort(SqliteBot):
    """Finds a user's facts by the beginning of the id."""

    def say(self, text: str, *, user: str = "ada", **keywords: Any) -> str:
        return super().say(text, user=user[:2], **keywords)


class OneAtATime(DictBot):
    """Keeps the conversation it is in in an attribute, which the next turn changes."""

    def say(self, text: str, *, conversation: str = "c1", **keywords: Any) -> str:
        self.current, message = conversation, heard(text, keywords.get("file"))
        answer = reply([*self.messages(self.current), message])
        self.conversations.setdefault(self.current, []).extend([message, answered(answer)])
        return answer


class ReadsOnce(JsonBot):
    """Reads its file when it starts, and trusts its own copy from then on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept = super().load("")

    def load(self, conversation: str) -> Any:
        return self.kept


class SavesAtTheEnd(ReadsOnce):
    """Writes its file when it is closed."""

    def keep(self, conversation: str, loaded: Any) -> None:
        pass

    def close(self) -> None:
        super().keep("", self.kept)


class BeginsAgain(JournalBot):
    """Does all steps of a longer turn again after a kill."""

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        step, state = self._now(conversation)
        said = []
        for number, do in enumerate(steps.values(), 1):
            said.append(do())
            self.journal.put(conversation, step + number, state)
        return said


class TakesItDownTwice(JournalBot):
    """Puts the user's message once more when it finishes a turn."""

    def resume(self, conversation: str = "c1") -> str:
        self._add(conversation, self.messages(conversation)[-1])
        return super().resume(conversation)


class Locked(JsonBot):
    """Lets one in at a time, for the whole turn: mends the lost update."""

    def say(self, text: str, **keywords: Any) -> str:
        with FileLock(f"{self.path}.lock"):
            return super().say(text, **keywords)


class Slow(JsonBot):
    """Takes longer to come to its model than the exam waits at first."""

    def say(self, text: str, **keywords: Any) -> str:
        if text in ("The screen flickers.", "Hello."):
            time.sleep(0.5)
        return super().say(text, **keywords)


class FailsUnderLoad(DictBot):
    """Takes no long texts, and never answers who tells a name."""

    def say(self, text: str, **keywords: Any) -> str:
        if text.startswith("My name"):
            threading.Event().wait()
        if len(text) > 100:
            raise RuntimeError("too long")
        return super().say(text, **keywords)


ELSEWHERE = tempfile.mkdtemp(prefix="exam-elsewhere-")
atexit.register(shutil.rmtree, ELSEWHERE, True)


class Elsewhere(JsonBot):
    """Keeps its file where it likes, whatever folder it is given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ELSEWHERE)


class Packs(JsonBot):
    """Packs its file: nothing of it can be read as it was said."""

    def decoded(self, data: bytes) -> Any:
        return super().decoded(zlib.decompress(data))

    def keep(self, conversation: str, loaded: Any) -> None:
        self.path.write_bytes(zlib.compress(json.dumps(loaded).encode()))


class Refuses(JsonBot):
    """Tells the later of two writers that it was too late."""

    def load(self, conversation: str) -> Any:
        self.read = self.path.read_bytes() if self.path.exists() else b""
        return super().load(conversation)

    def keep(self, conversation: str, loaded: Any) -> None:
        if self.read != (self.path.read_bytes() if self.path.exists() else b""):
            raise RuntimeError("somebody else wrote: try again")
        super().keep(conversation, loaded)


class GoesTooFar(SqliteBot):
    """Takes one turn more back than it was asked."""

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        super().back(turns + 1, conversation=conversation)


class GoesNowhere(SqliteBot):
    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        pass


class LeavesBytes(SqliteBot):
    """Deletes the rows, and leaves their bytes where they are."""

    def forget(self, conversation: str = "c1") -> None:
        self._run("PRAGMA secure_delete = OFF")
        self._run("DELETE FROM turns WHERE conversation = ?", (conversation,))


class ForgetsAll(JsonBot):
    """Forgets every conversation when it is asked to forget one."""

    def forget(self, conversation: str = "c1") -> None:
        self.keep(conversation, {})


class StartsAnew(JsonBot):
    """Takes a file that it cannot read for an empty one."""

    def load(self, conversation: str) -> Any:
        try:
            return super().load(conversation)
        except ValueError:
            return {}


class PicklesInRows(JsonBot):
    """A database of pickles."""

    def load(self, conversation: str) -> Any:
        with sqlite3.connect(self.path) as database:
            database.execute("CREATE TABLE IF NOT EXISTS kept (it BLOB)")
            rows = database.execute("SELECT it FROM kept").fetchall()
        return pickle.loads(rows[-1][0]) if rows else {}

    def keep(self, conversation: str, loaded: Any) -> None:
        with sqlite3.connect(self.path) as database:
            database.execute("INSERT INTO kept VALUES (?)", (pickle.dumps(loaded),))


class Awaited:
    """A dict that has to be awaited, and can only be made where a loop runs."""

    def __init__(self) -> None:
        self._loop, self._bot = asyncio.get_running_loop(), DictBot()

    async def say(self, text: str, **keywords: Any) -> str:
        assert asyncio.get_running_loop() is self._loop
        answer: str = await asyncio.to_thread(self._bot.say, text, **keywords)
        return answer


async def awaited(folder: Path) -> Awaited:
    return Awaited()


class LetsGoLate:
    """Keeps nothing; but the thread that answers has a turn's text in hand for a while longer."""

    def __init__(self, folder: Path) -> None:
        self.turns = 0
        run = thread._WorkItem.run

        def run_and_linger(item: Any, *more: Any) -> None:
            run(item, *more)
            time.sleep(0.1)

        thread._WorkItem.run = run_and_linger  # type: ignore[assignment, method-assign]

    async def say(self, text: str, **_: Any) -> str:
        self.turns += 1
        so_far = text * self.turns
        return await asyncio.get_running_loop().run_in_executor(None, lambda: so_far[:5])
