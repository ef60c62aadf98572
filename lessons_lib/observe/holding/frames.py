"""Frames: who is running, and the local variables of each, read without leaving a trace."""

from __future__ import annotations

import ctypes
import sys
import threading
import types
from collections.abc import Iterator
from traceback import walk_tb

_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
READS_RUNNING = sys.version_info >= (3, 13) and _GIL
"""Whether the locals of a frame that another thread is running can be read.

Up to CPython 3.12 to read them is to write them: what a thread does between the two is undone.
"""


def stack_of(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """A frame and those that called it."""
    # Not `traceback.walk_stack`: that takes None for the frame of who asks.
    while frame is not None:
        yield frame
        frame = frame.f_back


def frames_of(traceback: types.TracebackType | None) -> list[types.FrameType]:
    """The frames a traceback keeps, from the one that caught to the one that raised."""
    return list(dict.fromkeys(frame for frame, _ in walk_tb(traceback)))


def running_elsewhere() -> list[list[types.FrameType]]:
    """The frames of all other threads, a list for each thread."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]  # a function that held its own frame would be a cycle
    return [list(stack_of(frame)) for frame in frames.values()]


def _runs_elsewhere(frame: types.FrameType) -> bool:
    if any(own is frame for own in stack_of(sys._getframe())):
        return False
    return any(other is frame for stack in running_elsewhere() for other in stack)


if sys.version_info < (3, 13):
    _write_back = ctypes.PYFUNCTYPE(None, ctypes.py_object, ctypes.c_int)(
        ("PyFrame_LocalsToFast", ctypes.pythonapi)
    )


def frame_locals(frame: types.FrameType) -> dict[str, object]:
    """The local variables of a frame; {} where another thread runs it and `READS_RUNNING` is false.

    Up to CPython 3.12 a function's `f_locals` is a dictionary that stays with the frame and so
    keeps every value alive. It is emptied again here, once the frame was told that nothing in it is
    to be written back. From 3.13 on it is a view (PEP 667).
    """
    if not READS_RUNNING and _runs_elsewhere(frame):
        return {}
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & 1:  # not a function's
        return dict(frame.f_locals)
    # To tell it that is to write back. In one expression, so that no other thread comes between
    # and loses what it did to a variable they share.
    seen, _ = frame.f_locals, _write_back(frame, 0)
    found = dict(seen)
    if sys.getrefcount(seen) <= _ALONE:
        seen.clear()
    return found


_ALONE = 3  # the frame, this function's variable, getrefcount's argument: nobody else has it
