"""Savers and stores, LangGraph's in memory and anybody's: what they keep, and what erases it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from ..holding.links import mro
from ..pictures.style import shorten
from .fact import Text
from .finds import Found, Words, told
from .values import Values

_PAGE = 1000
"""Items that a store is asked for at a time."""
_PATH_LIMIT = 80
KEEPERS = {
    "BaseCheckpointSaver": "langgraph.checkpoint.base",
    "BaseStore": "langgraph.store.base",
    "BaseCache": "langgraph.cache.base",
}
"""LangGraph's savers, stores and caches by name: to look for them is no reason to load it."""


def is_keeper(kind: type) -> bool:
    """Whether a class is a saver, a store or a cache of LangGraph's."""
    return any(KEEPERS.get(base.__name__) == base.__module__ for base in mro(kind))


def is_readable(keeper: object) -> bool:
    """Whether a saver or a store keeps what it has in the process, where it can be read."""
    return any(base.__name__ in ("InMemorySaver", "InMemoryStore") for base in type(keeper).__mro__)


class Part(NamedTuple):
    """A value that a saver or a store keeps, what to call it, and what erases it."""

    kind: str
    what: str
    erased_by: str
    form: str
    """What the serialiser calls its bytes; empty where the value comes decoded."""
    value: object


def search_keeper(keeper: Any, text: Text, held_by: str = "its database") -> Found:
    """The places in one saver or store that have a text, thread by thread or item by item."""
    place, found = type(keeper).__name__, Found()
    values = Values(replace(text, serde=getattr(keeper, "serde", None)))
    found.count(place, _copies(keeper, place, held_by, values, found.unread))
    found.finds.sort(key=lambda find: (find.erased_by, find.kind, find.what))
    found.unread += values.unread(place)
    return found


def _copies(
    keeper: Any, place: str, held_by: str, values: Values, unread: list[str]
) -> Iterator[Words]:
    after = ""
    try:
        for kind, what, erased_by, form, value in _parts_of(keeper):
            paths = values.paths(value, form)
            for _ in paths:
                inner = paths[0].removeprefix("[2]") if kind == "store item" else ""
                yield kind, what + shorten(inner, _PATH_LIMIT), held_by, erased_by
            after = f", after {what}"
    except Exception as error:  # its driver's, or of a class that keeps its things in another way
        unread.append(f"{place} was not searched to its end{after}: {told(error)}.")


def _parts_of(keeper: Any) -> Iterator[Part]:
    if hasattr(keeper, "storage") and is_readable(keeper):
        return blobs_in(keeper)
    return _listed(keeper) if callable(getattr(keeper, "list", None)) else _items(keeper)


# -- savers --------------------------------------------------------------------------------------


def blobs_in(saver: Any) -> Iterator[Part]:
    """All serialised values of an InMemorySaver: checkpoints, their metadata, channels, writes."""
    for thread, spaces in list(saver.storage.items()):
        for checkpoints in list(spaces.values()):
            for checkpoint, metadata, *_ in list(checkpoints.values()):
                yield _of_thread(thread, "checkpoint", "checkpoint", *checkpoint)
                yield _of_thread(thread, "checkpoint metadata", "metadata", *metadata)
    for (thread, _, channel, _), blob in list(saver.blobs.items()):
        yield _of_thread(thread, "blob", f"channel {channel!r}", *blob)
    for (thread, *_), writes in list(saver.writes.items()):
        for _, channel, blob, *_ in list(writes.values()):
            yield _of_thread(thread, "pending write", f"channel {channel!r}", *blob)


def blob_ids(keeper: object) -> set[int]:
    """The ids of the serialised bytes in an InMemorySaver; none for a store."""
    try:
        return (
            {id(blob.value) for blob in blobs_in(keeper)} if hasattr(keeper, "storage") else set()
        )
    except Exception:  # that it cannot be read is said where it is searched
        return set()


def _listed(saver: Any) -> Iterator[Part]:
    """The parts of all checkpoints that a saver lists, decoded."""
    for item in saver.list(None):
        thread = item.config["configurable"]["thread_id"]
        yield _of_thread(thread, "checkpoint", "checkpoint", "", item.checkpoint)
        yield _of_thread(thread, "checkpoint metadata", "metadata", "", item.metadata)
        for _, channel, value in item.pending_writes or ():
            yield _of_thread(thread, "pending write", f"channel {channel!r}", "", value)


def _of_thread(thread: object, kind: str, what: str, form: str, value: object) -> Part:
    return Part(kind, f"{what} of thread {thread!r}", f"delete_thread({thread!r})", form, value)


# -- stores --------------------------------------------------------------------------------------


def _items(store: Any) -> Iterator[Part]:
    """All items of a store."""
    for namespace, key, value in _in_memory(store) if is_readable(store) else _by_page(store):
        what, erased_by = f"{'/'.join(namespace)} {key!r}", f"delete({namespace!r}, {key!r})"
        yield Part("store item", what, erased_by, "", (namespace, key, value))


def _in_memory(store: Any) -> Iterator[tuple[tuple[str, ...], str, object]]:
    for namespace, items in list(store._data.items()):
        yield from ((namespace, key, item.value) for key, item in list(items.items()))


def _by_page(store: Any) -> Iterator[tuple[tuple[str, ...], str, object]]:
    for start in count(0, _PAGE):
        items = store.search((), limit=_PAGE, offset=start)
        yield from ((item.namespace, item.key, item.value) for item in items)
        if len(items) < _PAGE:
            return
