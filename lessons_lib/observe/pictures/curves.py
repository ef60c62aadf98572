"""Growth drawn: how an amount follows a size, both axes by doublings, so that powers are straight.

Heights are given in doublings (0 is ×1, 1 is ×2, 2 is ×4). Our own SVG, so that a picture is a few
kilobytes, the same to the byte everywhere, and looks like the others of the course.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import NamedTuple

from . import ink, style
from .drawing import Picture
from .shapes import STYLES, paper, path, svg, text

WIDTH, HEIGHT = 600, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 78, 58
LABEL_GAP = 18


class _Pen(NamedTuple):
    """The colours of a curve's line and letters; each has points of its own shape beside them."""

    line: str
    letters: str
    point: str


_PENS = (
    _Pen(ink.BLUE, ink.BLUE, "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z"),  # a disc
    _Pen(ink.VERMILION, ink.VERMILION_TEXT, "m-4.5 -4.5h9v9h-9z"),  # a square
    _Pen(ink.INK, ink.INK, "m0 -6l5.5 9.5h-11z"),  # a triangle
    _Pen(ink.GREY, ink.GREY, "m0 -6l6 6l-6 6l-6 -6z"),  # a diamond
)


@dataclass(frozen=True)
class Curve:
    """A straight line through points, and what is written at its end.

    Attributes:
        label: Stands at the right end of the line.
        sizes: Where the points are, from left to right.
        heights: How high they are, in doublings.
        ends: The height of the line over the first and over the last size.
    """

    label: str
    sizes: tuple[int, ...]
    heights: tuple[float, ...]
    ends: tuple[float, float]


def draw_curves(
    curves: Sequence[Curve], x: str, y: str, alt: str, words: str, below: str = ""
) -> Picture:
    """Draw at most four curves over the same axes; `x` and `y` say what the axes measure.

    `words` are what a terminal shows; `below` stands under the picture's title.

    >>> line = Curve("exponent 1", (10, 20, 40), (0, 1, 2), (0, 2))
    >>> print(draw_curves([line], "turns", "bytes", alt="A line.", words="It grows."))
    It grows.
    """
    plot = _Plot(curves)
    parts = [
        paper(WIDTH, HEIGHT),
        STYLES,
        *plot.axes(x),
        *plot.lines(),
        *plot.points(),
        *plot.labels(),
    ]
    parts += [text(20, 28, y, "n", ' font-weight="700"'), text(20, 50, below, "n g")]
    return Picture(svg(WIDTH, HEIGHT, alt, parts), alt, words)


class _Plot:
    """The places of everything on the page, in pixels."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.pens = list(zip(curves, _PENS, strict=False))
        self.sizes = sorted({size for curve in curves for size in curve.sizes})
        heights = [h for curve in curves for h in (*curve.heights, *curve.ends)]
        self.low, self.high = floor(min(heights)), ceil(max(heights))
        if self.high - self.low < 2:  # level: in the middle, not on the axis
            self.low, self.high = self.low - 1, self.low + 1
        longest = max(len(curve.label) for curve in curves)
        self.right = WIDTH - RIGHT - longest * style.TEXT_WIDTH - 18
        self.bottom = HEIGHT - BOTTOM

    def x(self, size: int) -> float:
        first, last = log2(self.sizes[0]), log2(self.sizes[-1])
        return LEFT + 14 + (log2(size) - first) / (last - first) * (self.right - LEFT - 28)

    def y(self, height: float) -> float:
        return self.bottom - (height - self.low) / (self.high - self.low) * (self.bottom - TOP)

    def axes(self, x: str) -> Iterator[str]:
        """A pale line at some powers of two, the sizes below."""
        step = ceil((self.high - self.low) / 6)
        for power in range(self.low, self.high + 1, step):
            at = self.y(power)
            yield path(f"M{LEFT} {at:.1f}H{self.right:.1f}", "none", ink.LINE, 1)
            yield text(LEFT - 10, at + 5, times(power), "n g", ' text-anchor="end"')
        yield path(f"M{LEFT} {self.bottom}H{self.right:.1f}", "none", ink.PALE, 1.4)
        free = 0.0
        for size in self.sizes:
            at, half = self.x(size), len(f"{size:,}") * style.TEXT_WIDTH / 2
            yield path(f"M{at:.1f} {self.bottom}v5", "none", ink.PALE, 1.4)
            if at - half >= free:
                yield text(at, self.bottom + 21, f"{size:,}", "m n g")
                free = at + half + 8
        yield text(self.right, HEIGHT - 14, x, "n", ' font-weight="700" text-anchor="end"')

    def lines(self) -> Iterator[str]:
        for curve, pen in self.pens:
            start = f"M{self.x(curve.sizes[0]):.1f} {self.y(curve.ends[0]):.1f}"
            end = f"L{self.x(curve.sizes[-1]):.1f} {self.y(curve.ends[1]):.1f}"
            yield path(start + end, "none", pen.line, 2.2)

    def points(self) -> Iterator[str]:
        for curve, pen in self.pens:
            for size, height in zip(curve.sizes, curve.heights, strict=True):
                at = f"M{self.x(size):.1f} {self.y(height):.1f}"
                yield path(at + pen.point, ink.PAPER, pen.line, 2.2)

    def labels(self) -> Iterator[str]:
        """At the end of each line, moved apart where two lines end together."""
        pens = sorted(self.pens, key=lambda pair: self.y(pair[0].ends[1]))
        places = apart([self.y(curve.ends[1]) for curve, _ in pens])
        for (curve, pen), at in zip(pens, places, strict=True):
            look = f' style="fill:{pen.letters}" font-weight="700"'
            yield text(self.x(curve.sizes[-1]) + 18, at + 5, curve.label, "n h", look)


def times(power: int) -> str:
    """A power of two as a multiple.

    >>> times(0), times(4), times(-2), times(30)
    ('×1', '×16', '×1/4', '×2³⁰')
    """
    if abs(power) > 13:
        return "×2" + str(power).translate(_RAISED)
    return f"×{2**power:,}" if power >= 0 else f"×1/{2**-power:,}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def apart(places: Iterable[float]) -> list[float]:
    """Heights from top to bottom, moved down where one label would cover another.

    >>> apart([10, 12, 90])
    [10, 28, 90]
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LABEL_GAP) if moved else place)
    return moved
