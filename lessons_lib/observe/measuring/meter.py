"""What work costs: bytes kept, bytes at the peak, seconds; and how that grows with its size.

Bytes come from `tracemalloc`, which knows what Python's own allocators gave out, to the byte. What
C libraries take for themselves, and what the process has from the operating system, it does not.
A number of bytes or seconds differs between machines and versions; a ratio, rounded, hardly does.
So the words here that a notebook may store are ratios and exponents, and the raw numbers stay
attributes.
"""

from __future__ import annotations

import gc
import inspect
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, log2
from statistics import linear_regression
from threading import Lock
from time import perf_counter
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NamedTuple
from weakref import ref

from ..pictures.curves import Curve, draw_curves
from ..pictures.drawing import Picture
from ..pictures.style import shorten
from ..pictures.waiting import waiting

ENOUGH = 0.05
"""Seconds after which a short call is not timed again."""


# -- one measurement -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Measurement:
    """What one run cost; the numbers are exact, and differ a little from run to run.

    Attributes:
        kept: Bytes still allocated when it had returned, its result included.
        peak: Bytes allocated at the worst moment, beyond what there was before.
        seconds: How long it took, with every allocation recorded: two to four times the usual.
    """

    kept: int
    peak: int
    seconds: float

    def __str__(self) -> str:
        kept, peak = in_bytes(self.kept), in_bytes(self.peak)
        return f"keeps {kept}, {peak} at its peak, takes {in_seconds(self.seconds)}"

    __repr__ = __str__

    def against(self, other: Measurement) -> str:
        """The bytes beside another run's, as rounded ratios: words that come out the same again.

        >>> Measurement(990_000, 2_010_000, 0.1).against(Measurement(100_000, 1_990_000, 0.3))
        'keeps about 10 times as much, as much at its peak'
        """
        kept, peak = ratio(self.kept, other.kept), ratio(self.peak, other.peak)
        return f"keeps {kept}, {peak} at its peak"


def measure(run: Callable[[], object]) -> Measurement:
    """Call `run()` once and measure what it keeps, its peak, and its time.

    What it returns counts as kept, and is let go afterwards. While the collector is on, a
    collection comes before the last look, so that garbage in cycles does not count as kept. Bytes
    of all threads are counted, and wrong by as much as others keep or let go of meanwhile: `grown`
    and `kept_by_line` tell a run from the rest.

    >>> texts = measure(lambda: [str(n) * 4000 for n in range(100)])
    >>> texts.kept > 400_000
    True
    >>> lengths = measure(lambda: [len(str(n) * 4000) for n in range(100)])
    >>> lengths.kept < 10_000 < lengths.peak
    True
    """
    require_callable(run, "measure(lambda: work(1000))")
    with waiting("measuring"):
        return _measured(run)


def _measured(run: Callable[[], object]) -> Measurement:
    with traced() as began:
        if not began:
            tidy()
            tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        started = perf_counter()
        result = called(run)
        seconds = perf_counter() - started
        peak = tracemalloc.get_traced_memory()[1]
        tidy()
        kept = tracemalloc.get_traced_memory()[0]
        del result
    return Measurement(kept - before, peak - before, seconds)


_door = Lock()
_inside = 0
"""How many of our measurements are in a trace that one of them began."""


@contextmanager
def traced(begin: Callable[[], object] = tracemalloc.start) -> Iterator[bool]:
    """Trace allocations; gives whether the trace began here, and was not joined.

    A trace ends with the last of our measurements in it, and one of somebody else goes on.
    """
    global _inside
    with _door:
        began = not tracemalloc.is_tracing()
        if began:
            begin()
            _inside = 0
        ours = began or _inside > 0
        _inside += ours
    try:
        yield began
    finally:
        with _door:
            _inside -= ours
            if ours and not _inside:
                tracemalloc.stop()


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


# -- growth --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Growth:
    """How an amount grows with a size: the exponent in words and as a picture.

    Attributes:
        what: What was measured: "bytes kept", say.
        sizes: The sizes, in order.
        amounts: What was measured at each, exact.
        heights: The amounts in doublings (their logarithms), as the line was fitted to them.
        exponent: The slope of the straight line nearest to the points, both axes by doublings.
        level: The height of that line over the first size, in doublings.
    """

    what: str
    sizes: tuple[int, ...]
    amounts: tuple[float, ...]
    heights: tuple[float, ...]
    exponent: float
    level: float
    too_little: str = ""
    """What all amounts lie below, if that is too little to tell how they grow: "1 KiB", say."""

    @property
    def about(self) -> float:
        """The exponent as one says it: whole when it is nearly so, else to one decimal."""
        return rounded(self.exponent)

    def __str__(self) -> str:
        if self.too_little:
            return f"{self.what}: {self._meaning()}"
        return f"{self.what}: exponent about {number(self.about)}. {self._meaning()}"

    def _meaning(self) -> str:
        if self.too_little:
            return f"below {self.too_little} for each size, too little to tell. Take larger sizes."
        return doubling(self.about)

    __repr__ = __str__

    def picture(self) -> Picture:
        """Points and line, in multiples of the line's beginning, both axes by doublings.

        Points are set to the nearest quarter of a doubling beside the line, which the eye does not
        miss, so that a second measurement draws the same picture.
        """
        curves = [self._curve("", 0.0), *self._guide()]
        title = f"{self.what}, as multiples of the first"
        return draw_curves(curves, "size", title, self._alt(), str(self), self._meaning())

    def _curve(self, name: str, level: float) -> Curve:
        wide = log2(self.sizes[-1] / self.sizes[0])
        start = quarter(level)
        heights = []
        for size, height in zip(self.sizes, self.heights, strict=True):
            doublings = log2(size / self.sizes[0])
            beside = height - (self.level + self.exponent * doublings)
            heights.append(start + self.about * doublings + quarter(beside))
        label = f"{name}: {number(self.about)}" if name else f"exponent {number(self.about)}"
        return Curve(label, self.sizes, tuple(heights), (start, start + self.about * wide))

    def _guide(self) -> list[Curve]:
        """How growth in proportion would look, where this is another."""
        wide = log2(self.sizes[-1] / self.sizes[0])
        guide = Curve("in proportion", self.sizes, (), (0.0, wide), guide=True)
        return [] if self.about == 1 else [guide]

    def _alt(self) -> str:
        return (
            f"A curve over the sizes {_listed(self.sizes)}, both axes by doublings: a straight "
            f"line with {len(self.sizes)} points. {self}"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.picture()._repr_mimebundle_()


def growth(
    run: Callable[[int], Any],
    sizes: Sequence[int],
    *,
    of: str | Callable[[Any], float] = "bytes",
    label: str = "",
) -> Growth:
    """Call `run(size)` for each size, measure, and fit the exponent of the growth.

    `of` says what is measured: "bytes" kept, the "peak" in bytes, "seconds" (the least of some
    calls, without tracing), or a function of what `run` returned, such as `len`. `label` says what
    such a function measures. Each call must begin afresh. Three increasing sizes or more; make
    them double, and large enough to drown what every size costs alike and, as bytes of all threads
    are counted, what others keep meanwhile.

    >>> growth(lambda n: [bytes(100) for _ in range(n)], [100, 200, 400, 800])
    bytes kept: exponent about 1. Doubling the size makes it twice as large.
    >>> growth(lambda n: [(a, b) for a in range(n) for b in range(n)], [8, 16, 32], of=len)
    len: exponent about 2. Doubling the size makes it four times as large.
    """
    require_callable(run, "growth(lambda size: work(size), [100, 200, 400])")
    known = _sizes(sizes)
    meter = _meter(of)
    with waiting("measuring") as tell:
        amounts = []
        for count, size in enumerate(known, 1):
            tell(f"measuring size {size:,}, {count} of {len(known)}")
            amounts.append(meter.measure(run, size))
    heights = _heights(amounts, meter.nothing)
    slope, level = linear_regression([log2(size / known[0]) for size in known], heights)
    too_little = meter.words if max(amounts) <= meter.nothing else ""
    return Growth(label or meter.name, known, tuple(amounts), heights, slope, level, too_little)


def compare_growth(growths: Mapping[str, Growth], what: str = "") -> Picture:
    """Draw two to four growths over the same axes, each with its name and exponent.

    >>> grown = growth(lambda n: range(n), [10, 20, 40], of=len)
    >>> level = growth(lambda n: range(16), [10, 20, 40], of=len)
    >>> print(compare_growth({"all": grown, "the last 16": level}, "messages held"))
    messages held: all grows with exponent 1, the last 16 with exponent 0.
    """
    if not isinstance(growths, Mapping) or not all(
        isinstance(one, Growth) for one in growths.values()
    ):
        raise TypeError(
            f"{shorten(repr(growths), 40)} is no dictionary of growths, expected each under its "
            "name: give {'all': growth(…), 'the last': growth(…)}"
        )
    measured = list(growths.values())
    if not 2 <= len(measured) <= 4:
        raise ValueError(
            f"{len(measured)} growths given, expected two to four: give each under its name"
        )
    if len({one.sizes for one in measured}) > 1:
        raise ValueError(
            "the growths have different sizes, expected the same ones, since they are drawn over "
            "one axis: measure them again with the same sizes"
        )
    if not what and len({one.what for one in measured}) > 1:
        raise ValueError(
            "the growths measure different things, expected one: compare like with like, or say "
            "what they are"
        )
    title = what or measured[0].what
    lowest = min(one.level for one in measured)
    curves = [one._curve(name, one.level - lowest) for name, one in growths.items()]
    parts = [
        f"{name} with exponent {number(one.about)}{' (too little to tell)' * bool(one.too_little)}"
        for name, one in growths.items()
    ]
    words = f"{title}: {', '.join(parts)}.".replace(" with", " grows with", 1)
    alt = f"{len(curves)} straight lines over the same sizes, both axes by doublings. {words}"
    title = f"{title}, as multiples of the least"
    return draw_curves(curves, "size", title, alt, words, "Beside each name: the exponent.")


class Meter(NamedTuple):
    """What is measured, and how; up to `nothing`, which it costs in any case, it tells nothing."""

    name: str
    measure: Callable[[Callable[[int], Any], int], float]
    nothing: float = 0.0
    words: str = ""


def _meter(of: str | Callable[[Any], float]) -> Meter:
    if isinstance(of, str) and of in _METERS:
        return _METERS[of]
    if isinstance(of, str) or not callable(of):
        raise ValueError(
            f"of={of!r} is not known, expected {', '.join(map(repr, _METERS))} or a function of "
            "what run returns: choose one"
        )
    name = getattr(of, "__name__", "<lambda>")
    return Meter(
        "amount" if name == "<lambda>" else name,
        lambda run, size: _checked(of(called(lambda: run(size))), size),
    )


def _seconds(run: Callable[[int], Any], size: int) -> float:
    """The least of several calls: what else the machine does can only make one slower."""
    least = spent = 0.0
    calls = 0
    while calls < 3 or (spent < ENOUGH and calls < 100):
        started = perf_counter()
        called(lambda: run(size))
        took = perf_counter() - started
        least = min(least, took) if calls else took
        spent += took
        calls += 1
    return least


_METERS = {
    "bytes": Meter("bytes kept", lambda run, n: _measured(lambda: run(n)).kept, 1024, "1 KiB"),
    "peak": Meter(
        "bytes at the peak", lambda run, n: _measured(lambda: run(n)).peak, 1024, "1 KiB"
    ),
    "seconds": Meter("seconds", _seconds, 1e-5, "10 µs"),
}


def _heights(amounts: Sequence[float], nothing: float) -> tuple[float, ...]:
    """Amounts in doublings; what is as good as nothing lies on one level, whatever it is."""
    if max(amounts) <= nothing:
        return tuple(log2(nothing or 1) for _ in amounts)
    least = min(amount for amount in amounts if amount > 0)
    return tuple(log2(amount if amount > 0 else least) for amount in amounts)


def rounded(exponent: float) -> float:
    """An exponent to the nearest whole number if it is within 0.15 of it, else to one decimal.

    >>> [rounded(x) for x in (1.94, 1.07, -0.02, 1.58)]
    [2.0, 1.0, 0.0, 1.6]
    """
    whole = float(round(exponent))
    return whole + 0.0 if abs(exponent - whole) <= 0.15 else round(exponent, 1)


def number(exponent: float) -> str:
    """An exponent without needless digits.

    >>> number(2.0), number(-0.5)
    ('2', '−0.5')
    """
    return f"{exponent:g}".replace("-", "−")


def doubling(exponent: float) -> str:
    """What doubling the size does to the amount, in words.

    >>> doubling(1.6)
    'Doubling the size makes it about 3 times as large.'
    """
    if exponent == 0:
        return "It does not grow with the size."
    words = {-1.0: "half", 1.0: "twice", 2.0: "four times", 3.0: "eight times"}
    times = words.get(exponent, f"about {2**exponent:.2g} times")
    return f"Doubling the size makes it {times} as large."


def quarter(height: float) -> float:
    """To the nearest quarter of a doubling, which is 19 %."""
    return round(height * 4) / 4


# -- words ---------------------------------------------------------------------------------------


def ratio(one: float, other: float) -> str:
    """How many times as much, rounded so that it comes out the same another time.

    >>> ratio(97, 10), ratio(1.46, 1), ratio(1, 9.8), ratio(5, 0)
    ('about 10 times as much', 'about 1.5 times as much', 'about 1/10 as much', 'more than nothing')
    """
    if one <= 0 or other <= 0:
        return "as much" if max(one, other) <= 0 else "nothing" if one <= 0 else "more than nothing"
    if one < other:
        part = _round(other / one)
        return "as much" if part == "1" else f"about 1/{part} as much"
    times = _round(one / other)
    return "as much" if times == "1" else f"about {times} times as much"


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


def in_seconds(seconds: float) -> str:
    """A time with its unit.

    >>> in_seconds(0.00123), in_seconds(12.3)
    ('1.2 ms', '12 s')
    """
    if seconds < 1:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.0995 else f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


# -- what is refused -----------------------------------------------------------------------------


def called(run: Callable[[], object]) -> Any:
    """What `run()` returns; TypeError if it only made a coroutine or generator, which did nothing.

    A generator that has begun, and a generator expression, are results like any other.
    """
    result = run()
    if isinstance(result, GeneratorType):
        begun = inspect.getgeneratorstate(result) != inspect.GEN_CREATED
        if begun or result.__name__ == "<genexpr>":
            return result
    for kind, is_one, advice in _LATER:
        if isinstance(result, kind):
            name = result.__name__
            if isinstance(result, CoroutineType):
                result.close()  # or Python warns that nobody awaited it
            raise TypeError(
                f"{name} is {is_one} and nothing of it ran, expected a function that does its "
                f"work when it is called: give {advice.format(name)}"
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


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        known = tuple(sizes)
    except TypeError:
        raise TypeError(f"{sizes!r} is no list of sizes, expected one: [100, 200, 400]") from None
    for size in known:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"the size {size!r} is not a whole number above 0: take 100, 200, 400")
    if len(known) < 3 or any(a >= b for a, b in pairwise(known)):
        raise ValueError(
            f"the sizes {_listed(known) or '(none)'} are not three or more, each larger than the "
            "one before: take 100, 200, 400"
        )
    return known


def _checked(amount: Any, size: int) -> float:
    is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    if is_number and isfinite(amount) and amount >= 0:
        return float(amount)
    raise ValueError(
        f"of gave {amount!r} for the size {size}, expected a number from 0 up: "
        "give a function such as len"
    )


def _listed(sizes: Sequence[int]) -> str:
    return ", ".join(f"{size:,}" if isinstance(size, int) else repr(size) for size in sizes)
