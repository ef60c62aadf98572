"""What a call costs: bytes kept, and bytes at the peak.

Bytes come from `tracemalloc`, which knows what Python's own allocators gave out, to the byte. What
C libraries take for themselves, and what the process has from the operating system, it does not.
A number of bytes differs between machines and versions; a ratio, rounded, hardly does.
So the words here that a notebook may store are ratios, and the raw numbers stay attributes.
"""

from __future__ import annotations

import gc
import inspect
import tracemalloc
from asyncio import Task
from collections.abc import Callable
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any
from weakref import ref

from ..pictures.waiting import waiting


@dataclass(frozen=True)
class Measurement:
    """What one run cost; the numbers are exact, and differ a little from run to run.

    Attributes:
        kept: Bytes still allocated when it had returned, its result included.
        peak: Bytes allocated at the worst moment, beyond what there was before.
    """

    kept: int
    peak: int

    def __str__(self) -> str:
        return f"keeps {in_bytes(self.kept)}, {in_bytes(self.peak)} at its peak"

    __repr__ = __str__

    def against(self, other: Measurement) -> str:
        """The bytes beside another run's, as rounded ratios: words that come out the same again.

        >>> Measurement(990_000, 2_010_000).against(Measurement(100_000, 1_990_000))
        'keeps about 10 times as much, as much at its peak'
        """
        kept, peak = ratio(self.kept, other.kept), ratio(self.peak, other.peak)
        return f"keeps {kept}, {peak} at its peak"


def measure(run: Callable[[], object]) -> Measurement:
    """Call `run()` once and measure what it keeps, and its peak.

    What it returns counts as kept, and is let go afterwards. While the collector is on, a
    collection comes before the last look, so that garbage in cycles does not count as kept. Bytes
    of all threads are counted, and wrong by as much as others keep or let go of meanwhile: `grown`
    and `kept_by_line` tell a run from the rest. Where tracemalloc traces already, that trace's peak
    begins anew. RuntimeError if the run stops the trace.

    >>> texts = measure(lambda: [str(n) * 4000 for n in range(100)])
    >>> texts.kept > 400_000
    True
    >>> lengths = measure(lambda: [len(str(n) * 4000) for n in range(100)])
    >>> lengths.kept < 10_000 < lengths.peak
    True
    """
    require_callable(run, "measure(lambda: work(1000))")
    with waiting("measuring"):
        return measured(run)


def measured(run: Callable[[], object]) -> Measurement:
    """The same, said to nobody who waits."""
    began = not tracemalloc.is_tracing()
    if began:
        tracemalloc.start()
    else:  # a trace of somebody else's, which goes on
        tidy()
        tracemalloc.reset_peak()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = called_traced(run)
        peak = tracemalloc.get_traced_memory()[1]
        tidy()
        kept = tracemalloc.get_traced_memory()[0]
        del result
    finally:
        if began:
            tracemalloc.stop()
    return Measurement(kept - before, peak - before)


def tidy() -> None:
    """Collect garbage, unless the collector was turned off: then cycles are meant to stay."""
    if not gc.isenabled():
        return
    gone = ref(_Garbage())
    while gone() is not None:  # beside another thread's collection `gc.collect()` does nothing
        gc.collect()


class _Garbage:
    """Goes with the next collection that is made."""

    def __init__(self) -> None:
        self.me = self


# -- the call -------------------------------------------------------------------------------------


def called(run: Callable[[], object]) -> Any:
    """What `run()` returns; TypeError if it only made a coroutine, task or generator: nothing ran.

    A generator that has begun, and a generator expression, are results like any other.
    """
    result = run()
    if isinstance(result, GeneratorType):
        begun = inspect.getgeneratorstate(result) != inspect.GEN_CREATED
        if begun or result.__name__ == "<genexpr>":
            return result
    waiting_task = isinstance(result, Task) and not result.done()
    work: Any = result.get_coro() if waiting_task else result  # type: ignore[attr-defined]
    for kind, is_one, advice in _LATER:
        if isinstance(work, kind):
            name = work.__name__
            if isinstance(result, CoroutineType):
                result.close()  # or Python warns that nobody awaited it
            raise TypeError(
                f"{name} is {is_one} and nothing of it ran, expected a function that does its "
                f"work when it is called: give {advice.format(name)}"
            )
    return result


def called_traced(run: Callable[[], object]) -> Any:
    """The same, while a trace goes on; RuntimeError if the run stopped that."""
    result = called(run)
    if not tracemalloc.is_tracing():
        raise RuntimeError(
            "the run stopped tracemalloc, with which its memory is followed: expected one "
            "that leaves the trace alone, so take tracemalloc out of it"
        )
    return result


_LATER: tuple[tuple[type[Any], str, str], ...] = (
    (CoroutineType, "async", "lambda: asyncio.run({}(…)), in a notebook from another thread"),
    (AsyncGeneratorType, "an async generator", "a function that goes through all of {}(…)"),
    (GeneratorType, "a generator", "lambda: list({}(…))"),
)


def require_callable(run: object, example: str) -> None:
    """Raise TypeError when `run` cannot be called."""
    if not callable(run):
        raise TypeError(f"{run!r} cannot be called, expected a function: {example}, say")


# -- words ----------------------------------------------------------------------------------------


def ratio(one: float, other: float) -> str:
    """How many times as much, rounded so that it comes out the same another time.

    >>> ratio(97, 10), ratio(1.46, 1), ratio(1, 9.8), ratio(5, 0)
    ('about 10 times as much', 'about 1.5 times as much', 'about 1/10 as much', 'more than nothing')
    """
    if one <= 0 or other <= 0:
        return "as much" if max(one, other) <= 0 else "nothing" if one <= 0 else "more than nothing"
    times = _round(max(one, other) / min(one, other))
    if times == "1":
        return "as much"
    return f"about 1/{times} as much" if one < other else f"about {times} times as much"


def _round(number: float) -> str:
    """To halves below 3, to whole numbers below 20, to one digit above."""
    if number < 3:
        return f"{round(number * 2) / 2:g}"
    return f"{number:.0f}" if number < 19.5 else f"{float(f'{number:.0e}'):,.0f}"


def in_bytes(count: float) -> str:
    """A number of bytes with its unit.

    >>> in_bytes(812), in_bytes(1_300_000)
    ('812 bytes', '1.2 MiB')
    """
    if abs(count) < 1024:
        return f"{count:.0f} bytes"
    for unit in ("KiB", "MiB"):
        count /= 1024
        if abs(count) < 1000:
            return f"{count:.{0 if abs(count) >= 10 else 1}f} {unit}"
    return f"{count / 1024:.1f} GiB"
