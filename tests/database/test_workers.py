"""Workers on a queue: they take turns in order, and none outlives who started them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable

import cloudpickle
import psutil
import psycopg
import pytest

import tests.database
from lessons_lib.memories.workers import working

cloudpickle.register_pickle_by_value(tests.database)

Turn = Callable[[str, str], None]


def _writes(uri: str) -> Turn:
    def turn(thread: str, order: str) -> None:
        if order == "wrong":
            raise ValueError(order)
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("INSERT INTO taken VALUES (%s, %s)", (thread, order))

    return turn


def test_each_conversations_turns_come_in_order(uri: str) -> None:
    async def main() -> None:
        async with working(uri) as staff:
            await staff.hire(_writes, 2)
            for number in range(3):
                for thread in ("ada", "bob"):
                    await staff.order(thread, str(number))
            await staff.finish()

    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("CREATE TABLE taken (thread text, what text)")
        asyncio.run(main())
        rows = connection.execute("SELECT * FROM taken").fetchall()
    for name in ("ada", "bob"):
        assert [what for thread, what in rows if thread == name] == ["0", "1", "2"]


def test_a_turn_that_fails_is_told(uri: str) -> None:
    async def main() -> None:
        async with working(uri) as staff:
            await staff.hire(_writes)
            await staff.order("ada", "wrong")
            await staff.finish()

    with pytest.raises(RuntimeError, match="a turn has failed"):
        asyncio.run(main())


_OWNER = """
import asyncio, sys
from lessons_lib.memories.workers import working

def prepare(uri):
    return print

async def main():
    async with working(sys.argv[1]) as staff:
        await staff.hire(prepare, 2)
        print(*staff.workers, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_workers_end_with_an_owner_that_is_killed(uri: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, uri], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert owner.stdout is not None
    with owner.stdout:
        workers = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(workers) == 2
    owner.kill()
    owner.wait()
    end = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(psutil.pid_exists(pid) for pid in workers)
