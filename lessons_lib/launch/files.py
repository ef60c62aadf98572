"""Files that a kill at any moment leaves whole, and a lock that goes with its holder."""

import errno
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lessons_lib.launch.tell import say

LOCK = ".setup.lock"
_AGAIN = 0.1
"""Seconds until a lock that another holds is tried once more: no system waits for one alike."""


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that others see the old bytes or the new ones, never a part."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def sweep(folder: Path) -> None:
    """Remove what a killed ``write_whole`` left behind."""
    for aside in folder.glob(".*.aside"):
        with suppress(OSError):
            aside.unlink()


@contextmanager
def alone(root: Path) -> "Iterator[None]":
    """Hold the set-up's lock on the folder ``root``, and say so if another has to be waited for.

    The operating system drops the lock when its holder dies. In a folder that cannot be written to
    there is nothing to set up and nothing to lock.
    """
    try:
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        if not _lock(handle):
            say("Another set-up is at work here: waiting for it.")
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
