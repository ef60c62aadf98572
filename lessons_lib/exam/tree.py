"""A few questions one below the other, as a picture that fits a phone and a printed page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lessons_lib.observe.pictures.diagram import Arrow, Box, Diagram, size
from lessons_lib.observe.pictures.drawing import Picture, draw
from lessons_lib.observe.pictures.layout import ArrowKey, Layout, Line, Place, Point

Branch = tuple[str, str, str]
"""A question (its lines cut by newlines), the memory that a yes leads to, and its lessons."""

_LEFT, _INDENT, _NO, _YES = 20.0, 64.0, 38.0, 120.0
"""Pixels from the left: questions, memories, the line of each no, that of each yes."""
_DOWN, _APART = 32.0, 22.0


def decide(branches: Sequence[Branch], otherwise: tuple[str, str]) -> Picture:
    """Draw questions with the memory that each yes leads to; a no leads to the next question.

    `otherwise` is the memory, with its lessons, for whoever has said no to all.

    >>> print(decide([("May it\\nforget?", "dict", "05")], ("journal", "08")))
    1. May it forget? Yes: dict (05).
    No to all: journal (08).
    """
    column = _Column()
    for n, (asks, name, lessons) in enumerate(branches):
        first, *more = asks.split("\n")
        column.add(Box(f"q{n}", f"{n + 1} {first}", lines=tuple(more)), _LEFT, _DOWN)
        column.add(_leaf(f"m{n}", name, lessons), _INDENT, _APART)
        column.join(f"q{n}", f"m{n}", "yes", _YES)
    column.add(_leaf("last", *otherwise), _LEFT, _LEFT)
    asked = [f"q{n}" for n in range(len(branches))]
    for one, other in pairwise([*asked, "last"]):
        column.join(one, other, "no", _NO)
    said = [
        f"{n}. {' '.join(asks.split())} Yes: {name} ({lessons})."
        for n, (asks, name, lessons) in enumerate(branches, 1)
    ]
    said.append(f"No to all: {otherwise[0]} ({otherwise[1]}).")
    alt = (
        "Questions, one below the other. Each yes leads to a memory, each no to the next question. "
    )
    return draw(column.diagram(), alt + " ".join(said), "\n".join(said), column.layout())


def _leaf(id: str, name: str, lessons: str) -> Box:
    several = "," in lessons or "-" in lessons
    return Box(id, name, "item", lines=(f"{'lessons' if several else 'lesson'} {lessons}",))


@dataclass
class _Column:
    """Boxes put one below the other, and the straight arrows between them."""

    boxes: list[Box] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    lines: dict[ArrowKey, Line] = field(default_factory=dict)
    bottom: float = _LEFT

    def add(self, box: Box, left: float, below: float) -> None:
        wide, high = size(box)
        self.boxes.append(box)
        self.places[box.id] = (left, self.bottom, wide, high)
        self.bottom += high + below

    def join(self, tail: str, head: str, label: str, x: float) -> None:
        """Draw an arrow straight down, its label beside it at the top."""
        _, top, _, high = self.places[tail]
        start, end = top + high, self.places[head][1]
        points: tuple[Point, ...] = tuple((x, start + (end - start) * n / 3) for n in range(4))
        self.arrows.append(Arrow(tail, head, label))
        self.lines[tail, head, label] = Line(points, (x + 18, start + _DOWN / 2))

    def diagram(self) -> Diagram:
        return Diagram(tuple(self.boxes), tuple(self.arrows), direction="TB")

    def layout(self) -> Layout:
        width = max(left + wide for left, _, wide, _ in self.places.values()) + _LEFT
        return Layout(self.places, self.lines, {}, width, self.bottom)
