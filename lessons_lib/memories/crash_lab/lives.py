"""The picture of a crash: one process frame for each life, the same moments side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import TYPE_CHECKING

from lessons_lib.observe.pictures import style
from lessons_lib.observe.pictures.diagram import Box, Diagram, Frame, State, size
from lessons_lib.observe.pictures.drawing import Layout, Picture, draw
from lessons_lib.observe.pictures.layout import Place

if TYPE_CHECKING:
    from lessons_lib.memories.crash_lab.report import Crash, Life

MAX_ROWS = 12
"""More moments than this are not drawn but counted."""
_MARGIN, _PAD, _TITLE, _ROW, _GAP = 14, 12, 34, 64, 16

_STATE: dict[str, State] = {
    "": "plain",
    "kept": "kept",
    "redone": "lost",
    "again": "lost",
    "lost": "lost",
}


def picture(report: Crash) -> Picture:
    """Draw the lives from left to right, time running down, each earlier moment with its fate."""
    rows = _rows([list(dict.fromkeys(life.passed)) for life in report.lives])
    shown, hidden = _around_the_end(rows)
    columns = [
        _column(number, life, lines, report)
        for number, (life, lines) in enumerate(zip(report.lives, shown, strict=True), 1)
    ]
    frames = tuple(
        Frame(f"life {n}", _title(n, life), tuple(box.id for box, _ in column), _broken(life))
        for n, (life, column) in enumerate(zip(report.lives, columns, strict=True), 1)
    )
    boxes = tuple(box for column in columns for box, _ in column)
    left_out = f"… and {hidden} more moments, not drawn" if hidden else ""
    diagram = Diagram(boxes, (), frames, "TB", left_out)
    return draw(diagram, _alt(report), str(report), _layout(frames, columns))


def html(report: Crash) -> str:
    """The picture, and below it the same in words."""
    words = [f"<b>{fate}</b> {_listed(names)}" for fate, names in report.fates().items()]
    said = [" &ensp; ".join(words)] if words else []
    said += [f"<b>but</b> {escape(report.error)}"] if report.error else []
    lines = "".join(f'<div style="margin-top:4px">{line}</div>' for line in said)
    return picture(report).html() + lines


def _listed(names: Sequence[str]) -> str:
    return escape(", ".join(names) or "nothing")


def _rows(lives: list[list[str]]) -> list[dict[str, int]]:
    """The row of each moment in each life: the same for the same moment, where time allows it."""
    first = {name: row for row, name in enumerate(dict.fromkeys(chain(*lives)))}
    return [
        {name: first[name] for name in names}
        if [first[name] for name in names] == sorted(first[name] for name in names)
        else {name: row for row, name in enumerate(names)}
        for names in lives
    ]


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


def _column(number: int, life: Life, rows: dict[str, int], report: Crash) -> list[tuple[Box, int]]:
    """The boxes of one life with their rows; a life with none to show says so."""
    boxes = [
        (_box(f"{number} {name}", name, life.passed.count(name), _fate(name, number, report)), row)
        for name, row in rows.items()
    ]
    return boxes or [(Box(f"{number}", _instead_of_moments(life), "note"), 0)]


def _instead_of_moments(life: Life) -> str:
    if life.passed:
        return "…"
    return "no moment passed" if life.value is None else _value(life)


def _value(life: Life) -> str:
    return style.shorten(style.said_of(life.value), 40)


def _fate(name: str, number: int, report: Crash) -> str:
    """What a box says of its moment: its fate in an earlier life, "again" in the last."""
    if len(report.lives) == 1:
        return ""
    if number == len(report.lives):
        return "again" if name in report.redone else ""
    return next(fate for fate, names in report.fates().items() if name in names)


def _box(key: str, name: str, times: int, fate: str) -> Box:
    title = name if times == 1 else f"{name} ×{times}"
    return Box(key, title, state=_STATE[fate], note=fate)


def _broken(life: Life) -> bool:
    return life.ended.startswith(("killed", "ended by itself")) or "then died" in life.ended


def _title(number: int, life: Life) -> str:
    word = life.ended.partition(":")[0].partition(" at ")[0].partition(" because ")[0]
    word = word.partition(" after ")[0].partition(",")[0]
    return f"life {number}: {word}"


def _layout(frames: Sequence[Frame], columns: list[list[tuple[Box, int]]]) -> Layout:
    """Frames beside each other, each as wide as its widest box and as long as it lived."""
    boxes: dict[str, Place] = {}
    places: dict[str, Place] = {}
    left = float(_MARGIN)
    for frame, column in zip(frames, columns, strict=True):
        widths = [size(box)[0] for box, _ in column]
        inner = max([*widths, len(frame.title) * style.TEXT_WIDTH])
        for box, row in column:
            width, height = size(box)
            middle = left + _PAD + (inner - width) / 2
            boxes[box.id] = (middle, _MARGIN + _TITLE + row * _ROW, width, height)
        tall = _TITLE + (max(row for _, row in column) + 1) * _ROW + 8
        places[frame.id] = (left, float(_MARGIN), inner + 2 * _PAD, tall)
        left += inner + 2 * _PAD + _GAP
    tallest = max(tall for *_, tall in places.values())
    return Layout(boxes, {}, places, left - _GAP + _MARGIN, tallest + 2 * _MARGIN)


def _alt(report: Crash) -> str:
    lives = [
        f"Life {number} passed {_spoken(life.passed)} and was ended so: {life.ended}."
        + _returned(life)
        for number, life in enumerate(report.lives, 1)
    ]
    fates = [f"{fate}: {_spoken(names)}" for fate, names in report.fates().items()]
    return " ".join(lives) + (f" {'; '.join(fates)}." if fates else "")


def _returned(life: Life) -> str:
    """What a life without moments brought back, which the picture draws in their place."""
    if life.passed or life.value is None:
        return ""
    return f" It returned {_value(life)}."


def _spoken(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
