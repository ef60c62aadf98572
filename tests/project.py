"""Where the parts of the project are, for the tests and the tools beside them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SANITIZE = Path(__file__).resolve().parent / "sanitize.cfg"

# What a walk through the folder leaves out when there is no git to ask.
_OWN_THINGS = {".git", ".venv", "my", "__pycache__", ".ipynb_checkpoints", "dist", "build"}


def notebooks() -> list[Path]:
    """Every written lesson, in the order of the course."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that belongs to the project: tracked by git, or new and not ignored.

    Without git, or in a folder that git does not know, the folder is walked instead.
    """
    if _has_git():
        ask = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        asked = subprocess.run(ask, cwd=ROOT, capture_output=True)
        if asked.returncode == 0:
            files = {ROOT / name for name in asked.stdout.decode("utf-8").split("\0")}
            return tuple(sorted(path for path in files if path.is_file()))
    return tuple(sorted(_walk(ROOT)))


def copy_to(folder: Path) -> Path:
    """Copy the course into a new folder, as somebody gets it who clones it; returns the folder."""
    for path in tracked_files():
        target = folder / relative(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def _has_git() -> bool:
    return shutil.which("git") is not None and (ROOT / ".git").exists()


def _walk(folder: Path) -> list[Path]:
    files: list[Path] = []
    for entry in folder.iterdir():
        hidden_cache = entry.name.startswith(".") and entry.name.endswith("_cache")
        if entry.name in _OWN_THINGS or hidden_cache or entry.name.endswith(".egg-info"):
            continue
        files += _walk(entry) if entry.is_dir() else [entry]
    return files


def relative(path: Path) -> str:
    """A path as a message names it: from the project's root, with forward slashes."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
