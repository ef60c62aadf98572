"""A real web server for a lesson: in this process, on loopback, for as long as a block runs.

It is uvicorn, in a thread with an event loop of its own. The operating system chooses the port. The
thread is a daemon, so a process that ends or is killed takes the server and its port along.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATIENCE = 20.0  # seconds that a client waits for an answer before it raises


@dataclass(frozen=True)
class Server:
    """What `serving` hands out: where the server is, its thread, and what went wrong in it."""

    address: str
    thread: threading.Thread
    errors: list[str]

    def client(self) -> httpx.AsyncClient:
        """Make a client that knows the address: `async with server.client() as ada:`."""
        # Nothing to verify on loopback, and to load the certificates takes a while.
        return httpx.AsyncClient(
            base_url=self.address, timeout=PATIENCE, trust_env=False, verify=False
        )


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[Server]:
    """Serve an ASGI app while the block runs: `with serving(app) as server:`.

    The app's lifespan begins with the block. When the block is left, requests that still run are
    waited for, and the lifespan is over. Raises RuntimeError when the lifespan does not begin.
    """
    errors: list[str] = []
    watched = _watched(app, errors)
    runner = _Prompt(
        uvicorn.Config(watched, lifespan="on", log_config=None, log_level=60, ws="none")
    )
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio's own sockets have it
        thread = threading.Thread(target=runner.run, args=[[door]], name="server", daemon=True)
        thread.start()
        try:
            while thread.is_alive() and not runner.started:
                time.sleep(0.002)
            if not runner.started:
                raise RuntimeError(f"the server did not start. {errors[-1] if errors else ''}")
            yield Server(f"http://127.0.0.1:{door.getsockname()[1]}", thread, errors)
        except BaseException:
            runner.force_exit = True  # a request may be held at a gate that nobody will open
            raise
        finally:
            runner.should_exit = True
            thread.join(PATIENCE)


class _Prompt(uvicorn.Server):
    def run(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(SystemExit):  # so uvicorn ends when the lifespan did not begin
            super().run(sockets)

    async def main_loop(self) -> None:
        # uvicorn's own looks ten times a second: a lesson would wait for that at each block's end.
        while not await self.on_tick(0):
            await asyncio.sleep(0.005)


def _watched(app: ASGIApp, errors: list[str]) -> ASGIApp:
    """The app, whose errors are noted."""

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(f"{context['message']}: {context.get('exception')}")

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        asyncio.get_running_loop().set_exception_handler(complain)  # of tasks nobody awaits
        try:
            await app(scope, receive, send)
        except Exception as error:  # as text: a kept exception would keep its frames
            errors.append(f"{type(error).__name__}: {error}")
            raise

    return watched


async def sent(client: httpx.AsyncClient, path: str, text: str) -> asyncio.Task[httpx.Response]:
    """POST a text, and return when it is on its way: the task that waits for the answer."""
    on_its_way = asyncio.Event()

    async def trace(event: str, _: object) -> None:
        if event == "http11.send_request_body.complete":
            on_its_way.set()

    post = client.post(path, content=text, extensions={"trace": trace})
    answer = asyncio.create_task(post)
    answer.add_done_callback(lambda _: on_its_way.set())  # also when it could not be sent
    await on_its_way.wait()
    return answer


class Gate:
    """A place where code stops until it is let go.

    `reached` is set when as many have come as the gate waits for; `holds` is the thread that was
    stopped last.

    >>> gate = Gate()
    >>> worker = threading.Thread(target=gate.stop)
    >>> worker.start()
    >>> gate.reached.wait(), gate.holds is worker
    (True, True)
    >>> gate.open(); worker.join()
    """

    def __init__(self, parties: int = 1) -> None:
        self.reached = threading.Event()
        self.holds: threading.Thread | None = None
        self._missing = parties
        self._open = threading.Event()
        self._paused: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def stop(self) -> None:
        """Hold the thread that calls."""
        self.holds = threading.current_thread()
        self._arrive()
        if not self._open.wait(PATIENCE):
            raise TimeoutError(f"nobody has opened this gate for {PATIENCE:.0f} seconds")

    async def pause(self) -> None:
        """Hold the coroutine that awaits, and no thread."""
        let_go = asyncio.Event()
        self._paused.append((asyncio.get_running_loop(), let_go))
        self._arrive()
        if not self._open.is_set():
            await asyncio.wait_for(let_go.wait(), PATIENCE)

    async def come(self) -> None:
        """Return when as many are held here as the gate waits for."""
        if not await asyncio.to_thread(self.reached.wait, PATIENCE):
            raise TimeoutError(f"{self._missing} have not come to this gate")

    def open(self) -> None:
        """Let go who is held, and everybody who comes later."""
        self._open.set()
        for loop, let_go in self._paused:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits in it
                loop.call_soon_threadsafe(let_go.set)

    def _arrive(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self.reached.set()
