"""A few questions one below the other, as a picture that fits a phone and a printed page."""

from __future__ import annotations

from collections.abc import Sequence

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
    column: list[tuple[Box, float, float]] = []
    """The boxes, one below the other: how far from the left, and how far above the next."""
    yes, no, said = [], [], []
    for n, (asks, name, lessons) in enumerate(branches):
        first, *more = asks.split("\n")
        column.append((Box(f"q{n}", f"{n + 1} {first}", lines=tuple(more)), _LEFT, _DOWN))
        column.append((_leaf(f"m{n}", name, lessons), _INDENT, _APART))
        yes.append(Arrow(f"q{n}", f"m{n}", "yes"))
        below = f"q{n + 1}" if n + 1 < len(branches) else "last"
        no.append(Arrow(f"q{n}", below, "no"))
        said.append(f"{n + 1}. {' '.join(asks.split())} Yes: {name} ({lessons}).")
    column.append((_leaf("last", *otherwise), _LEFT, _LEFT))
    said.append(f"No to all: {otherwise[0]} ({otherwise[1]}).")
    alt = (
        "Questions, one below the other. Each yes leads to a memory, each no to the next question. "
    )
    diagram = Diagram(tuple(box for box, *_ in column), (*yes, *no), direction="TB")
    return draw(diagram, alt + " ".join(said), "\n".join(said), _laid_out(column, diagram.arrows))


def _leaf(id: str, name: str, lessons: str) -> Box:
    several = "," in lessons or "-" in lessons
    return Box(id, name, "item", lines=(f"{'lessons' if several else 'lesson'} {lessons}",))


def _laid_out(column: Sequence[tuple[Box, float, float]], arrows: Sequence[Arrow]) -> Layout:
    """The boxes' places, and between them straight arrows with their labels beside them."""
    places: dict[str, Place] = {}
    bottom = _LEFT
    for box, left, below in column:
        wide, high = size(box)
        places[box.id] = (left, bottom, wide, high)
        bottom += high + below
    lines: dict[ArrowKey, Line] = {}
    for arrow in arrows:
        x = _YES if arrow.label == "yes" else _NO
        _, top, _, high = places[arrow.tail]
        start, end = top + high, places[arrow.head][1]
        points: tuple[Point, ...] = tuple((x, start + (end - start) * n / 3) for n in range(4))
        lines[arrow.tail, arrow.head, arrow.label] = Line(points, (x + 18, start + _DOWN / 2))
    width = max(left + wide for left, _, wide, _ in places.values()) + _LEFT
    return Layout(places, lines, {}, width, bottom)
