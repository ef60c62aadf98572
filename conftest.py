"""Lets pytest find the course's plugin wherever it is started, and keeps together what shares.

With `-n`, tests run in several processes. Those of one file share its kernel or its fixtures,
those of the browser one server and one page, and those that search all objects a process of their
own: each such group goes to one process whole.
"""

import os
import signal
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests import apart
from tests.observe.heap import new_things_alone as new_things_alone

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.quick_folder"]
if apart.TOLD_TO not in os.environ:
    pytest_plugins.append("tests.front_end")

collect_ignore_glob = ["*/answers.py"]  # read and never imported

BROWSER = "tests/browser/"
SLOWEST_FIRST = (
    BROWSER,
    *("tests/exam/", "tests/notebooks/", "tests/observe/test_h", "tests/setup/", "tests/site/"),
    *("notebooks/18", "notebooks/17", "tests/observe/"),
    *("tests/crash_lab/", "tests/memories/", "tests/database/", "tests/saver_exam/"),
    "notebooks/1",
)
"""What takes longest, first."""
ON_POSTGRES = (
    "notebooks/18_many_workers_one_memory.ipynb",
    "test_exercise_is_proven[18.",
    "test_what_a_lesson_starts_from_runs_alone[18]",
)
STARTS_POSTGRES = "= postgres()"
"""What a cell says that starts one, in a lesson that goes on without it."""


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C also where a shell runs the tests in the background, and tells them not to.

    What is ignored here would be ignored in every process that a test starts and interrupts.
    """
    config.pluginmanager.register(apart)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def examples_see_what_they_make(request: pytest.FixtureRequest) -> None:
    """An instrument's example looks around as in a new process, and not in all that pytest has."""
    if isinstance(request.node, pytest.DoctestItem) and "observe" in request.node.nodeid:
        request.getfixturevalue("new_things_alone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest."""
    ranks = [*SLOWEST_FIRST, ""]
    items.sort(key=lambda item: next(n for n, at in enumerate(ranks) if item.nodeid.startswith(at)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """Hand the tests out by file; those of the browser together, and those that are run apart."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # by their number: it says little of their seconds

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(apart.APART):
                return apart.APART[0]
            return BROWSER if nodeid.startswith(BROWSER) else nodeid.partition("::")[0]

    return ByFile(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what stands on Postgres where none can be started, in the words that a reader gets."""
    stands_on_it = any(name in item.nodeid for name in ON_POSTGRES)
    starts_it = STARTS_POSTGRES in getattr(item, "cell", {}).get("source", "")
    if (stands_on_it or starts_it) and (why := _no_postgres()):
        pytest.skip(why)


@cache
def _no_postgres() -> str:
    from lessons_lib.database import NoPostgres, postgres

    try:
        postgres()
    except NoPostgres as error:
        return str(error)
    return ""
