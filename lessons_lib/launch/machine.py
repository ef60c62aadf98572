"""Whether this machine can carry the course, asked before anything is made."""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from lessons_lib.launch.trouble import NEEDED_MB, Trouble, of_kind


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
    return shutil.disk_usage(folder).free // 1_000_000


def must_fit(folder: Path, needed_mb: int = NEEDED_MB) -> None:
    """Raise Trouble if an environment cannot be made in ``folder``."""
    problem = misbuilt()
    if problem:
        raise Trouble(problem, 2)
    if not os.access(folder, os.W_OK):
        raise of_kind("write", folder)
    free = free_megabytes(folder)
    if free < needed_mb:
        raise of_kind("room", folder, f": {free} MB are free", needed_mb)
