"""A thread's checkpoints as data, as a table and as cards.

What a step wrote is not in its checkpoint's metadata (`writes` is gone from there since LangGraph
1.0). It follows from the checkpoint and the one before it: a checkpoint records, for each node, the
versions of the channels that the node has seen (`versions_seen`). A node whose record has moved on
ran in between. A node that was called by a `Send` leaves no such record, but the `Send` itself
waits in the checkpoint before. What exactly each one wrote stands there too, as pending writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..pictures.diagram import Box
from ..pictures.drawing import Picture
from ..pictures.style import shorten
from ..pictures.table import Table
from .cards import draw_card, draw_tree
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
        done: Nodes of the same step that have finished already, while others wait.
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
    done: tuple[str, ...]
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

    @property
    def news(self) -> str:
        """The first few differences in one line."""
        return told(self.changed)


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
    require_limit(limit)
    return read_history(Thread(graph, config), limit)


def require_limit(limit: int | None) -> None:
    """Raise ValueError when a limit is no whole number above 0, nor None."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(
            f"limit={limit!r}, expected a whole number from 1 up, or None for all: give 50, say"
        )


def read_history(thread: Thread, limit: int | None) -> History:
    """The newest checkpoints of a thread."""
    # One more than is shown tells what the oldest changed, and whether there are others.
    raws, trouble = thread.newest(None if limit is None else limit + 1)
    if not raws:
        thread.require_known()
    older = len(raws) > len(raws[:limit]) or bool(trouble)
    tree = Tree({id_in(raw.config): id_in(raw.parent_config) for raw in raws[:limit][::-1]})
    known = {id_in(raw.config): raw for raw in raws}
    read = read_checkpoints(thread, raws[:limit], tree, known, tree.newest)
    if all(unread(raw) for raw in raws):
        raise ValueError(
            f"no checkpoint of the thread {thread.id!r} can be read: {unread(raws[0])}"
        )
    return History(thread.id, tuple(read[::-1]), older, trouble, tree)


def read_checkpoints(
    thread: Thread, wanted: Sequence[Any], tree: Tree, known: dict[str, Any], newest: str
) -> list[Checkpoint]:
    """What the saver gave as data, each compared to the one that it follows, read if need be."""
    made: list[Checkpoint] = []
    seen: dict[str, _Understood] = {}

    def understand(raw: Any) -> _Understood:
        id = id_in(raw.config)
        if id not in seen:
            seen[id] = _understand(thread, raw, now=id == newest)
        return seen[id]

    for raw in wanted:
        parent = id_in(raw.parent_config)
        if parent and parent not in known:
            known[parent] = thread.one(parent)
        before = known.get(parent)
        made.append(
            _checkpoint(raw, understand(raw), before, before and understand(before), tree, thread)
        )
    return made


@dataclass
class _Understood:
    """What the graph makes of a checkpoint, or why it makes nothing of it."""

    record: Any
    """The state when the step began."""
    values: Any
    next: tuple[str, ...] = ()
    interrupts: tuple[Any, ...] = ()
    tasks: tuple[Any, ...] = ()
    unread: str = ""


def _understand(thread: Thread, raw: Any, now: bool) -> _Understood:
    if unread(raw):
        return _Understood({}, {}, unread=unread(raw))
    try:
        record = thread.understand(raw)
        seen = thread.understand(raw, now=True) if now and raw.pending_writes else record
    except Exception as error:  # the schema may be the reader's own
        kept: Mapping[str, Any] = raw.checkpoint["channel_values"]
        values = {k: v for k, v in kept.items() if not k.startswith("__") and ":" not in k}
        return _Understood(values, values, unread=f"the graph refuses it, {first_line(error)}")
    asked = tuple(interrupt.value for interrupt in seen.interrupts)
    return _Understood(record.values, seen.values, tuple(seen.next), asked, tuple(seen.tasks))


def _checkpoint(
    raw: Any, seen: _Understood, before: Any, was: _Understood | None, tree: Tree, thread: Thread
) -> Checkpoint:
    id, parent, step = id_in(raw.config), id_in(raw.parent_config), step_of(raw)
    source = str((raw.metadata or {}).get("source", "loop"))
    kept: Mapping[str, Any] = raw.checkpoint["channel_values"]
    ran = source == "loop" and not unread(raw) and (not unread(before) if before else not parent)
    dumps = thread.saver.serde.dumps_typed
    weighs, heavy = weights(kept, dumps)
    return Checkpoint(
        id=id,
        label=f"{step}{tree.letter(id) if id in tree.parents else ''}",
        parent=parent,
        step=step,
        source=source,
        wrote=_wrote(raw, before) if ran else (),
        writes=tuple((t.name, t.result) for t in was.tasks if t.result is not None)
        if was and source == "loop"
        else (),
        values=seen.values,
        changed=_changed(seen, was, parent, dumps),
        weighs=weighs,
        next=seen.next,
        done=tuple(t.name for t in seen.tasks if seen.next and t.name not in seen.next),
        interrupts=seen.interrupts,
        errors=tuple((task.name, str(task.error)) for task in seen.tasks if task.error),
        unread="; ".join(filter(None, (seen.unread, unread_parts(raw), *heavy))),
        previous=kept.get("__previous__"),
        config={"configurable": dict(raw.config["configurable"])},
    )


def _changed(
    seen: _Understood, was: _Understood | None, parent: str, dumps: Any
) -> tuple[Change, ...]:
    if seen.unread:
        return (Change("cannot be read", "more"),)
    if parent and (was is None or was.unread):
        why = "cannot be read" if was else "is gone"
        return (Change(f"not compared: the checkpoint before {why}", "more"),)
    nothing: Any = {} if isinstance(seen.record, dict) else None
    return differences(was.record if was else nothing, seen.record, dumps)


def _wrote(raw: Any, before: Any) -> tuple[str, ...]:
    """The nodes that ran between two checkpoints, in the order of their super-steps."""
    now: Mapping[str, Any] = raw.checkpoint["versions_seen"]
    then: Mapping[str, Any] = before.checkpoint["versions_seen"] if before else {}
    moved = {
        name: max(map(str, versions.values()), default="")
        for name, versions in now.items()
        if versions and versions != then.get(name) and name not in OWN
    }
    waiting = before.checkpoint["channel_values"].get(SENDS, ()) if before else ()
    sent = [send.node for send in waiting if hasattr(send, "node")]
    return (*sorted(moved, key=lambda name: (moved[name], name)), *sent)


def weights(values: Mapping[str, Any], dumps: Any) -> tuple[dict[str, int], list[str]]:
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
    tree: Tree = field(repr=False)

    def __len__(self) -> int:
        return len(self.checkpoints)

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(self.checkpoints)

    def at(self, step: int | str) -> Checkpoint:
        """The checkpoint with a step (on the line that leads to the newest), a label or an id."""
        found = self.find(step)
        if found:
            return found
        labels = [one.label for one in self.checkpoints]
        raise ValueError(
            f"there is no checkpoint {step!r}, expected a step or label from "
            f"{labels[0]} to {labels[-1]}, or a checkpoint's id: print the history to see them"
        )

    def find(self, step: int | str) -> Checkpoint | None:
        """The checkpoint that a step, a label or an id names, if it is among these."""
        found: list[Checkpoint] = []
        if isinstance(step, str):
            found = [one for one in self.checkpoints if step in (one.id, one.label)]
        elif type(step) is int:
            line = set(self.tree.path_to(self.tree.newest))
            all_of_step = [one for one in self.checkpoints if one.step == step]
            found = [one for one in all_of_step if one.id in line] or all_of_step
        return found[-1] if found else None

    def table(self) -> Table:
        """One row for each checkpoint."""
        labels = {one.id: one.label for one in self.checkpoints}
        branched = len(self.tree.lines) > 1
        rows = []
        for one in self.checkpoints:
            after = [labels.get(one.parent, "–")] if branched else []
            rows.append([one.label, *after, one.by, one.news, one.bytes, self._waits(one)])
        columns = ["step", *(["after"] if branched else []), "wrote", "changed", "bytes", "next"]
        return Table(columns, rows, self._headline(), self._notes())

    def _waits(self, one: Checkpoint) -> str:
        verb = "asked" if self.tree.children[one.id] else "asks"
        asked = "".join(f", {verb} {show(value, 30)}" for value in one.interrupts)
        raised = "".join(f", {node} raised {shorten(error, 60)}" for node, error in one.errors)
        done = f"; {counted(one.done)} done" if one.done else ""
        return (counted(one.next) or "–") + asked + raised + done

    def _headline(self) -> str:
        bad = sum(bool(one.unread) for one in self.checkpoints)
        more = f", {bad} of {len(self)} cannot be read whole" if bad else ""
        return f"Thread {self.thread_id!r}{more}"

    def _notes(self) -> list[str]:
        bad = [one for one in self.checkpoints if one.unread]
        notes = [f"step {one.label} cannot be read: {one.unread}" for one in bad[:3]]
        if self.trouble:
            return [*notes, f"… older ones were not read: {self.trouble}"]
        if self.older:
            older = "… and older ones, not read: history(graph, config, limit=None) reads all"
            return [*notes, older]
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
            return draw_card(id, one.label, one.by, here=id == here, note=note)

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
    return ", ".join(
        name if names.count(name) == 1 else f"{name} ×{names.count(name)}"
        for name in dict.fromkeys(names)
    )
