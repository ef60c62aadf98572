"""The child's side of the exam: a process that serves calls of one memory, as a server would.

Each call runs on a thread of a small pool, in a context of its own; what is a coroutine runs in one
loop, and the thread waits for it. A call can be held while the model answers, until the parent lets
it go on, or kills the process.
"""

from __future__ import annotations

import contextvars
import io
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from lessons_lib.memories.chatbot import Message, overhear
from lessons_lib.memories.crash_lab.crossing import dumps, loads
from lessons_lib.memories.crash_lab.moments import begin_child
from lessons_lib.memories.exam.awaiting import finished
from lessons_lib.memories.places import held
from lessons_lib.observe.pictures.style import said_of

THREADS = 2
METHODS = ("say", "resume", "work", "back", "forget")


@dataclass(frozen=True)
class Call:
    """A call to the memory: its number, the pool's thread that makes it, and whether it is held."""

    number: int
    thread: int
    method: str
    arguments: tuple[object, ...]
    keywords: Mapping[str, object]
    hold: bool


class Served:
    """A call that is being served: what was sent to the model, and the gate it may be held at."""

    def __init__(self, call: Call, post: Callable[..., None]) -> None:
        self.call, self.post = call, post
        self.sent: tuple[str, ...] | None = None
        self.gate = threading.Event()

    def wait(self) -> None:
        """Tell the parent that the gate is reached, and wait until it opens it."""
        self.post("held", self.call.number)
        self.gate.wait()


_served: contextvars.ContextVar[Served] = contextvars.ContextVar("served")


def serve(connection: Connection[Any, Any], make: bytes, folder: Path, env: dict[str, str]) -> None:
    """Make the memory in this process and serve calls until told to end."""
    begin_child(env)
    sys.stdout = sys.stderr = io.StringIO()
    overhear(_overhear)
    Desk(connection).serve(make, folder)


def _overhear(messages: Sequence[Message]) -> None:
    """Note what is sent to the model, and wait at the gate if this call is to be held."""
    if served := _served.get(None):
        served.sent = tuple(message["content"] for message in messages)
        if served.call.hold:
            served.wait()


class Desk:
    """Takes calls from the parent, has the pool's threads make them, and posts what comes of them.

    Whatever it posts begins with a kind and the number of the call; 0 is the process itself.
    """

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self.connection = connection
        self.sending = threading.Lock()
        self.threads = [ThreadPoolExecutor(1) for _ in range(THREADS)]
        self.calls: dict[int, Served] = {}
        self.memory: Any = None
        self.context = contextvars.copy_context()

    def post(self, *message: object) -> None:
        """Send a message to the parent, from any thread."""
        with self.sending:
            self.connection.send(message)

    def serve(self, make: bytes, folder: Path) -> None:
        """Make the memory, then answer whatever comes until the line says None."""
        try:
            self.memory = finished(cast(Callable[[Path], object], loads(make))(folder))
        except Exception as error:
            self.post("failed", 0, told(error))
            return
        can = [name for name in METHODS if callable(getattr(self.memory, name, None))]
        self.post("opened", 0, said_of(self.memory)[:60], frozenset(can))
        # What `make` set in its context is there for every call, as in a server's.
        self.context = contextvars.copy_context()
        while (message := self.connection.recv()) is not None:
            self._take(message)
        close(self.memory)
        self.post("closed", 0)

    def _take(self, message: Call | int) -> None:
        if isinstance(message, int):
            self.calls[message].gate.set()
            return
        served = self.calls[message.number] = Served(message, self.post)
        self.threads[message.thread].submit(self.context.copy().run, self._make, served)

    def _make(self, served: Served) -> None:
        _served.set(served)
        call = served.call
        try:
            if call.method == "held":
                value: object = held(self.memory, *cast(tuple[str], call.arguments))
            else:
                method = getattr(self.memory, call.method)
                value = finished(method(*call.arguments, **call.keywords))
            packed = dumps(value)
        except BaseException as error:  # SystemExit too: a pool's thread would swallow it
            self.post("failed", call.number, told(error))
        else:
            self.post("done", call.number, packed, served.sent)


def close(memory: Any) -> None:
    """Have a memory let go of its files, if it can."""
    if callable(ends := getattr(memory, "close", None)):
        finished(ends())


def told(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def note(world: str, name: str) -> str:
    """A step that leaves a trace outside the memory: a line in a file."""
    with open(world, "a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    return f"{name} done."


def note_and_wait(world: str, name: str) -> str:
    """A step that leaves its trace and waits at the gate: it is killed there."""
    said = note(world, name)
    if served := _served.get(None):
        served.wait()
    return said
