"""The parent's side of the crash lab: listen to a life, answer at its gates, end it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from lessons_lib.crash_lab.children import start
from lessons_lib.crash_lab.crossing import loads
from lessons_lib.crash_lab.moments import Answer, live
from lessons_lib.crash_lab.report import Life, counted

How = Literal["kill", "term"]


@dataclass
class Gate:
    """Where and how the first life ends, and which of these moments have been reached."""

    at: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    nth: int = 1
    how: How = "kill"
    at_return: bool = False
    first: Callable[[], bool] | None = None
    """Of workers, each with a gate: whether this one is the first to come to its moment."""
    reached: set[str] = field(default_factory=set)
    over: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The moments that have not been reached yet."""
        return tuple(name for name in (*self.at, *self.after) if name not in self.reached)

    @property
    def complete(self) -> bool:
        """Whether the life has come to where it was to be ended."""
        return self.over if self.at_return else bool(self.at) and not self.missing

    def __str__(self) -> str:
        return " and ".join(map(repr, self.at))


def lived(function: bytes, folder: Path, gate: Gate, timeout: float, order: Sequence[str]) -> Life:
    """Start a process, listen to it until its end, and make sure that it has ended."""
    return _begun(function, folder, gate, timeout).to_the_end(order)


def pooled(function: bytes, folder: Path, gate: Gate, timeout: float, workers: int) -> list[Life]:
    """Start several processes at once: the life of the one that is killed, and that of the pool.

    Which of them finished what is chance. So the first life has of its moments those that others
    passed again, and the second all the rest. It is the only one when no process was killed.
    """
    first = partial(threading.Lock().acquire, blocking=False)  # true once
    watches: list[Watch] = []
    try:
        with ThreadPoolExecutor(workers) as threads:
            try:
                for _ in range(workers):
                    own = replace(gate, first=first, reached=set())
                    watches.append(_begun(function, folder, own, timeout))
                lives = list(threads.map(Watch.to_the_end, watches))
            finally:
                for watch in watches:  # if they were stopped: their threads come to an end
                    watch.kill()
    finally:
        for watch in watches:
            watch.end()
    killed = [life for life, watch in zip(lives, watches, strict=True) if watch.gate.complete]
    others = [life for life in lives if life not in killed]
    if not killed:
        pool = _together(others, (), f"{workers} workers")
        missed = _not_reached(gate, pool.passed, pool.ended, "workers")
        return [replace(pool, error=pool.error or missed)]
    again = {*gate.at, *(name for life in others for name in life.passed)}
    cut_off = tuple(name for name in killed[0].passed if name in again)
    finished = tuple(name for name in killed[0].passed if name not in again)
    one = replace(killed[0], passed=cut_off, who="one worker")
    return [one, _together(others, finished, "all the rest")]


def _together(lives: Sequence[Life], more: Sequence[str], who: str) -> Life:
    """The lives of several workers as one, in an order that does not depend on who was quicker."""
    passed = sorted([*more, *(name for life in lives for name in life.passed)])
    endings = {life.ended for life in lives}
    values = sorted((life.value for life in lives if life.value is not None), key=repr)
    errors = sorted({life.error for life in lives if life.error})
    said = "".join(sorted(life.output for life in lives))
    ended = " · ".join(sorted(endings))
    return Life(tuple(passed), ended, values or None, "; ".join(errors), said, who)


def _begun(function: bytes, folder: Path, gate: Gate, timeout: float) -> Watch:
    process, line = start(live, function, folder, dict(os.environ))
    return Watch(process, line, gate, timeout)


def _not_reached(gate: Gate, passed: Sequence[str], ended: str, who: str = "process") -> str:
    times = f" {gate.nth} times" if gate.nth > 1 else ""
    return (
        f"the moment {' and '.join(map(repr, gate.missing))} was not reached{times}: "
        f"the {who} passed {counted(passed)}, then {ended}"
    )


class Watch:
    """The parent's ear: what it has heard of one life, and what it answers."""

    def __init__(
        self, process: BaseProcess, line: Connection[Any, Any], gate: Gate, timeout: float
    ) -> None:
        self.process, self.line, self.gate, self.timeout = process, line, gate, timeout
        self.deadline = time.monotonic() + timeout
        self.passed: list[tuple[str, bool]] = []
        """The moments, in the order in which they came, and whether in the main thread."""
        self.said: list[str] = []
        self.value: object = None
        self.error = ""
        self.terminated = False

    def to_the_end(self, order: Sequence[str] = ()) -> Life:
        """Listen until the life has ended, see to it that it has, and sum it up."""
        try:
            ended = self.listen() or f"killed because it still ran after {self.timeout:g} s"
        finally:
            self.end()
        return self.life(ended, order)

    def kill(self) -> None:
        """Kill the process, if it has not ended."""
        with suppress(ValueError):  # closed already
            self.process.kill()

    def end(self) -> None:
        """Kill the process, see that it has ended, and let go of it; twice does no harm."""
        self.kill()
        with suppress(ValueError):
            self.process.join()
            self.process.close()
        self.line.close()

    def listen(self) -> str:
        """Hear and answer until the life has ended, or is to be; say how, or nothing if it is late.

        A child tells nothing more until it is answered: of one that is to be killed all is heard.
        """
        while message := self._next(self._left()):
            match message:
                case "said", text:
                    self.said.append(text)
                case "moment", name, in_main_thread:
                    answer = self._at_moment(name, in_main_thread)
                    if answer is None:
                        return f"killed at {self.gate}"
                    self._answer(answer)
                case "returned", value, complaint:
                    self._take(value, complaint)
                    if self.gate.at_return:
                        return "killed after it had returned"
                    return self._finished("returned")
                case "raised", kind, text:
                    return self._finished(f"raised {kind}: {text}" if text else f"raised {kind}")
        if self.process.is_alive():
            return ""
        self.gate.over = True
        code = self.process.exitcode or 0
        if self.terminated and abs(code) == signal.SIGTERM:
            return "died of SIGTERM: it had set no handler for it"
        return f"ended by itself with exit code {code}"

    def _left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def _next(self, within: float) -> tuple[Any, ...] | None:
        """The next message; None when none comes in time, or the process has ended."""
        if self.line in wait([self.line, self.process.sentinel], within) or self.line.poll():
            with suppress(EOFError, OSError):
                message: tuple[Any, ...] = self.line.recv()
                return message
            self.process.join(self._left())
        return None

    def _answer(self, answer: Answer) -> None:
        with suppress(OSError):  # it died meanwhile: the end of the line says so next
            self.line.send(answer)

    def _at_moment(self, name: str, in_main_thread: bool) -> Answer | None:
        """Note a moment; what its thread is told to do there; None: its process is killed."""
        held = False
        if name in self.gate.after:
            self.gate.reached.add(name)
        else:
            self.passed.append((name, in_main_thread))
            times = sum(passed == name for passed, _ in self.passed)
            held = name in self.gate.at and times == self.gate.nth
            held = held and (self.gate.first is None or self.gate.first())
        if held:
            self.gate.reached.add(name)
            if self.gate.how == "term":
                self.terminated = True
                return "terminate"
        if self.gate.complete and not self.terminated:
            return None
        return "stay" if held else "go"

    def _take(self, value: bytes, complaint: str) -> None:
        """Keep what the function returned, or say why it could not come here."""
        try:
            self.value = loads(value)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            self.error = f"what it returned cannot cross back, return plain data: {complaint}"
        self.gate.over = True

    def _finished(self, ended: str) -> str:
        """Let the process end as any other does, with its exit handlers and open files."""
        self.gate.over = True
        self._answer("go")
        self.process.join(self._left())
        hung = ", but one of its threads never ended" if self.process.is_alive() else ""
        return ended + hung

    def life(self, ended: str, order: Sequence[str]) -> Life:
        """Sum up what was heard; `order` settles that of moments in parallel threads."""
        names = _in_order(self.passed, [*order, *self.gate.at])
        if ended == f"killed at {self.gate}":
            names = _ending_at(self.gate.at, names)
        if self.terminated:
            ended = f"SIGTERM at {self.gate}, then {ended}"
        error = self.error
        if self.gate.at and self.gate.missing and not error and self.gate.first is None:
            error = _not_reached(self.gate, [name for name, _ in self.passed], ended)
        return Life(tuple(names), ended, self.value, error, "".join(self.said))


def _ending_at(gates: Sequence[str], names: Sequence[str]) -> list[str]:
    """The moments of a killed life, with those at which its threads stood in the end put last.

    Another thread may have been heard while they stood there; whether it was is chance.

    >>> _ending_at(["b"], ["b", "a", "b", "c"])
    ['b', 'a', 'c', 'b']
    """
    before = list(reversed(names))
    for gate in gates:
        before.remove(gate)
    return [*reversed(before), *gates]


def _in_order(passed: Sequence[tuple[str, bool]], order: Sequence[str]) -> list[str]:
    """The names as they came, but in each run of moments of other threads those in `order` by it.

    >>> _in_order([("b", False), ("x", False), ("a", False), ("b", True)], ["a", "b"])
    ['a', 'x', 'b', 'b']
    """
    names: list[str] = []
    for in_main_thread, run in groupby(passed, key=lambda one: one[1]):
        came = [name for name, _ in run]
        known = iter(sorted((name for name in came if name in order), key=order.index))
        names += came if in_main_thread else [next(known) if n in order else n for n in came]
    return names
