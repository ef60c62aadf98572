"""The tree that a thread's checkpoints make: what follows what, and which lines branch off.

The first thing that followed a checkpoint goes on with its line; each later one begins a branch.
Branches have letters, so that every checkpoint has a short name: `3` on the first line, `3b` on the
next one.
"""

from __future__ import annotations

from collections import defaultdict
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
    def children(self) -> dict[str, list[str]]:
        """What follows each checkpoint, in the order in which it was made."""
        found: dict[str, list[str]] = defaultdict(list)
        for id, parent in self.index.items():
            if parent in self.index:
                found[parent].append(id)
        return dict(found)

    @cached_property
    def lines(self) -> list[list[str]]:
        """The lines, each from where it begins to its end, in the order in which they began."""
        found: dict[str, list[str]] = {}
        line_of: dict[str, list[str]] = {}
        for id, parent in self.index.items():
            follows = parent in line_of and self.children[parent][0] == id
            line = line_of[parent] if follows else found.setdefault(id, [])
            line.append(id)
            line_of[id] = line
        return list(found.values())

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """For each checkpoint, the number of its line and its place in it."""
        return {id: (n, i) for n, line in enumerate(self.lines) for i, id in enumerate(line)}

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letter of each checkpoint's line; the first line has none."""
        return {id: letter(n) for n, line in enumerate(self.lines) for id in line}

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
