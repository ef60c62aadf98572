"""Whether this machine can carry the course, asked before anything is made."""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from lessons_lib.launch.trouble import NEEDED_MB, Trouble, no_room, not_writable

MEGABYTE = 1_000_000


def misbuilt() -> str:
    """Say what about this Python, apart from its version, keeps the packages out; or nothing."""
    if platform.python_implementation() != "CPython":
        return f"This is {platform.python_implementation()}: the course is about CPython, use that."
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "This Python is free-threaded, and LangGraph has no build for it: use the usual one."
    if sys.maxsize < 2**32:
        return "This Python is a 32-bit one, and the packages have no build for it: use 64 bits."
    return ""


def has_module(name: str) -> bool:
    """Whether this Python has a module (Debian ships ``venv``, ``ensurepip`` and ``pip`` apart)."""
    return importlib.util.find_spec(name) is not None


def free_megabytes(folder: Path) -> int:
    """The room left on the disk that holds ``folder``."""
    return shutil.disk_usage(folder).free // MEGABYTE


def must_fit(folder: Path, needed_mb: int = NEEDED_MB) -> None:
    """Raise Trouble if an environment cannot be made in ``folder``."""
    problem = misbuilt()
    if problem:
        raise Trouble(problem, 2)
    if not os.access(folder, os.W_OK):
        raise not_writable(folder)
    free = free_megabytes(folder)
    if free < needed_mb:
        raise no_room(folder, free, needed_mb)


def headless(environ: "Mapping[str, str]" = os.environ, system: str = sys.platform) -> bool:
    """Whether there is no screen to open a browser on: CI, over ssh, or Linux with no display.

    >>> headless({"SSH_CONNECTION": "…"}, "darwin")
    True
    """
    if environ.get("CI") or environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return True
    return system == "linux" and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def browser_reads_files(system: str = sys.platform) -> bool:
    """Whether the browser can open a file in a hidden folder of the home.

    JupyterLab hands its browser such a file, so that the token stays off the command line. A
    browser from a snap may not read it, and one on the Windows side of WSL does not see it.
    """
    return not (
        system == "linux" and (Path("/snap").is_dir() or "microsoft" in platform.release().lower())
    )
