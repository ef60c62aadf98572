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
import tracemalloc
from _tracemalloc import _get_object_traceback, _get_traces
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from operator import call
from types import BuiltinMethodType, MethodType
from typing import Any

Stack = Sequence[tuple[str, int]]
"""File and line of each frame, the innermost first."""

_WHOLE_STACK = 65_535
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_attributes_at = type.__dict__["__dictoffset__"].__get__
_track = ctypes.pythonapi.PyTraceMalloc_Track
_track.argtypes = (ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t)
if sys.version_info < (3, 12):
    _look_up = ctypes.pythonapi._PyTraceMalloc_GetTraceback
    _look_up.argtypes, _look_up.restype = (ctypes.c_uint, ctypes.c_size_t), ctypes.py_object


def stacks_of(things: list[object]) -> list[Stack | None]:
    """For each object the stack that made it, and None where no trace is known."""
    found = map(_get_object_traceback, things)
    if sys.version_info >= (3, 12):
        return list(found)
    # 3.11 looks for an instance with attributes in a wrong place: two pointers stand before it.
    return [
        _look_up(0, id(thing) - 4 * _POINTER)
        if stack is None and _attributes_at(type(thing)) < 0
        else stack
        for thing, stack in zip(things, found, strict=True)
    ]


def traces() -> list[tuple[Any, ...]]:
    """What is traced: of each piece of memory the domain, the bytes and the stack."""
    found: Any = _get_traces()
    _track(0, id(found) - 2 * _POINTER, 0)  # from 3.14 on this list alone would bear no trace
    return found  # type: ignore[no-any-return]


def begin_trace() -> list[object]:
    """Start to trace whole stacks; gives all that the collector knew at that moment.

    The lists and methods among it are given a trace too. Python keeps the memory of freed lists
    (and from 3.14 on of methods) for the next ones, and renews a trace only where there is one: of
    what a run makes in older memory nothing would be known. (Of dictionaries, too; they are not
    counted.)
    """
    # In one call of C code, so that no other thread makes, frees or takes one meanwhile.
    answers: Iterator[Any] = map(call, _AT_ONCE)
    found = filter(None, answers)
    parts: Iterator[Any] = chain.from_iterable(found)
    things = list(parts)
    things.append(things)
    _give_traces(things)
    del things[-1 - 100 * len(_RESERVES) :]
    there = [
        thing
        for thing in things
        if thing is not things and not (thing is parts or thing is found or thing is answers)
    ]
    things.clear()
    return there


def trace_reserves() -> None:
    """Give a trace to the memory that Python keeps now for the next lists (and methods).

    Some of it may have come since the trace began, from lists that `gc.freeze()` had set aside:
    those no look at all objects sees.
    """
    _give_traces(list(chain.from_iterable(map(call, _RESERVES))))


def _give_traces(things: list[object]) -> None:
    for thing in things:
        kind = type(thing)
        if kind is list or (_METHODS_TOO and (kind is MethodType or kind is BuiltinMethodType)):
            _track(0, id(thing) - 2 * _POINTER, 0)  # its memory begins before it


_METHODS_TOO = sys.version_info >= (3, 14)
_RESERVES: tuple[Callable[[], Any], ...] = (partial(map, call, ([].copy,) * 100),)
"""More of each than Python keeps, and in a way that takes none of what it keeps."""
if _METHODS_TOO:
    _RESERVES += (
        partial(map, MethodType, (len,) * 100, ("",) * 100),
        partial(map, getattr, ([],) * 100, ("append",) * 100),
    )
_AT_ONCE: tuple[Callable[[], Any], ...] = (
    partial(tracemalloc.start, _WHOLE_STACK),
    gc.get_objects,
    *_RESERVES,
)
