"""`check`: run the reader's answer and say what was proven, or which fault to look at.

Nothing of the reader's outlives a check: of an exception only words are kept (an exception holds
every local of every frame it passed: lesson 02), and the collector is left as it was found.
"""

from __future__ import annotations

import gc
import linecache
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from types import TracebackType
from typing import Any

from lessons_lib.observe.pictures.style import BLUE, VERMILION
from lessons_lib.teach import loader, look, sources
from lessons_lib.teach.model import Exercise, NotYet
from lessons_lib.teach.store import store

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_LONG = 300


@dataclass(frozen=True)
class Verdict:
    """Right or not yet, and why; true when right."""

    right: bool
    text: str
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        symbol, word, _ = self._shown()
        return "\n".join([f"{symbol} {word} {look.plain(self.text)}", *self.notes])

    def _repr_html_(self) -> str:
        symbol, word, colour = self._shown()
        text = look.blocks(self.text) if "\n\n" in self.text else look.inline(self.text)
        html = f"{look.mark(symbol, word, colour)} {text}{look.small(self.notes)}"
        return look.panel(html, colour=colour, role="status", css="rc-verdict")

    def _shown(self) -> tuple[str, str, str]:
        if self.right:
            return look.RIGHT, "Right:", BLUE
        return look.WRONG, "Not yet:", VERMILION


def check(id: str, answer: Any) -> Verdict:
    """Check the answer to an exercise and record the try.

    The untouched stub shows its fault and is no try; nor is something of the wrong kind. Raises
    `NotFound` with the nearest id when there is no such exercise.
    """
    exercise, stub = loader.exercise(id), loader.stub(id)
    if refusal := refuse(exercise, stub, answer):
        return Verdict(False, refusal)
    verdict = judge(exercise, loader.check_of(id), answer)
    if sources.is_stub(stub, exercise.name, answer):
        note = (
            f"This is the stub, as it came. Change `{exercise.name}` in its cell, run that cell, "
        )
        return Verdict(verdict.right, verdict.text, (f"{note}then run this one again.",))
    source = sources.source_of(answer) or _shortened(_words(answer))
    kept = store()
    kept.update(lambda record: record.attempt(id, verdict.right, source))
    return Verdict(verdict.right, verdict.text, kept.notices())


def refuse(exercise: Exercise, stub: str, answer: Any) -> str:
    """Why this cannot be an answer: it is of the wrong kind; empty when it can."""
    asked = sources.kind(stub, exercise.name)
    name, call = exercise.name, f'`check("{exercise.id}", {exercise.name})`'
    if asked == "function" and isinstance(answer, type):
        return f"`{answer.__name__}` is a class; the exercise asks for a function: {call}."
    if asked == "function" and not callable(answer):
        return (
            f"this is {_kind_of(answer)}, perhaps what a call gave back. Hand over the function "
            f"itself, without calling it: {call}."
        )
    if asked == "class" and not isinstance(answer, type):
        what = f"a `{name}`" if type(answer).__name__ == name else _kind_of(answer)
        return f"this is {what}; hand over the class itself, without making an object: {call}."
    return ""


def judge(exercise: Exercise, check: Callable[[Any], str], answer: Any) -> Verdict:
    """Run an exercise's check on an answer; record nothing, keep nothing of the reader's."""
    with kernel_unchanged():
        try:
            return Verdict(True, check(answer))
        except NotYet as fault:
            return Verdict(False, str(fault))
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            return Verdict(False, _raised(exercise, answer, error))


@contextmanager
def kernel_unchanged() -> Iterator[None]:
    """Put back what a check may have changed: collector, tracer, working folder, streams."""
    enabled, thresholds, debug = gc.isenabled(), gc.get_threshold(), gc.get_debug()
    callbacks, tracer, folder = gc.callbacks[:], sys.gettrace(), os.getcwd()
    streams = sys.stdout, sys.stderr
    try:
        yield
    finally:
        (gc.enable if enabled else gc.disable)()
        gc.set_threshold(*thresholds)
        gc.set_debug(debug)
        gc.callbacks[:] = callbacks
        sys.settrace(tracer)
        os.chdir(folder)
        sys.stdout, sys.stderr = streams


def _kind_of(answer: Any) -> str:
    if answer is None:
        return "`None`"
    name = type(answer).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} `{name}`"


def _raised(exercise: Exercise, answer: Any, error: BaseException) -> str:
    line = _line(answer, error.__traceback__)
    if isinstance(error, KeyboardInterrupt):
        where = f", on {line}" if line else ""
        return (
            f"you stopped `{exercise.name}` while it was still running{where}. Does its loop end?"
        )
    words = _shortened(_words(error))
    what = f"`{type(error).__name__}`{f' ({words})' if words else ''}"
    if line:
        return f"your code raised {what}, on {line}."
    if _words(error).startswith((f"{exercise.name}(", f"{exercise.name}.__init__(")):
        return f"`{exercise.name}` cannot be called as the task says: {what}."
    return f"what `{exercise.name}` gave back could not be used: {what}."


def _words(thing: Any) -> str:
    try:
        return _ADDRESS.sub("", str(thing))
    except Exception:
        return ""


def _shortened(words: str) -> str:
    return words if len(words) <= _LONG else words[:_LONG] + " …"


def _line(answer: Any, traceback: TracebackType | None) -> str:
    """The line of the reader's that was reached last: number and text; empty when there is none."""
    file, found = sources.file_of(answer), None
    for frame, line in walk_tb(traceback):
        of = frame.f_code.co_filename
        if of == file if file else frame.f_globals.get("__name__") == "__main__":
            found = of, line
    if found is None:
        return ""
    text = linecache.getline(*found).strip()
    return f"line {found[1]}: `{text}`" if text else f"line {found[1]}"
