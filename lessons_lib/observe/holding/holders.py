"""`who_holds(obj)`: the chains of references from the roots of the program to one object.

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
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import filterfalse, islice, repeat
from operator import is_

from ..pictures.drawing import Picture, draw
from ..pictures.style import card, code
from .chains import Chain, chains_of, drawn
from .links import ATOMS, OWN_FOLDER, OWN_PACKAGE, atom_text, frame_locals, read, telling_name
from .reach import NOT_FOUND, hold_only_each_other, referrers, unseen_holder

MAX_CHAINS = 6
MAX_LOOKS = 40
"""Things whose holders are looked for; each look walks over all objects."""
MAX_PATHS = 400
MAX_ANCESTORS = 300
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


@dataclass(frozen=True)
class Holders:
    """Who holds an object: the chains that lead to it, and what else is known of its references."""

    label: str
    chains: tuple[Chain, ...]
    more: int = 0
    """Chains that were found but not kept."""
    weak: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self._headline(), *(f"  {chain}" for chain in self.chains)]
        if self.more:
            lines.append(f"  … and {self.more} more")
        return "\n".join([*lines, *self._remarks()])

    __repr__ = __str__

    def _headline(self) -> str:
        count = len(self.chains) + self.more
        if not count:
            return f"No name leads to {self.label}."
        return f"{self.label} is held by {count} chain{'' if count == 1 else 's'}:"

    def _remarks(self) -> list[str]:
        if not self.weak:
            return list(self.notes)
        weak = "a weak reference" if self.weak == 1 else f"{self.weak} weak references"
        return [*self.notes, f"Beside these, {weak}: it keeps nothing alive."]

    def picture(self) -> Picture:
        """The chains as one picture, the object on the right."""
        return draw(drawn(self.label, self.chains), alt=str(self), text=str(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        words = "".join(
            f'<div style="padding-left:1.5em">{code(str(chain))}</div>' for chain in self.chains
        )
        rest = [f"… and {self.more} more"] if self.more else []
        tail = "".join(f"<div>{line}</div>" for line in [*rest, *self._remarks()])
        html = card(f"<strong>{code(self._headline())}</strong>{words}{tail}", "overflow-x:auto;")
        picture = self.picture().html() if self.chains else ""
        return {"text/html": html + picture, "text/plain": str(self)}


def who_holds(thing: object) -> Holders:
    """Find the chains of references that lead to an object from the roots of the program.

    The call's own argument is not counted. At most six chains are kept, the shortest first; the
    rest is counted. Takes about a third of a second per million objects. Small integers and
    interned strings are held all over Python: ask about objects of your own.

    >>> class Upload:
    ...     def __init__(self, name): self.name = name
    >>> def holders():
    ...     upload = Upload("cv.pdf")
    ...     boxes = {"first": [upload]}
    ...     return who_holds(upload)
    >>> print(holders())
    Upload 'cv.pdf' is held by 2 chains:
      holders() → upload
      holders() → boxes → ['first'] → [0]
    """
    spare = sys.getrefcount(thing) - _argument_count(object())
    label = _label(thing)
    weak = weakref.getweakrefcount(thing)
    was_on = gc.isenabled()
    gc.disable()
    try:
        search = _Search(thing, _roots(sys._getframe(1)))
        chains, more = search.chains()
        del search
        notes = () if chains else (_why_alive(thing, spare),)
    finally:
        if was_on:
            gc.enable()
    return Holders(label, chains, more, weak, notes)


def _argument_count(thing: object) -> int:
    """What getrefcount says of an object that a call's argument alone holds."""
    return sys.getrefcount(thing)


def _label(thing: object) -> str:
    if isinstance(thing, type):
        return f"class {thing.__name__}"
    kind, name = type(thing).__name__, telling_name(thing)
    if name:
        return f"{kind} {name!r}"
    value = atom_text(thing) if type(thing) in ATOMS else read(thing).value
    return f"{kind} {value}".strip()


# -- the roots ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Root:
    """Where chains begin: a namespace, and how it is called ("" for the notebook's own names)."""

    label: str
    space: object


def _roots(caller: types.FrameType | None) -> list[Root]:
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


class _Search:
    """A search from the target back to the roots, shortest paths first.

    `things` has the target and all holders found so far, each once, and is all that the search
    itself holds; everything else is places in that list. No function here may close over a thing
    (in a generator expression, say): the closure's cell would then be one of its holders.
    """

    def __init__(self, target: object, roots: list[Root]) -> None:
        self.roots = {id(root.space): root for root in reversed(roots)}
        self.frozen = _frozen(roots) if gc.get_freeze_count() > FROZEN_BY_PYTHON else []
        self.things = [target]
        self.place = {id(target): 0}
        self.above: dict[int, list[int]] = {}
        self.ahead: dict[int, list[int]] = {}

    def paths(self) -> Iterator[list[object]]:
        """Paths from a root to the target, as objects."""
        waiting: list[tuple[int, ...]] = [(0,)]
        for path in waiting:  # grows while it is walked
            if len(self.above) >= MAX_LOOKS or len(waiting) > MAX_PATHS:
                return
            for holder in self._holders(path[0], waiting):
                if id(self.things[holder]) in self.roots:
                    yield [self.things[place] for place in (holder, *path)]
                elif holder not in path:
                    waiting.append((holder, *path))

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
            above += _holding(self.things[place], self.frozen)
            self._add_bare_roots(self.things[place], above)
            self.ahead[place] = self._places(self.things[place], above)

    def _places(self, thing: object, holders: list[object]) -> list[int]:
        """Every instance leads to its class: that is no way to hold it, and left out."""
        places = []
        for holder in holders:
            ours = holder is self.things or holder is self.frozen
            if not ours and type(holder) is not thing:
                if id(holder) not in self.place:
                    self.place[id(holder)] = len(self.things)
                    self.things.append(holder)
                places.append(self.place[id(holder)])
        return places

    def _add_bare_roots(self, thing: object, holders: list[object]) -> None:
        """Namespaces of plain values alone are untracked, so they are asked one by one."""
        for root in self.roots.values():
            space = root.space
            if isinstance(space, dict) and not gc.is_tracked(space) and _has(space.values(), thing):
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
        ordered = sorted(found.values(), key=_by_length)
        return tuple(ordered[:MAX_CHAINS]), max(0, len(ordered) - MAX_CHAINS)


def _by_length(chain: Chain) -> tuple[int, bool, str]:
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
    for chunk in _chunks(gc.get_objects()):
        level = _untracked_in(chunk)
        while level:
            if id(thing) in map(id, gc.get_referents(*level)):
                _add_holders(thing, level, found, known)
            level = _untracked_in(level)
    return found


def _holding(thing: object, candidates: list[object]) -> list[object]:
    """Those of some objects that refer to a thing."""
    return [
        candidate
        for chunk in _chunks(candidates)
        if _has(_referents(chunk), thing)
        for candidate in chunk
        if _has(_referents([candidate]), thing)
    ]


def _frozen(roots: list[Root]) -> list[object]:
    """What the roots lead to and `gc.freeze()` has set aside, where no search for holders looks.

    Frozen objects stand in no list that can be asked for: they are found by walking forward.
    """
    found: list[object] = [root.space for root in roots]
    known = {id(found), *map(id, found)}
    for chunk in _growing_chunks(found):
        for child in _referents(chunk):
            if id(child) not in known and type(child) not in ATOMS:
                known.add(id(child))
                found.append(child)
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
        if id(candidate) not in known and _has(gc.get_referents(candidate), thing):
            known.add(id(candidate))
            found.append(candidate)


def _untracked_in(things: list[object]) -> list[object]:
    below = filterfalse(gc.is_tracked, _referents(things))
    return [thing for thing in below if type(thing) is tuple or type(thing) is dict]


def _referents(things: list[object]) -> list[object]:
    """What some objects refer to; of a module its namespace alone.

    CPython 3.12's `_asyncio` also names dead objects that it keeps for reuse. To get hold of one
    brings it back and has it die again, which ties the list of them into a knot: the next search
    through all objects would never end.
    """
    others = filterfalse(_is_module, things)
    return [*gc.get_referents(*others), *map(vars, filter(_is_module, things))]


def _is_module(thing: object) -> bool:
    return type(thing) is types.ModuleType


def _has(things: Iterable[object], thing: object) -> bool:
    return any(map(is_, things, repeat(thing)))


def _chunks(things: list[object]) -> Iterator[list[object]]:
    for start in range(0, len(things), _CHUNK):
        yield things[start : start + _CHUNK]


def _why_alive(thing: object, spare: int) -> str:
    """Why an object lives that no root leads to: its argument, a cycle, something in C."""
    if spare <= 0:
        return "Only the argument of this call holds it: it dies when the call returns."
    others = _ancestors(thing)
    inside = list(map(id, gc.get_referents(*others, thing))).count(id(thing))
    if inside >= spare and len(others) < MAX_ANCESTORS and hold_only_each_other(others, thing):
        return "It is garbage: only a cycle leads to it, and no collection has come by yet."
    holder = unseen_holder(thing)
    if holder == NOT_FOUND and gc.get_freeze_count() > FROZEN_BY_PYTHON:
        return "It is held unseen: gc.freeze() hides from the search what it has set aside."
    return f"It is held unseen, by {holder}."


def _ancestors(thing: object) -> list[object]:
    """What refers to a thing, directly or not, the thing itself left out."""
    group = [thing]
    known = {id(thing), id(group)}
    for holder in group:  # grows while it is walked
        above = gc.get_referrers(holder)
        known.add(id(above))
        for candidate in above:
            if id(candidate) not in known and len(group) <= MAX_ANCESTORS:
                known.add(id(candidate))
                group.append(candidate)
    return group[1:]
