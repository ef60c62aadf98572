"""Which node changed its input in place: asked of graphs of every shape, without changing them."""

from __future__ import annotations

import copy
import gc
import io
import operator
import threading
import time
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

from lessons_lib.observe import Aliases, aliases
from lessons_lib.observe.checkpoints.snapshots import Snapshot, text


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


def silent(found: Aliases) -> list[str]:
    return [f"{c.node} {c.path} {c.change}" for c in found.silent]


def changes(found: Aliases) -> list[str]:
    return [line.strip() for line in str(found).splitlines()[1:]]


# -- one node --------------------------------------------------------------------------------------


@dataclass
class Profile:
    """A state with attributes."""

    name: str = ""
    tags: list[str] = field(default_factory=list)


def append(state: State) -> None:
    state["messages"].append("b")


def answers(state: State) -> State:
    append(state)
    return state


def rename(state: State) -> None:
    state["user"] = {"name": "Bob"}


def set_again(state: State) -> None:
    state["messages"] = list(state["messages"])


def mark_and_answer(state: State) -> Any:
    state["messages"][0]["read"] = True
    return {"messages": [{"text": "b", "read": True}]}


def drop(state: State) -> Any:
    del state["messages"][0]
    return {"messages": list(state["messages"])}


def fill(state: Profile) -> None:
    state.tags.append("new")
    state.name = "Bob"


def promote(state: State) -> None:
    state["user"]["profile"].tags.append("vip")


def rewrite(state: MessagesState) -> dict[str, Any]:
    state["messages"][0].content = "changed"
    return {"messages": [AIMessage("hello")]}


def both(state: State) -> Any:
    state["user"]["name"] = "Bob"
    append(state)
    return {"messages": state["messages"]}


ALL = "n2, the result, the caller"
ONE, TWO = {"messages": ["a"]}, {"messages": ["a"], "user": {"name": "Ada"}}


@pytest.mark.parametrize(
    ("node", "given", "told"),
    [
        (append, ONE, ["['messages'][1] added 'b' (not returned; seen by ALL)"]),
        (
            rename,
            TWO,
            ["['user'] {'name': 'Ada'} → {'name': 'Bob'} (not returned; seen by nobody)"],
        ),
        (lambda s: {"messages": [*s["messages"], "b"]}, ONE, []),
        (set_again, ONE, []),
        (
            mark_and_answer,
            {"messages": [{"text": "a"}]},
            ["['messages'][0]['read'] added True (not returned; seen by the caller)"],
        ),
        (drop, ONE, ["['messages'][0] removed 'a' (returned, too; seen by the caller)"]),
        (
            fill,
            {"name": "Ada", "tags": []},
            [
                ".name 'Ada' → 'Bob' (not returned; seen by nobody)",
                ".tags[0] added 'new' (not returned; seen by ALL)",
            ],
        ),
        (
            promote,
            {"user": {"profile": Profile("Ada")}},
            ["['user']['profile'].tags[0] added 'vip' (not returned; seen by ALL)"],
        ),
        (
            rewrite,
            {"messages": [HumanMessage("hi", id="1")]},
            ["['messages'][0].content 'hi' → 'changed' (not returned; seen by ALL)"],
        ),
        (
            both,
            TWO,
            [
                "['messages'][1] added 'b' (returned, too; seen by ALL)",
                "['user']['name'] 'Ada' → 'Bob' (not returned; seen by ALL)",
            ],
        ),
    ],
)
def test_what_a_node_changes_in_place_whether_it_is_returned_and_who_sees_it(
    node: Node, given: Any, told: list[str]
) -> None:
    state = {fill: Profile, rewrite: MessagesState}.get(node, State)
    before = copy.deepcopy(given)
    found = aliases(line(node, lambda s: None, state=state), given)
    assert changes(found) == [f"n1: {one.replace('ALL', ALL)}" for one in told]
    assert (found.ran, found.ended) == (("n1", "n2"), "finished")
    assert given == before
    assert ("text/html" in found._repr_mimebundle_()) == bool(told)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (both, "2 changes in place, 1 of them not returned (1 node ran):"),
        (answers, "1 change in place, returned, too (1 node ran):"),
        (lambda s: None, "No node changed its input in place (1 node ran)."),
    ],
)
def test_how_it_begins(node: Node, words: str) -> None:
    found = aliases(line(node), {"messages": ["a"], "user": {"name": "Ada"}})
    assert str(found).splitlines()[0] == words


@pytest.mark.parametrize(
    "answer",
    [
        lambda s: s,
        lambda s: {"messages": s["messages"]},
        lambda s: {"messages": list(s["messages"])},
        lambda s: {"messages": s["messages"][1:]},
        lambda s: Command(update={"messages": s["messages"]}),
        lambda s: [Command(), Command(update={"messages": s["messages"]})],
    ],
)
def test_a_change_that_is_returned_too_is_told_apart(answer: Node) -> None:
    def node(state: State) -> Any:
        state["messages"].append({"text": "b"})
        return answer(state)

    [change] = aliases(line(node), {"messages": [{"text": "a"}]}).changes
    assert change.returned


def test_a_long_conversation_is_looked_at_in_short_time() -> None:
    """The lesson's promise for one's own graph; the bound is twenty times what it takes."""
    messages = [{"role": "user", "text": str(n)} for n in range(2000)]
    started = time.process_time()
    found = aliases(line(*[lambda s: s["messages"].append("b")] * 3), {"messages": messages})
    assert [c.path for c in found.silent] == [f"['messages'][{2000 + n}]" for n in range(3)]
    assert time.process_time() - started < 6


# -- graphs of every shape -------------------------------------------------------------------------


def branches(*nodes: Node, state: Any = State) -> Any:
    builder = StateGraph(state)
    for n, node in enumerate(nodes, 1):
        builder.add_node(f"n{n}", node).add_edge(START, f"n{n}")
    return builder.compile()


def test_branches_side_by_side_each_answer_for_themselves() -> None:
    def by(name: str) -> Node:
        return lambda state: state["messages"].append(name)

    found = aliases(branches(by("a"), by("b"), by("c")), {"messages": []})
    assert sorted((c.node, c.change) for c in found.silent) == [
        ("n1", "added 'a'"),
        ("n2", "added 'b'"),
        ("n3", "added 'c'"),
    ]
    assert all("(side by side)" in name for c in found.changes[:-1] for name in c.seen_by[:-2])


def test_branches_that_wait_for_each_other_are_not_held_up_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lessons_lib.observe.checkpoints.aliases.PATIENCE", 0.05)
    meet = threading.Barrier(2, timeout=20)

    def wait(state: State) -> None:
        meet.wait()

    found = aliases(branches(wait, wait), {})
    assert found.ended == "finished"
    assert len(found.ran) == 2
    assert str(found).startswith("No verdict, not everything was compared: which of the nodes that")


def sends() -> Any:
    shared: dict[str, list[str]] = {"parts": []}
    builder = StateGraph(State)
    builder.add_node("plan", lambda s: None).add_edge(START, "plan")
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


@pytest.mark.parametrize(
    ("graph", "given", "told"),
    [
        (line(line(append), lambda s: None), {"messages": ["a"]}, ["n1/n1 ['messages'][1] added"]),
        (sends(), {"log": []}, ["work ['parts'][0] added"]),
        (with_tasks(), ["a"], ["work [1] added", "work [2] added"]),
        (line(awaited, lambda s: None), {"messages": []}, ["n1 ['messages'][0] added"]),
        (line(line(awaited)), {"messages": []}, ["n1/n1 ['messages'][0] added"]),
        (branches(awaited), {"messages": []}, ["n1 ['messages'][0] added"]),
        (line(fails), {"messages": []}, ["n1 ['messages'][0] added"]),
    ],
)
def test_graphs_of_every_shape(graph: Any, given: Any, told: list[str]) -> None:
    assert [one.rsplit(" ", 1)[0] for one in silent(aliases(graph, given))] == told


# -- threads, errors, interrupts -------------------------------------------------------------------


def test_a_thread_is_the_start_and_stays_as_it_is() -> None:
    saver = InMemorySaver()
    graph = line(lambda s: s["messages"].append("b"), lambda s: {"log": ["n2"]}, saver=saver)
    thread = {"configurable": {"thread_id": "7"}}
    graph.update_state(thread, {"messages": ["a"], "log": ["before"]}, as_node="n2")
    stored, before = len(saver.blobs), graph.get_state(thread)
    found = aliases(graph, {"log": ["now"]}, {"configurable": {"thread_id": 7}})
    assert silent(found) == ["n1 ['messages'][1] added 'b'"]
    assert (len(saver.blobs), graph.get_state(thread)) == (stored, before)
    assert aliases(graph, {"messages": []}).ran == ("n1", "n2")
    assert aliases(graph, {"messages": []}, {"configurable": {"thread_id": "new"}}).changes


def test_a_run_that_waits_and_its_answer() -> None:
    def ask(state: State) -> dict[str, Any]:
        state["messages"].append("asked")
        return {"log": [interrupt("sure?")]}

    saver = InMemorySaver()
    graph = line(ask, saver=saver)
    assert aliases(graph, {"messages": []}).ended == "interrupted"
    thread = {"configurable": {"thread_id": "ada"}}
    graph.invoke({"messages": []}, thread)
    assert aliases(graph, Command(resume="yes"), thread).ended == "finished"
    assert graph.get_state(thread).interrupts


def test_the_reader_s_own_callbacks_and_graph_stay() -> None:
    graph = line(lambda s: None)
    before = dict(graph.__dict__)
    config: dict[str, Any] = {"callbacks": []}
    aliases(graph, {"messages": []}, config)
    assert config == {"callbacks": []}
    assert graph.__dict__ == before


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


@pytest.mark.parametrize("where", ["graph", "subgraph"])
def test_the_reader_s_cache_stays_cold(where: str) -> None:
    ran: list[int] = []

    def dear(state: State) -> State:
        ran.append(1)
        return {"log": ["dear"]}

    builder: Any = StateGraph(State)
    builder.add_node(dear, cache_policy=CachePolicy()).add_edge(START, "dear")
    graph = builder.compile(cache=InMemoryCache())
    if where == "subgraph":
        graph = line(graph)
    aliases(graph, {"log": ["a"]})
    assert len(ran) == 1
    graph.invoke({"log": ["a"]})
    assert len(ran) == 2
    aliases(graph, {"log": ["a"]})
    assert len(ran) == 3


def test_nothing_of_the_run_is_found_afterwards() -> None:
    from lessons_lib.observe import where_is

    graph = line(lambda s: {"log": [interrupt(s["log"][0].upper())]}, saver=InMemorySaver())
    gc.collect()
    gc.disable()
    try:
        aliases(graph, {"log": ["the matter of fact"]})
        assert "InMemorySaver" not in str(where_is("THE MATTER " + "OF FACT"))
    finally:
        gc.enable()


def mark(state: State) -> None:
    user: Any = state["user"]
    user.write(b"after") if hasattr(user, "write") else user[-1].update(seen=True)


def ask(state: State) -> Any:
    return {"log": [interrupt("sure?")]}


MANY: list[dict[str, bool]] = [{} for _ in range(99)]


@pytest.mark.parametrize(
    ("node", "user", "words"),
    [
        (mark, MANY, "No verdict, not everything was compared: what lies beyond the first 50 obj"),
        (
            mark,
            io.BytesIO(b"before"),
            "No verdict, not everything was compared: what a BytesIO holds. In what",
        ),
        (
            append,
            io.BytesIO(b"before"),
            "1 change in place, not returned; not everything was compared: what a",
        ),
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


def test_every_attempt_of_a_node_is_told() -> None:
    tries: list[int] = []

    def flaky(state: State) -> None:
        state["messages"].append("try")
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError

    policy = RetryPolicy(max_attempts=3, initial_interval=0.01)
    builder: Any = StateGraph(State)
    builder.add_node("flaky", flaky, retry_policy=policy).add_edge(START, "flaky")
    assert len(aliases(builder.compile(), {"messages": []}).silent) == 3


# -- bad input ------------------------------------------------------------------------------------


class Delta(TypedDict):
    log: Annotated[list[str], DeltaChannel(operator.add)]


PLAIN = line(lambda s: None)
SAVED = line(lambda s: None, saver=InMemorySaver())
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
        (SAVED, {}, GONE, "the saver gave no checkpoint 'mistyped' of the thread"),
        (DELTA, {"log": []}, {"configurable": {"thread_id": "ada"}}, "has a DeltaChannel"),
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


class Empty:
    """Without an attribute, as long as nobody gives it one."""


def differences(thing: Any, change: Callable[[Any], object]) -> list[str]:
    before = Snapshot(thing)
    change(thing)
    return [f"{d.path} {d.change}" for d in before.differences(Snapshot(thing))]


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
    ],
)
def test_differences(thing: Any, change: Callable[[Any], object], expected: list[str]) -> None:
    assert differences(thing, change) == expected


class Slotted:
    __slots__ = ("__weakref__", "name")


class Bag(dict[str, int]):
    pass


@pytest.mark.parametrize(
    ("thing", "opaque"),
    [
        (UUID(int=1), False),
        (Path("x"), False),
        (SimpleNamespace(a=1), False),
        (KeyError("x"), False),
        (HumanMessage("x"), False),
        (Slotted(), False),
        (Bag(), False),
        (object(), False),
        (Random(), True),
        (MappingProxyType({}), True),
        (iter([1]), True),
    ],
)
def test_what_python_shows_nothing_of_is_named(thing: Any, opaque: bool) -> None:
    assert Snapshot([thing]).closed == (
        {f"what a {type(thing).__name__} holds"} if opaque else set()
    )


def test_a_snapshot_of_what_leads_to_itself_and_of_the_deep() -> None:
    knot: list[Any] = []
    knot.append(knot)
    assert differences(knot, lambda t: t.append(1)) == ["[1] added 1"]
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    assert Snapshot(deep).differences(Snapshot(deep)) == []


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
