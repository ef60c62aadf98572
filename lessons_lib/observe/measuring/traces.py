"""What we take from inside CPython's `tracemalloc`, since its public side does not give it.

The public `get_object_traceback` and `take_snapshot` make objects of their own of each stack, which
take time and are traced too. Nothing public says where an object of 3.11 with attributes begins, or
gives a trace to a list whose memory is older than the trace. All of it stands in this file; a test
in `tests/observe/test_meter.py` says which part has moved, on the day when one does.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from _tracemalloc import _get_object_traceback, _get_traces
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from operator import call
from types import BuiltinMethodType, MethodType
from typing import Any

Stack = Sequence[tuple[str, int]]
"""File and line of each frame, the innermost first."""

_POINTER = ctypes.sizeof(ctypes.c_void_p)
_attributes_at = type.__dict__["__dictoffset__"].__get__
_track = ctypes.pythonapi.PyTraceMalloc_Track
_track.argtypes = (ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t)
if sys.version_info < (3, 12):
    _look_up = ctypes.pythonapi._PyTraceMalloc_GetTraceback
    _look_up.argtypes, _look_up.restype = (ctypes.c_uint, ctypes.c_size_t), ctypes.py_object


def stacks_of(things: list[object]) -> Iterable[Stack | None]:
    """For each object the stack that made it, and None where no trace is known."""
    stacks: Iterable[Stack | None] = map(_get_object_traceback, things)
    return map(_stack_on_3_11, things, stacks) if sys.version_info < (3, 12) else stacks


def _stack_on_3_11(thing: object, found: Stack | None) -> Stack | None:
    """3.11 looks for an instance with attributes in a wrong place: two pointers stand before it."""
    if found is not None or _attributes_at(type(thing)) >= 0:
        return found
    stack: Stack | None = _look_up(0, id(thing) - 4 * _POINTER)
    return stack


def traces() -> list[tuple[Any, ...]]:
    """What is traced: of each piece of memory the domain, the bytes and the stack."""
    found: Any = _get_traces()
    _give_trace(found)  # from 3.14 on this list alone would bear no trace
    return found  # type: ignore[no-any-return]


def trace_older_memory() -> None:
    """Give the lists and methods that are there a trace too.

    Python keeps the memory of freed lists (and from 3.14 on of methods) for the next ones, and
    renews a trace only where there is one: of what a run makes in older memory nothing would be
    known. (Of dictionaries, too; they are not counted.)
    """
    # More of each than Python keeps; list() takes none of what it keeps.
    kept: tuple[Callable[[], Iterable[Any]], ...] = (
        partial(map, call, repeat([].copy, 100)),
        partial(map, MethodType, repeat(len, 100), repeat("", 100)),
        partial(map, getattr, repeat([], 100), repeat("append", 100)),
    )
    # In one call of C code, so that no other thread frees or takes one meanwhile.
    things: list[Any] = list(chain.from_iterable(map(call, (gc.get_objects, *kept))))
    things.append(things)
    for thing in things:
        if id(type(thing)) in _KEPT_FOR_REUSE and _get_object_traceback(thing) is None:
            _give_trace(thing)
    things.clear()


_KEPT_FOR_REUSE = set(map(id, (list, MethodType, BuiltinMethodType)))


def _give_trace(thing: object) -> None:
    """Give an object that the collector knows a trace: its memory begins two pointers before it."""
    _track(0, id(thing) - 2 * _POINTER, 0)
