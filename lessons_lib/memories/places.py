"""Where a fact is right now: held by objects of this process, stored in files of a folder.

What is *sent* to a model is seen by giving the bot a model that looks (`DictBot(model=…)`).
"""

from __future__ import annotations

import gc
import types
from pathlib import Path

from lessons_lib.observe.holding.links import is_a

# Through these a walk would leave the object for the whole program.
_BORDERS = (types.ModuleType, types.FunctionType, types.FrameType, type)


def held(holder: object, fact: str) -> int:
    """Count the strings and bytes with this fact that an object of this process leads to.

    The walk follows references forward, and stops at modules, classes and functions.

    >>> held({"c1": [{"content": "My name is Ada."}]}, "Ada")
    1
    """
    wanted = _bytes_of(fact)
    seen: set[int] = set()
    queue: list[object] = [holder]
    found = 0
    while queue:
        thing = queue.pop()
        if id(thing) in seen or is_a(thing, _BORDERS):
            continue
        seen.add(id(thing))
        found += is_a(thing, str) and str.__contains__(thing, fact)
        found += is_a(thing, (bytes, bytearray)) and wanted in thing
        queue.extend(gc.get_referents(thing))
        if is_a(thing, dict):
            # The collector does not tell a dictionary's keys where all of them are strings.
            queue.extend(dict.keys(thing))
    return found


def stored(folder: Path | str, fact: str) -> tuple[str, ...]:
    """Name the files under a folder whose bytes contain this fact, in alphabetical order.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "notes.txt").write_text("My name is Ada.")
    ...     stored(folder, "Ada"), stored(folder, "Bob")
    (('notes.txt',), ())
    """
    wanted, place = _bytes_of(fact), Path(folder)
    if not place.is_dir():
        raise ValueError(f"{str(folder)!r} is no folder: give the one the memory writes to")
    files = sorted(path for path in place.rglob("*") if path.is_file())
    return tuple(
        path.relative_to(place).as_posix() for path in files if wanted in path.read_bytes()
    )


def _bytes_of(fact: str) -> bytes:
    """Return a fact's bytes, or raise ValueError when it is no non-empty text."""
    if not isinstance(fact, str) or not fact:
        raise ValueError(f"the fact is {fact!r}: give a few characters to look for")
    return fact.encode("utf-8")
