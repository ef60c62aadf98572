"""Run lessons on the newest releases of their packages: which moved, and which cells with them?

    python -m tests.newest                     # every lesson
    python -m tests.newest 09 12               # these
    python -m tests.newest --keep FOLDER 09    # and keep the environment

The upper bounds of the project file are lifted: what a release beyond them breaks is the question.
The environment is made apart and removed again. Each lesson is held against its stored outputs,
two at once. The exit code is 0 if no cell moved, 1 if one did, 2 if no lesson was run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lessons_lib.launch import machine, tell
from lessons_lib.launch.environment import Environment, clean, uv_here, uv_variables
from lessons_lib.launch.lock import pins
from lessons_lib.launch.project import HERE, interpreter, requirements
from lessons_lib.launch.trouble import Trouble, kind_of
from tests.again import AT_ONCE, lesson, run, told
from tests.project import ROOT, notebooks

NOT_TRIED = 2
COMPARES = ("pytest", "nbval")
"""What runs the lessons and compares; these keep their bounds, as no reader has them."""
NO_INDEX = (
    "The package index did not answer, so no newer release was found and no lesson was run: check "
    "the connection (or pip's proxy setting), then start again."
)


class Releases:
    """An environment of the newest releases that fit each other."""

    def __init__(self, folder: Path) -> None:
        uv = uv_here()
        if uv is None:
            needed = "`newest` needs uv: install it, or run the set-up, which fetches it."
            raise Trouble(needed, NOT_TRIED)
        self.uv, self.folder, self.python = str(uv), folder, interpreter(folder)
        self.env = uv_variables([sys.executable, "-m", "pip"], clean(os.environ))

    def install(self) -> None:
        """Make it, with the course's requirements but for their upper bounds."""
        machine.must_fit(self.folder.parent)
        tell.say("Making an environment of the newest releases …")
        course = [without_upper_bound(need) for need in requirements()]
        compares = [one for one in requirements("test") if re.split("[<>=]", one)[0] in COMPARES]
        for words in (
            ["venv", "--python", sys.executable, str(self.folder)],
            ["pip", "install", "--python", str(self.python), *course, *compares],
        ):
            ended = tell.run([self.uv, *words], self.env, ROOT)
            if ended.code and kind_of(ended.output) == "network":
                raise Trouble(NO_INDEX, NOT_TRIED)
            if ended.code:
                why = " ".join(ended.output.split())[-400:] or "nothing"
                raise Trouble(f"No set of releases fits, and no lesson was run: {why}", NOT_TRIED)

    def report(self) -> Iterator[str]:
        """What differs from the lock, and what there is but does not fit."""
        pinned, now = locked(), {one["name"]: one["version"] for one in self._listed()}
        other = [name for name in sorted(now) if now[name] not in pinned.get(name, ())]
        yield f"{len(other)} of {len(now)} packages are newer than their pins, or other ones:"
        for name in other:
            yield f"  {name} {' or '.join(sorted(pinned.get(name, ['none'])))} → {now[name]}"
        for one in self._listed("--outdated"):
            newest = f"there is {one['latest_version']}, which does not fit the others"
            yield f"  {one['name']} {one['version']}: {newest}"

    def _listed(self, *which: str) -> list[dict[str, str]]:
        command = [self.uv, "pip", "list", "--python", str(self.python), "--quiet", *which]
        command += ["--format", "json"]
        listed = subprocess.run(command, env=self.env, capture_output=True, text=True).stdout
        packages: list[dict[str, str]] = json.loads(listed or "[]")
        return packages


def without_upper_bound(requirement: str) -> str:
    """A requirement that takes every later release.

    >>> without_upper_bound("psycopg[binary,pool]>=3.3,<4")
    'psycopg[binary,pool]>=3.3'
    >>> without_upper_bound("argon2-cffi-bindings<26")
    'argon2-cffi-bindings'
    """
    return re.sub(r",?\s*<=?[^,;]+", "", requirement)


def locked() -> dict[str, set[str]]:
    """The versions in both locks, by package: several where a marker splits it."""
    text = HERE.lock.read_text("utf-8") + HERE.test_lock.read_text("utf-8")
    return {name: set(re.findall(r"==([\w.!+]+)", entry)) for name, entry in pins(text).items()}


def compare(python: Path, lessons: Sequence[Path]) -> int:
    """Run the lessons and tell of each what moved; how many are not the same."""
    print(f"Running {len(lessons)} lessons, {AT_ONCE} at once …", flush=True)
    env = Environment(python, python.parents[1], own=False).variables(os.environ)
    # Running it again in one kernel is a matter of the lesson, and not of a release.
    once = partial(run, python=python, more=["-k", "not again"], env=env)
    differed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for lesson, found in zip(lessons, pool.map(once, lessons), strict=True):
            differed += bool(found)
            print(f"{lesson.stem:32}{'not the same' if found else 'the same'}", flush=True)
            print(told(found), end="\n" if found else "", flush=True)
    print(f"{len(lessons) - differed} of {len(lessons)} lessons are the same.")
    return differed


def _new_folder(word: str) -> Path:
    if os.path.lexists(word):
        raise argparse.ArgumentTypeError(f"{word} is there already: name a new folder")
    return Path(word).absolute()


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the environment, say which packages moved, and run the lessons named, or all."""
    parser = argparse.ArgumentParser(prog="python3 -m lessons_lib newest")
    parser.add_argument(
        "--keep", type=_new_folder, metavar="FOLDER", help="keep the environment there"
    )
    parser.add_argument("lessons", nargs="*", type=lesson, help="such as 09 (default: all)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True) as folder:
        try:
            releases = Releases(options.keep or Path(folder) / "newest")
            releases.install()
        except Trouble as trouble:
            print(trouble, file=sys.stderr)
            return NOT_TRIED
        for line in releases.report():
            print(line, flush=True)
        return 1 if compare(releases.python, options.lessons or notebooks()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
