"""Run a snippet line by line and write down, after each line, what leads to what.

The recording holds words and numbers only, never the objects: it can be kept for ever and keeps
nothing alive. `rewriting` puts a call of the probe between the lines, `looking` looks at what the
names lead to, and `gc.callbacks` tell whether the collector was at work when something died.

While a snippet runs, automatic collections are off unless the snippet itself switches them on, so
that a collection comes only where the snippet asks for one; the reader's setting is put back.
"""

from __future__ import annotations

import builtins
import gc
import io
import linecache
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from time import monotonic
from traceback import walk_tb
from typing import Any

from ..holding.frames import stack_of
from ..pictures.waiting import PATIENCE, somebody_waits
from .looking import Looker
from .recording import Recording, Step
from .rewriting import FILENAME, MAX_STEPS, PROBE, checked, instrument

MAX_PROBES = 5_000


def record(
    snippet: str, names: Mapping[str, object] | None = None, *, max_steps: int = MAX_STEPS
) -> Recording:
    """Run a snippet with some names given, and record what leads to what after every line.

    An exception of the snippet ends the recording and is shown in it; a SyntaxError is raised as
    usual, and ValueError for an `await` outside a function and for a notebook's magic. After
    `max_steps` steps the snippet is stopped and the recording says so.

    >>> recording = record("box = [[]]\\ninner = box[0]\\ndel box")
    >>> [step.line for step in recording.steps]
    [1, 2, 3]
    >>> [(death.number, death.by) for death in recording.steps[2].died]
    [(1, 'reference count')]
    """
    snippet = checked(snippet, max_steps)
    return _Recorder(snippet, names or {}, max_steps).run()


class _Stop(BaseException):
    """Ends a snippet that takes too many steps."""


class _Recorder:
    def __init__(self, snippet: str, names: Mapping[str, object], max_steps: int) -> None:
        self.snippet = snippet
        self.max_steps = max_steps
        self.built_in: dict[str, object] = {**vars(builtins), PROBE: self.probe}
        self.namespace = {"__name__": "__main__", "__builtins__": self.built_in, **names}
        self.looker = Looker(self.built_in)
        self.lives = self.looker.lives
        self.steps: list[Step] = []
        self.depth = 0
        """How many functions of the snippet were running at the last probe."""
        self.probes = 0
        self.thread = threading.get_ident()
        self.output = io.StringIO()
        self.errors = sys.stderr
        self.patience = monotonic() + PATIENCE

    def run(self) -> Recording:
        """Run the snippet with everything around it put back afterwards."""
        code = compile(instrument(self.snippet), FILENAME, "exec", dont_inherit=True)
        was_on = gc.isenabled()
        gc.disable()
        gc.callbacks.append(self.lives.hear)
        # A traceback that the snippet prints can show its lines.
        source = self.snippet.splitlines(keepends=True)
        linecache.cache[FILENAME] = (len(self.snippet), None, source, FILENAME)
        try:
            with _output_kept_in(self.output):
                return self._run(code)
        finally:
            self.built_in[PROBE] = lambda line, event: None  # a function may outlive the recording
            linecache.cache.pop(FILENAME, None)
            gc.callbacks.remove(self.lives.hear)
            self.lives.known.clear()
            self._tell_progress("")
            (gc.enable if was_on else gc.disable)()

    def _run(self, code: types.CodeType) -> Recording:
        stopped = []
        try:
            exec(code, self.namespace)
        except _Stop:
            stopped = [self._where_it_stopped()]
        except KeyboardInterrupt:  # the reader's own: there is nothing to show
            self.namespace.clear()
            raise
        except BaseException as raised:  # its last step: the error and the frames that it keeps
            self._finish(_line_of(raised), "raised", _describe(raised), [], raised)
        self._printed()  # told with the last step
        self.namespace.clear()  # what finalizers print now is told as afterwards
        note = "; ".join([*stopped, *self.looker.notes])
        return Recording(self.snippet, self.lives.things, self.steps, note, self._printed())

    def _where_it_stopped(self) -> str:
        line = self.steps[-1].line if self.steps else 1
        if self.probes < MAX_PROBES:
            more = f"max_steps={5 * self.max_steps} lets it go on"
            return f"stopped after {len(self.steps)} steps, at line {line}: {more}"
        return f"stopped at line {line}, after {MAX_PROBES:,} lines: a recording takes no more"

    def _printed(self) -> str:
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text

    def _tell_progress(self, words: str) -> None:
        """For those who wait, as `waiting` does it; its thread would be seen by the snippet."""
        if monotonic() > self.patience and somebody_waits():
            self.patience = monotonic() + 0.5
            self.errors.write(f"\r{words:30}" if words else f"\r{'':30}\r")
            self.errors.flush()

    def probe(self, line: int, event: str) -> None:
        """Called by the snippet after (or, for return and raise, before) each statement."""
        if threading.get_ident() != self.thread:
            return
        # The snippet may have switched it on; a look makes much, and would set off a collection.
        collector_on = gc.isenabled()
        gc.disable()
        try:
            error = _describe(sys.exc_info()[1], where=True) if event == "except" else ""
            self._finish(line, event, error, _running(sys._getframe(1)))
            self._tell_progress(f"recording … step {len(self.steps)}")
        finally:
            if collector_on:
                gc.enable()
        self.probes += 1
        if len(self.steps) > self.max_steps:  # only a step too many tells that there are more
            del self.steps[self.max_steps :]
            raise _Stop
        if self.probes >= MAX_PROBES:
            raise _Stop

    def _finish(
        self,
        line: int,
        event: str,
        error: str,
        frames: list[types.FrameType],
        uncaught: BaseException | None = None,
    ) -> None:
        """Close a step: look, and keep it unless it is a quiet one in which nothing changed."""
        deaths = list(self.lives.deaths)
        del self.lives.deaths[: len(deaths)]  # another thread may add one meanwhile
        # A collection that a function of the snippet made in this line belongs to a step of that.
        collected = self.lives.collected or len(frames) < self.depth
        self.lives.collected, self.depth = False, len(frames)
        step = Step(
            line, event, _scopes(frames), printed=self._printed(), error=error, collected=collected
        )
        self.looker.look(step, self.namespace, frames, uncaught)
        deaths += self.lives.vanished(step.values, self.steps[-1] if self.steps else None)
        step.died.extend(sorted(set(deaths)))
        if not event.startswith(("quiet", "end of")) or self._has_news(step):
            self.steps.append(step)

    def _has_news(self, step: Step) -> bool:
        if not self.steps:
            return bool(step.names or step.printed)
        seen = ("names", "references", "values", "garbage")
        moved = any(getattr(self.steps[-1], it) != getattr(step, it) for it in seen)
        return moved or bool(step.died or step.printed or step.changes)


# -- frames and errors -----------------------------------------------------------------------------


def _running(frame: types.FrameType) -> list[types.FrameType]:
    """The running functions of the snippet, outermost first."""
    found: list[types.FrameType] = []
    for caller in stack_of(frame):
        if caller.f_globals is globals():  # below it may be a snippet that calls `step`
            break
        if caller.f_code.co_filename == FILENAME and caller.f_code.co_name != "<module>":
            found.insert(0, caller)
    return found


def _scopes(frames: list[types.FrameType]) -> list[str]:
    """The functions' names, numbered where one is running more than once."""
    result: list[str] = []
    for frame in frames:
        name = frame.f_code.co_name
        again = sum(scope.split(" ")[0] == name for scope in result)
        result.append(f"{name} ({again + 1})" if again else name)
    return result


def _line_of(error: BaseException) -> int:
    """The last line of the snippet that an exception passed."""
    passed = walk_tb(error.__traceback__)
    return [0, *(line for frame, line in passed if frame.f_code.co_filename == FILENAME)][-1]


def _describe(error: BaseException | None, where: bool = False) -> str:
    """An exception in words: its type, its first argument if that is a plain string, its line."""
    if error is None:
        return ""
    first = error.args[0] if error.args else ""
    words = f"{type(error).__name__}: {first}" if type(first) is str and first else ""
    words = words or type(error).__name__
    return f"{words} (line {_line_of(error)})" if where else words


# -- what is printed -------------------------------------------------------------------------------


class _Stream:
    """Stands where `sys.stdout` stood: what the threads print that ran before goes there still."""

    def __init__(self, was: Any, kept: Any, others: set[int]) -> None:
        self._was, self._kept, self._others = was, kept, others

    def __getattr__(self, name: str) -> Any:
        return getattr(self._was if threading.get_ident() in self._others else self._kept, name)


_never_freed: list[_Stream] = []
"""Up to CPython 3.12 `print` uses the stream it finds without holding it, so none may go."""


@contextmanager
def _output_kept_in(kept: io.StringIO) -> Iterator[None]:
    """Keep what this thread prints, and those that it starts; all is put back afterwards."""
    others = set(sys._current_frames()) - {threading.get_ident()}
    out, err = (_Stream(was, kept, others) for was in (sys.stdout, sys.stderr))
    _never_freed.extend((out, err))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        out._kept, err._kept = out._was, err._was
