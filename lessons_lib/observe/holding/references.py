"""Who is still alive: instances counted or in your hand, one life watched and not prolonged."""

from __future__ import annotations

import gc
import sys
import threading
import types
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from operator import call, is_not
from typing import Literal

from .links import full_name, is_a, name_of, telling_name, with_subclasses
from .search import Search, is_frozen, roots_of


def survivors(cls: type) -> int:
    """The number of living instances of a class, its subclasses' included.

    Counts what the collector knows, which is every instance of a class written in Python, garbage
    too; of what `gc.freeze()` has set aside, that to which a name leads. Instances of an earlier
    class of the same name are not counted. A class of plain values, such as int, raises ValueError:
    the collector does not know those.

    >>> class Upload: pass
    >>> one, two = Upload(), Upload()
    >>> survivors(Upload)
    2
    >>> del one
    >>> survivors(Upload)
    1
    """
    require_countable(cls)
    return count_instances([cls], _known_objects(sys._getframe(1)))[0]


def _known_objects(caller: types.FrameType) -> list[object]:
    """All that the collector knows and, of what `gc.freeze()` has set aside, what names lead to."""
    if not is_frozen():
        return gc.get_objects()
    roots = roots_of(caller)  # first: a frame's locals are let go of only if nobody else has them
    return Search(gc.get_objects(), roots.found).found


_KNOWN_TO_COLLECTOR = 1 << 14  # Py_TPFLAGS_HAVE_GC


def require_countable(cls: object) -> None:
    """Raise TypeError or ValueError when the instances of `cls` cannot be counted."""
    if not is_a(cls, type):
        raise TypeError(f"{cls!r} is no class, expected one: give the class, not an instance of it")
    if not cls.__flags__ & _KNOWN_TO_COLLECTOR:
        raise ValueError(
            f"the collector does not know instances of {cls.__name__}, expected a class whose "
            "instances hold references: use a class of your own"
        )


def count_instances(classes: Sequence[type], objects: list[object]) -> list[int]:
    """How many of the objects are instances of each class, those of its subclasses included.

    >>> count_instances([Exception, list], [[], ValueError(), TypeError()])
    [2, 1]
    """
    counts = Counter(id(type(thing)) for thing in objects)
    return [sum(counts[key] for key in with_subclasses(cls)) for cls in classes]


class Live:
    """The living instances of a class, without keeping any of them alive; see `live`."""

    def __init__(self, name: str, things: list[object], unseen: str = "") -> None:
        self._name = name
        self._refs = [weakref.ref(thing) for thing in things]
        self._unseen = unseen

    def _now(self) -> list[object]:
        return [thing for ref in self._refs if (thing := ref()) is not None]

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[object]:
        # No generator: a suspended one would hold what it has given last.
        return filter(partial(is_not, None), map(call, self._refs))

    def __getitem__(self, index: int) -> object:
        if not isinstance(index, (int, slice)):
            raise TypeError(
                f"{index!r} is no number, expected that of a living {self._name}: take [0], and "
                "next() over them for one of a certain name"
            )
        now = self._now()
        try:
            return now[index]
        except IndexError:
            raise IndexError(
                f"there is no live {self._name} number {index}, expected one of {len(now)}: "
                "ask for live() again, or for a smaller number"
            ) from None

    def __str__(self) -> str:
        names = sorted(telling_name(thing) for thing in self._now())
        known = ", ".join(repr(name) for name in names[:8] if name)
        more = f", … and {len(names) - 8} more" if known and len(names) > 8 else ""
        said = f"{len(names)} live {self._name}" + (f": {known}{more}" if known else "")
        return f"{said} ({self._unseen})" if self._unseen else said

    __repr__ = __str__


def live(cls: type) -> Live:
    """The instances of a class, its subclasses included, that are alive now, held weakly.

    Take one in your hand, `live(Session)[0]`, and ask `who_holds` about it. When the program lets
    go of them, they leave the list too. It sees what `survivors` counts; the words say what that
    leaves out.

    >>> class Session:
    ...     def __init__(self, name): self.name = name
    >>> sessions = {name: Session(name) for name in ("ada", "bo")}
    >>> found = live(Session)
    >>> found
    2 live Session: 'ada', 'bo'
    >>> del sessions["ada"]
    >>> found
    1 live Session: 'bo'
    """
    require_countable(cls)
    if not cls.__weakrefoffset__:
        raise TypeError(
            f"instances of {cls.__name__} take no weak reference, expected a class whose instances "
            'do: use a class of your own, with "__weakref__" among its __slots__ if it has any'
        )
    objects = _known_objects(sys._getframe(1))
    ours = with_subclasses(cls)
    things = [thing for thing in objects if id(type(thing)) in ours]
    name = full_name(cls)
    earlier = 0 if things else sum(full_name(type(thing)) == name for thing in objects)
    unseen = [f"but {earlier} of an earlier class of that name"] if earlier else []
    if is_frozen():
        unseen.append("of what gc.freeze() has set aside, only those to which a name leads")
    return Live(name_of(cls), things, ", and ".join(unseen))


_at_work: list[int] = []
"""The thread in which the collector is at work at this moment: others go on meanwhile."""


def _notice(phase: str, info: dict[str, int]) -> None:
    _at_work[:] = [threading.get_ident()] if phase == "start" else []


class Lifeline:
    """The life of one object, watched through a weak reference; see `watch`."""

    def __init__(self, thing: object, label: str) -> None:
        self.label = label
        self._death: list[Literal["reference count", "the collector"]] = []
        death = self._death

        def gone(_: object, at_work: list[int] = _at_work) -> None:
            collected = threading.get_ident() in at_work
            death.append("the collector" if collected else "reference count")

        try:
            self._ref = weakref.ref(thing, gone)
        except TypeError:
            raise TypeError(
                f"{type(thing).__name__} takes no weak reference, expected an object that does: "
                "watch an instance of a class of your own"
            ) from None

    @property
    def alive(self) -> bool:
        """Whether the object still lives."""
        return self._ref() is not None

    @property
    def died_by(self) -> Literal["reference count", "the collector"] | None:
        """By which hand it died; None while it lives."""
        return self._death[0] if self._death else None

    def __str__(self) -> str:
        return f"{self.label}: " + ("alive" if self.alive else f"died by {self.died_by}")

    __repr__ = __str__


def watch(thing: object, label: str = "") -> Lifeline:
    """Watch an object without keeping it alive: is it there, and if not, by which hand it died.

    Without a label it is called by its `name` (title, path …) attribute, or else by its type.
    Lists, dictionaries and numbers take no weak reference: TypeError.

    >>> class Upload:
    ...     def __init__(self, name): self.name = name
    >>> upload = Upload("cv.pdf")
    >>> life = watch(upload)
    >>> print(life)
    cv.pdf: alive
    >>> del upload
    >>> print(life)
    cv.pdf: died by reference count
    """
    if _notice not in gc.callbacks:
        gc.callbacks.append(_notice)
    return Lifeline(thing, label or telling_name(thing) or type(thing).__name__)
