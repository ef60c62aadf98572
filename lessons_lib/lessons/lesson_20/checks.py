"""What judges the exercises of lesson 20, Write a checkpointer.

The saver into which an answer is put is the notebook's own, from the cells tagged for `catch_up`,
with the course's answers for all the other exercises. Most of what is asked of it is asked by the
saver exam, whose sentences are shown; what is asked here besides is what the exam does not ask.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Annotated, Any, TypedDict

from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint

from lessons_lib.lessons.lesson_20.workbench import solved
from lessons_lib.lessons.shared import in_a_row, thread
from lessons_lib.saver_exam.checks import CHECKS as EXAM
from lessons_lib.saver_exam.examined import Loop, opened
from lessons_lib.teach import loader
from lessons_lib.teach.model import NotYet
from lessons_lib.teach.sources import run_cell

METHODS = {
    "20.get-tuple": "get_tuple",
    "20.put-writes": "put_writes",
    "20.list": "list",
    "20.copy-thread": "copy_thread",
    "20.prune": "prune",
}
"""The exercises' ids, and the methods that their answers become."""

Saver = BaseCheckpointSaver[Any]


@cache
def _lesson() -> dict[str, Any]:
    """What the notebook gives, with its saver complete."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run_cell(loader.catch_up_source("20"), names, "<lesson 20>")
    for id, method in METHODS.items():
        setattr(names["Saver"], method, solved(id))
    return names


Make = Callable[[], AbstractContextManager[Any]]


def _saver(kind: str = "Saver", **methods: Any) -> Make:
    """Makes the lesson's saver of that name, with an answer in the place of a method."""
    made = type("Saver", (_lesson()[kind],), methods)

    @contextmanager
    def make() -> Iterator[Any]:
        saver = made()
        try:
            yield saver
        finally:
            saver.db.close()

    return make


def _examined(make: Make, parts: str, advice: Mapping[str, str]) -> None:
    """Put the saver exam's checks of these parts to a saver; tell the first fault."""
    loop = Loop()
    try:
        for check in EXAM:
            if check.part in parts.split(", "):
                with opened(make, loop) as saver:
                    found = check.of(saver)
                if found.mark != "as expected":
                    told = advice.get(found.name, "")
                    raise NotYet(f"{found}.{told and ' '}{told}")
    finally:
        loop.end()


def _at(name: str, ns: str = "") -> Any:
    return thread(name, checkpoint_ns=ns)


# --- Exercise 1: get_tuple ----------------------------------------------------------------------


def check_get_tuple(get_tuple: Any) -> str:
    """Prove that it finds the checkpoint that is asked for, the newest, or None."""
    advice = {
        "config that it returns": (
            "With a `checkpoint_id` in the config it is that checkpoint and no other, "
            "and None where there is none."
        ),
        "latest by its id": "Ids grow with time; rows lie in the order in which they came.",
        "namespaces": "The key of a checkpoint has three parts: thread, namespace, id.",
    }
    _examined(_saver(get_tuple=get_tuple), "put, get_tuple", advice)
    return "the newest of its namespace, the one that is named, and None where there is none."


# --- Exercise 2: put_writes ---------------------------------------------------------------------


def check_put_writes(put_writes: Any) -> str:
    """Prove that a task's writes keep their order, their place and their meaning."""
    advice = {
        "namespaces": "A write belongs to a checkpoint: thread, namespace, id.",
        "the serializer": "A value goes through `self.serde`, as in `put`.",
        "order": "`pending` sorts by `path`, and finds there what you stored.",
        "a task that runs again": "`INSERT OR IGNORE` leaves what is there.",
        "a special write that changes": "For those in `WRITES_IDX_MAP`, `INSERT OR REPLACE`.",
        "a special write beside others": "Its `idx` is `WRITES_IDX_MAP[channel]`, below zero.",
    }
    make = _saver(put_writes=put_writes)
    with make() as saver:
        _judge_subgraph(saver)
    _examined(make, "put, get_tuple, put_writes, a graph", advice)
    return "in the order of the tasks' paths; ordinary writes stay, special ones are replaced."


def _judge_subgraph(saver: Saver) -> None:
    config = saver.put(_at("ada", "sub"), empty_checkpoint(), {}, {})
    saver.put_writes(config, [("said", "hello")], "task")
    found = saver.get_tuple(config)
    if not found or not found.pending_writes:
        raise NotYet(
            "a write of a subgraph, in the namespace 'sub': it did not come back with its "
            "checkpoint. The key of a checkpoint has three parts: thread, namespace, id."
        )


# --- Exercise 3: list ---------------------------------------------------------------------------


def check_listing(listing: Any) -> str:
    """Prove that it gives what is asked for: all threads, all namespaces, bounds and filters."""
    make = _saver(list=listing)
    with make() as saver:
        _judge_namespaces(saver)
        _judge_named(saver)
    advice = {
        "order and bounds": "The newest first; those before an id are smaller than it.",
        "filter before limit": "Count what comes through the filter, and not what is read.",
        "all threads": "Where `config` is None, any thread will do.",
        "the same as get_tuple": "`self.read` puts it together.",
    }
    _examined(make, "list", advice)
    return "any thread or one, any namespace or one; the filter first, and then the limit."


def _judge_namespaces(saver: Saver) -> None:
    for name, ns in (("ada", ""), ("ada", "sub"), ("bob", "")):
        saver.put(_at(name, ns), empty_checkpoint(), {}, {})
    found = len([*saver.list(thread("ada"))])
    if found != 2:
        raise NotYet(
            f"a thread with a subgraph, listed without a `checkpoint_ns`: {found} of its 2 "
            "checkpoints. Without a namespace in the config, any namespace will do."
        )
    found = len([*saver.list(_at("ada"))])
    if found != 1:
        raise NotYet(
            f"a thread with a subgraph, listed with the `checkpoint_ns` '': {found} checkpoints, "
            "expected 1. The empty string is the name of the graph's own namespace."
        )


def _judge_named(saver: Saver) -> None:
    first = saver.put(_at("cleo"), empty_checkpoint(), {}, {})
    saver.put(first, empty_checkpoint(), {}, {})
    found = len([*saver.list(first)])
    if found != 1:
        raise NotYet(
            f"two checkpoints, listed with the `checkpoint_id` of one: {found}, expected 1. With an "
            "id in the config it is that checkpoint and no other."
        )


# --- Exercise 4: copy_thread --------------------------------------------------------------------


def check_copy_thread(copy_thread: Any) -> str:
    """Prove that a copy has everything of its source, and that the source has it still."""
    advice = {"the copy": "Two tables, every namespace, and the same ids: they hang on each other."}
    _examined(_saver(copy_thread=copy_thread), "copy_thread", advice)
    return "every checkpoint of every namespace with its parent and its writes, in both threads."


# --- Exercise 5: prune --------------------------------------------------------------------------


def _joined(log: list[str], writes: list[list[str]]) -> list[str]:
    return [*log, *(word for words in writes for word in words)]


class _Log(TypedDict):
    log: Annotated[list[str], DeltaChannel(_joined, snapshot_frequency=5)]
    turns: Annotated[int, operator.add]


def _log_graph(saver: Saver) -> Any:
    return in_a_row(_Log, {"answer": lambda state: {"log": ["answer"], "turns": 1}}, saver)


def check_prune(prune: Any) -> str:
    """Prove that it keeps the latest of each namespace, what a delta needs, and no more."""
    advice = {
        "what is left": "The latest of *each* namespace; with 'delete', nothing of the thread.",
        "keep what a delta channel needs": (
            "The newest checkpoint does not have the value. It is put together from those before."
        ),
    }
    make = _saver(prune=prune)
    _examined(make, "prune", advice)
    with make() as saver:
        saver.prune(["nobody"])
        kept = [_kept_of_delta(saver, turns) for turns in range(1, 6)]
        _judge_fork(saver)
    return (
        "the latest of each namespace; of a delta's history what it needs: "
        f"{', '.join(map(str, kept))} checkpoints after 1 to 5 turns."
    )


def _kept_of_delta(saver: Saver, turns: int) -> int:
    """How many checkpoints of a thread with a delta channel are left."""
    graph, ada = _log_graph(saver), _at(f"ada {turns}")
    for _ in range(turns):
        returned = graph.invoke({"log": ["question"], "turns": 0}, ada, durability="sync")
    needed = _needed([*saver.list(ada)])
    saver.prune([f"ada {turns}"])
    seen, kept = graph.get_state(ada).values, len([*saver.list(ada)])
    if seen != returned:
        raise NotYet(
            f"a delta channel after {turns} turns: {len(seen.get('log', []))} of its "
            f"{len(returned['log'])} messages are left. Go on to the parent until the value is "
            "found in `channel_values`."
        )
    if kept > needed:
        raise NotYet(
            f"a delta channel after {turns} turns: {kept} checkpoints are left, and {needed} are "
            "enough. What is older than the nearest snapshot is not needed."
        )
    return kept


def _judge_fork(saver: Saver) -> None:
    graph, ada = _log_graph(saver), _at("forked")
    turn: Any = {"log": ["question"], "turns": 0}
    for _ in range(4):
        graph.invoke(turn, ada, durability="sync")
    *_, after_first, _, _ = saver.list(ada)
    returned = graph.invoke(turn, after_first.config, durability="sync")
    saver.prune(["forked"])
    if (seen := graph.get_state(ada).values) != returned:
        raise NotYet(
            f"a delta channel in a thread with a fork: {len(seen.get('log', []))} of the "
            f"{len(returned['log'])} messages of the newest branch are left. Before a checkpoint "
            "comes its parent, and not the one that was put before it."
        )


def _needed(newest_first: list[Any]) -> int:
    """How far back the nearest snapshot of the log is: the history of one thread has no forks."""
    has = ["log" in one.checkpoint["channel_values"] for one in newest_first]
    return has.index(True) + 1 if True in has else len(has)


# --- Exercise 6: get_next_version ---------------------------------------------------------------


def check_next_version(get_next_version: Any) -> str:
    """Prove that versions grow, and that no version is given twice."""
    advice = {
        "values of a fork": "Two branches were given one version, and one value is lost.",
        "versions that grow": "They are compared as what they are: strings by their letters.",
    }
    make = _saver("Thrifty", get_next_version=get_next_version)
    _examined(make, "put", advice)
    _judge_two_savers(make)
    _examined(make, "a graph", advice)
    return "each version is greater than the one before, and none is given twice."


def _judge_two_savers(make: Make) -> None:
    def next_of_another(version: Any) -> Any:
        with make() as saver:
            return saver.get_next_version(version, None)

    version = None
    for _ in range(20):
        version = next_of_another(version)
    after = [next_of_another(version) for _ in range(200)]
    if not min(after) > version:
        raise NotYet(
            f"another saver on the same file: {min(after)!r} came after {version!r}, which is not "
            "smaller. What comes next follows from `current`, and not from the saver."
        )
    if twice := {one for one in after if after.count(one) > 1}:
        raise NotYet(
            f"of {len(after)} savers on the same file two gave {min(twice)!r} after {version!r}. "
            "None knows of the others: only chance keeps them apart, and it needs room."
        )


CHECKS: dict[str, Callable[[Any], str]] = {
    "20.get-tuple": check_get_tuple,
    "20.put-writes": check_put_writes,
    "20.list": check_listing,
    "20.copy-thread": check_copy_thread,
    "20.prune": check_prune,
    "20.next-version": check_next_version,
}
