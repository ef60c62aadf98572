"""The memories that sit the exam by name: `python3 -m lessons_lib exam dict SqliteSaver`."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lessons_lib import memories
from lessons_lib.database import NoPostgres, postgres
from lessons_lib.exam.on_postgres import OnPostgres

# To add one: its name, and that of its class in `lessons_lib.memories`, which loads it when used.
_PLAIN = {
    "local variable": "LocalBot",
    "dict": "DictBot",
    "threading.local": "ThreadLocalBot",
    "contextvar": "ContextBot",
    "sessions": "SessionBot",
    "pickle file": "PickleBot",
    "JSON file": "JsonBot",
    "SQLite by hand": "SqliteBot",
    "journal": "JournalBot",
}
_GRAPHS = {
    "InMemorySaver": "InMemoryGraphBot",
    "SqliteSaver": "GraphBot",
    "ready-made agent": "AgentBot",
    "AsyncSqliteSaver": "AsyncGraphBot",
    "SqliteSaver + store": "StoreBot",
    "SqliteSaver, mended": "MendedBot",
}
_ON_POSTGRES = {
    "PostgresSaver": "PostgresBot",
    "Postgres, mended": "PostgresMendedBot",
}
ALL = (*_PLAIN, *_GRAPHS, *_ON_POSTGRES)
"""Those that sit when none is named."""
IN_README = (
    "dict", "journal", "InMemorySaver", "SqliteSaver", "SqliteSaver, mended", "Postgres, mended",
)  # fmt: skip


def candidates(
    names: Sequence[str] = ALL, *, tell: Callable[[str], object] | None = None
) -> dict[str, Callable[[Path], Any]]:
    """The makers of the memories with these names, loaded now; LangGraph only if one needs it.

    >>> list(candidates(["journal", "dict"]))
    ['journal', 'dict']

    Where no Postgres can be started, those that need it are left out, and `tell` is told so in a
    sentence; without it, NoPostgres is raised. Raises ValueError for a name that there is not.
    """
    for name in names:
        if name not in ALL:
            near = difflib.get_close_matches(name, ALL, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"there is no memory {name!r}: {meant}there are {', '.join(map(repr, ALL))}"
            )
    out: list[str] = []
    if (needs := [name for name in names if name in _ON_POSTGRES]) and tell:
        try:
            postgres()
        except NoPostgres as error:
            out = needs
            tell(f"{'; '.join(needs)} left out: {error}")
    return {name: _made(name) for name in names if name not in out}


def _made(name: str) -> Callable[[Path], Any]:
    if name in _PLAIN:
        make: Callable[[Path], Any] = getattr(memories, _PLAIN[name])
        return make
    # In "async", what a graph has saved when it is killed in a turn would be a matter of luck.
    graph = partial(getattr(memories, (_GRAPHS | _ON_POSTGRES)[name]), durability="sync")
    if name.endswith("mended"):
        graph = partial(graph, key=secrets.token_bytes(32))  # which never goes to the disk
    return OnPostgres(graph) if name in _ON_POSTGRES else graph
