"""`catch_up`: start a lesson without the ones before it."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from types import CodeType, FunctionType
from typing import Any

from lessons_lib.teach import look
from lessons_lib.teach.course import find_lesson
from lessons_lib.teach.loader import catch_up_source, load
from lessons_lib.teach.sources import run_cell


def catch_up(number: str) -> look.Told:
    """Put the names a lesson starts from into your notebook, and say what you can say before it.

    They come from the lesson's cells that are tagged `catch-up`, run without their output.
    A name you already have keeps your value, and this is said.
    Raises `NotFound` with the nearest lesson when there is no such number.
    """
    lesson = find_lesson(number)
    say = load(lesson.number).say
    if not say:
        start = f"Lesson {lesson.number} ({lesson.title}) starts from nothing"
        return _told(f"{start}: run it from the top.")
    source, names = catch_up_source(lesson.number), sys._getframe(1).f_globals
    kept = _run(f"<catch_up {lesson.number}>", source, names)
    ready = [name for name in defined(source) if name not in kept]
    title = f"**Before lesson {lesson.number} ({lesson.title})** you can say:"
    return _told(title, say, _notes(ready, kept))


def _notes(ready: list[str], kept: list[str]) -> list[str]:
    notes = []
    if ready:
        notes.append(f"Ready for use: {_ticked(ready)}.")
    if kept:
        notes.append(
            f"You had {_ticked(kept)} already, and yours stayed; "
            "to take the lesson's instead, restart the kernel and run this cell first."
        )
    return notes


def _told(title: str, say: Sequence[str] = (), notes: Sequence[str] = ()) -> look.Told:
    lines = [title, *(f"  - {sentence}" for sentence in say), *notes]
    items = "".join(f"<li>{look.inline(sentence)}</li>" for sentence in say)
    listed = f'<ul style="margin:.3em 0">{items}</ul>' if items else ""
    under = "".join(f"<div>{look.inline(note)}</div>" for note in notes)
    html = look.panel(f"{look.inline(title)}{listed}{under}", role="status")
    return look.Told("\n".join(map(look.plain, lines)), html)


def defined(source: str) -> list[str]:
    """The names that a source defines for use, each once; what it imports is not its own.

    >>> defined("import sys\\na, b = 1, 2\\ndef f(): c = 3\\na = 4")
    ['a', 'b', 'f']
    """
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            inside = [one for target in node.targets for one in ast.walk(target)]
            names += [one.id for one in inside if isinstance(one, ast.Name)]
    return list(dict.fromkeys(names))


def _run(file: str, source: str, names: dict[str, Any]) -> list[str]:
    """Run the source in the notebook's names; those that it changed are put back, and returned."""
    # In the notebook's own names, not in a copy: what the functions look up is found there.
    before = dict(names)
    with redirect_stdout(io.StringIO()):
        run_cell(source, names, file)
    changed = [name for name, old in before.items() if not alike(old, names.get(name))]
    names.update(before)
    return changed


def alike(old: object, new: object) -> bool:
    """Whether a name still means the same: one object, or one made from the same source.

    >>> alike([1], [1]), alike([1], [2])
    (True, False)
    """
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        return old.__code__ == new.__code__
    if isinstance(old, type):
        return _members(old) == _members(new)
    try:
        return bool(old == new)
    except Exception:
        return False


def _members(cls: object) -> dict[str, CodeType | str]:
    """A class by what its body says: the code of its methods, the words of the rest."""
    own = {name: value for name, value in vars(cls).items() if name not in _MADE}
    return {name: getattr(value, "__code__", repr(value)) for name, value in own.items()}


_MADE = {"__dict__", "__weakref__", "__firstlineno__", "__static_attributes__"}


def _ticked(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
