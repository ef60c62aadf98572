"""The chatbot on a checkpointed graph, for code that must not block: every method is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from lessons_lib.memories.chatbot import Message, Model, Step, Upload, checked_folder, heard, reply
from lessons_lib.memories.graph import Durability, OnGraph, build, checked_mode, connect, thread


class AsyncGraphBot:
    """GraphBot with `await` before every call, on the same file.

    It opens its connection in the loop that awaits it first, and works in no other. Close it: the
    thread of an open connection keeps a process from ending.

    >>> import tempfile
    >>> async def main():
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         bot = AsyncGraphBot(folder)
    ...         print(await bot.say("My name is Ada."), await bot.say("What is my name?"))
    ...         await bot.close()
    >>> asyncio.run(main())
    Hello, Ada. Your name is Ada.
    """

    def __init__(
        self, folder: Path | str, *, model: Model = reply, durability: Durability = "async"
    ) -> None:
        self._path = checked_folder(folder) / "graph.db"
        self._model, self._durability = model, checked_mode(durability)
        connect(folder).close()  # which raises ValueError for a file that is damaged

    @cached_property
    def _saver(self) -> AsyncSqliteSaver:
        return AsyncSqliteSaver(aiosqlite.connect(self._path))  # made where a loop runs

    @cached_property
    def _blocking(self) -> OnGraph:
        """The same graph for the calls that are no turns: they wait in a thread of a pool."""
        return OnGraph(build(self._saver, self._model), self._durability)

    async def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn. Who speaks (`user`) makes no difference to this memory."""
        turn = {"messages": [heard(text, file)], "user": user, "left": []}
        return (await self._run(turn, conversation))[-1]["content"]

    async def resume(self, conversation: str = "c1") -> str:
        """Finish a turn that was cut off, and return its answer; ValueError when there is none."""
        if not await asyncio.to_thread(self._blocking.half_done, conversation):
            raise ValueError(f"conversation {conversation!r} has no turn to finish: say something")
        return (await self._run(None, conversation))[-1]["content"]

    async def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        """Do named steps in order, as one turn, or what is left of it; see GraphBot."""
        if not steps:
            raise ValueError("there is no step to do: give them by name, as in {'mail': send}")
        before = len(await self.messages(conversation))
        half_done = await asyncio.to_thread(self._blocking.half_done, conversation)
        done = await self._run(None if half_done else {"left": list(steps)}, conversation, steps)
        return [message["content"] for message in done[before:]]

    async def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved, oldest message first."""
        return await asyncio.to_thread(self._blocking.messages, conversation)

    async def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        """Go on from an earlier state: what was taken back stays in the thread's history."""
        await asyncio.to_thread(self._blocking.back, turns, conversation=conversation)

    async def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation's checkpoints, as LangGraph does it."""
        await asyncio.to_thread(self._blocking.forget, conversation)

    async def close(self) -> None:
        """Close the file. The conversations stay in it."""
        if "_saver" in vars(self):
            await self._saver.setup()  # which opens what was never used: only that can be closed
            await self._saver.conn.close()

    async def _run(
        self, turn: object, conversation: str, steps: Mapping[str, Step] | None = None
    ) -> list[Message]:
        state = await self._blocking.graph.ainvoke(
            turn, thread(conversation), context=steps, durability=self._durability
        )
        messages: list[Message] = state["messages"]
        return messages
