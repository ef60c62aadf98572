"""The parent's side of the crash lab: listen to a life, answer at its gates, end it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from lessons_lib.memories.crash_lab.children import start
from lessons_lib.memories.crash_lab.crossing import loads
from lessons_lib.memories.crash_lab.moments import Answer, Script, live
from lessons_lib.memories.crash_lab.report import Life, counted

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
    over: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The moments that have not been reached yet."""
        return tuple(name for name in (*self.at, *self.after) if name not in self.reached)

    @property
    def complete(self) -> bool:
        """Whether the life has come to where it was to be ended."""
        return self.over if self.at_return else bool(self.at) and not self.missing

    def holds(self, name: str, times: int) -> bool:
        """Whether a thread that passes this moment, so many times by now, has to stop here."""
        return name in self.at and times == self.nth

    def __str__(self) -> str:
        return " and ".join(map(repr, self.at))


def lived(function: bytes, folder: Path, gate: Gate, timeout: float, order: Sequence[str]) -> Life:
    """Start a process, listen to it until its end, and make sure that it has ended."""
    process, line = start(live, Script(function, folder, dict(os.environ)))
    watch = Watch(process, line, gate, time.monotonic() + timeout)
    try:
        ended = watch.listen() or f"killed because it still ran after {timeout:g} s"
    finally:
        _end(process, line)
    return watch.life(ended, order)


def _end(process: BaseProcess, line: Connection[Any, Any]) -> None:
    process.kill()
    process.join()
    process.close()
    line.close()


class Watch:
    """The parent's ear: what it has heard of one life, and what it answers."""

    def __init__(
        self, process: BaseProcess, line: Connection[Any, Any], gate: Gate, deadline: float
    ) -> None:
        self.process, self.line, self.gate, self.deadline = process, line, gate, deadline
        self.passed: list[tuple[str, bool]] = []
        self.said: list[str] = []
        self.value: object = None
        self.error = ""
        self.terminated = False

    def listen(self) -> str:
        """Hear and answer until the life has ended; say how, or nothing if it ran out of time."""
        while self._something_comes():
            try:
                kind, *rest = self.line.recv()
            except (EOFError, OSError):
                break
            ended: str | None = getattr(self, f"_on_{kind}")(*rest)
            if ended is not None:
                return ended
        else:
            return "" if self.process.is_alive() else self._by_itself()
        return self._by_itself()

    def _something_comes(self) -> bool:
        left = max(0.0, self.deadline - time.monotonic())
        return self.line in wait([self.line, self.process.sentinel], left) or self.line.poll()

    def _answer(self, answer: Answer) -> None:
        with suppress(OSError):  # it died meanwhile: the end of the line says so next
            self.line.send(answer)

    def _on_said(self, text: str) -> None:
        self.said.append(text)

    def _on_moment(self, name: str, in_main_thread: bool) -> str | None:
        held = self._note(name, in_main_thread)
        if held and self.gate.how == "term":
            self.terminated = True
            self._answer("terminate")
        elif self.gate.complete and not self.terminated:
            self._kill()
            return f"killed at {self.gate}"
        else:
            self._answer("stay" if held else "go")
        return None

    def _note(self, name: str, in_main_thread: bool) -> bool:
        """Note that a moment was reached; say whether its thread is to be held there."""
        if name in self.gate.after:
            self.gate.reached.add(name)
            return False
        self.passed.append((name, in_main_thread))
        held = self.gate.holds(name, sum(passed == name for passed, _ in self.passed))
        if held:
            self.gate.reached.add(name)
        return held

    def _on_returned(self, value: bytes, complaint: str) -> str | None:
        try:
            self.value = loads(value)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            self.error = f"what it returned cannot cross back, return plain data: {complaint}"
        self.gate.over = True
        if self.gate.at_return:
            self._kill()
            return "killed after it had returned"
        return self._finished("returned")

    def _on_raised(self, kind: str, text: str) -> str:
        self.gate.over = True
        return self._finished(f"raised {kind}: {text}" if text else f"raised {kind}")

    def _finished(self, ended: str) -> str:
        """Let the process end as any other does, with its exit handlers and open files."""
        self._answer("go")
        self.process.join(max(0.0, self.deadline - time.monotonic()))
        hung = ", but one of its threads never ended" if self.process.is_alive() else ""
        return ended + hung

    def _kill(self) -> None:
        """Kill the process; moments it had already told of are heard to the end."""
        self.process.kill()
        self.process.join()
        while self.line.poll():
            try:
                kind, *rest = self.line.recv()
            except (EOFError, OSError):
                return
            if kind == "moment":
                self._note(*rest)
            elif kind == "said":
                self._on_said(*rest)

    def _by_itself(self) -> str:
        self.process.join()
        self.gate.over = True
        code = self.process.exitcode or 0
        if self.terminated and abs(code) == signal.SIGTERM:
            return "died of SIGTERM: it had set no handler for it"
        return f"ended by itself with exit code {code}"

    def life(self, ended: str, order: Sequence[str]) -> Life:
        """Sum up what was heard; `order` settles that of moments in parallel threads."""
        names = list(_in_order(self.passed, [*order, *self.gate.at]))
        if ended == f"killed at {self.gate}":
            names = _ending_at(self.gate.at, names)
        if self.terminated:
            ended = f"SIGTERM at {self.gate}, then {ended}"
        error = self.error or self._not_reached(ended)
        return Life(tuple(names), ended, self.value, error, "".join(self.said))

    def _not_reached(self, ended: str) -> str:
        missing = [repr(name) for name in self.gate.missing] if self.gate.at else []
        if not missing:
            return ""
        passed = counted([name for name, _ in self.passed])
        times = f" {self.gate.nth} times" if self.gate.nth > 1 else ""
        return (
            f"the moment {' and '.join(missing)} was not reached{times}: "
            f"the process passed {passed}, then {ended}"
        )


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


def _in_order(passed: Sequence[tuple[str, bool]], order: Sequence[str]) -> Iterator[str]:
    """Yield names as they came, but in each run of moments of other threads those in `order` by it.

    >>> list(_in_order([("b", False), ("x", False), ("a", False), ("b", True)], ["a", "b"]))
    ['a', 'x', 'b', 'b']
    """
    for in_main_thread, run in groupby(passed, key=lambda one: one[1]):
        names = [name for name, _ in run]
        known = iter(sorted((name for name in names if name in order), key=order.index))
        for name in names:
            yield next(known) if name in order and not in_main_thread else name
