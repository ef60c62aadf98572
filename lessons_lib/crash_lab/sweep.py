"""Sweep up after a process that was killed; the forkserver imports this.

A kernel that is killed removes nothing. The process that its children are forked from outlives it
until the last child has ended: then nobody needs their folders any more.
"""

from __future__ import annotations

import atexit
import os
import shutil
import time
from multiprocessing import forkserver
from pathlib import Path

_PARENT = os.getppid()
_PATIENCE = 10.0  # seconds from a parent's last closed file to its end, on a very slow machine


@atexit.register
def sweep() -> None:
    """Remove the folder of this forkserver's socket, where the experiments' folders lie too."""
    server = forkserver._forkserver
    address = getattr(server, "_forkserver_address", None)  # private: it may go one day
    if address is None or getattr(server, "_forkserver_alive_fd", None) is not None:
        return  # this process is no forkserver
    until = time.monotonic() + _PATIENCE
    while os.getppid() == _PARENT and time.monotonic() < until:
        time.sleep(0.002)
    if os.getppid() != _PARENT:
        shutil.rmtree(Path(address).parent, ignore_errors=True)
