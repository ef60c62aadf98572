"""Worker processes on one Postgres, which take their turns from a queue that others keep.

The queue is Procrastinate, on the same database as the conversations. A job with a `lock` waits
for the job before it with the same one, whichever worker has that: so a conversation's turns come
one at a time and in order. What a turn *is* comes from the notebook: a function that crosses by
value.

A worker is forked from a process that has imported what it needs, where the system can do that. It
ends with the process that started it, also when that is killed: it reads a pipe until its end.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

import procrastinate

from lessons_lib.crash_lab.children import start
from lessons_lib.crash_lab.crossing import loads, pack

Turn = Callable[[str, str], None]
"""Takes a turn: given the conversation and the order."""

HEARTBEAT = 0.2  # seconds between two signs of life of a worker
STALLED = 1.0  # seconds without one, after which a worker is taken for dead
LOOK = 0.02  # seconds between two looks at what is certain to come


def queue(uri: str, turn: Turn | None = None) -> procrastinate.App:
    """Procrastinate on a database, with one kind of task: a turn."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    connector = procrastinate.PsycopgConnector(conninfo=uri, min_size=1, max_size=4)
    app = procrastinate.App(connector=connector)

    @app.task(name="turn")
    def take(thread: str, order: str) -> None:
        assert turn is not None
        turn(thread, order)

    return app


class Staff:
    """Worker processes and their queue: what `working` hands out."""

    def __init__(self, uri: str, app: procrastinate.App) -> None:
        self._uri = uri
        self._app = app
        # By process id, with the line that a worker reads until its end.
        self.workers: dict[int, tuple[BaseProcess, Connection[Any, Any]]] = {}

    async def hire(self, prepare: Callable[[str], Turn], many: int = 1) -> None:
        """Start workers; each calls `prepare(uri)` once, and then what that returned."""
        packed = pack(prepare)
        started = [start(_serve, self._uri, packed) for _ in range(many)]
        for process, line in started:
            assert process.pid is not None
            self.workers[process.pid] = process, line
            atexit.register(process.kill)  # or multiprocessing would wait for it, at the end
        for _, line in started:
            try:
                await asyncio.to_thread(line.recv)
            except (EOFError, OSError):
                raise RuntimeError("a worker did not start: it said nothing") from None

    async def order(self, thread: str, *orders: str) -> None:
        """Put turns of one conversation into the queue; its lock has them taken one at a time."""
        job = self._app.tasks["turn"].configure(lock=thread)
        for order in orders:
            await job.defer_async(thread=thread, order=order)

    def kill(self, pid: int) -> None:
        """Kill a worker (SIGKILL)."""
        process, line = self.workers.pop(pid)
        atexit.unregister(process.kill)
        process.kill()
        process.join()
        line.close()

    async def dismiss(self) -> None:
        """End all workers."""
        for pid in list(self.workers):
            self.kill(pid)

    async def rescue(self) -> int:
        """Wait until workers are found dead, and put their jobs back; returns how many jobs."""
        manager = self._app.job_manager
        while not (dead := list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED))):
            await asyncio.sleep(LOOK)
        for job in dead:
            await manager.retry_job(job)
        return len(dead)

    async def unfinished(self) -> bool:
        """Whether a turn waits or is under way. Raises RuntimeError when one has failed."""
        found = await self._app.job_manager.list_jobs_async(task="turn")
        states = {job.status for job in found}
        if "failed" in states:
            raise RuntimeError(
                "a turn has failed in its worker: call what `prepare` returns here to see why"
            )
        return bool(states & {"todo", "doing"})

    async def finish(self) -> None:
        """Wait until every turn has been taken. Raises RuntimeError when one has failed."""
        while await self.unfinished():
            await asyncio.sleep(LOOK)


@asynccontextmanager
async def working(uri: str) -> AsyncIterator[Staff]:
    """A queue on a database, and its workers while the block runs."""
    app = queue(uri)
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        staff = Staff(uri, app)
        try:
            yield staff
        finally:
            await staff.dismiss()


def _serve(line: Connection[Any, Any], uri: str, packed: bytes) -> None:
    """Be a worker, until the other end of the line is closed."""
    with open(os.devnull, "w") as nowhere:  # what a turn prints is nobody's output
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    turn = cast(Callable[[str], Turn], loads(packed))(uri)
    if sys.platform == "win32":  # psycopg does not work in Windows' usual loop
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    asyncio.run(_work(uri, turn, line))


def _end_with(line: Connection[Any, Any]) -> None:
    with suppress(EOFError, OSError):
        line.recv()
    os._exit(0)


async def _work(uri: str, turn: Turn, line: Connection[Any, Any]) -> None:
    app = queue(uri, turn)
    async with app.open_async():
        line.send("ready")
        threading.Thread(target=_end_with, args=[line], daemon=True).start()
        await app.run_worker_async(
            concurrency=1,
            fetch_job_polling_interval=HEARTBEAT,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=60 * STALLED,
            install_signal_handlers=False,
        )
