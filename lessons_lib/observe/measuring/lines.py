"""Where it was made: the lines of the program whose memory stayed."""

from __future__ import annotations

import linecache
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..pictures.style import shorten
from ..pictures.table import Table
from ..pictures.waiting import waiting
from .leaks import TO_SPEAK_OF
from .meter import require_callable, tidy
from .runs import BUSY, Runs
from .traces import Stack, traces


@dataclass(frozen=True)
class Line:
    """A line of the program, and the memory that it made and that stayed.

    Attributes:
        place: The file's name, or the notebook's cell, and the number of the line.
        source: The text of the line.
        kept: The bytes still allocated, exact.
        share: Of all that was kept, between 0 and 1.
    """

    place: str
    source: str
    kept: int
    share: float

    @property
    def about(self) -> str:
        """The share as a bound, which is the same from run to run where the share is clear."""
        return next(words for least, words in _SHARES if self.share >= least)


_SHARES = ((1 / 2, "over half"), (1 / 4, "over a quarter"), (1 / 10, "over a tenth"), (0, "less"))


@dataclass(frozen=True)
class KeptByLine:
    """The lines whose memory stayed, the largest share first; see `kept_by_line`."""

    lines: tuple[Line, ...]
    kept: int
    """Bytes kept in all, exact."""
    unseen: str = ""
    """Why nothing could be seen, if so."""

    def __str__(self) -> str:
        if not self.lines:
            return self.unseen or (
                "Less than 1 KiB stayed of what the run made itself: repeat the work inside it."
            )
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str | None:
        return self._table()._repr_html_() if self.lines else None

    def _table(self) -> Table:
        rows = [(line.about, line.place, line.source) for line in self.lines]
        return Table(("share", "line", "source"), rows, "Memory made here is still held:")


def kept_by_line(run: Callable[[], object]) -> KeptByLine:
    """Call `run()` and find the lines of the program that made the memory that stayed.

    Counted is what the run itself made, as `grown` does it. Memory made inside Python's library or
    an installed package is counted for the line of the program that called it. Lines with less
    than a tenth of the whole are left out, and so is everything when less than a kibibyte stayed:
    repeat the work inside `run` until it is clear. While tracemalloc traces already, `run` is not
    called, and the result says so.

    >>> notes = []
    >>> def take_notes():
    ...     for number in range(100):
    ...         draft = "x" * 5_000
    ...         notes.append(draft.upper())
    >>> print(kept_by_line(take_notes).lines[0].source)
    notes.append(draft.upper())
    """
    require_callable(run, "kept_by_line(lambda: serve(requests))")
    if tracemalloc.is_tracing():
        return KeptByLine((), 0, BUSY)
    with waiting("tracing"):
        stayed = _stayed(run)
    whole = sum(stayed.values())
    if whole < TO_SPEAK_OF:
        return KeptByLine((), whole)
    lines = [  # linecache knows a notebook's cells: IPython puts their text there
        Line(_place(*at), shorten(linecache.getline(*at), 60), size, size / whole)
        for at, size in stayed.most_common()
        if size >= whole / 10
    ]
    return KeptByLine(tuple(lines), whole)


def _stayed(run: Callable[[], object]) -> Counter[tuple[str, int]]:
    """Bytes that a run allocated and that are still there, for each line of the program."""
    runs = Runs()
    with runs.traced():
        result = runs.call(1, run)
        tidy()
        found = traces()
        del result  # only now: what a run returns is kept, too
    stayed: Counter[tuple[str, int]] = Counter()
    for _, size, stack, *_ in found:
        if runs.maker(stack) == 1:
            stayed[_own_line(stack)] += size
    return stayed


def _own_line(stack: Stack) -> tuple[str, int]:
    """The innermost line of the program among those that led to an allocation."""
    return next((at for at in stack if not _is_library(at[0])), stack[0])


_LIBRARIES = (
    *(os.path.normcase(os.path.dirname(file) + os.sep) for file in (os.__file__, __file__)),
    "<frozen",
    "<run ",
)


def _is_library(filename: str) -> bool:
    path = os.path.normcase(filename)
    return path.startswith(_LIBRARIES) or "site-packages" in path or "dist-packages" in path


def _place(filename: str, number: int) -> str:
    """The name of the file without its folders; of a notebook's cell, its number."""
    notebook = sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook else None
    cell = shell.compile.format_code_name(filename) if shell else None
    return f"{cell[1] if cell else Path(filename).name}, line {number}"
