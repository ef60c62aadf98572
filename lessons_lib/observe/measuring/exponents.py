"""How an amount grows with a size: the exponent, in words and as a curve.

An amount that grows as a power of the size is a straight line where both axes are doublings, and
its slope is the power. Rounded, it comes out the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, log2
from statistics import linear_regression
from typing import Any

from ..pictures.curves import Curve, draw_curves
from ..pictures.drawing import Picture
from ..pictures.style import shorten
from ..pictures.waiting import waiting
from .meter import called, measured, require_callable

_NOTHING = 1024
"""Up to so many bytes, which any work costs, it is too little to tell how they grow."""


@dataclass(frozen=True)
class Growth:
    """How an amount grows with a size.

    Attributes:
        what: What was measured: "bytes kept", say.
        sizes: The sizes, in order.
        amounts: What was measured at each, exact.
        heights: The amounts in doublings (their logarithms), as the line was fitted to them.
        exponent: The slope of the straight line nearest to the points, both axes by doublings.
        level: The height of that line over the first size, in doublings.
        too_little: Whether all amounts are too small to tell how they grow.
    """

    what: str
    sizes: tuple[int, ...]
    amounts: tuple[float, ...]
    heights: tuple[float, ...]
    exponent: float
    level: float
    too_little: bool = False

    @property
    def about(self) -> float:
        """The exponent as one says it: whole when it is nearly so, else to one decimal."""
        return rounded(self.exponent)

    def __str__(self) -> str:
        known = "" if self.too_little else f"exponent about {number(self.about)}. "
        return f"{self.what}: {known}{self._meaning()}"

    __repr__ = __str__

    def _meaning(self) -> str:
        if self.too_little:
            return "below 1 KiB for each size, too little to tell. Take larger sizes."
        return doubling(self.about)

    def picture(self) -> Picture:
        """Points and line, in multiples of the line's beginning, both axes by doublings."""
        curve = self.curve(f"exponent {number(self.about)}", 0.0)
        alt = (
            f"A curve over the sizes {', '.join(f'{size:,}' for size in self.sizes)}, both axes by "
            f"doublings: a straight line with {len(self.sizes)} points. {self}"
        )
        title = f"{self.what}, as multiples of the first"
        return draw_curves([curve], "size", title, alt, str(self), self._meaning())

    def curve(self, label: str, level: float) -> Curve:
        """The line and its points; both begin at a level, in doublings.

        Points are set to the nearest quarter of a doubling beside the line, which the eye does not
        miss, so that a second measurement draws the same picture.
        """
        start, heights = _quarter(level), []
        for size, height in zip(self.sizes, self.heights, strict=True):
            doublings = log2(size / self.sizes[0])
            beside = height - (self.level + self.exponent * doublings)
            heights.append(start + self.about * doublings + _quarter(beside))
        wide = log2(self.sizes[-1] / self.sizes[0])
        return Curve(label, self.sizes, tuple(heights), (start, start + self.about * wide))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.picture()._repr_mimebundle_()


def growth(
    run: Callable[[int], Any], sizes: Sequence[int], *, of: Callable[[Any], float] | None = None
) -> Growth:
    """Call `run(size)` for each size, measure, and fit the exponent of the growth.

    Measured are the bytes kept, or, with `of`, what that function (`len`, say) makes of what `run`
    returned. Each call must begin afresh. Three increasing sizes or more; make them double, and
    large enough to drown what every size costs alike and, as bytes of all threads are counted, what
    others keep meanwhile.

    >>> growth(lambda n: [bytes(100) for _ in range(n)], [100, 200, 400, 800])
    bytes kept: exponent about 1. Doubling the size makes it twice as large.
    >>> growth(lambda n: [(a, b) for a in range(n) for b in range(n)], [8, 16, 32], of=len)
    len: exponent about 2. Doubling the size makes it four times as large.
    """
    require_callable(run, "growth(lambda size: work(size), [100, 200, 400])")
    if of is not None:
        require_callable(of, "of=len")
    known = _sizes(sizes)
    with waiting("measuring") as tell:
        amounts = []
        for count, size in enumerate(known, 1):
            tell(f"measuring size {size:,}, {count} of {len(known)}")
            amounts.append(_amount(run, size, of))
    # What `of` gives is exact, however little; bytes drown in what any call costs.
    too_little = of is None and max(amounts) <= _NOTHING
    heights = _heights(amounts, too_little)
    slope, level = linear_regression([log2(size / known[0]) for size in known], heights)
    return Growth(_called(of), known, tuple(amounts), heights, slope, level, too_little)


def compare_growth(growths: Mapping[str, Growth], what: str = "") -> Picture:
    """Draw two to four growths over the same axes, each with its name and exponent.

    >>> grown = growth(lambda n: range(n), [10, 20, 40], of=len)
    >>> level = growth(lambda n: range(16), [10, 20, 40], of=len)
    >>> print(compare_growth({"all": grown, "the last 16": level}, "messages held"))
    messages held: all grows with exponent 1, the last 16 with exponent 0.
    """
    _require_comparable(growths)
    measured = list(growths.values())
    title = what or " and ".join(sorted({one.what for one in measured}))
    lowest = min(one.level for one in measured)
    curves = [
        one.curve(f"{name}: {number(one.about)}", one.level - lowest)
        for name, one in growths.items()
    ]
    parts = [
        f"{name} with exponent {number(one.about)}{' (too little to tell)' * one.too_little}"
        for name, one in growths.items()
    ]
    words = f"{title}: {', '.join(parts)}.".replace(" with", " grows with", 1)
    alt = f"{len(curves)} straight lines over the same sizes, both axes by doublings. {words}"
    title = f"{title}, as multiples of the least"
    return draw_curves(curves, "size", title, alt, words, "Beside each name: the exponent.")


# -- what is measured ------------------------------------------------------------------------------


def _amount(run: Callable[[int], Any], size: int, of: Callable[[Any], float] | None) -> float:
    if of is None:
        return measured(lambda: run(size)).kept
    amount = of(called(lambda: run(size)))
    is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    if is_number and isfinite(amount) and amount >= 0:
        return float(amount)
    raise ValueError(
        f"of gave {amount!r} for the size {size}, expected a number from 0 up: "
        "give a function such as len"
    )


def _called(of: Callable[[Any], float] | None) -> str:
    if of is None:
        return "bytes kept"
    return getattr(of, "__name__", "<lambda>").replace("<lambda>", "amount")


def _heights(amounts: Sequence[float], too_little: bool) -> tuple[float, ...]:
    """Amounts in doublings; nothing lies one below the least, and if all are, on one level."""
    if too_little or max(amounts) == 0:
        return (log2(_NOTHING) if too_little else 0.0,) * len(amounts)
    least = min(amount for amount in amounts if amount > 0)
    return tuple(log2(amount if amount > 0 else least / 2) for amount in amounts)


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    known = tuple(sizes) if isinstance(sizes, Sequence) else ()
    whole = all(type(size) is int and size > 0 for size in known)
    if len(known) < 3 or not whole or any(a >= b for a, b in pairwise(known)):
        raise ValueError(
            f"the sizes are {sizes!r}, expected three or more whole numbers above 0, each larger "
            "than the one before: take [100, 200, 400]"
        )
    return known


def _require_comparable(growths: object) -> None:
    if not isinstance(growths, Mapping) or not all(
        isinstance(one, Growth) for one in growths.values()
    ):
        raise TypeError(
            f"{shorten(repr(growths), 40)} is no dictionary of growths, expected each under its "
            "name: give {'all': growth(…), 'the last': growth(…)}"
        )
    if not 2 <= len(growths) <= 4:
        raise ValueError(
            f"{len(growths)} growths given, expected two to four: give each under its name"
        )
    if len({one.sizes for one in growths.values()}) > 1:
        raise ValueError(
            "the growths have different sizes, expected the same ones, since they are drawn over "
            "one axis: measure them again with the same sizes"
        )


# -- words -----------------------------------------------------------------------------------------


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


def _quarter(height: float) -> float:
    """To the nearest quarter of a doubling, which is 19 %."""
    return round(height * 4) / 4
