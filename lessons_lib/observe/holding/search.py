"""The search for what holds a thing: the roots of a program, and the paths from them to the thing.

Roots are the notebook's names, modules, running functions, context variables and the event loop.
`gc.get_referrers` alone would miss containers that the collector does not track.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, filterfalse, islice, repeat
from operator import is_, not_

from .chains import Chain, chains_of
from .links import ATOMS, OWN_FOLDER, OWN_PACKAGE, frame_locals
from .reach import referrers

MAX_CHAINS = 6
MAX_LOOKS = 40
"""Things whose holders are looked for; each look walks over all objects."""
MAX_PATHS = 400
FROZEN_BY_PYTHON = 2000
"""So many objects CPython 3.12 itself has frozen before a program begins."""
_CHUNK = 5000
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


def roots_of(caller: types.FrameType | None) -> list[Root]:
    """All roots, those a reader knows best first."""
    main = sys.modules["__main__"].__dict__
    modules = [
        Root(f"module {name}", module.__dict__)
        for name, module in list(sys.modules.items())
        if isinstance(module, types.ModuleType)
        and not name.startswith(OWN_PACKAGE)
        and module.__dict__ is not main
    ]
    return [Root("", main), *_frame_roots(caller), *_other_roots(), *modules]


def _frame_roots(caller: types.FrameType | None) -> Iterator[Root]:
    """The running functions of all threads, without the machinery that merely called them."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]  # a function that held its own frame would be a cycle
    for innermost in (caller, *frames.values()):
        frame = innermost
        while frame is not None:
            if not _is_plumbing(frame) and frame.f_code.co_flags & 1:
                yield Root(f"{frame.f_code.co_name}()", frame_locals(frame))
            frame = frame.f_back


def _is_plumbing(frame: types.FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module.split(".")[0] in _PLUMBING or frame.f_code.co_filename.startswith(OWN_FOLDER)


def _other_roots() -> Iterator[Root]:
    """What belongs to this thread's context alone, and the loop that runs it."""
    context = contextvars.copy_context()
    yield Root("context variable", {variable.name: value for variable, value in context.items()})
    loop = asyncio._get_running_loop()
    if loop is not None:
        yield Root("the event loop", loop)


# -- the search ----------------------------------------------------------------------------------


class Search:
    """A search from some targets back to the roots, shortest paths first.

    `things` has the targets and all holders found so far, each once, and is all that the search
    itself holds; everything else is places in that list. No function here may close over a thing
    (in a generator expression, say): the closure's cell would then be one of its holders.
    """

    def __init__(self, targets: list[object], roots: list[Root]) -> None:
        self.roots = {id(root.space): root for root in reversed(roots)}
        self.frozen = frozen(roots) if gc.get_freeze_count() > FROZEN_BY_PYTHON else []
        self.things = list(targets)
        self.place = {id(target): place for place, target in enumerate(targets)}
        self.targets = list(range(len(targets)))
        self.above: dict[int, list[int]] = {}
        self.ahead: dict[int, list[int]] = {}
        self.most_looks, self.most_paths = MAX_LOOKS, MAX_PATHS

    def paths(self) -> Iterator[list[object]]:
        """Paths from a root to a target, as objects."""
        waiting: list[tuple[int, ...]] = [(place,) for place in self.targets]
        for path in waiting:  # grows while it is walked
            if len(self.above) >= self.most_looks or len(waiting) > self.most_paths:
                return
            for holder in self._holders(path[0], waiting):
                if id(self.things[holder]) in self.roots:
                    yield [self.things[place] for place in (holder, *path)]
                elif holder not in path and self._goes_on(holder, path[-1]):
                    waiting.append((holder, *path))

    def _goes_on(self, holder: int, target: int) -> bool:
        """Whether the way from a holder of a target is worth following further up."""
        return True

    def _holders(self, place: int, waiting: list[tuple[int, ...]]) -> list[int]:
        """The places of what holds a thing; each is looked for once."""
        if place not in self.above:
            if place not in self.ahead:
                self._look([place, *(path[0] for path in waiting)])
            self.above[place] = self.ahead[place]
        return self.above[place]

    def _look(self, wanted: list[int]) -> None:
        """Look for the holders of a thing and of some that come after it, in one go.

        Each look walks over all objects: one for many things costs little more than for one.
        """
        new = [place for place in dict.fromkeys(wanted) if place not in self.ahead][:MAX_LOOKS]
        tracked = [place for place in new if gc.is_tracked(self.things[place])]
        found = referrers([self.things[place] for place in tracked]) if tracked else []
        places = {id(self.things[place]): place for place in tracked}
        holders: dict[int, list[object]] = {place: [] for place in tracked}
        for holder in found:
            for key in set(places).intersection(map(id, gc.get_referents(holder))):
                holders[places[key]].append(holder)
        first = new[0]
        if first not in holders:
            holders[first] = holders_of(self.things[first])
        for place, above in holders.items():
            above += holding(self.things[place], self.frozen)
            self._add_bare_roots(self.things[place], above)
            self.ahead[place] = self._places(self.things[place], above)

    def _places(self, thing: object, holders: list[object]) -> list[int]:
        """Every instance leads to its class: that is no way to hold it, and left out."""
        places = []
        for holder in holders:
            ours = holder is self.things or holder is self.frozen
            if not ours and type(holder) is not thing:
                places.append(self.place_of(holder))
        return places

    def place_of(self, thing: object) -> int:
        """The place of a thing in the list of all things found, where it is put if it is new."""
        if id(thing) not in self.place:
            self.place[id(thing)] = len(self.things)
            self.things.append(thing)
        return self.place[id(thing)]

    def _add_bare_roots(self, thing: object, holders: list[object]) -> None:
        """Namespaces of plain values alone are untracked, so they are asked one by one."""
        for root in self.roots.values():
            space = root.space
            if isinstance(space, dict) and not gc.is_tracked(space) and has(space.values(), thing):
                holders.append(space)

    def chains(self) -> tuple[tuple[Chain, ...], int]:
        """The shortest chains in words, without those that say the same; how many were left."""
        keys: dict[int, int] = {}
        found: dict[str, Chain] = {}
        for path in islice(self.paths(), 10 * MAX_CHAINS):
            root = self.roots[id(path[0])]
            for chain in chains_of(
                root.label, path, lambda thing: keys.setdefault(id(thing), len(keys))
            ):
                found.setdefault(str(chain), chain)
        ordered = sorted(found.values(), key=by_length)
        return tuple(ordered[:MAX_CHAINS]), max(0, len(ordered) - MAX_CHAINS)


def by_length(chain: Chain) -> tuple[int, bool, str]:
    """Short chains first, among them those that start with a name of the reader's own."""
    return len(chain.hops), chain.hops[0].kind != "name", str(chain)


def holders_of(thing: object) -> list[object]:
    """All containers that refer to a thing, also those that the collector does not track.

    `gc.get_referrers` asks tracked containers only. All that holds a tracked object is tracked, but
    a number, a string or a tuple of such may be held by a tuple or a dictionary that is not; those
    are found by walking forward from all tracked containers through the untracked ones in them.

    >>> blob = bytes(3)
    >>> holder = ("msgpack", blob)
    >>> box = [holder]
    >>> import gc
    >>> _ = gc.collect()    # from now on the tuple is untracked
    >>> len(gc.get_referrers(blob)), holder in holders_of(blob)
    (1, True)
    """
    found = gc.get_referrers(thing)
    if gc.is_tracked(thing):
        return found
    known = set(map(id, found))
    for chunk in chunks(gc.get_objects()):
        level = untracked_in(chunk)
        while level:
            if id(thing) in map(id, gc.get_referents(*level)):
                _add_holders(thing, level, found, known)
            level = untracked_in(level)
    return found


def holding(thing: object, candidates: list[object]) -> list[object]:
    """Those of some objects that refer to a thing."""
    return [
        candidate
        for chunk in chunks(candidates)
        if has(referents_of(chunk), thing)
        for candidate in chunk
        if has(referents_of([candidate]), thing)
    ]


def frozen(roots: list[Root]) -> list[object]:
    """What the roots lead to and `gc.freeze()` has set aside, where no search for holders looks.

    Frozen objects stand in no list that can be asked for: they are found by walking forward.
    """
    found: list[object] = [root.space for root in roots]
    known = {id(found), *map(id, found)}
    for chunk in _growing_chunks(found):
        below = _no_atoms(referents_of(chunk))
        new = dict(zip(map(id, below), below, strict=True))
        for key in known.intersection(new):
            del new[key]
        known.update(new)
        found.extend(new.values())
    seen = set(map(id, gc.get_objects()))
    return [thing for thing in found if id(thing) not in seen]


def _growing_chunks(things: list[object]) -> Iterator[list[object]]:
    """A list in pieces, with what is added to it meanwhile."""
    start = 0
    while chunk := things[start : start + _CHUNK]:
        start += len(chunk)
        yield chunk


def _add_holders(
    thing: object, candidates: list[object], found: list[object], known: set[int]
) -> None:
    for candidate in candidates:
        if id(candidate) not in known and has(gc.get_referents(candidate), thing):
            known.add(id(candidate))
            found.append(candidate)


def untracked_in(things: list[object]) -> list[object]:
    below = filterfalse(gc.is_tracked, referents_of(things))
    return [thing for thing in below if type(thing) is tuple or type(thing) is dict]


def referents_of(things: list[object]) -> list[object]:
    """What some objects refer to; of a module its namespace alone.

    CPython 3.12's `_asyncio` also names dead objects that it keeps for reuse. To get hold of one
    brings it back and has it die again, which ties the list of them into a knot: the next search
    through all objects would never end.
    """
    others = filterfalse(_is_module, things)
    return [*gc.get_referents(*others), *map(vars, filter(_is_module, things))]


def _no_atoms(things: list[object]) -> list[object]:
    return list(compress(things, map(not_, map(ATOMS.__contains__, map(type, things)))))


def _is_module(thing: object) -> bool:
    return type(thing) is types.ModuleType


def has(things: Iterable[object], thing: object) -> bool:
    return any(map(is_, things, repeat(thing)))


def chunks(things: list[object]) -> Iterator[list[object]]:
    for start in range(0, len(things), _CHUNK):
        yield things[start : start + _CHUNK]
