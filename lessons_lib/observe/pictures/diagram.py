"""What a picture says, before it has any place on paper: boxes, arrows and frames.

A box has a kind (its shape: what it stands for) and a state (what became of it). The same kinds
and states are used in all lessons; `shapes.py` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from . import style

Kind = Literal["name", "object", "pill", "checkpoint", "item", "cylinder", "note"]
State = Literal["plain", "kept", "lost", "garbage", "died"]

MAX_BOXES = 30
"""More than this many boxes are not drawn but counted: nobody reads them."""
MAX_ARROWS = 60
"""More arrows than this are neither readable nor quick to lay out."""


@dataclass(frozen=True)
class Box:
    """A thing in a picture; `badge` counts the references drawn to it, `note` stands below it.

    >>> Box("a", "Upload", lines=("cv.pdf",), badge="2").kind
    'object'
    """

    id: str
    title: str
    kind: Kind = "object"
    lines: tuple[str, ...] = ()
    badge: str = ""
    state: State = "plain"
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    """A reference: solid; dashed when it is weak; dotted when it is held unseen."""

    tail: str
    head: str
    label: str = ""
    style: Literal["solid", "dashed", "dotted"] = "solid"
    state: Literal["plain", "kept"] = "plain"


@dataclass(frozen=True)
class Frame:
    """A process (or a running function) around what lives in it; a killed one is broken."""

    id: str
    title: str
    boxes: tuple[str, ...]
    broken: bool = False


@dataclass(frozen=True)
class Diagram:
    """Boxes, the arrows between them and the frames around them, to be laid out and drawn.

    `direction` is the way the arrows run: "LR" (left to right) or "TB" (top to bottom).
    An arrow or a frame that names a box that is not there raises ValueError.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    frames: tuple[Frame, ...] = ()
    direction: Literal["LR", "TB"] = "LR"
    left_out: str = ""
    """A sentence on what was not drawn; shown below the picture."""

    def __post_init__(self) -> None:
        known = {box.id for box in self.boxes}
        ends = [end for arrow in self.arrows for end in (arrow.tail, arrow.head)]
        framed = [name for frame in self.frames for name in frame.boxes]
        for name in ends + framed:
            if name not in known:
                raise ValueError(
                    f"an arrow or a frame names the box {name!r}, but no box has that id: "
                    f"add Box({name!r}, …) or mend the name"
                )


def bounded(diagram: Diagram) -> Diagram:
    """The same diagram with at most `MAX_BOXES` boxes and `MAX_ARROWS` arrows, saying so.

    >>> many = Diagram(tuple(Box(str(n), "Node") for n in range(42)))
    >>> bounded(many).left_out
    '… and 12 more boxes, not drawn'
    """
    part = among(diagram, diagram.boxes[:MAX_BOXES])
    more = left_out(len(diagram.boxes) - len(part.boxes), len(part.arrows) - MAX_ARROWS)
    said = "; ".join(filter(None, (diagram.left_out, more)))
    return replace(part, arrows=part.arrows[:MAX_ARROWS], left_out=said)


def among(diagram: Diagram, boxes: Iterable[Box]) -> Diagram:
    """The part of a diagram that lies among some of its boxes."""
    chosen = tuple(boxes)
    ids = {box.id for box in chosen}
    frames = [replace(f, boxes=tuple(b for b in f.boxes if b in ids)) for f in diagram.frames]
    arrows = tuple(a for a in diagram.arrows if a.tail in ids and a.head in ids)
    return replace(diagram, boxes=chosen, arrows=arrows, frames=tuple(f for f in frames if f.boxes))


def left_out(boxes: int, arrows: int) -> str:
    """The sentence on what was not drawn; empty when everything was.

    >>> left_out(1, 0), left_out(0, 5)
    ('… and 1 more box, not drawn', '… and 5 more arrows, not drawn')
    """
    parts = [
        f"{count} more {word}{'' if count == 1 else plural}"
        for count, word, plural in ((boxes, "box", "es"), (arrows, "arrow", "s"))
        if count > 0
    ]
    return f"… and {' and '.join(parts)}, not drawn" if parts else ""


def size(box: Box) -> tuple[float, float]:
    """Width and height of a box in pixels, from its text alone."""
    texts = [box.title, *box.lines]
    if box.kind == "name":  # its value stands beside it
        texts = [" = ".join(texts)]
    widest = max(len(text) for text in texts) * style.CODE_WIDTH
    wide, high, least = _ROOM[box.kind]
    return max(widest + wide, least), high + 20.0 * len(texts)


_ROOM = {
    "name": (20, 10, 0),
    "object": (30, 18, 84),
    "pill": (34, 14, 0),
    "checkpoint": (30, 25, 110),
    "item": (50, 18, 100),
    "cylinder": (30, 40, 90),
    "note": (8, 8, 0),
}
"""For each kind: pixels beside its text, pixels above and below it, least width."""
