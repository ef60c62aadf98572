"""The time machine: its slider, its words, its forks, and what a page shows without a widget."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from lessons_lib.observe import history, time_machine
from lessons_lib.observe.checkpoints.time_machine import PAGE
from tests.observe.graphs import ADA, Complaint, ask, complaint, counted, find


@pytest.fixture(autouse=True)
def no_widget_is_left() -> Iterator[None]:
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()


# -- sliding -------------------------------------------------------------------------------------


def test_slider_and_buttons_move_through_the_checkpoints_and_can_be_heard(graph: Any) -> None:
    machine = time_machine(graph, ADA)
    shown = machine._slider
    assert (shown.slider.value, shown.slider.max, shown.next.disabled) == (6, 6, True)
    assert "step 4 after step 3: send ×2 wrote" in shown.told.value
    shown.previous.click()
    assert "send ×2 came next" in shown.told.value
    shown.slider.value = 1
    assert "step -1: an input came" in shown.told.value
    assert shown.previous.disabled
    shown.next.click()
    assert shown.slider.value == 2
    assert 'role="status" aria-live="polite"' in shown.told.value
    assert "rc-machine" in machine.widget._dom_classes
    assert [button.tooltip for button in shown.row.children if not button.tooltip] == []


def test_each_checkpoint_tells_who_wrote_what_changed_what_it_weighs_and_what_waits(
    graph: Any,
) -> None:
    machine = time_machine(graph, ADA)
    told, page = map(html.unescape, machine.page(4))
    for words in (
        *("Who wrote what", "What changed", f"The state, {machine.at(2).bytes} bytes"),
        *("draft", "'drafted'", "join:draft+check:ask", "step 2 check, draft (you are h"),
    ):
        assert words in page
    assert told == (
        "Checkpoint 4 of 6, step 2 after step 1: check, draft wrote — + log[2]: 'drafted'; "
        "order['price']: 10 → 12. ask came next and asked 'send it?'."
    )
    assert page.count("you are here") == 1
    assert "step 1 find (you are here)" in str(machine.read.picture(machine.at(1).id))


def test_a_page_does_not_move_while_one_slides(graph: Any) -> None:
    machine = time_machine(graph, ADA)
    layouts = {
        tuple(re.findall(r"grid-template[^;]+|height:\d+px", machine.page(place)[1]))
        for place in range(1, 7)
    }
    [(columns, *heights)] = layouts
    assert columns.startswith("grid-template-columns:")
    assert len(heights) == 3


def test_the_bundle_has_a_widget_a_page_with_tree_and_table_and_words(graph: Any) -> None:
    machine = time_machine(graph, ADA)
    bundle = machine._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert json.dumps(bundle)
    assert bundle["text/plain"] == str(machine) == str(history(graph, ADA))
    assert [bundle["text/html"].count(tag) for tag in ("<img", "<table")] == [1, 1]


def test_what_came_meanwhile_is_there_when_shown_or_read_again(graph: Any) -> None:
    machine = time_machine(graph, ADA)
    slider, again = machine._slider.slider, machine._slider.row.children[-1]
    graph.invoke({"log": ["again"]}, ADA)
    assert slider.max == 6
    again.click()
    assert (slider.max, slider.value) == (10, 10)
    assert machine.page(10)[0].endswith("ask asks 'send it?' and waits for an answer.")
    graph.invoke(Command(resume="yes"), ADA)
    machine._repr_mimebundle_()
    assert slider.max == 12


def test_a_thread_that_was_deleted_meanwhile_is_told_in_the_widget() -> None:
    saver = InMemorySaver()
    machine = time_machine(counted(saver, 10), ADA)
    shown = machine._slider
    saver.delete_thread("ada")
    shown.slider.value = 3
    assert "Checkpoint 3 of 12" in html.unescape(shown.told.value)
    shown.row.children[-1].click()
    assert "expected some of the thread 'ada'" in html.unescape(shown.told.value)
    told = str(machine._repr_mimebundle_()["text/plain"])
    assert told.startswith("Shown is what was read before")
    with pytest.raises(ValueError, match=r"the checkpoint 3 is gone"):
        machine.fork(3, {"n": 1}, as_node="count")
    assert len(saver.storage) == 0


# -- a long thread -------------------------------------------------------------------------------


def test_a_long_thread_is_read_a_page_at_a_time_and_sliding_reads_nothing(
    saver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, read = counted(saver, 60), [0]
    loads = type(saver.serde).loads_typed

    def counting(serde: Any, data: Any) -> Any:
        read[0] += 1
        return loads(serde, data)

    machine = time_machine(graph, ADA)
    shown, older = machine._slider, machine._older
    assert (shown.slider.max, shown.place, machine.read.older) == (PAGE, PAGE, True)
    assert f"Checkpoint {PAGE} of {PAGE} that were read" in shown.told.value
    monkeypatch.setattr(type(saver.serde), "loads_typed", counting)
    shown.slider.value = 10
    assert read == [0]
    older.click()
    assert (shown.slider.max, shown.place) == (2 * PAGE, PAGE + 10)
    assert "step 50 after step 49" in shown.told.value
    with pytest.raises(ValueError, match="has no checkpoint '2b'"):
        machine.at("2b")
    assert (shown.slider.max, shown.place, machine.read.older) == (62, 52, False)
    assert (older.layout.display, shown.told.value.count("step 50 after")) == ("none", 1)


@pytest.mark.parametrize("place", [5, 58])
def test_it_begins_at_a_checkpoint_however_old(place: int) -> None:
    graph = counted(InMemorySaver(), 60)
    machine = time_machine(graph, history(graph, ADA, limit=None).at(place).config)
    assert f"step {place} after" in machine._slider.told.value


# -- forking -------------------------------------------------------------------------------------


def test_a_fork_goes_another_way_and_leaves_what_was(graph: Any) -> None:
    machine = time_machine(graph, ADA)
    was, shown = list(machine.ids), machine._slider
    shown.slider.value = 2
    config = machine.fork(2, {"log": ["drafted anew"]}, as_node="draft")
    assert (shown.slider.value, shown.slider.max) == (7, 7)
    assert "step 3b after step 2" in shown.told.value
    assert machine.ids[:-1] == was
    forked = machine.at("3b")
    assert (forked.parent, forked.by) == (machine.at("2").id, "(update)")
    assert forked.values["log"] == ["smoke", "found", "drafted", "drafted anew"]
    graph.invoke(None, config)
    machine.read_again()
    assert machine.at("4").values["log"][-1] == "sent part 2"
    assert machine.at(machine.ids[-1]).next == ("ask",)


def test_in_a_long_thread_a_step_is_that_of_the_newest_line_and_is_forked(saver: Any) -> None:
    graph = counted(saver, 45)
    end, old = graph.get_state(ADA).config, history(graph, ADA, limit=None).at(5)
    machine = time_machine(graph, ADA)
    machine.fork(4, {"n": 44, "last": []}, as_node="count")
    assert machine.at(machine.ids[-1]).values["n"] == 44
    graph.update_state(end, {"n": 45, "last": []}, as_node="count")
    machine = time_machine(graph, ADA)
    assert machine.read.find(5)  # the fork, which is not on the way to the newest
    assert machine.at(5).id == old.id
    assert machine.at(old.id).values == old.values


def _subgraph(**kept: Any) -> Any:
    """A graph with a team in it that asks, on a thread of its own within Ada's."""
    inner = StateGraph(Complaint).add_sequence([find, ask]).add_edge(START, "find")
    outer = StateGraph(Complaint).add_node("team", inner.compile(**kept)).add_edge(START, "team")
    graph = outer.compile(checkpointer=InMemorySaver())
    graph.invoke({"log": []}, ADA)
    return graph


@pytest.mark.parametrize("kept", [{}, {"checkpointer": True}])
def test_a_fork_in_a_subgraphs_thread_knows_the_nodes_of_the_subgraph(kept: Any) -> None:
    graph = _subgraph(**kept)
    machine = time_machine(graph, graph.get_state(ADA, subgraphs=True).tasks[0].state.config)
    machine.fork(1, {"log": ["mine"]}, as_node="find")
    assert machine.at("2").values["log"] == ["found", "mine"]
    with pytest.raises(ValueError, match=r"no fork was made after 1 .*team.*one of find, a"):
        machine.fork(1, {"log": ["mine"]}, as_node="team")


def test_of_a_subgraph_that_is_not_found_what_waits_is_not_known_and_it_is_not_forked() -> None:
    inner = StateGraph(Complaint).add_node(ask).add_edge(START, "ask").compile(checkpointer=True)
    builder = StateGraph(Complaint).add_node("calls", lambda state: inner.invoke(state))
    graph = builder.add_edge(START, "calls").compile(checkpointer=InMemorySaver())
    graph.invoke({"log": []}, ADA)
    saver: Any = graph.checkpointer
    space = next(name for name in saver.storage["ada"] if name)
    place: Any = {"configurable": {"thread_id": "ada", "checkpoint_ns": space}}
    found = history(complaint(saver), place)
    assert (found.at(-1).by, str(found.at(0).changed[0])) == ("(input)", "+ log: []")
    assert "step 0 cannot be read: LangGraph finds no subgraph whose thread it is" in str(found)
    with pytest.raises(ValueError, match="the graph has no subgraph in the namespace 'calls"):
        time_machine(complaint(saver), place).fork(0, {"log": ["mine"]}, as_node="ask")


def test_a_fork_of_an_entrypoint_writes_any_value_that_it_could_return() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def last(given: Any, *, previous: Any = None) -> Any:
        return {"now": given, "before": previous}

    last.invoke(1, ADA)
    machine = time_machine(last, ADA)
    machine.fork(0, {"anything": 7}, as_node="last")
    assert machine.at(1).previous == {"anything": 7}
    assert last.invoke(2, ADA) == {"now": 2, "before": {"anything": 7}}


LOG = {"log": ["x"]}
NO_STEP = "has no checkpoint .*, expected a step or label such as"


@pytest.mark.parametrize(
    ("step", "values", "as_node", "error", "words"),
    [
        *((step, LOG, "find", ValueError, NO_STEP) for step in (99, "1z", True, None, 1.5)),
        (2, LOG, "nobody", ValueError, "no fork was made after 2 .*nobody.*give as_node=, one of"),
        (2, LOG, None, ValueError, r"no fork was made after 2 \(Inval.*Ambiguous update"),
        (2, {"log": [print]}, "find", TypeError, "the values cannot be saved"),
        (2, 7, "find", ValueError, "no fork was made after 2"),
        (2, None, "find", ValueError, "values=None would write an empty checkpoint, expected"),
        (2, {"logs": []}, "find", ValueError, "the state has no 'logs', expected names of its"),
    ],
)
def test_a_fork_that_cannot_be_made_is_one_sentence(
    graph: Any, step: Any, values: Any, as_node: Any, error: Any, words: str
) -> None:
    machine = time_machine(graph, ADA)
    before = list(machine.ids)
    with pytest.raises(error, match=words):
        machine.fork(step, values, as_node)
    machine.read_again()
    assert machine.ids == before
