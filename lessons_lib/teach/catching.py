"""`catch_up`: start a lesson without the ones before it."""

from __future__ import annotations

import ast
import io
import linecache
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from lessons_lib.teach import look
from lessons_lib.teach.course import find_lesson
from lessons_lib.teach.loader import catch_up_source, load


@dataclass(frozen=True)
class CaughtUp(look.Shown):
    """What you can say before a lesson, which names are ready, and which of yours were kept."""

    title: str
    say: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [f"  - {sentence}" for sentence in self.say]
        return "\n".join(map(look.plain, [self.title, *said, *self._told()]))

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{look.inline(sentence)}</li>" for sentence in self.say)
        listed = f'<ul style="margin:.3em 0">{items}</ul>' if items else ""
        told = "".join(f"<div>{look.inline(sentence)}</div>" for sentence in self._told())
        return look.panel(f"{look.inline(self.title)}{listed}{told}", role="status")

    def _told(self) -> list[str]:
        told = []
        if self.ready:
            told.append(f"Ready for use: {_ticked(self.ready)}.")
        if self.kept:
            told.append(
                f"You had {_ticked(self.kept)} already, and yours stayed; "
                "to take the lesson's instead, restart the kernel and run this cell first."
            )
        return told


def catch_up(number: str) -> CaughtUp:
    """Put the names a lesson starts from into your notebook, and say what you can say before it.

    They come from the lesson's cells that are tagged `catch-up`, run without their output.
    A name you already have keeps your value, and this is said.
    Raises `NotFound` with the nearest lesson when there is no such number.
    """
    lesson = find_lesson(number)
    say = load(lesson.number).say
    if not say:
        start = f"Lesson {lesson.number} ({lesson.title}) starts from nothing"
        return CaughtUp(f"{start}: run it from the top.")
    source, names = catch_up_source(lesson.number), sys._getframe(1).f_globals
    kept = _run(f"<catch_up {lesson.number}>", source, names)
    ready = tuple(name for name in defined(source) if name not in kept)
    title = f"**Before lesson {lesson.number} ({lesson.title})** you can say:"
    return CaughtUp(title, say, ready, kept)


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


def _run(file: str, source: str, names: dict[str, Any]) -> tuple[str, ...]:
    """Run the source in the notebook's names; those that it changed are put back, and returned."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    before = dict(names)
    with redirect_stdout(io.StringIO()):
        exec(compile(source, file, "exec"), names)
    changed = [name for name, old in before.items() if not alike(old, names.get(name))]
    names.update(before)
    return tuple(changed)


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


def _ticked(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
