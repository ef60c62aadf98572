"""Worker processes on one Postgres, which take their turns from a queue that others keep.

The queue is Procrastinate, on the same database as the conversations. A job with a `lock` waits
for the job before it with the same one, whichever worker has that: so a conversation's turns come
one at a time and in order. What a turn *is* comes from the notebook: a function that crosses by
value.

A worker ends with the process that started it, also when that is killed: it reads a pipe until its
end.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

from lessons_lib.crash_lab.crossing import loads, pack

if TYPE_CHECKING:
    import procrastinate

Turn = Callable[[str, str], None]
"""Takes a turn: given the conversation and the order."""

HEARTBEAT = 0.2  # seconds between two signs of life of a worker
STALLED = 1.0  # seconds without one, after which a worker is taken for dead
LOOK = 0.02  # seconds between two looks at what is certain to come


def queue(uri: str, turn: Turn | None = None) -> procrastinate.App:
    """Procrastinate on a database, with one kind of task: a turn."""
    import procrastinate

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
        self._workers: dict[int, subprocess.Popen[str]] = {}

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers' process ids."""
        return tuple(self._workers)

    async def hire(self, prepare: Callable[[str], Turn], many: int = 1) -> None:
        """Start workers; each calls `prepare(uri)` once, and then what that returned."""
        packed = base64.b64encode(pack(prepare)).decode()
        started = [_start(self._uri, packed) for _ in range(many)]
        for worker in started:
            self._workers[worker.pid] = worker
        for worker in started:
            assert worker.stdout is not None
            told = (await asyncio.to_thread(worker.stdout.readline)).strip()
            if told != "ready":
                raise RuntimeError(f"a worker did not start: {told or 'it said nothing'}")

    async def order(self, thread: str, *orders: str, locked: bool = True) -> None:
        """Put turns of one conversation into the queue."""
        task = self._app.tasks["turn"]
        for order in orders:
            job = task.configure(lock=thread if locked else None)
            await job.defer_async(thread=thread, order=order)

    def kill(self, pid: int) -> None:
        """Kill a worker (SIGKILL)."""
        worker = self._workers.pop(pid)
        worker.kill()
        _wait(worker)

    async def dismiss(self) -> None:
        """End all workers."""
        for pid in list(self._workers):
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


def _start(uri: str, packed: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lessons_lib.memories.workers", uri]
    worker = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert worker.stdin is not None
    worker.stdin.write(f"{packed}\n")
    worker.stdin.flush()
    return worker


def _wait(worker: subprocess.Popen[str]) -> None:
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe:
            with suppress(OSError):
                pipe.close()


def _end_with_the_pipe() -> None:
    sys.stdin.read()
    os._exit(0)


async def _work(uri: str, turn: Turn) -> None:
    app = queue(uri, turn)
    async with app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(
            concurrency=1,
            fetch_job_polling_interval=HEARTBEAT,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=60 * STALLED,
            install_signal_handlers=False,
        )


def main(uri: str) -> None:
    """Be a worker, until standard input ends."""
    prepare = cast(Callable[[str], Turn], loads(base64.b64decode(sys.stdin.readline())))
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    turn = prepare(uri)
    if sys.platform == "win32":  # psycopg does not work in Windows' usual loop
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    asyncio.run(_work(uri, turn))


if __name__ == "__main__":
    main(sys.argv[1])
