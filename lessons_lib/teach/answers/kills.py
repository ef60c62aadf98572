"""What the checks that kill processes share: lives that are looked at, and errors as feedback."""

from collections.abc import Callable
from pathlib import Path

from lessons_lib.memories import Crash
from lessons_lib.memories.crash_lab.crossing import pack
from lessons_lib.memories.crash_lab.report import Life
from lessons_lib.memories.crash_lab.watch import Gate, lived
from lessons_lib.teach.model import NotYet

_TIMEOUT = 30.0


def one_life(first: Callable[[Path], object], folder: Path, at: str = "", nth: int = 1) -> Life:
    """Run `first(folder)` in a process that is killed at a moment, or once it has returned.

    For checks that read themselves what the dead process left: no second one has to be started.
    Raises NotYet when the life ended in an error of the reader's code.
    """
    gate = Gate((at,), nth=nth) if at else Gate(at_return=True)
    life = lived(pack(first), folder, gate, _TIMEOUT, ())
    say_if_failed(Crash((life,)))
    return life


def say_if_failed(report: Crash) -> None:
    """Raise NotYet when a life of the report ended in an error of the reader's code."""
    for life in report.lives:
        if life.error or life.ended.startswith("raised"):
            raise NotYet(f"a process {life.ended}. {life.error}".strip())
