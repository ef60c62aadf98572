"""Checkpoints drawn as cards: a line goes from left to right, a branch gets a row of its own.

The places are worked out here and not by Graphviz: a row is a line of work, and cards keep their
columns when others come. Of many checkpoints those nearest to the one that is looked at are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..pictures.diagram import MAX_BOXES, Arrow, Box, Diagram, size
from ..pictures.drawing import Picture, draw
from ..pictures.layout import MARGIN, Layout, Line, Place, Point
from ..pictures.style import shorten
from .tree import Tree

WIDE, WIDE_TREE = 1000, 1900
"""Pixels after which a line goes on in the next row; later in a tree, where rows are branches."""
BETWEEN, BELOW = 40, 52
"""Pixels between two cards, and between two rows; a card's note stands between the rows."""

Describe = Callable[[str], Box]


def draw_tree(tree: Tree, describe: Describe, focus: str, most: int = MAX_BOXES) -> Picture:
    """Draw a tree of checkpoints around one of them; `describe` makes the card of an id."""
    drawn = Tree(nearest(tree, focus, most))
    boxes = {id: describe(id) for id in drawn.parents}
    arrows = tuple(Arrow(parent, id) for id, parent in drawn.parents.items() if parent)
    hidden = len(tree.parents) - len(boxes)
    more = f"… and {hidden} more checkpoint{'' if hidden == 1 else 's'}, not drawn"
    diagram = Diagram(tuple(boxes.values()), arrows, left_out=more if hidden else "")
    places = _Grid(drawn, boxes).layout(arrows)
    lines = _named_lines(drawn, boxes)
    words = [" → ".join(line) for line in lines] + ([more] if hidden else [])
    return draw(diagram, _alt(lines), "\n".join(words), places, see=focus)


def nearest(tree: Tree, focus: str, most: int) -> dict[str, str]:
    """The checkpoints nearest to one, oldest first, each with the one that it comes after, if any.

    >>> nearest(Tree({"1": "", "2": "1", "3": "2", "4": "3"}), "3", 3)
    {'2': '', '3': '2', '4': '3'}
    """
    near = [focus]
    for id in near:  # grows while it is read: the neighbours, then theirs
        around = [tree.parents[id], *tree.children[id]]
        near += [other for other in around if other in tree.parents and other not in near]
        if len(near) >= most:
            break
    if len(near) < most:  # a line that begins with one that was not read
        near += [id for id in reversed(tree.parents) if id not in near]
    chosen = sorted(near[: max(1, most)])  # ids grow with time
    return {id: tree.parents[id] if tree.parents[id] in chosen else "" for id in chosen}


# -- where it stands -----------------------------------------------------------------------------


class _Grid:
    """Rows and columns: a line goes on to the right, a branch begins in the next free row."""

    def __init__(self, drawn: Tree, boxes: dict[str, Box]) -> None:
        self.children = drawn.children
        self.wide = max(size(box)[0] for box in boxes.values())
        self.high = max(size(box)[1] for box in boxes.values())
        room = WIDE if max(map(len, self.children.values())) == 1 else WIDE_TREE
        self.columns = max(2, int((room + BETWEEN) / (self.wide + BETWEEN)))
        self.cells: dict[str, tuple[int, int]] = {}
        self.rows = 0
        self._fill()

    def _fill(self) -> None:
        waiting = [(root, 0) for root in reversed(self.children.get("", []))]
        while waiting:
            id, column = waiting.pop()
            row, self.rows = self.rows, self.rows + 1
            column = column if column < self.columns else 0
            while True:
                if column >= self.columns:
                    row, column, self.rows = self.rows, 0, self.rows + 1
                self.cells[id] = row, column
                first, *others = self.children.get(id) or [""]
                waiting += [(other, column + 1) for other in reversed(others)]
                if not first:
                    break
                id, column = first, column + 1

    def place(self, id: str) -> Place:
        row, column = self.cells[id]
        x, y = MARGIN + column * (self.wide + BETWEEN), MARGIN + row * (self.high + BELOW)
        return x, y, self.wide, self.high

    def layout(self, arrows: Iterable[Arrow]) -> Layout:
        places = {id: self.place(id) for id in self.cells}
        lines = {
            (arrow.tail, arrow.head, ""): self._line(arrow.tail, arrow.head) for arrow in arrows
        }
        used = 1 + max(column for _, column in self.cells.values())
        width = 2 * MARGIN + used * (self.wide + BETWEEN) - BETWEEN
        return Layout(places, lines, {}, width + 6, MARGIN + self.rows * (self.high + BELOW) - 14)

    def _line(self, tail: str, head: str) -> Line:
        x1, y1, w1, h1 = self.place(tail)
        x2, y2, _, h2 = self.place(head)
        start, end = (x1 + w1, y1 + h1 / 2), (x2, y2 + h2 / 2)
        (row1, column1), (row2, column2) = self.cells[tail], self.cells[head]
        if row1 == row2:
            return _along([start, end])
        # In the gap between two columns nothing stands, in the gap between two rows only notes.
        trunk = MARGIN + column1 * (self.wide + BETWEEN) + self.wide + BETWEEN * 0.4
        if column2 > column1:
            return _along([start, (trunk, start[1]), (trunk, end[1]), end])
        shelf = MARGIN + row2 * (self.high + BELOW) - 12
        left = MARGIN - 14.0
        return _along(
            [start, (trunk, start[1]), (trunk, shelf), (left, shelf), (left, end[1]), end]
        )


def _along(corners: list[Point]) -> Line:
    """A course of straight stretches with rounded corners."""
    points = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        into, out = _towards(corner, before), _towards(corner, after)
        points += [points[-1], into, into, corner, corner, out]
    return Line((*points, points[-1], corners[-1], corners[-1]))


def _towards(corner: Point, other: Point, radius: float = 9) -> Point:
    """A point near a corner, on the way to another."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    far = max(abs(dx), abs(dy)) or 1.0
    reach = min(radius, far / 2)
    return corner[0] + dx / far * reach, corner[1] + dy / far * reach


# -- words ---------------------------------------------------------------------------------------


def _named_lines(drawn: Tree, boxes: dict[str, Box]) -> list[list[str]]:
    """What is drawn, line by line; each begins with the card that it branches off, if any."""
    lines = []
    for line in drawn.lines:
        parent = drawn.parents[line[0]]
        ids = [parent, *line] if parent else line
        lines.append([_name(boxes[id]) for id in ids])
    return lines


def _name(box: Box) -> str:
    note = f" ({box.note})" if box.note else ""
    return " ".join((box.title, *box.lines)) + note


def _alt(lines: list[list[str]]) -> str:
    first, *branches = [", then ".join(line) for line in lines]
    told = "".join(f" A branch: {words}." for words in branches)
    return shorten(f"Cards of checkpoints, each leading to the next: {first}.{told}", 1500)
