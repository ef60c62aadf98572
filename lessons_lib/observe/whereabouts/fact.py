"""What is looked for: a text, in all the forms in which bytes and strings may hold it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..holding.links import is_a
from ..pictures.style import shorten

LEAST = 3
"""A shorter text is found in everything."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Text:
    """A text to look for, and the forms in which strings and bytes may hold it.

    `serde` is the serialiser that can read what a saver keeps encrypted, where there is one.

    >>> Text.of("né").in_bytes[:3]
    (b'n\\xc3\\xa9', b'n\\x00\\xe9\\x00', b'\\x00n\\x00\\xe9')
    """

    said: str
    in_text: tuple[str, ...]
    in_bytes: tuple[bytes, ...]
    serde: Any = None

    @classmethod
    def of(cls, fact: str | bytes) -> Text:
        """The forms of a text: itself, as it stands in JSON, in UTF-8 and in UTF-16."""
        if isinstance(fact, bytes):
            return cls(repr(fact), (), (fact,))
        texts = tuple(dict.fromkeys((fact, *_as_json(fact))))
        wide = (fact.encode(name, "surrogatepass") for name in ("utf-16-le", "utf-16-be"))
        plain = (text.encode("utf-8", "surrogatepass") for text in texts)
        first, *others = plain
        return cls(repr(fact), texts, tuple(dict.fromkeys((first, *wide, *others))))

    def inside(self, thing: object) -> bool:
        """Whether a string or bytes have the text in any of its forms; runs no code of theirs."""
        base: Any
        raw = self.in_bytes
        for base, forms in ((str, self.in_text), (bytes, raw), (bytearray, raw)):
            if issubclass(type(thing), base):
                for form in forms:
                    if base.__contains__(thing, form):
                        return True
        return False

    def count(self, data: bytes) -> int:
        """How often bytes hold the text, in any of its forms."""
        counts = [data.count(form) for form in self.in_bytes]
        # UTF-16 of one order holds that of the other too, a byte beside.
        return sum(counts) - min(counts[1:3], default=0)

    def excerpt(self, text: str) -> str:
        """A short piece of a string around the first place where it has the text."""
        at = next((i for form in self.in_text if (i := str.find(text, form)) >= 0), 0)
        start = max(0, min(at - 8, len(text) - _SHOWN))
        piece = text[start : start + _SHOWN + 8]
        return repr(shorten(("…" if start else "") + " ".join(piece.split()), _SHOWN))


def _as_json(text: str) -> Iterable[str]:
    return (json.dumps(text, ensure_ascii=plain)[1:-1] for plain in (False, True))


def holds_text(kind: type) -> bool:
    """Whether the instances of a type are strings or bytes."""
    return issubclass(kind, (str, bytes, bytearray))


def checked(fact: object) -> Text:
    """The text to look for; a blank one and one of fewer than three characters are refused."""
    if not is_a(fact, (str, bytes)):
        raise TypeError(
            f"{type(fact).__name__} is no text, expected a str or bytes: give the text that stands "
            "in it; who_holds(…) tells who holds an object"
        )
    if not fact.strip():
        raise ValueError(
            f"the fact is {fact!r}, expected a text that is not blank: "
            'where_is("My name is Ada"), say'
        )
    if len(fact) < LEAST:
        raise ValueError(
            f"the fact is {fact!r}, expected at least {LEAST} characters: so short a text is found "
            "everywhere"
        )
    return Text.of(fact)
