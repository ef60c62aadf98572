"""What LangGraph keeps when its process is killed: the facts that lesson 11 teaches."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import EmptyInputError, GraphDrained
from langgraph.graph import START, StateGraph
from langgraph.runtime import RunControl

from lessons_lib.memories import crash, moment
from lessons_lib.memories.slow_disk import STUCK
from tests.memories import orders
from tests.memories.orders import ORDER, STEPS

KILLED_IN = range(1, 6)


def run(durability: str, saver: Callable[[Path], SqliteSaver] = orders.fast) -> Any:
    def first(folder: Path) -> list[str]:
        graph = orders.five_steps(saver(folder))
        done: list[str] = graph.invoke({"done": []}, ORDER, durability=durability)["done"]
        return done

    return first


def resume(folder: Path) -> list[str]:
    done: list[str] = orders.five_steps(orders.fast(folder)).invoke(None, ORDER)["done"]
    return done


@pytest.mark.parametrize("killed_in", KILLED_IN)
def test_sync_redoes_the_killed_step_only(killed_in: int) -> None:
    life = crash(run("sync"), at=f"step {killed_in}", then=resume)
    assert life.redone == (f"step {killed_in}",)
    assert life.kept == STEPS[: killed_in - 1]
    assert life.value == list(STEPS)


@pytest.mark.parametrize("killed_in", KILLED_IN)
def test_async_on_a_slow_disk_redoes_every_step(killed_in: int) -> None:
    life = crash(run("async", orders.slow), at=f"step {killed_in}", after=STUCK, then=resume)
    assert life.redone == STEPS[:killed_in]
    assert life.value == list(STEPS)


@pytest.mark.parametrize("killed_in", KILLED_IN)
def test_exit_leaves_nothing_and_needs_its_input_again(killed_in: int) -> None:
    def resume_or_begin(folder: Path) -> list[str]:
        graph = orders.five_steps(orders.fast(folder))
        try:
            graph.invoke(None, ORDER)
        except EmptyInputError:
            done: list[str] = graph.invoke({"done": []}, ORDER)["done"]
            return done
        return ["resumed, though nothing was there"]

    life = crash(run("exit"), at=f"step {killed_in}", then=resume_or_begin)
    assert life.redone == STEPS[:killed_in]
    assert life.value == list(STEPS)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_nothing_is_lost_once_invoke_has_returned(durability: str) -> None:
    life = crash(run(durability), then=resume)
    assert life.redone == life.lost == ()
    assert life.kept == STEPS


def branches(saver: type[SqliteSaver]) -> Callable[[Path], object]:
    def first(folder: Path) -> object:
        graph = orders.two_branches(saver(orders.opened(folder)))
        return graph.invoke({"done": []}, ORDER, durability="sync")

    return first


def resume_branches(folder: Path) -> list[str]:
    done: list[str] = orders.two_branches(orders.fast(folder)).invoke(None, ORDER)["done"]
    return done


def test_a_finished_branch_whose_writes_are_saved_is_kept() -> None:
    life = crash(branches(orders.Telling), at="print", after="mail saved", then=resume_branches)
    assert (life.redone, life.kept) == (("print",), ("mail",))


def test_a_finished_branch_whose_writes_are_held_is_redone_even_in_sync() -> None:
    held = "mail waits for the disk"
    life = crash(branches(orders.Held), at="print", after=held, then=resume_branches)
    assert set(life.redone) == {"mail", "print"}


@pytest.mark.parametrize(("own_key", "tickets"), [(False, 2), (True, 1)])
def test_a_ticket_is_opened_twice_unless_the_order_names_it(own_key: bool, tickets: int) -> None:
    def order(folder: Path) -> int:
        def open_ticket(state: orders.Order) -> orders.Order:
            key = "order 1" if own_key else str(uuid.uuid4())
            (folder / f"ticket {key}").touch()
            moment("opened")
            return {"done": ["ticket"]}

        builder = StateGraph(orders.Order)
        builder.add_node("open_ticket", open_ticket)
        builder.add_edge(START, "open_ticket")
        graph = builder.compile(checkpointer=orders.fast(folder))
        begun = graph.get_state(ORDER).tasks
        graph.invoke(None if begun else {"done": []}, ORDER, durability="sync")
        return sum(path.name.startswith("ticket") for path in folder.iterdir())

    assert crash(order, at="opened").value == tickets


def drain_on_sigterm(folder: Path) -> str:
    control = RunControl()
    signal.signal(signal.SIGTERM, lambda *_: control.request_drain())
    graph = orders.five_steps(orders.fast(folder))
    try:
        graph.invoke({"done": []}, ORDER, control=control)
    except GraphDrained as drained:
        return f"drained: {drained.reason}"
    return "done"


@pytest.mark.parametrize("killed_in", [1, 3, 4])
def test_a_drained_graph_finishes_its_step_and_redoes_nothing(killed_in: int) -> None:
    life = crash(drain_on_sigterm, at=f"step {killed_in}", how="term", then=resume)
    assert life.lives[0].value == "drained: shutdown"
    assert life.lives[0].passed == STEPS[:killed_in]
    assert (life.redone, life.kept) == ((), STEPS[:killed_in])


def test_a_drain_in_the_last_step_comes_too_late_to_matter() -> None:
    life = crash(drain_on_sigterm, at="step 5", how="term", then=resume)
    assert life.lives[0].value == "done"
    assert life.kept == STEPS


def test_sigterm_without_a_handler_is_a_kill() -> None:
    life = crash(run("exit"), at="step 3", how="term")
    assert "died of SIGTERM" in life.lives[0].ended
    assert life.redone == STEPS[:3]


def look_then_resume(folder: Path) -> dict[str, Any]:
    """What a new process sees of the turn, and whether `invoke(None)` finishes it."""
    graph = orders.five_steps(orders.fast(folder))
    state = graph.get_state(ORDER)
    seen = {"next": state.next, "tasks": tuple(task.name for task in state.tasks)}
    try:
        return {**seen, "finished": graph.invoke(None, ORDER)["done"] == list(STEPS)}
    except EmptyInputError:
        return {**seen, "finished": False}


def test_half_done_killed_in_a_step() -> None:
    life = crash(run("sync"), at="step 3", then=look_then_resume)
    assert life.value == {"next": ("step 3",), "tasks": ("step 3",), "finished": True}


@pytest.mark.parametrize("durability", ["sync", "async"])
@pytest.mark.parametrize("step", [2, 5])
def test_half_done_with_an_empty_next(durability: str, step: int) -> None:
    """Killed between what a step wrote and its checkpoint: `next` is empty, `tasks` is not."""
    # The input, the state before step 1, one after each step: step + 1 checkpoints before its own.
    first = run(durability, lambda folder: orders.slow(folder, checkpoints=step + 1))
    life = crash(first, at=STUCK, then=look_then_resume)
    assert life.value == {"next": (), "tasks": (f"step {step}",), "finished": True}
    assert f"step {step}" not in life.lives[1].passed, "what it wrote was kept"


def test_half_done_on_a_slow_disk_has_an_empty_next_too() -> None:
    life = crash(run("async", orders.slow), at="step 3", after=STUCK, then=look_then_resume)
    assert life.value == {"next": (), "tasks": ("__start__",), "finished": True}


def test_new_input_gives_up_the_half_done_turn() -> None:
    def new_input(folder: Path) -> list[str]:
        graph = orders.five_steps(orders.fast(folder))
        done: list[str] = graph.invoke({"done": ["new"]}, ORDER)["done"]
        return done

    life = crash(run("sync"), at="step 3", then=new_input)
    assert life.redone == STEPS[:3]
    assert life.value == ["step 1", "step 2", "new", *STEPS]


def test_not_half_done() -> None:
    """A finished turn and a thread without a checkpoint have no tasks."""
    finished = crash(run("sync"), then=look_then_resume)
    nothing = crash(run("exit"), at="step 3", then=look_then_resume)
    assert finished.value == {"next": (), "tasks": (), "finished": True}
    assert nothing.value == {"next": (), "tasks": (), "finished": False}
