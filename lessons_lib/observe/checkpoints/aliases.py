"""Which node of a graph changed its input in place, where, and who was led to see it.

A node is given a new dictionary, in which the values are those of the channels themselves: the same
objects for every node of the run, and for the caller. What a node changes inside them, no reducer
and no checkpointer is told of.

The graph is run once, with a listener: LangGraph tells callbacks the very objects that it gives to
a node, before it runs, and what the node returned. (Seen in `RunnableSeq` of langgraph 1.2.)
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables.config import merge_configs
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver

from ..pictures.style import said_of, shorten
from ..pictures.table import Table
from .reading import (
    HERE,
    TABLES,
    Config,
    NoAnswer,
    answer,
    loop_of,
    require_graph,
    running_loop,
)
from .snapshots import Difference, Snapshot, same_inside
from .thread import Thread, unread, unread_parts

PATIENCE = 5.0
"""Seconds that a node waits for one beside it to finish, before both run at once after all."""

RESULT, CALLER = "the result", "the caller"


@dataclass(frozen=True)
class Alias:
    """One change that a node made in its input, in place.

    Attributes:
        node: The node's name; inside a subgraph, `outer/inner`.
        step: The super-step in which it ran.
        path: Where in the node's input: `['messages'][1]`.
        change: What was changed, in words: `added 'hello'`.
        returned: Whether the node also returned it, so that its channel was told.
        seen_by: The later nodes whose input led to the changed object, then "the result" and
            "the caller" if theirs did. Nobody, when the node changed its own dictionary only.
    """

    node: str
    step: int
    path: str
    change: str
    returned: bool
    seen_by: tuple[str, ...]

    @property
    def seen(self) -> str:
        """Who was led to see it, in words."""
        return ", ".join(self.seen_by) or "nobody"

    def __str__(self) -> str:
        told = "returned, too" if self.returned else "not returned"
        return f"{self.node}: {self.path} {self.change} ({told}; seen by {self.seen})"


@dataclass(frozen=True)
class Aliases:
    """What the nodes of one run changed in place; see `aliases`.

    Attributes:
        changes: Each change, in the order of the nodes; those that were returned, too.
        ran: The nodes that ran, in order.
        ended: How the run ended: "finished", "interrupted", or the error that a node raised.
        unseen: What could not be compared, being too much or nothing that Python shows.
    """

    changes: tuple[Alias, ...]
    ran: tuple[str, ...]
    ended: str = "finished"
    unseen: tuple[str, ...] = ()

    @property
    def silent(self) -> tuple[Alias, ...]:
        """The changes of which the graph was told nothing: no node returned them."""
        return tuple(change for change in self.changes if not change.returned)

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {change}" for change in self.changes)])

    __repr__ = __str__

    def _headline(self) -> str:
        ran = f"{_counted(len(self.ran), 'node')} ran"
        ended = [] if self.ended == "finished" else [self.ended]
        unseen = [f"not everything was compared: {', '.join(self.unseen)}"] if self.unseen else []
        if self.changes:
            silent = len(self.silent)
            words = {0: "returned, too", len(self.changes): "not returned"}
            returned = words.get(silent, f"{silent} of them not returned")
            changes = f"{_counted(len(self.changes), 'change')} in place, {returned}"
            return f"{'; '.join([changes, *unseen])} ({', '.join([ran, *ended])}):"
        if not (ended or unseen):
            return f"No node changed its input in place ({ran})."
        run = [f"the run {how.replace('interrupted', 'was interrupted')}" for how in ended]
        why = "; ".join(run + unseen)
        return f"No verdict, {why}. In what was seen, nothing was changed in place ({ran})."

    def table(self) -> Table:
        """The changes as rows."""
        rows = [
            (one.node, one.path, one.change, "yes" if one.returned else "no", one.seen)
            for one in self.changes
        ]
        columns = ("node", "where", "changed in place", "returned", "seen by")
        return Table(columns, rows, self._headline())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        html = {"text/html": self.table()._repr_html_()} if self.changes else {}
        return {"text/plain": str(self)} | html


def aliases(graph: Any, input: Any, config: Config | None = None, **more: Any) -> Aliases:
    """Run a compiled graph once, and tell which node changed its input in place, path by path.

    The run gets a copy of `input`; `more` is what else `graph.invoke` takes, `context=` above all.
    With a `config` it starts from what the thread holds, and without one from nothing; either way
    it is written to a saver that is thrown away, with an empty cache, and your thread and your
    cache stay as they are. What the nodes do to the world outside is done. Nodes side by side run
    one after the other, so that each change has one author; a subgraph's nodes are looked at, too,
    and its own memory starts afresh. Tasks of the functional API count as part of their entrypoint.

    Raises:
        TypeError: `graph` is no compiled graph.
        ValueError: `config` names no thread, `input` is None with no thread to go on with, or
            cannot be copied, or LangGraph did not take it, or the thread cannot be read.
        RuntimeError: The event loop of the saver or store runs in this thread.

    >>> from typing import TypedDict
    >>> from langgraph.graph import START, StateGraph
    >>> class State(TypedDict):
    ...     messages: list
    >>> def greet(state):
    ...     state["messages"].append("hello")
    >>> graph = StateGraph(State).add_node(greet).add_edge(START, "greet").compile()
    >>> print(aliases(graph, {"messages": ["hi"]}))
    1 change in place, not returned (1 node ran):
      greet: ['messages'][1] added 'hello' (not returned; seen by the result, the caller)
    """
    require_graph(graph)
    rehearsal, config, spent = _rehearsal(graph, config)
    if input is None and rehearsal.checkpointer in (None, False):
        raise ValueError(
            "input=None means: go on with what the thread holds, and there is no thread; "
            "give the graph an input, or a config whose thread is waiting"
        )
    try:
        given = copy.deepcopy(input)
    except Exception as error:
        raise ValueError(
            f"{_short(input)} cannot be copied ({error}), expected an input that can: the run must "
            "not change your own objects, so leave out what cannot be copied"
        ) from error
    listener = _Listener()
    heard: Any = merge_configs(config, {"callbacks": [listener]})  # type: ignore[arg-type]
    result, ended = _run(rehearsal, given, heard, more, _loop_owner(graph))
    if not listener.visits and ended.startswith("raised"):
        raise ValueError(f"the graph did not start with {_short(input)}: it {ended}")
    told = _told(listener, Snapshot(result), Snapshot(given), ended)
    # What a run leaves lies in circles until the next collection: nothing is to be found in them.
    for kept in (listener.visits, *spent):
        kept.clear()
    return told


# -- running ---------------------------------------------------------------------------------------


def _rehearsal(graph: Any, config: Config | None) -> tuple[Any, Config, list[Any]]:
    """The graph as it is run, on a saver and a cache of its own; its config; what these keep."""
    if not isinstance(config, (Mapping, type(None))):
        raise ValueError(
            f"the config is {config!r}, expected a dictionary or None: "
            'give {"configurable": {…}}, or leave it out'
        )
    # A subgraph may have a cache of its own, which this one takes the place of.
    cache: Any = InMemoryCache()
    place, own, kept = dict((config or {}).get("configurable", {})), {}, [cache]
    if callable(getattr(graph.checkpointer, "get_tuple", None)):
        saver = own["checkpointer"] = InMemorySaver(serde=graph.checkpointer.serde)
        # What the thread's versions are like, they go on like: whole numbers, or strings.
        saver.get_next_version = graph.checkpointer.get_next_version  # type: ignore[method-assign]
        kept += [saver.storage, saver.writes, saver.blobs]
        if config is None:
            place = {"thread_id": "rehearsal"}
        else:
            _copy_thread(graph, config, saver)
            place.pop("checkpoint_id", None)
            place["thread_id"] = str(place["thread_id"])  # as LangGraph makes of a number
    inner = {**place, "__pregel_cache": cache}
    return graph.copy(own), {**(config or {}), "configurable": inner}, kept


def _copy_thread(graph: Any, config: Config, saver: Any) -> None:
    """Put a thread's newest checkpoint (or the one that `config` names) into another saver."""
    thread = Thread(graph, config)
    if not set(TABLES) <= set(thread.reader.tables()):  # a file that no graph has saved to yet
        return
    found = thread.one(thread.start) if thread.start else next(iter(thread.newest(1)[0]), None)
    if found is None:
        return
    why = unread(found) or unread_parts(found)
    if any(type(channel).__name__ == "DeltaChannel" for channel in graph.channels.values()):
        why = "it has a DeltaChannel, whose values lie in many checkpoints"
    if why:
        raise ValueError(
            f"the thread {thread.id!r} cannot be gone on with ({why}), expected a state that can "
            "be read at once: leave config out and give the whole state as input"
        )
    checkpoint = found.checkpoint
    place: Any = {"configurable": {**thread.place, "thread_id": thread.id}}
    at = saver.put(place, checkpoint, found.metadata, checkpoint["channel_versions"])
    for task_id, channel, value in found.pending_writes or ():
        saver.put_writes(at, [(channel, value)], task_id)


def _loop_owner(graph: Any) -> Any:
    """The store or saver in whose event loop an async graph can run; None if neither has one."""
    # The saver of the run is another one, but the store is the reader's: it has to answer.
    if _is_async(graph) and loop_of(graph.store) is running_loop() is not None:
        raise NoAnswer(graph.store, *HERE)
    for keeper in (graph.store, graph.checkpointer):
        loop = loop_of(keeper)
        if loop and loop.is_running() and loop is not running_loop():
            return keeper
    return None


def _run(
    graph: Any, given: Any, config: Config, more: dict[str, Any], loop_owner: Any
) -> tuple[Any, str]:
    """The result of the run and how it ended; an async graph may run in a loop of its own."""
    try:
        if _is_async(graph):
            work = graph.ainvoke(given, {"max_concurrency": 1, **config}, **more)
            if loop := loop_of(loop_owner):
                result = answer(work, loop, loop_owner)
            else:
                with ThreadPoolExecutor(1) as pool:  # a notebook's own thread has a running loop
                    result = pool.submit(asyncio.run, work).result()
        else:
            result = graph.invoke(given, config, **more)
    except Exception as error:
        return None, f"raised {type(error).__name__}: {shorten(str(error), 80)}"
    waits = isinstance(result, Mapping) and "__interrupt__" in result
    return result, "interrupted" if waits else "finished"


def _is_async(graph: Any) -> bool:
    """Whether some node, or a node of a subgraph, can only be awaited."""
    for node in graph.nodes.values():
        if getattr(node.bound, "func", 0) is None and getattr(node.bound, "afunc", None):
            return True
    return any(_is_async(inner) for _, inner in graph.get_subgraphs())


# -- listening -------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Visit:
    """One run of one node: what it was given, before and after, and what it returned."""

    namespace: tuple[str, ...]
    step: int
    given: Any
    before: Snapshot
    after: Snapshot
    """As `before` of one that did not end: of what it changed, nothing is known."""
    turn: threading.Lock | None
    output: Any = None
    ended_at: int = 0
    """How many visits had begun when this one ended."""

    @property
    def name(self) -> str:
        """The node's name, after those of the nodes that its subgraph stands in."""
        return "/".join(part.split(":")[0] for part in self.namespace)

    @cached_property
    def changes(self) -> list[Difference]:
        """What changed in what it was given."""
        return self.before.differences(self.after)


class _Listener(BaseCallbackHandler):
    """Notes each visit in the thread in which the node runs; nodes under one parent take turns."""

    run_inline = True
    raise_error = True

    def __init__(self) -> None:
        self.visits: list[_Visit] = []
        self.at_once: tuple[str, ...] = ()
        """What is not known when a node did not get its turn."""
        self._open: dict[object, _Visit] = {}
        self._turns: defaultdict[object, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, **more: Any) -> None:
        # Only the run of a node itself has this tag; what it calls inside has another.
        if not any(tag.startswith("graph:step") for tag in more.get("tags") or ()):
            return
        metadata = more.get("metadata") or {}
        namespace = tuple(str(metadata.get("langgraph_checkpoint_ns", "")).split("|"))
        with self._guard:
            turn = self._turns[namespace[:-1]]
        # In an event loop, waiting would stop the node that is waited for.
        wait = running_loop() is None
        mine = turn if wait and turn.acquire(timeout=PATIENCE) else None
        with self._guard:
            if wait and not mine:
                self.at_once = ("which of the nodes that ran at once made a change",)
            now, step = Snapshot(inputs), metadata.get("langgraph_step", 0)
            self._open[run_id] = _Visit(namespace, step, inputs, now, now, mine)
            self.visits.append(self._open[run_id])

    def on_chain_end(self, outputs: Any, *, run_id: Any, **more: Any) -> None:
        with self._guard:
            visit = self._open.pop(run_id, None)
            if visit is None:
                return
            visit.after, visit.output = Snapshot(visit.given), outputs
            visit.ended_at = len(self.visits)
        if visit.turn:
            visit.turn.release()

    def on_chain_error(self, error: BaseException, *, run_id: Any, **more: Any) -> None:
        self.on_chain_end(None, run_id=run_id)


# -- telling ---------------------------------------------------------------------------------------


def _told(listener: _Listener, result: Snapshot, given: Snapshot, ended: str) -> Aliases:
    found, visits = [], listener.visits
    for visit in visits:
        theirs = _changes_inside(visit, visits)
        for change in visit.changes:
            if (id(change.holder), change.change) in theirs:
                continue
            seen = _seen_by(change.holder, visit, visits)
            ends = ((RESULT, result), (CALLER, given))
            seen += [who for who, end in ends if end.holds(change.holder)]
            returned = any(_says(update, change, visit) for update in _updates(visit.output))
            found.append(
                Alias(visit.name, visit.step, change.path, change.change, returned, tuple(seen))
            )
    shots = [shot for visit in visits for shot in (visit.before, visit.after)]
    closed = sorted({words for shot in shots for words in shot.closed | shot.beyond})
    ran = tuple(visit.name for visit in visits)
    return Aliases(tuple(found), ran, ended, (*closed, *listener.at_once))


def _changes_inside(visit: _Visit, visits: list[_Visit]) -> set[tuple[int, str]]:
    """The changes of which a node of its subgraph is the author."""
    depth = len(visit.namespace)
    return {
        (id(change.holder), change.change)
        for other in visits
        if len(other.namespace) > depth and other.namespace[:depth] == visit.namespace
        for change in other.changes
    }


def _seen_by(holder: object, visit: _Visit, visits: list[_Visit]) -> list[str]:
    """The nodes that began after a visit had ended, and were given a way to the object."""
    names: dict[str, None] = {}
    for other in visits[visit.ended_at :]:
        beside = (other.step, other.namespace[:-1]) == (visit.step, visit.namespace[:-1])
        if other.before.holds(holder):
            names[other.name + (" (side by side)" if beside else "")] = None
    return list(names)


def _says(update: Any, change: Difference, visit: _Visit) -> bool:
    """Whether what a node returned says the change: it leads to the object, or says the same."""
    told, key = Snapshot(update), change.steps[:1]
    said, now = told.at(key), visit.after.at(key)
    whole = bool(said and now and same_inside(said, now))
    return whole or told.holds(change.value) or (key != change.steps and told.holds(change.holder))


def _updates(output: Any) -> Iterator[Any]:
    """The updates in what a node returned: a dictionary, a Command, a list of them, an object."""
    if isinstance(output, (list, tuple)):
        for part in output:
            yield from _updates(part)
    elif type(output).__name__ == "Command":
        yield from _updates(output.update)
    elif output is not None:
        yield output


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _short(value: Any) -> str:
    return shorten(said_of(value), 60)
