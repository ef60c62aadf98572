"""The things that a recording has met: which of them live, and by which hand the others died."""

from __future__ import annotations

import gc
import sys
import threading
import types
import weakref
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..holding.links import is_a, is_hidden, telling_name, title
from .recording import By, Death, Step, Thing

ONLY_IF_HOLDING = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.FrameType,
    types.CellType,
    type,
)
"""What is drawn only where it holds something."""


@dataclass(slots=True, eq=False)
class Watched:
    """What is known of a living object: never the object itself."""

    number: int
    thing: Thing
    key: int
    ref: weakref.ref[Any] | None = None
    tracked: bool = True
    spare: int = 0
    """References beyond those drawn; kept for what takes no weak reference."""
    simple: bool = False
    """Watched through a weak reference, and always drawn."""
    contents: tuple[int, ...] = ()


class Lives:
    """All things that were met, and the deaths since they were last asked for.

    A weak reference tells the moment of a death. A list, a dictionary or a tuple takes none: where
    it is no longer reached, its address, its type and what it held say whether it is still there.
    """

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.known: dict[int, Watched] = {}
        """By address, those that were alive when they were last seen."""
        self.deaths: list[Death] = []
        self.collecting = 0
        """The thread in which a collection is running; 0: none."""
        self.collected = False
        """Whether one has run in the recording's own thread since it was last asked."""
        self.thread = threading.get_ident()

    def hear(self, phase: str, info: dict[str, int]) -> None:
        """What the collector calls at its start and its stop."""
        self.collecting = threading.get_ident() if phase == "start" else 0
        self.collected = self.collected or self.collecting == self.thread

    def find(self, thing: object) -> Watched | None:
        """What is known of an object; a list's address may by now be that of another thing."""
        watched = self.known.get(id(thing))
        if watched is None or watched.ref is not None or watched.thing.type == title(thing):
            return watched
        del self.known[watched.key]
        self.deaths.append(Death(watched.number, "reference count"))
        return None

    def meet(self, thing: object) -> Watched:
        """Give an object that was never seen a number and, if it takes one, a weak reference."""
        number = len(self.things) + 1
        self.things.append(Thing(number, title(thing), _called(thing), is_hidden(type(thing))))
        watched = Watched(number, self.things[-1], id(thing))
        with suppress(TypeError):  # lists, dictionaries, tuples, frames … take none
            watched.ref = weakref.ref(thing, partial(self._gone, watched))
            watched.simple = not is_a(thing, ONLY_IF_HOLDING)
        self.known[watched.key] = watched
        return watched

    def _gone(self, watched: Watched, _: object) -> None:
        """Called at a death, in the thread in which it happens."""
        by_collector = self.collecting == threading.get_ident()
        hand: By = "the collector" if by_collector else "reference count"
        self.deaths.append(Death(watched.number, hand))
        # Another thing may have been met at the same address before the callback came.
        if self.known.get(watched.key) is watched:
            del self.known[watched.key]

    def count_spares(self, queue: list[tuple[int, Any]], drawn: Counter[int]) -> None:
        """Note, for what takes no weak reference, how many references were not drawn.

        The queue alone may hold the objects, each once.
        """
        [resting] = [sys.getrefcount(entry[1]) for entry in [(0, object())]]
        places = [i for i, (_, t) in enumerate(queue) if self.known[id(t)].ref is None]
        # All counts in one go: a name for one of the things would be counted too.
        counts = [sys.getrefcount(queue[i][1]) for i in places]
        for i, count in zip(places, counts, strict=True):
            number, thing = queue[i]
            watched = self.known[id(thing)]
            watched.spare = count - resting - drawn[number]
            watched.tracked = gc.is_tracked(thing)
            watched.contents = tuple(map(id, gc.get_referents(thing)))

    def unreached(self, reached: Container[int]) -> list[object]:
        """Living things that were met before and whose number was not reached this time."""
        missed = [w for w in list(self.known.values()) if w.number not in reached]
        found = [thing for w in missed if w.ref and (thing := w.ref()) is not None]
        keyed = {w.key: w for w in missed if not w.ref and w.tracked and not w.thing.hidden}
        if keyed:
            found += [thing for thing in _at(keyed) if _is_same(thing, keyed[id(thing)])]
        return found

    def vanished(self, reached: Container[int], before: Step | None) -> list[Death]:
        """Things without weak references that were reached before, are not now, and are gone."""
        deaths = []
        for watched in list(self.known.values()):
            if watched.ref is None and watched.number not in reached:
                del self.known[watched.key]
                if not watched.thing.hidden and _is_dead(watched):
                    deaths.append(Death(watched.number, _hand(watched.number, before)))
        return deaths


def _called(thing: object) -> str:
    """The name by which a reader would call an instance of a class that Python code made."""
    is_instance = bool(type(thing).__flags__ & (1 << 9)) and not is_a(thing, type)
    return telling_name(thing) if is_instance else ""


def _at(addresses: Container[int]) -> list[object]:
    """The objects that the collector knows at some addresses."""
    return [thing for thing in gc.get_objects() if id(thing) in addresses]


def _is_same(thing: object, watched: Watched) -> bool:
    """Whether an object is the one that was watched, and not another one in its place."""
    contents = tuple(map(id, gc.get_referents(thing)))
    return title(thing) == watched.thing.type and bool(contents) and contents == watched.contents


def _is_dead(watched: Watched) -> bool:
    """Whether a list, dictionary or tuple that was not found any more is gone for certain.

    If every reference to it was drawn, and all those arrows went, it is. If there were others it
    may live on, changed: it is gone if the collector knows nothing of its type at its address.
    """
    if watched.spare <= 0:
        return True
    return watched.tracked and watched.thing.type not in map(title, _at({watched.key}))


def _hand(number: int, before: Step | None) -> By:
    """By which hand a list or dictionary went: by the collector if garbage alone led there."""
    if before is None:
        return "reference count"
    named = any(name.target == number for name in before.names)
    tails = {tail for tail, _, head, _ in before.references if head == number}
    only_garbage = not named and bool(tails) and tails <= before.garbage
    return "the collector" if only_garbage or number in before.garbage else "reference count"
