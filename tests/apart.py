"""A pytest plugin: tests that search all objects run in a process that has few.

With `-n`, each process has collected every file of the tests, and holds what all of them import. A
search through all objects then takes four times as long as in a new process, and there are hundreds
of searches; and what other tests have left running, a pool's threads say, is there to be found. So
the tests of `APART` are run by a second pytest, started for them, which tells of each as it ends;
what it says is passed on as if the test had run here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

APART = tuple(
    f"tests/observe/test_{name}.py"
    for name in (
        *("holders", "leaks", "odd_objects", "references", "running_threads", "stepper"),
        "whereabouts",
    )
)
TOLD_TO = "TESTS_APART_TOLD_TO"
"""In the second process: the number of the pipe to which it tells of its tests."""
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
_other = pytest.StashKey["Apart"]()


class Apart:
    """A pytest in a process of its own, which runs some tests in turn.

    `more` are arguments for it beside the tests.
    """

    def __init__(
        self, config: pytest.Config, tests: list[str], folder: Path, more: Sequence[str] = ()
    ) -> None:
        self.config = config
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        reads, writes = os.pipe()
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as names:
            names.write("\n".join(tests))
        self.names = names.name
        self.process = subprocess.Popen(
            [*_PYTEST, *more, f"@{self.names}"],
            cwd=folder,
            env=_environment() | {TOLD_TO: str(writes)},
            pass_fds=(writes,),
            stdout=self.said,
            stderr=subprocess.STDOUT,
        )
        os.close(writes)
        self.told: IO[str] = os.fdopen(reads, encoding="utf-8")

    def reports(self, test: str) -> Iterator[pytest.TestReport]:
        """What came of a test: its set-up, its call, its end. Waits until it has run."""
        for line in self.told:
            report = self.config.hook.pytest_report_from_serializable(
                config=self.config, data=json.loads(line)
            )
            if report.nodeid == test:
                yield report
                if report.when == "teardown":
                    return
        yield self._lost(test)

    def _lost(self, test: str) -> pytest.TestReport:
        """The failure of a test of which nothing more was heard."""
        self.process.wait()
        self.said.seek(0)
        said = f"the process of tests apart ended, and said:\n{self.said.read()[-4000:]}"
        return pytest.TestReport(test, (test, None, test), {}, "failed", said, "call")

    def end(self) -> None:
        """End the process, if it is still at work."""
        self.process.kill()
        self.process.wait()
        self.told.close()
        self.said.close()
        os.unlink(self.names)


def _environment() -> dict[str, str]:
    """This process's own, without what marks it as one of several."""
    given = os.environ.items()
    return {name: value for name, value in given if not name.startswith("PYTEST_XDIST")}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Have a test of `APART` run where there are few objects; others run as ever."""
    if not (hasattr(item.config, "workerinput") and _is_apart(item) and os.name == "posix"):
        return None
    stash = item.config.stash
    if _other not in stash:
        tests = [one.nodeid for one in item.session.items if _is_apart(one)]
        stash[_other] = Apart(item.config, tests, item.config.rootpath, ["-n", "0"])
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in stash[_other].reports(item.nodeid):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # What the test before this one left set up for it; pytest has no public way to say so.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _is_apart(item: pytest.Item) -> bool:
    return item.nodeid.startswith(APART)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the second process with this one."""
    if (other := config.stash.get(_other, None)) is not None:
        other.end()


class Teller:
    """In the second process: tells of each test as it ends."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.pipe = os.fdopen(int(os.environ[TOLD_TO]), "w", encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a report as one line."""
        data: Any = self.config.hook.pytest_report_to_serializable(
            config=self.config, report=report
        )
        print(json.dumps(data), file=self.pipe, flush=True)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to tell, in the second process."""
    if TOLD_TO in os.environ:
        config.pluginmanager.register(Teller(config))
