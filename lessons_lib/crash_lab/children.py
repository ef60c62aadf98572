"""Start child processes quickly.

A fresh interpreter that imports LangGraph takes a second or more. A *forkserver* takes it once: it
imports, then forks a child whenever one is asked for. It only ever imports, so that a child never
inherits a running thread or a held lock. Where there is no forkserver (Windows), children are
spawned.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import util
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

METHOD = "spawn" if sys.platform == "win32" else "forkserver"

_HEAVY = (
    "langgraph", "langchain", "langchain_core", "cloudpickle", "ormsgpack", "sqlite3", "asyncio",
)  # fmt: skip
# What children import, and the memories they mostly serve; what is not installed is passed over.
_OURS = (
    "lessons_lib.crash_lab.moments", "lessons_lib.crash_lab.sweep", "lessons_lib.exam.serving",
    "lessons_lib.exam.price", "lessons_lib.memories.sessions",
    "lessons_lib.memories.on_disk", "lessons_lib.memories.sqlite_by_hand",
    "lessons_lib.memories.journal", "cloudpickle",
)  # fmt: skip
# The memories on LangGraph, and what that imports when a graph first runs: every child would.
_GRAPHS = (
    "lessons_lib.memories.graph_mended", "langchain_core.tracers.context",
    "langchain_core.tracers.stdout", "langchain_core.messages.block_translators.langchain_v0",
)  # fmt: skip
_LONGEST = 70
"""Bytes of a temporary folder in which the forkserver's socket has room: the system allows 107 for
all of its path."""
_lock = threading.Lock()
_preloaded: set[str] = set()


class Stopped(KeyboardInterrupt):
    """Ctrl-C while children were at work: a notebook shows a sentence, and no lines of ours."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


def start(
    target: Callable[..., None], *arguments: object
) -> tuple[BaseProcess, Connection[Any, Any]]:
    """Start `target(connection, *arguments)` in a new process; return it and our connection."""
    context = multiprocessing.get_context(METHOD)
    ours, theirs = context.Pipe()
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]
        target=target, args=(theirs, *arguments)
    )
    with _server("langgraph" in sys.modules):
        process.start()
    theirs.close()
    return process, ours


def scratch(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder for an experiment; where children are forked, a killed one is swept up."""
    # In the folder that holds the forkserver's socket: it is what `sweep` removes.
    home = _home() if METHOD == "forkserver" else None
    return tempfile.TemporaryDirectory(prefix=prefix, dir=home, ignore_cleanup_errors=True)


def _home() -> str:
    """The folder of multiprocessing's sockets, which is made when it is first asked for."""
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST:
        tempfile.tempdir = "/tmp"
    try:
        return util.get_temp_dir()
    finally:
        tempfile.tempdir = before


def warm_up(*, langgraph: bool = False, also: Sequence[str] = ()) -> None:
    """Start the process that children are forked from now, so that the first need not wait for it.

    It imports, beside what happens here, what this process has imported by now, and LangGraph as
    well if it is asked to: a second's work. `also` names more modules for it to import. Nothing is
    done where children are spawned.
    """
    if METHOD == "forkserver":
        from multiprocessing import forkserver

        with _server(langgraph or "langgraph" in sys.modules, also):
            forkserver.ensure_running()


@contextmanager
def _server(langgraph: bool, also: Sequence[str] = ()) -> Iterator[None]:
    """Let a forkserver start meanwhile: it imports what this process has, LangGraph if wanted.

    One that was started without LangGraph is ended first, unless it still has children: they
    would be waited for.
    """
    with _lock, _apart():
        if METHOD == "forkserver":
            _home()
            _preload(langgraph, also)
        yield


def _preload(langgraph: bool, also: Sequence[str]) -> None:
    from multiprocessing import forkserver

    wanted = {"ours", "langgraph"} if langgraph else {"ours"}
    if wanted <= _preloaded:
        return
    server = forkserver._forkserver
    if not multiprocessing.active_children():
        with suppress(AttributeError, TypeError):  # private; and it may not run yet
            # By force: one that is only told to end would sweep up.
            os.kill(server._forkserver_pid, signal.SIGKILL)  # type: ignore[attr-defined]
            server._stop()  # type: ignore[attr-defined]
    names = [name for name in list(sys.modules) if name.partition(".")[0] in _HEAVY]
    forkserver.set_forkserver_preload([*_OURS, *names, *(_GRAPHS if langgraph else ()), *also])
    _preloaded.update(wanted)


@contextmanager
def _apart() -> Iterator[None]:
    """Have what is started meanwhile not run the parent's main program, and in a group of its own.

    multiprocessing runs the main program again in every child to find functions by name. Ours cross
    by value, and a script without an `if __name__ == "__main__"` would start children without end.

    A kernel that is asked to shut down first ends the children of its own process group, and
    multiprocessing's resource tracker ignores that: the kernel would be killed while it waits,
    before it could clean up. The tracker and the forkserver end by themselves as soon as this
    process has ended.
    """
    main, spawn = sys.modules["__main__"], util.spawnv_passfds
    sys.modules["__main__"] = types.ModuleType("__main__")
    if METHOD == "forkserver":
        util.spawnv_passfds = _spawn_apart  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        util.spawnv_passfds = spawn


def _spawn_apart(path: str | bytes, arguments: Sequence[str], passed: Sequence[int]) -> int:
    """Start a program in a process group of its own; return its id, as multiprocessing expects."""
    child = subprocess.Popen(arguments, executable=path, pass_fds=passed, process_group=0)
    child.returncode = 0  # multiprocessing waits for it by its id, so Popen need not warn
    return child.pid
