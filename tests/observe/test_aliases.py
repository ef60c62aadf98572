"""Which node changed its input in place: asked of graphs of every shape, without changing them."""

from __future__ import annotations

import gc
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


def told(found: Aliases) -> list[tuple[str, str, str, bool, tuple[str, ...]]]:
    return [(c.node, c.path, c.change, c.returned, c.seen_by) for c in found.changes]


def silent(found: Aliases) -> list[str]:
    return [f"{c.node} {c.path} {c.change}" for c in found.silent]


# -- one node --------------------------------------------------------------------------------------


def test_a_list_changed_in_place_is_seen_by_who_comes_after() -> None:
    graph = line(lambda s: s["messages"].append("b"), lambda s: {"log": ["n2"]})
    given = {"messages": ["a"]}
    found = aliases(graph, given)
    expected = ("n1", "['messages'][1]", "added 'b'", False, ("n2", "the result", "the caller"))
    assert told(found) == [expected]
    assert found.ran == ("n1", "n2")
    assert found.ended == "finished"
    assert given == {"messages": ["a"]}


def test_a_key_of_the_nodes_own_dictionary_is_seen_by_nobody() -> None:
    def rename(state: State) -> None:
        state["user"] = {"name": "Bob"}

    found = aliases(line(rename, lambda s: None), {"user": {"name": "Ada"}})
    assert told(found) == [("n1", "['user']", "{'name': 'Ada'} → {'name': 'Bob'}", False, ())]


def test_a_node_that_returns_new_objects_changes_nothing() -> None:
    found = aliases(line(lambda s: {"messages": [*s["messages"], "b"]}), {"messages": ["a"]})
    assert found.changes == ()
    assert str(found) == "No node changed its input in place (1 node ran)."
    assert "text/html" not in found._repr_mimebundle_()


def test_a_key_that_is_set_to_what_it_was_is_no_change() -> None:
    def again(state: State) -> None:
        state["messages"] = list(state["messages"])

    assert aliases(line(again), {"messages": ["a"]}).changes == ()


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


def test_another_part_of_the_same_key_returned_is_not_the_change() -> None:
    def node(state: State) -> Any:
        state["messages"][0]["read"] = True
        return {"messages": [{"text": "b", "read": True}]}

    found = aliases(line(node), {"messages": [{"text": "a"}]})
    assert silent(found) == ["n1 ['messages'][0]['read'] added True"]


def test_a_removal_that_is_returned() -> None:
    def node(state: State) -> Any:
        del state["messages"][0]
        return {"messages": list(state["messages"])}

    [change] = aliases(line(node), {"messages": ["a", "b"]}).changes
    assert (change.path, change.change, change.returned) == ("['messages'][0]", "removed 'a'", True)


def test_how_it_reads() -> None:
    def both(state: State) -> Any:
        state["user"]["name"] = "Bob"
        state["messages"].append("b")
        return {"messages": state["messages"]}

    given = {"messages": ["a"], "user": {"name": "Ada"}}
    assert str(aliases(line(both), given)).splitlines() == [
        "2 changes in place, 1 of them not returned (1 node ran):",
        "  n1: ['messages'][1] added 'b' (returned, too; seen by the result, the caller)",
        "  n1: ['user']['name'] 'Ada' → 'Bob' (not returned; seen by the result, the caller)",
    ]
    html = aliases(line(both), given)._repr_mimebundle_()["text/html"]
    assert "the caller" in html
    assert "<th" in html
    assert str(aliases(line(lambda s: s["messages"].append("b") or s), given)).startswith(
        "1 change in place, returned, too (1 node ran):"
    )


# -- states of every kind --------------------------------------------------------------------------


@dataclass
class Profile:
    """A state with attributes."""

    name: str = ""
    tags: list[str] = field(default_factory=list)


def test_a_state_that_is_a_dataclass() -> None:
    def node(state: Profile) -> None:
        state.tags.append("new")
        state.name = "Bob"

    found = aliases(line(node, lambda s: None, state=Profile), {"name": "Ada", "tags": []})
    assert told(found) == [
        ("n1", ".name", "'Ada' → 'Bob'", False, ()),
        ("n1", ".tags[0]", "added 'new'", False, ("n2", "the result", "the caller")),
    ]


def test_an_object_in_the_state() -> None:
    def node(state: State) -> None:
        state["user"]["profile"].tags.append("vip")

    found = aliases(line(node), {"user": {"profile": Profile("Ada")}})
    assert silent(found) == ["n1 ['user']['profile'].tags[0] added 'vip'"]


def test_a_message_of_langchain_s() -> None:
    def node(state: MessagesState) -> dict[str, Any]:
        state["messages"][0].content = "changed"
        return {"messages": [AIMessage("hello")]}

    found = aliases(line(node, state=MessagesState), {"messages": [HumanMessage("hi", id="1")]})
    assert silent(found) == ["n1 ['messages'][0].content 'hi' → 'changed'"]


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


def test_a_node_of_a_subgraph_is_the_author_of_its_change() -> None:
    inner = line(lambda s: s["messages"].append("b"))
    found = aliases(line(inner, lambda s: None), {"messages": ["a"]})
    assert silent(found) == ["n1/n1 ['messages'][1] added 'b'"]
    assert found.ran == ("n1", "n1/n1", "n2")


def test_an_object_that_was_sent() -> None:
    shared: dict[str, list[str]] = {"parts": []}
    builder = StateGraph(State)
    builder.add_node("plan", lambda s: None).add_edge(START, "plan")
    builder.add_node("work", lambda part: part["parts"].append("x"))
    builder.add_conditional_edges("plan", lambda s: [Send("work", shared)], ["work"])
    assert silent(aliases(builder.compile(), {"log": []})) == ["work ['parts'][0] added 'x'"]


def test_nodes_that_can_only_be_awaited() -> None:
    async def node(state: State) -> None:
        state["messages"].append("b")

    for graph in line(node, lambda s: None), line(line(node)), branches(node, node):
        assert silent(aliases(graph, {"messages": ["a"]}))


def test_a_function_with_tasks() -> None:
    @task
    def add(items: list[str]) -> int:
        items.append("b")
        return len(items)

    @entrypoint()
    def work(items: list[str]) -> int:
        return add(items).result() + add(items).result()

    assert silent(aliases(work, ["a"])) == ["work [1] added 'b'", "work [2] added 'b'"]


# -- threads, errors, interrupts -------------------------------------------------------------------


def test_a_thread_is_the_start_and_stays_as_it_is() -> None:
    saver = InMemorySaver()
    graph = line(lambda s: s["messages"].append("b"), lambda s: {"log": ["n2"]}, saver=saver)
    thread = {"configurable": {"thread_id": "ada"}}
    graph.update_state(thread, {"messages": ["a"], "log": ["before"]}, as_node="n2")
    stored, before = len(saver.blobs), graph.get_state(thread)
    found = aliases(graph, {"log": ["now"]}, thread)
    assert silent(found) == ["n1 ['messages'][1] added 'b'"]
    assert (len(saver.blobs), graph.get_state(thread)) == (stored, before)
    assert aliases(graph, {"messages": []}).ran == ("n1", "n2")
    assert aliases(graph, {"messages": []}, {"configurable": {"thread_id": "new"}}).changes


def test_a_thread_may_be_named_by_a_number() -> None:
    graph = line(lambda s: s["messages"].append("b"), saver=InMemorySaver())
    graph.invoke({"messages": ["a"]}, {"configurable": {"thread_id": "7"}})
    found = aliases(graph, {"log": []}, {"configurable": {"thread_id": 7}})
    assert silent(found) == ["n1 ['messages'][1] added 'b'"]


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


def test_what_was_changed_before_an_error_is_told() -> None:
    def node(state: State) -> None:
        state["messages"].append("b")
        raise RuntimeError("no more")

    found = aliases(line(node), {"messages": ["a"]})
    assert found.ended == "raised RuntimeError: no more"
    assert "1 node ran, raised RuntimeError: no more" in str(found)
    assert silent(found) == ["n1 ['messages'][1] added 'b'"]


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


def test_an_interrupted_run_gives_no_verdict() -> None:
    graph = line(lambda s: {"log": [interrupt("sure?")]}, saver=InMemorySaver())
    assert str(aliases(graph, {"log": []})).startswith("No verdict, the run was interrupted.")


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


class Opaque:
    """What C code holds for it, Python does not show."""

    def __new__(cls) -> Any:
        import io

        return io.BytesIO(b"before")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{} for _ in range(99)], "what lies beyond the first 50 objects"),
        (Opaque(), "what a BytesIO holds"),
    ],
)
def test_what_cannot_be_compared_is_told_first(
    given: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons_lib.observe.checkpoints.snapshots.MAX_PARTS", 50)

    def mark(state: State) -> None:
        user: Any = state["user"]
        user.write(b"after") if hasattr(user, "write") else user[-1].update(seen=True)

    said = str(aliases(line(mark), {"user": given}))
    assert said.startswith(f"No verdict, not everything was compared: {words}. In what was seen")


def test_a_change_beside_what_cannot_be_compared_is_told_with_it() -> None:
    def mark(state: State) -> None:
        state["messages"].append("b")

    said = str(aliases(line(mark), {"messages": [], "user": {"file": Opaque()}}))
    assert said.startswith("1 change in place, not returned; not everything was compared: what a B")


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


def test_a_checkpoint_that_the_thread_does_not_have() -> None:
    graph = line(lambda s: None, saver=InMemorySaver())
    with pytest.raises(ValueError, match="the saver gave no checkpoint 'mistyped' of the thread"):
        aliases(graph, {}, {"configurable": {"thread_id": "ada", "checkpoint_id": "mistyped"}})
    assert not graph.checkpointer.storage


# -- bad input -------------------------------------------------------------------------------------


def test_what_is_no_compiled_graph() -> None:
    with pytest.raises(TypeError, match="is not compiled yet"):
        aliases(StateGraph(State), {})
    with pytest.raises(TypeError, match=r"\{\} is no graph"):
        aliases({}, {})


def test_inputs_that_cannot_be_run() -> None:
    graph = line(lambda s: None)
    with pytest.raises(ValueError, match="go on with what the thread holds"):
        aliases(graph, None)
    with pytest.raises(ValueError, match=r"cannot be copied .* expected an input that can"):
        aliases(graph, {"user": {"lock": threading.Lock()}})
    with pytest.raises(ValueError, match="the graph did not start with 'hello'"):
        aliases(graph, "hello")


def test_a_config_without_a_thread() -> None:
    graph = line(lambda s: None, saver=InMemorySaver())
    with pytest.raises(ValueError, match="names no thread"):
        aliases(graph, {}, {"configurable": {}})


def test_a_delta_channel_on_an_old_thread() -> None:
    class Delta(TypedDict):
        log: Annotated[list[str], DeltaChannel(operator.add)]

    graph = line(lambda s: {"log": ["x"]}, saver=InMemorySaver(), state=Delta)
    thread = {"configurable": {"thread_id": "ada"}}
    graph.invoke({"log": []}, thread)
    with pytest.raises(ValueError, match="has a DeltaChannel"):
        aliases(graph, {"log": []}, thread)


# -- snapshots -------------------------------------------------------------------------------------


class Empty:
    """Without an attribute, as long as nobody gives it one."""


def changed(thing: Any, change: Callable[[Any], object]) -> list[str]:
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
    assert changed(thing, change) == expected


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
    assert changed(knot, lambda t: t.append(1)) == ["[1] added 1"]
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
    [found] = changed(thing, lambda t: t.update(a=Jealous(4)))
    assert found == "['a'] Jealous(number=1) → Jealous(number=4)"
    assert text(Snapshot(thing).root).startswith("{'a': Jealous(number=4), 'b': [Jealous(number=2")
