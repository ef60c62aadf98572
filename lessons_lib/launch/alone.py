"""One set-up at a time: a lock that the operating system drops when its holder dies."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = ".setup.lock"


@contextmanager
def alone(root: Path, waiting: "Callable[[], object]") -> "Iterator[None]":
    """Hold the set-up's lock on the folder ``root``; ``waiting`` is called once if one must wait.

    In a folder that cannot be written to there is nothing to set up and nothing to lock.
    """
    try:
        handle = os.open(root / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        if not _try_lock(handle):
            waiting()
            _lock(handle)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _lock(handle: int) -> None:
        # LK_LOCK itself tries for ten seconds, then raises.
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
                return
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLOCK):
                    raise

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # A file system without locks: go on rather than refuse.
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        return True

    def _lock(handle: int) -> None:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
