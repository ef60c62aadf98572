"""One thread of a graph: what its saver gives is checked against what was asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from .reading import UNREAD, Config, SaverReader, Unread, is_langgraphs, place_of, saver_of


class Thread:
    """A thread of a graph; reading it changes nothing in it.

    Raises TypeError or ValueError when graph or config cannot have a history, ValueError for a
    checkpoint that the saver does not know, and what the reader raises.
    """

    def __init__(self, graph: Any, config: Any) -> None:
        self.graph = graph
        self.saver = saver_of(graph)
        self.reader = SaverReader(self.saver)
        self.id, self.namespace, self.start = place_of(config)
        if getattr(self.own_graph, "checkpointer", None) is True:
            # Such a subgraph keeps one history in a thread, whichever task runs it.
            self.namespace = "|".join(part.split(":")[0] for part in self.namespace.split("|"))
        # Of a number LangGraph makes a text, of 0 and None it does not: a memory saver keeps these.
        given = config["configurable"]["thread_id"]
        in_memory = is_langgraphs(self.saver, "InMemorySaver")
        id = given if in_memory and not given else self.id
        # A foreign saver may ask for more, for the user above all.
        inner = config["configurable"].items()
        more = {k: v for k, v in inner if not str(k).startswith(("__", "checkpoint_"))}
        # With the namespace given, SQLite finds a page by its index instead of sorting the thread.
        self.place: dict[str, Any] = {**more, "thread_id": id, "checkpoint_ns": self.namespace}
        self._others: set[str] = set()
        """Threads that the saver gave, and was not asked for."""
        if self.start and self.one(self.start) is None:
            raise ValueError(
                f"the thread {self.id!r} has no checkpoint {self.start!r}, expected the id of one: "
                "leave checkpoint_id out, and look for it in history(graph, config)"
            )

    def config_of(self, id: str) -> Config:
        """The config by which a graph is told of one checkpoint."""
        return {"configurable": {**self.place, "checkpoint_id": id}}

    # -- checkpoints, as the saver gives them ------------------------------------------------

    def newest(self, limit: int | None, **asked: Any) -> tuple[list[Any], str]:
        """The newest checkpoints, newest first; and why there are no more, if that went wrong."""
        config = {"configurable": self.place}
        found, trouble = self.reader.listed(config, limit=limit, **asked)
        ids = [id_in(raw.config) for raw in found]
        if not all(map(self._is_mine, found)) or ids != sorted(set(ids), reverse=True):
            # This saver does not keep to what it is asked: all of it is read, and chosen from here.
            found, trouble = self.reader.listed(config)
            self._others = {place_of(raw.config)[0] for raw in found} - {self.id}
        mine = {id_in(raw.config): raw for raw in found if self._is_mine(raw)}
        return [mine[id] for id in sorted(mine, reverse=True)[:limit]], trouble

    def one(self, id: str) -> Any:
        """One checkpoint; None when the saver has it no more."""
        raw = self.reader.get_tuple(self.config_of(id))
        return raw if raw and self._is_mine(raw) and id_in(raw.config) == id else None

    def with_step(self, step: int) -> list[str]:
        """The ids of the checkpoints with a step: one on each line that has it."""
        found, _ = self.newest(None, filter={"step": step})
        return [id_in(raw.config) for raw in found if step_of(raw) == step]

    def _is_mine(self, raw: Any) -> bool:
        thread, namespace, _ = place_of(raw.config)
        return (thread, namespace) == (self.id, self.namespace)

    # -- and as the graph understands them ---------------------------------------------------

    def understand(self, raw: Any, *, now: bool = False) -> Any:
        """LangGraph's StateSnapshot; with `now`, what a task has written already counts as done."""
        checkpoint = raw.checkpoint
        self.reader.at_hand = raw._replace(
            checkpoint={  # the graph writes into these
                **checkpoint,
                "channel_versions": dict(checkpoint["channel_versions"]),
                "versions_seen": {k: dict(v) for k, v in checkpoint["versions_seen"].items()},
            },
            pending_writes=[w for w in raw.pending_writes or () if not isinstance(w[2], Unread)],
        )
        # LangGraph counts that only where no checkpoint is named; and it writes into a config.
        config = {"configurable": {**self.place}} if now else self.config_of(id_in(raw.config))
        try:
            return self._reading_graph.get_state(config)
        finally:
            self.reader.at_hand = None

    @cached_property
    def _reading_graph(self) -> Any:
        return self.graph.copy({"checkpointer": self.reader})

    @cached_property
    def own_graph(self) -> Any:
        """The graph whose thread it is: the given one, or its subgraph with this namespace.

        None for a subgraph that LangGraph does not find, such as one that a node calls.
        """
        if not self.namespace:
            return self.graph
        parts = [part.split(":")[0] for part in self.namespace.split("|") if not part.isdigit()]
        named = "|".join(parts)
        return dict(self.graph.get_subgraphs(namespace=named, recurse=True)).get(named)

    def unknown(self) -> ValueError:
        """What to say when the saver has no checkpoint of this thread."""
        in_memory = is_langgraphs(self.saver, "InMemorySaver")
        stored = self.saver.storage if in_memory else {}
        others = sorted(self._others)
        others += [str(id) for id, spaces in stored.items() if any(spaces.values())]
        if in_memory and not others:
            return ValueError(
                f"the saver holds no checkpoint at all, expected some of the thread {self.id!r}: "
                "invoke the graph with this saver first"
            )
        where = f" in the namespace {self.namespace!r}" if self.namespace else ""
        if self.namespace and self.id in stored:
            others = [space for space, kept in stored[self.id].items() if kept]
        few = ", ".join(map(repr, others[:5])) + (", …" if len(others) > 5 else "")
        has = f" (it has {few})" if few else ""
        return ValueError(
            f"the saver knows no thread {self.id!r}{where}, expected one that was invoked{has}: "
            "look at the thread_id, and whether it is the same saver"
        )


def id_in(config: Any) -> str:
    """The checkpoint's id in a config; empty if there is none."""
    return str(config["configurable"].get("checkpoint_id") or "") if config else ""


def step_of(raw: Any) -> int:
    """The super-step that a checkpoint was written after."""
    return int((raw.metadata or {}).get("step", -1))


def unread(raw: Any) -> str:
    """Why a checkpoint as a whole could not be read; empty for one that could."""
    return str(raw.checkpoint.get(UNREAD, ""))


def unread_parts(raw: Any) -> str:
    """Which channels of a checkpoint, and which writes after it, could not be read, and why."""
    values = raw.checkpoint["channel_values"].items()
    parts = [f"{name}, {value.why}" for name, value in values if isinstance(value, Unread)]
    for _, channel, value in raw.pending_writes or ():
        if isinstance(value, Unread):
            parts.append(f"what was written to {channel} in the step that follows, {value.why}")
    return "; ".join(dict.fromkeys(parts))
