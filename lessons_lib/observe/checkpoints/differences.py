"""What differs between two states, path by path, in short phrases.

Two values are the same when they are equal, or when a saver would write the same bytes for both. Of
a list, what came and what went is told by its position, so that twenty kept messages are no news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from ..pictures.style import said_of, shorten

SHORT = 48
"""Characters of a value that are shown."""
MAX_CHANGES = 40
"""Of more differences, the rest is counted."""
_LONGEST_COMPARED = 400
_COMPARED = (str, bytes, int, float, type(None), list, dict)
"""What == decides, or what is compared item by item: no bytes need to be made of it."""

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
    """A value in few characters; a message by who said it.

    >>> show("hello"), show([1, 2, 3]), show({"name": "Ada"})
    ("'hello'", '[1, 2, 3]', "{'name': 'Ada'}")
    """
    said = _said(value)
    if said is not None:
        who, words = said
        return f"{who}: {shorten(repr(words), max(8, limit - len(who) - 2))}"
    if type(value) in (list, tuple, set, frozenset, dict) and len(value) > 12:
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, (str, bytes)):
        return shorten(repr(value[: 2 * limit]), limit)
    if isinstance(value, list):
        return shorten("[" + ", ".join(show(item, limit) for item in value) + "]", limit)
    return shorten(said_of(value), limit)


def _said(value: Any) -> tuple[str, str] | None:
    """Who said what, for a message of LangChain's."""
    who, words = getattr(value, "type", None), getattr(value, "content", None)
    if not isinstance(who, str) or words is None or isinstance(value, Mapping):
        return None
    return who, words if isinstance(words, str) else repr(words)


def _same(one: Any, other: Any, dumps: Dumps) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
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
        yield from (Change(path, "gone", show(item)) for item in _sorted(before - after))
        yield from (Change(path, "new", "", show(item)) for item in _sorted(after - before))
    else:
        yield Change(path or "value", "changed", show(before), show(after))


def _of_dicts(
    path: str, before: dict[Any, Any], after: dict[Any, Any], dumps: Dumps
) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        inner = _inner(path, key)
        if key not in after:
            yield Change(inner, "gone", show(before[key]))
        elif key in before:
            yield from _between(inner, before[key], after[key], dumps)
        else:
            yield Change(inner, "new", "", show(after[key]))


def _of_lists(path: str, before: list[Any], after: list[Any], dumps: Dumps) -> Iterator[Change]:
    start = _alike(before, after, dumps)
    end = _alike(before[start:][::-1], after[start:][::-1], dumps)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old), len(new)) > _LONGEST_COMPARED:
        yield Change(path, "changed", f"{len(old)} items", f"{len(new)} others")
        return
    numbers = _numbered([*old, *new], dumps)
    matcher = SequenceMatcher(None, numbers[: len(old)], numbers[len(old) :], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind in ("equal", "replace") and i2 - i1 == j2 - j1:
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                yield from _between(f"{path}[{start + j}]", old[i], new[j], dumps)
        else:
            yield from (Change(f"{path}[{start + i}]", "gone", show(old[i])) for i in range(i1, i2))
            yield from (
                Change(f"{path}[{start + j}]", "new", "", show(new[j])) for j in range(j1, j2)
            )


def _alike(one: Sequence[Any], other: Sequence[Any], dumps: Dumps) -> int:
    """How many items at the beginning of two lists are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if not _same(a, b, dumps):
            break
        count += 1
    return count


def _numbered(items: list[Any], dumps: Dumps) -> list[int]:
    """A number for each item, the same for those that are one thing: by its id, or by its bytes."""
    known: dict[Any, int] = {}
    return [known.setdefault(_key(item, dumps), len(known)) for item in items]


def _key(item: Any, dumps: Dumps) -> Any:
    name = item.get("id") if isinstance(item, dict) else getattr(item, "id", None)
    if isinstance(name, str):
        return type(item), name
    try:
        key = dumps(item)
        hash(key)
    except Exception:  # what cannot be written is like itself alone
        return id(item)
    return key


def _inner(path: str, key: Any) -> str:
    if not path:
        return str(key)
    return f"{path}[{shorten(repr(key), 30)}]"


def _sorted(items: Any) -> list[Any]:
    return sorted(items, key=said_of)
