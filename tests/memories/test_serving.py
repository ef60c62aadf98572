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


def _port(server: Server) -> tuple[str, int]:
    url = httpx.URL(server.address)
    assert url.port is not None
    return url.host, url.port


def _refused(address: tuple[str, int]) -> bool:
    with socket.socket() as door:
        return door.connect_ex(address) != 0


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse((await request.body()).decode() + "!")


def test_the_lifespan_is_that_of_the_block() -> None:
    told: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        told.append("begins")
        yield
        told.append("ends")

    with serving(Starlette(lifespan=lifespan)) as server:
        assert told == ["begins"]
        address = _port(server)
        assert address[0] == "127.0.0.1"
    assert told == ["begins", "ends"]
    assert not server.thread.is_alive()
    assert _refused(address)


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


def test_a_sent_request_has_left_and_is_answered_later() -> None:
    gate = Gate(2)

    async def held(request: Request) -> PlainTextResponse:
        await gate.pause()
        return await _hello(request)

    async def main(server: Server) -> list[str]:
        async with server.client() as client:
            answers = [await sent(client, "/", text) for text in ("one", "two")]
            await gate.come()
            assert not any(answer.done() for answer in answers)
            gate.open()
            return [(await answer).text for answer in answers]

    with serving(Starlette(routes=[Route("/", held, methods=["POST"])])) as server:
        assert asyncio.run(main(server)) == ["one!", "two!"]


def test_an_error_in_the_block_ends_a_server_whose_request_is_held() -> None:
    gate = Gate()

    async def held(request: Request) -> PlainTextResponse:
        await gate.pause()
        return await _hello(request)

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
        assert url.port is not None
        assert not _refused((url.host, url.port))
        child.kill()
        child.wait()
    assert _refused((url.host, url.port))
    assert list(tmp_path.iterdir()) == []
