"""What a memory costs: how its bytes grow with the turns, how long a turn takes."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import math
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from lessons_lib.crash_lab.children import start
from lessons_lib.crash_lab.crossing import loads
from lessons_lib.crash_lab.moments import begin_child
from lessons_lib.exam.keeping import keeping_of
from lessons_lib.exam.serving import finished, told
from lessons_lib.exam.source import packages, used
from lessons_lib.memories.plain import DictBot

SIZES = (4, 8, 16)
"""Turns of one conversation after which its bytes are measured: each twice the one before."""
ON_DISK = 8_000
"""Characters of a turn, enough for a file to grow by pages and not by chance."""
IN_MEMORY = 32_000
"""Enough for what a library keeps for a while not to be taken for memory: sqlite3 keeps up to 200
references to cursors, whatever they have read."""
ROUNDS, SECONDS = 15, 0.01
"""A turn is timed so many times, and for so long at least."""
PATIENCE = 120.0

Make = Callable[[Path], Any]


@dataclass(frozen=True)
class Price:
    """What a memory costs; `ram` and `disk` are exponents of the turns, 0 when they do not grow.

    `ratio` is the time of a turn as a multiple of the dict's: it differs from run to run and from
    disk to disk. The three are None where they could not be measured, which `trouble` explains.
    `statements` is None where the source is not found, as that of a notebook's class is not.
    """

    ram: int | None = None
    disk: int | None = None
    ratio: float | None = None
    packages: tuple[str, ...] = ()
    statements: int | None = None
    trouble: str = ""


def price(make: bytes, folder: Path) -> Price:
    """Measure in a process of its own; a memory that raises an error, or is late, has no price."""
    process, line = start(_measure, make, folder, dict(os.environ))
    try:
        if not line.poll(PATIENCE):
            return Price(trouble=f"its turns were not over within {PATIENCE:g} s")
        measured = line.recv()
    except EOFError:
        return Price(trouble="its process ended by itself")
    finally:
        process.kill()
        process.join()
        line.close()
    if isinstance(measured, str):
        return Price(trouble=measured)
    ram, disk, ratio, modules, statements = measured
    # Named here, once for all: each child would read all that is installed, and be gone.
    return Price(ram, disk, ratio, packages(modules), statements)


def exponent(sizes: Sequence[int], said: int) -> int:
    """The power of the turns that bytes grow with, from three sizes, each after twice the turns.

    What is there from the start (a library, an empty file) cancels out in the differences. Growth
    by less than a tenth of what was `said` in the last half counts as none.

    >>> exponent((100, 200, 400), 200), exponent((900, 912, 960), 12), exponent((5, 6, 6), 100)
    (1, 2, 0)
    """
    small, middle, large = sizes
    first, second = middle - small, large - middle
    if second < said / 10 or first <= 0:
        return 0
    return round(math.log2(second / first))


def _measure(
    connection: Connection[Any, Any], make: bytes, folder: Path, env: dict[str, str]
) -> None:
    """The child's side: measure and tell, or tell what went wrong."""
    gc.freeze()  # what was there before the memory is not searched at every collection
    begin_child(env)
    sys.stdout = sys.stderr = io.StringIO()
    try:
        maker = cast(Make, loads(make))
        _seconds(DictBot, folder / "first")  # the first to run pays for what both load
        ratio = _seconds(maker, folder / "time") / _seconds(DictBot, folder / "dict")
        sizes = _ram(maker, folder / "ram"), _disk(maker, folder / "disk")
        memory = finished(maker(folder / "source"))
        connection.send((*sizes, ratio, *used(type(memory))))
    except Exception as error:
        connection.send(told(error))


def _say(memory: Any, turns: range, characters: int) -> None:
    for turn in turns:
        # By lot: Postgres compresses, and one letter repeated would hardly take any room.
        lot = random.Random(turn).randbytes(characters * 3 // 4)
        finished(memory.say(base64.b64encode(lot).decode()))


def _close(memory: Any) -> None:
    if callable(ends := getattr(memory, "close", None)):
        finished(ends())


def _ram(make: Make, folder: Path) -> int:
    """The exponent of what Python holds."""
    memory = finished(make(folder))
    tracemalloc.start()
    sizes = []
    for begin, end in pairwise((0, *SIZES)):
        # A thread of a loop's pool has its last work in hand until it runs on: so it is joined.
        with ThreadPoolExecutor() as pool:
            finished(_hand_work_to(pool))
            _say(memory, range(begin, end), IN_MEMORY)
        finished(_hand_work_to(ThreadPoolExecutor()))
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    _close(memory)
    return exponent(sizes, IN_MEMORY * (SIZES[2] - SIZES[1]))


async def _hand_work_to(pool: ThreadPoolExecutor) -> None:
    asyncio.get_running_loop().set_default_executor(pool)


def _disk(make: Make, folder: Path) -> int:
    """The exponent of what is kept, once it is closed."""
    keeping = keeping_of(make)
    sizes = []
    for begin, end in pairwise((0, *SIZES)):
        memory = finished(make(folder))
        _say(memory, range(begin, end), ON_DISK)
        _close(memory)
        sizes.append(keeping.size(folder))
    return exponent(sizes, ON_DISK * (SIZES[2] - SIZES[1]))


def _seconds(make: Make, folder: Path) -> float:
    """The shortest time of the first turn of a conversation."""
    memory = finished(make(folder))
    times: list[float] = []
    while len(times) < ROUNDS or sum(times) < SECONDS:
        began = time.perf_counter()
        finished(memory.say("Hello", conversation=f"c{len(times)}"))
        times.append(time.perf_counter() - began)
    _close(memory)
    return min(times)
