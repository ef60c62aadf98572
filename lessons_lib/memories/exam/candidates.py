"""The memories that sit the exam by name: `python3 -m lessons_lib exam dict journal`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_HOMES = {
    "local variable": ("variables", "LocalBot"),
    "dict": ("plain", "DictBot"),
    "threading.local": ("variables", "ThreadLocalBot"),
    "contextvar": ("variables", "ContextBot"),
    "sessions": ("sessions", "SessionBot"),
    "pickle file": ("on_disk", "PickleBot"),
    "JSON file": ("on_disk", "JsonBot"),
    "SQLite by hand": ("sqlite_by_hand", "SqliteBot"),
    "journal": ("journal", "JournalBot"),
}
PLAIN = tuple(_HOMES)
"""Those that do without LangGraph: the ones that sit when none is named."""


def candidates(names: Sequence[str] = PLAIN) -> dict[str, Callable[[Path], Any]]:
    """The makers of the memories with these names, loaded now.

    >>> list(candidates(["journal", "dict"]))
    ['journal', 'dict']

    Raises ValueError for a name that there is not.
    """
    return {name: _found(name) for name in names}


def _graph(folder: Path) -> Any:
    from lessons_lib.memories.graph import GraphBot

    # In "async", what it has saved when it is killed in a turn would be a matter of luck.
    return GraphBot(folder, durability="sync")


def _found(name: str) -> Callable[[Path], Any]:
    if name == "graph":
        return _graph
    if name not in _HOMES:
        near = difflib.get_close_matches(name, (*PLAIN, "graph"), n=1, cutoff=0.4)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"there is no memory {name!r}: {meant}there are {', '.join(PLAIN)}, graph")
    module, attribute = _HOMES[name]
    make: Callable[[Path], Any] = getattr(
        import_module(f"lessons_lib.memories.{module}"), attribute
    )
    return make
