"""Where a memory keeps what it has, as the exam sees it: in its folder's files, unless told.

The exam looks for bytes there, copies and damages them, and measures how they grow. A maker that is
a `Keeping` itself (`OnPostgres`) says how that is done where the bytes lie elsewhere.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from lessons_lib.exam.damage import damage_file
from lessons_lib.memories.places import stored


class Keeping(ABC):
    """What the exam does with what a memory keeps; a folder is the name of one memory's share."""

    says = ""
    """How what was seen of damages begins, where it was not files that were damaged."""
    unseen = ""
    """Why its bytes cannot be looked for; empty where they can."""

    @abstractmethod
    def found(self, folder: Path, fact: str) -> tuple[str, ...]:
        """Name the places that have the bytes of a fact, the same in every run."""

    @abstractmethod
    def has_any(self, folder: Path) -> bool:
        """Whether anything is kept."""

    @abstractmethod
    def size(self, folder: Path) -> int:
        """How many bytes are kept."""

    @abstractmethod
    def copy(self, folder: Path, target: Path) -> None:
        """Copy all that is kept to another folder's share."""

    @abstractmethod
    def damage(self, damage: str, folder: Path, mark: Path) -> bool:
        """Damage all that is kept; returns whether anything has changed."""

    def clear(self, root: Path) -> None:  # noqa: B027 (files go with their folder)
        """Remove what is kept for the folders in this one."""


class Files(Keeping):
    """Everything is kept in files of the memory's folder."""

    def found(self, folder: Path, fact: str) -> tuple[str, ...]:
        """Name the files."""
        return stored(folder, fact)

    def has_any(self, folder: Path) -> bool:
        """Whether there is a file with anything in it."""
        return bool(_files(folder))

    def size(self, folder: Path) -> int:
        """The bytes of all files."""
        return sum(path.stat().st_size for path in _files(folder))

    def copy(self, folder: Path, target: Path) -> None:
        """Copy the files."""
        shutil.copytree(folder, target)

    def damage(self, damage: str, folder: Path, mark: Path) -> bool:
        """Damage each file."""
        files = _files(folder)
        before = [path.read_bytes() for path in files]
        for path in files:
            damage_file(damage, path, mark)
        return before != [path.read_bytes() for path in files]


def keeping_of(make: object) -> Keeping:
    """How the memories of a maker are looked into."""
    return make if isinstance(make, Keeping) else Files()


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
