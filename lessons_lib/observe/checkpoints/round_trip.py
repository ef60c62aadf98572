"""`round_trip(value)`: what a serialiser changes silently, path by path, and what it refuses.

A checkpoint is written and read back by a serialiser. What comes back is equal to what went in for
text, numbers, lists and dictionaries; for much else it is something a little different.
"""

from __future__ import annotations

import pickle
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener

from ..holding.links import atom_text, is_a
from ..pictures.style import said_of, shorten
from ..pictures.table import Table
from ..pictures.waiting import waiting
from .differences import Change
from .snapshots import Part, Snapshot

_SHOWN = 40
_WHOLLY = sys.maxsize
_DEEPEST = 200
_PLAIN = (str, bytes, bytearray, int, float, bool, complex, type(None))
_SETS = (set, frozenset)
_ROWS = (list, tuple, deque)
_WHOLE = "the value"
_NOTHING = object()
_NO_PART = Part(_NOTHING)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A part of a value that the serialiser does not take.

    Attributes:
        path: Where it is.
        what: Its type, in words.
        error: The name of the exception that the serialiser raises.
        advice: What to do instead.
    """

    path: str
    what: str
    error: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path} is {self.what}, which is refused ({self.error}): {self.advice}."


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What became of a value that was written and read back.

    True when all of it was compared and nothing changed. `notes` name the classes that the
    serialiser imports to make objects of them, `unseen` the parts that could not be compared.
    """

    serde: str
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not (self.changes or self.refusals or self.unseen)

    def __str__(self) -> str:
        told = self.changes or self.refusals
        return str(self.table()) if told else "\n".join((self._headline(), *self.notes))

    __repr__ = __str__

    def _headline(self) -> str:
        if self:
            return f"{self.serde}: everything comes back as it was."
        counts = (("changes", len(self.changes)), ("refuses", len(self.refusals)))
        parts = [f"{verb} {n} part{'' if n == 1 else 's'}" for verb, n in counts if n]
        unseen = f"not everything was compared: {'; '.join(self.unseen)}" if self.unseen else ""
        if not parts:
            return f"{self.serde}: {unseen}. What was compared comes back as it was."
        return f"{self.serde} {' and '.join(parts)}{f', and {unseen}' if unseen else ''}:"

    def table(self) -> Table:
        """Path, before and after of each change, then what is refused, with a sentence each."""
        rows = [(change.path, change.before, change.after) for change in self.changes]
        rows += [(no.path, no.what, f"refused: {no.error}") for no in self.refusals]
        notes = (*map(str, self.refusals), *self.notes)
        return Table(("path", "before", "after"), rows, self._headline(), notes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        if not (self.changes or self.refusals):
            return {"text/plain": str(self)}
        return {"text/html": self.table()._repr_html_(), "text/plain": str(self)}


def round_trip(value: object, serde: Any = None) -> RoundTrip:
    """Write a value with a serialiser, read it back, and tell what is no longer the same.

    Without a serialiser it is the one that LangGraph's savers use by default. Any object with
    `dumps_typed` and `loads_typed` does, and any with `dumps` and `loads`, such as the modules
    `pickle` and `json`. Only the types and the values are compared, path by path; that two paths
    led to one object, and no longer do, is a change too.

    >>> import json
    >>> print(round_trip({"file": ("cv.pdf", 3), "tags": ["new"]}, json))
    json changes 1 part:
    path      before  after
    --------  ------  -----
    ['file']  tuple   list
    """
    trip = _Trip(serde)
    with waiting("there and back"), _imports() as classes:
        trip.send(value, "", ())
    notes = [
        f"{name} is made again by importing {module}; with LANGGRAPH_STRICT_MSGPACK=true "
        "only its plain data comes back."
        for module, name in sorted(classes)
    ]
    changes = (*trip.changes, *trip.parted)
    return RoundTrip(trip.name, changes, tuple(trip.refusals), tuple(notes), tuple(trip.unseen))


class _Trip:
    """One value on its way through a serialiser and back, with what happened to it.

    Each list is kept as the keys of a dictionary, so that nothing stands in it twice.
    """

    def __init__(self, serde: Any) -> None:
        self.name, self.there_and_back = _way(serde)
        self.changes: dict[Change, None] = {}
        self.refusals: dict[Refusal, None] = {}
        self.parted: dict[Change, None] = {}
        self.unseen: dict[str, None] = {}
        self.met: dict[int, tuple[Part, Part, str]] = {}  # what came back of each part, and where

    def send(self, value: object, path: str, above: tuple[int, ...]) -> None:
        """Send a value whole; where that is refused, send its parts, to find those at fault."""
        if id(value) in above:
            self._refuse(value, path, "RecursionError")
            return
        try:
            after = self.there_and_back(value)
        except Exception as error:  # each serialiser has its own
            self._send_parts(value, path, (*above, id(value)), type(error).__name__)
        else:
            self._compare_whole(value, after, path)

    def _compare_whole(self, before: object, after: object, path: str) -> None:
        shots = Snapshot(before), Snapshot(after)
        self.unseen.update(dict.fromkeys(sorted(shots[0].beyond | shots[1].beyond)))
        self._compare(shots[0].root, shots[1].root, path)

    def _send_parts(self, value: object, path: str, above: tuple[int, ...], error: str) -> None:
        known = len(self.refusals)
        if len(above) < _DEEPEST:
            if is_a(value, (dict, *_SETS, *_ROWS)):
                with suppress(Exception):  # a class that cannot be made empty
                    shell = type(value)()
                    self._compare_whole(shell, self.there_and_back(shell), path)
            for label, part in _parts(value):
                self.send(part, path + label, above)
        if len(self.refusals) == known:
            self._refuse(value, path, error)

    def _refuse(self, value: object, path: str, error: str) -> None:
        what, advice = _about(value, error)
        self.refusals[Refusal(path or _WHOLE, what, error, advice)] = None

    def _note(self, path: str, before: str, after: str) -> None:
        if before != after:
            self.changes[Change(path or _WHOLE, "changed", before, after)] = None

    # -- comparing -------------------------------------------------------------------------------

    def _compare(self, one: Part, two: Part, path: str) -> None:
        """Note what differs between two values, in their types first, then in their parts."""
        before: Any = one.thing
        after: Any = two.thing
        if before is after or self._is_met(one, two, path):
            return
        if type(before) is not type(after):
            self._note(path, _type_words(before), _type_words(after, before))
            if not _alike(before, after):
                return
        if is_a(before, _PLAIN):
            self._compare_atoms(before, after, path)
        elif is_a(before, _SETS):
            self._compare_sets(before, after, path)
        elif is_a(before, (dict, *_ROWS)):
            self._compare_items(one, two, path)
        elif type(before).__module__ in ("array", "numpy") and hasattr(before, "tobytes"):
            words = _array_words(before)
            self._note(path, words, _array_words(after))
            if "object" in words or before.tobytes() != after.tobytes():
                self._compare_whole(before.tolist(), after.tolist(), path)
        elif (one.parts or two.parts) and not _is_standard(type(before)):
            was, now = one.parts or {}, two.parts or {}
            for name in {**was, **now}:
                self._compare(was.get(name, _NO_PART), now.get(name, _NO_PART), path + name)
        elif type(before) is not object:
            self._compare_closed(before, after, path)

    def _is_met(self, one: Part, two: Part, path: str) -> bool:
        """Whether a part was compared at another path; then it should be one object here, too."""
        if one.parts is None:
            return False
        _, came_back, first = self.met.setdefault(id(one), (one, two, path))
        if came_back is two:
            return first != path
        fixed = is_a(one.thing, (tuple, frozenset)) or _is_standard(type(one.thing))
        if not fixed or is_a(one.thing, (dict, list, set, deque)):
            words = f"the object of {first or _WHOLE}", "a copy of its own"
            self.parted[Change(path, "changed", *words)] = None
        return True

    def _compare_atoms(self, before: Any, after: Any, path: str) -> None:
        base: Any = next(kind for kind in _PLAIN if is_a(before, kind))
        if base is float:  # one is not equal to itself, and 0.0 is equal to -0.0
            is_same = float.__repr__(before) == float.__repr__(after)
        else:
            is_same = base.__eq__(before, after) is True
        if not is_same:
            self._note(path, _short(before), _short(after))

    def _compare_items(self, one: Part, two: Part, path: str) -> None:
        """Compare item by item in their order: a key may have become another."""
        noun = "keys" if is_a(one.thing, dict) else "items"
        was, now = (
            [item for item in (part.parts or {}).items() if item[0][0] == "["]
            for part in (one, two)
        )
        self._note(path, f"{len(was)} {noun}", f"{len(now)} {noun}")
        self._note(path, _bound(one.thing), _bound(two.thing))
        for (label, part), (new_label, other) in zip(was, now, strict=False):
            self._note(f"the key of {path}{label}", label[1:-1], new_label[1:-1])
            self._compare(part, other, path + label)

    def _compare_sets(self, before: Any, after: Any, path: str) -> None:
        """A set has no order: what is missing from one is told, by its short form."""
        known = set(map(id, after))
        if any("•" in _short(thing) and id(thing) not in known for thing in before):
            self.unseen[f"{path or _WHOLE}, a {type(before).__name__} of objects"] = None
        was, now = (sorted(_typed(thing, _WHOLLY) for thing in one) for one in (before, after))
        lost = ", ".join(text for text in was if text not in now)
        new = ", ".join(text for text in now if text not in was)
        self._note(path, shorten(f"{{{lost}}}", _SHOWN), shorten(f"{{{new}}}", _SHOWN))

    def _compare_closed(self, before: Any, after: Any, path: str) -> None:
        """Compare two objects that show nothing: by what pickle makes of them, or in words."""
        # Not by ==, for which two times in different zones are one.
        if _pickled(before) == _pickled(after) != b"":
            return
        text, other = said_of(before), said_of(after)
        if " at 0x" in text or text == other:  # neither the bytes nor the words prove anything
            self.unseen[f"{path or _WHOLE}, a {type(before).__name__}"] = None
        else:
            self._note(path, *_apart(text, other))


def _way(serde: Any) -> tuple[str, Callable[[Any], Any]]:
    """The name of a serialiser, and a function that sends a value there and back."""
    serde = jsonplus.JsonPlusSerializer() if serde is None else serde
    name = str(getattr(serde, "__name__", type(serde).__name__))
    if isinstance(serde, type):
        raise TypeError(f"{name} is a class, expected an instance of it: give {name}()")
    if hasattr(serde, "dumps_typed") and hasattr(serde, "loads_typed"):
        return name, lambda value: serde.loads_typed(serde.dumps_typed(value))
    if hasattr(serde, "dumps") and hasattr(serde, "loads"):
        return name, lambda value: serde.loads(serde.dumps(value))
    raise TypeError(
        f"{name} has neither dumps_typed and loads_typed nor dumps and loads, expected a "
        "serialiser: JsonPlusSerializer(), pickle or json, say"
    )


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a value is made of, with the label that leads there; nothing for an atom."""
    has_fields = hasattr(type(value), "__dataclass_fields__") or hasattr(
        type(value), "model_fields"
    )
    if is_a(value, _SETS):
        yield from ((f"{{{_typed(part)}}}", part) for part in sorted(value, key=_typed))
    elif has_fields or is_a(value, (dict, *_ROWS)):
        parts = Snapshot(value).root.parts or {}
        yield from ((label, part.thing) for label, part in parts.items())


def _is_standard(kind: type) -> bool:
    """Whether a class is Python's own: what such an object keeps may be no part of its value."""
    return kind.__module__.split(".")[0] in sys.stdlib_module_names


def _alike(before: object, after: object) -> bool:
    """Whether two values of different types can still be compared part by part."""
    families: tuple[Any, ...] = (dict, (list, tuple), _SETS, str, bytes, int, float)
    return any(is_a(before, family) and is_a(after, family) for family in families)


# -- in words ------------------------------------------------------------------------------------


def _type_words(value: object, other: object = None) -> str:
    """The name of a value's type and, where another sort of thing took its place, its text."""
    if value is _NOTHING:
        return "nothing"
    name = type(value).__name__
    strange = other is not None and not _alike(other, value)
    return f"{name} {_short(value)}" if strange and is_a(value, _PLAIN) else name


def _typed(value: object, limit: int = _SHOWN) -> str:
    """A value with the name of its type, unless its text shows that."""
    text = _short(value, limit)
    return text if type(value) in _PLAIN else f"{type(value).__name__} {text}".replace(" •", "")


def _short(value: object, limit: int = _SHOWN) -> str:
    """A short text for a value; for one of a class derived from a plain type, as if it were one."""
    for kind in (str, bytes, int, float):
        if is_a(value, kind) and type(value) is not bool:
            return shorten(kind.__repr__(value), limit)
    if type(value) is tuple:
        return shorten(f"({', '.join(_short(part, limit) for part in value)})", limit)
    return atom_text(value)


def _bound(row: Any) -> str:
    """What a deque is bound to; nothing else has a bound."""
    return f"deque with maxlen={row.maxlen}" if is_a(row, deque) else ""


def _pickled(value: object) -> bytes:
    """What pickle writes of a value; nothing for one that it refuses."""
    try:
        return pickle.dumps(value)
    except Exception:  # the reader's own classes may raise anything
        return b""


def _array_words(array: Any) -> str:
    """What an array is: its type, its shape, and whether it can be written to."""
    kind = getattr(array, "dtype", None) or array.typecode
    shape = array.shape if hasattr(array, "shape") else (len(array),)
    frozen = hasattr(array, "flags") and not array.flags.writeable
    return f"{kind} {shape}" + (", read-only" if frozen else "")


def _apart(one: str, two: str) -> tuple[str, str]:
    """Two texts cut so short that the place where they differ is seen.

    >>> _apart("a" * 60 + "1", "a" * 60 + "2")
    ('…aaaaaaaa1', '…aaaaaaaa2')
    """
    first = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    start = first - 8 if first > _SHOWN - 8 else 0
    lead = "…" if start else ""
    room = _SHOWN + 24
    return shorten(lead + one[start:].lstrip(), room), shorten(lead + two[start:].lstrip(), room)


def _about(value: object, error: str) -> tuple[str, str]:
    """What a refused part is, in words, and what to do instead."""
    kind = type(value).__name__
    if error == "RecursionError":
        return f"a {kind} that leads back to itself", "cut the circle, or keep a name in its place"
    if is_a(value, types.FunctionType):
        what = "a lambda" if value.__name__ == "<lambda>" else f"the function {value.__name__}"
        return what, "keep its name, and look the function up by it"
    if is_a(value, complex):
        return "a complex number", "keep its two parts"
    if is_a(value, int):
        return "an int of more than 64 bits", "keep it as text"
    if is_a(value, (dict, *_ROWS, *_SETS)):
        return f"a {kind}", "keep its parts in another form"
    if hasattr(type(value), "tolist"):  # an array, or a number out of one
        return f"an instance of {kind}", "keep what its tolist() gives"
    if _is_standard(type(value)):  # a lock, a file
        return f"a {kind}", "keep it out of the state, in an UntrackedValue, say"
    return f"an instance of {kind}", "make its class a dataclass, or keep a dict of what it has"


# -- classes that the serialiser imports ---------------------------------------------------------


@contextmanager
def _imports() -> Iterator[set[tuple[str, str]]]:
    """Collect module and name of the classes that LangGraph's serialiser imports unasked.

    What it warns of once in a process, it still warns of when the graph runs.
    """
    classes: set[tuple[str, str]] = set()

    def hear(event: SerdeEvent) -> None:
        if event["kind"] == "msgpack_unregistered_allowed":
            classes.add((event["module"], event["name"]))

    # Its events are public; what was warned of it keeps in sets that are not.
    warned = [known for name, known in vars(jsonplus).items() if name.startswith("_warned_")]
    before, was_off = [set(known) for known in warned], jsonplus.logger.disabled
    jsonplus.logger.disabled = True
    stop = register_serde_event_listener(hear)
    try:
        yield classes
    finally:
        stop()
        jsonplus.logger.disabled = was_off
        for known, old in zip(warned, before, strict=True):
            known.intersection_update(old)
