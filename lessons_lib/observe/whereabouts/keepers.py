"""Savers and stores that keep what they have in the process: blobs decoded, items walked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..holding.links import attributes
from .fact import Text
from .finds import Find

_KINDS = ("channel blob", "checkpoint", "checkpoint metadata", "pending write")


class Blob(NamedTuple):
    """One serialised value in an InMemorySaver: whose it is, what, and its type and bytes."""

    thread: str
    kind: str
    what: str
    form: str
    data: bytes


def blobs_in(saver: Any) -> Iterator[Blob]:
    """All serialised values of an InMemorySaver: checkpoints, their metadata, channels, writes."""
    for thread, spaces in list(getattr(saver, "storage", {}).items()):
        for checkpoints in list(spaces.values()):
            for checkpoint, metadata, *_ in list(checkpoints.values()):
                yield Blob(thread, "checkpoint", "checkpoint", *checkpoint)
                yield Blob(thread, "checkpoint metadata", "metadata", *metadata)
    for (thread, _, channel, _), blob in list(getattr(saver, "blobs", {}).items()):
        yield Blob(thread, "channel blob", f"channel {channel!r}", *blob)
    for (thread, *_), writes in list(getattr(saver, "writes", {}).items()):
        for _, channel, blob, *_ in list(writes.values()):
            yield Blob(thread, "pending write", f"channel {channel!r}", *blob)


def finds_in(keeper: Any, held_by: str, text: Text) -> list[Find]:
    """The places in one saver or store that have a text, thread by thread or item by item."""
    if hasattr(keeper, "storage"):
        return _in_saver(keeper, held_by, text)
    return _in_store(keeper, held_by, text)


def _in_saver(saver: Any, held_by: str, text: Text) -> list[Find]:
    found = Counter(blob[:3] for blob in blobs_in(saver) if _has(saver, blob, text))
    place = type(saver).__name__
    return [
        Find(place, kind, f"{what} of thread {thread!r}", held_by, f"delete_thread({thread!r})", n)
        for (thread, kind, what), n in sorted(found.items(), key=_by_thread)
    ]


def _by_thread(found: tuple[tuple[str, str, str], int]) -> tuple[str, int, str]:
    (thread, kind, what), _ = found
    return str(thread), _KINDS.index(kind), what


def _has(saver: Any, blob: Blob, text: Text) -> bool:
    return text.inside(blob.data) or ("+" in blob.form and _has_decoded(saver, blob, text))


def _has_decoded(saver: Any, blob: Blob, text: Text) -> bool:
    """Encrypted bytes show their text to the saver's own serialiser alone."""
    try:
        value = saver.serde.loads_typed((blob.form, blob.data))
    except Exception:  # another key, or damaged: whatever the serialiser raises
        return False
    return bool(list(paths_in(value, text)))


def _in_store(store: Any, held_by: str, text: Text) -> list[Find]:
    found = []
    for namespace, items in list(getattr(store, "_data", {}).items()):
        for key, item in list(items.items()):
            paths = list(paths_in((namespace, key, item.value), text))
            if paths:
                what = f"{'/'.join(namespace)} {key!r}{paths[0].removeprefix('[2]')}"
                erased_by = f"delete({namespace!r}, {key!r})"
                kind, place = "store item", type(store).__name__
                found.append(Find(place, kind, what, held_by, erased_by, len(paths)))
    return sorted(found, key=lambda find: find.what)


def paths_in(value: object, text: Text, path: str = "", deep: int = 12) -> Iterator[str]:
    """The paths in a value at which a string or bytes have a text.

    >>> list(paths_in({"name": "Ada", "notes": ["met Ada"]}, Text.of("Ada")))
    ["['name']", "['notes'][0]"]
    """
    if isinstance(value, (str, bytes, bytearray)):
        if text.inside(bytes(value) if isinstance(value, bytearray) else value):
            yield path
    elif deep:
        for label, part in _parts(value):
            yield from paths_in(part, text, path + label, deep - 1)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a value is made of, with the label that leads there."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield f"[{key!r}]", part
            yield f"[{key!r}]", key if isinstance(key, (str, bytes)) else None
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from (("{…}", part) for part in value)
    else:
        yield from ((f".{name}", part) for name, part in attributes(value))
