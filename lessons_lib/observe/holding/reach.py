"""Garbage or held unseen? Python's own question, asked about a few objects without a collection.

For objects that no name leads to, count the references among themselves and what they hold. Who has
more references than that is held from outside, and so is all it leads to; the rest is garbage: only
its own cycle keeps it. The collector does the same sum over everything.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import Counter

from .links import ATOMS, DESCRIPTORS, OWN_FOLDER, is_a, is_lasting

LOOK_LIMIT = 5000
"""Of what a group leads to, so many objects are looked at."""
HOLDERS_LIMIT = 200
"""A group that grows beyond this by what leads to it is not followed further."""


def held_from_outside(group: list[object]) -> tuple[set[int], set[int]]:
    """Which objects of a group (and of what it holds) are held by something beyond it, by id.

    The first set has those with a reference from beyond, the second also what they lead to. The
    caller must hold the objects through this one list alone; the list grows while it is walked.

    >>> class Node: pass
    >>> node = Node()
    >>> node.me = node
    >>> group = [node]
    >>> id(node) in held_from_outside(group)[0]    # held by the name node
    True
    >>> group, key = [node], id(node); del node
    >>> key in held_from_outside(group)[0]    # only by itself
    False
    """
    inside, children = _spread(group)
    counts = [sys.getrefcount(thing) for thing in group]
    resting = _resting_count()
    surplus = {
        id(group[i]) for i, count in enumerate(counts) if count - resting - inside[id(group[i])] > 0
    }
    return surplus, _closure(surplus, children)


def _resting_count() -> int:
    """What getrefcount says of an object that one list holds, taken the same way as above."""
    [count] = [sys.getrefcount(thing) for thing in [object()]]
    return count


def way_from_beyond(
    group: list[object], ahead: dict[int, int], thing: object, spare: int
) -> list[object]:
    """The way to a thing from the first object of a group that something beyond the group holds.

    The group has all that leads to the thing, and `ahead`, by id, what each of it leads on to.
    There are `spare` references to the thing beside the caller's; where more of them come from
    beyond, it is alone on the way. []: nothing beyond holds any of them. The caller must hold the
    objects through this one list alone.

    >>> ring: list[object] = []
    >>> ring.append([ring])
    >>> group, ahead = [ring], {id(ring): id(ring[0])}
    >>> len(way_from_beyond(group, ahead, ring[0], 1))    # the name ring leads there
    2
    >>> thing = ring[0]
    >>> del ring
    >>> way_from_beyond(group, ahead, thing, 1)
    []
    """
    inside = Counter(map(id, gc.get_referents(*group, thing)))
    if spare > inside[id(thing)]:
        return [thing]
    counts = [sys.getrefcount(holder) for holder in group]
    resting = _resting_count()
    by_id = {id(holder): holder for holder in (*group, thing)}
    for holder, count in zip(group, counts, strict=True):
        if count - resting > inside[id(holder)]:
            way = [holder]
            while way[-1] is not thing:
                way.append(by_id[ahead[id(way[-1])]])
            return way
    return []


def _spread(group: list[object]) -> tuple[Counter[int], dict[int, list[int]]]:
    """Add to the group all that it leads to; count the references found on the way."""
    inside: Counter[int] = Counter()
    children: dict[int, list[int]] = {}
    known = {id(thing) for thing in group}
    for thing in group:  # grows while it is walked
        below = referents(thing)
        children[id(thing)] = [id(child) for child in below]
        inside.update(children[id(thing)])
        for child in below:
            if id(child) not in known and len(group) < LOOK_LIMIT:
                known.add(id(child))
                group.append(child)
    return inside, children


def add_holders(group: list[object], keys: set[int]) -> bool:
    """Add to a group all that leads to some of its members, given by id; False if a root does.

    So a cycle is found too of which a snippet's names never showed more than an end: an exception
    kept in a variable of its own frame, say. Each round looks through all objects.

    >>> ring: list[object] = [[]]
    >>> ring.append(ring)
    >>> group = [ring[0]]; del ring
    >>> add_holders(group, {id(group[0])}), len(group), held_from_outside(group)
    (True, 2, (set(), set()))
    """
    known = {id(group), *map(id, group)}
    level = [thing for thing in group if id(thing) in keys]
    while level and len(group) < HOLDERS_LIMIT:
        above = referrers(level)
        known |= {id(above), id(level)}
        level = [h for h in above if id(h) not in known and not _is_ours(h)]
        if any(type(h) is dict and "__name__" in h for h in level):  # a module's names
            return False
        known.update(map(id, level))
        group.extend(level)
    return not level


def referrers(things: list[object]) -> list[object]:
    """What the collector sees hold some objects, without what they are handed over in.

    `gc.get_referrers` leaves out the tuple it is called with; CPython 3.13 calls it with a copy.

    >>> inner: list[object] = []
    >>> outer = [inner]
    >>> [holder is outer for holder in referrers([inner]) if type(holder) is not dict]
    [True]
    """
    asked = tuple(things)
    return [h for h in gc.get_referrers(*asked) if h is not asked and h is not things]


def referents(thing: object) -> list[object]:
    """What the collector sees an object hold, without lasting classes, modules and namespaces."""
    if is_a(thing, (types.ModuleType, types.CodeType)) or is_lasting(thing):
        return []
    unwanted: set[int] = set()
    if is_a(thing, types.FunctionType):
        unwanted = {id(thing.__globals__), id(thing.__builtins__)}
    elif is_a(thing, types.FrameType):
        unwanted = {id(thing.f_globals), id(thing.f_builtins), id(thing.f_back)}
    return [
        child
        for child in gc.get_referents(thing)
        if (type(child) not in ATOMS or type(child) in DESCRIPTORS)  # these hold their class
        and not is_lasting(child)
        and id(child) not in unwanted
    ]


def _closure(start: set[int], children: dict[int, list[int]]) -> set[int]:
    reached, waiting = set(start), list(start)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in reached:
                reached.add(child)
                waiting.append(child)
    return reached


def _is_ours(holder: object) -> bool:
    """The recorder's own frames are no holders."""
    return is_a(holder, types.FrameType) and holder.f_code.co_filename.startswith(OWN_FOLDER)


NOT_FOUND = "C code or a running expression"
"""What holds a thing where nothing that the collector knows leads to it."""
