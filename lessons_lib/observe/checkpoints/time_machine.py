"""The time machine: a thread's checkpoints under a slider, and a fork from any of them.

A page of the newest checkpoints is read at a time, whole, so that a long thread opens as fast as a
short one, and sliding reads nothing. Where widgets are not running, in a stored notebook or an
exported page, the tree and a table stand there; in a terminal, the table.
"""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from ..pictures.style import STATIC, card
from ..pictures.waiting import waiting
from .details import sentence, tables
from .history import Checkpoint, read_history, read_one
from .reading import Config, first_line, is_of_database, told
from .thread import Thread

if TYPE_CHECKING:
    import ipywidgets

    from ..pictures.slider import Slider

PAGE = 20
"""So many of the newest checkpoints are read at first, and twice as many each time after that."""
SMALL, NEAR = 24, 12
"""A tree of so many cards is drawn whole while the slider moves; of a larger one, so many."""
_GONE = (
    "this time machine was let go, expected one that a name holds: "
    "machine = time_machine(graph, config)"
)


def time_machine(graph: Any, config: Any) -> TimeMachine:
    """Slide through a thread's checkpoints: who wrote, what changed, what it weighs, what waits.

    Works on any compiled graph with any saver. It begins at the newest checkpoint, or at the one
    that the config names. Looking changes nothing; `fork` writes, and only on a new branch. Keep it
    in a name while you slide: the widget alone keeps neither graph nor saver alive. Where the event
    loop of an async saver runs in this very thread, as in a notebook's cell:
    `machine = await asyncio.to_thread(time_machine, graph, config)`, and likewise for its methods.

    Raises what `history` raises.
    """
    return TimeMachine(Thread(graph, config))


class TimeMachine:
    """A thread under a slider; see `time_machine`.

    `str`, `repr` and the slider tell of what was read; to be shown in a notebook it reads again.
    """

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self.read = read_history(thread, PAGE)
        """The checkpoints that were read, the newest of the thread."""
        if thread.start:
            self._read_until(thread.start)

    def read_again(self) -> None:
        """Look for checkpoints made meanwhile."""
        self._read(max(PAGE, len(self)))

    def read_older(self) -> None:
        """Read on, until there are twice as many or all."""
        # All are read anew, since others may have come; by doubling, that is twice the work.
        self._read(2 * len(self), stay=True)

    def _read(self, most: int, *, stay: bool = False) -> None:
        """Read anew; a slider that was shown goes to the newest, or stays where it is."""
        before = len(self)
        self.read = read_history(self.thread, most)
        if "_slider" in self.__dict__:
            self._older.layout.display = None if self.read.older else "none"
            place = self._slider.place + len(self) - before if stay else len(self)
            self._slider.renew(len(self), place)

    @property
    def ids(self) -> list[str]:
        """The ids of the checkpoints that were read, oldest first."""
        return [one.id for one in self.read]

    def __len__(self) -> int:
        return len(self.read)

    def __str__(self) -> str:
        return str(self.read)

    def __repr__(self) -> str:
        more = " and older ones" if self.read.older else ""
        return f"TimeMachine(thread {self.thread.id!r}, {len(self)} checkpoints{more})"

    # -- looking -----------------------------------------------------------------------------

    def at(self, step: int | str) -> Checkpoint:
        """The checkpoint with a step (on the line that leads to the newest), a label or an id."""
        if self.read.older and not self.read.find(step, anywhere=False):
            # An id or a step is asked for directly: to it may be thousands of checkpoints.
            ids = self.thread.with_step(step) if type(step) is int else [str(step)]
            one = read_one(self.thread, ids[0]) if len(ids) == 1 else None
            if one:
                return one
            if ids:  # of several lines, or a label
                self._read_until(step)
        return self.read.at(step)

    def _read_until(self, step: int | str) -> None:
        with waiting("reading checkpoints") as tell:
            while self.read.older and not self.read.trouble:
                if self.read.find(step, anywhere=False):
                    return
                tell(f"reading checkpoints, {len(self)} so far")
                self.read_older()

    # -- going another way -------------------------------------------------------------------

    def fork(self, step: int | str, values: Any, as_node: str | None = None) -> Config:
        """Write `values` after a checkpoint, as if a node had; what came after it stays as it is.

        Returns the config of the new checkpoint: `graph.invoke(None, config)` goes on from there.
        `values` go through the reducers, as with `graph.update_state`, which is what is called.

        Raises:
            ValueError: There is no such checkpoint, node or channel, `values` is None, or it is not
                clear as which node to write, because several ran together or none did.
            TypeError: `values` hold what the saver cannot save.
        """
        one = self.at(step)
        if self.thread.one(one.id) is None:
            raise ValueError(
                f"the checkpoint {step!r} is gone, expected it in the thread {self.thread.id!r}: "
                "somebody deleted it meanwhile, so make the machine anew"
            )
        self._require_writable(values)
        try:
            forked = self.thread.graph.update_state(self.thread.config_of(one.id), values, as_node)
        except Exception as error:
            if is_of_database(error):
                raise told(self.thread.saver, error) from error
            nodes = [name for name in self.thread.own_graph.nodes if not name.startswith("__")]
            raise ValueError(
                f"no fork was made after {step!r} ({first_line(error)}), expected values that a "
                f"node could write there: give as_node=, one of {', '.join(nodes)}"
            ) from error
        self.read_again()
        return dict(forked)

    def _require_writable(self, values: Any) -> None:
        """What LangGraph would write as it is, pass over, or notice half-way, is refused."""
        graph, kept_as = self.thread.own_graph, self.thread.place["thread_id"]
        if kept_as != self.thread.id:
            raise ValueError(
                f"the thread {kept_as!r} cannot be forked, expected a text as its id: LangGraph "
                f"runs it as {kept_as!r}, and would write to {self.thread.id!r}"
            )
        if graph is None:
            raise ValueError(
                f"the graph has no subgraph in the namespace {self.thread.namespace!r}, expected "
                "one that LangGraph finds: give the graph whose thread it is"
            )
        if values is None:
            raise ValueError(
                "values=None would write an empty checkpoint, expected what a node could return: "
                "go on from an earlier one with graph.invoke(None, machine.at(step).config)"
            )
        # A state of one value, as that of an entrypoint, may be any dictionary.
        if isinstance(values, dict) and not isinstance(graph.stream_channels_asis, str):
            strange = [key for key in values if key not in graph.channels]
            if strange:
                raise ValueError(
                    f"the state has no {strange[0]!r}, expected names of its channels: "
                    "mend the name"
                )
        try:
            self.thread.saver.serde.dumps_typed(values)
        except Exception as error:
            raise TypeError(
                f"the values cannot be saved ({error}), expected what a saver can write: "
                "texts, numbers, lists, dictionaries, messages, dataclasses"
            ) from error

    # -- the widget --------------------------------------------------------------------------

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The slider with its buttons, the sentence, the cards and what the step did."""
        return self._slider.box

    @cached_property
    def _slider(self) -> Slider:
        from ..pictures.slider import Slider, weakly

        start, count = self.thread.start, len(self)
        slider = Slider(
            weakly(self._page, _GONE),
            noun="Checkpoint",
            count=count,
            at=self.ids.index(start) + 1 if start in self.ids else count,
            css="rc-machine",
        )
        older, again = weakly(self.read_older, _GONE), weakly(self.read_again, _GONE)
        self._older = slider.add("read older", "Read those before these", "rc-older", older)
        slider.add("read again", "Look for checkpoints made meanwhile", "rc-again", again)
        self._older.layout.display = None if self.read.older else "none"
        return slider

    def page(self, place: int) -> tuple[str, str]:
        """A checkpoint by its place, counted from 1: a sentence; the cards and tables in HTML."""
        one, tree = self.read.checkpoints[place - 1], self.read.tree
        labels = {other.id: other.label for other in self.read}
        of = f"Checkpoint {place} of {len(self)}" + (" that were read" if self.read.older else "")
        most = NEAR if self.read.older or len(self) > SMALL else SMALL
        words = sentence(one, labels.get(one.parent, ""), bool(tree.children[one.id]))
        return f"{of}, {words}", self.read.picture(one.id, most).html() + tables(one)

    def _page(self, place: int) -> tuple[str, str]:
        """The same with what happened in bold."""
        words, page = self.page(place)
        head, dash, news = words.partition(" — ")
        return f"{escape(head)}{dash}<strong>{escape(news)}</strong>", page

    # -- how it shows ------------------------------------------------------------------------

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """The widget; the tree and the table for a page on which none runs; the table in words."""
        note = ""
        try:
            self.read_again()
        except (ValueError, TimeoutError, RuntimeError) as error:
            note = f"Shown is what was read before: {error}."
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        page = self.read.picture().html() + self.read.table()._repr_html_()
        bundle["text/html"] = (card(escape(note)) if note else "") + page + STATIC
        bundle["text/plain"] = f"{note}\n{self.read}" if note else str(self.read)
        return bundle
