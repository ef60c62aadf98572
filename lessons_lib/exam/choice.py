"""Choosing: all memories in one table, sorted by what the reader marks as mattering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from lessons_lib.exam.price import Price
from lessons_lib.exam.questions import QUESTIONS, SYMBOLS, Mark
from lessons_lib.exam.report import Report, Sitting
from lessons_lib.observe.pictures import style
from lessons_lib.observe.pictures.table import Table

PRICES = {
    "memory": "does not grow",
    "files": "grow with the turns at most",
    "packages": "nothing to install",
}
_CELL = (
    f"padding:3px 8px 3px 0;border-bottom:1px solid {style.LINE};text-align:left;"
    f"vertical-align:top;color:{style.INK};background:{style.PAPER}"
)
_STAYS = "position:sticky;left:-14px;padding-left:14px;font-weight:400"
_GROWS = {0: "–", 1: "turns", 2: "turns²"}
_LEGEND = (
    "; ".join(f"{symbol} {mark}" for mark, symbol in SYMBOLS.items() if symbol != "?")
    + ". How memory and files grow: with the turns, with their square (turns²), or not (–)."
)
_STYLE = f"""{style.LIVE}<style>
.rc-choice .rc-marks {{display: flex; flex-flow: row wrap; gap: 0 18px}}
.rc-choice .widget-checkbox {{width: 23em; max-width: 100%; margin: 0; height: auto}}
.rc-choice .widget-label-basic {{white-space: normal; line-height: 1.3}}
.rc-choice .widget-html-content {{min-width: 0}}
.rc-choice input:focus-visible {{outline: 3px solid {style.BLUE}; outline-offset: 1px}}
</style>"""


def choose(report: Report, *marked: str) -> Choice:
    """Show all memories of a report in a table that sorts by the rows that the reader marks.

    `marked` are marked from the start: keys of questions, "memory", "files" and "packages". On top
    is who answers yes to most of what is marked; of equals, who needs fewest packages, and then
    fewest statements. Raises ValueError for a key that there is not.

    >>> from lessons_lib.exam.kept import kept
    >>> choose(kept(), "kill", "packages").best[0].name
    'pickle file'
    """
    keys = _rows()
    for key in marked:
        if key not in keys:
            raise ValueError(f"{key!r} is no row of the exam: mark some of {', '.join(keys)}")
    return Choice(report, tuple(key for key in keys if key in marked))


@dataclass(frozen=True)
class Choice:
    """Memories, best first; a widget with a box to tick for each row in a running notebook."""

    report: Report
    marked: tuple[str, ...]

    @property
    def best(self) -> tuple[Sitting, ...]:
        """The memories, sorted; as they sat when nothing is marked."""
        if not self.marked:
            return self.report.sittings
        return tuple(sorted(self.report.sittings, key=self._rank))

    def _rank(self, one: Sitting) -> tuple[float, ...]:
        marks = [_found(one, key)[0] for key in self.marked]
        price = one.price or Price()
        needs = len(price.packages), price.statements or float("inf")
        return -marks.count("yes"), -marks.count("in part"), *needs

    def fits(self, one: Sitting) -> int:
        """To how many of the marked rows a memory says yes."""
        return sum(_found(one, key)[0] == "yes" for key in self.marked)

    def said(self) -> str:
        """What is marked, and how many memories have all of it."""
        if not self.marked:
            return "Nothing is marked: the memories stand in the order of the course."
        all_of_it = sum(self.fits(one) == len(self.marked) for one in self.report.sittings)
        return (
            f"Marked: {', '.join(self.marked)}. All of it: {all_of_it} of "
            f"{len(self.report.sittings)} memories. Best first, and of equals the one that needs "
            "less."
        )

    def __str__(self) -> str:
        rows = [self._row(one, _sign) for one in self.best]
        return str(Table(self._columns(), rows, self.said(), (_LEGEND,)))

    def _keys(self) -> tuple[str, ...]:
        return (*self.marked, *(key for key in _rows() if key not in self.marked))

    def _columns(self) -> tuple[str, ...]:
        return ("memory", *(["fits"] if self.marked else []), *self._keys(), "statements")

    def _row(self, one: Sitting, sign: Callable[[Sitting, str], str]) -> list[str]:
        """The cells of a memory, below the columns."""
        fits = [f"{self.fits(one)}/{len(self.marked)}"] if self.marked else []
        statements = (one.price or Price()).statements or "?"  # not known of a notebook's class
        return [one.name, *fits, *(sign(one, key) for key in self._keys()), str(statements)]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = self.widget()._repr_mimebundle_() or {}
        rows = "; ".join(f"<b>{key}</b> {escape(words)}" for key, words in _rows().items())
        again = (
            f'<p style="margin:.3em 0"><small>{rows}.</small></p>'
            '<p style="margin:.3em 0"><small>Run this cell to mark other rows: a stored page shows '
            "the table as it was made.</small></p>"
        )
        return {**view, "text/html": self.html() + again, "text/plain": str(self)}

    def widget(self) -> Any:
        """A fresh widget: the boxes to tick, what they come to, and the table."""
        import ipywidgets as widgets

        boxes = {
            key: widgets.Checkbox(key in self.marked, description=f"{key} · {words}", indent=False)
            for key, words in _rows().items()
        }
        table = widgets.HTML()
        marks = widgets.Box(list(boxes.values()))
        marks.add_class("rc-marks")

        def sort(_: object = None) -> None:
            ticked = [key for key, box in boxes.items() if box.value]
            table.value = choose(self.report, *ticked).html()

        for box in boxes.values():
            box.observe(sort, names="value")
        sort()
        whole = widgets.VBox([widgets.HTML(_STYLE), marks, table])
        whole.add_class("rc-choice")
        whole.add_class("rc-live")
        return whole

    def html(self) -> str:
        """The sentence, which is read out when it changes, and the table."""
        said = f'<div role="status" aria-live="polite">{escape(self.said())}</div>'
        note = f'<div style="font-size:13px;color:{style.GREY}">{escape(_LEGEND)}</div>'
        scroll = "overflow-x:auto;max-width:100%;box-sizing:border-box"
        return style.card(said + self._table() + note, scroll)

    def _table(self) -> str:
        looks = [f"font-weight:{600 if name in self.marked else 400}" for name in self._columns()]
        looks[0] = _STAYS
        head = "".join(
            f'<th scope="col" style="{_CELL};{look}">{escape(name)}</th>'
            for name, look in zip(self._columns(), looks, strict=True)
        )
        body = "".join(self._html_row(one) for one in self.best)
        return (
            '<table style="border-collapse:collapse;margin:6px 0 6px -14px;font-size:13px">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _html_row(self, one: Sitting) -> str:
        name, *cells = self._row(one, _html_sign)
        head = f'<th scope="row" style="{_CELL};{_STAYS}">{escape(name)}</th>'
        rest = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
        return f"<tr>{head}{rest}</tr>"


def _rows() -> dict[str, str]:
    """All that can be marked: the words for a key."""
    return {**{key: question.asks for key, question in QUESTIONS.items()}, **PRICES}


def _found(one: Sitting, key: str) -> tuple[Mark, str]:
    """The mark of a row, and the sign that shows it; a price is a yes or a no as well."""
    if key in QUESTIONS:
        mark = one[key].mark
        return mark, SYMBOLS[mark]
    price = one.price or Price()
    grows = {"memory": price.ram, "files": price.disk, "packages": len(price.packages)}
    if one.price is None or (power := grows[key]) is None:
        return "not examined", "?"
    shown = str(power) if key == "packages" else _GROWS.get(power, f"^{power}")
    return "yes" if power <= (key == "files") else "no", shown


def _sign(one: Sitting, key: str) -> str:
    return _found(one, key)[1]


def _html_sign(one: Sitting, key: str) -> str:
    """A cell's sign, with the word for it for those who hear the table."""
    mark, shown = _found(one, key)
    colour = {"yes": style.BLUE, "no": style.VERMILION}.get(mark, style.INK)
    heard = f'role="img" aria-label="{mark}" title="{mark}" ' if key in QUESTIONS else ""
    return f'<span {heard}style="color:{colour}">{escape(shown)}</span>'
