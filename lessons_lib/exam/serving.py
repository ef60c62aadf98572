"""The child's side of the exam: a process that serves calls of one memory, as a server would.

Each call runs on a thread of a small pool, in a context of its own; what is a coroutine runs in one
loop, and the thread waits for it. A call can be held while the model answers, until the parent lets
it go on, or kills the process.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import io
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from lessons_lib.crash_lab.crossing import dumps, loads
from lessons_lib.crash_lab.moments import begin_child
from lessons_lib.memories.chatbot import Message, overhear
from lessons_lib.memories.places import held
from lessons_lib.observe.pictures.style import said_of

THREADS = 2
METHODS = ("say", "resume", "work", "back", "forget", "close")


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

    def __init__(self, call: Call, memory: Any, post: Callable[..., None]) -> None:
        self.call, self.memory, self.post = call, memory, post
        self.sent: tuple[str, ...] = ()
        self.gate = threading.Event()

    def wait(self) -> None:
        """Tell the parent that the gate is reached, and wait until it opens it."""
        self.post("held", self.call.number)
        self.gate.wait()

    def make(self) -> None:
        """Make the call, and post what came of it."""
        _served.set(self)
        call = self.call
        try:
            if call.method == "held":  # no method of the memory: what it leads to is looked for
                value: object = held(self.memory, *cast(tuple[str], call.arguments))
            else:
                method = getattr(self.memory, call.method)
                value = finished(method(*call.arguments, **call.keywords))
            packed = dumps(value)
        except BaseException as error:  # SystemExit too: a pool's thread would swallow it
            self.post("failed", call.number, told(error))
        else:
            self.post("done", call.number, packed, self.sent)


_served: contextvars.ContextVar[Served] = contextvars.ContextVar("served")


def serve(connection: Connection[Any, Any], make: bytes, folder: Path, env: dict[str, str]) -> None:
    """Make the memory in this process and serve calls until this process is killed.

    What is posted begins with a kind and the number of the call; 0 is the making itself.
    """
    begin_child(env)
    sys.stdout = sys.stderr = io.StringIO()
    overhear(_overhear)
    sending = threading.Lock()

    def post(*message: object) -> None:
        with sending:
            connection.send(message)

    try:
        memory = finished(cast(Callable[[Path], Any], loads(make))(folder))
    except Exception as error:
        post("failed", 0, told(error))
        return
    can = [name for name in METHODS if callable(getattr(memory, name, None))]
    post("done", 0, said_of(memory)[:60], frozenset(can))
    # What `make` set in its context is there for every call, as in a server's.
    context = contextvars.copy_context()
    # A pool for each thread: the parent says which of them makes a call.
    threads = [ThreadPoolExecutor(1) for _ in range(THREADS)]
    calls: dict[int, Served] = {}
    while True:
        message = connection.recv()
        if isinstance(message, int):
            calls[message].gate.set()
        else:
            served = calls[message.number] = Served(message, memory, post)
            threads[message.thread].submit(context.copy().run, served.make)


def _overhear(messages: Sequence[Message]) -> None:
    """Note what is sent to the model, and wait at the gate if this call is to be held."""
    if served := _served.get(None):
        served.sent = tuple(message["content"] for message in messages)
        if served.call.hold:
            served.wait()


def finished(value: Any) -> Any:
    """What a call came to: a coroutine is run to its end, in the one loop of this process.

    >>> async def say(text):
    ...     return text
    >>> finished(say("Hello")), finished("Hello")
    ('Hello', 'Hello')
    """
    if not inspect.isawaitable(value):
        return value

    async def run() -> Any:
        return await value

    return asyncio.run_coroutine_threadsafe(run(), _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs in a thread of its own, as a server's does."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="loop", daemon=True).start()
    return loop


def told(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def note(world: str, name: str, wait: bool = False) -> str:
    """A step that leaves a trace outside the memory: a line in a file.

    Told to `wait`, it does so at the gate, once the trace is there: it is killed then.
    """
    with open(world, "a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    if wait and (served := _served.get(None)):
        served.wait()
    return f"{name} done."
