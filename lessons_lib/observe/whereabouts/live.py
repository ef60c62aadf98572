"""Live objects: every copy of a text in the process, and the names that lead to it.

The walk goes forward and so sees what the collector does not track: the tuple of atoms in which a
saver keeps a blob, the flat dictionary of a message. What is found is then followed back to the
names of the program, as `who_holds` does.
"""

from __future__ import annotations

import gc
import re
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from ..holding.chains import NOTEBOOK, Chain, chains_of, more_chains
from ..holding.frames import stack_of
from ..holding.links import is_a, is_dict_of, mro, with_subclasses
from ..holding.reach import add_holders, held_from_outside
from ..holding.search import Root, Search, by_length
from .fact import Text
from .finds import Find, Found, Whereabouts
from .keepers import blobs_in

MOST_COPIES = 40
"""So many live copies are followed back to their holders."""
_CHAINS_SHOWN = 3
_NOTEBOOK = frozenset(
    (
        *NOTEBOOK,
        *("tornado", "debugpy", "pydevd", "_pydevd_bundle", "nbval", "prompt_toolkit", "linecache"),
        *("pytest", "_pytest", "pluggy", "doctest", "unittest", "ast"),
    )
)
"""Who runs the program and keeps its source text, beside the program itself."""
_TYPED = re.compile(r"In(\W|$)|_ih(\W|$)|_i+(\W|$)|_i\d+(\W|$)")
_COURSE = ("lessons_lib.lessons", "lessons_lib.teach", "lessons_lib.observe")


_MANY = (
    f"There are more than {MOST_COPIES} live copies: only that many were followed back to who "
    "holds them. A longer text has fewer."
)


@dataclass
class Seen(Found):
    """What a look at the live objects found: the copies, those held by names first, and keepers.

    Attributes:
        keepers: Savers and stores that live in the process, each with what holds it, in words.
        typed: Whether the notebook's record of what was typed and shown has the text too.
    """

    keepers: list[tuple[object, str]] = field(default_factory=list)
    typed: bool = False


def copies_of(text: Text, objects: list[object], roots: list[Root], call: Sequence[object]) -> Seen:
    """All live strings and bytes that have a text in them, and who holds each.

    `objects` is what the collector knew before; `call` has the arguments of the reader's call,
    which are no place.
    """
    look = _Look(text)
    ours = (text, text.in_text, text.in_bytes, call)
    search = Search(objects, roots, ours)
    look.see(search)
    look.leave_out_program(search, call)
    seen = look.result(search)
    lonely = look.lonely(search)
    seen.unread += [search.stopped] if search.stopped else []
    del search, objects
    seen.finds += _unnamed(lonely)
    return seen


class _Look:
    """The copies of a text, the savers and stores that were met, and what leads to them."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.copies: dict[int, object] = {}
        self.keepers: dict[int, object] = {}
        self.followed: dict[int, object] = {}
        self.chains_to: dict[int, dict[tuple[str, ...], Chain]] = {}
        self.apart: set[int] = set()
        """Copies that are told elsewhere: in a saver's blob, in what the reader typed."""
        self.more_ways: set[int] = set()
        """What the search may have more chains to than it told."""
        self.typed = False
        self.keys: dict[int, int] = {}
        """A small number for each thing on a chain, by its id."""

    def see(self, search: Search) -> None:
        """Note all copies, what holds each, and the keepers."""
        loaded = [getattr(sys.modules.get(home), name, None) for name, home in _KEEPERS.items()]
        wanted = with_subclasses(str, bytes, bytearray, *filter(None, loaded))
        special = [thing for thing in search.found if id(type(thing)) in wanted]
        self.keepers = {id(thing): thing for thing in special if is_keeper(type(thing))}
        copies = [thing for thing in special if self.text.inside(thing)]
        copies += search.walk(self.text.in_text, self.text.inside)
        self.copies = {id(copy): copy for copy in copies}

    def leave_out_program(self, search: Search, call: Sequence[object]) -> None:
        """What a call and the program as it was written have is no copy, unless others have it."""
        words, constants = _program() if self.copies else (set(), set())
        for key, copy in list(self.copies.items()):
            search.direct[key] = [
                holder
                for holder in search.direct.get(key, ())
                if not (_is_call(holder, call) or _is_program(holder, words, constants))
            ]
            if not (search.direct[key] or gc.is_tracked(copy)):
                del self.copies[key]

    # -- back ------------------------------------------------------------------------------------

    def result(self, search: Search) -> Seen:
        """Follow the copies back to the roots, and put into words what was found."""
        if self.copies:
            self._set_apart()
        wanted = [key for key in self.copies if key not in self.apart]
        self.followed = {key: self.copies[key] for key in wanted[:MOST_COPIES]}
        targets = self.followed | self.keepers
        if targets:
            search.look_for(list(targets.values()))
        for target in targets.values():
            self._follow(target, search)
        keepers = [(keeper, self._said(key)) for key, keeper in self.keepers.items()]
        unread = [_MANY] if len(wanted) > MOST_COPIES else []
        return Seen(self._finds(), unread, keepers=keepers, typed=self.typed)

    def _set_apart(self) -> None:
        """A saver's blobs are told with their thread; cells that were run are kept many times."""
        for keeper in self.keepers.values():
            self.apart |= blob_ids(keeper) & self.copies.keys()
        typed = _typed_texts()
        for key, copy in self.copies.items():
            if type(copy) is str and copy in typed:
                self._is_typed(key)

    def _follow(self, target: object, search: Search) -> None:
        """Put the ways to a target into words, unless it is told elsewhere."""

        def goes_on(holder: object, key: int = id(target)) -> bool:
            return key in self.keepers or self._goes_on(holder, key)

        search.more_ways = False
        for root, path in search.paths(target, goes_on):
            if id(target) in self.keepers or not self._is_told_elsewhere(root, path):
                self._take(root, path)
        if search.more_ways:
            self.more_ways.add(id(target))

    def _goes_on(self, holder: object, target: int) -> bool:
        """Not into the machinery of the notebook, nor into a saver that is told elsewhere."""
        if is_of_notebook(holder):
            self._is_typed(target)
            return False
        readable = id(holder) in self.keepers and is_readable(holder)
        if readable or type(holder) is Find or type(holder) is Whereabouts:
            self.apart.add(target)
            return False
        return True

    def _is_told_elsewhere(self, root: str, path: list[object]) -> bool:
        module = root.removeprefix("module ")
        if _is_program_text(path) or module.startswith(_COURSE):
            self.apart.add(id(path[-1]))
            return True
        if module != root and module.split(".")[0] in _NOTEBOOK:
            self._is_typed(id(path[-1]))
            return True
        return False

    def _take(self, root: str, path: list[object]) -> None:
        target = id(path[-1])
        for chain in chains_of(root, path, self._key_of):
            if _is_typed(chain):
                self._is_typed(target)
            else:
                self.chains_to.setdefault(target, {}).setdefault(chain.words, chain)

    def _key_of(self, thing: object) -> int:
        return self.keys.setdefault(id(thing), len(self.keys))

    def _is_typed(self, target: int) -> None:
        self.typed = True
        self.apart.add(target)

    def _said(self, target: int) -> str:
        return said(self._chains(target), target in self.more_ways)

    def _chains(self, target: int) -> list[Chain]:
        return sorted(self.chains_to.get(target, {}).values(), key=by_length)

    def _finds(self) -> list[Find]:
        """A find for each group of copies that hang on the same names."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for key in self.followed:
            if key in self.chains_to:
                starts = {chain.hops[0].said for chain in self.chains_to[key].values()}
                groups.setdefault(tuple(sorted(starts)), []).append(key)
        return sorted((self._find(group) for group in groups.values()), key=_by_holder)

    def _find(self, group: list[int]) -> Find:
        first = min(group, key=lambda key: (len(self._said(key)), self._said(key)))
        copy, erased_by = self.copies[first], erasers(self._chains(first))
        what = type(copy).__name__
        if is_a(copy, str):  # of a string also the piece with the text
            what += f" {self.text.excerpt(copy)}"
        return Find("this process", "live object", what, self._said(first), erased_by, len(group))

    def lonely(self, search: Search) -> list[object]:
        """What holds the copies to which no name leads, and the notebook does not either."""
        return [
            above
            for key in self.followed
            if key not in self.chains_to and key not in self.apart
            for above in search.direct[key][:1]
        ]


# -- savers and stores ---------------------------------------------------------------------------


_KEEPERS = {
    "BaseCheckpointSaver": "langgraph.checkpoint.base",
    "BaseStore": "langgraph.store.base",
}
"""LangGraph's savers and stores by name: to look for them is no reason to load it."""


def is_keeper(kind: type) -> bool:
    """Whether a class is a saver or a store of LangGraph's."""
    return any(_KEEPERS.get(base.__name__) == base.__module__ for base in mro(kind))


def is_readable(keeper: object) -> bool:
    """Whether a saver or a store keeps what it has in the process, where it can be read."""
    return any(base.__name__ in ("InMemorySaver", "InMemoryStore") for base in type(keeper).__mro__)


def blob_ids(keeper: object) -> set[int]:
    """The ids of the serialised bytes in an InMemorySaver."""
    if not (is_readable(keeper) and hasattr(keeper, "storage")):
        return set()
    try:
        return {id(blob.data) for blob in blobs_in(keeper)}
    except Exception:  # that it cannot be read is said where it is searched
        return set()


# -- in words ------------------------------------------------------------------------------------


def said(chains: Sequence[Chain], at_least: bool = False) -> str:
    """The shortest chains, and how many more there are."""
    shown = [str(chain) for chain in chains[:_CHAINS_SHOWN]]
    more = len(chains) - len(shown)
    if more:
        shown.append(more_chains(more, at_least))
    elif at_least:
        shown.append("perhaps more")
    return ", ".join(shown) or "no name"


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
    "the notebook's Out": "Out.clear()",
    "the notebook's _": "three more values shown",
}


def _cut(chain: Chain) -> str:
    """What cuts one chain: its first name deleted, its function returned, its cache cleared."""
    first = chain.hops[0].said
    for hop in chain.hops:
        if hop.title.startswith("lru_cache of "):
            return f"{hop.title.removeprefix('lru_cache of ')}.cache_clear()"
    for start, how in _ENDS.items():
        if first.startswith(start):
            return how
    if "() → " in first:
        return f"the return of {first.split(' → ')[0]}"
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
    return names and not any(value is thing for value in list(dict.values(holder)))


# -- what no name leads to -----------------------------------------------------------------------


def _is_call(holder: object, call: Sequence[object]) -> bool:
    """Whether a tuple is that of a call's arguments, as Python makes one for `f(a, *more)`."""
    if type(holder) is not tuple or len(holder) != len(call):
        return False
    return all(part is given for part, given in zip(holder, call, strict=True))


def _is_program(holder: object, words: set[int], constants: set[int]) -> bool:
    """Whether a container is part of the program as it was written.

    That is a constant of its code, or Python's own list of all words in a script that is running.
    """
    if type(holder) is list:
        return not words.isdisjoint(map(id, holder))
    return is_a(holder, (tuple, frozenset)) and id(holder) in constants


def _program() -> tuple[set[int], set[int]]:
    """The ids of the words in the scripts that run; of the constants in all code, and of the tuples
    of them that code keeps."""
    stacks = [stack_of(top) for top in sys._current_frames().values()]
    scripts = [f.f_code for stack in stacks for f in stack if f.f_code.co_name == "<module>"]
    functions = [thing for thing in gc.get_objects() if type(thing) is types.FunctionType]
    codes = [*(function.__code__ for function in functions), *scripts]
    constants: set[int] = set()
    for code in codes:  # grows while it is walked: code has the code of inner functions
        if id(code.co_consts) not in constants:
            constants.add(id(code.co_consts))
            constants.update(map(id, code.co_consts))
            codes += [const for const in code.co_consts if type(const) is types.CodeType]
    return {id(name) for code in scripts for name in code.co_names}, constants


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
