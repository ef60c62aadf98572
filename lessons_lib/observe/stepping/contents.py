"""What changed inside an object that was there before: its size, or a plain value in it.

Arrows show which object leads to which; a list that gets one more word has no new arrow. So that
such a change can be told, each look notes the size of every container and a number for each plain
value. The numbers are hashes: they keep no value alive, and equal values have equal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any, NamedTuple

from ..holding.links import ATOMS, ITEM_LIMIT

Contents = tuple[int, list[str], list[object]]
"""A container's size (-1: not one), the labels of what a thing holds, a number for each.

What is an object, and so may have an arrow, has None instead. A plain tuple, because a recording
makes hundreds of them at each step.
"""


class Change(NamedTuple):
    """What changed in an object: its new size (-1: the same as before), or what was replaced."""

    number: int
    size: int
    labels: tuple[str, ...]


def change(
    number: int, before: Contents, now: Contents, had: Set[str], has: Set[str]
) -> Change | None:
    """The change from one look to the next; None if an arrow that came or went tells it.

    `had` and `has` are the labels of the arrows that left the thing then, and that do now. What has
    no arrow, such as a function that holds nothing, is told here.

    >>> none = frozenset()
    >>> user, bot = (1, ["'role'"], [hash("user")]), (1, ["'role'"], [hash("bot")])
    >>> change(1, user, bot, none, none).labels
    ("['role']",)
    >>> change(1, (0, [], []), (1, ["[0]"], [None]), none, none).size
    1
    """
    then, after = _by_label(before), _by_label(now)
    if before[0] != now[0]:
        same = max(before[0], now[0]) <= ITEM_LIMIT and _plain(then) == _plain(after)
        return None if same and had != has else Change(number, now[0], ())
    changed = [
        label for label in {**then, **after} if then.get(label, ...) != after.get(label, ...)
    ]
    told = tuple(bracketed(label) for label in changed if label not in had | has)
    return Change(number, -1, told) if told else None


def _by_label(found: Contents) -> dict[str, object]:
    """The numbers by label; the members of a set have none, and their order means nothing."""
    size, labels, numbers = found
    by_label: dict[str, object] = dict(zip(labels, numbers, strict=True))
    by_label.pop("", None)
    if size >= 0:
        unnamed = zip(labels, numbers, strict=True)
        by_label[""] = frozenset(number for label, number in unnamed if not label)
    return by_label


def _plain(found: dict[str, object]) -> list[object]:
    return [number for number in found.values() if number is not None]


def bracketed(label: str) -> str:
    """A key as a reader would write it behind the name of its dictionary; an attribute as it is.

    >>> bracketed("'role'"), bracketed("[0]"), bracketed("name")
    ("['role']", '[0]', 'name')
    """
    as_it_is = label.isidentifier() and label not in ("None", "True", "False")
    return label if as_it_is or label.startswith("[") or not label else f"[{label}]"


_numbers: dict[type, Callable[[Any], object]] = dict.fromkeys(ATOMS, type)
_numbers |= dict.fromkeys((str, bytes), hash)
_numbers |= dict.fromkeys((bool, type(None), complex, range), repr)
_numbers |= {int: hex, float: float.hex, bytearray: lambda b: hash(bytes(b))}
number_of: Callable[[int], Callable[[Any], object] | None]
number_of = {id(kind): number for kind, number in _numbers.items()}.get
"""By the id of its type, what makes a number of a plain value; None for an object.

Quick, and no code of the program's own classes. Equal values of one type have the same number,
others have different ones.

>>> len({number_of(id(type(value)))(value) for value in [0, False, 0.0, -1, -2, "", None]})
7
"""
