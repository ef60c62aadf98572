"""What the checks that kill processes share: errors of the reader's code, told as feedback."""

from lessons_lib.memories import Crash
from lessons_lib.teach.model import NotYet


def say_if_failed(report: Crash) -> None:
    """Raise NotYet when a life of the report ended in an error of the reader's code."""
    for life in report.lives:
        if life.error or life.ended.startswith("raised"):
            raise NotYet(f"a process {life.ended}. {life.error}".strip())
