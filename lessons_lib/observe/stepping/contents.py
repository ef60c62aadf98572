"""What an object has in it besides references: sizes and plain values, kept as numbers only.

Arrows show which object leads to which; a list that gets one more word has no new arrow. So that
such a change can be told, each look notes the size of every container and a number for each plain
value. The numbers are hashes: they keep no value alive, and equal values have equal ones.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from ..holding.links import (
    ATOMS,
    INDEXES,
    ITEM_LIMIT,
    atom_text,
    attribute_reader,
    is_hidden,
    only_a_dict,
    read_by_type,
)

Contents = tuple[int, tuple[str, ...], list[object]]
"""A container's size (-1: not one), its labels (none: it counts its items), a number for each.

What is an object, and so has an arrow, has a mark instead. A plain tuple, because a recording makes
hundreds of them at each step.
"""


class Change(NamedTuple):
    """What changed in an object: its new size (-1: the same as before), or what was replaced."""

    number: int
    size: int
    labels: tuple[str, ...]


def change(
    number: int,
    before: Contents,
    now: Contents,
    arrows: Callable[[int], list[set[str]]],
) -> Change | None:
    """The change from one look to the next; None if an arrow that came or went tells it.

    `arrows` gives the labels of those that left the thing then, and of those that do now. What has
    no arrow, such as a function that holds nothing, is told here.

    >>> of_dict, of_list = content_reader(dict), content_reader(list)
    >>> no_arrows = lambda _: [set(), set()]
    >>> change(1, of_dict({"role": "user"}), of_dict({"role": "bot"}), no_arrows).labels
    ("['role']",)
    >>> change(1, of_list([]), of_list([len]), no_arrows).size
    1
    """
    then, after = _labelled(before), _labelled(now)
    if before[0] != now[0]:
        same = max(before[0], now[0]) <= ITEM_LIMIT and _plain(then) == _plain(after)
        told_by_arrows = same and arrows(number)[0] != arrows(number)[1]
        return None if told_by_arrows else Change(number, now[0], ())
    changed = [label for label in {**then, **after} if then.get(label) != after.get(label)]
    known = set[str]().union(*arrows(number)) if changed else set()
    told = tuple(bracketed(label) for label in changed if label not in known)
    return Change(number, -1, told) if told else None


def _labelled(found: Contents) -> dict[str, object]:
    _, labels, values = found
    return dict(zip(labels or INDEXES, values, strict=False))


def _plain(found: dict[str, object]) -> list[object]:
    return [value for value in found.values() if value is not NotImplemented]


def bracketed(label: str) -> str:
    """A key as a reader would write it behind the name of its dictionary; an attribute as it is.

    >>> bracketed("'role'"), bracketed("[0]"), bracketed("name")
    ("['role']", '[0]', 'name')
    """
    as_it_is = label.isidentifier() and label not in ("None", "True", "False")
    return label if as_it_is or label.startswith("[") or not label else f"[{label}]"


def numbers(values: Iterable[Any]) -> list[object]:
    """A number or a text for each plain value, a mark for each object. The inner loop of `record`.

    Equal values of one type have the same one, others have different ones.

    >>> len(set(numbers([0, False, 0.0, -1, -2, "", None])))
    7
    """
    return [_number_of(id(type(value)), _mark)(value) for value in values]


ATOM_IDS = frozenset(map(id, ATOMS))
"""Types are told apart by identity: a metaclass may have an `==` of its own, and no hash."""
_mark = None.__eq__  # NotImplemented, whatever the object; asks nothing of its class
_numbers: dict[type, Callable[[Any], object]] = dict.fromkeys(ATOMS, type)
_numbers |= dict.fromkeys((str, bytes), hash)
_numbers |= dict.fromkeys((bool, type(None), complex, range), repr)
_numbers |= {int: hex, float: float.hex, bytearray: len}
_number_of: Any = {id(kind): number for kind, number in _numbers.items()}.get
"""By type, what makes a number of a value: quick, and no code of the reader's own classes."""


def content_reader(kind: type) -> Callable[[Any], Contents] | None:
    """How the contents of a class's instances are read, without their help; None if by nothing.

    Beside the readers in `links`, which give the objects themselves and cost more: this look is
    taken of every object at every step, those only where it says that something changed.
    """
    for base, reader in _READERS:
        if issubclass(kind, base):
            return reader
    return None if is_hidden(kind) or read_by_type(kind) else _instance_reader(kind)


def _instance_reader(kind: type) -> Callable[[Any], Contents]:
    """A reader of an instance's attributes; the short way if a dictionary holds them all.

    What a library keeps for itself (a thread's state, a path's text) is no news to a reader.
    """
    read, table_of, of_library = attribute_reader(kind), only_a_dict(kind), is_library_s(kind)

    def of_table(thing: object) -> Contents:
        table = table_of(thing) if table_of else {}
        return -1, tuple(table), [_number_of(id(type(v)), _mark)(v) for v in table.values()]

    def of_attributes(thing: object) -> Contents:
        pairs = [p for p in read(thing) if p[0][:1] != "_" or not of_library]
        return -1, tuple(name for name, _ in pairs), numbers(value for _, value in pairs)

    return of_table if table_of and not of_library else of_attributes


def is_library_s(kind: type) -> bool:
    """Whether the standard library made a class, or a base of it."""
    bases = [base for base in kind.__mro__ if base.__module__ != "builtins"]
    return any(base.__module__.partition(".")[0] in sys.stdlib_module_names for base in bases)


def _of_items(base: type[Any]) -> Callable[[Any], Contents]:
    length, walk = base.__len__, base.__iter__
    return lambda items: (length(items), (), numbers(islice(walk(items), ITEM_LIMIT)))


def _of_dict(table: dict[Any, Any]) -> Contents:
    labels = tuple(map(atom_text, islice(dict.keys(table), ITEM_LIMIT)))
    return dict.__len__(table), labels, numbers(islice(dict.values(table), ITEM_LIMIT))


def _of_set(items: set[Any]) -> Contents:
    """A set has no labels: one value stands for all its plain members, in whatever order."""
    members = frozenset(numbers(islice(set.__iter__(items), ITEM_LIMIT)))
    return set.__len__(items), ("",), [members]


def _of_class(kind: type) -> Contents:
    own = {name: value for name, value in kind.__dict__.items() if not name.startswith("__")}
    return -1, tuple(own), numbers(own.values())


_READERS: tuple[tuple[type, Callable[[Any], Contents]], ...] = (
    (list, _of_items(list)),
    (dict, _of_dict),
    (set, _of_set),
    (deque, _of_items(deque)),
    (type, _of_class),
)
