"""Lets pytest find the course's plugins wherever it is started, for a single notebook too."""

import signal

pytest_plugins = ("tests.front_end", "tests.side_by_side")
collect_ignore_glob = ["*/answers.py"]  # read and never imported


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell runs the tests in the background, and tells them not to.

    What is ignored here would be ignored in every process that a test starts and interrupts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
