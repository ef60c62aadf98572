"""Trying the newest releases, for maintainers: which packages moved, and which cells with them?

The upper bounds of the project file are lifted: what a release beyond them breaks is the question.
The environment is made apart and removed again. The lessons are run in it by ``tests.newest``.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lessons_lib.launch import machine
from lessons_lib.launch.copies import find_lesson
from lessons_lib.launch.environment import Environment, clean, uv_here, uv_variables
from lessons_lib.launch.lock import pins
from lessons_lib.launch.project import HERE, Project, interpreter, requirements
from lessons_lib.launch.tell import Finished, Teller
from lessons_lib.launch.trouble import Trouble, kind_of

COMPARES = ("pytest", "nbval")
"""What runs the lessons and compares; these keep their bounds, as no reader has them."""
NO_INDEX = (
    "The package index did not answer, so no newer release was found and no lesson was run: check "
    "the connection (or pip's proxy setting), then start again."
)
NOT_TRIED = 2
"""The exit code when no lesson was run; 1 is for cells that moved."""


class Wishes(NamedTuple):
    """What was asked for: the lessons (none: all), and where to keep the environment."""

    lessons: "tuple[str, ...]"
    keep: "Path | None"


def read_wishes(arguments: "Sequence[str]", project: Project = HERE) -> Wishes:
    """Read ``[--keep FOLDER] [NN ...]``; raises Trouble for anything else."""
    words, keep = list(arguments), None
    if "--keep" in words:
        at = words.index("--keep")
        if at + 1 == len(words):
            raise Trouble("`--keep` takes the folder for the environment, such as: --keep new", 2)
        keep = Path(words[at + 1]).absolute()
        del words[at : at + 2]
        if os.path.lexists(keep):
            raise Trouble(f"{keep} is there already: name a new folder after `--keep`.", 2)
    return Wishes(tuple(find_lesson(word, project).name for word in words), keep)


def try_newest(arguments: "Sequence[str]", tell: Teller, project: Project = HERE) -> int:
    """Run lessons on the newest releases; 0 if no cell moved, 1 if one did.

    Trouble, with code 2, if the environment cannot be made.
    """
    wishes = read_wishes(arguments, project)
    uv = uv_here(project)
    if uv is None:
        raise Trouble("`newest` needs uv: install it, or run the set-up, which fetches it.", 2)
    with _folder(wishes.keep) as folder:
        machine.must_fit(folder.parent)
        releases = Releases(uv, folder, tell, project)
        releases.install()
        for line in releases.report():
            print(line, flush=True)
        made = Environment(releases.python, folder, own=False)
        command = [str(made.python), "-m", "tests.newest", *wishes.lessons]
        return subprocess.run(
            command, cwd=project.root, env=made.variables(os.environ, project)
        ).returncode


@contextmanager
def _folder(keep: "Path | None") -> "Iterator[Path]":
    if keep:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "newest"


class Releases:
    """An environment with the newest releases that fit each other."""

    def __init__(self, uv: Path, folder: Path, tell: Teller, project: Project) -> None:
        self.uv, self.folder, self.tell, self.project = uv, folder, tell, project
        self.python = interpreter(folder)
        self.env = uv_variables([sys.executable, "-m", "pip"], clean(os.environ))

    def install(self) -> None:
        """Make it: without upper bounds, and with those of the project file if that fails."""
        self.tell.say("Making an environment of the newest releases …")
        made = self._uv("venv", "--python", sys.executable, str(self.folder))
        if made.code:
            raise Trouble(f"The environment could not be made: {_last(made)}", NOT_TRIED)
        bounded = requirements(root=self.project.root)
        test = requirements("test", self.project.root)
        compares = [need for need in test if re.split("[<>=]", need)[0] in COMPARES]
        first = self._add([*map(without_upper_bound, bounded), *compares])
        if first.code == 0:
            return
        if kind_of(first.output) == "network":
            raise Trouble(NO_INDEX, NOT_TRIED)
        self.tell.say("They do not fit each other. Trying within the bounds of pyproject.toml …")
        second = self._add([*bounded, *compares])
        if second.code:
            why = f"No set of releases fits, so no lesson was run; uv says: {_last(second)}"
            raise Trouble(why, NOT_TRIED)

    def report(self) -> "Iterator[str]":
        """What differs from the lock, and what there is but does not fit."""
        now = dict(line.split("==") for line in self._listed("freeze").splitlines() if "==" in line)
        lines = [f"  {name} {old} → {new}" for name, old, new in moved(locked(self.project), now)]
        yield f"{len(lines)} of {len(now)} packages are newer than their pins, or other ones:"
        yield from lines
        beyond = json.loads(self._listed("list", "--outdated", "--format", "json") or "[]")
        for one in beyond:
            yield (
                f"  {one['name']} {one['version']}: there is {one['latest_version']}, "
                "which does not fit the others"
            )

    def _add(self, needs: "list[str]") -> Finished:
        return self._uv("pip", "install", "--python", str(self.python), *needs)

    def _listed(self, *words: str) -> str:
        command = [str(self.uv), "pip", *words, "--python", str(self.python), "--quiet"]
        return subprocess.run(command, env=self.env, capture_output=True, text=True).stdout

    def _uv(self, *words: str) -> Finished:
        return self.tell.run([str(self.uv), *words], self.env, self.project.root)


def _last(ended: Finished) -> str:
    return " ".join(ended.output.split())[-400:] or "nothing"


def without_upper_bound(requirement: str) -> str:
    """A requirement that takes every later release.

    >>> without_upper_bound("psycopg[binary,pool]>=3.3,<4")
    'psycopg[binary,pool]>=3.3'
    >>> without_upper_bound("argon2-cffi-bindings<26")
    'argon2-cffi-bindings'
    """
    return re.sub(r",?\s*<=?[^,;]+", "", requirement)


def locked(project: Project) -> "dict[str, set[str]]":
    """The versions in both locks, by package: several where a marker splits it."""
    text = project.lock.read_text("utf-8") + project.test_lock.read_text("utf-8")
    return {name: set(re.findall(r"==([\w.!+]+)", entry)) for name, entry in pins(text).items()}


def moved(
    before: "Mapping[str, set[str]]", now: "Mapping[str, str]"
) -> "Iterator[tuple[str, str, str]]":
    """Each package that is not as pinned: its name, the pins (or *none*), its version."""
    for name in sorted(now):
        pinned = before.get(name, set())
        if now[name] not in pinned:
            yield name, " or ".join(sorted(pinned)) or "none", now[name]
