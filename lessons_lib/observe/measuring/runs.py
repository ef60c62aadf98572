"""Whose memory it is: a trace of allocations in which a run is known by a frame of its stack.

`tracemalloc` keeps the stack of each allocation, but not its thread. So a run is called from a
frame whose file has a name of its own, and what has this name in its stack was made by the run,
however busy the rest of the process is. Threads that the run starts, and work that it submits to a
`ThreadPoolExecutor`, are called from such a frame too. What it hands to other threads in other
ways cannot be told from what they do by themselves.
"""

from __future__ import annotations

import sys
import tracemalloc
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Lock, Thread
from types import FrameType, FunctionType
from typing import Any

from ..holding.frames import stack_of
from .meter import called_traced
from .traces import Stack, begin_trace, trace_reserves

BUSY = (
    "tracemalloc is tracing already, and a run's own memory can be told only in a trace of its "
    "own: call tracemalloc.stop() first, or wait for the measurement that began it"
)
OLDER, OTHERS = 0, -1
"""Makers that are no run: of what was there before the runs, and of what other threads make."""
_inquiries = count(1)


class Runs:
    """Calls functions, each with a number, and knows by a stack which call made something."""

    def __init__(self) -> None:
        self._inquiry = next(_inquiries)
        self._numbers: dict[str, int] = {}

    def _marked(self, number: int, function: Any) -> Any:
        """The same function, from a file whose name says the number."""
        filename = f"<run {number} of inquiry {self._inquiry}>"
        self._numbers[filename] = number
        return FunctionType(function.__code__.replace(co_filename=filename), function.__globals__)

    def call(self, number: int, run: Callable[[], object]) -> Any:
        """What `run()` returns; what it makes is known by the number."""
        in_a_short_stack(trace_reserves)
        return called_traced(partial(self._marked(number, _enter), run))

    def maker(self, stack: Stack) -> int:
        """The number of the call that an allocation belongs to, by its stack."""
        for filename, _ in stack:
            if filename in self._numbers:
                number = self._numbers[filename]
                ours = number > 0 and stack[0][0] == __file__  # made to take work to a thread
                return OTHERS if ours else number
        return OTHERS

    def is_entry(self, frame: FrameType) -> bool:
        """Whether this is the frame from which a run was called, and none of the program's own."""
        return frame.f_code.co_filename in self._numbers

    @contextmanager
    def traced(self, see: Callable[[list[object]], object] = len) -> Iterator[None]:
        """Trace whole stacks, and follow runs on to threads; RuntimeError if a trace goes on.

        `see` is given all objects that the collector knew when the trace began, and must let go of
        them.
        """
        start, submit = Thread.start, ThreadPoolExecutor.submit

        def start_known(thread: Thread) -> None:
            caller, run = self._caller(), thread.run

            def known() -> None:
                del thread.run  # or the thread would hold itself
                self._marked(caller, _enter)(run)

            if caller != OTHERS:
                thread.run = known  # type: ignore[method-assign]
            start(thread)

        def submit_known(pool: ThreadPoolExecutor, work: Any, /, *args: Any, **more: Any) -> Any:
            known = self._marked(self._caller(), _enter)
            return submit(pool, known, partial(work, *args, **more))

        if tracemalloc.is_tracing():
            raise RuntimeError(BUSY)
        begin: Callable[[], list[object]] = self._marked(OLDER, begin_trace)
        try:
            in_a_short_stack(lambda: see(begin()))
            Thread.start = start_known  # type: ignore[method-assign, assignment]
            ThreadPoolExecutor.submit = submit_known  # type: ignore[method-assign, assignment]
            yield
        finally:
            Thread.start = start  # type: ignore[method-assign]
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
            tracemalloc.stop()

    def _caller(self) -> int:
        """The number of the run that called, or `OTHERS`."""
        return self.maker([(f.f_code.co_filename, 0) for f in stack_of(sys._getframe(2))])


def in_a_short_stack(look: Callable[[], object]) -> None:
    """Call it in a thread of its own: what a look itself makes is traced too, with its stack."""
    done = Lock()
    done.acquire()

    def work() -> None:
        try:
            look()
        finally:
            done.release()

    start_new_thread(work, ())
    done.acquire()


def _enter(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except BaseException:  # 3.11 makes the error of a C function only where somebody catches it
        raise
