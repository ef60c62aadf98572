"""The checks of a checkpointer: each does a few calls as LangGraph does, and tells what was wrong.

A check gets a saver of its own. Where it sees something else than expected it raises `Otherwise`
with what that was: the end of a sentence that begins with what was done. What it stands on is
LangGraph's contract: the docstrings of `BaseCheckpointSaver`, and where they are silent what
LangGraph's own savers do alike.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypedDict, cast

from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import WRITES_IDX_MAP, CheckpointTuple, empty_checkpoint
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from lessons_lib.observe.pictures.style import said_of, shorten
from lessons_lib.saver_exam.examined import AT_ONCE, Config, Examined, Raised, id_of
from lessons_lib.saver_exam.report import Finding


class Otherwise(Exception):
    """What was seen, where it was not as expected."""


class Lacks(Exception):
    """What a saver does not offer, where it may leave it out."""


Look = Callable[[Examined], None]


@dataclass(frozen=True)
class Check:
    """One check: the part of a saver that it looks at, its name, what it does and expects."""

    part: str
    name: str
    did: str
    expected: str
    optional: bool
    look: Look

    def of(self, saver: Examined) -> Finding:
        """Look at a saver: an error in one of its methods is a fault, any other tells nothing."""
        try:
            self.look(saver)
        except Otherwise as seen:
            return self.found("fault", str(seen))
        except Lacks as lacks:
            return self.found("lacks", str(lacks))
        except Raised as raised:
            return self.found("lacks" if raised.missing and self.optional else "fault", str(raised))
        except Exception as error:
            return self.found("not made", f"it raised {type(error).__name__}: {error}")
        return self.found("as expected")

    def found(self, mark: Any, saw: str = "") -> Finding:
        """The finding, with what was seen on one line."""
        saw = shorten(" ".join(saw.split()), 240)
        return Finding(self.part, self.name, self.did, self.expected, mark, saw)


CHECKS: list[Check] = []


def check(part: str, name: str, *, optional: bool = False) -> Callable[[Look], Look]:
    """Make a function a check: its docstring says what is done, and after `; expected` what for."""

    def add(look: Look) -> Look:
        did, expected = " ".join((look.__doc__ or "").split()).rstrip(".").split("; expected ")
        CHECKS.append(Check(part, name, did[0].lower() + did[1:], expected, optional, look))
        return look

    return add


# -- what checks have in common --------------------------------------------------------------------


def _expect(right: object, otherwise: str) -> None:
    if not right:
        raise Otherwise(otherwise)


def _same(seen: object, expected: object) -> None:
    if not seen == expected:
        raise Otherwise(f"got {shorten(said_of(seen), 120)}")


def _found(saver: Examined, config: Config, otherwise: str = "got None") -> CheckpointTuple:
    """What `get_tuple` gives, where it has to give something."""
    if found := saver.get(config):
        return found
    raise Otherwise(otherwise)


def _ids(found: Any) -> list[str | None]:
    return [id_of(one.config) for one in found]


def _name_of(config: Any) -> Any:
    """The id of a config's thread."""
    return config["configurable"]["thread_id"]


def _thread_of(config: Config) -> Config:
    """The config of a checkpoint's thread and namespace, without the checkpoint."""
    place = config["configurable"]
    return {"configurable": {one: place[one] for one in ("thread_id", "checkpoint_ns")}}


def _nested(saver: Examined) -> tuple[Any, list[Config]]:
    """The id of a new thread, and its configs in a graph's namespace and in a subgraph's."""
    outer = saver.thread()
    name = _name_of(outer)
    return name, [outer, saver.thread("sub:1", name)]


def _steps(saver: Examined, number: int) -> list[Config]:
    """Put a few checkpoints, each after the one before; their configs, the oldest first."""
    config, made = saver.thread(), []
    for step in range(number):
        config = saver.put(config, {"step": step}, {"step": step, "parity": step % 2})
        made.append(config)
    return made


SECRET = [("said", "secret"), ("said", "another")]
"""What `pending` gives of the writes that `_with_write` puts."""


def _with_write(saver: Examined, config: Config, run: str = "") -> Config:
    """Put a checkpoint with two writes of a task beside it."""
    made = saver.put(config, {"text": "Ada"}, {"run_id": run})
    saver.write(made, *SECRET, task="t")
    return made


def _expect_gone(saver: Examined, gone: Config) -> None:
    """A deleted checkpoint leaves no writes: put again under its id, it would show them."""
    _expect(saver.get(gone) is None, "a checkpoint was still there")
    put = saver.put(_thread_of(gone), {"text": "again"}, id=id_of(gone))
    seen = saver.pending(put)
    _expect(
        not seen, f"its writes were left: they stood beside a new checkpoint with its id, {seen!r}"
    )


# -- put and get_tuple -----------------------------------------------------------------------------


@check("put", "what comes back")
def comes_back(saver: Examined) -> None:
    """Put a checkpoint and read it; expected the same again."""
    about = {"source": "input", "step": -1}
    saver.put(thread := saver.thread(), {"text": "Ada", "many": [1, 2]}, about)
    found = _found(saver, thread)
    kept = found.checkpoint
    _expect(
        set(kept["channel_versions"]) == {"text", "many"} and "node" in kept["versions_seen"],
        "its channel_versions or versions_seen were others",
    )
    _expect(about.items() <= found.metadata.items(), f"got the metadata {found.metadata!r}")
    _same(kept["channel_values"], {"text": "Ada", "many": [1, 2]})


@check("put", "config that it returns")
def returned(saver: Examined) -> None:
    """Read the first of two checkpoints with the config that put returned, and an id that none has;
    expected that checkpoint, and None.
    """
    first, _ = _steps(saver, 2)
    found = _found(saver, first, "got another, or none")
    _expect(found.checkpoint["id"] == id_of(first), "got another, or none")
    keys = {*found.config["configurable"], *first["configurable"]}
    missing = {"thread_id", "checkpoint_ns", "checkpoint_id"} - keys
    _expect(not missing, f"the config had no {', '.join(sorted(missing))}")
    nowhere = {**first["configurable"], "checkpoint_id": empty_checkpoint()["id"]}
    _expect(saver.get({"configurable": nowhere}) is None, "got one for the id")


@check("put", "the serializer")
def serializer(saver: Examined) -> None:
    """Put a set, bytes, a date, a moment and a dict with a number as key; expected what the saver's
    serializer (its serde) makes of them.
    """
    odd = [{1, 2}, b"\x00\xff", date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), {1: "one"}]
    serde = saver.saver.serde
    expected = serde.loads_typed(serde.dumps_typed(odd))
    config = saver.put(saver.thread(), {"odd": odd})
    saver.write(config, ("odd", odd), task="t")
    _same((saver.values(config) or {}).get("odd"), expected)
    _same(saver.pending(config), [("odd", expected)])


@check("put", "a copy of its own")
def own_copy(saver: Examined) -> None:
    """Put a list, appended to it, and read it; expected the list as it was put."""
    words = ["then"]
    saver.put(thread := saver.thread(), {"words": words})
    words.append("now")
    _same((saver.values(thread) or {}).get("words"), ["then"])


@check("put", "metadata of the config")
def config_metadata(saver: Examined) -> None:
    """Put with {'user': 'ada'} in configurable, {'app': 'bot'} in the config's metadata; expected
    both in the checkpoint's metadata, to filter by.
    """
    thread = saver.thread()
    given = {"configurable": {**thread["configurable"], "user": "ada"}, "metadata": {"app": "bot"}}
    saver.put(given, {"text": "Ada"})
    found = saver.get(thread)
    about = dict(found.metadata) if found else {}
    right = about.get("user") == "ada" and about.get("app") == "bot"
    _expect(right, f"got the metadata {about!r}")
    found_by = len(saver.listed(thread, filter={"user": "ada"}))
    _expect(found_by == 1, f"the filter user='ada' found {found_by} checkpoints")


@check("put", "parent")
def parent(saver: Examined) -> None:
    """Put a checkpoint, and another with the first one's config; expected the first as the parent
    of the second, and none of the first.
    """
    made = _steps(saver, 2)
    first, second = (one and id_of(one.parent_config) for one in map(saver.get, made))
    _expect(first is None, "the first had a parent")
    _expect(second is not None, "the second had no parent")
    _expect(second == id_of(made[0]), "the second had another parent")


@check("put", "values of a fork")
def fork(saver: Examined) -> None:
    """Put a checkpoint, then two others that each follow it and change the same channel; expected
    its own value in each: get_next_version never gives one version twice.
    """
    root = saver.put(saver.thread(), {"text": "root", "kept": "as it was"})
    made = [root, *(saver.put(root, {"text": text}) for text in ("left", "right"))]
    for channel, expected in (
        ("text", ["root", "left", "right"]),
        ("kept", ["as it was"] * 3),
    ):
        _same([(saver.values(one) or {}).get(channel) for one in made], expected)


@check("put", "versions that grow")
def versions(saver: Examined) -> None:
    """Asked get_next_version 120 times; expected a greater one each time."""
    version = saver.saver.get_next_version(None, None)
    for _ in range(119):
        before, version = version, saver.saver.get_next_version(version, None)
        _expect(version > before, f"{version!r} came after {before!r}")


@check("put", "a number as thread id", optional=True)
def number(saver: Examined) -> None:
    """Put under a thread id that is a number, read under it and under its text, and deleted it;
    expected one thread, which is gone after delete_thread.
    """
    name = int(_name_of(saver.thread())[:13], 16)
    thread, as_text = saver.thread(thread_id=name), saver.thread(thread_id=str(name))
    try:
        saver.put(thread, {"text": "Ada"})
        found, found_as_text = saver.get(thread), saver.get(as_text)
    except Raised as refused:  # aloud, so that nothing goes to a wrong place
        raise Lacks(str(refused)) from None
    _expect(found, "did not find it under the number")
    saver.call("delete_thread", name)
    _expect(saver.get(thread) is None, "it was still there after delete_thread")
    if found_as_text is None:
        raise Lacks("it keeps a number and its text apart, as two threads")


@check("get_tuple", "latest by its id")
def latest(saver: Examined) -> None:
    """Put two checkpoints, the one with the greater id first, and read without an id, and again
    after a third; expected the one with the greatest id, whenever it was put.
    """
    thread = saver.thread()
    ids = [empty_checkpoint()["id"] for _ in range(2)]
    for id in reversed(ids):
        saver.put(thread, {"text": "x"}, id=id)
    found = _found(saver, thread)
    right = found.checkpoint["id"] == id_of(found.config) == ids[1]
    _expect(right, "got the one that was put last")
    in_order = _ids(saver.listed(thread)) == ids[::-1]
    _expect(in_order, "list gave them in the order in which they were put")
    third = saver.put(thread, {"text": "y"})
    again = id_of(_found(saver, thread).config) == id_of(third)
    _expect(again, "got what it had given before the third was put")


@check("get_tuple", "namespaces")
def namespaces(saver: Examined) -> None:
    """Put a checkpoint into a graph's namespace and one, with the same id and other writes, into
    its subgraph's; expected in each namespace its own.
    """
    _, (outer, inner) = _nested(saver)
    id = empty_checkpoint()["id"]
    for config, text in ((outer, "outer"), (inner, "inner")):
        put = saver.put(config, {"text": text}, id=id)
        saver.write(put, ("said", text), task="t")
    later = saver.put(inner, {"text": "later"})
    for config, text in ((outer, "outer"), (later, "later")):
        seen = saver.values(config)
        _expect(seen == {"text": text}, f"got {seen!r} for {text!r}")
    _same(saver.pending(outer), [("said", "outer")])
    _same(len(saver.listed(outer)), 1)


# -- put_writes ------------------------------------------------------------------------------------

TASKS = {"path 1": "b", "path 2": "c", "path 3": "a"}
"""Ids of tasks by their paths: neither their order, nor that in which they write, is the paths'."""


@check("put_writes", "order")
def order(saver: Examined) -> None:
    """Put twelve writes of each of three tasks, the second path's first; expected sorted by the
    tasks' paths, and a task's as it wrote them (writes_sort_key).
    """
    (config,) = _steps(saver, 1)
    put = ["path 2", "path 3", "path 1"]
    for path in put:
        writes = [("said", (path, number)) for number in range(12)]
        saver.write(config, *writes, task=TASKS[path], path=path)
    seen = [tuple(value) for _, value in saver.pending(config)]
    paths = list(dict.fromkeys(path for path, _ in seen))
    by_id = sorted(TASKS, key=lambda path: TASKS[path])
    _expect(paths != by_id, "they came sorted by the tasks' ids")
    _expect(paths != put, "they came in the order in which they were put")
    in_order = [(path, number) for path in sorted(TASKS) for number in range(12)]
    _expect(seen == in_order, "they came in another order")


@check("put_writes", "a task that runs again")
def again(saver: Examined) -> None:
    """Put a task's write, and then another in its place; expected the first: a write that has been
    seen is not replaced.
    """
    (config,) = _steps(saver, 1)
    for value in ("first", "second"):
        saver.write(config, ("said", value), task="t")
    _same(saver.pending(config), [("said", "first")])


@check("put_writes", "a special write that changes")
def special(saver: Examined) -> None:
    """Put a task's interrupt, error, resume or schedule, and then another; expected the second: a
    special write (WRITES_IDX_MAP) is replaced.
    """
    (config,) = _steps(saver, 1)
    for channel in WRITES_IDX_MAP:
        for value in ("first", "second"):
            saver.write(config, (channel, value), task=f"the one of {channel}")
    _same(dict(saver.pending(config)), dict.fromkeys(WRITES_IDX_MAP, "second"))


@check("put_writes", "a special write beside others")
def special_beside(saver: Examined) -> None:
    """Put a task's write, then its interrupt and its error, each in a call of its own; expected all
    three: a special write has an index of its own (WRITES_IDX_MAP).
    """
    (config,) = _steps(saver, 1)
    writes = {"said": "hello", INTERRUPT: "sure?", ERROR: "no"}
    for one in writes.items():
        saver.write(config, one, task="t")
    _same(dict(saver.pending(config)), writes)


# -- list ------------------------------------------------------------------------------------------


@check("list", "order and bounds")
def order_and_bounds(saver: Examined) -> None:
    """Listed five checkpoints: all, before the fourth, two of them; expected the newest first, and
    no more than asked for.
    """
    made = _steps(saver, 5)
    _steps(saver, 1)
    newest = [id_of(config) for config in reversed(made)]
    bounds: list[tuple[dict[str, Any], list[str | None]]] = [
        ({}, newest), ({"before": made[3]}, newest[2:]), ({"limit": 2}, newest[:2])
    ]  # fmt: skip
    for asked, expected in bounds:
        seen = _ids(saver.listed(_thread_of(made[0]), **asked))
        places = [newest.index(one) if one in newest else "a stranger" for one in seen]
        told = f"list({', '.join(asked)}) gave, counted from the newest, {places}"
        _expect(seen == expected, told)


@check("list", "filter before limit")
def filter_before_limit(saver: Examined) -> None:
    """Listed two of the checkpoints that a filter lets through, none of them the newest; expected
    those two: limit counts what the filter lets through.
    """
    thread = _thread_of(_steps(saver, 5)[0])
    seen = saver.listed(thread, filter={"parity": 1}, limit=2)
    steps = [one.metadata.get("step") for one in seen]
    _expect(steps == [3, 1], f"got {len(seen)} of them, of steps {steps}")
    _same(len(saver.listed(thread, filter={"parity": 1, "step": 3})), 1)


@check("list", "all threads")
def all_threads(saver: Examined) -> None:
    """Listed without a config, by a filter that fits two threads; expected one of each."""
    mark = _name_of(saver.thread())
    for _ in range(2):
        saver.put(saver.thread(), {"text": "Ada"}, {"mark": mark})
    found = len(saver.listed(None, filter={"mark": mark}))
    _expect(found == 2, f"got {found} of 2")


@check("list", "the same as get_tuple")
def alike(saver: Examined) -> None:
    """Compared what list gives with what get_tuple gives of each; expected the same values,
    metadata, parents and pending writes.
    """
    made = _steps(saver, 3)
    saver.write(made[1], ("said", "hello"), task="t")
    for one in saver.listed(_thread_of(made[0])):
        config = cast(Config, one.config)
        other = _found(saver, config, "get_tuple found nothing under the config of one")
        for field in ("checkpoint", "metadata", "parent_config", "pending_writes"):
            same = (getattr(one, field) or []) == (getattr(other, field) or [])
            _expect(same, f"the {field} of one differed")


# -- forgetting ------------------------------------------------------------------------------------


@check("delete_thread", "what is left")
def delete_thread(saver: Examined) -> None:
    """Deleted one of two threads, with writes and a subgraph's namespace; expected all of it gone,
    its writes too, and the other thread untouched.
    """
    other = _with_write(saver, saver.thread())
    name, both = _nested(saver)
    made = [_with_write(saver, config) for config in both]
    saver.call("delete_thread", name)
    for config in made:
        _expect_gone(saver, config)
    _expect(saver.pending(other) == SECRET, "the other thread was harmed")


@check("delete_for_runs", "what is left", optional=True)
def delete_for_runs(saver: Examined) -> None:
    """Deleted one of a thread's two runs, with its writes; expected its checkpoint and writes gone,
    and the other run's untouched.
    """
    first, second = (_name_of(saver.thread()) for _ in range(2))
    kept = _with_write(saver, saver.thread(), first)
    gone = _with_write(saver, kept, second)
    saver.call("delete_for_runs", [second])
    _expect(saver.pending(kept) == SECRET, "the other run was harmed")
    _expect_gone(saver, gone)


@check("copy_thread", "the copy", optional=True)
def copy_thread(saver: Examined) -> None:
    """Copied a thread with its writes and a subgraph's namespace, and deleted the first; expected
    the same checkpoints, parents and writes in the copy.
    """
    source, both = _nested(saver)
    target, [other] = _name_of(saver.thread()), _steps(saver, 1)
    first, inner = (_with_write(saver, config) for config in both)
    made = [first, saver.put(first, {"text": "Bob"}), inner]
    before = [_found(saver, config) for config in made]
    saver.call("copy_thread", source, target)
    _expect([saver.get(config) for config in made] == before, "the source was changed")
    saver.call("delete_thread", source)
    for config, one in zip(made, before, strict=True):
        place = {**config["configurable"], "thread_id": target}
        copied = _found(saver, {"configurable": place}, "a checkpoint was missing in the copy")
        _expect(_name_of(copied.config) == target, "a config in the copy named the source")
        same = (copied.checkpoint, copied.pending_writes) == (one.checkpoint, one.pending_writes)
        _expect(same, "a checkpoint or its writes differed in the copy")
        same = id_of(copied.parent_config) == id_of(one.parent_config)
        _expect(same, "a parent differed in the copy")
    place = {**other["configurable"], "thread_id": target}
    _expect(not saver.get({"configurable": place}), "a third thread's checkpoint was in the copy")


@check("prune", "what is left", optional=True)
def prune(saver: Examined) -> None:
    """Pruned one of two threads, with a subgraph's namespace, to the latest, and then deleted all;
    expected first the latest of each namespace with its writes, then nothing, and no writes left.
    """
    other = _steps(saver, 2)
    name, both = _nested(saver)
    old = [_with_write(saver, config) for config in both]
    new = [_with_write(saver, config) for config in old]
    saver.call("prune", [name], strategy="keep_latest")
    for config in new:
        _expect(saver.pending(config) == SECRET, "the latest was harmed")
    for config in old:
        _expect_gone(saver, config)
    saver.call("prune", [name], strategy="delete")
    for config in new:
        _expect_gone(saver, config)
    _expect(all(map(saver.get, other)), "the other thread was harmed")


# -- in a graph ------------------------------------------------------------------------------------


def _joined(log: list[str], writes: list[list[str]]) -> list[str]:
    return [*log, *(word for words in writes for word in words)]


class _Log(TypedDict):
    log: Annotated[list[str], DeltaChannel(_joined)]


def _says(name: str) -> Any:
    return lambda state: {"log": [name]}


def _log_graph(saver: Any) -> Any:
    """Six steps side by side, which log into a channel that is kept as its changes."""
    building = StateGraph(_Log)
    for name in "fbdace":
        building.add_node(name, _says(name))
        building.add_edge(START, name)
    return building.compile(checkpointer=saver)


def _expect_logged(seen: Any, returned: Any) -> None:
    """The log is the one that the run returned; what is told is the same at each run."""
    found, expected = seen.get("log", []), returned["log"]
    if found != expected:
        _expect(sorted(found) != sorted(expected), "got the log in another order")
        raise Otherwise(f"got {len(found)} of the {len(expected)} words in the log")


@check("prune", "keep what a delta channel needs", optional=True)
def prune_delta(saver: Examined) -> None:
    """Pruned a thread whose graph has a delta channel; expected the same state afterwards."""
    graph, thread = _log_graph(saver.saver), saver.thread()
    returned = saver.invoke(graph, {"log": ["one"]}, thread)
    saver.call("prune", [_name_of(thread)], strategy="keep_latest")
    _expect_logged(saver.state(graph, thread), returned)


@check("a graph", "delta channel")
def delta(saver: Examined) -> None:
    """Ran six steps side by side into a delta channel, twice, and read the state; expected what the
    run returned.
    """
    graph, thread = _log_graph(saver.saver), saver.thread()
    returned = [saver.invoke(graph, {"log": [word]}, thread) for word in ("one", "two")][-1]
    _expect_logged(saver.state(graph, thread), returned)


class _Form(TypedDict):
    said: Annotated[list[str], operator.add]


@check("a graph", "question and answer")
def asks(saver: Examined) -> None:
    """Ran a step that asks two questions, and answered them one by one; expected each question
    once, and both answers in the state.
    """
    building = StateGraph(_Form)
    building.add_node("ask", lambda state: {"said": [interrupt("name?"), interrupt("age?")]})
    building.add_edge(START, "ask")
    graph, thread = building.compile(checkpointer=saver.saver), saver.thread()
    said: list[Any] = [{"said": []}, Command(resume="Ada"), Command(resume="36")]
    returned = [saver.invoke(graph, given, thread).get("__interrupt__", ()) for given in said]
    asked = [[one.value for one in questions] for questions in returned]
    _expect(asked == [["name?"], ["age?"], []], f"it asked {asked!r}")
    _same(saver.state(graph, thread), {"said": ["Ada", "36"]})


# -- at once, and by other methods -----------------------------------------------------------------

ROUNDS = 10


@check("at once", "several threads")
def at_once(saver: Examined) -> None:
    """Used it from eight threads at once, each on a conversation of its own that the next reads,
    and all on one more; expected no error, whole checkpoints, and all of it kept.
    """
    threads = [saver.thread() for _ in range(AT_ONCE)]
    (shared,) = _steps(saver, 1)
    last, torn = [*threads], []

    def job(number: int, step: int) -> None:
        last[number] = saver.put(last[number], {"step": step}, {"step": step})
        saver.write(shared, ("said", step), task=f"{number} {step}")
        read = saver.get(threads[number - 1])
        if read and read.checkpoint["channel_values"] != {"step": read.metadata.get("step")}:
            torn.append(read)

    saver.at_once(job, ROUNDS)
    _expect(not torn, "one thread read a checkpoint of another without its values")
    kept, writes = [len(saver.listed(one)) for one in threads], len(saver.pending(shared))
    _expect(
        kept == [ROUNDS] * AT_ONCE and writes == ROUNDS * AT_ONCE,
        f"of {ROUNDS} checkpoints each {kept} were kept, of {ROUNDS * AT_ONCE} writes {writes}",
    )


@check("methods", "of the other kind", optional=True)
def other_kind(saver: Examined) -> None:
    """Put with its methods of one kind (sync or async), and read with those of the other; expected
    the same.
    """
    config = _with_write(saver, saver.thread())
    found = saver.call("get_tuple", config, other=True)
    _expect(found == saver.get(config), "get_tuple and aget_tuple gave different things")
    listed = saver.call("list", config, other=True)
    _expect(len(listed) == 1, "list and alist gave different things")
    saver.call("put_writes", config, [("said", "more")], "u", "", other=True)
    _expect(("said", "more") in saver.pending(config), "a write was not there")
    saver.call("delete_thread", _name_of(config), other=True)
    _expect(saver.get(config) is None, "a deleted thread was still there")
