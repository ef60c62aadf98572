"""A line that says how far long work has come, for somebody who waits, and only for them.

It is written to standard error after two seconds and wiped out at the end. In a pipe, in a test or
in a notebook that a command executes nobody waits: nothing is written, so nothing is stored.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

PATIENCE = 2.0
"""Seconds before the first word."""


def somebody_waits() -> bool:
    """Whether a person follows what is written: at a terminal, or in a notebook's front end."""
    from_notebook = sys.modules.get("IPython")
    shell = from_notebook.get_ipython() if from_notebook else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        # A front end can ask its reader for input; a command that executes notebooks cannot.
        return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))
    return bool(sys.stderr and sys.stderr.isatty())


@contextmanager
def waiting(about: str) -> Iterator[Callable[[str], None]]:
    """Tell those who wait how long it has been; the function given tells what is being done now.

    >>> with waiting("counting") as tell:
    ...     tell("up to ten")
    ...     sum(range(10))
    45
    """
    line = _Line(about)
    if not somebody_waits():
        yield line.tell
        return
    clock = threading.Thread(target=line.run, name="waiting", daemon=True)
    clock.start()
    try:
        yield line.tell
    finally:
        line.done.set()
        clock.join()


class _Line:
    """One line of text, renewed every half second until the work is done."""

    def __init__(self, about: str) -> None:
        self.about = about
        self.done = threading.Event()
        self.started = monotonic()
        self.shown = 0

    def tell(self, about: str) -> None:
        self.about = about

    def run(self) -> None:
        pause = PATIENCE
        while not self.done.wait(pause):
            self.write(f"{self.about} … {monotonic() - self.started:.0f} s")
            pause = 0.5
        if self.shown:
            self.write("")

    def write(self, words: str) -> None:
        """Over what stands there: go back, write, blank out the rest, go back again."""
        rest = " " * max(0, self.shown - len(words))
        sys.stderr.write(f"\r{words}{rest}" + ("" if words else "\r"))
        sys.stderr.flush()
        self.shown = len(words)
