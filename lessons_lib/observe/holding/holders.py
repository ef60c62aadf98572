"""`who_holds(obj)`: the chains of references from the roots of the program to one object."""

from __future__ import annotations

import gc
import sys
import weakref
from dataclasses import dataclass
from html import escape

from ..pictures.drawing import Picture, draw
from ..pictures.style import card, code
from .chains import Chain, drawn
from .links import ATOMS, atom_text, is_a, read, telling_name
from .reach import NOT_FOUND, hold_only_each_other, unseen_holder
from .search import FROZEN_BY_PYTHON, Search, roots_of

MAX_ANCESTORS = 300


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
        tail = "".join(f"<div>{escape(line)}</div>" for line in [*rest, *self._remarks()])
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
        search = Search([thing], roots_of(sys._getframe(1)))
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
    if is_a(thing, type):
        return f"class {thing.__name__}"
    kind, name = type(thing).__name__, telling_name(thing)
    if name:
        return f"{kind} {name!r}"
    value = atom_text(thing) if type(thing) in ATOMS else read(thing).value
    return f"{kind} {value}".strip()


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
