"""What the crash lab reports: the lives of a program, and what became of its moments.

In words, and as a picture: a frame for each process, the same moments side by side.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lessons_lib.observe.holding.links import attributes
from lessons_lib.observe.pictures import style
from lessons_lib.observe.pictures.diagram import Box, Diagram, Frame, State, size
from lessons_lib.observe.pictures.drawing import Picture, draw
from lessons_lib.observe.pictures.layout import Layout, Place


@dataclass(frozen=True)
class Life:
    """One run of a function in a process of its own.

    `passed` are its moments in time order. Moments of threads that ran side by side have no order
    of their own: they stand in the order in which they were asked for or an earlier life passed
    them. `value` is what the function returned, `error` one sentence on what went wrong (or empty),
    `output` what it printed. `who` is empty, or which workers of a pool it tells of.
    """

    passed: tuple[str, ...]
    ended: str
    value: object = None
    error: str = ""
    output: str = ""
    who: str = ""


@dataclass(frozen=True)
class Crash:
    """The lives of a program that was killed, and what became of the moments of the earlier ones.

    Compared by name with what later lives passed and what the last one returned:

    - *redone*: passed by the life that was killed, and again
    - *kept*: not passed again, and named in what was returned (`'step 1'`, `'step 1 done'`)
    - *lost*: not passed again, and left out of a result that lists moments by name; or there is no
      result, since the last life raised an error or ended by itself
    - *not redone*: not passed again; what was returned lists no moments, so it does not tell
    """

    lives: tuple[Life, ...]

    @property
    def value(self) -> object:
        """What the last life returned."""
        return self.lives[-1].value

    @property
    def error(self) -> str:
        """One sentence on what went wrong in any of the lives, or an empty text."""
        return "; ".join(life.error for life in self.lives if life.error)

    @property
    def redone(self) -> tuple[str, ...]:
        """The moments of earlier lives that were passed again."""
        return self.fates().get("redone", ())

    @property
    def kept(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, that the last life's value names."""
        return self.fates().get("kept", ())

    @property
    def lost(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, that are missing in what came back."""
        return self.fates().get("lost", ())

    @property
    def not_redone(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, of which what came back tells nothing."""
        return self.fates().get("not redone", ())

    def fates(self) -> dict[str, tuple[str, ...]]:
        """The moments of the earlier lives by their fate; none when no moment was passed before.

        That nothing was kept or lost is said only where no moment is left untold.
        """
        names = list(dict.fromkeys(name for life in self.lives[:-1] for name in life.passed))
        first, *later = self.lives
        redone = set(first.passed).intersection(*[[n for life in later for n in life.passed]])
        every = {name for life in self.lives for name in life.passed}
        texts = list(_texts_in(self.value))
        failed = self.lives[-1].ended.startswith(("raised", "ended by itself"))
        certain = failed or any(name in texts for name in names)
        fates: dict[str, list[str]] = {"redone": [], "kept": [], "lost": [], "not redone": []}
        for name in names:
            if name in redone or name in self.lives[-1].passed:
                fates["redone"].append(name)
            elif name in texts or any(_names(text, name) for text in texts if text not in every):
                fates["kept"].append(name)
            else:
                fates["lost" if certain else "not redone"].append(name)
        told = ("redone",) if fates["not redone"] else ("redone", "kept", "lost")
        return {fate: tuple(of) for fate, of in fates.items() if names and (of or fate in told)}

    def __str__(self) -> str:
        rows = [
            (named(number, life), counted(life.passed), ending(life))
            for number, life in enumerate(self.lives, 1)
        ]
        width = max(len(passed) for _, passed, _ in rows)
        fates = self.fates()
        label = max(len(word) for word in ("redone", *fates, *(who for who, _, _ in rows))) + 4
        lines = [f"{life:<{label}}{passed:<{width}}    {end}" for life, passed, end in rows]
        lines += [f"{word:<{label}}{counted(names)}" for word, names in fates.items()]
        if self.error:
            lines.append(f"{'but':<{label}}{self.error}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        words = [f"<b>{fate}</b> {escape(_listed(names))}" for fate, names in self.fates().items()]
        said = [" &ensp; ".join(words)] if words else []
        said += [f"<b>but</b> {escape(self.error)}"] if self.error else []
        lines = "".join(f'<div style="margin-top:4px">{line}</div>' for line in said)
        return {"text/html": picture(self).html() + lines, "text/plain": str(self)}


def _texts_in(value: object) -> Iterator[str]:
    """Yield every text in nested lists, tuples, sets, mappings, and attributes of instances.

    A key tells of nothing where its value is a no: False, 0 or None.
    """
    met: dict[int, object] = {}
    ahead = [value]
    while ahead:
        thing = ahead.pop()
        if isinstance(thing, str):
            yield thing
        elif id(thing) not in met:
            met[id(thing)] = thing
            if isinstance(thing, Mapping):
                ahead += thing.values()
                ahead += [key for key, value in thing.items() if not _is_no(value)]
            elif isinstance(thing, (list, tuple, set, frozenset)):
                ahead += thing
            else:
                ahead += [part for _, part in attributes(thing)]


def _is_no(value: object) -> bool:
    return value is None or (type(value) in (bool, int) and not value)


def _names(text: str, name: str) -> bool:
    """Whether a text has a moment's name in it, as words of its own.

    >>> _names("step 1 done", "step 1"), _names("step 12", "step 1")
    (True, False)
    """
    return name in text and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def counted(names: Sequence[str]) -> str:
    """Join names, a repeated one once with how often.

    >>> counted(["ticket", "ticket", "mail"])
    'ticket ×2 · mail'
    """
    counts = Counter(names)
    texts = (name if times == 1 else f"{name} ×{times}" for name, times in counts.items())
    return " · ".join(texts) or "nothing"


def named(number: int, life: Life) -> str:
    """What a life is called: by its number, or by whose it was."""
    return life.who or f"life {number}"


def ending(life: Life) -> str:
    """How a life ended, with the value where it is short.

    >>> ending(Life((), "returned", 3))
    'returned 3'
    """
    value = style.said_of(life.value)
    short = life.ended == "returned" and life.value is not None and len(value) <= 40
    return f"{life.ended} {value}" if short else life.ended


# -- the picture -----------------------------------------------------------------------------------

MAX_ROWS = 12
"""More moments than this are not drawn but counted."""
_MARGIN, _PAD, _TITLE, _ROW, _GAP = 14, 12, 34, 64, 16

STATES: dict[str, State] = {"kept": "kept", "redone": "lost", "again": "lost", "lost": "lost"}
"""How a box is drawn; one whose fate is not told is plain."""


def picture(report: Crash) -> Picture:
    """Draw the lives from left to right, time running down, each earlier moment with its fate."""
    shown, hidden = _around_the_end(_rows(report))
    frames: list[Frame] = []
    columns: list[Column] = []
    for number, (life, rows) in enumerate(zip(report.lives, shown, strict=True), 1):
        column = _column(number, rows, report)
        ids = tuple(box.id for box, _ in column)
        broken = life.ended.startswith(("killed", "ended by itself")) or "then died" in life.ended
        frames.append(Frame(f"life {number}", _title(number, life), ids, broken))
        columns.append((frames[-1], 0, column))
    boxes = tuple(box for _, _, column in columns for box, _ in column)
    left_out = f"… and {hidden} more moments, not drawn" if hidden else ""
    diagram = Diagram(boxes, (), tuple(frames), "TB", left_out)
    return draw(diagram, _alt(report), str(report), side_by_side(columns), see=boxes[-1].id)


Column = tuple[Frame | None, int, Sequence[tuple[Box, int]]]
"""The frame around a column, the row at which it begins, and the boxes with their rows."""


def side_by_side(columns: Sequence[Column], gap: float = _GAP) -> Layout:
    """Time running down: a frame is as wide as its widest box, and as long as a process lived."""
    boxes: dict[str, Place] = {}
    frames: dict[str, Place] = {}
    left, bottom = float(_MARGIN), 0.0
    for frame, first, column in columns:
        title = len(frame.title) * style.TEXT_WIDTH if frame else 0
        inner = max(title, *(size(box)[0] for box, _ in column))
        for box, row in column:
            width, height = size(box)
            middle = left + _PAD + (inner - width) / 2
            boxes[box.id] = (middle, _MARGIN + _TITLE + row * _ROW, width, height)
        top = float(_MARGIN + first * _ROW)
        tall = _TITLE + (max(row for _, row in column) + 1 - first) * _ROW + 8
        if frame:
            frames[frame.id] = (left, top, inner + 2 * _PAD, tall)
        left, bottom = left + inner + 2 * _PAD + gap, max(bottom, top + tall)
    return Layout(boxes, {}, frames, left - gap + _MARGIN, bottom + _MARGIN)


def _rows(report: Crash) -> list[dict[str, int]]:
    """The row of each moment in each life: the same for the same moment, where time allows it."""
    lives = [list(dict.fromkeys(life.passed)) for life in report.lives]
    every = list(dict.fromkeys(name for names in lives for name in names))
    rows = []
    for names in lives:
        same = [every.index(name) for name in names]
        own = list(range(len(names)))
        rows.append(dict(zip(names, same if same == sorted(same) else own, strict=True)))
    return rows


def _around_the_end(rows: list[dict[str, int]]) -> tuple[list[dict[str, int]], int]:
    """Of too many rows those around the end of the first life; and how many are left out."""
    total = max((row for life in rows for row in life.values()), default=0) + 1
    end = max(rows[0].values(), default=0)
    start = max(0, min(end - MAX_ROWS // 2, total - MAX_ROWS))
    kept = [
        {name: row - start for name, row in life.items() if 0 <= row - start < MAX_ROWS}
        for life in rows
    ]
    return kept, max(0, total - MAX_ROWS)


def _column(number: int, rows: dict[str, int], report: Crash) -> list[tuple[Box, int]]:
    """The boxes of one life with their rows; a life with none to show says so."""
    life = report.lives[number - 1]
    boxes = []
    for name, row in rows.items():
        fate = next((fate for fate, names in report.fates().items() if name in names), "")
        if number > 1 and fate == "redone":
            fate = "again"
        elif number == len(report.lives):
            fate = ""
        title = counted([name] * life.passed.count(name))
        state = STATES.get(fate, "plain")
        boxes.append((Box(f"{number} {name}", title, state=state, note=fate), row))
    if boxes:
        return boxes
    nothing = "no moment passed" if life.value is None else _value(life)
    return [(Box(f"{number}", "…" if life.passed else nothing, "note"), 0)]


def _value(life: Life) -> str:
    return style.shorten(style.said_of(life.value), 40)


def _title(number: int, life: Life) -> str:
    """How a life ended, up to the first word that tells more."""
    return f"{named(number, life)}: {re.split(':| at | because | after |,', life.ended)[0]}"


def _alt(report: Crash) -> str:
    said = []
    for number, life in enumerate(report.lives, 1):
        who = named(number, life)
        passed = f"{who[0].upper()}{who[1:]} passed {_listed(life.passed)}"
        said.append(f"{passed}; how it ended: {life.ended}.")
        if not life.passed and life.value is not None:  # drawn in the place of moments
            said.append(f"It returned {_value(life)}.")
    fates = [f"{fate}: {_listed(names)}" for fate, names in report.fates().items()]
    return " ".join([*said, f"{'; '.join(fates)}."] if fates else said)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
