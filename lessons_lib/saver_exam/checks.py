"""The checks of a checkpointer: each does a few calls as LangGraph does, and tells what was wrong.

A check gets a saver of its own and returns None when all was as expected, else what was seen: the
end of a sentence that begins with what was done. What it stands on is LangGraph's contract: the
docstrings of `BaseCheckpointSaver`, and where they are silent what LangGraph's own savers do alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from langgraph.checkpoint.base import WRITES_IDX_MAP, empty_checkpoint
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT

from lessons_lib.observe.pictures.style import said_of, shorten
from lessons_lib.saver_exam.examined import AT_ONCE, Config, Examined, Raised, id_of
from lessons_lib.saver_exam.report import Finding


class Lacks(Exception):
    """What a saver does not offer, where it may leave it out."""


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
            saw = self.look(saver)
        except Lacks as lacks:
            return self.found("lacks", str(lacks))
        except Raised as raised:
            return self.found("lacks" if raised.missing and self.optional else "fault", str(raised))
        except Exception as error:
            return self.found("not made", f"it raised {type(error).__name__}: {error}")
        return self.found("fault", saw) if saw else self.found("as expected")

    def found(self, mark: Any, saw: str = "") -> Finding:
        """The finding, with what was seen on one line."""
        saw = shorten(" ".join(saw.split()), 240)
        return Finding(self.part, self.name, self.did, self.expected, mark, saw)


CHECKS: list[Check] = []
Look = Callable[[Examined], str | None]


def check(part: str, name: str, *, optional: bool = False) -> Callable[[Look], Look]:
    """Make a function a check: its docstring says what is done, and after `; expected` what for."""

    def add(look: Look) -> Look:
        did, expected = " ".join((look.__doc__ or "").split()).rstrip(".").split("; expected ")
        CHECKS.append(Check(part, name, did[0].lower() + did[1:], expected, optional, look))
        return look

    return add


def _got(seen: object, expected: object) -> str | None:
    """What is told of a value that is another than expected."""
    return None if seen == expected else f"got {shorten(said_of(seen), 120)}"


def _ids(found: Any) -> list[str | None]:
    return [id_of(one.config) for one in found]


def _thread_of(config: Config) -> Config:
    """The config of a checkpoint's thread and namespace, without the checkpoint."""
    place = config["configurable"]
    return {"configurable": {one: place[one] for one in ("thread_id", "checkpoint_ns")}}


def _steps(saver: Examined, number: int) -> list[Config]:
    """Put a few checkpoints, each after the one before; their configs, the oldest first."""
    config, made = saver.thread(), []
    for step in range(number):
        config = saver.put(config, {"step": step}, {"step": step, "parity": step % 2})
        made.append(config)
    return made


# -- put and get_tuple -----------------------------------------------------------------------------


@check("put", "what comes back")
def comes_back(saver: Examined) -> str | None:
    """Put a checkpoint and read it; expected the same again."""
    about = {"source": "input", "step": -1}
    saver.put(thread := saver.thread(), {"text": "Ada", "many": [1, 2]}, about)
    found = saver.get(thread)
    if found is None:
        return "got None"
    kept = found.checkpoint
    if set(kept["channel_versions"]) != {"text", "many"} or "node" not in kept["versions_seen"]:
        return "its channel_versions or versions_seen were others"
    if not about.items() <= found.metadata.items():
        return f"got the metadata {found.metadata!r}"
    return _got(kept["channel_values"], {"text": "Ada", "many": [1, 2]})


@check("put", "config that it returns")
def returned(saver: Examined) -> str | None:
    """Read the first of two checkpoints with the config that put returned, and an id that none has;
    expected that checkpoint, and None.
    """
    first, _ = _steps(saver, 2)
    found = saver.get(first)
    if found is None or found.checkpoint["id"] != id_of(first):
        return "got another, or none"
    keys = {*found.config["configurable"], *first["configurable"]}
    if missing := {"thread_id", "checkpoint_ns", "checkpoint_id"} - keys:
        return f"the config had no {', '.join(sorted(missing))}"
    nowhere = {**first["configurable"], "checkpoint_id": empty_checkpoint()["id"]}
    return "got one for the id" if saver.get({"configurable": nowhere}) else None


@check("put", "the serializer")
def serializer(saver: Examined) -> str | None:
    """Put a set, bytes, a date, a moment and a dict with a number as key; expected what the saver's
    serializer (its serde) makes of them.
    """
    odd = [{1, 2}, b"\x00\xff", date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), {1: "one"}]
    serde = saver.saver.serde
    expected = serde.loads_typed(serde.dumps_typed(odd))
    config = saver.put(saver.thread(), {"odd": odd})
    saver.write(config, ("odd", odd), task="t")
    found = saver.values(config) or {}
    return _got(found.get("odd"), expected) or _got(saver.pending(config), [("odd", expected)])


@check("put", "a copy of its own")
def own_copy(saver: Examined) -> str | None:
    """Put a list, appended to it, and read it; expected the list as it was put."""
    words = ["then"]
    saver.put(thread := saver.thread(), {"words": words})
    words.append("now")
    return _got((saver.values(thread) or {}).get("words"), ["then"])


@check("put", "metadata of the config")
def config_metadata(saver: Examined) -> str | None:
    """Put with {'user': 'ada'} in configurable, {'app': 'bot'} in the config's metadata; expected
    both in the checkpoint's metadata, to filter by.
    """
    thread = saver.thread()
    given = {"configurable": {**thread["configurable"], "user": "ada"}, "metadata": {"app": "bot"}}
    saver.put(given, {"text": "Ada"})
    found = saver.get(thread)
    about = dict(found.metadata) if found else {}
    if (about.get("user"), about.get("app")) != ("ada", "bot"):
        return f"got the metadata {about!r}"
    found_by = len(saver.listed(thread, filter={"user": "ada"}))
    return None if found_by == 1 else f"the filter user='ada' found {found_by} checkpoints"


@check("put", "parent")
def parent(saver: Examined) -> str | None:
    """Put a checkpoint, and another with the first one's config; expected the first as the parent
    of the second, and none of the first.
    """
    made = _steps(saver, 2)
    first, second = (one and id_of(one.parent_config) for one in map(saver.get, made))
    if first is not None:
        return "the first had a parent"
    if second is None:
        return "the second had no parent"
    return None if second == id_of(made[0]) else "the second had another parent"


@check("put", "values of a fork")
def fork(saver: Examined) -> str | None:
    """Put a checkpoint, then two others that each follow it and change the same channel; expected
    its own value in each: get_next_version never gives one version twice.
    """
    root = saver.put(saver.thread(), {"text": "root", "kept": "as it was"})
    made = [root, *(saver.put(root, {"text": text}) for text in ("left", "right"))]
    seen = [(saver.values(one) or {}).get("text") for one in made]
    kept = [(saver.values(one) or {}).get("kept") for one in made]
    return _got(seen, ["root", "left", "right"]) or _got(kept, ["as it was"] * 3)


@check("put", "versions that grow")
def versions(saver: Examined) -> str | None:
    """Asked get_next_version 120 times; expected a greater one each time."""
    version = saver.saver.get_next_version(None, None)
    for _ in range(119):
        before, version = version, saver.saver.get_next_version(version, None)
        if not version > before:
            return f"{version!r} came after {before!r}"
    return None


@check("put", "a number as thread id", optional=True)
def number(saver: Examined) -> str | None:
    """Put under a thread id that is a number, read under it and under its text, and deleted it;
    expected one thread, which is gone after delete_thread.
    """
    thread = saver.thread(thread_id=int(saver.thread()["configurable"]["thread_id"][:13], 16))
    name = thread["configurable"]["thread_id"]
    try:
        saver.put(thread, {"text": "Ada"})
        found, as_text = saver.get(thread), saver.get(saver.thread(thread_id=str(name)))
    except Raised as refused:  # aloud, so that nothing goes to a wrong place
        raise Lacks(str(refused)) from None
    if found is None:
        return "did not find it under the number"
    saver.call("delete_thread", name)
    if saver.get(thread) is not None:
        return "it was still there after delete_thread"
    if as_text is None:
        raise Lacks("it keeps a number and its text apart, as two threads")
    return None


@check("get_tuple", "latest by its id")
def latest(saver: Examined) -> str | None:
    """Put two checkpoints, the one with the greater id first, and read without an id; expected the
    one with the greater id, whenever it was put.
    """
    thread = saver.thread()
    ids = [empty_checkpoint()["id"] for _ in range(2)]
    for id in reversed(ids):
        saver.put(thread, {"text": "x"}, id=id)
    found = saver.get(thread)
    if found is None or found.checkpoint["id"] != ids[1] or id_of(found.config) != ids[1]:
        return "got the one that was put last" if found else "got None"
    order = _ids(saver.listed(thread))
    return None if order == ids[::-1] else "list gave them in the order in which they were put"


@check("get_tuple", "namespaces")
def namespaces(saver: Examined) -> str | None:
    """Put a checkpoint into a graph's namespace and one, with the same id and other writes, into
    its subgraph's; expected in each namespace its own.
    """
    outer, id = saver.thread(), empty_checkpoint()["id"]
    inner = saver.thread("sub:1", outer["configurable"]["thread_id"])
    for config, text in ((outer, "outer"), (inner, "inner")):
        put = saver.put(config, {"text": text}, id=id)
        saver.write(put, ("said", text), task="t")
    later = saver.put(inner, {"text": "later"})
    for config, text in ((outer, "outer"), (later, "later")):
        if (seen := saver.values(config)) != {"text": text}:
            return f"got {seen!r} for {text!r}"
    return _got(saver.pending(outer), [("said", "outer")]) or _got(len(saver.listed(outer)), 1)


# -- put_writes ------------------------------------------------------------------------------------

TASKS = {"path 1": "b", "path 2": "c", "path 3": "a"}
"""Ids of tasks by their paths: neither their order, nor that in which they write, is the paths'."""


@check("put_writes", "order")
def order(saver: Examined) -> str | None:
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
    if paths == sorted(TASKS, key=lambda path: TASKS[path]):
        return "they came sorted by the tasks' ids"
    if paths == put:
        return "they came in the order in which they were put"
    in_order = [(path, number) for path in sorted(TASKS) for number in range(12)]
    return None if seen == in_order else "they came in another order"


@check("put_writes", "a task that runs again")
def again(saver: Examined) -> str | None:
    """Put a task's write, and then another in its place; expected the first: a write that has been
    seen is not replaced.
    """
    (config,) = _steps(saver, 1)
    for value in ("first", "second"):
        saver.write(config, ("said", value), task="t")
    return _got(saver.pending(config), [("said", "first")])


@check("put_writes", "a special write that changes")
def special(saver: Examined) -> str | None:
    """Put a task's interrupt, error, resume or schedule, and then another; expected the second: a
    special write (WRITES_IDX_MAP) is replaced.
    """
    (config,) = _steps(saver, 1)
    for channel in WRITES_IDX_MAP:
        for value in ("first", "second"):
            saver.write(config, (channel, value), task=f"the one of {channel}")
    return _got(dict(saver.pending(config)), dict.fromkeys(WRITES_IDX_MAP, "second"))


@check("put_writes", "a special write beside others")
def special_beside(saver: Examined) -> str | None:
    """Put a task's write, then its interrupt and its error, each in a call of its own; expected all
    three: a special write has an index of its own (WRITES_IDX_MAP).
    """
    (config,) = _steps(saver, 1)
    writes = {"said": "hello", INTERRUPT: "sure?", ERROR: "no"}
    for one in writes.items():
        saver.write(config, one, task="t")
    return _got(dict(saver.pending(config)), writes)


# -- list ------------------------------------------------------------------------------------------


@check("list", "order and bounds")
def order_and_bounds(saver: Examined) -> str | None:
    """Listed five checkpoints: all, before the fourth, two of them; expected the newest first, and
    no more than asked for.
    """
    made = _steps(saver, 5)
    _steps(saver, 1)
    thread = _thread_of(made[0])
    newest = [id_of(config) for config in reversed(made)]
    bounds: list[tuple[dict[str, Any], list[str | None]]] = [
        ({}, newest), ({"before": made[3]}, newest[2:]), ({"limit": 2}, newest[:2])
    ]  # fmt: skip
    for asked, expected in bounds:
        if (seen := _ids(saver.listed(thread, **asked))) != expected:
            places = [newest.index(one) if one in newest else "a stranger" for one in seen]
            return f"list({', '.join(asked)}) gave, counted from the newest, {places}"
    return None


@check("list", "filter before limit")
def filter_before_limit(saver: Examined) -> str | None:
    """Listed two of the checkpoints that a filter lets through, none of them the newest; expected
    those two: limit counts what the filter lets through.
    """
    thread = _thread_of(_steps(saver, 5)[0])
    seen = saver.listed(thread, filter={"parity": 1}, limit=2)
    steps = [one.metadata.get("step") for one in seen]
    if steps != [3, 1]:
        return f"got {len(seen)} of them, of steps {steps}"
    return _got(len(saver.listed(thread, filter={"parity": 1, "step": 3})), 1)


@check("list", "all threads")
def all_threads(saver: Examined) -> str | None:
    """Listed without a config, by a filter that fits two threads; expected one of each."""
    mark = saver.thread()["configurable"]["thread_id"]
    made = [saver.put(saver.thread(), {"text": "Ada"}, {"mark": mark}) for _ in range(2)]
    found = len(saver.listed(None, filter={"mark": mark}))
    return None if found == len(made) else f"got {found} of {len(made)}"


@check("list", "the same as get_tuple")
def alike(saver: Examined) -> str | None:
    """Compared what list gives with what get_tuple gives of each; expected the same values,
    metadata, parents and pending writes.
    """
    made = _steps(saver, 3)
    saver.write(made[1], ("said", "hello"), task="t")
    for one in saver.listed(_thread_of(made[0])):
        other = saver.get(cast(Config, one.config))
        if other is None:
            return "get_tuple found nothing under the config of one"
        for field in ("checkpoint", "metadata", "parent_config", "pending_writes"):
            if (getattr(one, field) or []) != (getattr(other, field) or []):
                return f"the {field} of one differed"
    return None


# -- forgetting ------------------------------------------------------------------------------------


def _with_write(saver: Examined, thread: Config, run: str = "") -> Config:
    """A checkpoint with a write beside it."""
    config = saver.put(thread, {"text": "Ada"}, {"run_id": run})
    saver.write(config, ("said", "secret"), task="t")
    return config


def _left(saver: Examined, gone: Config) -> str | None:
    """Whether a deleted checkpoint left its writes: put again under its id, it would show them."""
    if saver.get(gone) is not None:
        return "a checkpoint was still there"
    put = saver.put(_thread_of(gone), {"text": "again"}, id=id_of(gone))
    if seen := saver.pending(put):
        return f"its writes were left: they stood beside a new checkpoint with its id, {seen!r}"
    return None


@check("delete_thread", "what is left")
def delete_thread(saver: Examined) -> str | None:
    """Deleted one of two threads, with writes and a subgraph's namespace; expected all of it gone,
    its writes too, and the other thread untouched.
    """
    outer, other = saver.thread(), _with_write(saver, saver.thread())
    name = outer["configurable"]["thread_id"]
    made = [_with_write(saver, config) for config in (outer, saver.thread("sub:1", name))]
    saver.call("delete_thread", name)
    for config in made:
        if seen := _left(saver, config):
            return seen
    return None if saver.pending(other) == [("said", "secret")] else "the other thread was harmed"


@check("delete_for_runs", "what is left", optional=True)
def delete_for_runs(saver: Examined) -> str | None:
    """Deleted one of a thread's two runs, with its writes; expected its checkpoint and writes gone,
    and the other run's untouched.
    """
    first, second = (saver.thread()["configurable"]["thread_id"] for _ in range(2))
    kept = _with_write(saver, saver.thread(), first)
    gone = _with_write(saver, kept, second)
    saver.call("delete_for_runs", [second])
    if saver.pending(kept) != [("said", "secret")]:
        return "the other run was harmed"
    return _left(saver, gone)


@check("copy_thread", "the copy", optional=True)
def copy_thread(saver: Examined) -> str | None:
    """Copied a thread with its writes and a subgraph's namespace, and deleted the first; expected
    the same checkpoints, parents and writes in the copy.
    """
    outer, copy = saver.thread(), saver.thread()
    source, target = (config["configurable"]["thread_id"] for config in (outer, copy))
    first = _with_write(saver, outer)
    inner = _with_write(saver, saver.thread("sub:1", source))
    made = [first, saver.put(first, {"text": "Bob"}), inner]
    before = [saver.get(config) for config in made]
    saver.call("copy_thread", source, target)
    if [saver.get(config) for config in made] != before:
        return "the source was changed"
    saver.call("delete_thread", source)
    for config, one in zip(made, before, strict=True):
        copied = saver.get({"configurable": {**config["configurable"], "thread_id": target}})
        if copied is None or one is None:
            return "a checkpoint was missing in the copy"
        if copied.config["configurable"]["thread_id"] != target:
            return "a config in the copy named the source"
        if (copied.checkpoint, copied.pending_writes) != (one.checkpoint, one.pending_writes):
            return "a checkpoint or its writes differed in the copy"
        if id_of(copied.parent_config) != id_of(one.parent_config):
            return "a parent differed in the copy"
    return None


@check("prune", "what is left", optional=True)
def prune(saver: Examined) -> str | None:
    """Pruned one of two threads, with a subgraph's namespace, to the latest, and then deleted all;
    expected first the latest of each namespace with its writes, then nothing, and no writes left.
    """
    outer, other = saver.thread(), _steps(saver, 2)
    name = outer["configurable"]["thread_id"]
    old = [_with_write(saver, thread) for thread in (outer, saver.thread("sub:1", name))]
    new = [_with_write(saver, config) for config in old]
    saver.call("prune", [name], strategy="keep_latest")
    if [saver.pending(config) for config in new] != [[("said", "secret")]] * 2:
        return "the latest was harmed"
    left = next(filter(None, (_left(saver, config) for config in old)), None)
    saver.call("prune", [name], strategy="delete")
    left = left or next(filter(None, (_left(saver, config) for config in new)), None)
    return left or (None if all(map(saver.get, other)) else "the other thread was harmed")


@check("prune", "keep what a delta channel needs", optional=True)
def prune_delta(saver: Examined) -> str | None:
    """Pruned a thread whose graph has a delta channel; expected the same state afterwards."""
    from lessons_lib.saver_exam.graphs import log_graph

    graph, thread = log_graph(saver.saver), saver.thread()
    returned = saver.invoke(graph, {"log": ["one"]}, thread)
    saver.call("prune", [thread["configurable"]["thread_id"]], strategy="keep_latest")
    return _logged(saver.state(graph, thread), returned)


# -- in a graph ------------------------------------------------------------------------------------


@check("a graph", "delta channel")
def delta(saver: Examined) -> str | None:
    """Ran six steps side by side into a delta channel, twice, and read the state; expected what the
    run returned.
    """
    from lessons_lib.saver_exam.graphs import log_graph

    graph, thread = log_graph(saver.saver), saver.thread()
    returned = [saver.invoke(graph, {"log": [word]}, thread) for word in ("one", "two")][-1]
    return _logged(saver.state(graph, thread), returned)


def _logged(seen: Any, returned: Any) -> str | None:
    """What is told of a log that is another than the run returned: the same words at each run."""
    found, expected = seen.get("log", []), returned["log"]
    if found == expected:
        return None
    if sorted(found) == sorted(expected):
        return "got the log in another order"
    return f"got {len(found)} of the {len(expected)} words in the log"


@check("a graph", "question and answer")
def asks(saver: Examined) -> str | None:
    """Ran a step that asks two questions, and answered them one by one; expected each question
    once, and both answers in the state.
    """
    from langgraph.types import Command

    from lessons_lib.saver_exam.graphs import form_graph

    graph, thread = form_graph(saver.saver), saver.thread()
    said: list[Any] = [{"said": []}, Command(resume="Ada"), Command(resume="36")]
    returned = [saver.invoke(graph, given, thread).get("__interrupt__", ()) for given in said]
    asked = [[one.value for one in questions] for questions in returned]
    if asked != [["name?"], ["age?"], []]:
        return f"it asked {asked!r}"
    return _got(saver.state(graph, thread), {"said": ["Ada", "36"]})


# -- at once, and by other methods -----------------------------------------------------------------

ROUNDS = 10


@check("at once", "several threads")
def at_once(saver: Examined) -> str | None:
    """Used it from eight threads at once, each on a conversation of its own that the next reads,
    and all on one more; expected no error, whole checkpoints, and all of it kept.
    """
    threads = [saver.thread() for _ in range(AT_ONCE)]
    (shared,) = _steps(saver, 1)
    torn = []

    last = dict(enumerate(threads))

    def job(number: int, step: int) -> None:
        last[number] = saver.put(last[number], {"step": step}, {"step": step})
        saver.write(shared, ("said", step), task=f"{number} {step}")
        read = saver.get(threads[number - 1])
        if read and read.checkpoint["channel_values"] != {"step": read.metadata.get("step")}:
            torn.append(read)

    saver.at_once(job, ROUNDS)
    if torn:
        return "one thread read a checkpoint of another without its values"
    kept = [len(saver.listed(thread)) for thread in threads]
    writes = len(saver.pending(shared))
    if kept == [ROUNDS] * AT_ONCE and writes == ROUNDS * AT_ONCE:
        return None
    return f"of {ROUNDS} checkpoints each {kept} were kept, of {ROUNDS * AT_ONCE} writes {writes}"


@check("methods", "of the other kind", optional=True)
def other_kind(saver: Examined) -> str | None:
    """Put with its methods of one kind (sync or async), and read with those of the other; expected
    the same.
    """
    config = _with_write(saver, saver.thread())
    found = saver.call("get_tuple", config, other=True)
    if found != saver.get(config):
        return "get_tuple and aget_tuple gave different things"
    if len(saver.call("list", config, other=True)) != 1:
        return "list and alist gave different things"
    saver.call("put_writes", config, [("said", "more")], "u", "", other=True)
    if len(saver.pending(config)) != 2:
        return "a write was not there"
    saver.call("delete_thread", config["configurable"]["thread_id"], other=True)
    return None if saver.get(config) is None else "a deleted thread was still there"
