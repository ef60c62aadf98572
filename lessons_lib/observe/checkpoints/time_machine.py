"""The time machine: a thread's checkpoints under a slider, and a fork from any of them.

What is read is a checkpoint at a time, with its neighbours, so that a long thread opens as fast as
a short one. Where widgets are not running, in a stored notebook or an exported page, the tree and a
table of the newest checkpoints stand there; in a terminal, the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..pictures import style
from ..pictures.diagram import Box
from ..pictures.drawing import Picture
from ..pictures.waiting import waiting
from .asked import Config
from .cards import draw_card, draw_tree
from .history import (
    Checkpoint,
    History,
    asked,
    history_of,
    label_of,
    made_by,
    one_more,
    require_limit,
    understood,
    wrote,
)
from .telling import sentence, tables
from .thread import Read, Thread
from .tree import Tree

if TYPE_CHECKING:
    import ipywidgets

PAGE = 20
"""So many of the newest checkpoints are in the table of a page on which no widget runs."""
FIRST = 50
"""Of a saver that cannot tell which checkpoints there are, so many of the newest are read first."""
SMALL, NEAR = 24, 12
"""A tree of so many cards is drawn whole while the slider moves; of a larger one, so many."""
_KEPT_READ = 200
_LABEL = re.compile(r"(-?\d+)([b-z]|~\d+)?")


def time_machine(graph: Any, config: Any) -> TimeMachine:
    """Slide through a thread's checkpoints: who wrote, what changed, what it weighs, what waits.

    Works on any compiled graph with any saver. It begins at the newest checkpoint, or at the one
    that the config names. Looking changes nothing; `fork` writes, and only on a new branch.

    Raises what `history` raises.
    """
    return TimeMachine(Thread(graph, config))


class TimeMachine:
    """A thread under a slider; see `time_machine`."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self._read: dict[str, Read | None] = {}

    @cached_property
    def tree(self) -> Tree:
        """Which checkpoints there are; of a saver that cannot tell at once, the newest."""
        index = self.thread.index()
        if index is not None:
            if not index:
                self.thread.require_known()
            return Tree(index)
        page = self.thread.page(FIRST)
        if not page:
            self.thread.require_known()
        return Tree({one.id: one.parent for one in reversed(page)}, len(page) < FIRST)

    @cached_property
    def ids(self) -> list[str]:
        """The checkpoints' ids, oldest first."""
        return list(self.tree.index)

    def read_again(self) -> None:
        """Forget what was read: the thread may have other checkpoints now."""
        self._read.clear()
        for name in ("tree", "ids"):
            self.__dict__.pop(name, None)

    def __len__(self) -> int:
        return len(self.ids)

    def __str__(self) -> str:
        return str(self.history(PAGE))

    def __repr__(self) -> str:
        try:
            count = f"{len(self)} checkpoints"
        except ValueError:  # somebody has deleted the thread
            count = "gone"
        return f"TimeMachine(thread {self.thread.id!r}, {count})"

    # -- looking -----------------------------------------------------------------------------

    def history(self, limit: int | None = 50) -> History:
        """The newest checkpoints, as they are now; None reads all."""
        require_limit(limit)
        self.thread.require_known()
        return history_of(self.thread, self.thread.page(one_more(limit)), limit)

    def at(self, step: int | str) -> Checkpoint:
        """The checkpoint with a step (on the line that leads to the newest), a label or an id."""
        return self._checkpoint(self._find(step))

    def _find(self, step: int | str) -> str:
        label = _LABEL.fullmatch(str(step))
        if isinstance(step, str) and step in self.tree.index:
            return step
        if label and not isinstance(step, bool):
            found = self.thread.with_step(int(label[1]))
            if isinstance(step, int):
                line = set(self.tree.path_to(self.tree.newest))
                found = [id for id in found if id in line] or found
            else:
                found = [id for id in found if self.tree.letter(id) == (label[2] or "")]
            if found:
                return found[-1]
        first, last = (label_of(self._known(id), self.tree) for id in (self.ids[0], self.ids[-1]))
        raise ValueError(
            f"the thread {self.thread.id!r} has no checkpoint {step!r}, expected a step or label "
            f"such as {first} or {last}, or a checkpoint's id: print the machine to see them"
        )

    def _checkpoint(self, id: str) -> Checkpoint:
        one = self._known(id)
        return understood(one, self._before(one), self.tree, self.thread.saver.serde.dumps_typed)

    def _known(self, id: str) -> Read:
        one = self._one(id)
        if one is None:
            raise ValueError(
                f"the checkpoint {id!r} is gone, expected it in the thread {self.thread.id!r}: "
                "somebody deleted it meanwhile, so make the machine anew"
            )
        return one

    def _before(self, one: Read) -> Read | None:
        return self._one(one.parent) if one.parent else None

    def _one(self, id: str) -> Read | None:
        if id not in self._read:
            while len(self._read) >= _KEPT_READ:
                self._read.pop(next(iter(self._read)))
            self._read[id] = self.thread.one(id)
        return self._read[id]

    def picture(self, around: int | str | None = None, most: int = 30) -> Picture:
        """The whole tree as cards, around the newest checkpoint or another, marked there.

        Where the saver must load every state to tell what follows what, it is told how far it is.
        """
        with waiting("reading checkpoints") as tell:
            self.read_whole(tell)
        return self.draw(self._find(around) if around is not None else self.ids[-1], most)

    def read_whole(self, tell: Callable[[str], None]) -> None:
        """Find out about all checkpoints, where only the newest are known."""
        if not self.tree.complete:
            self.__dict__["tree"] = Tree(self.thread.read_index(tell))
            self.__dict__.pop("ids", None)

    def draw(self, focus: str, most: int) -> Picture:
        """The tree that is known so far, around a checkpoint given by its id."""

        def card(id: str) -> Box:
            one = self._known(id)
            by = made_by(wrote(one, self._before(one)), one.source)
            note = asked(one.asked, id, self.tree)
            return draw_card(id, label_of(one, self.tree), by, here=id == focus, asked=note)

        return draw_tree(self.tree, card, focus, most)

    # -- going another way -------------------------------------------------------------------

    def fork(self, step: int | str, values: Any, as_node: str | None = None) -> Config:
        """Write `values` after a checkpoint, as if a node had; what came after it stays as it is.

        Returns the config of the new checkpoint: `graph.invoke(None, config)` goes on from there.
        `values` go through the reducers, as with `graph.update_state`, which is what is called.

        Raises:
            ValueError: There is no such checkpoint, node or channel, or it is not clear as which
                node to write, because several ran together or none did.
            TypeError: `values` hold what the saver cannot save.
        """
        one = self._find(step)
        self._require_writable(values, as_node)
        from langgraph.errors import InvalidUpdateError

        try:
            forked = self.thread.graph.update_state(self.thread.config_of(one), values, as_node)
        except (InvalidUpdateError, ValueError, TypeError) as error:
            why = str(error).splitlines()[0]
            raise ValueError(
                f"no fork was made after {step!r} ({why}), expected values that a node could "
                f"write there: give as_node=, one of {self._nodes()}"
            ) from error
        self.read_again()
        self._show_again()
        return dict(forked)

    def _require_writable(self, values: Any, as_node: str | None) -> None:
        known = [*self.thread.graph.nodes, "__end__", "__input__", "__copy__"]
        if as_node is not None and as_node not in known:
            raise ValueError(
                f"as_node={as_node!r} is no node of the graph, expected one of {self._nodes()}: "
                "mend the name"
            )
        strange = (
            [key for key in values if key not in self.thread.graph.channels]
            if isinstance(values, dict)
            else []
        )
        if strange:
            raise ValueError(
                f"the state has no {strange[0]!r}, expected names of its channels: mend the name"
            )
        try:
            self.thread.saver.serde.dumps_typed(values)
        except Exception as error:
            raise TypeError(
                f"the values cannot be saved ({error}), expected what a saver can write: "
                "texts, numbers, lists, dictionaries, messages, dataclasses"
            ) from error

    def _nodes(self) -> str:
        return ", ".join(name for name in self.thread.graph.nodes if not name.startswith("__"))

    # -- the widget --------------------------------------------------------------------------

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The slider with its buttons, the sentence, the cards and what the step did."""
        return self._panel.box

    @cached_property
    def _panel(self) -> Any:
        from .panel import Panel

        return Panel(self)

    def _show_again(self) -> None:
        if "_panel" in self.__dict__:
            self._panel.renew()

    def is_small(self) -> bool:
        """Whether the whole tree is drawn at every checkpoint."""
        return self.tree.complete and len(self) <= SMALL

    def begin(self) -> int:
        """The place, counted from 1, of the checkpoint that the config named, or of the newest."""
        start = self.thread.start
        return self.ids.index(start) + 1 if start in self.tree.index else len(self)

    def sentence(self, place: int) -> str:
        """What happened at a checkpoint, in one sentence that says which one it is."""
        one = self._checkpoint(self.ids[place - 1])
        before = self._one(one.parent) if one.parent in self.tree.index else None
        parent = label_of(before, self.tree) if before else ""
        of = f"Checkpoint {place} of {len(self)}" + (
            "" if self.tree.complete else " that were read"
        )
        return f"{of}, {sentence(one, parent, bool(self.tree.children(one.id)))}"

    def html(self, place: int) -> str:
        """A checkpoint with its neighbours: the cards, and what the step did as tables."""
        id = self.ids[place - 1]
        most = max(2, len(self)) if self.is_small() else NEAR
        return self.draw(id, most).html() + tables(self._checkpoint(id))

    # -- how it shows ------------------------------------------------------------------------

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """The widget; the tree and the table for a page on which none runs; the table in words."""
        self.read_again()
        read = self.thread.page(one_more(PAGE))
        self._read |= {one.id: one for one in read}  # the widget begins among these
        page = history_of(self.thread, read, PAGE, self.tree)
        self._show_again()
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        bundle["text/html"] = page.picture().html() + page.table()._repr_html_() + style.STATIC
        bundle["text/plain"] = str(page)
        return bundle
