"""A table that reads on a page, in the dark theme, on a narrow screen and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from . import style

_CELL = f"padding:5px 14px 5px 0;border-bottom:1px solid {style.LINE};vertical-align:top"
_CAPTION = f"text-align:left;font-weight:600;padding:0 0 6px;color:{style.INK};caption-side:top"


@dataclass(frozen=True)
class Table:
    """Rows under named columns, with a caption and notes below; cells are shown with str().

    Columns of numbers are set right. A row of another length than the columns raises ValueError.

    >>> print(Table(("mode", "redone"), (("sync", 1), ("exit", 4)), caption="Steps done again"))
    Steps done again
    mode  redone
    ----  ------
    sync       1
    exit       4
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))  # an iterator could be read once only
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"the row {tuple(row)!r} has {len(row)} cells, expected {len(self.columns)}: "
                    f"one for each of the columns {', '.join(self.columns)}"
                )

    def __str__(self) -> str:
        head, *body = [list(map(str, row)) for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        ruled = [head, ["-" * width for width in widths], *body]
        lines = [self._line(row, widths) for row in ruled]
        return "\n".join([*([self.caption] if self.caption else []), *lines, *self.notes])

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(
            cell.rjust(width) if self._is_number(i) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    def _is_number(self, column: int) -> bool:
        return bool(self.rows) and all(
            isinstance(row[column], (int, float)) and not isinstance(row[column], bool)
            for row in self.rows
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": str(self)}

    def _repr_html_(self) -> str:
        head = self._row("th", self.columns)
        body = "".join(self._row("td", row) for row in self.rows)
        caption = f'<caption style="{_CAPTION}">{escape(self.caption)}</caption>'
        notes = "".join(
            f'<div style="font-size:13px;color:{style.GREY};text-align:left">{escape(note)}</div>'
            for note in self.notes
        )
        table = (
            f'<table style="border-collapse:collapse;margin:0;color:{style.INK};font-size:14px">'
            f"{caption if self.caption else ''}<thead>{head}</thead>"
            f"<tbody>{body}</tbody></table>"
        )
        return style.card(
            table + notes,
            "overflow-x:auto;display:inline-block;max-width:100%;box-sizing:border-box",
        )

    def _row(self, tag: str, cells: Sequence[object]) -> str:
        return f"<tr>{''.join(self._cell(tag, i, cell) for i, cell in enumerate(cells))}</tr>"

    def _cell(self, tag: str, column: int, value: object) -> str:
        side = "right" if self._is_number(column) else "left"
        look = f"{_CELL};text-align:{side};color:{style.INK};background:{style.PAPER}"
        if value == "":  # a heading without words says nothing to those who hear the table
            tag = "td"
        scope = ' scope="col"' if tag == "th" else ""
        return f'<{tag}{scope} style="{look}">{escape(str(value))}</{tag}>'
