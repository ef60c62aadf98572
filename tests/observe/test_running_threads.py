"""No look changes what another thread is doing: its variables stay as it left them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lessons_lib.observe import survivors, watch, where_is, who_holds
from lessons_lib.observe.holding.frames import frame_locals


class Upload:
    """What is asked about."""


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run some work in another thread, which comes in often."""
    usual, stop = sys.getswitchinterval(), threading.Event()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(usual)


def look_often(thing: object) -> None:
    """What every look does first, so often that a thread would come in between its parts."""
    for _ in range(30_000):
        for frame in (sys._getframe(1), *sys._current_frames().values()):
            frame_locals(frame)


LOOKS: list[Callable[[Any], object]] = [
    look_often,
    who_holds,
    lambda thing: where_is("a text that nobody has"),
    lambda thing: survivors(type(thing)),
    watch,
]


@pytest.mark.usefixtures("new_things_alone")
@pytest.mark.parametrize("look", LOOKS)
def test_no_counter_of_another_thread_goes_back(look: Callable[[Any], object]) -> None:
    """Neither a local of its own nor one that it shares with who asks."""
    rounds, counted, shared = [0], [], 0

    def work(stop: threading.Event) -> None:
        nonlocal shared
        own = 0
        while not stop.is_set():
            own += 1
            shared += 1
            rounds[0] += 1
        counted.append(own)

    with beside(work):
        look(Upload())
    assert [*counted, shared] == rounds * 2
