"""What the cyclic garbage collector does, and when: its own events, told in words.

Python calls the functions in `gc.callbacks` when a collection starts and when it stops. How often
collections come by themselves, and how much garbage of *others* one finds, differs between versions
and from run to run. What a log says of the collections that you ask for, and of the classes that
you name, is certain.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from ..holding.references import count_instances, require_countable
from ..pictures.table import Table

MAX_LINES = 12
"""Of more collections than this, only the sums for each generation are shown."""


@dataclass(frozen=True)
class Collection:
    """One run of the collector.

    Attributes:
        generation: 0 looked at young objects only, 2 at all of them.
        where: The line of the program that was running then.
        freed: For each watched class, how many fewer instances lived afterwards.
        collected: How many unreachable objects Python counted; varies between versions.
        uncollectable: How many of them it could not free; 0 since Python 3.4, but for old C code.
        seconds: How long the program stood still.
        notes: What was noted while it ran, by finalizers say.
    """

    generation: int
    where: str
    freed: tuple[tuple[str, int], ...] = ()
    collected: int = 0
    uncollectable: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"generation {self.generation}, {self.where}" + _after_colon(_freed(self.freed))


@dataclass
class CollectorLog:
    """What the collector did, in order; see `watch_collector`."""

    classes: tuple[type, ...] = ()
    entries: list[Collection | str] = field(default_factory=list)
    """Collections, and between them what was noted."""
    _open: _Running | None = field(default=None, repr=False)

    @property
    def collections(self) -> tuple[Collection, ...]:
        """The collections alone."""
        return tuple(entry for entry in self.entries if isinstance(entry, Collection))

    def note(self, text: str) -> None:
        """Write a line of your own at this place of the log, from a finalizer for example."""
        (self.entries if self._open is None else self._open.notes).append(text)

    def freed(self, cls: type) -> int:
        """How many instances of a watched class all collections together freed."""
        at = [index for index, watched in enumerate(self.classes) if watched is cls]
        if not at:
            raise ValueError(
                f"{_name(cls)} was not watched, expected one of {_names(self.classes)}: "
                f"begin with watch_collector({_name(cls)})"
            )
        return self._sum(at[0], self.collections)

    def __len__(self) -> int:
        return len(self.collections)

    def __iter__(self) -> Iterator[Collection]:
        return iter(self.collections)

    def __str__(self) -> str:
        lines = list(self._lines() if len(self) <= MAX_LINES else self._sums())
        return "\n".join([self._headline(), *(f"  {line}" for line in lines)])

    __repr__ = __str__

    def _headline(self) -> str:
        if not self.collections:
            return "The collector did not run" + (":" if self.entries else ".")
        return f"The collector ran {_times(len(self))}:"

    def _lines(self) -> Iterator[str]:
        number = 0
        for entry in self.entries:
            if isinstance(entry, str):
                yield f"- {entry}"
                continue
            number += 1
            yield f"{number}. {entry}"
            yield from (f"   - {note}" for note in entry.notes)

    def _sums(self) -> Iterator[str]:
        for generation, runs in self._by_generation():
            yield f"generation {generation}: {_times(len(runs))}" + _after_colon(
                _freed(self._total(runs)), ", "
            )

    def _by_generation(self) -> list[tuple[int, list[Collection]]]:
        generations = sorted({run.generation for run in self.collections})
        return [(g, [run for run in self.collections if run.generation == g]) for g in generations]

    def _total(self, runs: Iterable[Collection]) -> tuple[tuple[str, int], ...]:
        return tuple((_name(cls), self._sum(i, runs)) for i, cls in enumerate(self.classes))

    def _sum(self, index: int, runs: Iterable[Collection]) -> int:
        return sum(run.freed[index][1] for run in runs)

    def table(self) -> Table:
        """The collections as rows, or, when they are many, the generations."""
        freed = [f"{_name(cls)} freed" for cls in self.classes]
        if len(self) > MAX_LINES:
            rows = [(g, len(r), *_counts(self._total(r))) for g, r in self._by_generation()]
            return Table(("generation", "collections", *freed), rows, self._headline())
        numbered = enumerate(self.collections, 1)
        runs = [(n, run.generation, run.where, *_counts(run.freed)) for n, run in numbered]
        return Table(("", "generation", "where", *freed), runs, self._headline())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        notes = len(self.collections) < len(self.entries) or any(run.notes for run in self)
        html = self.table()._repr_html_()
        return {"text/plain": str(self)} | ({} if notes or not len(self) else {"text/html": html})

    # -- what the collector calls -----------------------------------------------------------------

    def _hear(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            where = _place(sys._getframe(1))
            self._open = _Running(where, self._census(info["generation"]))
        elif self._open is not None:
            self.entries.append(self._close(self._open, info, perf_counter()))
            self._open = None

    def _close(self, run: _Running, info: dict[str, int], now: float) -> Collection:
        left = self._census(info["generation"])
        counts = zip(self.classes, run.alive, left, strict=True)
        freed = tuple((_name(cls), before - after) for cls, before, after in counts)
        seconds = now - run.started
        collected, uncollectable = info["collected"], info["uncollectable"]
        return Collection(
            info["generation"], run.where, freed, collected, uncollectable, seconds, (*run.notes,)
        )

    def _census(self, generation: int) -> list[int]:
        """The living instances of each watched class, among those that a collection can move."""
        return count_instances(self.classes, _within_reach(generation)) if self.classes else []


class _Running:
    """A collection that has started and not yet stopped."""

    def __init__(self, where: str, alive: list[int]) -> None:
        self.where = where
        self.alive = alive
        self.notes: list[str] = []
        self.started = perf_counter()


@contextmanager
def watch_collector(*classes: type) -> Iterator[CollectorLog]:
    """Log every collection in the block: its generation, where it came, what it freed.

    Name classes of your own to learn how many of their instances each collection freed, subclasses
    included; a look at them takes some milliseconds for each collection. What other threads make
    and let go of in these milliseconds is in the numbers of those classes. Without classes the log
    costs microseconds, also in a server.

    >>> class Node: pass
    >>> def cycle():
    ...     a, b = Node(), Node()
    ...     a.other, b.other = b, a
    >>> def tidy():
    ...     return gc.collect()
    >>> with collector_off(), watch_collector(Node) as log:
    ...     cycle()
    ...     found = tidy()
    ...     found = tidy()
    >>> print(log)
    The collector ran twice:
      1. generation 2, in tidy(), line 2: freed 2 Node
      2. generation 2, in tidy(), line 2: freed 0 Node
    """
    for cls in classes:
        require_countable(cls)
    log = CollectorLog(classes)
    gc.callbacks.append(log._hear)
    try:
        yield log
    finally:
        gc.callbacks.remove(log._hear)


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the collector from running by itself in the block; then all is as it was before.

    >>> before = gc.isenabled()
    >>> with collector_off():
    ...     gc.isenabled()
    False
    >>> gc.isenabled() == before
    True
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# -- counting ------------------------------------------------------------------------------------

_INCREMENTAL = (3, 14, 0) <= sys.version_info[:3] < (3, 14, 5)
"""In these the generations had another meaning: any collection may take a piece of the old one."""


def _within_reach(generation: int) -> list[object]:
    """The objects that a collection looks at or moves its survivors to: few, for a young one."""
    if generation > 0 or _INCREMENTAL:
        return gc.get_objects()
    return gc.get_objects(generation=0) + gc.get_objects(generation=1)


# -- words ---------------------------------------------------------------------------------------


def _place(frame: object) -> str:
    """The line that was running, without the file: a cell of a notebook has no lasting one."""
    code = frame.f_code  # type: ignore[attr-defined]
    line = f"line {frame.f_lineno}"  # type: ignore[attr-defined]
    return f"in {line}" if code.co_name.startswith("<") else f"in {code.co_name}(), {line}"


def _name(cls: type) -> str:
    return cls.__name__


def _names(classes: Iterable[type]) -> str:
    return ", ".join(map(_name, classes)) or "none"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _counts(freed: Iterable[tuple[str, int]]) -> list[int]:
    return [count for _, count in freed]


def _freed(freed: Iterable[tuple[str, int]]) -> str:
    parts = [f"{count} {name}" for name, count in freed]
    return f"freed {', '.join(parts)}" if parts else ""


def _after_colon(words: str, mark: str = ": ") -> str:
    return mark + words if words else ""
