"""A picture of a shift: what worker processes did for one conversation, and what was saved.

As the crash lab's picture, with a frame for each process and time running down, and between them
the database that both of them know.
"""

from __future__ import annotations

from collections.abc import Sequence

from lessons_lib.observe.pictures.diagram import Arrow, Box, Diagram, Frame, State, size
from lessons_lib.observe.pictures.drawing import Picture, draw
from lessons_lib.observe.pictures.layout import Layout, Place

_MARGIN, _PAD, _TITLE, _ROW, _GAP = 14, 12, 34, 64, 64

Note = tuple[int, str]
"""Who did a step, as a process id, and the step."""


def shift(notes: Sequence[Note], killed: int, saved: Sequence[str]) -> Picture:
    """Draw the steps of a killed worker and of the one after it, and what the database has.

    - `notes`: what was done, in order, as a diary outside the conversation has it
    - `killed`: the process id of the worker that was killed
    - `saved`: the steps in the conversation's newest checkpoint
    """
    before = [step for worker, step in notes if worker == killed]
    after = [step for worker, step in notes if worker != killed]
    if not before or not after:
        raise ValueError(
            f"killed={killed!r}, expected a worker that did some of the steps, and another that "
            "did the others"
        )
    last = before[-1]
    left = [_box(f"a{n}", one, "redone" if one == last else "kept") for n, one in enumerate(before)]
    right = [_box(f"b{n}", one, "again" if one == last else "") for n, one in enumerate(after)]
    database = Box("database", "Postgres", "cylinder", tuple(saved))
    first = after.index(last) if last in after else 0
    arrows = [Arrow(box.id, "database") for box in left if box.note == "kept"]
    arrows.append(Arrow("database", right[first].id))
    frames = (
        Frame("a", "a worker: killed", tuple(box.id for box in left), broken=True),
        Frame("b", "another worker", tuple(box.id for box in right)),
    )
    diagram = Diagram((*left, database, *right), tuple(arrows), frames, "LR")
    # the step that died stands in the same row twice
    down = max(0, len(before) - 1 - first)
    layout = _lay_out(left, database, right, down)
    said = {"the killed worker": before, "another worker": after, "in the database": saved}
    text = "\n".join(f"{who:<20}{' · '.join(steps)}" for who, steps in said.items())
    return draw(diagram, _alt(before, after, saved), text, layout)


_STATES: dict[str, State] = {"kept": "kept", "redone": "lost", "again": "lost"}


def _box(name: str, step: str, fate: str) -> Box:
    return Box(name, step, state=_STATES.get(fate, "plain"), note=fate)


def _lay_out(left: list[Box], database: Box, right: list[Box], down: int) -> Layout:
    """Three columns: the killed worker, the database, the other one, which begins further down."""
    places: dict[str, Place] = {}
    frames: dict[str, Place] = {}
    x = float(_MARGIN)
    rows = max(len(left), down + len(right))
    for name, column, first in (("a", left, 0), ("", [database], 0), ("b", right, down)):
        inner = max(size(box)[0] for box in column)
        top = _MARGIN + _TITLE + first * _ROW
        for row, box in enumerate(column):
            width, height = size(box)
            places[box.id] = (x + _PAD + (inner - width) / 2, top + row * _ROW, width, height)
        if name:
            tall = _TITLE + len(column) * _ROW + 8
            frames[name] = (x, top - _TITLE, inner + 2 * _PAD, tall)
        x += inner + 2 * _PAD + _GAP
    height = 2 * _MARGIN + _TITLE + rows * _ROW + 8
    return Layout(places, {}, frames, x - _GAP + _MARGIN, height)


def _alt(before: Sequence[str], after: Sequence[str], saved: Sequence[str]) -> str:
    did, went_on, stored = map(", ".join, (before, after, saved))
    return (
        f"A broken frame: the killed worker did {did}. What is kept of it stands in a cylinder, "
        f"the database. A whole frame: another worker did {went_on}, and so {before[-1]} again. In "
        f"the database, in the end: {stored}."
    )
