"""A picture of a shift: what worker processes did for one conversation, and what was saved.

As the crash lab's picture, with a frame for each process and time running down, and between them
the database that both of them know.
"""

from __future__ import annotations

from collections.abc import Sequence

from lessons_lib.crash_lab.report import STATES, Column, side_by_side
from lessons_lib.observe.pictures.diagram import Arrow, Box, Diagram, Frame
from lessons_lib.observe.pictures.drawing import Picture, draw

_GAP = 64  # room for the arrows to the database and back

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
    again = after.index(last) if last in after else 0
    down = max(0, len(before) - 1 - again)  # the step that died stands in the same row twice
    database = Box("database", "Postgres", "cylinder", tuple(saved))
    fates = ["redone" if step == last else "kept" for step in before]
    later = ["again" if step == last else "" for step in after]
    columns: tuple[Column, ...] = (
        _worker("a worker: killed", before, fates, 0),
        (None, 0, [(database, 0)]),
        _worker("another worker", after, later, down),
    )
    boxes = tuple(box for _, _, column in columns for box, _ in column)
    arrows = [Arrow(box.id, "database") for box in boxes if box.note == "kept"]
    arrows.append(
        Arrow("database", boxes[len(before) + 1 + again].id)
    )  # the database stands between
    frames = tuple(frame for frame, _, _ in columns if frame)
    diagram = Diagram(boxes, tuple(arrows), frames, "LR")
    said = {"the killed worker": before, "another worker": after, "in the database": saved}
    text = "\n".join(f"{who:<20}{' · '.join(steps)}" for who, steps in said.items())
    return draw(diagram, _alt(before, after, saved), text, side_by_side(columns, _GAP))


def _worker(title: str, steps: Sequence[str], fates: Sequence[str], down: int) -> Column:
    """A worker's frame, and its steps with their fates, from the row `down` on."""
    column = [
        (Box(f"{title} {row}", step, state=STATES.get(fate, "plain"), note=fate), row)
        for row, (step, fate) in enumerate(zip(steps, fates, strict=True), down)
    ]
    ids = tuple(box.id for box, _ in column)
    return Frame(title, title, ids, broken="redone" in fates), down, column


def _alt(before: Sequence[str], after: Sequence[str], saved: Sequence[str]) -> str:
    did, went_on, stored = map(", ".join, (before, after, saved))
    return (
        f"A broken frame: the killed worker did {did}. What is kept of it stands in a cylinder, "
        f"the database. A whole frame: another worker did {went_on}, and so {before[-1]} again. In "
        f"the database, in the end: {stored}."
    )
