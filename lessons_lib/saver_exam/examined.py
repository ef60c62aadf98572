"""A saver while it is examined: sync or async, it is asked in one way, from a check's thread."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, TypeVar, cast

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, empty_checkpoint

from lessons_lib.observe.checkpoints.reading import running_loop
from lessons_lib.observe.pictures.style import said_of, shorten

Config = dict[str, Any]
T = TypeVar("T")
AT_ONCE = 8
"""Threads that use a saver at once."""


class Raised(Exception):
    """A method of the saver raised an error."""

    def __init__(self, method: str, error: BaseException) -> None:
        self.missing = isinstance(error, NotImplementedError)
        said = "" if self.missing else shorten(str(error), 120)
        super().__init__(f"{method} raised {type(error).__name__}{said and f': {said}'}")


def on_thread(work: Callable[[], T]) -> Future[T]:
    """Do it on a thread for which nobody has to wait, not even the interpreter at its end."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="saver exam", daemon=True).start()
    return done


class Loop:
    """An event loop on a thread of its own, where what is async is awaited."""

    def __init__(self) -> None:
        ready = threading.Event()
        self.callers = running_loop()
        """The event loop that waits for the examination, if it was called in one."""
        work = partial(asyncio.run, self._stand_by(ready))
        self.thread = threading.Thread(target=work, name="saver exam", daemon=True)
        self.thread.start()
        ready.wait()

    async def _stand_by(self, ready: threading.Event) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await self.over.wait()  # what still runs then is cancelled by `asyncio.run`

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine comes to."""
        if not self.loop.is_running():  # of a check that came back too late
            work.close()
            raise RuntimeError("the examination is over")
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def end(self) -> None:
        """End what still waits, and the loop; one that a saver blocks is not waited for."""
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(2)


@contextmanager
def opened(make: Callable[[], Any], loop: Loop) -> Iterator[Examined]:
    """A fresh saver from what `make` gives: a saver, or a (sync or async) context manager of one.

    Raises TypeError when it gives none.
    """
    with ExitStack() as stack:
        given, is_async = _made(make, loop), False
        if inspect.isawaitable(given):  # it need not be a coroutine
            given, is_async = loop.wait_for(_awaited(given)), True
        if hasattr(type(given), "__enter__"):
            given = stack.enter_context(given)
        elif hasattr(type(given), "__aenter__"):
            manager, is_async = given, True
            given = loop.wait_for(manager.__aenter__())
            stack.callback(lambda: loop.wait_for(manager.__aexit__(None, None, None)))
        if not isinstance(given, BaseCheckpointSaver):
            raise TypeError(
                f"it gave {said_of(given)}, expected a BaseCheckpointSaver, or a context manager "
                "of one"
            )
        if loop.callers and getattr(given, "loop", None) is loop.callers:
            raise TypeError(
                "its event loop waits for this very call; await asyncio.to_thread(saver_exam, …)"
            )
        examined = Examined(given, loop, is_async)
        stack.callback(examined.forget)
        yield examined


def _made(make: Callable[[], Any], loop: Loop) -> Any:
    """What `make` gives; some async savers can only be made where a loop runs."""
    try:
        return make()
    except RuntimeError:

        async def inside() -> Any:
            return make()

        return loop.wait_for(inside())


class Examined:
    """A saver, its threads (forgotten at the end), and what was put into them."""

    def __init__(self, saver: BaseCheckpointSaver[Any], loop: Loop, is_async: bool) -> None:
        self.saver, self.loop = saver, loop
        self.threads: list[Any] = []
        self._states: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.is_async = is_async or self._is_only_async()

    def _is_only_async(self) -> bool:
        try:
            self.saver.get_tuple(cast(Any, self.thread()))
        except NotImplementedError:
            return True
        except Exception:  # a fault, which a check will meet
            return False
        return False

    # -- how it is asked ---------------------------------------------------------------------------

    def call(self, method: str, *args: Any, other: bool = False, **keywords: Any) -> Any:
        """Call a method, the async one of an async saver; `other` calls the one of the other kind.

        Raises Raised for an error in it.
        """
        name = f"a{method}" if self.is_async != other else method
        try:
            found = self._result(getattr(self.saver, name)(*args, **keywords), name != method)
            return [*found] if method == "list" else found
        except Exception as error:
            raise Raised(name, error) from error

    def invoke(self, graph: Any, given: Any, config: Config) -> Any:
        """Run a graph to its end or its question; an error in the saver's code is Raised."""
        run = graph.ainvoke if self.is_async else graph.invoke
        try:
            return self._result(run(given, config, durability="sync"), self.is_async)
        except Exception as error:
            passed = traceback.walk_tb(error.__traceback__)
            if {frame.f_code.co_filename for frame, _ in passed} & self._files():
                raise Raised("the run", error) from error
            raise

    def state(self, graph: Any, config: Config) -> dict[str, Any]:
        """The values of a graph's thread."""
        read = graph.aget_state if self.is_async else graph.get_state
        return cast(dict[str, Any], self._result(read(config), self.is_async).values)

    def _result(self, given: Any, awaited: bool) -> Any:
        """What a call gave, once it is there."""
        if not awaited:
            return given
        return self.loop.wait_for(_listed(given) if hasattr(given, "__aiter__") else given)

    def _files(self) -> set[str]:
        """The files that the saver's own code is in, without what every saver inherits."""
        kinds = type(self.saver).__mro__
        own = kinds[: kinds.index(BaseCheckpointSaver)]
        members = [one for kind in own for one in vars(kind).values()]
        return {one.__code__.co_filename for one in members if hasattr(one, "__code__")}

    # -- what checks do with it --------------------------------------------------------------------

    def thread(self, ns: str = "", thread_id: object = None) -> Config:
        """The config of a thread that is new, or has the given id."""
        name = uuid.uuid4().hex if thread_id is None else thread_id
        self.threads.append(name)
        return {"configurable": {"thread_id": name, "checkpoint_ns": ns}}

    def put(
        self,
        config: Config,
        values: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Config:
        """Put a checkpoint in which these channels changed since the one of `config`."""
        before, versions = self._states.get(id_of(config) or "", ({}, {}))
        version = self.saver.get_next_version
        changed = {channel: version(versions.get(channel), None) for channel in values}
        checkpoint = empty_checkpoint()
        checkpoint["id"] = id or checkpoint["id"]
        checkpoint["channel_values"] = {**before, **values}
        checkpoint["channel_versions"] = {**versions, **changed}
        checkpoint["versions_seen"] = {"node": dict(versions)}
        # Before the saver has it, which may hold on to it.
        self._states[checkpoint["id"]] = ({**before, **values}, {**versions, **changed})
        about = {"source": "loop", "step": len(self._states), "parents": {}, **(metadata or {})}
        return cast(Config, self.call("put", config, checkpoint, about, changed))

    def write(self, config: Config, *writes: tuple[str, Any], task: str, path: str = "") -> None:
        """Put a task's writes beside the checkpoint of `config`."""
        self.call("put_writes", config, list(writes), task, path)

    def get(self, config: Config) -> CheckpointTuple | None:
        """What `get_tuple` gives."""
        return cast("CheckpointTuple | None", self.call("get_tuple", config))

    def listed(self, config: Config | None, **asked: Any) -> list[CheckpointTuple]:
        """All that `list` gives."""
        return cast("list[CheckpointTuple]", self.call("list", config, **asked))

    def pending(self, config: Config) -> list[tuple[str, Any]]:
        """The channels and values of the writes that stand beside a checkpoint."""
        found = self.get(config)
        return [(channel, value) for _, channel, value in (found and found.pending_writes) or []]

    def values(self, config: Config) -> dict[str, Any] | None:
        """The channels' values in a checkpoint; None when there is no such checkpoint."""
        found = self.get(config)
        return found.checkpoint["channel_values"] if found else None

    def at_once(self, job: Callable[[int, int], None], rounds: int) -> None:
        """Do a job on several threads, all at one moment in each round; the first error is raised.

        After each line of the saver's code the others get their turn. Left alone, threads that do
        little would mostly run one after the other, and a missing lock would not be missed.
        """
        # A shorter switch interval would be the whole process's, and leave to chance who is let in.
        gate, gives_way = threading.Barrier(AT_ONCE), _giving_way(self._files())

        def work(number: int) -> None:
            before = sys.gettrace()
            sys.settrace(gives_way)
            try:
                for each in range(rounds):
                    gate.wait()
                    job(number, each)
            except BaseException:
                gate.abort()  # the others would wait for this one
                raise
            finally:
                sys.settrace(before)

        begun = [on_thread(partial(work, number)) for number in range(AT_ONCE)]
        for error in [one.exception() for one in begun]:
            if error and not isinstance(
                error, threading.BrokenBarrierError
            ):  # which only tells of another
                raise error

    def forget(self) -> None:
        """Delete the threads that checks have made."""
        for name in self.threads:
            with suppress(Raised):  # told where it is looked at
                self.call("delete_thread", name)


def _giving_way(files: set[str]) -> Callable[[FrameType, str, Any], Any]:
    """What a thread is traced with, to let others in after each line of the code in these files."""

    def give_way(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            time.sleep(1e-6)
        return give_way

    return give_way


async def _awaited(given: Any) -> Any:
    return await given


async def _listed(given: Any) -> list[Any]:
    return [one async for one in given]


def id_of(config: Any) -> str | None:
    """The checkpoint's id in a config, or None.

    >>> id_of({"configurable": {"thread_id": "ada"}}) is None
    True
    """
    return cast("str | None", ((config or {}).get("configurable") or {}).get("checkpoint_id"))
