"""The parent's side of the crash lab: listen to lives, answer at their gates, end them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
    reached: set[str] = field(default_factory=set)
    hung: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The moments that have not been reached yet."""
        return tuple(name for name in (*self.at, *self.after) if name not in self.reached)

    @property
    def complete(self) -> bool:
        """Whether the life has come to the moments at which it is ended."""
        return bool(self.at) and not self.missing

    def __str__(self) -> str:
        return " and ".join(map(repr, self.at))


def lived(function: bytes, folder: Path, gate: Gate, timeout: float, order: Sequence[str]) -> Life:
    """Start a process, listen to it until its end, and make sure that it has ended."""
    [watch] = _heard(function, folder, [gate], timeout)
    life = watch.life(order)
    missed = _not_reached(gate, life, "process") if gate.at and gate.missing else ""
    return replace(life, error=life.error or missed)


def pooled(function: bytes, folder: Path, gate: Gate, timeout: float, workers: int) -> list[Life]:
    """Start several processes at once: the life of the one that is killed, and that of the pool.

    Which of them finished what is chance. So the first life has of its moments those that others
    passed again, and the second all the rest. It is the only one when no process was killed.
    """
    gates = [replace(gate, reached=set()) for _ in range(workers)]
    watches = _heard(function, folder, gates, timeout)
    killed = [watch.life() for watch in watches if watch.gate.complete]
    others = [watch.life() for watch in watches if not watch.gate.complete]
    if not killed:
        pool = _together(others, (), f"{workers} workers")
        return [replace(pool, error=pool.error or _not_reached(gate, pool, "workers"))]
    again = {*gate.at, *(name for life in others for name in life.passed)}
    cut_off = tuple(name for name in killed[0].passed if name in again)
    finished = tuple(name for name in killed[0].passed if name not in again)
    one = replace(killed[0], passed=cut_off, who="one worker")
    return [one, _together(others, finished, "all the rest")]


def _together(lives: Sequence[Life], more: Sequence[str], who: str) -> Life:
    """The lives of several workers as one, in an order that does not depend on who was quicker."""
    passed = sorted([*more, *(name for life in lives for name in life.passed)])
    values = sorted((life.value for life in lives if life.value is not None), key=repr)
    ended = " · ".join(sorted({life.ended for life in lives}))
    error = "; ".join(sorted({life.error for life in lives if life.error}))
    said = "".join(sorted(life.output for life in lives))
    return Life(tuple(passed), ended, values or None, error, said, who)


def _not_reached(gate: Gate, life: Life, who: str) -> str:
    times = f" {gate.nth} times" if gate.nth > 1 else ""
    return (
        f"the moment {' and '.join(map(repr, gate.missing))} was not reached{times}: "
        f"the {who} passed {counted(life.passed)}, then {life.ended}"
    )


def _heard(function: bytes, folder: Path, gates: Sequence[Gate], timeout: float) -> list[Watch]:
    """Start a process for each gate, and listen to all until each has ended.

    The first that is ended at its gate is the only one: to the others all gates open.
    """
    watches: list[Watch] = []
    try:
        for gate in gates:
            watches.append(Watch(*start(live, function, folder, dict(os.environ)), gate))
        until = time.monotonic() + timeout
        while going := [watch for watch in watches if not watch.ended]:
            sources = [source for w in going for source in (w.line, w.process.sentinel)]
            wait(sources, max(0.0, until - time.monotonic()))
            for watch in going:
                watch.hear(until, timeout)
                if watch.ended:
                    watch.end()
                if watch.gate.complete:
                    for other in watches:
                        other.gate.at = other.gate.at if other is watch else ()
    finally:
        for watch in watches:
            watch.end()
    return watches


class Watch:
    """The parent's ear: what it has heard of one life, and what it answers."""

    def __init__(self, process: BaseProcess, line: Connection[Any, Any], gate: Gate) -> None:
        self.process, self.line, self.gate = process, line, gate
        self.passed: list[tuple[str, bool]] = []
        """The moments, in the order in which they came, and whether in the main thread."""
        self.said: list[str] = []
        self.value: object = None
        self.error = self.outcome = self.ended = ""
        """What went wrong, what the function came to, and how the life ended once it has."""
        self.terminated = False

    def end(self) -> None:
        """Kill the process, see that it has ended, and let go of it; twice does no harm."""
        with suppress(ValueError):  # closed already
            self.process.kill()
            self.process.join()
            self.process.close()
        self.line.close()

    def hear(self, until: float, timeout: float) -> None:
        """Hear a message and answer it; or note that the process has ended, or is late.

        A child tells nothing more until it is answered: of one that is to be killed all is heard.
        """
        alive = self.process.is_alive()  # asked first: what it said before its end is heard
        try:
            if self.line.poll():
                self._hear(self.line.recv())
                return
        except (EOFError, OSError):
            self.process.join(max(0.0, until - time.monotonic()))
            alive = self.process.is_alive()
        if not alive:
            self.ended = self.outcome or self._died()
        elif time.monotonic() >= until and self.outcome:
            self.ended = f"{self.outcome}, but one of its threads never ended"
        elif time.monotonic() >= until:
            self.gate.hung = True
            self.ended = f"killed because it still ran after {timeout:g} s"

    def _hear(self, message: tuple[Any, ...]) -> None:
        match message:
            case "said", text:
                self.said.append(text)
            case "moment", name, in_main_thread:
                if answer := self._at_moment(name, in_main_thread):
                    self._answer(answer)
                else:
                    self.ended = f"killed at {self.gate}"
            case "returned", value, complaint:
                self._take(value, complaint)
                self.outcome = "returned"
                if self.gate.at_return:
                    self.ended = "killed after it had returned"
                else:  # it ends as any other process does, with its exit handlers and open files
                    self._answer("go")
            case "raised", kind, text:
                self.outcome = f"raised {kind}: {' '.join(text.split())}".removesuffix(": ")
                self._answer("go")

    def _died(self) -> str:
        code = self.process.exitcode or 0
        if self.terminated and abs(code) == signal.SIGTERM:
            return "died of SIGTERM: it had set no handler for it"
        return f"ended by itself with exit code {code}"

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

    def life(self, order: Sequence[str] = ()) -> Life:
        """Sum up what was heard; `order` settles that of moments in parallel threads."""
        names, ended = _in_order(self.passed, [*order, *self.gate.at]), self.ended
        if ended == f"killed at {self.gate}":
            names = _ending_at(self.gate.at, names)
        if self.terminated:
            ended = f"SIGTERM at {self.gate}, then {ended}"
        return Life(tuple(names), ended, self.value, self.error, "".join(self.said))


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
