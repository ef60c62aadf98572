"""What judges the exercises of lesson 11, Crash and resume."""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import langgraph.checkpoint.sqlite  # noqa: F401 what is loaded here, no child has to load
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from lessons_lib.lessons.shared import (
    Desk,
    another_hash,
    crashed,
    in_a_row,
    new_folder,
    on_disk,
    require_graph,
    salted,
    say_if_failed,
    thread,
)
from lessons_lib.memories import Crash, crash, moment
from lessons_lib.memories.slow_disk import STUCK
from lessons_lib.teach.model import NotYet

THREAD = thread("order 17")
OTHER_THREAD = thread("order 18")


# --- Exercise 1: one ticket per order -------------------------------------------------------

Node = Callable[[Any, Any, Any], dict[str, Any]]


class TicketState(TypedDict):
    """The order in hand, and what has been done in this thread."""

    order: str
    done: Annotated[list[str], operator.add]


def ticket_graph(node: Node, folder: Path, slow: bool) -> Any:
    """A graph of one node, the reader's, on a file in `folder`."""

    def open_ticket(state: TicketState, config: RunnableConfig) -> dict[str, Any]:
        return node(state, config, Desk(folder))

    return in_a_row(TicketState, {"open_ticket": open_ticket}, on_disk(folder, slow))


def two_orders(node: Node, at: str, slow: bool) -> Crash:
    """Kill the first order at a moment and resume it; one more, one elsewhere, the first again.

    The value is the number of tickets after each of the four.
    """

    def first(folder: Path) -> None:
        graph = ticket_graph(node, folder, slow)
        graph.invoke({"order": "A-1", "done": []}, THREAD, durability="async" if slow else "sync")

    def then(folder: Path) -> list[int]:
        graph, desk = ticket_graph(node, folder, slow=False), Desk(folder)
        graph.invoke(None, THREAD)
        counts = [desk.count()]
        for order, place in ("B-2", THREAD), ("C-3", OTHER_THREAD), ("A-1", THREAD):
            graph.invoke({"order": order, "done": []}, place)
            counts.append(desk.count())
        return counts

    return crash(first, at, after=STUCK if slow else (), then=then)


class Probe(Desk):
    """A desk that opens nothing and notes the keys it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.tickets = folder / "tickets"
        self.asked: list[str] = []

    def open(self, key: str) -> None:
        self.asked.append(str(key))

    def keys(self) -> list[str]:
        return self.asked


def asked_keys(
    node: Node, folder: Path, *, done: tuple[str, ...] = (), attempt: int = 1, salt: int = 1
) -> list[str]:
    """The keys that one run of the node asks the desk for; none when it needs more than is here."""
    order, probe = salted("A-1", salt), Probe(folder)
    names = {"thread_id": "t", "checkpoint_ns": f"n:{attempt}", "checkpoint_id": str(attempt)}
    config = {"configurable": names, "metadata": {"thread_id": "t", "langgraph_step": attempt}}
    try:
        node({"order": order, "done": list(done)}, config, probe)
    except Exception:  # in the graph it gets all that LangGraph gives, and is judged there
        return []
    return probe.asked


def fresh_keys(node: Node, **run: Any) -> list[str]:
    """The keys that a run asks for in a folder of its own, where nothing has been noted yet."""
    with new_folder() as folder:
        return asked_keys(node, folder, **run)


def why_twice(node: Node) -> str:
    """The likeliest reason why two runs of a node opened two tickets."""
    if fresh_keys(node) == fresh_keys(node) != fresh_keys(node, salt=2):
        return (
            "The key is held by the process, in a name or a cache, and died with it: the next "
            "process chose another."
        )
    with new_folder() as folder:
        if asked_keys(node, folder) and not asked_keys(node, folder):
            return "The mark is made after the ticket, and the kill came between the two."
    if fresh_keys(node) and not fresh_keys(node, done=("ticket", "A-1")):
        return "A note in the state is written at the end of the step, so it died with the step."
    if fresh_keys(node) == fresh_keys(node) != fresh_keys(node, attempt=2):
        return "The checkpoint namespace names the *attempt*: a retry from an older checkpoint has another."
    return "Each run of the node chose a new key, so the desk could not know that it was the same order."


def judge_tickets(tickets: list[int], node: Node, when: str) -> None:
    first, second, third = tickets[0], tickets[1] - tickets[0], tickets[2] - tickets[1]
    if first == 0:
        raise NotYet(
            f"{when}: no ticket was opened at all. The order was marked as done before it was done."
        )
    if first > 1:
        raise NotYet(f"{when}: {first} tickets for one order. {why_twice(node)}")
    if second != 1:
        raise NotYet(
            f"the second order in the same thread got {second} tickets, expected 1. What the node "
            "goes by is the same for both, as the thread is, or the day. One customer can order "
            "twice."
        )
    if third != 1:
        raise NotYet(
            f"an order in another thread got {third} tickets, expected 1. The key counts within "
            "its own thread, and every customer has a first order."
        )


def judge_hash(node: Node) -> None:
    with another_hash(node):
        other = fresh_keys(node)
    if fresh_keys(node) == fresh_keys(node) != other:
        raise NotYet(
            "`hash()` of a string is another number in every Python that is started afresh, and so "
            "is your key. A kill in this lab would not show it: its processes have one parent."
        )


def check_one_ticket(open_ticket: Node) -> str:
    """Prove by kills that every order gets one ticket."""
    judge_hash(open_ticket)
    kills = 0
    for slow in (False, True):
        for at in ("ticket opened", "at the desk"):
            report = two_orders(open_ticket, at, slow)
            if len(report.lives) == 1 and report.lives[0].ended == "returned":
                raise NotYet("the node ran and opened no ticket: nothing called `desk.open`.")
            say_if_failed(*report.lives)
            kills += 1
            disk = "a slow disk" if slow else "a fast disk"
            tickets: Any = report.value
            judge_tickets(tickets, open_ticket, f"killed at {at!r}, with {disk}")
    if tickets[3] != tickets[2]:
        raise NotYet(
            "order A-1 came once more, from a sender who had not seen the answer, and got a "
            "second ticket. The key changes with what the thread has done. Name the order, and no more."
        )
    return f"{kills} kills, before and after, fast disk and slow: one ticket for every order."


# --- Exercise 2: a budget of one paid call --------------------------------------------------

CALLS = ["look up", "draft", "review"]
Assistant = Callable[[Any, Callable[[str], str]], Any]


def pay(name: str) -> str:
    """Make a paid call: the lab is told, and may kill the process here."""
    moment(name)
    return name


def judge_graph(graph: Any, saver: Any) -> None:
    require_graph(graph, "assistant", "return builder.compile(checkpointer=saver)")
    if not graph.checkpointer:
        raise NotYet("the graph is compiled without the saver, so there is nothing to resume from.")
    if graph.checkpointer is not saver:
        raise NotYet(
            "the graph is compiled with a saver of its own. Use the one that `assistant` is given: "
            "it writes to the file that the next process opens."
        )


def judge_whole_run(assistant: Assistant) -> None:
    calls: list[str] = []

    def listen(name: str) -> str:
        calls.append(name)
        return name

    saver = InMemorySaver()
    graph = assistant(saver, listen)
    judge_graph(graph, saver)
    if calls:
        raise NotYet(
            f"{len(calls)} paid calls were made while the graph was built, before any run. "
            "A call belongs in the function of a node."
        )
    judge_done(graph, calls)


def judge_done(graph: Any, calls: list[str]) -> None:
    done = graph.invoke({"done": []}, THREAD, durability="sync")["done"]
    if any(len(snapshot.tasks) > 1 for snapshot in graph.get_state_history(THREAD)):
        raise NotYet(
            "calls side by side are one super-step, and one super-step is one unit of redo: "
            "a kill may cost all of them. Let them follow one another."
        )
    if done != CALLS or calls != CALLS:
        raise NotYet(f"the run made {calls!r} and returned {done!r}, expected {CALLS!r} in both.")
    saved = graph.get_state(THREAD).values["done"]
    if saved != CALLS:
        raise NotYet(
            f"the run returned all three, and a saver in memory has {saved!r}: a node that changes "
            "the list in place and returns nothing is not saved by every saver (lesson 10). "
            "Return what is new."
        )


def kill_in_call(assistant: Assistant, call: str) -> Crash:
    """Kill the run in one of the paid calls and resume it in a new process."""

    def first(folder: Path) -> None:
        assistant(on_disk(folder), pay).invoke({"done": []}, THREAD, durability="sync")

    def then(folder: Path) -> list[str]:
        done: list[str] = assistant(on_disk(folder), pay).invoke(None, THREAD)["done"]
        return done

    return crashed(first, call, then=then)


def check_paid_calls(assistant: Assistant) -> str:
    """Prove by a kill in each call that no more than one is made twice."""
    judge_whole_run(assistant)
    reports = {call: kill_in_call(assistant, call) for call in CALLS}
    for report in reports.values():
        if report.value != CALLS:
            raise NotYet(f"the resumed run returned {report.value!r}, expected {CALLS!r}.")
    call, worst = max(reports.items(), key=lambda pair: len(pair[1].redone))
    if len(worst.redone) > 1:
        raise NotYet(
            f"killed in {call!r}, {len(worst.redone)} paid calls were made twice "
            f"({', '.join(worst.redone)}); the budget is one. What stands in one node is redone together."
        )
    return f"killed in each of {len(CALLS)} calls, and never more than one was made twice."


CHECKS = {
    "11.one-ticket": check_one_ticket,
    "11.paid-calls": check_paid_calls,
}
