"""Where a memory keeps what it has, as the exam sees it: in its folder's files, unless told.

The exam looks for bytes there, copies and damages them, and measures how they grow. A maker that is
a `Keeping` itself (`OnPostgres`) says how that is done where the bytes lie elsewhere.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lessons_lib.exam.damage import damage_file
from lessons_lib.memories.places import stored


class Keeping:
    """What the exam does with what a memory keeps; a folder is the name of one memory's share."""

    says = ""
    """How what was seen of damages begins, where it was not files that were damaged."""
    unseen = ""
    """Why its bytes cannot be looked for; empty where they can."""

    def found(self, folder: Path, fact: str) -> tuple[str, ...]:
        """Name the places that have the bytes of a fact, the same in every run."""
        return stored(folder, fact)

    def size(self, folder: Path) -> int:
        """How many bytes are kept; 0 when nothing is."""
        return sum(path.stat().st_size for path in _files(folder))

    def copy(self, folder: Path, target: Path) -> None:
        """Copy all that is kept to another folder's share."""
        shutil.copytree(folder, target)

    def damage(self, damage: str, folder: Path, mark: Path) -> bool:
        """Damage all that is kept; returns whether anything has changed."""
        files = _files(folder)
        before = [path.read_bytes() for path in files]
        for path in files:
            damage_file(damage, path, mark)
        return before != [path.read_bytes() for path in files]

    def clear(self, root: Path) -> None:
        """Remove what is kept for the folders in this one; files go with it."""


def keeping_of(make: object) -> Keeping:
    """How the memories of a maker are looked into."""
    return make if isinstance(make, Keeping) else Keeping()


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
