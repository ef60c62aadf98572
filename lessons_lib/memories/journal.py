"""The journal: the state after every step, one line each, in a file that only grows.

Whoever comes back after a kill reads the last whole line and goes on from there. That is what a
checkpointer does.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from filelock import FileLock

from lessons_lib.memories.chatbot import (
    Message,
    Model,
    Step,
    Upload,
    answered,
    checked_folder,
    checked_id,
    heard,
    reply,
    step_due,
)

State = dict[str, Any]


class Entry(NamedTuple):
    """A line of the journal: the state after a step."""

    step: int
    state: State


class StepTaken(Exception):
    """Somebody else has put this step already: get the journal's newest state and try again."""


class Damaged(Exception):
    """A line of the journal is not what was put."""


class Journal:
    """The states of threads of steps, each in a file of its own: `put`, `get`, `history`.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> journal = Journal(folder.name)
    >>> journal.put("c1", 1, {"greeted": True})
    >>> journal.put("c1", 2, {"greeted": True, "name": "Ada"})
    >>> Journal(folder.name).get("c1")
    Entry(step=2, state={'greeted': True, 'name': 'Ada'})
    >>> [entry.step for entry in journal.history("c1")], journal.get("c2")
    ([1, 2], None)
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path | str) -> None:
        """Keep the files in a folder, which is made if it is missing."""
        self.folder = checked_folder(folder)

    def put(self, thread_id: str, step: int, state: State) -> None:
        """Write down the state after a step; when this returns, a kill cannot take it back.

        Steps are counted from 1. Raises StepTaken when another writer was first, ValueError when a
        step is left out or the state is not JSON.
        """
        line = _line(step, state)
        path = self._path(thread_id)
        with FileLock(f"{path}.lock"), path.open("a+b") as file:
            last, whole = _tail(file)
            newest = _entry(last).step if last else 0
            if step <= newest:
                raise StepTaken(
                    f"step {step} of {thread_id!r} is taken: the journal is at step {newest}"
                )
            if step != newest + 1:
                raise ValueError(
                    f"step {step!r} of {thread_id!r} would leave one out: put {newest + 1} next"
                )
            file.truncate(whole)  # half a line was never acknowledged
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def get(self, thread_id: str) -> Entry | None:
        """Return the newest entry of a thread, or None; raises Damaged when it was changed."""
        path = self._path(thread_id)
        if not path.exists():
            return None
        with path.open("rb") as file:
            last, _ = _tail(file)
        return _entry(last) if last else None

    def history(self, thread_id: str) -> list[Entry]:
        """Return every entry of a thread, oldest first."""
        path = self._path(thread_id)
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [_entry(line) for line in lines]

    def forget(self, thread_id: str) -> None:
        """Delete a thread."""
        path = self._path(thread_id)
        with FileLock(f"{path}.lock"):
            path.unlink(missing_ok=True)

    def _path(self, thread_id: str) -> Path:
        # A case or a slash in an id must not lead to the file of another.
        name = re.sub("[^a-z0-9_-]", _escaped, checked_id(thread_id))
        return self.folder / f"thread-{name}.journal"


# What a kill may leave of a line: less than its checksum, or the checksum and a part of the text.
_BEGUN = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} .*")


def _escaped(odd: re.Match[str]) -> str:
    return "".join(f"%{byte:02x}" for byte in odd[0].encode())


def _line(step: int, state: State) -> bytes:
    try:
        text = json.dumps([step, state]).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the state of step {step!r} is not JSON: {error}") from None
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _entry(line: bytes) -> Entry:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        raise Damaged(f"the line {line[:40]!r} is not what was put: its checksum differs")
    return Entry(*json.loads(text))


def _tail(file: BinaryIO) -> tuple[bytes, int]:
    """Read the last whole line, and where it ends: what comes after was cut off by a kill."""
    # From the end, in growing windows: a long thread costs no more to read than a short one.
    size, window = file.seek(0, os.SEEK_END), 4096
    while True:
        file.seek(max(0, size - window))
        lines = file.read(window).split(b"\n")
        if len(lines) > 2 or window >= size:
            if not _BEGUN.fullmatch(lines[-1]):
                raise Damaged(f"the journal ends in {lines[-1][:40]!r}, which nobody began to put")
            return (lines[-2] if len(lines) > 1 else b""), size - len(lines[-1])
        window *= 2


class JournalBot:
    """The chatbot on the journal: every message is a step, and so is every step of a longer turn.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> JournalBot(folder.name).say("My name is Ada.")
    'Hello, Ada.'
    >>> bot = JournalBot(folder.name)
    >>> bot.work({"ticket": lambda: "Ticket opened.", "mail": lambda: "Mail sent."})
    ['Ticket opened.', 'Mail sent.']
    >>> bot.back()
    >>> bot.say("What is my name?")
    'Your name is Ada.'
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path | str, *, model: Model = reply) -> None:
        """Keep the journal in a folder, which is made if it is missing."""
        self.journal = Journal(folder)
        self.model = model

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn of two steps: the user's message, the answer."""
        return self._answer(conversation, self._add(conversation, heard(text, file)))

    def resume(self, conversation: str = "c1") -> str:
        """Answer a message that was cut off from its answer."""
        messages = self.messages(conversation)
        if not messages or messages[-1]["role"] != "user":
            raise ValueError(f"conversation {conversation!r} has no turn to finish: say something")
        return self._answer(conversation, messages)

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        """Do named steps, each a step of the journal.

        The one that a kill cut off may have done its work and not come to say so: it is done again.
        """
        step, state = self._now(conversation)
        left = state["left"] or list(steps)
        if not left:
            raise ValueError("there is no step to do: give them by name, as in {'mail': send}")
        for name in left:  # before any is done
            step_due(name, steps)
        said = []
        for number, name in enumerate(left, 1):
            said.append(steps[name]())
            state = {"messages": [*state["messages"], answered(said[-1])], "left": left[number:]}
            self.journal.put(conversation, step + number, state)
        return said

    def messages(self, conversation: str = "c1") -> list[Message]:
        messages: list[Message] = self._now(conversation).state["messages"]
        return messages

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        """Go on from an earlier state: what was taken back stays in the journal's history."""
        now = self._now(conversation)
        ends = sorted(_turns_that_led_to(now, self.journal.history(conversation)).items())
        if not isinstance(turns, int) or not 1 <= turns <= len(ends):
            raise ValueError(f"turns is {turns!r}: give how many of the {len(ends)} to take back")
        self.journal.put(conversation, now.step + 1, ends[-turns][1])

    def forget(self, conversation: str = "c1") -> None:
        self.journal.forget(conversation)

    def close(self) -> None:
        """Nothing to let go of: a file is open only while it is read or written."""

    def _now(self, conversation: str) -> Entry:
        return self.journal.get(conversation) or Entry(0, _EMPTY)

    def _add(self, conversation: str, message: Message) -> list[Message]:
        """Put a message after the newest; when somebody else is first, after theirs."""
        while True:
            step, state = self._now(conversation)
            state = {**state, "messages": [*state["messages"], message]}
            # No lock is held while others wait for their model: who is late reads and tries again.
            try:
                self.journal.put(conversation, step + 1, state)
            except StepTaken:
                continue
            messages: list[Message] = state["messages"]
            return messages

    def _answer(self, conversation: str, messages: list[Message]) -> str:
        answer = self.model(messages)
        self._add(conversation, answered(answer))
        return answer


_EMPTY: State = {"messages": [], "left": []}


def _turns_that_led_to(now: Entry, history: list[Entry]) -> dict[int, State]:
    """The states at the ends of the turns before this one, by their number of messages."""
    messages = now.state["messages"]
    states = [_EMPTY, *(entry.state for entry in history if not entry.state["left"])]
    return {
        length: state
        for state in states
        if (length := len(state["messages"])) < len(messages)
        and state["messages"] == messages[:length]
        and (length == 0 or messages[length - 1]["role"] == "assistant")
    }
