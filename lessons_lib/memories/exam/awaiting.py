"""What the exam does with a memory whose methods are coroutine functions: it awaits them."""

from __future__ import annotations

import asyncio
import inspect
import threading
from functools import cache
from typing import Any


def finished(value: Any) -> Any:
    """What a call came to: a coroutine is run to its end, in the one loop of this process.

    >>> async def say(text):
    ...     return text
    >>> finished(say("Hello")), finished("Hello")
    ('Hello', 'Hello')
    """
    if not inspect.isawaitable(value):
        return value

    async def run() -> Any:
        return await value

    return asyncio.run_coroutine_threadsafe(run(), _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs in a thread of its own, as a server's does."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="loop", daemon=True).start()
    return loop
