"""What an environment must have: the project file's requirements, looked up in the metadata.

``python -m lessons_lib.launch.needs [test]`` answers for the Python that runs it, as JSON.
"""

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lessons_lib.launch.project import ROOT, requirements


class Need(NamedTuple):
    """A requirement, what of it is installed (nothing: the empty string), and if that fits."""

    wanted: str
    name: str
    installed: str
    fits: bool


def look_up(wanted: str) -> "Need | None":
    """Look one requirement up; ``None`` where its marker says that it does not apply here.

    An environment without ``packaging`` has no JupyterLab either, which stands on it.
    """
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return Need(wanted, re.split(r"[^\w.-]", wanted)[0], "", False)
    requirement = Requirement(wanted)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Need(wanted, requirement.name, "", False)
    fits = requirement.specifier.contains(installed, prereleases=True)
    return Need(wanted, requirement.name, installed, fits)


def needs(tests: bool, root: Path = ROOT) -> "Iterator[Need]":
    """Look up, one by one, what the course, and its tests if asked, require here."""
    wanted = requirements(root=root) + (requirements("test", root) if tests else ())
    return (need for need in map(look_up, wanted) if need is not None)


def satisfied(tests: bool, root: Path = ROOT) -> bool:
    """Whether this environment has all of it; stops at the first thing that is missing."""
    return all(need.fits for need in needs(tests, root))


def main(argv: "Sequence[str]") -> int:
    """Print what this environment has as JSON; exit code 1 if something is missing."""
    found = list(needs("test" in argv))
    print(json.dumps([need._asdict() for need in found]))
    return 0 if all(need.fits for need in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
