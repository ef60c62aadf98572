"""Which node changed its input in place: asked of graphs of every shape, without changing them."""

from __future__ import annotations

import copy
import gc
import io
import operator
import threading
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, TypedDict
from uuid import UUID

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import CachePolicy, Command, RetryPolicy, Send, interrupt
from pydantic import BaseModel, PrivateAttr

from lessons_lib.observe import Aliases, aliases
from lessons_lib.observe.checkpoints.snapshots import Snapshot, text
from tests.observe.graphs import ADA


class State(TypedDict, total=False):
    messages: list[Any]
    log: Annotated[list[str], operator.add]
    user: dict[str, Any]


Node = Any


def line(*nodes: Node, saver: Any = None, state: Any = State) -> Any:
    """A graph of nodes one after the other, named n1, n2, …"""
    builder = StateGraph(state)
    builder.add_sequence([(f"n{n}", node) for n, node in enumerate(nodes, 1)])
    return builder.add_edge(START, "n1").compile(checkpointer=saver)


def branches(*nodes: Node) -> Any:
    builder = StateGraph(State)
    for n, node in enumerate(nodes, 1):
        builder.add_node(f"n{n}", node).add_edge(START, f"n{n}")
    return builder.compile()


def alone(node: Node, **more: Any) -> Any:
    """A graph of one node; `more` is what the builder is told of it."""
    builder: Any = StateGraph(State).add_node("node", node, **more)
    return builder.add_edge(START, "node")


def silent(found: Aliases) -> list[str]:
    return [f"{c.node} {c.path} {c.change}" for c in found.silent]


nothing: Node = lambda state: None  # noqa: E731  (one with annotations would narrow its input)


# -- one node --------------------------------------------------------------------------------------


@dataclass
class Profile:
    """A state with attributes."""

    name: str = ""
    tags: list[str] = field(default_factory=list)


def append(state: State) -> None:
    state["messages"].append("b")


def rename(state: State) -> None:
    state["user"] = {"name": "Bob"}


def set_again(state: State) -> None:
    state["messages"] = list(state["messages"])


def mark_and_answer(state: State) -> Any:
    state["messages"][0]["read"] = True
    return {"messages": [{"text": "b", "read": True}]}


def fill(state: Profile) -> None:
    state.tags.append("new")
    state.name = "Bob"


def rewrite(state: MessagesState) -> dict[str, Any]:
    state["messages"][0].content = "changed"
    return {"messages": [AIMessage("hello")]}


def both(state: State) -> Any:
    state["user"]["name"] = "Bob"
    append(state)
    return {"messages": state["messages"]}


NOT = "1 change in place, not returned"
NONE = "No node changed its input in place"
ALL = "n2, the result, the caller"
ONE, TWO = {"messages": ["a"]}, {"messages": ["a"], "user": {"name": "Ada"}}


@pytest.mark.parametrize(
    ("node", "given", "first", "told"),
    [
        (append, ONE, NOT, f"['messages'][1] added 'b' (not returned; seen by {ALL})"),
        (rename, TWO, NOT, "['user'] {'name': 'Ada'} → {'name': 'Bob'} (not returned; seen by no"),
        (set_again, ONE, NONE, ""),
        (
            mark_and_answer,
            {"messages": [{"text": "a"}]},
            NOT,
            "['messages'][0]['read'] added True (not returned; seen by the caller)",
        ),
        (
            fill,
            {"name": "Ada", "tags": []},
            "2 changes in place, not returned",
            f".tags[0] added 'new' (not returned; seen by {ALL})",
        ),
        (
            rewrite,
            {"messages": [HumanMessage("hi", id="1")]},
            NOT,
            f"['messages'][0].content 'hi' → 'changed' (not returned; seen by {ALL})",
        ),
        (
            both,
            TWO,
            "2 changes in place, 1 of them not returned",
            f"['messages'][1] added 'b' (returned, too; seen by {ALL})",
        ),
    ],
)
def test_what_a_node_changes_in_place_whether_it_is_returned_and_who_sees_it(
    node: Node, given: Any, first: str, told: str
) -> None:
    state = {fill: Profile, rewrite: MessagesState}.get(node, State)
    before = copy.deepcopy(given)
    found = aliases(line(node, nothing, state=state), given)
    assert str(found).startswith(f"{first} (2 nodes ran)")
    assert told in str(found)
    assert given == before
    assert ("text/html" in found._repr_mimebundle_()) == bool(told)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s: s,
        lambda s: {"messages": list(s["messages"])},
        lambda s: {"messages": s["messages"][1:]},
        lambda s: [Command(), Command(update={"messages": s["messages"]})],
    ],
)
def test_a_change_that_is_returned_too_is_told_apart(answer: Node) -> None:
    def node(state: State) -> Any:
        state["messages"].append({"text": "b"})
        return answer(state)

    found = aliases(line(node), {"messages": [{"text": "a"}]})
    assert str(found).startswith("1 change in place, returned, too (1 node ran):")


# -- graphs of every shape -------------------------------------------------------------------------


def test_branches_side_by_side_each_answer_for_themselves() -> None:
    def by(name: str) -> Node:
        return lambda state: state["messages"].append(name)

    found = aliases(branches(by("a"), by("b")), {"messages": []})
    assert sorted((c.node, c.change) for c in found.silent) == [
        ("n1", "added 'a'"),
        ("n2", "added 'b'"),
    ]
    assert "(side by side)" in found.changes[0].seen


def test_branches_that_wait_for_each_other_are_not_held_up_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lessons_lib.observe.checkpoints.aliases.PATIENCE", 0.05)
    meet = threading.Barrier(2, timeout=20)
    wait: Node = lambda state: {"log": [str(meet.wait() >= 0)]}  # noqa: E731
    found = aliases(branches(wait, wait), {})
    assert (found.ended, len(found.ran)) == ("finished", 2)
    assert str(found).startswith("No verdict, not everything was compared: which of the nodes that")


def sends() -> Any:
    shared: dict[str, list[str]] = {"parts": []}
    builder = StateGraph(State).add_node("plan", nothing).add_edge(START, "plan")
    builder.add_node("work", lambda part: part["parts"].append("x"))
    builder.add_conditional_edges("plan", lambda s: [Send("work", shared)], ["work"])
    return builder.compile()


def with_tasks() -> Any:
    @task
    def add(items: list[str]) -> int:
        items.append("b")
        return len(items)

    @entrypoint()
    def work(items: list[str]) -> int:
        return add(items).result() + add(items).result()

    return work


async def awaited(state: State) -> None:
    append(state)


def fails(state: State) -> None:
    append(state)
    raise RuntimeError("no more")


def three_times() -> Any:
    tries: list[int] = []

    def flaky(state: State) -> None:
        append(state)
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError

    policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False)
    return alone(flaky, retry_policy=policy).compile()


EMPTY: dict[str, list[Any]] = {"messages": []}


@pytest.mark.parametrize(
    ("graph", "given", "told"),
    [
        (line(line(append), nothing), EMPTY, ["n1/n1 ['messages'][0] added"]),
        (sends(), {"log": []}, ["work ['parts'][0] added"]),
        (with_tasks(), ["a"], ["work [1] added", "work [2] added"]),
        (line(awaited, nothing), EMPTY, ["n1 ['messages'][0] added"]),
        (line(line(awaited)), EMPTY, ["n1/n1 ['messages'][0] added"]),
        (branches(awaited), EMPTY, ["n1 ['messages'][0] added"]),
        (line(fails), EMPTY, ["n1 ['messages'][0] added"]),
        (three_times(), EMPTY, [f"node ['messages'][{n}] added" for n in range(3)]),
    ],
)
def test_graphs_of_every_shape(graph: Any, given: Any, told: list[str]) -> None:
    assert [one.rsplit(" ", 1)[0] for one in silent(aliases(graph, given))] == told


# -- nothing is changed ----------------------------------------------------------------------------


def test_a_thread_is_the_start_and_stays_as_it_is() -> None:
    saver = InMemorySaver()
    graph = line(append, lambda s: {"log": ["n2"]}, saver=saver)
    thread = {"configurable": {"thread_id": "7"}}
    graph.update_state(thread, {"messages": ["a"], "log": ["before"]}, as_node="n2")
    stored, before, own = len(saver.blobs), graph.get_state(thread), dict(graph.__dict__)
    config: dict[str, Any] = {"configurable": {"thread_id": 7}, "callbacks": []}
    assert silent(aliases(graph, {"log": ["now"]}, config)) == ["n1 ['messages'][1] added 'b'"]
    assert config == {"configurable": {"thread_id": 7}, "callbacks": []}
    assert (len(saver.blobs), graph.get_state(thread), graph.__dict__) == (stored, before, own)
    assert aliases(graph, {"messages": []}).ran == ("n1", "n2")
    assert aliases(graph, {"messages": []}, {"configurable": {"thread_id": "new"}}).changes


def ask(state: State) -> Any:
    return {"log": [interrupt("sure?")]}


def test_a_run_that_waits_and_its_answer() -> None:
    graph = line(ask, saver=InMemorySaver())
    assert aliases(graph, {"messages": []}).ended == "interrupted"
    graph.invoke({"messages": []}, ADA)
    assert aliases(graph, Command(resume="yes"), ADA).ended == "finished"
    assert graph.get_state(ADA).interrupts


@pytest.mark.parametrize("where", ["graph", "subgraph"])
def test_the_reader_s_cache_stays_cold(where: str) -> None:
    ran: list[int] = []

    def dear(state: State) -> State:
        ran.append(1)
        return {"log": ["dear"]}

    graph = alone(dear, cache_policy=CachePolicy()).compile(cache=InMemoryCache())
    if where == "subgraph":
        graph = line(graph)
    for number, run in enumerate((aliases, type(graph).invoke, aliases), 1):
        run(graph, {"log": ["a"]})
        assert len(ran) == number


def test_nothing_of_the_run_is_left_behind() -> None:
    def kept() -> int:
        savers = [one for one in gc.get_objects() if type(one) is InMemorySaver]
        return sum(bool(one.storage or one.blobs or one.writes) for one in savers)

    graph = line(ask, saver=InMemorySaver())
    gc.collect()
    gc.disable()
    try:
        before = kept()
        aliases(graph, {"log": ["the matter of fact"]})
        assert kept() == before
    finally:
        gc.enable()


# -- what is not known -----------------------------------------------------------------------------


def test_a_run_that_failed_gives_no_verdict_and_a_context_can_be_given() -> None:
    def greet(state: State, runtime: Runtime[Any]) -> None:
        state["messages"].append(runtime.context["user"])

    builder: Any = StateGraph(State, context_schema=dict)
    graph = builder.add_node(greet).add_edge(START, "greet").compile()
    failed = aliases(graph, {"messages": []})
    assert str(failed).startswith("No verdict, the run raised TypeError: 'NoneType' object is not")
    found = aliases(graph, {"messages": []}, context={"user": "ada"})
    assert silent(found) == ["greet ['messages'][0] added 'ada'"]


def mark(state: State) -> None:
    user: Any = state["user"]
    user.write(b"after") if hasattr(user, "write") else user[-1].update(seen=True)


def mark_last(state: State) -> None:
    user: Any = state["user"]
    user.n599 = "after"


MANY: list[dict[str, bool]] = [{} for _ in range(99)]
UNSEEN = "not everything was compared: what"


@pytest.mark.parametrize(
    ("node", "user", "words"),
    [
        (mark, MANY, f"No verdict, {UNSEEN} lies beyond the first 50 obj"),
        (mark_last, SimpleNamespace(n599=""), "1 change in place, not returned (1 node ran):"),
        (
            mark_last,
            SimpleNamespace(**{f"n{number}": "before" for number in range(600)}),
            f"No verdict, {UNSEEN} an instance keeps beyond its first 500 attributes. In what",
        ),
        (mark, io.BytesIO(b"before"), f"No verdict, {UNSEEN} a BytesIO holds. In what"),
        (append, io.BytesIO(b"before"), f"1 change in place, not returned; {UNSEEN} a"),
        (ask, {}, "No verdict, the run was interrupted. In what was seen, nothing was changed in"),
        (fails, {}, "1 change in place, not returned (1 node ran, raised RuntimeError: no more):"),
    ],
)
def test_what_is_not_known_is_told_first(
    node: Node, user: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons_lib.observe.checkpoints.snapshots.MAX_PARTS", 50)
    graph = line(node, saver=InMemorySaver() if node is ask else None)
    assert str(aliases(graph, {"messages": [], "user": user})).startswith(words)


# -- bad input ------------------------------------------------------------------------------------


class Delta(TypedDict):
    log: Annotated[list[str], DeltaChannel(operator.add)]


PLAIN = line(nothing)
SAVED = line(nothing, saver=InMemorySaver())
DELTA = line(lambda s: {"log": ["x"]}, saver=InMemorySaver(), state=Delta)
GONE = {"configurable": {"thread_id": "ada", "checkpoint_id": "mistyped"}}


@pytest.mark.parametrize(
    ("graph", "given", "config", "words"),
    [
        (StateGraph(State), {}, None, "is not compiled yet"),
        ({}, {}, None, r"\{\} is no graph"),
        (PLAIN, None, None, "go on with what the thread holds"),
        (PLAIN, {"user": threading.Lock()}, None, "cannot be copied .* expected an input that can"),
        (PLAIN, "hello", None, "the graph did not start with 'hello'"),
        (PLAIN, {}, 7, "the config is 7, expected a dictionary or None"),
        (SAVED, {}, {"configurable": {}}, "names no thread"),
        (SAVED, {}, GONE, "has no checkpoint 'mistyped'"),
        (DELTA, {"log": []}, ADA, "has a DeltaChannel"),
    ],
)
def test_bad_input_is_one_sentence(graph: Any, given: Any, config: Any, words: str) -> None:
    if graph is DELTA:
        graph.invoke(given, config)
    with pytest.raises((TypeError, ValueError), match=words) as caught:
        aliases(graph, given, config)
    assert "\n" not in str(caught.value)
    assert not SAVED.checkpointer.storage


# -- snapshots -------------------------------------------------------------------------------------


class Visitor(BaseModel):
    _seen: list[int] = PrivateAttr(default_factory=list)


class Empty:
    """Without an attribute, as long as nobody gives it one."""


def differences(thing: Any, change: Callable[[Any], object]) -> list[str]:
    before = Snapshot(thing)
    change(thing)
    return [f"{d.path} {d.change}" for d in before.differences(Snapshot(thing))]


KNOT: list[Any] = []
KNOT.append(KNOT)


@pytest.mark.parametrize(
    ("thing", "change", "expected"),
    [
        ({1: "a"}, lambda t: t.update({1: "b"}), ["[1] 'a' → 'b'"]),
        (["a", "c"], lambda t: t.insert(1, "b"), ["[1] added 'b'"]),
        (["a", "b"], lambda t: t.pop(0), ["[0] removed 'a'"]),
        (["a", "b"], lambda t: t.reverse(), ["[0] 'a' → 'b'", "[1] 'b' → 'a'"]),
        (deque(["a"]), lambda t: t.append("b"), ["[1] added 'b'"]),
        (([],), lambda t: t[0].append(1), ["[0][0] added 1"]),
        ({"s": {1}}, lambda t: t["s"].add(2), ["['s'] its content changed"]),
        ({"a": array("d", [1])}, lambda t: t["a"].append(2), ["['a'] its content changed"]),
        ({"o": Empty()}, lambda t: setattr(t["o"], "new", 1), ["['o'].new added 1"]),
        ({"b": bytearray(b"x")}, lambda t: t["b"].extend(b"y"), ["['b'] its content changed"]),
        (Profile("a"), lambda t: setattr(t, "name", "b"), [".name 'a' → 'b'"]),
        ({"a": 1}, lambda t: t.update(a=True), ["['a'] 1 → True"]),
        ({"a": 1}, lambda t: t.clear(), ["['a'] removed 1"]),
        ({"a": [1]}, lambda t: t.update(a=[1]), []),
        (KNOT, lambda t: t.append(1), ["[1] added 1"]),
        (Visitor(), lambda t: t._seen.append(1), [".__pydantic_private__['_seen'][0] added 1"]),
        (
            ["a", {}],
            lambda t: (t[1].update(new=1), t.reverse()),
            ["[0] 'a' → {'new': 1}", "[0]['new'] added 1", "[1] {} → 'a'"],
        ),
    ],
)
def test_differences(thing: Any, change: Callable[[Any], object], expected: list[str]) -> None:
    assert differences(thing, change) == expected


OPEN = (UUID(int=1), Path("x"), SimpleNamespace(a=1), KeyError("x"), HumanMessage("x"), object())
CLOSED: tuple[Any, ...] = (Random(), MappingProxyType({}), iter([1]))


@pytest.mark.parametrize(("things", "are_named"), [(OPEN, False), (CLOSED, True)])
def test_what_python_shows_nothing_of_is_named(things: Any, are_named: bool) -> None:
    for thing in things:
        told = {f"what a {type(thing).__name__} holds"} if are_named else set()
        assert Snapshot([thing]).closed == told


def test_no_code_of_the_reader_s_is_called() -> None:
    class Jealous:
        def __init__(self, number: int) -> None:
            self.number = number

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __hash__(self) -> int:
            return 1

        def __repr__(self) -> str:
            raise AssertionError("shown")

        @property
        def name(self) -> str:
            raise AssertionError("read")

    thing = {"a": Jealous(1), "b": [Jealous(2)], "c": {Jealous(3)}}
    [found] = differences(thing, lambda t: t.update(a=Jealous(4)))
    assert found == "['a'] Jealous(number=1) → Jealous(number=4)"
    assert text(Snapshot(thing).root).startswith("{'a': Jealous(number=4), 'b': [Jealous(number=2")
