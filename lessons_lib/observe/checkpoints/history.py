"""A thread's checkpoints as data, as a table and as cards.

What a step wrote is not in its checkpoint's metadata (`writes` is gone from there since LangGraph
1.0). It follows from the checkpoint and the one before it: a checkpoint records, for each node, the
versions of the channels that the node has seen (`versions_seen`). A node whose record has moved on
ran in between. A node that was called by a `Send` leaves no such record, but the `Send` itself
waits in the checkpoint before. What exactly each one wrote stands there too, as pending writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..pictures.diagram import Box
from ..pictures.drawing import Picture
from ..pictures.style import shorten
from ..pictures.table import Table
from .asked import Config
from .cards import draw_card, draw_tree
from .differences import Change, differences, show
from .thread import Read, Thread
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
        label: A short name, unique in the thread: its step, and a letter on a branch.
        parent: The id of the checkpoint that it follows; empty for the first.
        step: -1 for the first input, then one more for each super-step.
        source: "input", "loop" (a super-step), "update" or "fork" (a copy).
        wrote: The nodes that ran in the step; a node that was sent to twice stands there twice.
        writes: What they wrote, as (node, what) pairs, where the saver still has it.
        values: The state, as `graph.get_state` gives it.
        changed: What differs from the checkpoint that it follows.
        weighs: Bytes per channel, as the saver's serialiser writes them.
        next: The nodes that wait to run.
        interrupts: What was asked in the step that follows, answered or not.
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
    config: Config = field(repr=False)

    @property
    def bytes(self) -> int:
        """The bytes of all channels together."""
        return sum(self.weighs.values())

    @property
    def by(self) -> str:
        """Who made it, in words: the nodes, or what else was the reason."""
        return made_by(self.wrote, self.source)

    @property
    def waits(self) -> str:
        """What waits next, in words."""
        return counted(self.next) or "–"


def history(graph: Any, config: Any, *, limit: int | None = 50) -> History:
    """A thread's checkpoints, newest last: who wrote each, what it changed, what it weighs.

    Works on any compiled graph with any saver, and changes nothing in either. `limit` is how many
    of the newest are read; None reads all.

    Raises:
        TypeError: `graph` is no compiled graph.
        ValueError: The graph has no checkpointer; the config no thread_id; the saver does not know
            the thread; its database is empty, damaged or not LangGraph's.
        TimeoutError: Another connection has locked its database.
    """
    require_limit(limit)
    thread = Thread(graph, config)
    return history_of(thread, thread.page(one_more(limit)), limit)


def require_limit(limit: int | None) -> None:
    """Raise ValueError when a limit is no whole number above 0, nor None."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(
            f"limit={limit!r}, expected a whole number from 1 up, or None for all: give 50, say"
        )


def one_more(limit: int | None) -> int | None:
    """How many to read: one more tells whether there are older ones, and what the last changed."""
    return None if limit is None else limit + 1


def history_of(
    thread: Thread, read: list[Read], limit: int | None, tree: Tree | None = None
) -> History:
    """The history made of what was read, newest first; the tree is read unless it is given."""
    shown = read[:limit]
    if tree is None or not tree.complete:
        index, seen = thread.index(), {one.id: one.parent for one in reversed(read)}
        tree = Tree(index or seen, index is not None or len(shown) == len(read))
    known: dict[str, Read | None] = {one.id: one for one in read}
    made = tuple(read_checkpoints(thread, tree, shown[::-1], known))
    return History(thread.id, made, len(tree.index) - len(shown), tree.complete, tree)


def read_checkpoints(
    thread: Thread, tree: Tree, wanted: list[Read], known: dict[str, Read | None]
) -> Iterator[Checkpoint]:
    """What was read, with each compared to the one that it follows, which is read if need be."""
    for one in wanted:
        if one.parent and one.parent not in known:
            known[one.parent] = thread.one(one.parent)
        yield understood(one, known.get(one.parent), tree, thread.saver.serde.dumps_typed)


def understood(one: Read, before: Read | None, tree: Tree, dumps: Any) -> Checkpoint:
    """A checkpoint as data, from what was read of it and of the one before."""
    snapshot = one.seen
    return Checkpoint(
        id=one.id,
        label=label_of(one, tree),
        parent=one.parent,
        step=one.step,
        source=one.source,
        wrote=wrote(one, before),
        writes=writes(one, before),
        values=snapshot.values,
        changed=differences(values_of(before, snapshot.values), snapshot.values, dumps),
        weighs=weights(one.raw.checkpoint["channel_values"], dumps),
        next=tuple(snapshot.next),
        interrupts=tuple(interrupt.value for interrupt in snapshot.interrupts),
        config=one.config,
    )


def values_of(before: Read | None, values: Any) -> Any:
    """The state before; where nothing was before, an empty one of the same kind."""
    return before.seen.values if before else {} if isinstance(values, dict) else None


def label_of(one: Read, tree: Tree) -> str:
    """The short name of a checkpoint: its step, and the letter of its line."""
    return f"{one.step}{tree.letter(one.id)}"


def wrote(one: Read, before: Read | None) -> tuple[str, ...]:
    """The nodes that ran between two checkpoints, in the order of their super-steps."""
    if one.source != "loop":
        return ()
    now: Mapping[str, Any] = one.raw.checkpoint["versions_seen"]
    then: Mapping[str, Any] = before.raw.checkpoint["versions_seen"] if before else {}
    moved = {
        name: max(map(str, versions.values()), default="")
        for name, versions in now.items()
        if versions and versions != then.get(name) and name not in OWN
    }
    sent = (
        [send.node for send in before.raw.checkpoint["channel_values"].get(SENDS, ())]
        if before
        else []
    )
    return (*sorted(moved, key=lambda name: (moved[name], name)), *sent)


def writes(one: Read, before: Read | None) -> tuple[tuple[str, Any], ...]:
    """What each node wrote; nothing where the saver did not keep it."""
    if before is None or one.source != "loop":
        return ()
    return tuple((task.name, task.result) for task in before.seen.tasks if task.result is not None)


def weights(values: Mapping[str, Any], dumps: Any) -> dict[str, int]:
    """Bytes per channel, as a serialiser writes them, the heaviest first."""
    found = {channel: len(dumps(value)[1]) for channel, value in values.items()}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True)
class History:
    """The checkpoints of a thread, newest last; `older` of them were not read.

    `str()` is a table, a notebook shows the same, and `picture()` draws them as cards.
    """

    thread_id: str | None
    checkpoints: tuple[Checkpoint, ...]
    older: int
    counted: bool
    """Whether `older` is all that there are, or only that there are some."""
    tree: Tree = field(repr=False)

    def __len__(self) -> int:
        return len(self.checkpoints)

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(self.checkpoints)

    def at(self, step: int | str) -> Checkpoint:
        """The checkpoint with a step (on the line that leads to the newest), a label or an id."""
        return find(self.checkpoints, self.tree, step)

    def table(self) -> Table:
        """One row for each checkpoint."""
        labels = {one.id: one.label for one in self.checkpoints}
        branched = len(self.tree.lines) > 1
        rows = [self._row(one, labels, branched) for one in self.checkpoints]
        after = ["after"] if branched else []
        columns = ["step", *after, "wrote", "changed", "bytes", "next"]
        return Table(columns, rows, self._headline(), self._notes())

    def _row(self, one: Checkpoint, labels: dict[str, str], branched: bool) -> list[object]:
        after = [labels.get(one.parent, "–")] if branched else []
        verb = "asked" if self.tree.children(one.id) else "asks"
        waits = one.waits + "".join(f", {verb} {show(value, 30)}" for value in one.interrupts)
        return [one.label, *after, one.by, told(one.changed), one.bytes, waits]

    def _headline(self) -> str:
        return f"Thread {self.thread_id!r}"

    def _notes(self) -> list[str]:
        if not self.older:
            return []
        count = str(self.older) if self.counted else "some"
        return [f"… and {count} older, not read: history(graph, config, limit=None) reads all"]

    def picture(self) -> Picture:
        """The checkpoints as cards, branches as a tree; of many, the ends of each line."""
        known = {one.id: one for one in self.checkpoints}
        shown = Tree({id: self.tree.index[id] for id in known})

        def card(id: str) -> Box:
            one = known[id]
            return draw_card(id, one.label, one.by, asked=asked(bool(one.interrupts), id, shown))

        return draw_tree(shown, card, self.checkpoints[-1].id)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.table()._repr_html_(), "text/plain": str(self)}


def asked(was_asked: bool, id: str, tree: Tree) -> str:
    """A card's note, where somebody was asked something after a checkpoint."""
    return ("asked" if tree.children(id) else "waits for an answer") if was_asked else ""


def made_by(nodes: tuple[str, ...], source: str) -> str:
    """Who made a checkpoint: the nodes, or in brackets what else was the reason."""
    return counted(nodes) if nodes else f"({source})"


def find(known: tuple[Checkpoint, ...], tree: Tree, step: int | str) -> Checkpoint:
    """The checkpoint that a step, a label or an id names; ValueError when there is none."""
    found: list[Checkpoint] = []
    if isinstance(step, str):
        found = [one for one in known if step in (one.id, one.label)]
    elif type(step) is int:
        line = set(tree.path_to(tree.newest))
        all_of_step = [one for one in known if one.step == step]
        found = [one for one in all_of_step if one.id in line] or all_of_step
    if found:
        return found[-1]
    labels = [one.label for one in known]
    raise ValueError(
        f"there is no checkpoint {step!r}, expected a step or label from "
        f"{labels[0]} to {labels[-1]}, or a checkpoint's id: print the history to see them"
    )


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
