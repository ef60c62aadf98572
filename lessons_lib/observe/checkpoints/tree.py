"""The tree that a thread's checkpoints make: what follows what, and which lines branch off.

The first thing that followed a checkpoint goes on with its line; each later one begins a branch.
Branches have letters, so that every checkpoint has a short name: `3` on the first line, `3b` on the
next one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .thread import Index


@dataclass(frozen=True)
class Tree:
    """The ids of checkpoints, oldest first, and that of the one which each follows."""

    index: Index
    complete: bool = True
    """Whether these are all, or only the newest."""

    @cached_property
    def _grown(self) -> tuple[list[list[str]], dict[str, list[str]], dict[str, list[str]]]:
        """The lines; the line of each checkpoint; what branches off at which."""
        lines: list[list[str]] = []
        line_of: dict[str, list[str]] = {}
        forks: dict[str, list[str]] = {}
        for id, parent in self.index.items():
            line = line_of.get(parent)
            if line is not None and line[-1] == parent:
                line.append(id)
            else:
                if line is not None:
                    forks.setdefault(parent, []).append(id)
                lines.append(line := [id])
            line_of[id] = line
        return lines, line_of, forks

    @property
    def lines(self) -> list[list[str]]:
        """The lines, each from where it begins to its end, in the order in which they began."""
        return self._grown[0]

    def place(self, id: str) -> tuple[list[str], int]:
        """The line of a checkpoint, and its place in it."""
        line = self._grown[1][id]
        return line, bisect_left(line, id)  # ids grow with time

    def children(self, id: str) -> list[str]:
        """What follows a checkpoint, in the order in which it was made."""
        line, place = self.place(id)
        return [*line[place + 1 : place + 2], *self._grown[2].get(id, ())]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {line[0]: number for number, line in enumerate(self.lines)}

    def letter(self, id: str) -> str:
        """The letter of a checkpoint's line; the first line has none."""
        line = self._grown[1].get(id)
        return letter(self._numbers[line[0]]) if line else ""

    def path_to(self, id: str) -> Iterator[str]:
        """A checkpoint and all those that led to it, newest first."""
        while id in self.index:
            yield id
            id = self.index[id]

    @property
    def newest(self) -> str:
        """The id of the newest checkpoint."""
        return next(reversed(self.index))


def letter(number: int) -> str:
    """The letter of a line: none for the first, then b, c … z, and numbers after those.

    >>> [letter(n) for n in (0, 1, 2, 25, 26)]
    ['', 'b', 'c', 'z', '~27']
    """
    if number == 0:
        return ""
    return chr(ord("a") + number) if number < 26 else f"~{number + 1}"
