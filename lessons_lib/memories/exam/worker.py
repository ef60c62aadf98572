"""The parent's side of the exam: workers, real processes that serve a memory and can be killed."""

from __future__ import annotations

import os
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from lessons_lib.memories.crash_lab.children import start
from lessons_lib.memories.crash_lab.crossing import loads
from lessons_lib.memories.exam.serving import THREADS, Call, serve

PATIENCE = 60.0
"""Seconds after which a call that does not come back is given up; nothing is said of it then."""
OVER = ("done", "failed")
"""The news with which a call is over."""


class Trouble(Exception):
    """A call to the memory raised an error, or its process ended."""


class Late(Exception):
    """A call to the memory did not come back: nothing can be said of it."""


@dataclass(frozen=True)
class Reply:
    """A turn's answer, and the texts that the memory sent to the model for it."""

    answer: str
    sent: tuple[str, ...]

    def tells(self, fact: str) -> bool:
        """Whether the fact was sent to the model in this turn, or is in its answer."""
        return any(fact in text for text in (self.answer, *self.sent))


class Worker:
    """A process that serves one memory; its calls go round the threads of a pool."""

    def __init__(self, make: bytes, folder: Path, tag: str = "") -> None:
        """Start the process; raises Trouble when `make` does. `tag` begins all ids it is given."""
        self._tag = tag
        self._process, self._line = start(serve, make, folder, dict(os.environ))
        self._news: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self._threads: dict[int, int] = {}
        """The thread of each call that is not over."""
        self._calls = self._turn = 0
        try:
            opened = self.hear(0, ("opened", "failed"))
            if opened[0] == "failed":
                raise Trouble(opened[1])
        except BaseException:
            self.kill()
            raise
        self.shown: str = opened[1]
        """How the memory looks."""
        self.can: frozenset[str] = opened[2]
        """The methods that it has."""

    def say(self, text: str, **keywords: Any) -> Reply:
        """Take a turn to its end; raises Trouble when the memory raises."""
        return self.begin(text, **keywords).reply()

    def ask(self, **keywords: Any) -> Reply:
        """Ask for the name: what matters is what the memory sends along."""
        return self.say("What is my name?", **keywords)

    def begin(
        self,
        text: str,
        *,
        conversation: str = "c1",
        user: str = "ada",
        file: tuple[str, str] | None = None,
        hold: bool = False,
    ) -> Turn:
        """Begin a turn and do not wait for it; `hold` stops it while the model answers."""
        keywords: dict[str, Any] = {
            "conversation": self._tag + conversation,
            "user": self._tag + user,
        }
        if file is not None:
            keywords["file"] = file
        return self.call("say", text, hold=hold, **keywords)

    def call(self, method: str, *arguments: object, hold: bool = False, **keywords: object) -> Turn:
        """Begin a call of any method (`held`: how many texts with a fact the memory leads to)."""
        self._calls += 1
        call = Call(self._calls, self._free_thread(), method, arguments, keywords, hold)
        self._threads[call.number] = call.thread
        self.send(call)
        return Turn(self, call.number)

    def _free_thread(self) -> int:
        """The next thread of the pool in turn that is not in the middle of a call."""
        while True:
            self._turn = (self._turn + 1) % THREADS
            if self._turn not in self._threads.values():
                return self._turn

    def kill(self) -> None:
        """Kill the process with SIGKILL, and see that it has ended."""
        self._process.kill()
        self._process.join()
        self._line.close()

    def close(self) -> None:
        """Have the memory close, and the process end."""
        with suppress(OSError, Trouble, Late):
            self._line.send(None)
            self.hear(0, ("closed",))
        self.kill()

    def send(self, message: Call | int) -> None:
        """Send a call to the process, or the number of one whose gate it is to open."""
        with self._alive():
            self._line.send(message)

    def hear(self, number: int, kinds: tuple[str, ...]) -> tuple[Any, ...]:
        """Wait for news of a call (0: of the process); raises Late when none comes."""
        news = self.news(number, kinds, PATIENCE)
        if news is None:
            raise Late(f"nothing came back within {PATIENCE:g} s")
        return news

    def news(self, number: int, kinds: tuple[str, ...], within: float) -> tuple[Any, ...] | None:
        """The first news of some kinds of a call, waited for; None when there is none in time."""
        end = time.monotonic() + within
        while True:
            for known in self._news[number]:
                if known[0] in kinds:
                    return known
            if not wait([self._line], max(0.0, end - time.monotonic())):
                return None
            with self._alive():
                kind, about, *rest = self._line.recv()
            self._news[about].append((kind, *rest))
            if kind in OVER:
                self._threads.pop(about, None)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError):
            raise Trouble("nothing: its process ended by itself") from None


class Turn:
    """A call that was begun."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker, self._number = worker, number

    def reach_gate(self) -> None:
        """Wait until the call is held at its gate, or over without having come to it."""
        self._worker.hear(self._number, ("held", *OVER))

    def let_go(self) -> None:
        """Open the gate that the call is held at."""
        self._worker.send(self._number)

    def is_over(self, within: float) -> bool:
        """Whether the call comes to its end in so many seconds."""
        return self._worker.news(self._number, OVER, within) is not None

    def value(self) -> object:
        """Wait for the call's value; raises Trouble when it raised, Late when it does not come."""
        return loads(self._done()[0])

    def reply(self) -> Reply:
        """Wait for the answer of a turn, and check that it is one."""
        packed, sent = self._done()
        answer = loads(packed)
        if not isinstance(answer, str):
            raise Trouble(f"say returned {answer!r:.60}, and not a text")
        return Reply(answer, sent or ())

    def _done(self) -> tuple[bytes, tuple[str, ...] | None]:
        kind, *rest = self._worker.hear(self._number, OVER)
        if kind == "failed":
            raise Trouble(rest[0])
        return rest[0], rest[1]


@dataclass
class Lab:
    """What one question works with: a fresh folder, and workers of the memory in it.

    A memory that keeps what it has `elsewhere` has nothing but names to tell the questions apart:
    its conversations and users begin with a `tag`, another one in each lab.
    """

    make: bytes
    folder: Path
    elsewhere: bool
    tag: str
    workers: list[Worker] = field(default_factory=list)

    @property
    def memory(self) -> Path:
        """The folder that is the memory's."""
        return self.folder / "memory"

    @property
    def conversation(self) -> str:
        """The id of the conversation that a worker speaks in unless it is told another."""
        return f"{self.tag}c1"

    @property
    def world(self) -> Path:
        """A file outside the memory, where steps leave their traces."""
        return self.folder / "world.txt"

    def worker(self, folder: Path | None = None) -> Worker:
        """Start a worker on the memory's folder (or another)."""
        worker = Worker(self.make, folder or self.memory, self.tag)
        self.workers.append(worker)
        return worker


@contextmanager
def open_lab(make: bytes, folder: Path, elsewhere: bool = False) -> Iterator[Lab]:
    """A lab in a folder; every worker that is left is killed at its end."""
    (folder / "memory").mkdir(parents=True)
    lab = Lab(make, folder, elsewhere, f"{secrets.token_hex(4)}-" if elsewhere else "")
    try:
        yield lab
    finally:
        for worker in lab.workers:
            with suppress(OSError):
                worker.kill()
