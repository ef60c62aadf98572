"""What differs between two states, path by path, in short phrases.

Two values are the same when they are equal, or when a saver would write the same bytes for both. Of
a list, what came and what went is told by its position, so that twenty kept messages are no news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeVar

from ..pictures.style import said_of, shorten

SHORT = 48
"""Characters of a value that are shown."""
MAX_CHANGES = 40
"""Of more differences, the rest is counted."""
_LONGEST_COMPARED = 400
_COMPARED = (str, bytes, int, float, type(None), list, dict)
"""What == decides, or what is compared item by item: no bytes need to be made of it."""

T = TypeVar("T")
Dumps = Callable[[Any], Any]


@dataclass(frozen=True)
class Change:
    """One difference: a path in the state, and what stood and stands there.

    >>> print(Change("n", "changed", "1", "2"))
    n: 1 → 2
    """

    path: str
    kind: Literal["new", "gone", "changed", "more"]
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.kind == "changed":
            return f"{self.path}: {self.before} → {self.after}"
        sign = {"new": "+", "gone": "−", "more": "…"}[self.kind]
        words = self.after if self.kind == "new" else self.before
        return f"{sign} {self.path}" + (f": {words}" if words else "")


def differences(before: Any, after: Any, dumps: Dumps) -> tuple[Change, ...]:
    """The differences between two states; `dumps` is a saver's `dumps_typed`.

    >>> for change in differences({"n": 1, "log": ["a"]}, {"n": 2, "log": ["a", "b"]}, repr):
    ...     print(change)
    n: 1 → 2
    + log[1]: 'b'
    """
    found: list[Change] = []
    for change in _between("", before, after, dumps):
        found.append(change)
        if len(found) > MAX_CHANGES:
            return (*found[:MAX_CHANGES], Change("and more", "more"))
    return tuple(found)


def show(value: Any, limit: int = SHORT) -> str:
    """A value in few characters; a message of LangChain's by who said it.

    >>> show("hello"), show([1, 2, 3]), show({"name": "Ada"})
    ("'hello'", '[1, 2, 3]', "{'name': 'Ada'}")
    """
    who, words = getattr(value, "type", None), getattr(value, "content", None)
    if isinstance(who, str) and words is not None and not isinstance(value, Mapping):
        return f"{who}: {shorten(repr(words), max(8, limit - len(who) - 2))}"
    if type(value) in (list, tuple, set, frozenset, dict) and len(value) > 12:
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, (str, bytes)):
        return shorten(repr(value[: 2 * limit]), limit)
    if isinstance(value, list):
        return shorten("[" + ", ".join(show(item, limit) for item in value) + "]", limit)
    return shorten(said_of(value), limit)


def _same(one: Any, other: Any, dumps: Dumps) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):  # 1 == True, and 1 == 1.0
        return False
    try:
        if one == other:
            return True
        return not isinstance(one, _COMPARED) and bool(dumps(one) == dumps(other))
    except Exception:  # the reader's own types may refuse either; then they are told as changed
        return False


def _between(path: str, before: Any, after: Any, dumps: Dumps) -> Iterator[Change]:
    if _same(before, after, dumps):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_dicts(path, before, after, dumps)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after, dumps)
    elif isinstance(before, (set, frozenset)) and isinstance(after, (set, frozenset)):
        for item in sorted(before - after, key=said_of):
            yield Change(path, "gone", show(item))
        for item in sorted(after - before, key=said_of):
            yield Change(path, "new", "", show(item))
    else:
        yield Change(path or "value", "changed", show(before), show(after))


def _of_dicts(
    path: str, before: dict[Any, Any], after: dict[Any, Any], dumps: Dumps
) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        inner = f"{path}[{shorten(repr(key), 30)}]" if path else str(key)
        if key not in after:
            yield Change(inner, "gone", show(before[key]))
        elif key in before:
            yield from _between(inner, before[key], after[key], dumps)
        else:
            yield Change(inner, "new", "", show(after[key]))


def _of_lists(path: str, before: list[Any], after: list[Any], dumps: Dumps) -> Iterator[Change]:
    start, end = same_ends(before, after, lambda one, other: _same(one, other, dumps))
    # SequenceMatcher takes quadratic time where many items are alike, so it gets the middle alone.
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old), len(new)) > _LONGEST_COMPARED:
        yield Change(path, "changed", f"{len(old)} items", f"{len(new)} others")
        return
    names, others = ([_key(item, dumps) for item in items] for items in (old, new))
    matcher = SequenceMatcher(None, names, others, autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        was = [(f"{path}[{start + i}]", old[i]) for i in range(i1, i2)]
        now = [(f"{path}[{start + j}]", new[j]) for j in range(j1, j2)]
        if len(was) == len(now):
            for (_, one), (place, other) in zip(was, now, strict=True):
                yield from _between(place, one, other, dumps)
        else:
            yield from (Change(place, "gone", show(one)) for place, one in was)
            yield from (Change(place, "new", "", show(other)) for place, other in now)


def same_ends(
    one: Sequence[T], other: Sequence[T], same: Callable[[T, T], bool]
) -> tuple[int, int]:
    """How many items are the same at the beginning of two lists, and at the end of the rest.

    >>> same_ends("abxyz", "abcz", lambda one, other: one == other)
    (2, 1)
    """
    least = min(len(one), len(other))
    start = 0
    while start < least and same(one[start], other[start]):
        start += 1
    end = 0
    while end < least - start and same(one[-1 - end], other[-1 - end]):
        end += 1
    return start, end


def _key(item: Any, dumps: Dumps) -> Any:
    # A message keeps its id when its text is changed: it is the same one, and not another.
    name = item.get("id") if isinstance(item, dict) else getattr(item, "id", None)
    if isinstance(name, str):
        return type(item), name
    try:
        key = dumps(item)
        hash(key)
    except Exception:  # what cannot be written is like itself alone
        return id(item)
    return key
