"""Where the course lies, and what its project file says: the one place that knows its address."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lessons_lib.launch.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
START = "00_start_here"


class Project:
    """The folders and files of a course that lies in ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"  # the environment that the set-up makes
        self.python = interpreter(self.venv)
        self.stamp = self.venv / "lessons.json"  # what is noted down about it, last of all
        self.log = self.venv / "lessons-setup.log"  # everything that the installers said
        self.lock = root / "binder" / "requirements.txt"  # the pins of the course
        self.test_lock = root / "tests" / "requirements.txt"  # and what only the tests need
        self.lessons = root / "notebooks"  # as they were written
        self.copies = root / "my"  # the reader's own


def interpreter(prefix: Path) -> Path:
    """Where an environment keeps its Python: ``Scripts`` on Windows, ``bin`` elsewhere."""
    return prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


HERE = Project(ROOT)


@lru_cache(maxsize=4)
def pyproject(root: Path = ROOT) -> "dict[str, Any]":
    """Read the project file."""
    import tomllib

    path = root / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise Trouble(
            f"{path} is not there: start the command in the folder that the course was cloned to."
        ) from None


def requirements(group: str = "", root: Path = ROOT) -> "tuple[str, ...]":
    """What the project file asks for: its dependencies, or those of a dependency group."""
    project = pyproject(root)
    found = project["dependency-groups"][group] if group else project["project"]["dependencies"]
    return tuple(found)


def repository(root: Path = ROOT) -> str:
    """The address of the course's repository, without a slash at the end.

    >>> repository().startswith("https://")
    True
    """
    address: str = pyproject(root)["project"]["urls"]["Repository"]
    return address.rstrip("/").removesuffix(".git")


def binder_url(lesson_slug: "str | None" = None, root: Path = ROOT) -> str:
    """The Binder link that opens the reader's copy of a lesson (of lesson 00 if none is named).

    A repository that is not on GitHub gets Binder's form for any git address.

    >>> binder_url("02_reference_counting").rpartition("?")[2]
    'urlpath=doc%2Ftree%2Fmy%2F02_reference_counting.ipynb'
    """
    address = repository(root)
    on_github = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", address)
    where = f"gh/{on_github[1]}" if on_github else f"git/{quote(address, safe='')}"
    opened = quote(f"doc/tree/my/{lesson_slug or START}.ipynb", safe="")
    return f"https://mybinder.org/v2/{where}/HEAD?urlpath={opened}"
