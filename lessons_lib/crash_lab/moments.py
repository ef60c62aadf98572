"""The child's side of the crash lab: named moments, and the line to the parent that hears of them.

A moment is a gate. The thread that comes to it tells the parent and waits for the answer, so that
the parent has always heard of a moment before the child goes on. No sleep decides anything.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, cast

from lessons_lib.crash_lab.crossing import dumps, loads

Answer = Literal["go", "stay", "terminate"]

# Rings the main thread when a moment in another thread is to be met by SIGTERM. Nobody else uses
# SIGURG and it is ignored by default; Windows has neither it nor pthread_kill.
_BELL: int | None = getattr(signal, "SIGURG", None)
_due: list[threading.Event] = []

_line: Line | None = None


def moment(name: str) -> None:
    """Mark a named point that this process has come to; outside a crash lab it does nothing.

    Inside `crash()` the parent has heard of the moment before this function returns, from whatever
    thread it was called. At the moment the lab was asked for, it does not return: the process is
    killed here (or, with `how="term"`, has handled its SIGTERM when it goes on).

    >>> moment("ticket opened")

    Raises ValueError when the name is not a non-empty text.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"a moment's name is {name!r}: give it a few words, as in moment('saved')")
    if _line is None:
        return
    answer = _line.ask(("moment", name, threading.current_thread() is threading.main_thread()))
    if answer == "stay":
        threading.Event().wait()  # nobody sets it: the parent is about to kill this process
    elif answer == "terminate":
        _terminate()


def _terminate() -> None:
    """Send this process a real SIGTERM and return once its handler has run.

    Python runs signal handlers in the main thread only, so a moment in another thread rings the
    main one until it has handled the signal. Once may not do: a main thread that is about to wait
    for a lock, and has looked for signals for the last time, sleeps through the first bell.
    """
    if threading.current_thread() is threading.main_thread():
        signal.raise_signal(signal.SIGTERM)
    elif _BELL is not None and hasattr(signal, "pthread_kill"):
        main = threading.main_thread().ident
        assert main is not None
        handled = threading.Event()
        _due.append(handled)
        while not handled.is_set():
            signal.pthread_kill(main, _BELL)
            handled.wait(0.02)
    elif callable(handler := signal.getsignal(signal.SIGTERM)):
        handler(signal.SIGTERM, None)  # in this thread: Windows cannot interrupt a waiting main one
    else:
        os._exit(signal.SIGTERM)


def _on_bell(signum: int, frame: object) -> None:
    """Raise a SIGTERM that is due, once; its handler has run (or raised) when this returns."""
    if _due:
        handled = _due.pop()
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            handled.set()


class Line:
    """The line to the parent: messages of all threads leave in the order in which they came.

    One thread owns the connection. The others post to it through a SimpleQueue, whose `put` may be
    called even from a signal handler that interrupted another `put`.
    """

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._post: SimpleQueue[tuple[object, SimpleQueue[Answer] | None]] = SimpleQueue()
        threading.Thread(target=self._carry, name="crash-lab-line", daemon=True).start()

    def tell(self, message: object) -> None:
        """Send a message and go on."""
        self._post.put((message, None))

    def ask(self, message: object) -> Answer:
        """Send a message and wait for the parent's answer."""
        answer: SimpleQueue[Answer] = SimpleQueue()
        self._post.put((message, answer))
        return answer.get()

    def _carry(self) -> None:
        try:
            while True:
                message, answer = self._post.get()
                self._connection.send(message)
                if answer is not None:
                    answer.put(self._connection.recv())
        except (OSError, EOFError):
            os._exit(1)  # the parent is gone: nobody will read the report


class _Voice(io.TextIOBase):
    """A stdout that goes down the line, so that what was printed before a kill is not lost."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._line.tell(("said", text))
        return len(text)


def live(
    connection: Connection[Any, Any], function: bytes, folder: Path, environment: dict[str, str]
) -> None:
    """Live one life: call a pickled function with a folder, and tell the parent what came of it."""
    global _line
    begin_child(environment)
    if _BELL is not None:
        signal.signal(_BELL, _on_bell)
    _line = Line(connection)
    sys.stdout = sys.stderr = _Voice(_line)
    _line.ask(_outcome(function, folder))


def begin_child(environment: dict[str, str]) -> None:
    """Begin as a child: with the environment of the parent, and ending when the parent does."""
    threading.Thread(target=_end_with_the_parent, name="crash-lab-parent", daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)


def _end_with_the_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _outcome(packed: bytes, folder: Path) -> tuple[str, ...] | tuple[str, bytes, str]:
    """Call the function: ("returned", pickled value, complaint) or ("raised", type, text)."""
    try:
        function = cast(Callable[[Path], object], loads(packed))
        value = function(folder)
    except Exception as error:
        traceback.print_exc()
        return ("raised", type(error).__name__, str(error))
    try:
        return ("returned", dumps(value), "")
    except Exception as error:
        return ("returned", dumps(None), f"{type(value).__name__} ({error})")
