"""Values as savers, stores and databases keep them: where in each a text is, read if encrypted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ..holding.links import ATOMS, Kinds, atom_text, attributes, is_a
from .fact import Text, holds_text
from .finds import told

_CONTAINERS = Kinds((dict, list, tuple, set, frozenset))


class Values:
    """Looks into the values of one place, and counts those that it could not decrypt."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self._locked: Counter[str] = Counter()

    def paths(self, value: object, form: object = "") -> list[str]:
        """The paths at which a value has the text; `form` is what a serialiser calls its bytes."""
        if self.text.inside(value):
            return [""]
        # EncryptedSerializer puts the cipher's name behind the type: "msgpack+aes".
        if type(value) is bytes and type(form) is str and "+" in form:
            return self._decrypted(form, value)
        return [] if type(value) in ATOMS else list(paths_in(value, self.text))

    def _decrypted(self, form: str, data: bytes) -> list[str]:
        why = "give the saver that has the key"
        if self.text.serde is not None:
            try:
                value = self.text.serde.loads_typed((form, data))
                return list(islice(paths_in(value, self.text), 1))
            except Exception as error:  # another key, or damaged: whatever a serialiser raises
                why = told(error)
        self._locked[why] += 1
        return []

    def unread(self, place: str) -> list[str]:
        """What was not read in a place, a sentence for each reason."""
        counts = self._locked.items()
        return [f"{place}: {n} encrypted values were not read: {why}." for why, n in counts]


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
            if text.inside(part):
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
