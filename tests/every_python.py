"""Run the test command on every other CPython of this machine, each in a fresh copy of the course.

    python -m tests.every_python            # all versions but this one
    python -m tests.every_python 3.12       # these

A copy is what a reader with that Python would have: it is set up by the same command, from nothing.
The browser and the set-up itself are tested once, on the first Python, and left out here.
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

from tests.project import ROOT, relative, tracked_files

OLDEST, NEWEST = (3, 11), (3, 14)
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
    minors = range(OLDEST[1], NEWEST[1] + 1)
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


def ask(path: Path) -> Interpreter | None:
    """What an interpreter says of itself; nothing when it is none that the course runs on."""
    try:
        said = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, timeout=20, check=True)
        version, kind, free_threaded, in_venv = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    fits = OLDEST <= tuple(version[:2]) <= NEWEST
    if not fits or kind != "cpython" or free_threaded or in_venv:
        return None
    return Interpreter((version[0], version[1], version[2]), path)


def newest_of_each(found: Iterable[Interpreter]) -> list[Interpreter]:
    """The newest interpreter of each minor version, in order."""
    newest = {interpreter.version[:2]: interpreter for interpreter in sorted(found)}
    return list(newest.values())


def verify(interpreter: Interpreter) -> bool:
    """Copy the course, run its test command, print one closing line; whether all passed."""
    print(f"{interpreter!s:8} {interpreter.path}", flush=True)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True) as folder:
        code, said = _run(interpreter, _copy(Path(folder) / "course"))
    seconds = time.perf_counter() - started
    closing = _CLOSING.findall(said)
    if code:
        print(said[-6000:])
    word = "ok" if code == 0 else f"FAILED ({code})"
    last = closing[-1].strip("= ") if closing else "the tests did not run"
    print(f"{interpreter!s:8} {word}: {last}; {seconds:.0f} s with its set-up", flush=True)
    return code == 0


def _copy(folder: Path) -> Path:
    for path in tracked_files():
        target = folder / relative(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def _run(interpreter: Interpreter, folder: Path) -> tuple[int, str]:
    ignored = [f"--ignore={name}" for name in LEFT_OUT]
    command = [str(interpreter.path), "-m", "lessons_lib", "test", "-q", *ignored]
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
    found = newest_of_each(filter(None, map(ask, candidates())))
    chosen = [one for one in found if _is_wanted(one, wanted)]
    if not chosen:
        print(f"No other CPython from 3.{OLDEST[1]} to 3.{NEWEST[1]} was found here.")
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
