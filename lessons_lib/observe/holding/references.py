"""Who is still alive: instances counted, one object's life watched without prolonging it."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from .links import derives, is_a, telling_name
from .search import FROZEN_BY_PYTHON, Search, roots_of


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
    objects = gc.get_objects()
    if gc.get_freeze_count() > FROZEN_BY_PYTHON:
        objects = Search(objects, roots_of(sys._getframe(1)).found).found
    return count_instances([cls], objects)[0]


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
    counts = Counter(map(id, map(type, objects)))
    kinds = {id(kind): kind for kind in map(type, objects)}
    return [
        sum(count for key, count in counts.items() if derives(kinds[key], cls)) for cls in classes
    ]


class Lifeline:
    """The life of one object, watched through a weak reference; see `watch`."""

    def __init__(self, thing: object, label: str) -> None:
        self.label = label
        self._death: list[Literal["reference count", "the collector"]] = []
        death, at_work = self._death, _collector.at_work

        def gone(_: object) -> None:
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
    _collector.attend()
    return Lifeline(thing, label or telling_name(thing) or type(thing).__name__)


class _Collector:
    """Knows in which thread the collector is at work at this moment: others go on meanwhile."""

    def __init__(self) -> None:
        self.at_work: list[int] = []

    def attend(self) -> None:
        if self.notice not in gc.callbacks:
            gc.callbacks.append(self.notice)

    def notice(self, phase: str, info: dict[str, int]) -> None:
        self.at_work[:] = [threading.get_ident()] if phase == "start" else []


_collector = _Collector()
