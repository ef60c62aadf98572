"""What grew, where it was made, and which objects it is: three questions to a program that leaks.

The fourth, who holds it, is `who_holds`. A detective's round: `grown(run)` names the class,
`kept_by_line(run)` the line that made what stayed, `live(cls)` gives the objects into your hand,
and `who_holds(live(cls)[0])` the chain to cut.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from types import FunctionType, MethodType

from ..holding.links import telling_name
from ..holding.references import require_countable
from ..pictures.style import shorten
from ..pictures.table import Table
from ..pictures.waiting import waiting
from .meter import called, require_callable, tidy

# -- what grew -----------------------------------------------------------------------------------

_UNSURE = ("builtins.dict", "builtins.tuple", "builtins.frame")
"""How many of these the collector knows differs between versions."""


@dataclass(frozen=True)
class Grown:
    """Which classes have more living instances after every run, and how many more.

    Attributes:
        times: How often the run was repeated.
        each: The name of a class, and how many of its instances each run left behind.
    """

    times: int
    each: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        if not self.each:
            return f"Nothing grew in {self.times} runs."
        width = max(len(name) for name, _ in self.each)
        lines = [f"  {name.ljust(width)}  {count} more" for name, count in self.each]
        return "\n".join(["Each run leaves behind:", *lines])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        if not self.each:
            return {"text/plain": str(self)}
        rows = [(name, f"{count} more", f"{count * self.times} more") for name, count in self.each]
        columns = ("class", "after each run", f"after {self.times} runs")
        return {"text/plain": str(self), "text/html": Table(columns, rows)._repr_html_()}


def grown(run: Callable[[], object], times: int = 11) -> Grown:
    """Repeat `run()` and name the classes whose living instances grew each time by as many.

    The first call, which may fill caches, is not counted. Counted, as `objgraph.growth` does, is
    what the collector knows and still lives after a collection (none is made while the collector is
    off); dictionaries, tuples and frames are left out. The runs are counted in three parts, and
    only what grew in most of them by as many for each run, rounded, is named, so what others do
    meanwhile is not. Each run must do the same, with a key of its own where a real one has: a new
    user, say.

    >>> from itertools import count
    >>> class Session: pass
    >>> users, sessions = count(), {}
    >>> def visit():
    ...     sessions[next(users)] = Session()
    >>> print(grown(visit))
    Each run leaves behind:
      Session  1 more
    """
    require_callable(run, "grown(lambda: serve(request))")
    if isinstance(times, bool) or not isinstance(times, int) or times < 2:
        raise ValueError(f"times={times!r}, expected a whole number from 2 up: 11, say")
    parts = _parts(times)
    with waiting("repeating") as tell:
        called(run)
        counts = [_census()]
        for number in range(1, times + 1):
            tell(f"repeating, {number - 1} of {times} done")
            called(run)
            if number in accumulate(parts):
                counts.append(_census())
    found = {kind: _steady(_each(counts, parts, kind)) for kind in counts[-1]}
    each = {kind: more for kind, more in found.items() if more and kind not in _UNSURE}
    return Grown(times, tuple(_named(each)))


def _parts(times: int) -> list[int]:
    """The runs in three parts, or two: what other threads leave behind falls into one of them.

    >>> _parts(11), _parts(2)
    ([3, 4, 4], [1, 1])
    """
    parts = min(3, times)
    return [(times + number) // parts for number in range(parts)]


def _each(counts: list[dict[str, int]], parts: list[int], kind: str) -> list[int]:
    """By how many a class grew in each run, on the average of each part, rounded."""
    more = [after.get(kind, 0) - before.get(kind, 0) for before, after in pairwise(counts)]
    return [round(grew / runs) for grew, runs in zip(more, parts, strict=True)]


def _steady(each: list[int]) -> int:
    """By how many a class grew in each run, as most parts have it; 0 if it did not or stopped.

    >>> _steady([1, 2, 2]), _steady([2, 2, 0]), _steady([1, 2, 3])
    (2, 0, 0)
    """
    often, votes = Counter(each).most_common(1)[0]
    return often if often > 0 < each[-1] and 2 * votes > len(each) else 0


def _census() -> dict[str, int]:
    """How many instances of each class live, by the full name of the class.

    Bound methods go by what they are bound to: the program's are told from those that a notebook's
    own threads make and let go of all the time.
    """
    tidy()
    objects = gc.get_objects()
    stats: Counter[str] = Counter()
    for kind, count in Counter(map(type, objects)).items():
        if kind is not MethodType:
            stats[f"{kind.__module__}.{kind.__name__}"] += count
    stats.update(_method(thing) for thing in objects if type(thing) is MethodType)
    return dict(stats)


def _method(bound: MethodType) -> str:
    """The name of a bound method, with the class that it is bound to."""
    function, owner = bound.__func__, bound.__self__
    called = function.__name__ if isinstance(function, FunctionType) else type(function).__name__
    kind = owner if isinstance(owner, type) else type(owner)
    return f"builtins.method {called} of {kind.__name__}"


def _named(steady: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Classes of a program first, Python's own after; the module only where two share a name."""
    short = Counter(kind.rpartition(".")[2] for kind in steady)
    for kind in sorted(steady, key=lambda kind: (kind.startswith("builtins."), kind)):
        name = kind.rpartition(".")[2]
        yield (name if short[name] == 1 else kind), steady[kind]


# -- where it was made ---------------------------------------------------------------------------

_FRAMES = 24
"""How far up from an allocation the program's own line is looked for."""


@dataclass(frozen=True)
class Line:
    """A line of the program, and the memory that it made and that stayed.

    Attributes:
        place: The file's name, or the notebook's cell, and the number of the line.
        source: The text of the line.
        kept: The bytes still allocated, exact.
        share: Of all that was kept, between 0 and 1.
    """

    place: str
    source: str
    kept: int
    share: float

    @property
    def about(self) -> str:
        """The share as a bound, which is the same from run to run where the share is clear."""
        return next(words for least, words in _SHARES if self.share >= least)


_SHARES = ((1 / 2, "over half"), (1 / 4, "over a quarter"), (1 / 10, "over a tenth"), (0, "less"))


@dataclass(frozen=True)
class KeptByLine:
    """The lines whose memory stayed, the largest share first; see `kept_by_line`."""

    lines: tuple[Line, ...]
    kept: int
    """Bytes kept in all, exact."""

    def __str__(self) -> str:
        if not self.lines:
            return "No line kept memory to speak of."
        return str(self.table())

    __repr__ = __str__

    def table(self) -> Table:
        """Share, place and source of each line."""
        rows = [(line.about, line.place, line.source) for line in self.lines]
        return Table(("share", "line", "source"), rows, "Memory made here is still held:")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        if not self.lines:
            return {"text/plain": str(self)}
        return {"text/plain": str(self), "text/html": self.table()._repr_html_()}


def kept_by_line(run: Callable[[], object], top: int = 5) -> KeptByLine:
    """Call `run()` and find the lines of the program that made the memory that stayed.

    Memory made inside Python's library or an installed package is counted for the line of the
    program that called it. Lines with less than a tenth of the whole are left out, and so
    is everything when less than a kibibyte stayed: repeat the work inside `run` until it is clear.

    >>> notes = []
    >>> def take_notes():
    ...     for number in range(100):
    ...         draft = "x" * 5_000
    ...         notes.append(draft.upper())
    >>> print(kept_by_line(take_notes).lines[0].source)
    notes.append(draft.upper())
    """
    require_callable(run, "kept_by_line(lambda: serve(requests))")
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise ValueError(f"top={top!r}, expected a whole number from 1 up: 5, say")
    with waiting("tracing"):
        stayed = _stayed(run)
    whole = sum(stayed.values())
    if whole < 1024:
        return KeptByLine((), whole)
    largest = [(at, size) for at, size in stayed.most_common(top) if size >= whole / 10]
    lines = (Line(_place(*at), _source(*at), size, size / whole) for at, size in largest)
    return KeptByLine(tuple(lines), whole)


def _stayed(run: Callable[[], object]) -> Counter[tuple[str, int]]:
    """Bytes that a run allocated and that are still there, for each line of the program."""
    with _traced_deeply():
        before = _by_line()
        result = called(run)
        tidy()
        after = _by_line()
        del result
    return after - before


@contextmanager
def _traced_deeply() -> Iterator[None]:
    """Trace with the callers of each allocation; a trace that somebody else began is used as is."""
    already = tracemalloc.is_tracing()
    if not already:
        tracemalloc.start(_FRAMES)
    try:
        yield
    finally:
        if not already:
            tracemalloc.stop()


def _by_line() -> Counter[tuple[str, int]]:
    sizes: Counter[tuple[str, int]] = Counter()
    for made in tracemalloc.take_snapshot().statistics("traceback"):
        at = _own_line(made.traceback)
        if not _is_ours(at[0]):
            sizes[at] += made.size
    return sizes


def _own_line(calls: tracemalloc.Traceback) -> tuple[str, int]:
    """The innermost line of the program among those that led to an allocation."""
    innermost = calls[-1]
    found = (f for f in reversed(calls) if _is_ours(f.filename) or not _is_library(f.filename))
    frame = next(found, innermost)
    return frame.filename, frame.lineno


_LIBRARIES = (os.path.normcase(os.path.dirname(os.__file__) + os.sep), "<frozen")


def _is_library(filename: str) -> bool:
    path = os.path.normcase(filename)
    return path.startswith(_LIBRARIES) or "site-packages" in path or "dist-packages" in path


def _is_ours(filename: str) -> bool:
    return filename in (__file__, tracemalloc.__file__)


def _place(filename: str, number: int) -> str:
    """The name of the file without its folders; of a notebook's cell, its number."""
    notebook = sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook else None
    cell = shell.compile.format_code_name(filename) if shell else None
    return f"{cell[1] if cell else Path(filename).name}, line {number}"


def _source(filename: str, number: int) -> str:
    return shorten(linecache.getline(filename, number), 60)


# -- which objects -------------------------------------------------------------------------------


class Live:
    """The living instances of a class, without keeping any of them alive; see `live`."""

    def __init__(self, cls: type, things: list[object]) -> None:
        self._name = cls.__name__
        self._refs = [weakref.ref(thing) for thing in things]

    def _now(self) -> list[object]:
        return [thing for ref in self._refs if (thing := ref()) is not None]

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[object]:
        for ref in self._refs:
            thing = ref()
            if thing is not None:
                yield thing
            del thing

    def __getitem__(self, index: int) -> object:
        now = self._now()
        try:
            return now[index]
        except IndexError:
            raise IndexError(
                f"there is no live {self._name} number {index}, expected one of {len(now)}: "
                "ask for live() again, or for a smaller number"
            ) from None

    def __str__(self) -> str:
        names = sorted(telling_name(thing) for thing in self._now())
        known = ", ".join(repr(name) for name in names[:8] if name)
        more = f", … and {len(names) - 8} more" if known and len(names) > 8 else ""
        return f"{len(names)} live {self._name}" + (f": {known}{more}" if known else "")

    __repr__ = __str__


def live(cls: type) -> Live:
    """The instances of a class, its subclasses included, that are alive now, held weakly.

    Take one in your hand, `live(Session)[0]`, and ask `who_holds` about it. When the program lets
    go of them, they leave the list too.

    >>> class Session:
    ...     def __init__(self, name): self.name = name
    >>> sessions = {name: Session(name) for name in ("ada", "bo")}
    >>> found = live(Session)
    >>> found
    2 live Session: 'ada', 'bo'
    >>> del sessions["ada"]
    >>> found
    1 live Session: 'bo'
    """
    require_countable(cls)
    if not cls.__weakrefoffset__:
        raise TypeError(
            f"instances of {cls.__name__} take no weak reference, expected a class whose instances "
            'do: use a class of your own, with "__weakref__" among its __slots__ if it has any'
        )
    return Live(cls, [thing for thing in gc.get_objects() if cls in type(thing).__mro__])
