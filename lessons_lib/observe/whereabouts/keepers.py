"""Savers and stores that keep what they have in the process: blobs decoded, items walked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..holding.links import ATOMS, Kinds, atom_text, attributes, is_a
from ..pictures.style import shorten
from .fact import Text, holds_text
from .finds import Find, Found

_KINDS = ("channel", "checkpoint", "checkpoint metadata", "pending write")
_CONTAINERS = Kinds((dict, list, tuple, set, frozenset))
_PATH_LIMIT = 80
Decode = Callable[[str, bytes], bool]
"""Whether a value that is encrypted has the text, by the serialiser that has the key."""


class Blob(NamedTuple):
    """One serialised value in an InMemorySaver: whose it is, what, and its type and bytes."""

    thread: str
    kind: str
    what: str
    form: str
    data: bytes


def blobs_in(saver: Any) -> Iterator[Blob]:
    """All serialised values of an InMemorySaver: checkpoints, their metadata, channels, writes."""
    for thread, spaces in list(saver.storage.items()):
        for checkpoints in list(spaces.values()):
            for checkpoint, metadata, *_ in list(checkpoints.values()):
                yield Blob(thread, "checkpoint", "checkpoint", *checkpoint)
                yield Blob(thread, "checkpoint metadata", "metadata", *metadata)
    for (thread, _, channel, _), blob in list(saver.blobs.items()):
        yield Blob(thread, "channel", repr(channel), *blob)
    for (thread, *_), writes in list(saver.writes.items()):
        for _, channel, blob, *_ in list(writes.values()):
            yield Blob(thread, "pending write", f"channel {channel!r}", *blob)


def search_keeper(keeper: Any, held_by: str, text: Text) -> Found:
    """The places in one saver or store that have a text, thread by thread or item by item."""
    place, found = type(keeper).__name__, Found()
    search = _search_saver if hasattr(keeper, "storage") else _search_store
    try:
        search(keeper, place, held_by, text, found)
    except Exception as error:  # a class of somebody's that keeps its things in another way
        found.unread.append(f"{place} was not searched to its end: {told(error)}.")
    return found


def _search_saver(saver: Any, place: str, held_by: str, text: Text, found: Found) -> None:
    decode, locked = decoder(saver, text), Locked()
    blobs: Counter[tuple[str, str, str]] = Counter()
    for blob in blobs_in(saver):
        if text.inside(blob.data) or locked.has(blob.form, blob.data, decode):
            blobs[blob[:3]] += 1
    for (thread, kind, what), count in sorted(blobs.items(), key=_by_thread):
        said, erased_by = f"{what} of thread {thread!r}", f"delete_thread({thread!r})"
        found.finds.append(Find(place, kind, said, held_by, erased_by, count))
    found.unread += locked.said(place)


def _by_thread(found: tuple[tuple[str, str, str], int]) -> tuple[str, int, str]:
    (thread, kind, what), _ = found
    return str(thread), _KINDS.index(kind), what


def _search_store(store: Any, place: str, held_by: str, text: Text, found: Found) -> None:
    for namespace, items in list(store._data.items()):
        for key, item in list(items.items()):
            if paths := list(paths_in((namespace, key, item.value), text)):
                path = shorten(paths[0].removeprefix("[2]"), _PATH_LIMIT)
                what = f"{'/'.join(namespace)} {key!r}{path}"
                erased_by = f"delete({namespace!r}, {key!r})"
                find = Find(place, "store item", what, held_by, erased_by, len(paths))
                found.finds.append(find)
    found.finds.sort(key=lambda find: find.what)


# -- values that are encrypted -------------------------------------------------------------------


def decoder(saver: Any, text: Text) -> Decode | None:
    """How to look into values that are encrypted: through the saver's own serialiser."""
    serde = getattr(saver, "serde", None)
    if serde is None:
        return None
    return lambda form, data: any(True for _ in paths_in(serde.loads_typed((form, data)), text))


class Locked(Counter[str]):
    """How many encrypted values could not be read, for each reason."""

    def has(self, form: object, data: object, decode: Decode | None) -> bool:
        """Whether an encrypted value has the text; False for one that is not, or is locked."""
        if not (type(form) is str and "+" in form and type(data) is bytes):
            return False
        if decode is None:
            self["give the saver that has the key"] += 1
            return False
        try:
            return decode(form, data)
        except Exception as error:  # another key, or damaged: whatever a serialiser raises
            self[told(error)] += 1
            return False

    def said(self, place: str) -> list[str]:
        """What was not read in a place, a sentence for each reason."""
        counts = self.items()
        return [f"{place}: {n} encrypted values were not read: {why}." for why, n in counts]


def told(error: Exception) -> str:
    """An error of other people's in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


# -- values that are not -------------------------------------------------------------------------


def paths_in(value: object, text: Text) -> Iterator[str]:
    """The paths in a value at which a string or bytes have a text, each object walked once.

    >>> list(paths_in({"name": "Ada", "notes": ["met Ada"]}, Text.of("Ada")))
    ["['name']", "['notes'][0]"]
    """
    known: set[int] = set()
    ahead = [("", value)]
    while ahead:  # no recursion: a value may be nested deeper than Python's stack
        path, part = ahead.pop()
        if holds_text(type(part)):
            if text.inside(part):  # type: ignore[arg-type]
                yield path
        elif type(part) not in ATOMS and id(part) not in known:
            known.add(id(part))
            below = [(path + label, inner) for label, inner in _parts(part)]
            ahead += reversed(below)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a value is made of, with the label that leads there."""
    if is_a(value, dict):
        for key, part in list(dict.items(value)):
            label = f"[{repr(key) if type(key) is str else atom_text(key)}]"
            yield label, part
            yield label, key if holds_text(type(key)) else None
    elif is_a(value, (list, tuple)):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
    elif is_a(value, (set, frozenset)):
        yield from (("{…}", part) for part in value)
    if type(value) not in _CONTAINERS:
        yield from ((f".{name}", part) for name, part in attributes(value))
