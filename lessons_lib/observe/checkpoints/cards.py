"""Checkpoints drawn as cards: a line goes from left to right, a branch gets a row of its own.

The places are worked out here and not by Graphviz: a row is a line of work, and cards keep their
columns when others come. Of many checkpoints those nearest to the one that is looked at are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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
    lines = _named_lines(drawn, boxes)
    words = [" → ".join(line) for line in lines] + ([more] if hidden else [])
    places = _layout(drawn, boxes, arrows)
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


def _layout(drawn: Tree, boxes: dict[str, Box], arrows: Iterable[Arrow]) -> Layout:
    """Rows and columns of equal cards, and the lines between them."""
    wide = max(size(box)[0] for box in boxes.values())
    high = max(size(box)[1] for box in boxes.values())
    room = WIDE if max(map(len, drawn.children.values())) == 1 else WIDE_TREE
    cells = _cells(drawn.children, max(2, int((room + BETWEEN) / (wide + BETWEEN))))
    places = {
        id: (MARGIN + column * (wide + BETWEEN), MARGIN + row * (high + BELOW), wide, high)
        for id, (row, column) in cells.items()
    }
    lines = {(it.tail, it.head, ""): _line(places[it.tail], places[it.head]) for it in arrows}
    rows, columns = (1 + max(numbers) for numbers in zip(*cells.values(), strict=True))
    width = 2 * MARGIN + columns * (wide + BETWEEN) - BETWEEN
    return Layout(places, lines, {}, width + 6, MARGIN + rows * (high + BELOW) - 14)


def _cells(children: Mapping[str, list[str]], columns: int) -> dict[str, tuple[int, int]]:
    """The row and the column of each card: a line goes on to the right, a branch in a new row.

    Of the branches of a line the last comes first: it begins furthest to the right, so that the
    lines that lead down to the others cross no card.
    """
    cells: dict[str, tuple[int, int]] = {}
    rows = 0
    waiting: list[tuple[str, int | None, int]] = [
        (id, None, 0) for id in children.get("", [])[::-1]
    ]
    while waiting:
        id, row, column = waiting.pop()
        if row is None or column >= columns:
            row, rows = rows, rows + 1
            column = column if column < columns else 0
        cells[id] = row, column
        first, *others = children.get(id) or [""]
        waiting += [(other, None, column + 1) for other in reversed(others)]
        waiting += [(first, row, column + 1)] if first else []
    return cells


def _line(tail: Place, head: Place) -> Line:
    (x1, y1, wide, high), (x2, y2, _, _) = tail, head
    start, end = (x1 + wide, y1 + high / 2), (x2, y2 + high / 2)
    if y1 == y2:
        return _along([start, end])
    # In the gap between two columns nothing stands, in the gap between two rows only notes.
    trunk = x1 + wide + BETWEEN * 0.4
    if x2 > x1:
        return _along([start, (trunk, start[1]), (trunk, end[1]), end])
    shelf, left = y2 - 12, MARGIN - 14.0
    return _along([start, (trunk, start[1]), (trunk, shelf), (left, shelf), (left, end[1]), end])


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
    begins = [(drawn.parents[line[0]], line) for line in drawn.lines]
    lines = [[parent, *line] if parent else line for parent, line in begins]
    return [[_name(boxes[id]) for id in line] for line in lines]


def _name(box: Box) -> str:
    note = f" ({box.note})" if box.note else ""
    return " ".join((box.title, *box.lines)) + note


def _alt(lines: list[list[str]]) -> str:
    first, *branches = [", then ".join(line) for line in lines]
    told = "".join(f" A branch: {words}." for words in branches)
    return shorten(f"Cards of checkpoints, each leading to the next: {first}.{told}", 1500)
