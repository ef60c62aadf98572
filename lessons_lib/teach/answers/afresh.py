"""What a Python that is started afresh does otherwise: `hash` gives another number for a text.

The processes of the crash lab have one parent and its hash seed, so no kill would show it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def another_hash(function: Callable[..., Any]) -> Iterator[None]:
    """Have a reader's function call another `hash` than the built-in one meanwhile."""
    names = getattr(inspect.unwrap(function), "__globals__", {"hash": None})
    own = "hash" in names
    if not own:
        names["hash"] = lambda thing: hash(thing) ^ 0x5EED
    try:
        yield
    finally:
        if not own:
            del names["hash"]


class SaltedText(str):
    """A text with the hash that a process started afresh might give it."""

    salt: int

    def __hash__(self) -> int:
        return self.salt


def salted(text: str, salt: int) -> str:
    """The text, with a hash of its own."""
    one = SaltedText(text)
    one.salt = salt
    return one
