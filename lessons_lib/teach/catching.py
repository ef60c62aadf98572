"""`catch_up`: start a lesson without the ones before it."""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from lessons_lib.teach import look
from lessons_lib.teach.answers import load
from lessons_lib.teach.course import Lesson, find_lesson, is_written
from lessons_lib.teach.model import CatchUp


@dataclass(frozen=True)
class CaughtUp:
    """What you can say before a lesson, which names are ready, and which of yours were kept."""

    title: str
    say: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [look.plain(self.title), *(f"  - {look.plain(sentence)}" for sentence in self.say)]
        return "\n".join([*lines, *map(look.plain, self._told())])

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{look.inline(sentence)}</li>" for sentence in self.say)
        listed = f'<ul style="margin:.3em 0">{items}</ul>' if items else ""
        told = "".join(f"<div>{look.inline(sentence)}</div>" for sentence in self._told())
        return look.panel(f"{look.inline(self.title)}{listed}{told}", role="status")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": str(self)}

    def _told(self) -> list[str]:
        told = []
        if self.ready:
            told.append(f"Ready for use: {_ticked(self.ready)}.")
        if self.replaced:
            told.append(f"Replaced by the lesson's: {_ticked(self.replaced)}.")
        if self.kept:
            told.append(
                f"You had {_ticked(self.kept)} already, and yours stayed; "
                "`catch_up(…, replace=True)` takes the lesson's instead."
            )
        return told


def catch_up(number: str, *, replace: bool = False) -> CaughtUp:
    """Put the names a lesson starts from into your notebook, and say what you can say before it.

    A name you already have keeps your value, and this is said; `replace=True` takes the lesson's.
    Raises `NotFound` with the nearest lesson when there is no such number.
    """
    lesson = find_lesson(number)
    content = load(lesson.number).catch_up
    if content is None:
        return CaughtUp(_nothing(lesson))
    names = sys._getframe(1).f_globals
    kept, replaced = _run(lesson, content, names, replace)
    ready = tuple(name for name in content.names if name not in {*kept, *replaced})
    return CaughtUp(_before(lesson), content.say, ready, kept, replaced)


def _before(lesson: Lesson) -> str:
    return f"**Before lesson {lesson.number} ({lesson.title})** you can say:"


def _nothing(lesson: Lesson) -> str:
    if is_written(lesson):
        return f"Lesson {lesson.number} ({lesson.title}) starts from nothing: run it from the top."
    return f"Lesson {lesson.number} ({lesson.title}) is planned and not yet written."


def _run(
    lesson: Lesson, content: CatchUp, names: dict[str, Any], replace: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Run the source in the notebook's names; those that changed are put back, or told."""
    file = f"<catch_up {lesson.number}>"
    linecache.cache[file] = (
        len(content.source),
        None,
        content.source.splitlines(keepends=True),
        file,
    )
    before = dict(names)
    exec(compile(content.source, file, "exec"), names)
    changed = [name for name, old in before.items() if not alike(old, names.get(name))]
    if replace:
        return (), tuple(changed)
    names.update((name, before[name]) for name in before if names.get(name) is not before[name])
    return tuple(changed), ()


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
