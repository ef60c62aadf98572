"""The server of a lesson: it begins and ends with its block, and dies with its process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lessons_lib.memories.serving import Gate, Server, sent, serving


def _refused(address: tuple[str, int]) -> bool:
    with socket.socket() as door:
        return door.connect_ex(address) != 0


def test_what_went_wrong_is_told() -> None:
    async def wrong(request: Request) -> PlainTextResponse:
        raise ValueError("no such customer")

    async def ask(server: Server) -> int:
        async with server.client() as client:
            return (await client.get("/")).status_code

    with serving(Starlette(routes=[Route("/", wrong)])) as server:
        assert asyncio.run(ask(server)) == 500
    assert server.errors == ["ValueError: no such customer"]


def test_a_lifespan_that_fails_is_an_error() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    expected = pytest.raises(RuntimeError, match=r"did not start\. ValueError: no database")
    with expected, serving(Starlette(lifespan=lifespan)):
        pytest.fail("the block was entered")


def test_an_error_in_the_block_ends_a_server_whose_request_is_held() -> None:
    gate = Gate()

    async def held(request: Request) -> PlainTextResponse:
        await gate.pause()
        return PlainTextResponse("Hello.")

    async def main(server: Server) -> None:
        async with server.client() as client:
            await sent(client, "/", "one")
            await gate.come()
            raise ValueError("a cell went wrong")

    app = Starlette(routes=[Route("/", held, methods=["POST"])])
    with pytest.raises(ValueError, match="a cell went wrong"), serving(app) as server:
        asyncio.run(main(server))
    assert not server.thread.is_alive()


_CHILD = """
import threading
from starlette.applications import Starlette
from lessons_lib.memories.serving import serving
with serving(Starlette()) as server:
    print(server.address, flush=True)
    threading.Event().wait()
"""


def test_a_killed_process_leaves_no_server_no_port_no_folder(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)}
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD], env=env, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        url = httpx.URL(child.stdout.readline().strip())
        address = url.host, url.port or 0
        assert not _refused(address)
        child.kill()
        child.wait()
    assert _refused(address)
    assert list(tmp_path.iterdir()) == []
