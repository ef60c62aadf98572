"""The memories that sit the exam by name: `python3 -m lessons_lib exam dict SqliteSaver`."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

Make = Callable[[Path], Any]

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
    "InMemorySaver": ("graph", "InMemoryGraphBot"),
    "SqliteSaver": ("graph", "GraphBot"),
    "ready-made agent": ("agent", "AgentBot"),
    "AsyncSqliteSaver": ("graph_async", "AsyncGraphBot"),
    "SqliteSaver + store": ("graph_store", "StoreBot"),
    "SqliteSaver, mended": ("graph_mended", "MendedBot"),
}
ALL = tuple(_HOMES)
"""Those that sit when none is named."""
PLAIN = ALL[: ALL.index("InMemorySaver")]
"""Those that do without LangGraph."""
FIVE = ("dict", "journal", "InMemorySaver", "SqliteSaver", "SqliteSaver, mended")
"""Those in the README."""


def candidates(names: Sequence[str] = ALL) -> dict[str, Make]:
    """The makers of the memories with these names, loaded now; LangGraph only if one needs it.

    >>> list(candidates(["journal", "dict"]))
    ['journal', 'dict']

    Raises ValueError for a name that there is not.
    """
    for name in names:
        if name not in _HOMES:
            near = difflib.get_close_matches(name, ALL, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"there is no memory {name!r}: {meant}there are {', '.join(map(repr, ALL))}"
            )
    return {name: _found(name) for name in names}


def _found(name: str) -> Make:
    module, attribute = _HOMES[name]
    make: Make = getattr(import_module(f"lessons_lib.memories.{module}"), attribute)
    # In "async", what a graph has saved when it is killed in a turn would be a matter of luck.
    wishes: dict[str, Any] = {} if name in PLAIN else {"durability": "sync"}
    if name == "SqliteSaver, mended":
        wishes["key"] = secrets.token_bytes(32)  # goes to the processes, and never to the disk
    return partial(make, **wishes) if wishes else make
