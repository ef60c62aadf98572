"""Lets pytest find the course's plugin wherever it is started, and keeps together what shares.

With `-n`, tests run in several processes. Those of one file share its kernel or its fixtures, and
those of the browser one server and one page: each such group goes to one process whole.
"""

import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ("tests.front_end",)

collect_ignore_glob = ["*/answers.py"]  # read and never imported

BROWSER = "tests/browser/"


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell runs the tests in the background, and tells them not to.

    What is ignored here would be ignored in every process that a test starts and interrupts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """Hand the tests out by file, those of the browser by folder, in the order of the folders.

    So what takes longest, the browser, begins first, and the lessons, all short, fill in the end.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER if nodeid.startswith(BROWSER) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)
