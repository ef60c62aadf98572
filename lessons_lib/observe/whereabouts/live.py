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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ..holding.chains import NOTEBOOK, Chain, chains_of, more_chains
from ..holding.frames import stack_of
from ..holding.links import is_a, is_dict_of, with_subclasses
from ..holding.reach import add_holders, held_from_outside
from ..holding.search import Root, Search, by_length
from .fact import Text
from .finds import Find, Found, Whereabouts
from .keepers import KEEPERS, blob_ids, is_readable

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
        keepers: Savers and stores that keep all in the process, each with what holds it, in words.
        typed: Whether the notebook's record of what was typed and shown has the text too.
    """

    keepers: list[tuple[object, str]] = field(default_factory=list)
    typed: bool = False


def copies_of(text: Text, objects: list[object], roots: list[Root], call: Sequence[object]) -> Seen:
    """All live strings and bytes that have a text in them, and who holds each.

    `objects` is what the collector knew before; `call` has the arguments of the reader's call,
    which are no place.
    """
    search = Search(objects, roots, (text, text.in_text, text.in_bytes, call))
    texts, keepers = _met(text, search)
    copies = [_Target(each) for each in _beside_program(texts, search.direct, call)]
    _set_apart(copies, keepers)
    wanted = [copy for copy in copies if not copy.apart]
    followed, kept = wanted[:MOST_COPIES], [_Target(keeper) for keeper in keepers]
    if followed or kept:
        search.look_for([target.thing for target in (*followed, *kept)])
    for keeper in kept:
        _follow(keeper, search)
    for copy in followed:
        _follow(copy, search, set(map(id, keepers)))
    lonely = [
        above
        for copy in followed
        if not (copy.by_words or copy.apart)
        for above in search.direct[id(copy.thing)][:1]
    ]
    stopped = [_MANY] if len(wanted) > MOST_COPIES else []
    stopped += [search.stopped] if search.stopped else []
    del search, objects, texts  # or they would hold what is asked about next
    return Seen(
        [*_named(followed, text), *_unnamed(lonely)],
        stopped,
        keepers=[(keeper.thing, keeper.held_by) for keeper in kept],
        typed=any(copy.typed for copy in copies),
    )


@dataclass
class _Target:
    """A copy, or a saver or store, and the chains that lead to it."""

    thing: object
    by_words: dict[tuple[str, ...], Chain] = field(default_factory=dict)
    at_least: bool = False
    """Whether the search may have more chains to it than it told."""
    apart: bool = False
    """Whether it is told elsewhere: in a saver's blob, in what the reader typed."""
    typed: bool = False

    @property
    def chains(self) -> list[Chain]:
        return sorted(self.by_words.values(), key=by_length)

    @property
    def held_by(self) -> str:
        return said(self.chains, self.at_least)

    def was_typed(self) -> None:
        self.typed = self.apart = True


def _met(text: Text, search: Search) -> tuple[list[object], list[object]]:
    """The copies of a text that there are, each once, and the savers and stores in memory."""
    loaded = [getattr(sys.modules.get(home), name, None) for name, home in KEEPERS.items()]
    texts = with_subclasses(str, bytes, bytearray)
    wanted = texts | with_subclasses(*filter(None, loaded))
    special = [thing for thing in search.found if id(type(thing)) in wanted]
    copies = [thing for thing in special if text.inside(thing)]
    copies += search.walk(text.in_text, texts, text.inside)
    each_once = {id(copy): copy for copy in copies}
    return list(each_once.values()), [thing for thing in special if is_readable(thing)]


def _beside_program(
    copies: list[object], holders: dict[int, list[object]], call: Sequence[object]
) -> Iterator[object]:
    """The copies that others have too than a call, and the program as it was written."""
    words, constants = _program() if copies else (set(), set())
    for copy in copies:
        holders[id(copy)] = [
            holder
            for holder in holders.get(id(copy), ())
            if not (_is_call(holder, call) or _is_program(holder, words, constants))
        ]
        if holders[id(copy)] or gc.is_tracked(copy):
            yield copy


def _set_apart(copies: list[_Target], keepers: list[object]) -> None:
    """A saver's blobs are told with their thread; cells that were run are kept many times."""
    blobs, typed = set[int]().union(*map(blob_ids, keepers)), _typed_texts()
    for copy in copies:
        copy.apart = id(copy.thing) in blobs
        if type(copy.thing) is str and copy.thing in typed:
            copy.was_typed()


def _follow(target: _Target, search: Search, read: set[int] | None = None) -> None:
    """Put the ways to a target into words.

    `read` is given for a copy: the ids of savers and stores that are searched themselves. What
    leads to it through one of these, the notebook or an answer of ours is told elsewhere.
    """

    def goes_on(holder: object) -> bool:
        if is_of_notebook(holder):
            target.was_typed()
        elif id(holder) in (read or ()) or type(holder) is Find or type(holder) is Whereabouts:
            target.apart = True
        else:
            return True
        return False

    search.more_ways = False
    for root, path in search.paths(target.thing, None if read is None else goes_on):
        if read is not None and _is_told_elsewhere(root, path, target):
            continue
        for chain in chains_of(root, path):
            if _starts_with_typed(chain):
                target.was_typed()
            else:
                target.by_words.setdefault(chain.words, chain)
    target.at_least = search.more_ways


def _is_told_elsewhere(root: str, path: list[object], copy: _Target) -> bool:
    module = root.removeprefix("module ")
    if _is_program_text(path) or module.startswith(_COURSE):
        copy.apart = True
    elif module != root and module.split(".")[0] in _NOTEBOOK:
        copy.was_typed()
    else:
        return False
    return True


def _named(copies: list[_Target], text: Text) -> list[Find]:
    """A find for each group of copies that hang on the same names."""
    groups: dict[tuple[str, ...], list[_Target]] = {}
    for copy in copies:
        if copy.by_words:
            starts = sorted({chain.hops[0].said for chain in copy.by_words.values()})
            groups.setdefault(tuple(starts), []).append(copy)
    finds = []
    for group in groups.values():
        first = min(group, key=lambda copy: (len(copy.held_by), copy.held_by))
        what = type(first.thing).__name__
        if is_a(first.thing, str):  # of a string also the piece with the text
            what += f" {text.excerpt(first.thing)}"
        words = ("live object", what, first.held_by, erasers(first.chains))
        finds.append(Find("this process", *words, len(group)))
    return sorted(finds, key=lambda f: (not f.erased_by.startswith("del "), f.held_by, f.what))


# -- in words ------------------------------------------------------------------------------------


def said(chains: Sequence[Chain], at_least: bool = False) -> str:
    """The shortest chains, and how many more there are."""
    shown = [str(chain) for chain in chains[:_CHAINS_SHOWN]]
    if more := len(chains) - len(shown):
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


def _typed_texts() -> set[str]:
    """The text of each cell that was run, and its lines, as the notebook keeps them."""
    if "IPython" not in sys.modules:
        return set()
    cells = [cell for cell in vars(sys.modules["__main__"]).get("_ih", ()) if type(cell) is str]
    return {*cells, *(line + "\n" for cell in cells for line in cell.splitlines())}


def _starts_with_typed(chain: Chain) -> bool:
    """Whether a chain starts at a name by which the notebook keeps what was typed."""
    first = chain.hops[0].said.removeprefix("the notebook's ")
    asserted = " → @py_" in first  # where pytest keeps the parts of an assertion
    return asserted or ("IPython" in sys.modules and bool(_TYPED.match(first)))


def is_of_notebook(thing: object) -> bool:
    """Whether an object is part of the machinery that runs the notebook or the tests."""
    kind = type(thing)
    if kind is dict:  # a message of the kernel's
        return "header" in thing and "content" in thing  # type: ignore[operator]
    if kind is list:  # and its parts, as they travel: the delimiter stands before the text
        return any(type(part) is bytes and part == b"<IDS|MSG>" for part in thing[:3])  # type: ignore[index]
    home = kind.__module__
    if kind is types.CoroutineType:
        frame = thing.cr_frame  # type: ignore[attr-defined]
        home = frame.f_globals.get("__name__") if frame else ""
    return str(home).split(".")[0] in _NOTEBOOK


def _is_program_text(path: list[object]) -> bool:
    """Whether a path ends in a docstring or a name: text of the program, as its code is."""
    holder, thing = path[-2:]
    if not is_a(holder, dict):
        return is_a(holder, (types.FunctionType, type))
    if dict.get(holder, "__doc__") is thing:
        return True
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
    kinds = (
        ("garbage", "a cycle that no name leads to", "gc.collect()", garbage),
        ("live object", "C code or a running expression", "the end of what runs", number - garbage),
    )
    return [
        Find("this process", kind, "str or bytes", held_by, erased_by, count)
        for kind, held_by, erased_by, count in kinds
        if count
    ]
