"""The parent's side of the exam: workers, real processes that serve a memory and can be killed."""

from __future__ import annotations

import os
import secrets
import time
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
    """A process that serves one memory; its turns go round the threads of a pool."""

    def __init__(self, make: bytes, folder: Path, tag: str = "") -> None:
        """Start the process; raises Trouble when `make` does. `tag` begins all ids it is given."""
        self._tag = tag
        self._process, self._line = start(serve, make, folder, dict(os.environ))
        self._news: dict[int, list[tuple[Any, ...]]] = {}
        self._busy: dict[int, int] = {}
        self._calls = 0
        self._turn = 0
        try:
            kind, *told = self._hear(("opened", "raised"), PATIENCE)
            if kind == "raised":
                raise Trouble(told[0])
        except BaseException:
            self.kill()
            raise
        self.shown, self.kind, can = told
        """How the memory looks, and the module and the name of its class."""
        self.can = frozenset(can)

    def say(self, text: str, **keywords: Any) -> Reply:
        """Take a turn to its end; raises Trouble when the memory raises."""
        return self.begin(text, **keywords).reply()

    def ask(self, **keywords: Any) -> Reply:
        """Ask for the name: what matters is what the memory sends along."""
        return self.say("What is my name?", **keywords)

    def begin(self, text: str, *, hold: bool = False, **keywords: Any) -> Turn:
        """Begin a turn and do not wait for it; `hold` stops it while the model answers."""
        return self._begin("say", (text,), keywords, hold)

    def do(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call another method of the memory and return what it returns."""
        return self._begin(method, arguments, keywords).value()

    def start(self, method: str, *arguments: Any) -> Turn:
        """Begin a call of another method that is held at a gate of its own."""
        return self._begin(method, arguments, {})

    def kill(self) -> None:
        """Kill the process with SIGKILL, and see that it has ended."""
        self._process.kill()
        self._process.join()
        self._line.close()

    def close(self) -> None:
        """Have the memory close, and the process end."""
        with suppress(OSError, Trouble, Late):
            self._line.send(None)
            self._hear(("closed",), PATIENCE)
        self.kill()

    def _begin(
        self, method: str, arguments: tuple[Any, ...], keywords: dict[str, Any], hold: bool = False
    ) -> Turn:
        self._calls += 1
        if self._tag and method in ("resume", "forget"):
            arguments = (self._tag + arguments[0],)
        elif self._tag and method != "held":
            usual = {"conversation": "c1", **({"user": "ada"} if method == "say" else {})}
            keywords = {**usual, **keywords}
            keywords |= {name: self._tag + keywords[name] for name in usual}
        call = Call(self._calls, self._free_thread(), method, arguments, keywords, hold)
        self._busy[call.number] = call.thread
        self._news[call.number] = []
        with self._alive():
            self._line.send(call)
        return Turn(self, call.number)

    def _free_thread(self) -> int:
        """The next thread of the pool in turn that is not in the middle of a call."""
        while True:
            self._turn += 1
            thread = (self._turn - 1) % THREADS
            if thread not in self._busy.values():
                return thread

    def news(self, number: int, kinds: tuple[str, ...], within: float) -> tuple[Any, ...]:
        """Wait for news of a call; returns ("late",) when there is none in time."""
        for known in self._news[number]:
            if known[0] in kinds:
                return known
        return self._hear(kinds, within, number)

    def _hear(self, kinds: tuple[str, ...], within: float, number: int = 0) -> tuple[Any, ...]:
        end = time.monotonic() + within
        while wait([self._line], max(0.0, end - time.monotonic())):
            with self._alive():
                kind, *rest = self._line.recv()
            about = rest[0] if kind in ("held", "done", "failed") else 0
            if about:
                self._news[about].append((kind, *rest[1:]))
                if kind != "held":
                    self._busy.pop(about, None)
            if kind in kinds and about == number:
                return (kind, *(rest[1:] if about else rest))
        if number == 0:
            raise Late(f"nothing came back within {within:g} s")
        return ("late",)

    def let_go(self, number: int) -> None:
        """Open the gate of a call."""
        with self._alive():
            self._line.send(number)

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

    def is_held(self) -> bool:
        """Wait until the call is held at its gate (True) or over without having come to it."""
        kinds = ("held", "done", "failed")
        return bool(self._worker.news(self._number, kinds, PATIENCE)[0] == "held")

    def is_over(self, within: float) -> bool:
        """Whether the call comes to its end in so many seconds."""
        return bool(self._worker.news(self._number, ("done", "failed"), within)[0] != "late")

    def let_go(self) -> None:
        """Open the gate that the call is held at."""
        self._worker.let_go(self._number)

    def value(self) -> Any:
        """Wait for the call's value; raises Trouble when it raised or does not come back."""
        return loads(self._done()[1])

    def reply(self) -> Reply:
        """Wait for the answer of a turn, and check that it is one."""
        _, packed, sent = self._done()
        answer = loads(packed)
        if not isinstance(answer, str):
            raise Trouble(f"say returned {answer!r:.60}, and not a text")
        return Reply(answer, sent or ())

    def _done(self) -> tuple[Any, ...]:
        news = self._worker.news(self._number, ("done", "failed"), PATIENCE)
        if news[0] == "failed":
            raise Trouble(news[1])
        if news[0] == "late":
            raise Late(f"a call did not come back within {PATIENCE:g} s")
        return news


@dataclass
class Lab:
    """What one question works with: a fresh folder, and workers of the memory in it.

    `elsewhere` is a memory that keeps what it has outside its folder. It is given conversations and
    users that no other question has, since nothing else tells the questions apart.
    """

    make: bytes
    folder: Path
    elsewhere: bool = False
    workers: list[Worker] = field(default_factory=list)
    tag: str = field(default_factory=lambda: f"{secrets.token_hex(4)}-")

    @property
    def memory(self) -> Path:
        """The folder that is the memory's."""
        return self.folder / "memory"

    @property
    def world(self) -> Path:
        """A file outside the memory, where steps leave their traces."""
        return self.folder / "world.txt"

    def worker(self, folder: Path | None = None) -> Worker:
        """Start a worker on the memory's folder (or another)."""
        worker = Worker(self.make, folder or self.memory, self.tag if self.elsewhere else "")
        self.workers.append(worker)
        return worker


@contextmanager
def open_lab(make: bytes, folder: Path, elsewhere: bool = False) -> Iterator[Lab]:
    """A lab in a folder; every worker that is left is killed at its end."""
    (folder / "memory").mkdir(parents=True)
    lab = Lab(make, folder, elsewhere)
    try:
        yield lab
    finally:
        for worker in lab.workers:
            with suppress(OSError):
                worker.kill()
