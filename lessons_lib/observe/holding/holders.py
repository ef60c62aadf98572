"""`who_holds(obj)`: the chains of references from the roots of the program to one object."""

from __future__ import annotations

import gc
import sys
import weakref
from dataclasses import dataclass
from html import escape

from ..pictures.drawing import Picture, draw
from ..pictures.style import card, code
from ..pictures.waiting import waiting
from .chains import Chain, chains_of, drawn, hops, more_chains, pill
from .links import ATOMS, atom_text, telling_name, title, value_text
from .reach import NOT_FOUND, way_from_beyond
from .search import Search, by_length, collector_off, is_frozen, roots_of

MOST_CHAINS = 6


@dataclass(frozen=True)
class Holders:
    """Who holds an object: the chains that lead to it, and what else is known of its references."""

    label: str
    chains: tuple[Chain, ...]
    more: int = 0
    """Chains that were found but not kept."""
    at_least: bool = False
    """Whether there may be more chains than were counted."""
    unseen: str = ""
    """What was not looked at, or where the search stopped: it may hold the object too."""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        chains = [f"  {line}" for line in (*map(str, self.chains), *self._rest())]
        return "\n".join([self._headline(), *chains, *self._remarks()])

    __repr__ = __str__

    def _headline(self) -> str:
        count = len(self.chains) + self.more
        if not count and self.unseen:
            return f"{self.unseen} Elsewhere no name leads to {self.label}."
        if not count:
            return f"No name leads to {self.label}."
        least = "at least " if self.at_least else ""
        return f"{self.label} is held by {least}{count} chain{'' if count == 1 else 's'}:"

    def _rest(self) -> list[str]:
        return [f"… and {more_chains(self.more, self.at_least)}"] if self.more else []

    def _remarks(self) -> list[str]:
        """What stands below; what was not looked at comes first of all where nothing was found."""
        return [self.unseen, *self.notes] if self.unseen and self.chains else [*self.notes]

    def picture(self) -> Picture:
        """The chains as one picture, the object on the right."""
        return draw(drawn(self.label, self.chains), str(self), str(self), see="target")

    def _repr_html_(self) -> str:
        words = "".join(
            f'<div style="padding-left:1.5em">{code(str(chain))}</div>' for chain in self.chains
        )
        below = [*self._rest(), *self._remarks()]
        tail = "".join(f"<div>{escape(line)}</div>" for line in below)
        html = card(f"<strong>{code(self._headline())}</strong>{words}{tail}", "overflow-x:auto;")
        return html + (self.picture().html() if self.chains else "")


def who_holds(thing: object) -> Holders:
    """Find the chains of references that lead to an object from the roots of the program.

    The call's own argument is not counted. Six chains are kept, the shortest first; the rest is
    counted. Takes about a second per million objects, however many or long the chains are. Small
    integers and interned strings are held all over Python: ask about objects of your own.

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
    # First, while nothing else here holds it.
    spare = sys.getrefcount(thing) - _argument_count(object())
    label = _label(thing)
    weak = _weak_references(weakref.getweakrefcount(thing))
    roots = roots_of(sys._getframe(1))
    with collector_off():  # or it would make and unmake things meanwhile
        with waiting("looking for what holds it"):
            search = Search(gc.get_objects(), roots.found)
            if not gc.is_tracked(thing):
                _walk_for(search, thing)
            found, more = _chains(search, thing)
        unseen = " ".join(filter(None, (search.stopped, roots.unread)))
        if found:
            return Holders(label, found, more, search.more_ways, unseen, weak)
        above, ahead = search.ancestors(thing)
        del search  # which holds all that it has seen: next, references are counted
        why, certain = _why_alive(thing, spare, above, ahead)
        return Holders(label, (), unseen="" if certain else unseen, notes=(why, *weak))


def _walk_for(search: Search, thing: object) -> None:
    """Let the search see a thing that the collector does not track."""
    # Not in who_holds itself: there the lambda's closure would be one more holder to count.
    forms = (thing,) if type(thing) is str else ()
    search.walk(forms, {id(type(thing))}, lambda part: part is thing)


def _weak_references(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    weak = "a weak reference" if count == 1 else f"{count} weak references"
    return (f"Beside these, {weak}: it keeps nothing alive.",)


def _chains(search: Search, thing: object) -> tuple[tuple[Chain, ...], int]:
    """The shortest chains in words, without those that say the same; how many were left.

    An instance holds its class, but a class mostly has a name: that way is tried last.
    """
    found: dict[tuple[str, ...], Chain] = {}
    for classes in (False, True):
        search.look_for([thing], classes=classes)
        for root, path in search.paths(thing):
            for chain in chains_of(root, path):
                found.setdefault(chain.words, chain)
        if found:
            break
    ordered = sorted(found.values(), key=by_length)
    return tuple(ordered[:MOST_CHAINS]), max(0, len(ordered) - MOST_CHAINS)


def _argument_count(thing: object) -> int:
    """What getrefcount says of an object that a call's argument alone holds."""
    return sys.getrefcount(thing)


def _label(thing: object) -> str:
    kind, name = title(thing), telling_name(thing)
    if name:
        return f"{kind} {name!r}"
    value = atom_text(thing) if type(thing) in ATOMS else value_text(thing)
    return value if value.startswith(kind) else f"{kind} {value}".strip()


def _why_alive(
    thing: object, spare: int, above: list[object], ahead: dict[int, int]
) -> tuple[str, bool]:
    """Why an object lives that no root leads to, and whether that is certain.

    `above` has all that leads to it, near things first, and must be the one list that does;
    `ahead` says, by id, what each of them leads on to.
    """
    if spare <= 0:
        return "Only the argument of this call holds it: it dies when the call returns.", True
    way = way_from_beyond(above, ahead, thing, spare)
    if not way:
        return "It is garbage: only a cycle leads to it, and no collection has come by yet.", True
    if is_frozen():
        frozen = "gc.freeze() hides from the search what it has set aside."
        return f"It is held unseen: {frozen}", False
    return f"It is held unseen, by {Chain((pill(NOT_FOUND), *hops(way)))}.", False
