"""One thread of a graph, read through the saver that the graph has, a page at a time.

Read is what any saver offers, `list` and `get_tuple`, and what the graph makes of it, `get_state`.
Only the ids of all checkpoints, which a slider and a tree need, are taken from the two usual savers
directly, since no public method gives them without the states.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from .asked import Config, is_memory, is_sqlite, place_of, saver_of
from .sqlite_file import readable

INTERRUPT = "__interrupt__"
"""The channel in which LangGraph keeps what a node asked."""

Index = dict[str, str]
"""The id of each checkpoint, oldest first, and that of the one it follows (empty: of none)."""


class Read:
    """A checkpoint as the saver gives it; as the graph understands it when that is asked for."""

    def __init__(self, raw: Any, understand: Callable[[], Any]) -> None:
        self.raw = raw
        """LangGraph's CheckpointTuple."""
        self.id = _id_in(raw.config)
        self.config: Config = {"configurable": dict(raw.config["configurable"])}
        self.parent = _id_in(raw.parent_config)
        self.step = int((raw.metadata or {}).get("step", -1))
        self.source = str((raw.metadata or {}).get("source", "loop"))
        self._understand = understand

    @cached_property
    def seen(self) -> Any:
        """LangGraph's StateSnapshot."""
        return self._understand()

    @property
    def asked(self) -> bool:
        """Whether a node that ran after it asked something."""
        return any(channel == INTERRUPT for _, channel, _ in self.raw.pending_writes or ())


class Thread:
    """A thread of a graph; reading it changes nothing in it.

    Raises TypeError or ValueError when graph or config cannot have a history, ValueError for a
    thread that the saver does not know.
    """

    def __init__(self, graph: Any, config: Any) -> None:
        self.graph = graph
        self.saver = saver_of(graph)
        self.id: str | None
        self.id, self.namespace, self.start = place_of(config)
        if is_memory(self.saver) and config["configurable"]["thread_id"] is None:
            self.id = None  # LangGraph makes a text of a number, and leaves None as it is
        self.config = self._config()
        with readable(self.saver):
            self.require_known()

    def _config(self, **more: str) -> Config:
        # With the namespace given, SQLite finds a page by its index instead of sorting the thread.
        place = {"thread_id": self.id, "checkpoint_ns": self.namespace}
        return {"configurable": {**place, **more}}

    def config_of(self, id: str) -> Config:
        """The config by which a graph is told of one checkpoint."""
        return self._config(checkpoint_id=id)

    # -- checkpoints -------------------------------------------------------------------------

    def page(self, limit: int | None, before: str = "") -> list[Read]:
        """The newest checkpoints, or the newest before one, newest first."""
        until = self.config_of(before) if before else None
        with readable(self.saver):
            # Read to the end at once: a SqliteSaver holds its lock as long as a list is open.
            found = list(self.saver.list(self.config, before=until, limit=limit))
        return [Read(raw, partial(self._understand, raw)) for raw in found]

    def one(self, id: str) -> Read | None:
        """One checkpoint; None when the saver has it no more."""
        with readable(self.saver):
            raw = self.saver.get_tuple(self.config_of(id))
        return Read(raw, partial(self._understand, raw)) if raw else None

    @cached_property
    def _reader(self) -> Any:
        """The graph, with a shelf in the saver's place."""
        from .shelf import Shelf

        return self.graph.copy({"checkpointer": Shelf(self.saver)})

    def _understand(self, raw: Any) -> Any:
        with readable(self.saver):
            self._reader.checkpointer.raw = raw
            try:
                return self._reader.get_state(self.config_of(_id_in(raw.config)))
            finally:
                self._reader.checkpointer.raw = None

    def with_step(self, step: int) -> list[str]:
        """The ids of the checkpoints with a step, oldest first: one on each line that has it."""
        with readable(self.saver):
            found = list(self.saver.list(self.config, filter={"step": step}))
        return sorted(_id_in(one.config) for one in found)

    # -- all of them -------------------------------------------------------------------------

    def index(self) -> Index | None:
        """All checkpoints' ids; None when the saver would have to load every state for it."""
        with readable(self.saver):
            if is_memory(self.saver):
                kept = self.saver.storage.get(self.id, {}).get(self.namespace, {})
                return {id: kept[id][2] or "" for id in sorted(kept)}
            if is_sqlite(self.saver):
                return self._index_of_sqlite()
        return None

    def _index_of_sqlite(self) -> Index:
        with self.saver.cursor(transaction=False) as cursor:
            cursor.execute(
                "SELECT checkpoint_id, COALESCE(parent_checkpoint_id, '') FROM checkpoints "
                "WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id",
                (self.id, self.namespace),
            )
            return dict(cursor)

    def read_index(self, tell: Callable[[str], None]) -> Index:
        """All checkpoints' ids, on any saver; it is told how far it is where states are loaded."""
        known = self.index()
        if known is not None:
            return known
        found: Index = {}
        with readable(self.saver):
            for one in self.saver.list(self.config):
                found[_id_in(one.config)] = _id_in(one.parent_config)
                tell(f"reading checkpoints, {len(found)} so far")
        return dict(sorted(found.items()))

    # -- is there such a thread? -------------------------------------------------------------

    def require_known(self) -> None:
        if self._exists():
            return
        others = self._others()
        where = f" in the namespace {self.namespace!r}" if self.namespace else ""
        if others == []:
            raise ValueError(
                f"the saver holds no checkpoint at all, expected some of the thread {self.id!r}: "
                "invoke the graph with this saver first"
            )
        named = f" (it has {_few(others)})" if others else ""
        raise ValueError(
            f"the saver knows no thread {self.id!r}{where}, expected one that was invoked{named}: "
            "look at the thread_id, and whether it is the same saver"
        )

    def _exists(self) -> bool:
        if is_memory(self.saver):
            # Its own methods would make an empty entry for a thread that is asked for.
            return bool(self.saver.storage.get(self.id, {}).get(self.namespace))
        return self.saver.get_tuple(self.config) is not None

    def _others(self) -> list[str] | None:
        """The threads that the saver has; None when only loading all of them would tell."""
        if is_memory(self.saver):
            return [str(id) for id, spaces in self.saver.storage.items() if any(spaces.values())]
        if is_sqlite(self.saver):
            with self.saver.cursor(transaction=False) as cursor:
                cursor.execute("SELECT DISTINCT thread_id FROM checkpoints ORDER BY 1 LIMIT 6")
                return [id for (id,) in cursor.fetchall()]
        return None


def _few(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return f"{shown}, …" if len(names) > 5 else shown


def _id_in(config: Any) -> str:
    return str(config["configurable"].get("checkpoint_id") or "") if config else ""
