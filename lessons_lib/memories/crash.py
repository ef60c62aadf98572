"""The crash lab: run a function in a process, kill it at a named moment, start again, compare.

>>> def tidy(folder):
...     note = folder / "note.txt"
...     moment("came in")
...     if not note.exists():
...         note.write_text("was here")
...         moment("wrote the note")
...     return note.read_text()
>>> print(crash(tidy, at="wrote the note"))
life 1    came in · wrote the note    killed at 'wrote the note'
life 2    came in                     returned 'was here'
redone    came in
kept      nothing
lost      wrote the note
"""

from __future__ import annotations

import inspect
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from lessons_lib.memories.children import start
from lessons_lib.memories.crossing import loads, pack
from lessons_lib.memories.moments import Answer, Script, live, moment

__all__ = ["Crash", "Life", "crash", "moment"]

How = Literal["kill", "term"]


@dataclass(frozen=True)
class Life:
    """One run of a function in a process of its own.

    `passed` are its moments in time order. Moments of threads that ran side by side have no order
    of their own: they stand in the order in which they were asked for or an earlier life passed
    them. `value` is what the function returned, `error` one sentence on what went wrong (or empty),
    `output` what it printed.
    """

    passed: tuple[str, ...]
    ended: str
    value: object = None
    error: str = ""
    output: str = ""


@dataclass(frozen=True)
class Crash:
    """The lives of a program that was killed, and what became of its moments.

    Compared by name: *redone* was passed in an earlier life and again in the last, *kept* was not
    passed again and is named in what the last life returned, *lost* is neither.
    """

    lives: tuple[Life, ...]

    @property
    def value(self) -> object:
        """What the last life returned."""
        return self.lives[-1].value

    @property
    def error(self) -> str:
        """One sentence on what went wrong in any of the lives, or an empty text."""
        return "; ".join(life.error for life in self.lives if life.error)

    @property
    def redone(self) -> tuple[str, ...]:
        """The moments of earlier lives that the last life passed again."""
        return tuple(name for name in self._earlier() if name in self.lives[-1].passed)

    @property
    def kept(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, that the last life's value names."""
        return tuple(name for name in self._gone() if name in set(_names_in(self.value)))

    @property
    def lost(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, of which the last life says nothing."""
        return tuple(name for name in self._gone() if name not in self.kept)

    def _earlier(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for life in self.lives[:-1] for name in life.passed))

    def _gone(self) -> tuple[str, ...]:
        return tuple(name for name in self._earlier() if name not in self.lives[-1].passed)

    def __str__(self) -> str:
        rows = [
            (f"life {number}", counted(life.passed), ending(life))
            for number, life in enumerate(self.lives, 1)
        ]
        width = max(len(passed) for _, passed, _ in rows)
        lines = [f"{life:<10}{passed:<{width}}    {end}" for life, passed, end in rows]
        if len(self.lives) > 1:
            lines += [f"{word:<10}{counted(names)}" for word, names in self.fates().items()]
        if self.error:
            lines.append(f"{'but':<10}{self.error}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from lessons_lib.memories import lives  # drawing is loaded when something is drawn

        return {"text/html": lives.html(self), "text/plain": str(self)}

    def fates(self) -> dict[str, tuple[str, ...]]:
        """The three fates by name: redone, kept, lost."""
        return {"redone": self.redone, "kept": self.kept, "lost": self.lost}


def crash(
    first: Callable[[Path], object],
    at: str | Sequence[str] | None = None,
    *,
    after: str | Sequence[str] = (),
    then: Callable[[Path], object] | None = None,
    nth: int = 1,
    how: How = "kill",
    folder: Path | str | None = None,
    timeout: float = 30.0,
) -> Crash:
    """Run `first(folder)` in a process, end it at the moment `at`, run `then(folder)` in a new one.

    `then` is `first` again unless given. Both get the same folder: a new one that is removed
    afterwards, unless given. The functions may be defined in a notebook; what they hold must be
    able to cross to another process.

    - `at`: a moment's name; or several, for parallel threads: each waits at its gate until all
      have been reached. None: the process is killed as soon as `first` has returned.
    - `after`: moments of other threads (of a saver, say) that must have been passed by then. They
      are conditions, not work: the report leaves them out.
    - `nth`: which passing of the moment `at`.
    - `how`: "kill" (SIGKILL; on Windows TerminateProcess) cannot be caught. "term" has the process
      handle a SIGTERM at the moment and lets it go on to its end. Windows has no SIGTERM between
      processes: there the handler that the process has set is called, in the thread that came to
      the moment.
    - `timeout`: seconds after which a life that hangs is killed and said to have hung.

    Raises ValueError or TypeError for arguments that make no sense and for functions that cannot
    cross. What goes wrong inside a life is in the report.
    """
    gate = _checked_gate(at, after, nth, how)
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout!r}: give a number of seconds above 0")
    scripts = [_packed(function) for function in (first, then or first)]
    with _place(folder) as place:
        lives = [_lived(scripts[0], place, gate, timeout, ())]
        if gate.complete:
            open_gate = Gate(after=gate.after)
            lives.append(_lived(scripts[1], place, open_gate, timeout, lives[0].passed))
    return Crash(tuple(lives))


@dataclass
class Gate:
    """Where and how the first life ends, and which of these moments have been reached."""

    at: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    nth: int = 1
    how: How = "kill"
    at_return: bool = False
    reached: set[str] = field(default_factory=set)
    returned: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The moments that have not been reached yet."""
        return tuple(name for name in (*self.at, *self.after) if name not in self.reached)

    @property
    def complete(self) -> bool:
        """Whether the life has come to where it was to be ended."""
        return self.returned if self.at_return else bool(self.at) and not self.missing

    def holds(self, name: str, times: int) -> bool:
        """Whether a thread that passes this moment, so many times by now, has to stop here."""
        return name in self.at and times == self.nth

    def __str__(self) -> str:
        return " and ".join(map(repr, self.at))


def _checked_gate(
    at: str | Sequence[str] | None, after: str | Sequence[str], nth: int, how: How
) -> Gate:
    names = () if at is None else _checked_names("at", at)
    conditions = _checked_names("after", after) if after else ()
    if at is not None and not names:
        raise ValueError(f"at is {at!r}: give the name of a moment, as in at='saved', or None")
    if how not in ("kill", "term"):
        raise ValueError(f"how is {how!r}: it can be 'kill' or 'term'")
    if how == "term" and (len(names) != 1 or conditions):
        raise ValueError(f"how='term' needs one moment, at, and no after: it got {at!r}, {after!r}")
    if conditions and not names:
        raise ValueError(f"after is {after!r}, and at is {at!r}: name the moment to kill at")
    if not isinstance(nth, int) or nth < 1:
        raise ValueError(f"nth is {nth!r}: count the passings of the moment from 1")
    return Gate(names, conditions, nth, how, at_return=at is None)


def _checked_names(what: str, names: str | Sequence[str]) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, (tuple, list)) or not all(isinstance(n, str) and n for n in given):
        raise ValueError(f"{what} is {names!r}: give a moment's name, or several in a tuple")
    return tuple(given)


def _packed(function: Callable[[Path], object]) -> bytes:
    if not callable(function):
        raise TypeError(f"{function!r} is no function: give one that takes the folder, f(folder)")
    if inspect.iscoroutinefunction(function):
        name = function.__name__
        raise TypeError(f"{name} is async: give a function that calls asyncio.run({name}(folder))")
    return pack(function)


@contextmanager
def _place(folder: Path | str | None) -> Iterator[Path]:
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        yield Path(folder).resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True) as name:
            yield Path(name)


def _lived(function: bytes, folder: Path, gate: Gate, timeout: float, order: Sequence[str]) -> Life:
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
        self.value = loads(value)
        if complaint:
            self.error = f"what it returned cannot cross back, return plain data: {complaint}"
        self.gate.returned = True
        if self.gate.at_return:
            self._kill()
            return "killed after it had returned"
        return self._finished("returned")

    def _on_raised(self, kind: str, text: str) -> str:
        self.gate.returned = True
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
        code = self.process.exitcode or 0
        if self.terminated and abs(code) == signal.SIGTERM:
            return "died of SIGTERM: it had set no handler for it"
        return f"ended by itself with exit code {code}"

    def life(self, ended: str, order: Sequence[str]) -> Life:
        """Sum up what was heard; `order` settles that of moments in parallel threads."""
        names = tuple(_in_order(self.passed, [*order, *self.gate.at]))
        if self.terminated:
            ended = f"SIGTERM at {self.gate}, then {ended}"
        error = self.error or self._not_reached(ended)
        return Life(names, ended, self.value, error, "".join(self.said))

    def _not_reached(self, ended: str) -> str:
        missing = [repr(name) for name in self.gate.missing] if self.gate.at else []
        if not missing:
            return ""
        passed = counted([name for name, _ in self.passed])
        times = f" for the {self.gate.nth}. time" if self.gate.nth > 1 else ""
        return (
            f"the moment {' and '.join(missing)} was not reached{times}: "
            f"the process passed {passed}, then {ended}"
        )


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


def _names_in(value: object) -> Iterator[str]:
    """Yield every text in nested lists, tuples, sets and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _names_in(key)
            yield from _names_in(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _names_in(inner)


def counted(names: Sequence[str]) -> str:
    """Join names, a repeated one once with how often.

    >>> counted(["ticket", "ticket", "mail"])
    'ticket ×2 · mail'
    """
    counts = Counter(names)
    texts = (name if times == 1 else f"{name} ×{times}" for name, times in counts.items())
    return " · ".join(texts) or "nothing"


def ending(life: Life) -> str:
    """How a life ended, with the value where it is short.

    >>> ending(Life((), "returned", 3))
    'returned 3'
    """
    value = repr(life.value)
    short = life.ended == "returned" and life.value is not None and len(value) <= 40
    return f"{life.ended} {value}" if short else life.ended
