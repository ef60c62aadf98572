"""The crash lab: run a function in a process, kill it at a named moment, start again, compare.

>>> def tidy(folder):
...     note = folder / "note.txt"
...     moment("came in")
...     if not note.exists():
...         note.write_text("was here")
...         moment("wrote the note")
...     return note.read_text()
>>> print(crash(tidy, at="wrote the note"))
life 1        came in · wrote the note    killed at 'wrote the note'
life 2        came in                     returned 'was here'
redone        came in
not redone    wrote the note
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from lessons_lib.crash_lab.children import Stopped, scratch
from lessons_lib.crash_lab.crossing import pack
from lessons_lib.crash_lab.moments import moment
from lessons_lib.crash_lab.report import Crash, Life
from lessons_lib.crash_lab.watch import Gate, How, lived, pooled

__all__ = ["Crash", "Life", "crash", "moment"]


def crash(
    first: Callable[[Path], object],
    at: str | Sequence[str] | None = None,
    *,
    after: str | Sequence[str] = (),
    then: Callable[[Path], object] | None = None,
    nth: int = 1,
    how: How = "kill",
    workers: int = 1,
    folder: Path | str | None = None,
    timeout: float = 60.0,
) -> Crash:
    """Run `first(folder)` in a process, end it at the moment `at`, run `then(folder)` in a new one.

    `then` is `first` again unless given; have it return what is left, by the moments' names, and
    the report tells what was lost. Both get the same folder: a new one that is removed
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
    - `workers`: in how many processes `first` runs at once, as in a pool. The first of them to come
      to the moment is killed, the others go on to their end; then comes `then`. Which one it is, is
      chance: let moments name the work, as in "order 2 opened", and the report is the same.
    - `timeout`: seconds after which a life that hangs is killed and said to have hung.

    Raises ValueError or TypeError for arguments that make no sense and for functions that cannot
    cross. What goes wrong inside a life is in the report.
    """
    gate = _checked_gate(at, after, nth, how)
    _check_workers(workers, gate)
    if not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ValueError(f"timeout is {timeout!r}: give a number of seconds above 0")
    functions = [_packed(function) for function in (first, then or first)]
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        with scratch("crash-") if folder is None else nullcontext(folder) as place:
            home = Path(place).resolve()
            if workers > 1:
                lives = pooled(functions[0], home, gate, timeout, workers)
            else:
                lives = [lived(functions[0], home, gate, timeout, ())]
            if gate.complete or len(lives) > 1 or (gate.at_return and not gate.hung):
                open_gate = Gate(after=gate.after)
                last = lived(functions[1], home, open_gate, timeout, lives[0].passed)
                lives.append(replace(last, who="afterwards") if workers > 1 else last)
    except KeyboardInterrupt:
        raise Stopped("crash was stopped, and its processes have ended") from None
    return Crash(tuple(lives))


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
    if both := set(names) & set(conditions):
        raise ValueError(f"after has {min(both)!r}, and so has at: name a moment in one of the two")
    if conditions and not names:
        raise ValueError(f"after is {after!r}, and at is {at!r}: name the moment to kill at")
    if not isinstance(nth, int) or nth < 1:
        raise ValueError(f"nth is {nth!r}: count the passings of the moment from 1")
    return Gate(names, conditions, nth, how, at_return=at is None)


def _check_workers(workers: int, gate: Gate) -> None:
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers is {workers!r}: give the number of processes, 1 or more")
    if workers > 1 and (len(gate.at) != 1 or gate.after or gate.how != "kill"):
        raise ValueError(
            f"workers is {workers!r}: the first of them is killed at one moment, at, with no after "
            "and no how"
        )


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
