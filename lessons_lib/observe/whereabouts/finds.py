"""What a search found: each place in a row, with what holds the fact there and what erases it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from ..pictures import style
from ..pictures.table import Table

Words = tuple[str, str, str, str]
"""A copy in words: its kind, what has it, what holds it there, what erases it."""


@dataclass(frozen=True, slots=True)
class Find:
    """One place in which the fact lives.

    Attributes:
        place: Where it is: `this process`, the class of a saver or a store, the name of a file.
        kind: What sort of thing has it there: a live object, a blob, a row, a free page.
        what: Which one, as a reader would call it.
        held_by: What keeps it there: chains of references, a table, the write-ahead log.
        erased_by: What would erase it there.
        count: How many copies there are, exact.
        certain: Whether that count is the same on every machine; else the table says *some*.
    """

    place: str
    kind: str
    what: str
    held_by: str
    erased_by: str
    count: int = 1
    certain: bool = True

    @property
    def copies(self) -> str:
        """The count where it is the same on every machine, else a word for it."""
        return str(self.count) if self.certain else "some"

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """The find in words: where, what, how many, held by what, erased by what."""
        what = f"{self.kind}: {self.what}"
        return self.place, what, self.copies, self.held_by, self.erased_by


@dataclass
class Found:
    """What was found in places, what of them was not read, with why, and what else is to be said.

    It is gathered place by place.
    """

    finds: list[Find] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, place: str, copies: Iterable[Words]) -> None:
        """Add a find for the copies with the same words, also when there is an error on the way."""
        counts: Counter[Words] = Counter()
        try:
            counts.update(copies)
        finally:
            self.finds += [Find(place, *words, number) for words, number in counts.items()]

    def some(self, place: str, words: Words, number: int) -> None:
        """Add a find of copies whose number differs from machine to machine; nothing for none."""
        if number > 0:
            self.finds.append(Find(place, *words, number, certain=False))

    def add(self, other: Found) -> None:
        """Take over what another one has, and this one has not."""
        known = {find.row for find in self.finds}
        self.finds += [find for find in other.finds if find.row not in known]
        self.unread += [line for line in other.unread if line not in self.unread]
        self.notes += [note for note in other.notes if note not in self.notes]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """All places in which a fact lives, in the order in which they were searched.

    It is true when there is one, has their number as its length, and can be walked through.
    """

    fact: str
    finds: tuple[Find, ...]
    notes: tuple[str, ...] = ()
    """What was seen beside the finds: an empty file, the notebook's own text of cells."""
    unread: tuple[str, ...] = ()
    """What was not searched, or not to its end, and why: it is said first."""

    def __len__(self) -> int:
        return len(self.finds)

    def __iter__(self) -> Iterator[Find]:
        return iter(self.finds)

    def __str__(self) -> str:
        told = [str(self.table())] if self.finds else [self._headline(), *self.notes]
        return "\n".join([*self.unread, *told])

    __repr__ = __str__

    def _headline(self) -> str:
        number = len(self.finds)
        if not number:
            rest = "was not found in what was searched" if self.unread else "was found nowhere"
            return f"{self.fact} {rest}."
        return f"{self.fact} lives in {number} place{'' if number == 1 else 's'}:"

    def table(self) -> Table:
        """The finds as a table: where, what, how many, held by what, erased by what."""
        columns = ("where", "what", "copies", "held by", "erased by")
        rows = [find.row for find in self.finds]
        return Table(columns, rows, self._headline(), self.notes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        rows = "".join(_row(find) for find in self.finds)
        notes, unread = (
            "".join(f'<div style="{look}">{escape(line)}</div>' for line in lines)
            for look, lines in ((_NOTE, self.notes), (_UNREAD, self.unread))
        )
        table = f'<table style="{_TABLE}"><tbody style="display:block">{rows}</tbody></table>'
        head = f'<div style="font-weight:600">{style.code(self._headline())}</div>'
        look = "max-width:1000px;box-sizing:border-box;text-align:left"
        return style.card(unread + head + (table if rows else "") + notes, look)


def told(error: Exception) -> str:
    """An error of other people's in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


# -- on a page -----------------------------------------------------------------------------------

_TABLE = "border-collapse:collapse;width:100%;display:block;font-size:14px;margin:6px 0 0"
_ROW = f"display:flex;flex-wrap:wrap;gap:2px 18px;border-top:1px solid {style.LINE};padding:7px 0"
_NOTE = f"font-size:13px;color:{style.GREY};padding-top:6px"
_UNREAD = f"font-size:13px;color:{style.VERMILION};padding-bottom:6px"
_CELL = f"padding:0;text-align:left;white-space:normal;background:{style.PAPER};color:{style.INK}"


def _row(find: Find) -> str:
    """A row in two lines, where and what, by what held and erased; on a phone in four."""
    times = f" ({find.copies} copies)" if find.copies != "1" else ""
    cells = (
        _cell(15, 120, "", f"<strong>{escape(find.place)}</strong>"),
        _cell(75, 210, "", f"{escape(find.kind)}{times}: {escape(find.what)}"),
        _cell(56, 210, "held by", _broken(find.held_by)),
        _cell(34, 210, "erased by", _broken(find.erased_by)),
    )
    # JupyterLab stripes the rows of tables, dark in the dark theme.
    return f'<tr style="{_ROW};background:{style.PAPER}">{"".join(cells)}</tr>'


def _cell(percent: int, least: int, label: str, content: str) -> str:
    """A cell with its share of a line, and at least so many pixels.

    No other lengths: JupyterLab takes `calc` out of a notebook that it does not trust.
    """
    head = f'<div style="font-size:13px;color:{style.GREY}">{label}</div>' if label else ""
    look = f"{_CELL};flex:1 1 {percent}%;min-width:{least}px;overflow-wrap:anywhere"
    return f'<td style="{look}">{head}{content}</td>'


def _broken(text: str) -> str:
    """Text in the code font that may be broken after a dot, a bracket or an underscore."""
    before, after = style.code("|").split("|")
    words = re.sub(r"([.(_])(?=\w)", r"\1<wbr>", escape(text))
    return f"{before}{words}{after}"
