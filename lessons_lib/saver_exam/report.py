"""What the examination reports: its checks in a table, and each fault in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from lessons_lib.observe.pictures.table import Table

Mark = Literal["as expected", "fault", "lacks", "not made"]
SYMBOLS: dict[Mark, str] = {"as expected": "●", "fault": "○", "lacks": "–", "not made": "?"}


@dataclass(frozen=True)
class Finding:
    """How one check came out: what was done, what was seen of it, and what was expected."""

    part: str
    name: str
    did: str
    expected: str
    mark: Mark
    saw: str = ""

    def __str__(self) -> str:
        """One sentence.

        >>> print(Finding("put", "parent", "put two in a row", "the first", "fault", "got None"))
        put, parent: put two in a row, got None; expected the first
        """
        if self.mark == "as expected":
            return f"{self.part}, {self.name}: {self.did}, got {self.expected}"
        if self.mark == "not made":
            return f"{self.part}, {self.name}: could not be looked at, {self.saw}"
        if self.mark == "lacks":
            return f"{self.part}, {self.name}: {self.saw}"
        return f"{self.part}, {self.name}: {self.did}, {self.saw}; expected {self.expected}"


@dataclass(frozen=True)
class Report:
    """The findings of one saver's examination, in the order in which they were made."""

    saver: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Where it did something else than a checkpointer must."""
        return self._marked("fault")

    @property
    def lacks(self) -> tuple[Finding, ...]:
        """What it does not offer, and says so: no fault in what it is used for without it."""
        return self._marked("lacks")

    @property
    def not_made(self) -> tuple[Finding, ...]:
        """What could not be looked at, so that nothing is known of it."""
        return self._marked("not made")

    def _marked(self, mark: Mark) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.mark == mark)

    def table(self) -> Table:
        """The checks and their marks, and below them what is no mere "as expected" in sentences."""
        rows = [(one.part, one.name, f"{SYMBOLS[one.mark]} {one.mark}") for one in self.findings]
        notes = [f"{self._sums()}."]
        for one in (*self.faults, *self.lacks, *self.not_made):
            notes.append(f"{SYMBOLS[one.mark]} {str(one).rstrip('.')}.")
        return Table(("of", "check", "found"), rows, f"The saver exam: {self.saver}", notes)

    def _sums(self) -> str:
        """Of how many checks what came out.

        >>> Report("Mine", ())._sums()
        '0 of 0 checks as expected, faults: 0, lacks: 0, not made: 0'
        """
        right = len(self._marked("as expected"))
        return (
            f"{right} of {len(self.findings)} checks as expected, faults: {len(self.faults)}, "
            f"lacks: {len(self.lacks)}, not made: {len(self.not_made)}"
        )

    def __str__(self) -> str:
        return "\n".join(_folded(str(self.table())))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.table()._repr_html_(), "text/plain": str(self)}


def _folded(text: str) -> Iterator[str]:
    """The lines of a text, those that no terminal shows whole folded."""
    for line in text.splitlines():
        yield from wrap(line, 100, subsequent_indent="  ", drop_whitespace=True) or [line]
