"""What the exam reports: a mark for every question and memory, side by side, and the price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from lessons_lib.exam.price import Price
from lessons_lib.exam.questions import QUESTIONS, Answer, Mark
from lessons_lib.observe.pictures import style
from lessons_lib.observe.pictures.table import Table

_COLOURS: dict[Mark, str] = {
    "yes": style.BLUE,
    "in part": style.INK,
    "no": style.VERMILION,
    "does not apply": style.GREY,
    "not examined": style.VERMILION,
}
_GROWTH = {None: "not measured", 0: "does not grow", 1: "with the turns", 2: "with their square"}
_WIDTH = 100
"""Columns of a terminal that a table may take; the memories that do not fit follow below."""
_CELL = (
    f"padding:5px 12px 5px 0;border-bottom:1px solid {style.LINE};vertical-align:top;"
    f"text-align:left;color:{style.INK};background:{style.PAPER}"
)
_STAYS = "position:sticky;left:-14px;padding-left:14px;min-width:min(13em,30vw)"
"""On a narrow screen the questions stay at the card's edge, and the answers pass under them."""


@dataclass(frozen=True)
class Sitting:
    """One memory's exam: its answers by the question's key, and its price if it was measured."""

    name: str
    answers: dict[str, Answer]
    price: Price | None = None

    def __getitem__(self, key: str) -> Answer:
        return self.answers[key]


@dataclass(frozen=True)
class Report:
    """The sittings of several memories, side by side.

    Printed and shown it says nothing that differs from run to run; `measured()` adds the times.
    """

    sittings: tuple[Sitting, ...]

    def __getitem__(self, name: str) -> Sitting:
        for sitting in self.sittings:
            if sitting.name == name:
                return sitting
        names = ", ".join(sitting.name for sitting in self.sittings)
        raise KeyError(f"no memory named {name!r} sat this exam: there are {names}")

    def __str__(self) -> str:
        if len(self.sittings) == 1:
            return "\n".join(_told(self.sittings[0]))
        tables = [*map(_matrix, _blocks(self.sittings)), *_prices(self.sittings, narrow=True)]
        return "\n\n".join(map(str, tables))

    def markdown(self) -> str:
        """The same as one table in Markdown, as a README shows it: no size, no time.

        >>> answer = Answer(QUESTIONS["kill"], "yes", "kept the words")
        >>> print(Report((Sitting("mine", {"kill": answer}),)).markdown())
        |  | mine |
        | --- | --- |
        | Survive: kill -9 | ● yes |
        """
        marks = _matrix(self.sittings)
        lines = [["", *marks.columns[1:]], ["---"] * len(marks.columns), *marks.rows]
        if any(one.price for one in self.sittings):
            prices = [_priced(one) for one in self.sittings]
            for at, name in enumerate(_PRICE[1:], 1):
                lines.append([f"*{name}*", *(row[at] for row in prices)])
        escaped = ([str(cell).replace("|", "\\|") for cell in cells] for cells in lines)
        return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)

    def measured(self) -> Table:
        """The time of a turn as a multiple of the dict's, as it was in this run."""
        rows = []
        for one in self.sittings:
            if one.price and (ratio := one.price.ratio):
                rows.append((one.name, f"×{ratio:.2g}" if ratio < 10 else f"×{ratio:.0f}"))
        return Table(("memory", "a turn"), rows, "Time of a turn, the dict's as 1, this time")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        head = "".join(
            f'<th scope="col" style="{_CELL}">{escape(one.name)}</th>' for one in self.sittings
        )
        rows = "".join(
            f'<tr><th scope="row" style="{_CELL};font-weight:400;{_STAYS}">'
            f"{escape(QUESTIONS[key].asks)}</th>"
            + "".join(f'<td style="{_CELL}">{_details(one[key])}</td>' for one in self.sittings)
            + "</tr>"
            for key in self.sittings[0].answers
        )
        table = (
            '<table style="border-collapse:collapse;margin:0 0 0 -14px;font-size:14px"><caption '
            f'style="text-align:left;padding-left:14px;font-weight:600;color:{style.INK}">'
            f'The memory exam</caption><thead><tr><td style="{_CELL}"></td>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
        scroll = "overflow-x:auto;display:inline-block;max-width:100%;box-sizing:border-box"
        prices = "".join(table._repr_html_() for table in _prices(self.sittings))
        return style.card(table, scroll) + prices


def _told(sitting: Sitting) -> Iterator[str]:
    """One memory's exam, line by line, with what was seen."""
    yield f"The memory exam: {sitting.name}"
    for answer in sitting.answers.values():
        yield f"{answer!s:<18}{answer.question.asks}"
        yield from wrap(answer.saw, 90, initial_indent=" " * 18, subsequent_indent=" " * 18)
    for table in _prices((sitting,), narrow=True):
        yield f"\n{table}"
        if sitting.price and sitting.price.trouble:
            yield f"Not measured: {sitting.price.trouble}"


def _blocks(sittings: Sequence[Sitting]) -> Iterator[Sequence[Sitting]]:
    """Cut the sittings into blocks whose tables fit a terminal."""
    block: list[Sitting] = []
    for sitting in sittings:
        wider = str(_matrix([*block, sitting])).splitlines()
        if block and max(map(len, wider)) > _WIDTH:
            yield block
            block = []
        block.append(sitting)
    yield block


def _matrix(sittings: Sequence[Sitting]) -> Table:
    rows = [
        (QUESTIONS[key].asks, *(str(sitting[key]) for sitting in sittings))
        for key in sittings[0].answers
    ]
    return Table(("The memory exam", *(sitting.name for sitting in sittings)), rows)


_PRICE = ("Its price", "memory grows", "files grow", "packages", "statements")


def _priced(one: Sitting) -> tuple[object, ...]:
    """A row of the table of prices."""
    if not (price := one.price):
        return one.name, "–", "–", "–", "–"
    grows = (_GROWTH.get(power, f"power {power}") for power in (price.ram, price.disk))
    statements = "not found" if price.statements is None else price.statements
    return one.name, *grows, ", ".join(price.packages) or "none", statements


def _prices(sittings: Sequence[Sitting], *, narrow: bool = False) -> list[Table]:
    """The table of the prices, if any was measured; `narrow` has a line for each package."""
    priced = [_priced(one) for one in sittings if one.price]
    rows = []
    for name, ram, disk, packages, statements in priced if narrow else ():
        first, *more = str(packages).split(", ")
        rows.append((name, ram, disk, first, str(statements).rjust(len("statements"))))
        rows += [("", "", "", package, "") for package in more]
    return [Table(_PRICE, rows or priced)] if priced else []


def _details(answer: Answer) -> str:
    """A cell that opens to what was done, what was seen, and what mends it."""
    said = {"did": answer.question.did, "saw": answer.saw, "what mends it": answer.mends}
    lines = "".join(
        f'<div style="margin:3px 0"><b>{word}:</b> {escape(text)}</div>'
        for word, text in said.items()
        if text
    )
    return (
        f'<details><summary style="cursor:pointer;white-space:nowrap;'
        f'color:{_COLOURS[answer.mark]}">{answer}</summary>'
        f'<div style="width:20em;font-size:13px;white-space:normal">{lines}</div></details>'
    )
