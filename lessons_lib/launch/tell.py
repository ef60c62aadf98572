"""Saying what is being done, and running other programs meanwhile."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Finished(NamedTuple):
    """How a program ended and everything that it said."""

    code: int
    output: str


def say(line: str) -> None:
    """Tell a step of the set-up; what the course itself puts out is not mixed with it."""
    print(line, file=sys.stderr, flush=True)


def run(command: "Sequence[str]", env: "Mapping[str, str]", cwd: Path) -> Finished:
    """Run a program to its end; Ctrl-C ends it before going on.

    On a terminal, what it said last is shown in passing.
    """
    said = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said.append(line)
                _in_passing("  " + line.strip()[:70])
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            _in_passing("")
    return Finished(process.returncode, "".join(said))


def _in_passing(words: str) -> None:
    """Say something that the next words take the place of."""
    if sys.stderr.isatty():
        print("\r\033[K" + words, end="", file=sys.stderr, flush=True)
