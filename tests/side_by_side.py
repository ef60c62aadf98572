"""A pytest plugin: what waits for kernels, browsers and installers runs in processes of its own.

They run beside the rest, in lanes: on two cores the whole suite takes half the time, since so much
of it is waiting. Each file stays in one process,
in its own order, so that a notebook keeps its kernel; the reports come back and are counted and
shown as if all had run here. One process does it all when there is nothing to gain (`pytest -x`,
`--pdb`, `-s`, a single file) or with ``--one-process``.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT

LANES = (
    (ROOT / "notebooks",),
    (ROOT / "tests" / "browser", ROOT / "tests" / "setup"),
    (ROOT / "tests" / "memories",),
    (ROOT / "tests" / "notebooks",),
)
"""The folders that run beside the rest, a process for each lane."""
_REPORTS = "TESTS_SIDE_BY_SIDE"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that keeps everything in one process."""
    parser.addoption("--one-process", action="store_true", help="run no tests side by side")


def pytest_configure(config: pytest.Config) -> None:
    """Take the side that this process is on."""
    reports = os.environ.pop(_REPORTS, "")
    if reports:
        config.pluginmanager.register(Second(config, reports), "second-process")
    elif not config.getoption("one_process"):
        config.pluginmanager.register(First(), "first-process")


def worth_it(session: pytest.Session) -> bool:
    """Whether a second process gains anything and takes nothing away."""
    option = session.config.option
    watched = option.usepdb or option.maxfail or option.capture == "no" or option.collectonly
    beside = [item for item in session.items if lane(item) is not None]
    return not watched and 0 < len(beside) < len(session.items) and (os.cpu_count() or 1) > 1


def lane(item: pytest.Item) -> int | None:
    """The number of the lane that a test runs in; None when it runs in the first process."""
    for number, folders in enumerate(LANES):
        if any(item.path.is_relative_to(folder) for folder in folders):
            return number
    return None


class First:
    """The process that was started by hand: hands some tests over, and shows all reports."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run the rest here while the second process runs what was handed over."""
        if session.testsfailed or not worth_it(session):
            return (yield)
        everything = session.items
        lanes = [[item for item in everything if lane(item) == n] for n in range(len(LANES))]
        others = [Handed(session.config, items) for items in lanes if items]
        session.items = [item for item in everything if lane(item) is None]
        try:
            result = yield
            for other in others:
                other.show()
        finally:
            session.items = everything
            for other in others:
                other.stop()
        return result


class Handed:
    """The tests that run in the second process, and what it says of them.

    It says so into a file, read once it has ended: a thread that listened meanwhile would allocate
    in this process, where other tests are watching every allocation.
    """

    def __init__(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.config = config
        self.waiting = {item.nodeid: item for item in items}
        self.folder = tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True)
        self.said, self.output = self._file("said"), self._file("output")
        self.list = self._file("tests")
        self.list.write_text("\n".join(self.waiting), encoding="utf-8")
        self.process = self._start()

    def _file(self, name: str) -> Path:
        path = Path(self.folder.name, name)
        path.touch()
        return path

    def _start(self) -> subprocess.Popen[bytes]:
        colour = "--color=yes" if self.config.get_terminal_writer().hasmarkup else "--color=no"
        with self.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "pytest", f"@{self.list}", "-p", "no:cacheprovider", colour],
                cwd=self.config.rootpath,
                env=os.environ | {_REPORTS: str(self.said)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def show(self) -> None:
        """Wait for the second process and show its reports; what never came is a failure."""
        self.process.wait()
        with self.said.open("rb") as said, suppress(EOFError, pickle.UnpicklingError):
            while True:
                self._show(*pickle.load(said))
        for item in self.waiting.values():
            self._show("report", _missing(item, self.output.read_bytes()))

    def _show(self, kind: str, data: Any) -> None:
        """Pass one message on, as pytest does for a test that ran here."""
        hook = self.config.hook
        if kind == "report":
            report = hook.pytest_report_from_serializable(config=self.config, data=data)
            hook.pytest_runtest_logreport(report=report)
        elif kind == "logstart":
            hook.pytest_runtest_logstart(nodeid=data[0], location=data[1])
        else:
            self.waiting.pop(data[0], None)
            hook.pytest_runtest_logfinish(nodeid=data[0], location=data[1])

    def stop(self) -> None:
        """End the second process if it is still there, and tidy up."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.folder.cleanup()


def _missing(item: pytest.Item, output: bytes) -> dict[str, Any]:
    """The report of a test of which nothing was heard."""
    words = output.decode("utf-8", errors="replace")[-3000:]
    return {
        "$report_type": "TestReport",
        "nodeid": item.nodeid,
        "location": item.location,
        "keywords": {},
        "outcome": "failed",
        "longrepr": f"the second process ended before this test did; it said:\n{words}",
        "when": "call",
        "user_properties": [],
        "sections": [],
        "duration": 0.0,
    }


class Second:
    """The process that was handed some tests: writes every report down."""

    def __init__(self, config: pytest.Config, reports: str) -> None:
        self.config = config
        self.reports = Path(reports)

    def _say(self, *message: Any) -> None:
        # Not JSON: it would make lists of the tuples that a report is full of.
        with self.reports.open("ab") as file:
            pickle.dump(message, file)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Write down the beginning of a test."""
        self._say("logstart", [nodeid, location])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down a report."""
        hook = self.config.hook
        self._say("report", hook.pytest_report_to_serializable(config=self.config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Write down the end of a test."""
        self._say("logfinish", [nodeid, location])
