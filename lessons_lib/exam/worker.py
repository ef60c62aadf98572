"""The parent's side of the exam: workers, real processes that serve a memory and can be killed."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from lessons_lib.crash_lab.children import scratch, start
from lessons_lib.crash_lab.crossing import loads
from lessons_lib.exam.keeping import Keeping
from lessons_lib.exam.serving import THREADS, Call, serve

PATIENCE = 60.0
"""Seconds after which a call that does not come back is given up; nothing is said of it then."""


class Trouble(Exception):
    """A call to the memory raised an error, or its process ended."""


class Ended(Trouble):
    """The process ended, and nobody had killed it."""

    def __init__(self) -> None:
        super().__init__("nothing: its process ended by itself")


class Late(Exception):
    """A call to the memory did not come back: nothing can be said of it."""

    def __init__(self) -> None:
        super().__init__(f"nothing came back within {PATIENCE:g} s")


@dataclass(frozen=True)
class Reply:
    """A turn's answer, and the texts that the memory sent to the model for it."""

    answer: str
    sent: tuple[str, ...]

    def tells(self, fact: str) -> bool:
        """Whether the fact was sent to the model in this turn, or is in its answer."""
        return any(fact in text for text in (self.answer, *self.sent))


class Turn:
    """A call that was begun."""

    def __init__(self, worker: Worker, number: int, thread: int) -> None:
        self._worker, self._number, self.thread = worker, number, thread
        self.stands = threading.Event()
        """Set when the call is held at its gate, and when it is over."""
        self.outcome: Future[list[Any]] = Future()

    def reach_gate(self) -> None:
        """Wait until the call is held at its gate, or over without having come to it."""
        if not self.stands.wait(PATIENCE):
            raise Late
        if self.outcome.done() and isinstance(self.outcome.exception(), Ended):
            raise Ended

    def let_go(self) -> None:
        """Open the gate that the call is held at."""
        self._worker.send(self._number)

    def is_over(self, within: float) -> bool:
        """Whether the call comes to its end in so many seconds."""
        with suppress(TimeoutError):
            self.outcome.exception(within)
        return self.outcome.done()

    def news(self) -> list[Any]:
        """Wait for what came of it; raises Trouble when that is an error, Late when nothing is."""
        try:
            return self.outcome.result(PATIENCE)
        except TimeoutError:
            raise Late from None

    def value(self) -> object:
        """Wait for what the call returned."""
        return loads(self.news()[0])

    def reply(self) -> Reply:
        """Wait for the answer of a turn, and check that it is one."""
        packed, sent = self.news()
        answer = loads(packed)
        if not isinstance(answer, str):
            raise Trouble(f"say returned {answer!r:.60}, and not a text")
        return Reply(answer, sent)


class Worker:
    """A process that serves one memory; its calls go round the threads of a pool."""

    def __init__(self, make: bytes, folder: Path, tag: str = "") -> None:
        """Start the process; raises Trouble when `make` does. `tag` begins all ids it is given."""
        self._tag = tag
        self._process, self._line = start(serve, make, folder, dict(os.environ))
        self._turns = [Turn(self, 0, -1)]
        """All calls by their number; 0 is the making of the memory."""
        self._thread = 0
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            shown, can = self._turns[0].news()
        except BaseException:
            self.kill()
            raise
        self.shown: str = shown
        """How the memory looks."""
        self.can: frozenset[str] = can
        """The methods that it has."""

    def say(self, text: str, **keywords: Any) -> Reply:
        """Take a turn to its end; raises Trouble when the memory raises."""
        return self.begin(text, **keywords).reply()

    def ask(self, **keywords: Any) -> Reply:
        """Ask for the name: what matters is what the memory sends along."""
        return self.say("What is my name?", **keywords)

    def begin(
        self, text: str, *, conversation: str = "c1", user: str = "ada", **keywords: Any
    ) -> Turn:
        """Begin a turn and do not wait for it; `hold` stops it while the model answers."""
        keywords |= {"conversation": self._tag + conversation, "user": self._tag + user}
        return self.call("say", text, **keywords)

    def call(self, method: str, *arguments: object, hold: bool = False, **keywords: object) -> Turn:
        """Begin a call of any method (`held`: how many texts with a fact the memory leads to)."""
        turn = Turn(self, len(self._turns), self._free_thread())
        self._turns.append(turn)
        self.send(Call(len(self._turns) - 1, turn.thread, method, arguments, keywords, hold))
        return turn

    def _free_thread(self) -> int:
        """The next thread of the pool in turn that is not in the middle of a call."""
        # Not whichever is idle: who meets whom on a thread must be the same in every run.
        taken = [turn.thread for turn in self._turns if not turn.outcome.done()]
        while True:
            self._thread = (self._thread + 1) % THREADS
            if self._thread not in taken:
                return self._thread

    def kill(self) -> None:
        """Kill the process with SIGKILL, and see that it has ended."""
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Have the memory close, if it can, and end the process."""
        if "close" in self.can:
            with suppress(Trouble, Late):
                self.call("close").news()
        self.kill()

    def send(self, message: Call | int) -> None:
        """Send a call to the process, or the number of one whose gate it is to open."""
        try:
            self._line.send(message)
        except OSError:
            raise Ended from None

    def _listen(self) -> None:
        """Hear what becomes of the calls until the process ends; runs in a thread of its own."""
        with self._line:
            # Not until the line ends: a process that the memory has started may hold on to it.
            while self._line in wait([self._line, self._process.sentinel]) or self._line.poll():
                try:
                    kind, number, *rest = self._line.recv()
                except (EOFError, OSError):
                    break
                turn = self._turns[number]
                if kind == "done":
                    turn.outcome.set_result(rest)
                elif kind == "failed":
                    turn.outcome.set_exception(Trouble(*rest))
                turn.stands.set()
        for turn in self._turns:
            if not turn.outcome.done():
                turn.outcome.set_exception(Ended())
                turn.stands.set()


@dataclass
class Lab:
    """What one question works with: a fresh folder, and workers of the memory in it.

    `keeping` looks into what they keep there.

    A memory that keeps what it has `elsewhere` has nothing but names to tell the questions apart:
    its conversations and users begin with a `tag`, another one in each lab.
    """

    make: bytes
    folder: Path
    keeping: Keeping
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
def open_lab(make: bytes, keeping: Keeping, *, elsewhere: bool = False) -> Iterator[Lab]:
    """A lab in a folder of its own; at its end every worker that is left is killed, and what they
    kept is removed.
    """
    with scratch("exam-") as folder:
        tag = f"{secrets.token_hex(4)}-" if elsewhere else ""
        lab = Lab(make, Path(folder), keeping, elsewhere, tag)
        lab.memory.mkdir()
        try:
            yield lab
        finally:
            for worker in lab.workers:
                worker.kill()
            lab.keeping.clear(lab.folder)
