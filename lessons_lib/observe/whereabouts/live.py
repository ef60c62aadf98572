"""Live objects: every copy of a text in the process, found by walking forward, with who holds it.

Forward, since a search for referrers does not see what the collector does not track: the tuple of
atoms in which a saver keeps a blob, the flat dictionary of a message. What is found is then
followed back to the names of the program, as `who_holds` does.
"""

from __future__ import annotations

import gc
import re
import sys
import types
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress, count, filterfalse, islice, repeat
from operator import attrgetter, is_
from typing import Any

from ..holding.chains import Chain, chains_of
from ..holding.links import is_a, is_dict_of
from ..holding.reach import add_holders, held_from_outside
from ..holding.search import Root, Search, by_length, chunks
from .fact import Text, holds_text, sorted_by_type
from .finds import Find, Whereabouts

MOST_COPIES = 40
"""So many live copies are followed back to their holders; the others are counted."""
_LOOKS_EACH = 4
_CHAINS_SHOWN = 3
_NOTEBOOK = frozenset(
    (
        *("IPython", "ipykernel", "ipywidgets", "comm", "traitlets", "jupyter_client", "zmq"),
        *("tornado", "debugpy", "pydevd", "_pydevd_bundle", "nbval", "prompt_toolkit", "linecache"),
        *("pytest", "_pytest", "pluggy", "doctest", "unittest", "ast"),
    )
)
"""Who runs the program and keeps its source text, beside the program itself."""
_TYPED = re.compile(r"In(\W|$)|_ih(\W|$)|_i+(\W|$)|_i\d+(\W|$)")
_COURSE = ("lessons_lib.lessons", "lessons_lib.teach", "lessons_lib.observe")


@dataclass
class Seen:
    """What a look at the live objects gave.

    Attributes:
        finds: The live copies, those held by names first.
        keepers: Savers and stores that live in the process, each with what holds it, in words.
        typed: Whether the notebook's record of what was typed and shown has the text too.
        more: How many copies were found but not followed.
    """

    finds: list[Find] = field(default_factory=list)
    keepers: list[tuple[object, str]] = field(default_factory=list)
    typed: bool = False
    more: int = 0


def copies_of(text: Text, roots: list[Root], call: Sequence[object]) -> Seen:
    """All live strings and bytes that have a text in them, and who holds each.

    `call` has the arguments of the reader's call, which are no place.
    """
    search = _Search(text, roots)
    search.walk()
    seen = search.result()
    lonely = search.lonely()
    del search
    lonely = [thing for thing in lonely if not (_is_call(thing, call) or _is_program(thing))]
    seen.finds += _unnamed(lonely)
    return seen


@dataclass
class _Visit:
    """Some objects that are looked at: what is below them, and whether a copy was found there."""

    things: list[object]
    below: Iterator[list[object]]
    hit: bool


class _Search(Search):
    """A search for all copies of a text: forward to the copies, from there back to the roots."""

    def __init__(self, text: Text, roots: list[Root]) -> None:
        super().__init__([], roots)
        self.text = text
        self.seen: set[int] = set()
        """The untracked containers that were looked into, by id."""
        self.hot: set[int] = set()
        """The copies and the untracked containers that lead to one, by id."""
        self.copies: list[int] = []
        self.keepers: list[int] = []
        self.chains_to: dict[int, dict[str, Chain]] = {}
        self.apart: set[int] = set()
        """Copies that are told elsewhere: in a saver's blob, in what the reader typed."""
        self.typed = False

    # -- forward ---------------------------------------------------------------------------------

    def walk(self) -> None:
        """Find all copies, with what holds each directly, and the savers and stores."""
        starts = gc.get_objects()  # before any list of ours that would hold them all
        starts += [root.space for root in self.roots.values()]
        starts += self.frozen
        for chunk in chunks(starts):
            self._walk_from(self._looked_at(chunk))

    def _looked_at(self, chunk: list[object]) -> list[object]:
        """Note the savers and stores in a chunk, and strings of a class of the reader's own.

        Returned is the chunk with each module's namespace in its place; see `referents_of`.
        """
        sorts = sorted_by_type(chunk, _is_special)
        modules = sorts.pop(types.ModuleType, ())
        self._noted(self.text.among(sorts))
        for kind in filter(is_keeper, sorts):
            self.keepers += map(self.place_of, sorts[kind])
        if not modules:
            return chunk
        others = [thing for thing in chunk if type(thing) is not types.ModuleType]
        return others + [vars(module) for module in modules]

    def _walk_from(self, chunk: list[object]) -> None:
        """Look at what a chunk of objects refers to, and on through untracked containers."""
        visits = [self._visit(chunk)]
        while visits:
            visit = visits[-1]
            below = next(visit.below, None)
            if below is not None:
                visits.append(self._visit(below))
                continue
            visits.pop()
            if visit.hit:
                self._trace(visit.things)
                for outer in visits[-1:]:
                    outer.hit = True

    def _visit(self, things: list[object]) -> _Visit:
        """Look below some objects: note the copies there, and what is to be looked into."""
        loose = list(filterfalse(gc.is_tracked, gc.get_referents(*things)))
        probe = [(len(loose),)]  # has no second holder
        sorts = sorted_by_type([*loose, *probe], _is_of_interest)
        containers = [*sorts.pop(dict, ()), *sorts.pop(tuple)]
        del loose
        copies = self._noted(self.text.among(sorts) + self.text.among({str: _keys_of(things)}))
        single, shared = _by_holders(containers)
        hit = bool(copies) or not self.hot.isdisjoint(map(id, shared))
        self.hot.update(map(id, copies))
        return _Visit(things, chunks(single + _unseen(shared, self.seen)), hit)

    def _noted(self, copies: list[object]) -> list[object]:
        self.copies += [self.place_of(copy) for copy in copies if id(copy) not in self.place]
        return copies

    def _trace(self, level: list[object]) -> None:
        """Note which objects of a level lead to a copy, and to which."""
        lists = list(map(_referents_and_keys, level))
        ends = list(accumulate(map(len, lists)))
        below = list(chain.from_iterable(lists))
        for at in compress(count(), map(self.hot.__contains__, map(id, below))):
            holder = level[bisect_right(ends, at)]
            if not self._is_ours(holder):
                self._note(holder, below[at])
                if not gc.is_tracked(holder):
                    self.hot.add(id(holder))

    def _note(self, holder: object, thing: object) -> None:
        known, above = self.ahead.setdefault(self.place_of(thing), []), self.place_of(holder)
        if above not in known:
            known.append(above)

    def _is_ours(self, holder: object) -> bool:
        ours = (self.things, self.frozen, self.text.in_text, self.text.in_bytes)
        return type(holder) in (Text, Find, Whereabouts) or any(map(is_, ours, repeat(holder)))

    # -- back ------------------------------------------------------------------------------------

    def result(self) -> Seen:
        """Follow the copies back to the roots, and put into words what was found."""
        self._set_apart_blobs()
        self._set_apart_typed()
        found = [place for place in self.copies if place in self.ahead or self._is_tracked(place)]
        wanted = [place for place in found if place not in self.apart]
        self.targets = [*self.keepers, *wanted[:MOST_COPIES]]
        self.most_looks = _LOOKS_EACH * len(self.targets) + 40
        self.most_paths = 100 * len(self.targets) + 400
        keys: dict[int, int] = {}
        for path in islice(self.paths(), 20 * len(self.targets) + 100):
            self._take(path, keys)
        seen = Seen(typed=self.typed, more=max(0, len(wanted) - MOST_COPIES))
        seen.keepers = [(self.things[place], self._said(place)) for place in self.keepers]
        seen.finds = self._finds()
        return seen

    def _is_tracked(self, place: int) -> bool:
        return gc.is_tracked(self.things[place])

    def _set_apart_blobs(self) -> None:
        """A saver's blobs are told with their thread and their channel, so not here."""
        blobs: set[int] = set()
        for place in self.keepers if self.copies else ():
            blobs |= blob_ids(self.things[place])
        self.apart |= {place for place in self.copies if id(self.things[place]) in blobs}

    def _set_apart_typed(self) -> None:
        """The cells that were run are kept in many copies, whole and line by line."""
        typed = _typed_texts() if self.copies else set()
        for place in self.copies if typed else ():
            if type(self.things[place]) is str and self.things[place] in typed:
                self._is_typed(place)

    def _goes_on(self, holder: int, target: int) -> bool:
        """Not into the machinery of the notebook, nor into a saver that is told elsewhere."""
        if target in self.keepers:
            return True
        thing = self.things[holder]
        if is_of_notebook(thing):
            self._is_typed(target)
            return False
        if type(thing) is Whereabouts or (holder in self.keepers and is_readable(thing)):
            self.apart.add(target)
            return False
        return True

    def _take(self, path: list[object], keys: dict[int, int]) -> None:
        """Put a path into words, unless it is told elsewhere."""
        target, root = self.place[id(path[-1])], self.roots[id(path[0])]
        if target not in self.keepers:
            module = root.label.removeprefix("module ")
            if _is_program_text(path) or module.startswith(_COURSE):
                self.apart.add(target)
                return
            if module != root.label and module.split(".")[0] in _NOTEBOOK:
                self._is_typed(target)
                return
        for words in chains_of(
            root.label, path, lambda thing: keys.setdefault(id(thing), len(keys))
        ):
            if _is_typed(words):
                self._is_typed(target)
            else:
                self.chains_to.setdefault(target, {}).setdefault(str(words), words)

    def _is_typed(self, target: int) -> None:
        self.typed = True
        self.apart.add(target)

    def _said(self, place: int) -> str:
        return said(sorted(self.chains_to.get(place, {}).values(), key=by_length))

    def _finds(self) -> list[Find]:
        """A find for each group of copies that hang on the same names."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for place in self.targets:
            if place in self.chains_to and place not in self.keepers:
                starts = {chain.hops[0].said for chain in self.chains_to[place].values()}
                groups.setdefault(tuple(sorted(starts)), []).append(place)
        return sorted((self._find(group) for group in groups.values()), key=_by_holder)

    def _find(self, group: list[int]) -> Find:
        first = min(group, key=lambda place: (len(self._said(place)), self._said(place)))
        chains = sorted(self.chains_to[first].values(), key=by_length)
        what = words_for(self.things[first], self.text)
        return Find("this process", "live object", what, said(chains), erasers(chains), len(group))

    def lonely(self) -> list[object]:
        """What holds the copies to which no name leads, and the notebook does not either."""
        return [
            self.things[above]
            for place in self.targets
            if not (place in self.chains_to or place in self.apart or place in self.keepers)
            for above in self.ahead.get(place, [])[:1]
        ]


def _is_of_interest(kind: type) -> bool:
    return kind is tuple or kind is dict or holds_text(kind)


def _by_holders(things: list[object]) -> tuple[list[object], list[object]]:
    """Those of some objects that have one holder, and those that have more.

    The last one, which is left out, has one: the others are compared with it.
    """
    counts = list(map(sys.getrefcount, things))
    one = counts.pop()
    del things[-1]
    single = list(compress(things, map(one.__ge__, counts)))
    return single, list(compress(things, map(one.__lt__, counts)))


def _unseen(things: list[object], seen: set[int]) -> list[object]:
    """Those of some objects that were not met before, each once; from now on they were."""
    fresh = dict(zip(map(id, things), things, strict=True))
    for key in seen.intersection(fresh):
        del fresh[key]
    seen.update(fresh)
    return list(fresh.values())


def _keys_of(things: list[object]) -> list[Any]:
    """The strings that are keys in the dictionaries among some objects, each once.

    The collector has no eyes for them: of a dictionary with strings for keys it sees the values.
    """
    dicts = chain.from_iterable(sorted_by_type(things, _is_dict).values())
    keys = list(chain.from_iterable(map(list, map(dict.keys, dicts))))
    return list(set(sorted_by_type(keys, _is_str).get(str, ())))


def _referents_and_keys(thing: object) -> list[object]:
    keys: list[object] = list(dict.keys(thing)) if _is_dict(type(thing)) else []  # type: ignore[arg-type]
    return [*gc.get_referents(thing), *(key for key in keys if type(key) is str)]


def _is_dict(kind: type) -> bool:
    return dict in kind.__mro__


def _is_str(kind: type) -> bool:
    return kind is str


def _is_special(kind: type) -> bool:
    return kind is types.ModuleType or is_keeper(kind) or holds_text(kind)


# -- savers and stores ---------------------------------------------------------------------------


def is_keeper(kind: type) -> bool:
    """Whether a class is a saver or a store of LangGraph's, told by name so as not to load it."""
    names = {f"{base.__module__}.{base.__name__}" for base in kind.__mro__}
    return not names.isdisjoint(
        ("langgraph.checkpoint.base.BaseCheckpointSaver", "langgraph.store.base.BaseStore")
    )


def is_readable(keeper: object) -> bool:
    """Whether a saver or a store keeps what it has in the process, where it can be read."""
    return any(base.__name__ in ("InMemorySaver", "InMemoryStore") for base in type(keeper).__mro__)


def blob_ids(keeper: object) -> set[int]:
    """The ids of the serialised bytes in an InMemorySaver."""
    from .keepers import blobs_in

    return {id(blob.data) for blob in blobs_in(keeper)} if is_readable(keeper) else set()


# -- in words ------------------------------------------------------------------------------------


def said(chains: Sequence[Chain]) -> str:
    """The shortest chains, and how many more there are."""
    shown = [str(chain) for chain in chains[:_CHAINS_SHOWN]]
    more = [f"{len(chains) - _CHAINS_SHOWN} more"] if len(chains) > _CHAINS_SHOWN else []
    return ", ".join((*shown, *more)) if chains else "no name"


def words_for(thing: object, text: Text) -> str:
    """The type of a string or of bytes and, of a string, the piece with the text."""
    kind = type(thing).__name__
    return f"{kind} {text.excerpt(thing)}" if is_a(thing, str) else kind


def erasers(chains: Sequence[Chain]) -> str:
    """What cuts each of some chains, as one would write it in a cell."""
    cuts = list(dict.fromkeys(_cut(chain) for chain in chains))
    names = [cut.removeprefix("del ") for cut in cuts if cut.startswith("del ")]
    others = [cut for cut in cuts if not cut.startswith("del ")]
    return " and ".join([*([f"del {', '.join(names)}"] if names else []), *others])


_ENDS = {
    "a running thread": "the end of that thread",
    "the event loop": "the end of its task",
    "the notebook's last error": "the next error",
}


def _cut(chain: Chain) -> str:
    """What cuts one chain: its first name deleted, its function returned, its cache cleared."""
    first = chain.hops[0].said
    cached = [hop.title for hop in chain.hops if hop.title.startswith("lru_cache of ")]
    if cached:
        return f"{cached[0].removeprefix('lru_cache of ')}.cache_clear()"
    if first in _ENDS:
        return _ENDS[first]
    if "() → " in first:
        return f"the return of {first.split(' → ')[0]}"
    if first.startswith("the notebook's Out"):
        return "Out.clear()"
    if first.startswith("the notebook's _"):
        return "three more values shown"
    if first.startswith("context variable "):
        return f"{first.removeprefix('context variable ')}.set(None)"
    return f"del {first}"


def _by_holder(find: Find) -> tuple[bool, str, str]:
    return not find.erased_by.startswith("del "), find.held_by, find.what


def _typed_texts() -> set[str]:
    """The text of each cell that was run, and its lines, as the notebook keeps them."""
    if "IPython" not in sys.modules:
        return set()
    cells = [cell for cell in vars(sys.modules["__main__"]).get("_ih", ()) if type(cell) is str]
    return {*cells, *(line + "\n" for cell in cells for line in cell.splitlines())}


def _is_typed(chain: Chain) -> bool:
    """Whether a chain starts at a name by which the notebook keeps what was typed."""
    first = chain.hops[0].said.removeprefix("the notebook's ")
    asserted = " → @py_" in first  # where pytest keeps the parts of an assertion
    return asserted or ("IPython" in sys.modules and bool(_TYPED.match(first)))


def is_of_notebook(thing: object) -> bool:
    """Whether an object is part of the machinery that runs the notebook or the tests."""
    kind = type(thing)
    if kind is types.CoroutineType:
        return _module_of(thing.cr_frame) in _NOTEBOOK  # type: ignore[attr-defined]
    if kind is dict:
        return "header" in thing and "content" in thing  # type: ignore[operator]
    if kind is list:
        return any(type(part) is bytes and part == _DELIMITER for part in thing[:3])  # type: ignore[index]
    return str(kind.__module__).split(".")[0] in _NOTEBOOK


_DELIMITER = b"<IDS|MSG>"
"""In every message between a page and its kernel, before the text of it."""


def _module_of(frame: types.FrameType | None) -> str:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] if frame else ""


def _is_program_text(path: list[object]) -> bool:
    """Whether a path ends in a docstring or a name: text of the program, as its code is."""
    holder, thing = path[-2:]
    if is_a(holder, (types.FunctionType, type)):
        return True
    if not is_a(holder, dict) or dict.get(holder, "__doc__") is thing:
        return is_a(holder, dict)
    names = len(path) == 2 or is_dict_of(path[-3], holder)
    return names and not any(map(is_, dict.values(holder), repeat(thing)))


# -- what no name leads to -----------------------------------------------------------------------


def _is_call(holder: object, call: Sequence[object]) -> bool:
    """Whether a tuple is that of a call's arguments, as Python makes one for `f(a, *more)`."""
    same = type(holder) is tuple and len(holder) == len(call)
    return same and all(map(is_, holder, call))  # type: ignore[call-overload]


def _is_program(holder: object) -> bool:
    """Whether a container is part of the program as it was written.

    That is a constant of its code, or Python's own list of all words in a script that is running.
    """
    if type(holder) is list:
        words = {id(name) for code in _running() for name in code.co_names}
        return not words.isdisjoint(map(id, holder))
    return is_a(holder, (tuple, frozenset)) and id(holder) in _constants()


def _running() -> list[types.CodeType]:
    """The code of the scripts that are running."""
    frames = (frame for top in sys._current_frames().values() for frame in _up(top))
    return [frame.f_code for frame in frames if frame.f_code.co_name == "<module>"]


def _up(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _constants() -> set[int]:
    """The ids of the constants in all code, and of the tuples of them that code keeps."""
    sorts = sorted_by_type(gc.get_objects(), lambda kind: kind is types.FunctionType)
    codes = [*map(attrgetter("__code__"), sorts.get(types.FunctionType, ())), *_running()]
    ids: set[int] = set()
    for code in codes:  # grows while it is walked: code has the code of inner functions
        if id(code.co_consts) not in ids:
            ids.add(id(code.co_consts))
            ids.update(map(id, code.co_consts))
            codes += [const for const in code.co_consts if type(const) is types.CodeType]
    return ids


def _unnamed(group: list[object]) -> list[Find]:
    """Copies to which no name leads: garbage that waits for the collector, or held unseen.

    The caller must hold what has the copies through this one list alone.
    """
    number = len(group)
    if not number:
        return []
    reached = add_holders(group, set(map(id, group)))
    _, held = held_from_outside(group) if reached else (set(), set(map(id, group)))
    garbage = sum(id(thing) not in held for thing in islice(group, number))
    finds = []
    if garbage:
        held_by = "a cycle that no name leads to"
        finds.append(_lone("garbage", held_by, "gc.collect()", garbage))
    if number > garbage:
        held_by = "C code or a running expression"
        finds.append(_lone("live object", held_by, "the end of what runs", number - garbage))
    return finds


def _lone(kind: str, held_by: str, erased_by: str, count: int) -> Find:
    return Find("this process", kind, "str or bytes", held_by, erased_by, count)
