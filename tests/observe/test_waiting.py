"""The line for those who wait: only after a while, only for somebody, and wiped out at the end."""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import pytest

from lessons_lib.observe import measure
from lessons_lib.observe.pictures import waiting


class Screen(io.StringIO):
    """Standard error that tells when something was written; `tty` says whether a person looks."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty, self.written = tty, threading.Event()

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        done = super().write(text)
        self.written.set()
        return done


def shown(text: str) -> list[str]:
    """The words that stood on the line one after the other, the last one included."""
    return [line.strip() for line in text.split("\r")[1:]]


@pytest.fixture
def no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.001)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


@pytest.mark.usefixtures("no_notebook")
def test_it_is_written_over_and_wiped_out(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(tty=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with waiting.waiting("counting a long row") as tell:
        assert screen.written.wait(30)
        screen.written.clear()
        tell("done")
        assert screen.written.wait(30)
    words = shown(screen.getvalue())
    assert words[0].startswith("counting a long row … ")
    assert words[1].startswith("done … ")
    assert words[-2:] == ["", ""]
    assert "waiting" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.usefixtures("no_notebook")
def test_nothing_for_nobody_and_nothing_for_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Screen(tty=False)
    monkeypatch.setattr(sys, "stderr", pipe)
    with waiting.waiting("counting"):
        assert "waiting" not in {thread.name for thread in threading.enumerate()}
    short = Screen(tty=True)
    monkeypatch.setattr(sys, "stderr", short)
    monkeypatch.setattr(waiting, "PATIENCE", 60)
    measure(lambda: None)
    assert pipe.getvalue() == short.getvalue() == ""


@pytest.mark.usefixtures("no_notebook")
def test_it_ends_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(tty=True)
    monkeypatch.setattr(sys, "stderr", screen)

    def fails() -> None:
        assert screen.written.wait(30)
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        measure(fails)
    assert shown(screen.getvalue())[-1] == ""
    assert "waiting" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("may_ask", [True, False])
def test_in_a_kernel_somebody_waits_if_the_front_end_could_ask(
    may_ask: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kernel:
        def get_parent(self, channel: str) -> dict[str, Any]:
            return {"content": {"allow_stdin": may_ask}} if channel == "shell" else {}

    class Shell:
        kernel = Kernel()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    assert waiting.somebody_waits() is may_ask
