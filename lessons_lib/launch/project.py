"""Where the course lies, and what its project file says: the one place that knows its address."""

import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lessons_lib.launch.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
START = "00_start_here"


class Project(NamedTuple):
    """The folders and files of a course that lies in ``root``."""

    root: Path

    @property
    def venv(self) -> Path:
        """The environment that the set-up makes."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter in that environment."""
        return interpreter(self.venv)

    @property
    def stamp(self) -> Path:
        """What the set-up notes down about the environment, last of all."""
        return self.venv / "lessons.json"

    @property
    def log(self) -> Path:
        """Everything that the installers said."""
        return self.venv / "lessons-setup.log"

    @property
    def lock(self) -> Path:
        """The pins of the course."""
        return self.root / "binder" / "requirements.txt"

    @property
    def test_lock(self) -> Path:
        """The pins that only the tests need, on top."""
        return self.root / "tests" / "requirements.txt"

    @property
    def lessons(self) -> Path:
        """The lessons as they were written."""
        return self.root / "notebooks"

    @property
    def copies(self) -> Path:
        """The reader's own copies of them."""
        return self.root / "my"


HERE = Project(ROOT)


def interpreter(prefix: Path) -> Path:
    """Where an environment keeps its Python: ``Scripts`` on Windows, ``bin`` elsewhere."""
    return prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


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


def python_version() -> "tuple[int, int]":
    """The running Python's version, as the set-up's sentences name it."""
    return sys.version_info[:2]
