"""One set-up at a time: a lock that the operating system drops when its holder dies."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".setup.lock"
_AGAIN = 0.1
"""Seconds until a lock that another holds is tried once more: no system waits for one alike."""


@contextmanager
def alone(root: Path, waiting: "Callable[[], object]" = lambda: None) -> "Iterator[None]":
    """Hold the set-up's lock on the folder ``root``; ``waiting`` is called once if one must wait.

    In a folder that cannot be written to there is nothing to set up and nothing to lock.
    """
    try:
        handle = os.open(root / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        if not _lock(handle):
            waiting()
            while not _lock(handle):
                time.sleep(_AGAIN)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Take the lock if nobody has it; a file system without locks is gone on with."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLOCK)
    return True
