"""The search for what holds a thing: the roots of a program, and all that leads from them to it.

Roots are the notebook's names, running functions, context variables, the event loop and modules.
The collector tells who holds a thing, but walks over all objects for each link of a chain, and does
not know containers of plain values. So those are looked into beforehand, where it matters, and wide
or long chains are found by sweeps: one over all objects finds many links.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain as chained
from typing import Any, NamedTuple

from .chains import NOTEBOOK, OUTPUTS, Chain, is_machinery
from .frames import READS_RUNNING, frame_locals, running_elsewhere, stack_of
from .links import OWN_FOLDER, OWN_PACKAGE, is_a, with_subclasses

MOST_PATHS = 200
MOST_STEPS = 100_000
"""So many steps up are tried for other ways to what a shorter way leads to already."""
FEW, MOST_LEVELS = 60, 8
"""So many things at a time, and so often, the collector is asked who holds them."""
MOST_SWEEPS = 12
FROZEN_BY_PYTHON = 2000
"""So many objects CPython 3.12 itself has frozen before a program begins."""
_CHUNK = 1000
_PLUMBING = {
    *NOTEBOOK,
    *("asyncio", "tornado", "selectors", "threading", "concurrent", "multiprocessing"),
    *("pytest", "_pytest", "pluggy", "doctest", "unittest", "nbval", "debugpy", "pydevd"),
    *("execnet", "xdist", "runpy", "importlib", "contextlib", "socketserver", "code", "codeop"),
}
"""Who calls functions of the program: what their own frames hold is no news."""


def is_frozen() -> bool:
    """Whether the program has set objects aside by `gc.freeze()`."""
    return gc.get_freeze_count() > FROZEN_BY_PYTHON


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the collector from running by itself in the block; then all is as it was before.

    >>> before = gc.isenabled()
    >>> with collector_off():
    ...     gc.isenabled()
    False
    >>> gc.isenabled() == before
    True
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
    outputs = [Root(OUTPUTS, main["Out"])] if "IPython" in sys.modules and "Out" in main else []
    found = [Root("", main), *outputs, *functions, *_other_roots(), *modules]
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


def _is_own(context: contextvars.Context) -> bool:
    """Whether it is this thread's, of which Python gives copies alone: they share what is in it."""
    inside = gc.get_referents(contextvars.copy_context())
    return any(mine is its for mine in inside for its in gc.get_referents(context))


# -- the search ----------------------------------------------------------------------------------


class Search:
    """What leads to some objects.

    `objects` is what the collector knew before there was anything of ours, the search included;
    `ours` are things not to be looked into. Who asks lets go of the search before they count
    references: it holds all that it has seen.
    """

    def __init__(
        self, objects: list[object], roots: list[Root], ours: tuple[object, ...] = ()
    ) -> None:
        self.roots = {id(root.space): root for root in reversed(roots)}
        # CPython 3.12's `_asyncio` also names dead objects that it keeps for reuse. To get hold of
        # one brings it back and has it die again, which ties the list of them into a knot: the next
        # search through all objects would never end.
        self.left_out = {id(sys.modules.get("_asyncio")), *map(id, ours)}
        self.found = [thing for thing in objects if id(thing) not in self.left_out]
        self.loose = [root.space for root in roots if not gc.is_tracked(root.space)]
        """What the collector does not track and may still hold something; tasks, too: up to CPython
        3.11 it does not name them as holders."""
        tasks = with_subclasses(asyncio.Task)
        self.loose += [thing for thing in self.found if id(type(thing)) in tasks]
        self.above: dict[int, dict[int, object]] = {}
        """By id of a thing what holds it, each again by its id."""
        self.wanted: dict[int, object] = {}
        self.new: set[int] = set()
        """Of what is wanted, by id, what the sweep at work is for."""
        """By id, in the order in which they were met: the targets, and what leads to them."""
        self.classes = self.in_order = False
        self.tables = with_subclasses(dict)
        self.direct: dict[int, list[object]] = {}
        """By id, what holds the targets that were seen on the walk."""
        self.stopped = ""
        """In words, if there may be more that leads to the targets than was found."""
        self.more_ways = False
        """Whether there may be more ways than were told."""
        if is_frozen():
            self._put_in_order()

    def walk(
        self, forms: Sequence[str], kinds: set[int], has: Callable[[object], bool]
    ) -> list[object]:
        """Find strings with one of some forms, and other things that the collector does not track.

        `kinds` has the ids of the types of those others, and `has` says whether one is wanted. What
        holds each is noted. The collector passes over the keys of a dictionary where all are
        strings, and over containers of plain values: of these later sweeps need only those in
        which there are others.
        """
        first, *more = forms or ("",)
        known, found = set(self.left_out), list[object]()
        ahead, is_tracked = [*self.found, *self.loose], gc.is_tracked
        # From here on each line is run for millions of objects: comprehensions, one for each kind
        # of part, took a quarter longer (`where` in tests/bench.py).
        for things in _chunks(ahead):
            parts = self._parts(things)
            seen: list[object] = []
            inner = False
            for part in parts:
                kind = type(part)
                if kind is str:
                    if forms and first in part:  # type: ignore[operator]
                        seen.append(part)
                elif kind is int or is_tracked(part):
                    pass
                elif kind is tuple or kind is dict:
                    inner = True
                    if id(part) not in known:
                        known.add(id(part))
                        ahead.append(part)
                elif id(kind) in kinds and has(part):
                    seen.append(part)
            for form in more:
                seen += [part for part in parts if type(part) is str and form in part]
            if seen:
                found += seen
                self._note_holders(things, set(map(id, seen)))
            if inner:
                self.loose += [t for t in things if not gc.is_tracked(t) and _is_nested(t)]
        if self.in_order:  # a sweep looks through this list alone
            self.found += self.loose
        return found

    def _parts(self, things: list[object]) -> list[object]:
        parts, tables = gc.get_referents(*things), self.tables
        for thing in things:
            if id(type(thing)) in tables:
                parts += dict.keys(thing)  # type: ignore[arg-type]
        return parts

    def _note_holders(self, things: list[object], targets: set[int]) -> None:
        for thing in things:
            for key in targets.intersection(map(id, self._parts([thing]))):
                self.direct.setdefault(key, []).append(thing)

    def look_for(self, targets: list[object], *, classes: bool = False) -> None:
        """Find all that leads to some objects; if asked for, also from an instance to its class.

        The collector is asked who holds them, and who holds those: a hundredth of a second for a
        million objects and each link. Sweeps follow where there are many things or links, where it
        cannot see, and with `classes`, which is asked for where no name was found.
        """
        self.stopped, self.above, self.classes = "", {}, classes
        self.wanted = {id(thing): thing for thing in targets}
        for target in targets:
            for holder in self.direct.get(id(target), ()):
                self._note(target, holder)
        asked = 0
        for _ in range(0 if classes or is_frozen() else MOST_LEVELS):
            new = list(self.wanted.values())[asked:]
            if not new:
                return
            if len(new) > FEW:  # the collector compares each with every reference there is
                break
            asked = len(self.wanted)
            holders = gc.get_referrers(*new)
            known = set(map(id, holders)).intersection(map(id, self.found))
            holders = [thing for thing in holders if id(thing) in known]  # the others are our own
            for thing in [*holders, *self.loose]:
                self._look(thing)
        self._sweep(asked)

    def _sweep(self, asked: int) -> None:
        """Look through all objects, far things first, until there is nothing new.

        A sweep that meets a thing after what that leads to finds both, however long the chain is.
        It is for what was wanted since the last: of the first `asked`, all holders are known.
        """
        if not self.in_order:
            self._put_in_order()
        for _ in range(MOST_SWEEPS):
            self.new = set(list(self.wanted)[asked:])
            if not self.new:
                return
            asked = len(self.wanted)
            for start in reversed(range(0, len(self.found), _CHUNK)):
                chunk = self.found[start : start + _CHUNK]
                # Most pieces hold nothing that is wanted: that is asked of all of one at once.
                if not self.new.isdisjoint(map(id, gc.get_referents(*chunk))):
                    for thing in reversed(chunk):
                        self._look(thing)
        self.stopped = f"The search stopped after {MOST_SWEEPS} sweeps over all objects."

    def _put_in_order(self) -> None:
        """Put near things before those that they lead to; add what `gc.freeze()` has set aside."""
        starts, self.found, self.in_order = [*self.found, *self.loose], [], True
        known = set(self.left_out)
        for things in ([root.space for root in self.roots.values()], starts):
            at = len(self.found)
            self.found += _new(things, known)
            for chunk in _chunks(self.found, at):
                self.found += _new(filter(gc.is_tracked, gc.get_referents(*chunk)), known)

    def _look(self, holder: object) -> None:
        """Note what of the wanted things somebody holds, who is wanted then too."""
        held = [child for child in gc.get_referents(holder) if id(child) in self.wanted]
        for thing in held:
            if self.classes or thing is not type(holder):
                self._note(thing, holder)

    def _note(self, thing: object, holder: object) -> None:
        """Note a holder; what holds it is looked for too, unless it is a root."""
        self.above.setdefault(id(thing), {})[id(holder)] = holder
        # Whoever asks what holds the notebook's machinery would go through all of it.
        if id(holder) not in self.wanted and not (id(holder) in self.roots or is_machinery(holder)):
            self.wanted[id(holder)] = holder
            self.new.add(id(holder))

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
            for holder in self.above.get(id(way[0]), {}).values():
                if holder is target:  # a shorter way leads to it already
                    continue
                root = self._label(holder)
                if found >= MOST_PATHS:
                    self.more_ways = True
                    return
                if id(holder) not in self.roots and goes_on and not goes_on(holder):
                    continue
                if root is not None:
                    found += 1
                    yield root, [holder, *_things_on(way)]
                elif visits[id(holder)] >= often:
                    self.more_ways = True
                elif not (visits[id(holder)] and _is_on(holder, way)):
                    visits[id(holder)] += 1
                    ways.append((holder, way))

    def _label(self, thing: object) -> str | None:
        """How a root is called; that is also a context that nothing leads to, and the kernel."""
        if id(thing) in self.roots:
            return self.roots[id(thing)].label
        if type(thing) is contextvars.Context and id(thing) not in self.above:
            return "context variable" if _is_own(thing) else "another thread's context variable"
        return "the kernel" if is_machinery(thing) else None

    def ancestors(self, target: object) -> tuple[list[object], dict[int, int]]:
        """All that leads to a target, near things first; by id, what each of them leads on to."""
        found: list[object] = [target]
        ahead: dict[int, int] = {}
        known = {id(target)}
        for thing in found:  # grows while it is walked
            for holder in self.above.get(id(thing), {}).values():
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


def _is_nested(thing: object) -> bool:
    return any(type(part) is tuple or type(part) is dict for part in gc.get_referents(thing))


def _chunks(things: list[object], start: int = 0) -> Iterator[list[object]]:
    """A list in pieces, with what is added to it meanwhile."""
    while chunk := things[start : start + _CHUNK]:
        start += len(chunk)
        yield chunk


def _new(things: Iterable[object], known: set[int]) -> list[object]:
    """Those of some objects that were not met before, each once; from now on they were."""
    new = {id(thing): thing for thing in things if id(thing) not in known}
    known.update(new)
    return list(new.values())
