"""What is looked for: a text, in all the forms in which bytes and strings may hold it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..holding.links import derives, is_a
from ..pictures.style import shorten

LEAST = 3
"""A shorter text is found in everything."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Text:
    """A text to look for, and the forms in which strings and bytes may hold it.

    >>> Text.of("né").in_bytes[:3]
    (b'n\\xc3\\xa9', b'n\\x00\\xe9\\x00', b'\\x00n\\x00\\xe9')
    """

    said: str
    in_text: tuple[str, ...]
    in_bytes: tuple[bytes, ...]

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

    def among(self, strings: list[str], others: list[Any]) -> list[object]:
        """Those of some objects that have the text in them; it asks no code of their own."""
        found: list[object] = [s for form in self.in_text for s in strings if form in s]
        kinds = {id(kind): kind for kind in map(type, others)}
        for key, kind in kinds.items():
            if base := _text_base(kind):
                forms: Any = self.in_text if base is str else self.in_bytes
                these = [thing for thing in others if id(type(thing)) == key]
                has = base.__contains__
                found += [thing for form in forms for thing in these if has(thing, form)]
        return found

    def inside(self, data: bytes | str) -> bool:
        """Whether bytes or a string hold the text in any of its forms."""
        return bool(self.among([], [data]))

    def count(self, data: bytes) -> int:
        """How often bytes hold the text, in any of its forms."""
        return sum(data.count(form) for form in self.in_bytes)

    def excerpt(self, text: str) -> str:
        """A short piece of a string around the first place where it has the text."""
        at = next((i for form in self.in_text if (i := str.find(text, form)) >= 0), 0)
        start = max(0, min(at - 8, len(text) - _SHOWN))
        piece = text[start : start + _SHOWN + 8]
        return repr(shorten(("…" if start else "") + " ".join(piece.split()), _SHOWN))


def _as_json(text: str) -> Iterable[str]:
    return (json.dumps(text, ensure_ascii=plain)[1:-1] for plain in (False, True))


def _text_base(kind: type) -> Any:
    """Which of `str`, `bytes` and `bytearray` a type is or has as a base, or None."""
    return next((base for base in (str, bytes, bytearray) if derives(kind, base)), None)


def holds_text(kind: type) -> bool:
    """Whether the instances of a type are strings or bytes."""
    return _text_base(kind) is not None


def checked(fact: object) -> Text | None:
    """The text to look for, or None for an object to be found by identity.

    A number, None, a blank text and one of fewer than three characters are refused.
    """
    if is_a(fact, (bool, int, float, complex, type(None), type(...))):
        raise TypeError(
            f"{fact!r} is one and the same object all over Python, expected a text or an object "
            "of your own: give the text it stands in, or the object that holds it"
        )
    if not is_a(fact, (str, bytes)):
        return None
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
