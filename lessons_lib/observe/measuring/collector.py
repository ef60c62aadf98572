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
from types import FrameType

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
        seconds: How long the program stood still.
    """

    generation: int
    where: str
    freed: tuple[tuple[str, int], ...] = ()
    collected: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"generation {self.generation}, {self.where}" + _after(": ", self.freed)


@dataclass
class CollectorLog:
    """What the collector did, in order; see `watch_collector`."""

    classes: tuple[type, ...] = ()
    collections: list[Collection] = field(default_factory=list)
    _open: tuple[str, list[int], float] | None = field(default=None, repr=False)
    """Of a collection that has started: where, the living instances, and when."""

    def freed(self, cls: type) -> int:
        """How many instances of a watched class all collections together freed."""
        for index, watched in enumerate(self.classes):
            if watched is cls:
                return sum(run.freed[index][1] for run in self.collections)
        raise ValueError(
            f"{cls.__name__} was not watched, expected one of "
            f"{', '.join(watched.__name__ for watched in self.classes) or 'none'}: "
            f"begin with watch_collector({cls.__name__})"
        )

    def __len__(self) -> int:
        return len(self.collections)

    def __iter__(self) -> Iterator[Collection]:
        return iter(self.collections)

    def __str__(self) -> str:
        many = len(self) > MAX_LINES
        lines = self._sums() if many else [f"{number}. {run}" for number, run in enumerate(self, 1)]
        return "\n".join([self._headline(), *(f"  {line}" for line in lines)])

    __repr__ = __str__

    def _headline(self) -> str:
        if not self.collections:
            return "The collector did not run."
        return f"The collector ran {_times(len(self))}:"

    def _sums(self) -> Iterator[str]:
        """For each generation how many collections there were, and what they freed together."""
        for generation in sorted({run.generation for run in self}):
            runs = [run for run in self if run.generation == generation]
            freed = [
                (cls.__name__, sum(run.freed[index][1] for run in runs))
                for index, cls in enumerate(self.classes)
            ]
            yield f"generation {generation}: {_times(len(runs))}" + _after(", ", freed)

    def _repr_html_(self) -> str | None:
        if not 0 < len(self) <= MAX_LINES:
            return None
        columns = ("", "generation", "where", *(f"{cls.__name__} freed" for cls in self.classes))
        rows = [
            (number, run.generation, run.where, *(count for _, count in run.freed))
            for number, run in enumerate(self, 1)
        ]
        return Table(columns, rows, self._headline())._repr_html_()

    # -- what the collector calls -----------------------------------------------------------------

    def _hear(self, phase: str, info: dict[str, int]) -> None:
        generation = info["generation"]
        if phase == "start":
            where = _place(sys._getframe(1))
            self._open = where, self._census(generation), perf_counter()
        elif self._open is not None:  # it is None where the log began in the middle of one
            where, alive, began = self._open
            seconds = perf_counter() - began  # before the second census, which is not the program's
            counts = zip(self.classes, alive, self._census(generation), strict=True)
            freed = tuple((cls.__name__, before - after) for cls, before, after in counts)
            run = Collection(generation, where, freed, info["collected"], seconds)
            self.collections.append(run)
            self._open = None

    def _census(self, generation: int) -> list[int]:
        """The living instances of each watched class, among those that a collection can move.

        Those are the ones that it looks at or moves its survivors to: few, for a young one.
        """
        if not self.classes:
            return []
        if generation > 0 or _INCREMENTAL:
            return count_instances(self.classes, gc.get_objects())
        young = gc.get_objects(generation=0) + gc.get_objects(generation=1)
        return count_instances(self.classes, young)


_INCREMENTAL = (3, 14, 0) <= sys.version_info[:3] < (3, 14, 5)
"""In these the generations had another meaning: any collection may take a piece of the old one."""


@contextmanager
def watch_collector(*classes: type) -> Iterator[CollectorLog]:
    """Log every collection in the block: its generation, where it came, what it freed.

    Name classes of your own to learn how many of their instances each collection freed, subclasses
    included; a look at them takes some milliseconds for each collection. What other threads make
    and let go of in these milliseconds is in the numbers of those classes, and what they make and
    the collection frees is not: beside busy threads be certain by `collector_off()` and a
    `gc.collect()` of your own. Without classes the log costs microseconds, also in a server.

    >>> class Node: pass
    >>> def cycle():
    ...     a, b = Node(), Node()
    ...     a.other, b.other = b, a
    >>> def tidy():
    ...     return gc.collect()
    >>> from lessons_lib.observe import collector_off
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


# -- words ---------------------------------------------------------------------------------------


def _place(frame: FrameType) -> str:
    """The line that was running, without the file: a cell of a notebook has no lasting one."""
    code, line = frame.f_code, f"line {frame.f_lineno}"
    return f"in {line}" if code.co_name.startswith("<") else f"in {code.co_name}(), {line}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _after(mark: str, freed: Iterable[tuple[str, int]]) -> str:
    """What was freed, after a mark; nothing where no class was watched."""
    parts = [f"{count} {name}" for name, count in freed]
    return f"{mark}freed {', '.join(parts)}" if parts else ""
