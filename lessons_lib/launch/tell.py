"""Saying what is being done and how far it is, and running other programs meanwhile."""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

Watch = Callable[[str], str]
TICK = 0.25
QUIET_TICK = 5.0


class Finished(NamedTuple):
    """How a program ended and everything that it said."""

    code: int
    output: str


def nothing(_line: str) -> str:
    """Watch a program that says nothing about how far it is."""
    return ""


class Teller:
    """Tells the steps of the set-up: one line each, rewritten in place on a terminal."""

    def __init__(self, stream: "TextIO | None" = None, steps: int = 0) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.steps = steps
        self.step_number = 0
        self.live = bool(getattr(self.stream, "isatty", lambda: False)())

    def say(self, line: str) -> None:
        """Say one line."""
        self.stream.write(line + "\n")
        self.stream.flush()

    def step(self, what: str) -> str:
        """Begin the next step; returns its line, such as ``[2/5] Fetching uv``."""
        self.step_number += 1
        line = f"[{self.step_number}/{self.steps}] {what}"
        self._show(line, "", 0.0)
        return line

    def done(self, line: str, seconds: float) -> None:
        """End a step that was begun."""
        if self.live:
            self.stream.write("\r\033[K")
            self.say(f"{line} · {seconds:.0f} s")

    def _show(self, line: str, far: str, seconds: float) -> None:
        """Say how far a step is: in place on a terminal, as a line of its own elsewhere."""
        parts = [line] + ([far] if far else []) + ([f"{seconds:.0f} s"] if seconds >= 1 else [])
        text = " · ".join(parts)
        if self.live:
            self.stream.write("\r\033[K" + text[:100])
            self.stream.flush()
        else:
            self.say(text)

    def run(
        self,
        command: "Sequence[str | Path]",
        line: str,
        env: "Mapping[str, str] | None" = None,
        cwd: "Path | None" = None,
        watch: Watch = nothing,
    ) -> Finished:
        """Run a program to its end, saying how far it is; Ctrl-C ends it before going on."""
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
        )
        try:
            output = self._follow(process, line, began, watch)
        except BaseException:
            process.kill()
            process.wait()
            raise
        self.done(line, time.monotonic() - began)
        return Finished(process.wait(), output)

    def _follow(
        self, process: "subprocess.Popen[str]", line: str, began: float, watch: Watch
    ) -> str:
        """Collect what a program says until it closes its output."""
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_drain, args=(process, lines), daemon=True).start()
        said: list[str] = []
        far, shown = "", began
        tick = TICK if self.live else QUIET_TICK
        while True:
            try:
                heard = lines.get(timeout=tick)
            except queue.Empty:
                heard = ""
            if heard is None:
                return "".join(said)
            said.append(heard)
            far = watch(heard) or far
            now = time.monotonic()
            if now - shown >= tick:
                self._show(line, far, now - began)
                shown = now


def _drain(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    """Hand a program's lines over, then ``None``."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


class PackageCount:
    """Reads from an installer's lines how many of ``total`` packages it has dealt with."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = 0

    def __call__(self, line: str) -> str:
        """The word on how far it is, or nothing if this line does not change it.

        >>> count = PackageCount(2)
        >>> count("Collecting six==1.17.0")
        'found 1 of 2'
        """
        first = line.split(" ", 1)[0]
        if first in ("Collecting", "Requirement"):
            self.seen += 1
            return f"found {min(self.seen, self.total)} of {self.total}"
        if line.startswith("Installing collected"):
            return "putting them in place"
        if line.startswith("Prepared"):
            return f"fetched all {self.total}"
        if line.strip().startswith(("Downloading", "Downloaded")):
            return line.strip()[:60].lower()
        return ""
