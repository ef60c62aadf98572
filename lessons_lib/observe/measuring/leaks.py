"""What grew: the first question to a program that leaks.

A detective's round: `grown(run)` names the class, `kept_by_line(run)` the line that made what
stayed, `live(cls)` gives the objects into your hand, and `who_holds(live(cls)[0])` the chain to
cut.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from types import FunctionType, MethodType, TracebackType
from typing import Any, NamedTuple

from ..holding.links import full_name, name_of
from ..pictures.table import Table
from ..pictures.waiting import waiting
from .meter import called, in_bytes, require_callable, tidy
from .runs import BUSY, OLDER, Runs, in_a_short_stack
from .traces import Stack, stacks_of, traces

_UNSURE = ("builtins.dict", "builtins.tuple", "builtins.frame")
"""How many of these the collector knows differs between versions; their bytes count."""
TO_SPEAK_OF = 1024
"""Bytes: what is less in all is told as nothing."""


@dataclass(frozen=True)
class Grown:
    """Which classes have more living instances after every run, and how many more.

    Attributes:
        times: How often the run was repeated.
        each: The name of a class, and how many of its instances each run left behind.
        uneven: The name of a class, and how many of its instances all runs together left behind,
            where it was not as many each time.
        kept: The bytes that the runs left behind in all, whatever holds them; 0 if less each time.
    """

    times: int
    each: tuple[tuple[str, int], ...]
    uneven: tuple[tuple[str, int], ...] = ()
    kept: int = 0

    def __str__(self) -> str:
        if not self.each and not self.uneven:
            return self._without_classes()
        width = max(len(name) for name, _ in self.each + self.uneven)
        lines = []
        for head, counts in (
            ("Each run leaves behind:", self.each),
            (f"In {self.times} runs, not as many in each:", self.uneven),
        ):
            more = [f"  {name.ljust(width)}  {count} more" for name, count in counts]
            lines += [head, *more] if more else []
        return "\n".join(lines)

    __repr__ = __str__

    def _without_classes(self) -> str:
        if self.kept < TO_SPEAK_OF:
            return (
                f"Nothing grew in {self.times} runs, of all that they made themselves: no class, "
                "and anything else by less than 1 KiB. A few bytes in each run would show with "
                f"times={10 * self.times}."
            )
        return (
            f"No class grew, but of what {self.times} runs made {in_bytes(self.kept)} stayed, in "
            "strings, bytes, dictionaries or arrays: kept_by_line names the line. Only where they "
            "took the place of older ones is it no growth."
        )

    def _repr_html_(self) -> str | None:
        rows = [(name, f"{count} more", f"{count * self.times} more") for name, count in self.each]
        rows += [(name, "not as many", f"{count} more") for name, count in self.uneven]
        columns = ("class", "after each run", f"after {self.times} runs")
        return Table(columns, rows)._repr_html_() if rows else None


def grown(run: Callable[[], object], times: int = 11) -> Grown:
    """Repeat `run()` and name the classes whose living instances grew each time by as many.

    The first call, which may fill caches, is not counted. Counted is what the collector knows,
    still lives after a collection (none is made while the collector is off), and was made by the
    run itself: on its own thread, on one that it started, or by what it submitted to a
    `ThreadPoolExecutor`. What other threads make is not, so what the run hands to them in another
    way, a queue say, is not seen. Older instances that went in both halves of the time are taken
    off, whoever let go of them: a cache that replaces its entries does not grow. Dictionaries,
    tuples and frames are left out, but where no class grew, bytes that stayed are told, from a
    kibibyte up.

    Each run must do the same, with a key of its own where a real one has: a new user, say.
    RuntimeError while tracemalloc traces already.

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
    if type(times) is not int or times < 2:
        raise ValueError(f"times={times!r}, expected a whole number from 2 up: 11, say")
    if tracemalloc.is_tracing():
        raise RuntimeError(BUSY)
    parts = (times // 2, times - times // 2)
    looks = _looks(run, parts)
    made = [name for name, counts in looks[-1].items() if max(counts) > OLDER]
    names = [name for name in made if name not in (*_UNSURE, _BYTES)]
    growths = {name: _growth(looks, parts, name) for name in names}
    each = {name: each for name, (each, over) in growths.items() if each and not over}
    uneven = {name: each * times + over for name, (each, over) in growths.items() if over}
    kept, over = _growth(looks, parts, _BYTES)
    return Grown(times, tuple(_named(each)), tuple(_named(uneven)), kept * times + over)


_Counts = dict[str, Counter[int]]
"""By the name of a class, how many of its instances each maker made: a run, or `OLDER`."""


def _looks(run: Callable[[], object], parts: tuple[int, ...]) -> list[_Counts]:
    """Repeat a run, and count what lives: before, and after each part of the runs."""
    runs, times = Runs(), sum(parts)
    looks: list[_Look] = []

    def at_the_start(objects: list[object]) -> None:
        looks.append(_Look(_kinds(objects, runs), [None] * len(objects), []))

    def between_two_runs() -> None:
        traced = traces()
        objects = gc.get_objects()
        looks.append(_Look(_kinds(objects, runs), stacks_of(objects), traced))

    with waiting("repeating") as tell:
        called(run)  # fills caches
        tidy()
        with runs.traced(at_the_start):
            for number in range(1, times + 1):
                tell(f"repeating, {number - 1} of {times} done")
                runs.call(number, run)
                if number in accumulate(parts):
                    tidy()
                    # Its stack is short, since what a look makes is traced too (even a number
                    # larger than 256); for the same reason it is counted when the trace is over.
                    in_a_short_stack(between_two_runs)
    return [_count(look, runs) for look in looks]


class _Look(NamedTuple):
    """What lives at one moment: of each object its kind and who made it, and all that is traced."""

    kinds: list[type | str]
    stacks: list[Stack | None]
    traced: list[tuple[Any, ...]]


def _kinds(objects: list[object], runs: Runs) -> list[type | str]:
    """The class of each object, or a name under which it is told instead."""
    kinds: list[type | str] = []
    for thing in objects:
        kind: type | str = type(thing)
        if kind is MethodType:
            kind = _method(thing)  # type: ignore[arg-type]
        elif kind is TracebackType and runs.is_entry(thing.tb_frame):  # type: ignore[attr-defined]
            kind = "builtins.frame"  # the instrument's own: left out, as frames are
        kinds.append(kind)
    return kinds


_BYTES = "builtins.bytes that runs made"
"""Bytes know no class: they stand beside the classes under a name of their own."""


def _count(look: _Look, runs: Runs) -> _Counts:
    counts: _Counts = defaultdict(Counter)
    makers = [OLDER if stack is None else runs.maker(stack) for stack in look.stacks]
    kinds = {id(kind): kind for kind in look.kinds}  # by identity: a metaclass may have its own ==
    alike = Counter(zip(map(id, look.kinds), makers, strict=True))
    for (at, maker), count in alike.items():
        kind = kinds[at]
        counts[kind if isinstance(kind, str) else full_name(kind)][maker] += count
    for _, size, stack, *_ in look.traced:
        if (maker := runs.maker(stack)) > OLDER:
            counts[_BYTES][maker] += size
    return counts


def _growth(looks: list[_Counts], parts: tuple[int, ...], name: str) -> tuple[int, int]:
    """By how many a class grew in each run, and by how many all runs together beyond that.

    In each: what every run made and left, less the older ones that went. Each part has its share
    of those if it is the run that replaces them; what others let go of only falls into one.
    """
    made = [look[name] for look in looks]
    older = [counts[OLDER] for counts in made]
    left = [made[-1][number] for number in range(1, sum(parts) + 1)]
    went = [(a - b) // runs for (a, b), runs in zip(pairwise(older), parts, strict=True)]
    each = max(0, min(left) - max(0, min(went)))
    over = [0]
    for done, now, old in zip(accumulate(parts), made[1:], older[1:], strict=True):
        ours = sum(now[number] for number in range(1, done + 1))
        over.append(ours - (older[0] - old) - each * done)
    return each, over[-1] if all(a < b for a, b in pairwise(over)) else 0


def _method(bound: MethodType) -> str:
    """The name of a bound method, with the class that it is bound to."""
    function, owner = bound.__func__, bound.__self__
    called = function.__name__ if isinstance(function, FunctionType) else type(function).__name__
    kind = owner if isinstance(owner, type) else type(owner)
    return f"builtins.method {called} of {name_of(kind)}"


def _named(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Classes of a program first, Python's own after; the module only where two share a name."""
    short = Counter(kind.rpartition(".")[2] for kind in counts)
    for kind in sorted(counts, key=lambda kind: (kind.startswith("builtins."), kind)):
        name = kind.rpartition(".")[2]
        yield (name if short[name] == 1 else kind), counts[kind]
