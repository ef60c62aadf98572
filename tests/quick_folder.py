"""A pytest plugin: temporary folders lie in memory, where the machine has a folder there.

Nothing that is proven here stands on a disk: a killed process loses nothing that it has written,
whether that has reached the disk or not. But every commit waits for the disk, and there are tens of
thousands. Set `TMPDIR` to have the folders elsewhere, and to keep those of tests that fail.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from multiprocessing import util
from pathlib import Path

import psutil
import pytest

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that have to be free there, and of the machine's memory."""
NAME = "lessons-tests-"


def fits(folder: Path, room: int = ROOM) -> bool:
    """Whether a folder has room, and lets programs run, as a database's have to."""
    if not folder.is_dir() or psutil.virtual_memory().available < room:
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= room and not found.f_flag & os.ST_NOEXEC


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Have this process, and those that it starts, make their temporary folders in memory."""
    if "TMPDIR" in os.environ or not fits(MEMORY):
        return
    _sweep()
    folder = MEMORY / f"{NAME}{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o755)  # a database that root starts is run by somebody else
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # Last of all: multiprocessing has a folder there, too, and removes it at -100.
    util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)


def _sweep() -> None:
    """Remove what a run that was killed has left."""
    for folder in MEMORY.glob(f"{NAME}*"):
        try:
            os.kill(int(folder.name.removeprefix(NAME)), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:  # it runs, and is somebody else's
            pass
