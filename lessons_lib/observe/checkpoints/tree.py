"""The tree that a thread's checkpoints make: what follows what, and which lines branch off.

The first thing that followed a checkpoint goes on with its line; each later one begins a branch.
Branches have letters, so that every checkpoint has a short name: `3` on the first line, `3b` on the
next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Tree:
    """Checkpoints by their ids, oldest first, and that of the one which each follows.

    >>> tree = Tree({"1": "", "2": "1", "3": "2", "4": "1"})
    >>> tree.lines, tree.letter("4"), tree.children["1"]
    ([['1', '2', '3'], ['4']], 'b', ['2', '4'])
    """

    def __init__(self, parents: Mapping[str, str]) -> None:
        self.parents = dict(parents)
        """The id of the checkpoint that each follows; it may be one that was not read."""
        self.children: dict[str, list[str]] = {id: [] for id in parents}
        self.lines: list[list[str]] = []
        """The lines, each from where it begins to its end, in the order in which they began."""
        self._line_of: dict[str, int] = {}
        for id, parent in parents.items():
            siblings = self.children.setdefault(parent, [])
            siblings.append(id)
            # Ids grow with time: the first that is met here is the first that followed.
            if parent in self._line_of and siblings == [id]:
                number = self._line_of[parent]
            else:
                number = len(self.lines)
                self.lines.append([])
            self.lines[number].append(id)
            self._line_of[id] = number

    def letter(self, id: str) -> str:
        """The letter of a checkpoint's line: none for the first, then b, c … z, and numbers."""
        number = self._line_of[id]
        if number == 0:
            return ""
        return chr(ord("a") + number) if number < 26 else f"~{number + 1}"

    def path_to(self, id: str) -> Iterator[str]:
        """A checkpoint and all those that led to it, newest first."""
        while id in self.parents:
            yield id
            id = self.parents[id]

    @property
    def newest(self) -> str:
        """The id of the newest checkpoint."""
        return next(reversed(self.parents))
