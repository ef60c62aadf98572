"""The history of a thread: who wrote, what changed, what it weighs, what waits; and bad input."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from lessons_lib.observe import history, storage
from lessons_lib.observe.checkpoints.cards import nearest
from lessons_lib.observe.checkpoints.differences import differences, show
from lessons_lib.observe.checkpoints.tree import Tree
from tests.observe.graphs import (
    ADA,
    Complaint,
    Count,
    Elsewhere,
    complaint,
    counted,
    find,
    open_sqlite,
)

dumps = InMemorySaver().serde.dumps_typed


# -- what is in it -------------------------------------------------------------------------------


def test_each_step_tells_who_ran_what_each_wrote_and_what_changed(graph: Any) -> None:
    page = history(graph, ADA)
    assert [(one.step, one.source, one.wrote) for one in page] == [
        (-1, "input", ()),
        (0, "loop", ("__start__",)),
        (1, "loop", ("find",)),
        (2, "loop", ("check", "draft")),
        (3, "loop", ("ask",)),
        (4, "loop", ("send", "send")),
    ]
    assert dict(page.at(2).writes) == {
        "draft": {"log": ["drafted"]},
        "check": {"order": {"id": "A-1", "price": 12}},
    }
    assert [result["log"] for _, result in page.at(4).writes] == [["sent part 1"], ["sent part 2"]]
    assert list(map(str, page.at(2).changed)) == ["+ log[2]: 'drafted'", "order['price']: 10 → 12"]
    assert page.checkpoints[-1].values == graph.get_state(ADA).values
    assert len(history(graph, graph.get_state(ADA).config)) == len(page)
    # In exit mode one checkpoint has all the nodes of the run.
    other: Any = {"configurable": {"thread_id": "bob"}}
    graph.invoke({"log": ["smoke"]}, other, durability="exit")
    (only,) = history(graph, other)
    assert (only.step, only.wrote) == (2, ("__start__", "find", "check", "draft"))


def test_nodes_stand_in_the_order_of_their_steps_where_versions_are_whole_numbers() -> None:
    class Numbering(Elsewhere):
        def get_next_version(self, current: Any, channel: None) -> Any:
            return (current or 0) + 1

    names = [f"n{n}" for n in range(12)]
    builder: Any = StateGraph(Complaint).add_sequence([(name, find) for name in names])
    graph = builder.add_edge(START, "n0").compile(checkpointer=Numbering())
    graph.invoke({"log": []}, ADA, durability="exit")
    assert history(graph, ADA).at(12).wrote == ("__start__", *names)


def test_what_waits_and_what_was_asked(saver: Any) -> None:
    graph = complaint(saver)
    graph.invoke({"log": ["smoke"]}, ADA)
    last = history(graph, ADA).checkpoints[-1]
    assert (last.next, last.interrupts) == (("ask",), ("send it?",))
    assert "ask, asks 'send it?'" in str(history(graph, ADA))
    graph.invoke(Command(resume="yes"), ADA)
    assert "ask, asked 'send it?'" in str(history(graph, ADA))
    assert history(graph, ADA).at(3).next == ("send", "send")


def _side_by_side(**nodes: Any) -> Any:
    builder = StateGraph(Complaint)
    for name, node in nodes.items():
        builder.add_node(name, node).add_edge(START, name)
    return builder.compile(checkpointer=InMemorySaver())


def test_of_two_open_questions_one_that_is_answered_no_longer_waits() -> None:
    graph = _side_by_side(
        first=lambda state: {"log": [interrupt("first?")]},
        second=lambda state: {"log": [interrupt("second?")]},
    )
    graph.invoke({"log": []}, ADA)
    assert history(graph, ADA).at(0).interrupts == ("first?", "second?")
    answered = {one.id: "yes" for one in graph.get_state(ADA).interrupts if one.value == "first?"}
    graph.invoke(Command(resume=answered), ADA)
    now, seen = history(graph, ADA).at(0), graph.get_state(ADA)
    assert (now.next, now.interrupts, now.values) == (seen.next, ("second?",), seen.values)
    assert "second, asks 'second?'" in str(history(graph, ADA))


def test_the_error_of_a_task_is_told() -> None:
    graph = _side_by_side(fails=lambda state: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        graph.invoke({"log": []}, ADA)
    assert "fails raised ZeroDivisionError('division by zero')" in str(history(graph, ADA))


def test_a_checkpoint_that_the_graphs_schema_refuses_is_told_beside_the_others() -> None:
    class Case(BaseModel):
        tags: list[str] = []

    builder: Any = StateGraph(Case)
    builder.add_sequence([("bad", lambda state: {"tags": None}), ("after", lambda state: {})])
    graph = builder.add_edge(START, "bad").compile(checkpointer=InMemorySaver())
    with pytest.raises(ValueError, match="valid list"):
        graph.invoke({"tags": ["a"]}, ADA)
    page = history(graph, ADA)
    assert [bool(one.unread) for one in page] == [False, False, True]
    assert "step 1 cannot be read: the graph refuses it, ValidationError: 1 validation" in str(page)
    assert page.at(1).values == {"tags": None}


def test_what_an_entrypoint_remembers_is_told() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def total(more: int, *, previous: Any = None) -> Any:
        return entrypoint.final(value="done", save=(previous or 0) + more)

    for more in (41, 1):
        total.invoke(more, ADA)
    last = history(total, ADA).checkpoints[-1]
    assert (last.values, last.previous) == ("done", 42)


def test_bytes_are_those_that_the_saver_keeps_and_looking_changes_nothing() -> None:
    saver = InMemorySaver()
    graph = complaint(saver)
    graph.invoke({"log": ["smoke"]}, ADA)
    before = copy.deepcopy((dict(saver.storage), dict(saver.writes), saver.blobs))
    last = history(graph, ADA).checkpoints[-1]
    versions = saver.get_tuple(ADA).checkpoint["channel_versions"]  # type: ignore[union-attr]
    for channel, weight in last.weighs.items():
        assert weight == len(saver.blobs["ada", "", channel, versions[channel]][1])
    assert last.bytes == sum(last.weighs.values()) > 0
    assert history(graph, ADA) == history(graph, ADA)
    with pytest.raises(ValueError, match="knows no thread 'bob'"):
        history(graph, {"configurable": {"thread_id": "bob"}})
    assert (dict(saver.storage), dict(saver.writes), saver.blobs) == before


def test_branches_have_letters_and_an_int_names_the_step_on_the_newest_line(graph: Any) -> None:
    before = history(graph, ADA)
    graph.update_state(before.at(2).config, {"log": ["by hand"]}, as_node="find")
    graph.update_state(before.at(2).config, None, as_node="__copy__")
    page = history(graph, ADA)
    assert [(one.label, one.by) for one in page.checkpoints[-2:]] == [
        ("3b", "(update)"),
        ("3c", "(fork)"),
    ]
    assert page.at("3b").parent == page.at("2").id
    assert [page.at(step).label for step in (3, 4, page.checkpoints[0].id)] == ["3c", "4", "-1"]
    assert str(page).splitlines()[1].split()[:3] == ["step", "after", "wrote"]
    with pytest.raises(ValueError, match="has no checkpoint 9, expected a step or label such as"):
        page.at(9)
    picture = page.picture()
    assert str(picture).splitlines() == [
        "step -1 (input) → step 0 __start__ → step 1 find → step 2 check, draft (asked) "
        "→ step 3 ask → step 4 send ×2",
        "step 2 check, draft (asked) → step 3b (update)",
        "step 1 find → step 3c (fork)",
    ]
    assert picture.alt.startswith("Cards of checkpoints, each leading to the next: step -1")
    assert "A branch: step 2 check, draft (asked), then step 3b (update)." in picture.alt


def test_a_page_is_the_newest_and_says_what_is_older(saver: Any) -> None:
    graph = counted(saver, 35)
    page = history(graph, ADA, limit=5)
    assert [one.step for one in page] == [31, 32, 33, 34, 35]
    assert [one.wrote for one in page] == [("count",)] * 5
    assert str(page).splitlines()[-1].startswith("… and older ones, not read")
    everything = history(graph, ADA, limit=None)
    assert (len(everything), everything.older) == (37, False)
    first, more = str(everything.picture()).splitlines()
    assert first.startswith("step 6 count → step 7 count")
    assert first.endswith("→ step 35 count")
    assert more == "… and 7 more checkpoints, not drawn"


# -- differences ---------------------------------------------------------------------------------


SAID = [HumanMessage(f"number {n}", id=str(n)) for n in range(6)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {"m": SAID[:5]},
            {"m": SAID[1:]},
            ["− m[0]: human: 'number 0'", "+ m[4]: human: 'number 5'"],
        ),
        (
            {"m": [AIMessage("yes", id="a")]},
            {"m": [AIMessage("no", id="a")]},
            ["m[0]: ai: 'yes' → ai: 'no'"],
        ),
        ({"a": 1}, {}, ["− a: 1"]),
        ({"a": {1, 2}}, {"a": {2, 3}}, ["− a: 1", "+ a: 3"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a['b'][1]['c']: 2 → 3"]),
        ({"a": 1}, {"a": "1"}, ["a: 1 → '1'"]),
        (1, 2, ["value: 1 → 2"]),
        ({"a": [0] * 3}, {"a": [0] * 3}, []),
        ({"a": []}, {"a": list(range(500))}, ["a: 0 items → 500 others"]),
    ],
)
def test_differences(before: Any, after: Any, told: list[str]) -> None:
    assert list(map(str, differences(before, after, dumps))) == told


def test_equal_bytes_are_no_difference_many_are_counted_and_long_ones_cut() -> None:
    assert differences({"a": object()}, {"a": object()}, lambda _: b"same") == ()
    many = differences({}, {str(n): n for n in range(99)}, dumps)
    assert (len(many), str(many[-1])) == (41, "… and more")
    assert show("x" * 500).endswith("…")
    assert len(show({"a": "y" * 500})) <= 48
    assert show(list(range(99))) == "list of 99"


# -- the tree ------------------------------------------------------------------------------------


def _tree(branches: int, length: int) -> Tree:
    index = {"000": ""}
    for branch in range(branches):
        parent = "000"
        for place in range(length):
            index[id := f"{place + 1:03}-{branch:03}"] = parent
            parent = id
    return Tree(dict(sorted(index.items())))


@pytest.mark.parametrize(("branches", "length"), [(1, 1), (1, 200), (40, 1), (50, 50)])
@pytest.mark.parametrize("most", [1, 2, 30])
def test_of_a_tree_of_any_shape_the_nearest_are_drawn(
    branches: int, length: int, most: int
) -> None:
    tree = _tree(branches, length)
    focus = f"{length:03}-{branches // 2:03}"
    drawn = nearest(tree, focus, most)
    assert len(drawn) == min(most, len(tree.parents))
    assert focus in drawn
    assert [parent for parent in drawn.values() if not parent] == [""]


def test_lines_whose_beginning_was_not_read_are_there_too() -> None:
    tree = Tree({"1": "gone", "2": "1", "3": "2", "4": "1", "5": "4", "6": "lost"})
    assert tree.lines == [["1", "2", "3"], ["4", "5"], ["6"]]
    assert [tree.letter(id) for id in tree.parents] == ["", "", "", "b", "b", "c"]
    assert list(tree.path_to("5")) == ["5", "4", "1"]
    assert nearest(tree, "2", 9) == {"1": "", "2": "1", "3": "2", "4": "1", "5": "4", "6": ""}


# -- bad input -----------------------------------------------------------------------------------


def _config(**more: Any) -> Any:
    return {"configurable": {"thread_id": "ada", **more}}


DONE = counted(InMemorySaver(), 1)


@pytest.mark.parametrize(
    ("graph", "config", "error", "words"),
    [
        (complaint(None), ADA, ValueError, "checkpointer is None, expected a saver"),
        (StateGraph(Complaint), ADA, TypeError, "a StateGraph is not compiled yet"),
        ({}, ADA, TypeError, r"\{\} is no graph, expected a compiled graph"),
        (complaint(InMemorySaver()), ADA, ValueError, "holds no checkpoint at all"),
        (DONE, {}, ValueError, r"the config \{\} names no thread"),
        (DONE, None, ValueError, "the config None names no thread"),
        (DONE, _config(thread_id="bob"), ValueError, r"expected one .* invoked \(it has 'ada'\)"),
        (DONE, _config(checkpoint_ns="sub"), ValueError, "'ada' in the namespace 'sub'"),
        (DONE, _config(checkpoint_id="mistyped"), ValueError, "has no checkpoint 'mistyped', exp"),
    ],
)
def test_bad_input_is_one_sentence(graph: Any, config: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        history(graph, config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, 2.5, True, "all"])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(ValueError, match="expected a whole number from 1 up, or None for all"):
        history(DONE, ADA, limit=limit)


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id)")
    connection.commit()
    connection.close()


def _whole(path: Path) -> bytes:
    saver = open_sqlite(path)
    counted(saver, 30)
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    saver.conn.close()
    return path.read_bytes()


def _overwritten(path: Path) -> None:
    content = _whole(path)
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder, and what is in it.

    Not the -shm file: it is memory that connections share, where a reader notes that it reads.
    """
    kept = [path for path in folder.iterdir() if not path.name.endswith("-shm")]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in kept}


MALFORMED = r"bot.sqlite cannot be read \(database disk image is malformed\)"
LOOKS = [history, lambda graph, _: storage(graph)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Path.touch, "the database bot.sqlite is empty, expected checkpoints in it"),
        (_foreign, r"bot.sqlite holds other tables \(orders\), expected LangGraph's"),
        (lambda path: path.write_bytes(b"Dear support,\n" * 200), r"\(file is not a database\)"),
        (lambda path: path.write_bytes(_whole(path)[:20_000]), MALFORMED),
        (_overwritten, MALFORMED),
    ],
)
def test_a_bad_file_is_one_sentence_and_stays_as_it_is(
    make: Callable[[Path], Any], words: str, look: Any, tmp_path: Path
) -> None:
    make(tmp_path / "bot.sqlite")
    before = contents(tmp_path)
    saver = open_sqlite(tmp_path / "bot.sqlite")
    with pytest.raises(ValueError, match=words) as caught:
        look(complaint(saver), ADA)
    saver.conn.close()
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("look", LOOKS)
def test_a_locked_file_and_a_closed_connection_are_one_sentence(look: Any, tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    _whole(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    saver = open_sqlite(path, timeout=0)
    with pytest.raises(TimeoutError, match=r"bot.sqlite is locked by another connection"):
        look(complaint(saver), ADA)
    other.close()
    assert look(complaint(saver), ADA)
    saver.conn.close()
    with pytest.raises(ValueError, match="the saver's connection cannot be used"):
        look(complaint(saver), ADA)


def test_a_subgraphs_namespace_can_be_read() -> None:
    inner = StateGraph(Count).add_node("count", lambda state: {"n": state["n"] + 1})
    inner.set_entry_point("count")
    outer = StateGraph(Count).add_node("sub", inner.compile(checkpointer=True))
    outer.set_entry_point("sub")
    graph = outer.compile(checkpointer=InMemorySaver())
    graph.invoke({"n": 0, "last": []}, ADA)
    found = history(graph, _config(checkpoint_ns="sub"))
    assert [one.wrote for one in found] == [(), ("__start__",), ("count",)]
