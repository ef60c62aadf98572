"""A deep snapshot of an object, and the differences between two of them, path by path.

A snapshot notes what is in every list, dictionary, attribute and array that can be reached. It
copies no object of the reader's and calls no code of theirs: neither `__eq__` nor `__repr__` nor a
property. What it cannot look into it names.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from struct import calcsize
from typing import Any

from ..holding.links import (
    ATOMS,
    ITEM_LIMIT,
    atom_text,
    attribute_reader,
    attributes_text,
    is_a,
    is_hidden,
)
from ..pictures.style import shorten
from .differences import same_ends

MAX_PARTS = 200_000
"""Of a larger object, the rest is taken as it is and not looked into."""
MAX_DEPTH = 200
TEXT_LIMIT = 60

_CONTAINERS: tuple[Any, ...] = (dict, list, tuple, deque)
_KNOWN = (object, *_CONTAINERS, set, frozenset, types.SimpleNamespace, BaseException)
"""What holds nothing beside its items and attributes, and what is derived from it in Python."""
_FIXED = (
    *(type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, enum.Enum),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal),
    *(re.Pattern, weakref.ref, str, bytes, int, float, complex),
)
"""What holds nothing that a node could change."""

_OF_PYDANTIC = ("__pydantic_extra__", "__pydantic_private__")
"""Where a model keeps what is none of its fields."""

Labelled = list[tuple[str, object]]
Reader = Callable[[object], Labelled]


@dataclass(eq=False, slots=True)
class Part:
    """One object at one moment: what an atom was, or the parts of anything else, by their label.

    Not frozen, for the sake of time: a long conversation makes a hundred thousand of them.
    """

    thing: object
    value: object = None
    parts: dict[str, Part] | None = None

    def is_same(self, other: Part) -> bool:
        """Whether two parts are equal atoms or the same object; what is in them may differ."""
        if self.thing is other.thing:
            return True
        kind = type(self.thing)
        known = kind in ATOMS or is_a(self.thing, (set, frozenset))
        return known and kind is type(other.thing) and self.value == other.value


@dataclass(frozen=True)
class Difference:
    """What changed at one path: the object in which it changed, and what stands there now.

    Attributes:
        steps: How to get there from the root, label by label.
        change: The change in words: `added 'hello'`, `'open' → 'closed'`.
        holder: The object that was changed, not the value in it.
        value: What stands there now; `None` where something was removed.
    """

    steps: tuple[str, ...]
    change: str
    holder: object = field(compare=False, repr=False)
    value: object = field(compare=False, repr=False, default=None)

    @property
    def path(self) -> str:
        """The steps as one would write them: `['messages'][1]`."""
        return "".join(self.steps)


class Snapshot:
    """What an object held, deeply, at the moment of the call.

    >>> state = {"messages": ["hi"], "user": {"name": "Ada"}}
    >>> before = Snapshot(state)
    >>> state["messages"].append("hello"); state["user"]["name"] = "Bob"
    >>> for found in before.differences(Snapshot(state)):
    ...     print(found.path, found.change)
    ['messages'][1] added 'hello'
    ['user']['name'] 'Ada' → 'Bob'
    """

    def __init__(self, root: object) -> None:
        self._seen: dict[int, Part] = {}  # the parts hold their objects, so that no id is reused
        self._readers: dict[int, tuple[type, Reader | None]] = {}
        self.closed: set[str] = set()
        """What could not be looked into."""
        self.beyond: set[str] = set()
        """What was too far away to be looked at, or too much."""
        self.root = self._part(root, 0)

    def holds(self, thing: object) -> bool:
        """Whether this very object could be reached; atoms (numbers, texts) are not asked for."""
        return id(thing) in self._seen

    def at(self, key: tuple[str, ...]) -> Part | None:
        """The part with a label, given in a tuple; without one, the whole."""
        return (self.root.parts or {}).get(key[0]) if key else self.root

    def differences(self, after: Snapshot) -> list[Difference]:
        """What changed between this snapshot and a later one of the same object."""
        return list(_differences(self.root, after.root, (), set(), self._seen))

    def _part(self, thing: object, depth: int) -> Part:
        kind = type(thing)
        if kind in ATOMS:
            return Part(thing, bytes(thing) if kind is bytearray else thing)  # type: ignore[call-overload]
        known = self._seen.get(id(thing))
        if known is not None:
            return known
        # Known before it is looked into: it may lead back to itself.
        made = self._seen[id(thing)] = Part(thing, _content(thing))
        read = self._reader(kind)
        if read is None:
            if made.value is None and not (kind is object or issubclass(kind, _FIXED)):
                self.closed.add(f"what a {kind.__name__} holds")
        elif depth >= MAX_DEPTH:
            self.beyond.add(f"what lies deeper than {MAX_DEPTH} levels")
        elif len(self._seen) > MAX_PARTS:
            self.beyond.add(f"what lies beyond the first {MAX_PARTS:,} objects")
        else:
            inside, kept = _items(thing), read(thing)
            if len(kept) >= ITEM_LIMIT:
                self.beyond.add(f"what an instance keeps beyond its first {ITEM_LIMIT} attributes")
            for name, value in kept:
                if name[:2] != "__" or (name in _OF_PYDANTIC and value):
                    inside.append((f".{name}", value))
            made.parts = {}
            for label, value in inside:
                made.parts[label] = self._part(value, depth + 1)
        return made

    def _reader(self, kind: type) -> Reader | None:
        # By identity, since a metaclass may have an == of its own.
        if id(kind) not in self._readers:
            self._readers[id(kind)] = kind, attribute_reader(kind) if _is_open(kind) else None
        return self._readers[id(kind)][1]


def _is_open(kind: type) -> bool:
    """Whether an instance's items and attributes are all that it holds.

    What C code holds beside them needs room, more than the known base classes, each slot,
    `__dict__` and weak references take.
    """
    if kind is object or issubclass(kind, type) or is_hidden(kind):
        return False
    if issubclass(kind, _CONTAINERS):
        return True
    known = [base for base in kind.__mro__ if base in _KNOWN or issubclass(base, BaseException)]
    words = {
        name
        for base in kind.__mro__
        if base not in known
        for name, value in vars(base).items()
        if is_a(value, types.MemberDescriptorType) or name in ("__dict__", "__weakref__")
    }
    room = max(base.__basicsize__ for base in known) + len(words) * calcsize("P")
    return kind.__basicsize__ <= room and not kind.__itemsize__


def _items(thing: Any) -> Labelled:
    """What is in a container, by the built-in class's own methods: a subclass may have others."""
    if is_a(thing, dict):
        pairs = enumerate(list(dict.items(thing)))
        return [(f"[{_key(key, place)}]", value) for place, (key, value) in pairs]
    for kind in _CONTAINERS:
        if is_a(thing, kind):
            return [(f"[{n}]", item) for n, item in enumerate(list(kind.__iter__(thing)))]
    return []


def _key(key: object, place: int) -> str:
    """A key as one would write it; an object of the reader's by its type and place."""
    return repr(key) if type(key) in ATOMS else f"{type(key).__name__} no. {place + 1}"


def _content(thing: object) -> object:
    """What a set or an array held: the members by identity, they must not be asked; the bytes."""
    if is_a(thing, (set, frozenset)):
        return frozenset(map(id, thing))
    names = (("array", "array"), ("numpy", "ndarray"))  # of packages that are loaded
    arrays = [getattr(sys.modules.get(module), name, bytearray) for module, name in names]
    if is_a(thing, (bytearray, *arrays)):
        with suppress(TypeError, ValueError, BufferError):  # an array of objects, say
            view = memoryview(thing)  # type: ignore[arg-type]
            return view.shape, view.format, view.tobytes()
    return None


# -- differences -----------------------------------------------------------------------------------


def _differences(
    before: Part, after: Part, path: tuple[str, ...], done: set[int], known: dict[int, Part]
) -> Iterator[Difference]:
    """What changed inside an object that is still the same one; `known` are all that there were."""
    if id(after) in done:
        return
    done.add(id(after))
    holder = after.thing
    if before.value != after.value:
        yield Difference(path, "its content changed", holder)
    was, now = before.parts, after.parts
    if was is None or now is None:
        return
    if is_a(holder, _CONTAINERS[1:]) and len(was) != len(now):
        was, gone = _renumbered(was, now)
        for label, part in gone:
            yield Difference((*path, label), f"removed {text(part)}", holder)
    for label in {**was, **now}:
        place = (*path, label)
        if label not in now:
            yield Difference(place, f"removed {text(was[label])}", holder)
        elif label not in was:
            yield Difference(place, f"added {text(now[label])}", holder, now[label].thing)
        elif was[label].is_same(now[label]):
            yield from _differences(was[label], now[label], place, done, known)
        elif not same_inside(was[label], now[label]):
            yield Difference(place, _arrow(was[label], now[label]), holder, now[label].thing)
        # What stands here now may have stood elsewhere, and have changed on the way.
        if label in now and (part := known.get(id(now[label].thing))):
            yield from _differences(part, now[label], place, done, known)


def _renumbered(
    was: dict[str, Part], now: dict[str, Part]
) -> tuple[dict[str, Part], list[tuple[str, Part]]]:
    """What stayed at the ends of a sequence, by the labels it has now; and what is gone."""
    start, end = same_ends(list(was.values()), list(now.values()), Part.is_same)
    old, labels = list(was.items()), list(now)
    stayed = [part for _, part in old[:start] + old[len(old) - end :]]
    names = labels[:start] + labels[len(labels) - end :]
    return dict(zip(names, stayed, strict=True)), old[start : len(old) - end]


def same_inside(one: Part, other: Part, depth: int = 0) -> bool:
    """Whether two parts hold the same, though one took the other's place."""
    if one.is_same(other) and one.parts is None:
        return True
    if type(one.thing) is not type(other.thing) or one.parts is None or other.parts is None:
        return False
    if depth > MAX_DEPTH or list(one.parts) != list(other.parts):
        return False
    pairs = zip(one.parts.values(), other.parts.values(), strict=True)
    return all(same_inside(this, that, depth + 1) for this, that in pairs)


# -- words -----------------------------------------------------------------------------------------


def _arrow(one: Part, other: Part) -> str:
    return f"{text(one, TEXT_LIMIT // 2)} → {text(other, TEXT_LIMIT // 2)}"


def text(part: Part, limit: int = TEXT_LIMIT) -> str:
    """A part as a reader would write it, cut short; objects by their class and plain attributes.

    >>> text(Snapshot({"role": "user", "files": []}).root)
    "{'role': 'user', 'files': []}"
    """
    return shorten(_text(part, 2), limit)


def _text(part: Part, depth: int) -> str:
    thing = part.thing
    if type(thing) in ATOMS:
        return atom_text(part.value)
    if depth < 0:
        return "…"
    inside = list((part.parts or {}).items())[:8]
    if is_a(thing, dict):
        return "{" + ", ".join(f"{key[1:-1]}: {_text(it, depth - 1)}" for key, it in inside) + "}"
    if is_a(thing, _CONTAINERS[1:]):
        items = ", ".join(_text(item, depth - 1) for _, item in inside)
        return f"({items})" if is_a(thing, tuple) else f"[{items}]"
    shown = attributes_text([(label[1:], value.thing) for label, value in inside])
    return f"{type(thing).__name__}({shown})" if shown else type(thing).__name__
