"""The search for what holds a thing: one walk from the roots of a program, and sweeps back.

Roots are the notebook's names, running functions, context variables, the event loop and modules.
The walk goes forward, since `gc.get_referrers` knows neither what the collector does not track nor
what `gc.freeze()` has set aside, and since it would walk over all objects for each link of a chain.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain as chained
from itertools import filterfalse
from typing import Any, NamedTuple

from .chains import Chain
from .links import (
    OWN_FOLDER,
    OWN_PACKAGE,
    READS_RUNNING,
    frame_locals,
    is_a,
    running_elsewhere,
    stack_of,
)

MOST_PATHS = 200
MOST_STEPS = 100_000
"""So many steps up are tried for other ways to what a shorter way leads to already."""
MOST_SWEEPS = 12
FROZEN_BY_PYTHON = 2000
"""So many objects CPython 3.12 itself has frozen before a program begins."""
_CHUNK = 1000
_PLUMBING = frozenset(
    (
        *("IPython", "ipykernel", "ipywidgets", "comm", "traitlets", "jupyter_client", "zmq"),
        *("asyncio", "tornado", "selectors", "threading", "concurrent", "multiprocessing"),
        *("pytest", "_pytest", "pluggy", "doctest", "unittest", "nbval", "debugpy", "pydevd"),
        *("runpy", "importlib", "contextlib", "socketserver", "code", "codeop"),
    )
)

# -- the roots ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Root:
    """Where chains begin: a namespace, and how it is called ("" for the notebook's own names)."""

    label: str
    space: object


class Roots(NamedTuple):
    """All roots, those a reader knows best first, and what could not be looked at, in words."""

    found: list[Root]
    unread: str


def roots_of(caller: types.FrameType | None) -> Roots:
    """The roots of the program as it is now; `caller` is the frame of who asks."""
    main = sys.modules["__main__"].__dict__
    modules = [
        Root(f"module {name}", module.__dict__)
        for name, module in list(sys.modules.items())
        if is_a(module, types.ModuleType)
        and not name.startswith(OWN_PACKAGE)
        and module.__dict__ is not main
    ]
    stacks = [[frame for frame in stack if _is_shown(frame)] for stack in running_elsewhere()]
    running = [stack for stack in stacks if stack]
    own = [frame for frame in stack_of(caller) if _is_shown(frame)]
    readable = [*own, *chained.from_iterable(running)] if READS_RUNNING else own
    functions = [Root(f"{f.f_code.co_name}()", frame_locals(f)) for f in readable]
    found = [Root("", main), *functions, *_other_roots(), *modules]
    return Roots(found, "" if READS_RUNNING else _unread(len(running)))


def _unread(threads: int) -> str:
    which = "a running thread" if threads == 1 else f"{threads} running threads"
    return f"The locals of {which} were not looked at." if threads else ""


def _is_shown(frame: types.FrameType) -> bool:
    """Whether a frame is that of a function, and not of the machinery that merely called it."""
    module = str(frame.f_globals.get("__name__", "")).split(".")[0]
    ours = module in _PLUMBING or frame.f_code.co_filename.startswith(OWN_FOLDER)
    return bool(frame.f_code.co_flags & 1) and not ours


def _other_roots() -> Iterator[Root]:
    """What belongs to this thread's context alone, and the loop that runs it."""
    yield Root("context variable", contextvars.copy_context())
    loop = asyncio._get_running_loop()
    if loop is not None:
        yield Root("the event loop", loop)


# -- the search ----------------------------------------------------------------------------------

See = Callable[[list[object], list[object]], None]
"""Told, for each piece of the walk, the objects there and the plain values that they refer to."""


class Search:
    """What leads to some objects, found by one walk over all objects and a few sweeps back.

    `objects` is what the collector knew before there was anything of ours, the search included.
    Who asks lets go of the search before they count references: it holds all it has seen.
    """

    def __init__(
        self,
        objects: list[object],
        roots: list[Root],
        targets: list[object],
        see: See | None = None,
    ) -> None:
        self.objects = objects
        self.known: set[int] = set()
        self.roots = {id(root.space): root for root in reversed(roots)}
        self.see = see
        self.deep = bool(see) or not all(map(gc.is_tracked, targets))
        """Whether to walk through what the collector does not track: plain values alone."""
        self.found: list[object] = []
        self.above: dict[int, list[object]] = {}
        self.stopped = ""
        """In words, if there may be more that leads to the targets than was found."""
        self.more_ways = False
        """Whether there may be more ways than were told."""
        self._walk([root.space for root in roots])
        self._walk(self._other_contexts())

    def _other_contexts(self) -> list[object]:
        """The contexts that no root leads to: those in which other threads run."""
        contexts = [thing for thing in self.objects if type(thing) is contextvars.Context]
        contexts = [context for context in contexts if id(context) not in self.known]
        for context in contexts:
            self.roots[id(context)] = Root("another thread's context variable", context)
        return contexts

    def walk_on(self) -> None:
        """Add what no root leads to: garbage, and what C code or a running expression holds."""
        self._walk([thing for thing in self.objects if id(thing) not in self.known])

    def _walk(self, starts: list[object]) -> None:
        """Add all that some objects lead to, near things first."""
        at = len(self.found)
        self._add(starts)
        while chunk := self.found[at : at + _CHUNK]:
            at += len(chunk)
            below = referents_of(chunk)
            self._add(list(filter(gc.is_tracked, below)))
            if self.deep:
                loose = list(filterfalse(gc.is_tracked, below))
                self._add([box for box in loose if type(box) is tuple or type(box) is dict])
                if self.see:
                    self.see(chunk, loose)

    def _add(self, things: list[object]) -> None:
        known = self.known
        new = {id(thing): thing for thing in things if id(thing) not in known}
        known.update(new)
        self.found += new.values()

    def look_for(self, targets: list[object], *, classes: bool = False) -> None:
        """Find all that leads to some objects; if asked for, also from an instance to its class.

        An object far from the roots mostly is held by one nearer to them, so each sweep goes
        backwards, and there are few: they end when one finds nothing that leads there in addition.
        """
        self.stopped = ""
        hot = set(map(id, targets))
        keys = any(type(target) is str for target in targets)
        for _ in range(MOST_SWEEPS):
            before = len(hot)
            self._sweep(hot, keys, classes)
            if len(hot) == before:
                return
        self.stopped = f"The search stopped after {MOST_SWEEPS} sweeps over all objects."

    def _sweep(self, hot: set[int], keys: bool, classes: bool) -> None:
        self.above = {}
        for end in range(len(self.found), 0, -_CHUNK):
            chunk = self.found[max(0, end - _CHUNK) : end]
            if hot.isdisjoint(map(id, referents_of(chunk, keys))):
                continue
            for thing in reversed(chunk):
                for child in referents_of([thing], keys):
                    if id(child) in hot and (classes or child is not type(thing)):
                        self._note(child, thing, hot)

    def _note(self, child: object, holder: object, hot: set[int]) -> None:
        holders = self.above.setdefault(id(child), [])
        if not holders or holders[-1] is not holder:
            holders.append(holder)
        if id(holder) not in self.roots:
            hot.add(id(holder))

    def paths(
        self, target: object, goes_on: Callable[[object], bool] | None = None
    ) -> Iterator[tuple[str, list[object]]]:
        """Ways from a root, which is named, to a target, the shortest first.

        `goes_on` says behind which holders to look.
        """
        visits: Counter[int] = Counter()
        often = max(1, MOST_STEPS // max(1, len(self.above)))
        ways: list[tuple[Any, ...]] = [(target,)]  # each a thing, and the way on from there
        found = 0
        for way in ways:  # grows while it is walked
            for holder in self.above.get(id(way[0]), ()):
                root = self.roots.get(id(holder))
                if found >= MOST_PATHS or (not root and visits[id(holder)] >= often):
                    self.more_ways = True
                elif root:
                    found += 1
                    yield root.label, [holder, *_things_on(way)]
                elif not (visits[id(holder)] and _is_on(holder, way)):
                    visits[id(holder)] += 1
                    if goes_on is None or goes_on(holder):
                        ways.append((holder, way))
            if found >= MOST_PATHS and self.more_ways:
                return

    def ancestors(self, target: object) -> tuple[list[object], dict[int, int]]:
        """All that leads to a target, near things first; by id, what each of them leads on to."""
        found: list[object] = [target]
        ahead: dict[int, int] = {}
        known = {id(target)}
        for thing in found:  # grows while it is walked
            for holder in self.above.get(id(thing), ()):
                if id(holder) not in known:
                    known.add(id(holder))
                    ahead[id(holder)] = id(thing)
                    found.append(holder)
        return found[1:], ahead


def _things_on(way: tuple[Any, ...]) -> list[object]:
    things = [way[0]]
    while len(way) == 2:
        way = way[1]
        things.append(way[0])
    return things


def _is_on(thing: object, way: tuple[Any, ...]) -> bool:
    while way[0] is not thing and len(way) == 2:
        way = way[1]
    return way[0] is thing


def by_length(chain: Chain) -> tuple[int, bool, str]:
    """Short chains first, among them those that start with a name of the reader's own."""
    return len(chain.hops), chain.hops[0].kind != "name", str(chain)


def referents_of(things: list[object], keys: bool = False) -> list[object]:
    """What some objects refer to; of a module its namespace alone.

    The collector has no eyes for the keys of a dictionary if all are strings: `keys` adds them.
    CPython 3.12's `_asyncio` also names dead objects that it keeps for reuse. To get hold of one
    brings it back and has it die again, which ties the list of them into a knot: the next search
    through all objects would never end.
    """
    modules = [thing for thing in things if type(thing) is types.ModuleType]
    others = [thing for thing in things if type(thing) is not types.ModuleType] if modules else things
    found = [*gc.get_referents(*others), *map(vars, modules)]
    if keys:
        found += [key for table in things if is_a(table, dict) for key in list(dict.keys(table))]
    return found
