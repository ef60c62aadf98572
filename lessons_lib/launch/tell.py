"""Saying what is being done, and running other programs meanwhile."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO


class Finished(NamedTuple):
    """How a program ended and everything that it said."""

    code: int
    output: str


class Teller:
    """Tells the steps of the set-up, a line each; on a terminal also what a program said last."""

    def __init__(self, stream: "TextIO | None" = None) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.live = bool(getattr(self.stream, "isatty", lambda: False)())

    def say(self, line: str) -> None:
        """Say one line."""
        self.stream.write(line + "\n")
        self.stream.flush()

    def run(self, command: "Sequence[str | Path]", env: "Mapping[str, str]", cwd: Path) -> Finished:
        """Run a program to its end; Ctrl-C ends it before going on."""
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout is not None
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                self._in_passing("  " + line.strip()[:70])
            return Finished(process.wait(), "".join(said))
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            self._in_passing("")

    def _in_passing(self, words: str) -> None:
        """Say something that the next words take the place of."""
        if self.live:
            self.stream.write("\r\033[K" + words)
            self.stream.flush()
