"""A thread's checkpoints as data, as a table and as cards.

What a step wrote is not in its checkpoint's metadata (`writes` is gone from there since LangGraph
1.0). It follows from the checkpoint and the one before it: a checkpoint records, for each node, the
versions of the channels that the node has seen (`versions_seen`). A node whose record has moved on
ran in between. A node that was called by a `Send` leaves no such record, but the `Send` itself
waits in the checkpoint before. What exactly each one wrote stands there too, as pending writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph.types import StateSnapshot

from ..pictures.diagram import Box
from ..pictures.drawing import Picture
from ..pictures.style import shorten
from ..pictures.table import Table
from .cards import draw_tree
from .differences import Change, differences, show
from .reading import Config, Unread, first_line
from .thread import Thread, id_in, step_of, unread, unread_parts
from .tree import Tree

SENDS = "__pregel_tasks"
"""The channel in which LangGraph keeps the calls made with `Send` until the next step."""

OWN = ("__input__", "__interrupt__", "__snapshot_bumps__")
"""What LangGraph notes among the nodes' records, and is no node."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a thread after a step.

    Attributes:
        id: LangGraph's id; later ones are greater.
        label: A short name, unique among those that were read: its step, and a letter on a branch.
        parent: The id of the checkpoint that it follows; empty for the first.
        step: -1 for the first input, then one more for each super-step.
        source: "input", "loop" (a super-step), "update" or "fork" (a copy).
        wrote: The nodes that ran in the step; a node that was sent to twice stands there twice.
        writes: What they wrote, as (node, what) pairs, where the saver still has it.
        values: The state, as `graph.get_state` gives it; of the newest checkpoint with what a
            finished node of an unfinished step has written.
        changed: What differs from the checkpoint that it follows.
        weighs: Bytes per channel, as the saver's serialiser writes them.
        next: The nodes that wait to run.
        interrupts: What was asked in the step that follows, answered or not; of the newest
            checkpoint what waits for an answer.
        errors: What nodes of the step that follows raised, as (node, error) pairs.
        unread: Why the state, or a channel of it, cannot be read; empty where all can.
        previous: What an `@entrypoint` gets as its `previous` from here; None for other graphs.
        config: What a graph is given to go on from here, or to be read here.
    """

    id: str
    label: str
    parent: str
    step: int
    source: str
    wrote: tuple[str, ...]
    writes: tuple[tuple[str, Any], ...] = field(repr=False)
    values: Any = field(repr=False)
    changed: tuple[Change, ...] = field(repr=False)
    weighs: dict[str, int] = field(repr=False)
    next: tuple[str, ...]
    interrupts: tuple[Any, ...]
    errors: tuple[tuple[str, str], ...]
    unread: str
    previous: Any = field(repr=False)
    config: Config = field(repr=False)

    @property
    def bytes(self) -> int:
        """The bytes of all channels together."""
        return sum(self.weighs.values())

    @property
    def by(self) -> str:
        """Who made it, in words: the nodes, or in brackets what else was the reason."""
        return counted(self.wrote) if self.wrote else f"({self.source})"


def history(graph: Any, config: Any, *, limit: int | None = 50) -> History:
    """A thread's checkpoints, newest last: who wrote each, what it changed, what it weighs.

    Works on any compiled graph with any saver, and changes nothing in either. `limit` is how many
    of the newest are read; None reads all. Where the event loop of an async saver runs in this very
    thread, as in a notebook's cell: `await asyncio.to_thread(history, graph, config)`.

    Raises:
        TypeError: `graph` is no compiled graph.
        ValueError: The graph has no checkpointer; the config no thread_id; the saver does not know
            the thread or the checkpoint; its database is empty, damaged or not LangGraph's; no
            checkpoint can be read, as without the key of an encrypted one.
        TimeoutError: Another connection has locked its database.
        RuntimeError: The saver's event loop runs in this thread, is closed or stands still.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(
            f"limit={limit!r}, expected a whole number from 1 up, or None for all: give 50, say"
        )
    return read_history(Thread(graph, config), limit)


def read_history(thread: Thread, limit: int | None) -> History:
    """The newest checkpoints of a thread."""
    # One more than is shown tells what the oldest changed, and whether there are others.
    raws, trouble = thread.newest(None if limit is None else limit + 1)
    if not raws:
        raise thread.unknown()
    if all(unread(raw) for raw in raws):
        raise ValueError(
            f"no checkpoint of the thread {thread.id!r} can be read: {unread(raws[0])}"
        )
    known = {id_in(raw.config): raw for raw in raws[::-1]}
    shown = list(known)[-limit:] if limit else list(known)
    tree = Tree({id: id_in(known[id].parent_config) for id in shown})
    read = tuple(_read(thread, known, tree, newest=shown[-1]))
    return History(thread.id, read, len(raws) > len(shown) or bool(trouble), trouble, tree)


def read_one(thread: Thread, id: str) -> Checkpoint | None:
    """One older checkpoint, without those between it and the newest; None if it is not there."""
    raw = thread.one(id)
    known = {id: id_in(raw.parent_config)} if raw else {}
    return next(_read(thread, {id: raw}, Tree(known), newest=""), None)


def _read(thread: Thread, known: dict[str, Any], tree: Tree, newest: str) -> Iterator[Checkpoint]:
    """The checkpoints of a tree, each compared to the one that it follows, read if need be."""
    seen: dict[str, _Seen | None] = {}

    def look(id: str) -> _Seen | None:
        # Each is asked for twice, once as the one before; of a branch that is not the one above it.
        if id not in seen:
            try:
                raw = known.get(id) or (thread.one(id) if id else None)
                seen[id] = raw and _look(thread, raw, now=id == newest)
            except ValueError as error:  # what lies outside of the page may be damaged
                seen[id] = _Seen(None, _NOTHING, _NOTHING, str(error))
        return seen[id]

    for id, parent in tree.parents.items():
        yield _checkpoint(look(id), look(parent), tree, thread)


@dataclass
class _Seen:
    """A checkpoint as the saver gave it, and what the graph makes of it, or why nothing.

    `record` is the state when the step began; `state` has what a task has written since.
    """

    raw: Any
    record: StateSnapshot
    state: StateSnapshot
    unread: str = ""


_NOT_FOUND = "LangGraph finds no subgraph whose thread it is, and what waits is not known"
_NOTHING = StateSnapshot({}, (), {}, None, None, None, tasks=(), interrupts=())


def _look(thread: Thread, raw: Any, now: bool) -> _Seen:
    if unread(raw):
        return _Seen(raw, _NOTHING, _NOTHING, unread(raw))
    why = _NOT_FOUND
    try:
        if thread.own_graph is not None:
            record = thread.understand(raw)
            state = thread.understand(raw, now=True) if now and raw.pending_writes else record
            return _Seen(raw, record, state)
    except Exception as error:  # the schema may be the reader's own
        why = f"the graph refuses it, {first_line(error)}"
    kept: Mapping[str, Any] = raw.checkpoint["channel_values"]
    values = {k: v for k, v in kept.items() if not k.startswith("__") and ":" not in k}
    known = _NOTHING._replace(values=values)
    return _Seen(raw, known, known, why)


def _checkpoint(one: Any, before: _Seen | None, tree: Tree, thread: Thread) -> Checkpoint:
    raw, state, id, step = one.raw, one.state, id_in(one.raw.config), step_of(one.raw)
    dumps = thread.saver.serde.dumps_typed
    source = str((raw.metadata or {}).get("source", "loop"))
    is_step = source == "loop"
    began = before.state.tasks if before and is_step else ()
    kept: Mapping[str, Any] = raw.checkpoint["channel_values"]
    weighs, heavy = _weights(kept, dumps)
    return Checkpoint(
        id=id,
        label=f"{step}{tree.letter(id)}",
        parent=tree.parents[id],
        step=step,
        source=source,
        wrote=_wrote(raw, before and before.raw) if is_step else (),
        writes=tuple((task.name, task.result) for task in began if task.result is not None),
        values=state.values,
        changed=_changed(one, before, tree.parents[id], dumps),
        weighs=weighs,
        next=tuple(state.next),
        interrupts=tuple(interrupt.value for interrupt in state.interrupts),
        errors=tuple((task.name, str(task.error)) for task in state.tasks if task.error),
        unread="; ".join(filter(None, (one.unread, unread_parts(raw), *heavy))),
        previous=kept.get("__previous__"),
        config=thread.config_of(id),
    )


def _changed(one: _Seen, before: _Seen | None, parent: str, dumps: Any) -> tuple[Change, ...]:
    if one.record is _NOTHING:
        return (Change("cannot be read", "more"),)
    if parent and (before is None or before.record is _NOTHING):
        why = "cannot be read" if before else "is gone"
        return (Change(f"not compared: the checkpoint before {why}", "more"),)
    now = one.record.values
    nothing: Any = {} if isinstance(now, dict) else None
    return differences(before.record.values if before else nothing, now, dumps)


def _wrote(raw: Any, before: Any) -> tuple[str, ...]:
    """The nodes that ran between two checkpoints, in the order of their super-steps."""
    if unread(raw) or (unread(before) if before else raw.parent_config):
        return ()
    now: Mapping[str, Any] = raw.checkpoint["versions_seen"]
    then: Mapping[str, Any] = before.checkpoint["versions_seen"] if before else {}
    # Versions grow: strings in LangGraph's own savers, whole numbers in one that does not say.
    moved = {
        name: max((isinstance(version, str), version) for version in versions.values())
        for name, versions in now.items()
        if versions and versions != then.get(name) and name not in OWN
    }
    waiting = before.checkpoint["channel_values"].get(SENDS, ()) if before else ()
    sent = [send.node for send in waiting if hasattr(send, "node")]
    return (*sorted(moved, key=lambda name: (moved[name], name)), *sent)


def _weights(values: Mapping[str, Any], dumps: Any) -> tuple[dict[str, int], list[str]]:
    """Bytes per channel, as a serialiser writes them, the heaviest first; and what it refuses."""
    found: dict[str, int] = {}
    refused: list[str] = []
    for channel, value in values.items():
        try:
            found[channel] = value.size if isinstance(value, Unread) else len(dumps(value)[1])
        except Exception as error:  # a saver of another kind may keep what this one does not write
            refused.append(f"{channel} cannot be weighed, {first_line(error)}")
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))), refused


@dataclass(frozen=True)
class History:
    """The newest checkpoints of a thread, newest last; a plain piece of data that reads nothing.

    `str()` is a table, a notebook shows the same, and `picture()` draws them as cards.
    """

    thread_id: str | None
    checkpoints: tuple[Checkpoint, ...]
    older: bool
    """Whether there are older ones, which were not read."""
    trouble: str
    """Why the reading ended before it was done; empty where it did not."""
    tree: Tree = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.checkpoints)

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(self.checkpoints)

    def at(self, step: int | str) -> Checkpoint:
        """The checkpoint with a step (on the line that leads to the newest), a label or an id."""
        found = self.find(step)
        if found:
            return found
        first, last = self.checkpoints[0].label, self.checkpoints[-1].label
        where = f" among the {len(self)} that were read" if self.older else ""
        raise ValueError(
            f"the thread {self.thread_id!r} has no checkpoint {step!r}{where}, expected a step or "
            f"label such as {first} or {last}, or a checkpoint's id: print the history to see them"
        )

    def find(self, step: int | str, *, anywhere: bool = True) -> Checkpoint | None:
        """The checkpoint that a step, a label or an id names, if it is among these.

        A step is sought on the line that leads to the newest first, and else `anywhere`.
        """
        if isinstance(step, str):
            return next((one for one in self if step in (one.id, one.label)), None)
        of_step = [one for one in self if type(step) is int and one.step == step]
        path = set(self.tree.path_to(self.tree.newest))
        on_line = [one for one in of_step if one.id in path]
        found = on_line or (of_step if anywhere else [])
        return found[-1] if found else None

    def table(self) -> Table:
        """One row for each checkpoint."""
        labels = {one.id: one.label for one in self.checkpoints}
        branched = len(self.tree.lines) > 1
        rows = []
        for one in self.checkpoints:
            after = [labels.get(one.parent, "–")] if branched else []
            news = told(one.changed)
            rows.append([one.label, *after, one.by, news, one.bytes, self._waits(one)])
        columns = ["step", *(["after"] if branched else []), "wrote", "changed", "bytes", "next"]
        return Table(columns, rows, self._headline(), self._notes())

    def _waits(self, one: Checkpoint) -> str:
        verb = "asked" if self.tree.children[one.id] else "asks"
        asked = "".join(f", {verb} {show(value, 30)}" for value in one.interrupts)
        raised = "".join(f", {node} raised {shorten(error, 60)}" for node, error in one.errors)
        return (counted(one.next) or "–") + asked + raised

    def _headline(self) -> str:
        bad = sum(bool(one.unread) for one in self.checkpoints)
        more = f", {bad} of {len(self)} cannot be read whole" if bad else ""
        return f"Thread {self.thread_id!r}{more}"

    def _notes(self) -> list[str]:
        bad = [one for one in self.checkpoints if one.unread]
        notes = [f"step {one.label} cannot be read: {one.unread}" for one in bad[:3]]
        if self.trouble:
            notes.append(f"… older ones were not read: {self.trouble}")
        elif self.older:
            notes.append("… and older ones, not read: history(graph, config, limit=None) reads all")
        return notes

    def picture(self, here: str = "", most: int = 30) -> Picture:
        """The checkpoints as cards, branches as a tree; of many, the ends of each line.

        `here` is the id of one to be marked, around which is drawn what there is room for.
        """
        known = {one.id: one for one in self.checkpoints}

        def card(id: str) -> Box:
            one = known[id]
            asked = "asked" if self.tree.children[id] else "waits for an answer"
            note = "cannot be read" if one.unread else asked if one.interrupts else ""
            title, who = f"step {one.label}", (shorten(one.by, 18),)
            if id == here:
                return Box(id, title, "checkpoint", who, state="kept", note="you are here")
            return Box(id, title, "checkpoint", who, note=note)

        return draw_tree(self.tree, card, here or self.tree.newest, most)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.table()._repr_html_(), "text/plain": str(self)}


def told(changes: tuple[Change, ...], limit: int = 2) -> str:
    """The first few differences in one line."""
    if not changes:
        return "–"
    more = f"; … {len(changes) - limit} more" if len(changes) > limit else ""
    return "; ".join(shorten(str(change), 52) for change in changes[:limit]) + more


def counted(names: tuple[str, ...]) -> str:
    """Names in a row, those that come several times with a number.

    >>> counted(("ask", "work", "work"))
    'ask, work ×2'
    """
    times = Counter(names).items()
    return ", ".join(name if number == 1 else f"{name} ×{number}" for name, number in times)
