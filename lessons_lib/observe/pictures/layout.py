"""Where things stand: Graphviz finds the places once, the drawing then keeps to them.

A recording of twenty steps is laid out as one diagram that holds the boxes of every step; each
step is drawn on those places, so that nothing jumps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import dist

from . import graphviz, style
from .diagram import Arrow, Box, Diagram, Frame, bounded, size

Point = tuple[float, float]
Place = tuple[float, float, float, float]
"""x, y, width, height of a box in pixels; x and y are its upper left corner."""
ArrowKey = tuple[str, str, str]

MARGIN = 26
FRAME_MARGIN = 24
CORNER = 8
FRAME_TOP = 22
_PER_INCH = 72


@dataclass(frozen=True)
class Line:
    """The course of an arrow: Bézier control points (3n + 1 of them) and its label's middle."""

    points: tuple[Point, ...]
    label: Point | None = None


@dataclass(frozen=True)
class Layout:
    """The places of boxes by id, of arrows by tail, head and label, of frames by id."""

    boxes: dict[str, Place]
    arrows: dict[ArrowKey, Line]
    frames: dict[str, Place]
    width: float
    height: float

    def line(self, arrow: Arrow) -> Line:
        """The course of an arrow; a straight one for an arrow that was not laid out."""
        known = self.arrows.get((arrow.tail, arrow.head, arrow.label))
        return known or _straight(self.boxes[arrow.tail], self.boxes[arrow.head])


def lay_out(diagram: Diagram) -> Layout:
    """Find the places of everything in a diagram; of what is too much, the first thirty boxes.

    >>> where = lay_out(Diagram((Box("a", "a", "name"), Box("o", "list")), (Arrow("a", "o"),)))
    >>> where.boxes["a"][0] < where.boxes["o"][0]
    True
    """
    drawn = bounded(diagram)  # or a dense one could take Graphviz minutes
    return _read(drawn, graphviz.render(_dot(drawn)))


def _dot(diagram: Diagram) -> str:
    """The diagram as DOT text: sizes fixed, names on the left, labels as wide as they will be."""
    number, widths = _numbers(diagram), _widths(diagram)
    apart = "nodesep=0.44; ranksep=0.5;" if diagram.direction == "LR" else "nodesep=0.5;"
    lines = [
        f"digraph {{ rankdir={diagram.direction}; newrank=true; splines=true; {apart}",
        'node [shape=box fixedsize=true label=""]; edge [arrowhead=none fontname=Courier];',
    ]
    for box in diagram.boxes:
        width, height = widths[box.id] / _PER_INCH, size(box)[1] / _PER_INCH
        lines.append(f"{number[box.id]} [width={width:.3f} height={height:.3f}];")
    for arrow in diagram.arrows:
        if arrow.tail != arrow.head:  # those are drawn by us, over the box
            label = f' [label="{"x" * (len(arrow.label) + 1)}"]' if arrow.label else ""
            lines.append(f"{number[arrow.tail]} -> {number[arrow.head]}{label};")
    for index, frame in enumerate(diagram.frames):
        inside = " ".join(number[name] for name in frame.boxes)
        room = f'margin={FRAME_MARGIN + 6}; label="x"'
        lines.append(f"subgraph cluster_{index} {{ {room}; {inside} }}")
    if column := _left_column(diagram):
        lines.append(f"{{ rank=min; {'; '.join(number[box.id] for box in column)} }}")
    return "\n".join([*lines, "}"])


def _numbers(diagram: Diagram) -> dict[str, str]:
    """What Graphviz calls each box: an id of ours may have spaces."""
    return {box.id: f"n{i}" for i, box in enumerate(diagram.boxes)}


def _widths(diagram: Diagram) -> dict[str, float]:
    """The width Graphviz is told: names of the left column all get that of the widest."""
    column = {box.id for box in _left_column(diagram)}
    widest = max((size(box)[0] for box in diagram.boxes if box.id in column), default=0.0)
    return {box.id: widest if box.id in column else size(box)[0] for box in diagram.boxes}


def _left_column(diagram: Diagram) -> list[Box]:
    """Names that nothing points to."""
    heads = {arrow.head for arrow in diagram.arrows}
    return [box for box in diagram.boxes if box.kind == "name" and box.id not in heads]


def _read(diagram: Diagram, plain: str) -> Layout:
    """Read Graphviz's plain output: inches from the lower left become pixels from the upper."""
    rows = [line.split(" ") for line in plain.splitlines()]
    nodes = [row for row in rows if row[0] == "node"]
    down = 1 if _upside_down([float(row[3]) for row in nodes]) else -1

    def at(x: str, y: str) -> Point:
        return float(x) * _PER_INCH, down * float(y) * _PER_INCH

    boxes = _read_boxes(diagram, [at(row[2], row[3]) for row in nodes])
    lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for row in rows:
        if row[0] == "edge":
            lines[row[1], row[2]].append(_read_line(row, at, 7 if down > 0 else 0))
    alone = {ends for ends in lines if len(lines[ends]) == 1 and ends[::-1] not in lines}
    labels = [line.label for several in lines.values() for line in several if line.label]
    number = _numbers(diagram)
    arrows = {}
    for a in diagram.arrows:
        ends = number[a.tail], number[a.head]
        line = lines[ends].pop(0) if a.tail != a.head else _loop(boxes[a.tail])
        if ends in alone:  # of several each has a way of its own
            others = [label for label in labels if label is not line.label]
            line = _off_corners(line, a, boxes, diagram.direction, others)
        arrows[a.tail, a.head, a.label] = line
    return _shifted(diagram, boxes, arrows)


def _upside_down(heights: list[float]) -> bool:
    """True when the first boxes came out below the last ones: the picture is then mirrored."""
    middle = sum(heights) / len(heights)
    centre = (len(heights) - 1) / 2
    return sum((i - centre) * (y - middle) for i, y in enumerate(heights)) > 0


def _read_boxes(diagram: Diagram, middles: list[Point]) -> dict[str, Place]:
    """The place of each box; names of the left column end on one line at their right."""
    widths = _widths(diagram)
    boxes = {}
    for box, (x, y) in zip(diagram.boxes, middles, strict=True):
        width, height = size(box)
        boxes[box.id] = (x + widths[box.id] / 2 - width, y - height / 2, width, height)
    return boxes


def _read_line(row: list[str], at: Callable[[str, str], Point], lower: float) -> Line:
    """One edge; a mirrored label came to stand below its line and is lowered clear of it."""
    end = 4 + 2 * int(row[3])
    points = tuple(at(x, y) for x, y in zip(row[4:end:2], row[5:end:2], strict=True))
    label = row[end:-2]  # its text and its place, before the style and the colour
    if not label:
        return Line(points)
    x, y = at(label[1], label[2])
    return Line(points, (x, y + lower))


def _off_corners(
    line: Line, arrow: Arrow, boxes: dict[str, Place], direction: str, labels: list[Point]
) -> Line:
    """An arrow between two boxes side by side leaves and meets the sides that face each other.

    Where Graphviz has it end at a corner, or on another side, it is drawn straight to the middle of
    that side, unless a box is in the way.
    """
    tail, head = boxes[arrow.tail], boxes[arrow.head]
    first, last = line.points[0], line.points[-1]
    facing = _facing_sides(tail, head, direction)
    if facing is None:
        return line
    axis, start, end = facing
    start = first if _is_inside(first, start, tail, axis) else start
    end = last if _is_inside(last, end, head, axis) else end
    others = [boxes[name] for name in boxes.keys() - {arrow.tail, arrow.head}]
    if (start, end) == (first, last) or any(_between(start, end, other) for other in others):
        return line
    return Line((start, start, end, end), line.label and _beside(start, end, arrow.label, labels))


def _facing_sides(tail: Place, head: Place, direction: str) -> tuple[int, Point, Point] | None:
    """The axis along which two boxes stand apart, and the middles of the sides; None: no axis."""
    for axis in (0, 1) if direction == "LR" else (1, 0):
        if tail[axis] + tail[axis + 2] < head[axis]:
            return axis, _side(tail, axis, 1), _side(head, axis, 0)
        if head[axis] + head[axis + 2] < tail[axis]:
            return axis, _side(tail, axis, 0), _side(head, axis, 1)
    return None


def _between(start: Point, end: Point, place: Place) -> bool:
    """Whether a box stands within the rectangle between two points."""
    return all(
        min(start[axis], end[axis]) < place[axis] + place[axis + 2]
        and place[axis] < max(start[axis], end[axis])
        for axis in (0, 1)
    )


def _beside(start: Point, end: Point, label: str, others: list[Point]) -> Point:
    """The place of a label clear of the middle of a straight line: where others are farther."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    clear = min(abs(dy / (dx or 1)) * len(label) * style.CODE_WIDTH / 2, 40)
    x, y = start[0] + dx / 2, start[1] + dy / 2
    above, below = (x, y - clear - 4), (x, y + clear + 16)
    near = [min((dist(place, other) for other in others), default=99) for place in (above, below)]
    return below if near[1] > near[0] else above


def _side(place: Place, axis: int, far: int) -> Point:
    """The middle of a box's side: the near or the far one along an axis."""
    middle = [place[0] + place[2] / 2, place[1] + place[3] / 2]
    middle[axis] = place[axis] + far * place[axis + 2]
    return middle[0], middle[1]


def _is_inside(point: Point, side: Point, place: Place, axis: int) -> bool:
    """Whether a point lies on a box's side, given by its middle, and not at a corner."""
    across = 1 - axis
    room = place[across + 2] / 2 - CORNER
    return abs(point[axis] - side[axis]) < 2 and abs(point[across] - side[across]) <= room


def _shifted(diagram: Diagram, boxes: dict[str, Place], arrows: dict[ArrowKey, Line]) -> Layout:
    """Put the margin around everything, frames, labels and notes included."""
    frames = {f.id: _frame_place(f, [boxes[name] for name in f.boxes]) for f in diagram.frames}
    lefts, tops, rights, bottoms = zip(*_extents(diagram, boxes, arrows, frames), strict=True)
    dx, dy = MARGIN - min(lefts), MARGIN - min(tops)
    return Layout(
        {key: (x + dx, y + dy, w, h) for key, (x, y, w, h) in boxes.items()},
        {key: _moved(line, dx, dy) for key, line in arrows.items()},
        {key: (x + dx, y + dy, w, h) for key, (x, y, w, h) in frames.items()},
        max(rights) + dx + MARGIN,
        max(bottoms) + dy + MARGIN,
    )


def _extents(
    diagram: Diagram,
    boxes: dict[str, Place],
    arrows: dict[ArrowKey, Line],
    frames: dict[str, Place],
) -> list[tuple[float, float, float, float]]:
    found = [(x, y, x + w, y + h) for x, y, w, h in (*boxes.values(), *frames.values())]
    for (_, _, label), line in arrows.items():
        found += [(x, y, x, y) for x, y in line.points]
        if line.label:
            x, y = line.label
            half = len(label) * style.CODE_WIDTH / 2
            found.append((x - half, y - 10, x + half, y + 10))
    for box in diagram.boxes:
        x, y, w, h = boxes[box.id]
        half = max(len(box.note), 18) * style.TEXT_WIDTH / 2 if box.kind != "name" else 0
        found.append((x + w / 2 - half, y - 6, x + w / 2 + half, y + h + (20 if half else 0)))
    return found


def _moved(line: Line, dx: float, dy: float) -> Line:
    points = tuple((x + dx, y + dy) for x, y in line.points)
    return Line(points, (line.label[0] + dx, line.label[1] + dy) if line.label else None)


def _loop(place: Place) -> Line:
    """The way of a thing's reference to itself, over its upper edge; the note stands below it."""
    x, y = place[0] + 14, place[1]
    return Line(((x, y), (x - 4, y - 30), (x + 42, y - 30), (x + 38, y)), (x + 19, y - 30))


def _frame_place(frame: Frame, inside: list[Place]) -> Place:
    """Around what is inside, and wide enough for the title."""
    wide = len(frame.title) * (style.TEXT_WIDTH + 0.5) + 28
    top = min(y for _, y, *_ in inside) - FRAME_MARGIN - FRAME_TOP
    right = max(x + w for x, _, w, _ in inside) + FRAME_MARGIN
    bottom = max(y + h for _, y, _, h in inside) + FRAME_MARGIN + 8
    left = min(min(x for x, *_ in inside) - FRAME_MARGIN, right - wide)
    return left, top, right - left, bottom - top


def _straight(tail: Place, head: Place) -> Line:
    start = (tail[0] + tail[2], tail[1] + tail[3] / 2)
    end = (head[0], head[1] + head[3] / 2)
    return Line((start, start, end, end), ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
