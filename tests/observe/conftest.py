"""What several tests of the instruments share: one story on three savers, and a busy neighbour."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.observe.graphs import ADA, Elsewhere, complaint, open_sqlite


@pytest.fixture(params=["memory", "sqlite", "elsewhere"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The two usual savers, and one of which nothing is known."""
    if request.param == "sqlite":
        opened = open_sqlite(tmp_path / "bot.sqlite")
        yield opened
        opened.conn.close()
    else:
        yield InMemorySaver() if request.param == "memory" else Elsewhere()


@pytest.fixture
def graph(saver: Any) -> Any:
    """A complaint that was asked about and answered: six checkpoints."""
    made = complaint(saver)
    made.invoke({"log": ["smoke"]}, ADA)
    made.invoke(Command(resume="yes"), ADA)
    return made


# -- a busy neighbour ----------------------------------------------------------------------------


class Passer:
    """What a neighbour makes and lets go of; its bound methods pass by too."""

    def __init__(self) -> None:
        self.me = self  # garbage for the collector, whenever that comes

    def pass_by(self) -> None: ...


Start = Callable[..., None]


@pytest.fixture
def busy_neighbour() -> Iterator[Start]:
    """Call it with classes of your own: from then on two threads make them and let go of them.

    They do so until the test ends, with lists, dictionaries, strings, bound methods and cycles
    beside them, so that how many of each live changes all the time. The second thread keeps more
    and more, up to what a look gets through quickly. When the call returns, both have been around
    once.
    """
    stop, threads = threading.Event(), list[threading.Thread]()
    usual = sys.getswitchinterval()

    def start(*classes: type) -> None:
        sys.setswitchinterval(1e-4)  # they come in often, and for a short time
        for pause, most in ((0, 300), (0.001, 20_000)):
            around = threading.Event()
            work = threading.Thread(target=_keep_busy, args=(classes, stop, around, pause, most))
            threads.append(work)
            work.start()
            around.wait()

    yield start
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(usual)


def _keep_busy(
    classes: tuple[type, ...],
    stop: threading.Event,
    around: threading.Event,
    pause: float,
    most: int,
) -> None:
    kept: list[object] = []
    mixed: Callable[[], object] = lambda: [Passer().pass_by, "text" * 9, {"a": [1]}]  # noqa: E731
    makers: list[Callable[[], object]] = [*classes, list, dict, Passer, mixed]
    for number in count():
        kept.extend([make() for make in makers for _ in range(number % 5)])
        if len(kept) > most:
            kept.clear()  # all at one moment: what goes little by little hides a run's growth
        around.set()
        if stop.wait(pause) if pause else stop.is_set():
            return
