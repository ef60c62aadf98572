"""What judges the exercises of lesson 08, The journal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.lessons.shared import Desk, crashed, each_moment, new_folder, one_life, when
from lessons_lib.memories import Crash, moment
from lessons_lib.teach.model import NotYet

State = dict[str, Any]


class Entry(NamedTuple):
    """A line of the journal: the state after a step."""

    step: int
    state: State


class Journal:
    """The lesson's journal, with a gate before every put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, thread_id: str) -> Path:
        return self.folder / f"{thread_id}.journal"

    def put(self, thread_id: str, step: int, state: State) -> None:
        line = json.dumps([step, state]) + "\n"
        moment("put")
        with self.path(thread_id).open("a", encoding="utf-8") as file:
            file.write(line)

    def history(self, thread_id: str) -> list[Entry]:
        path = self.path(thread_id)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [Entry(*json.loads(line)) for line in lines]

    def get(self, thread_id: str) -> Entry | None:
        entries = self.history(thread_id)
        return entries[-1] if entries else None


Step = Callable[[State], State]
Run = Callable[[Journal, str, list[Step], State], State]


# --- Exercise 1: a budget of three puts -----------------------------------------------------

NAMES = [f"step {number}" for number in range(1, 8)]
MOST_PUTS = 3
MOST_REDONE = 3


def work(name: str) -> Step:
    """A step that passes a moment and notes its name."""

    def step(state: State) -> State:
        moment(name)
        return {**state, "done": [*state["done"], name]}

    return step


def seven_steps(run: Run) -> Callable[[Path], tuple[State, Entry | None]]:
    """One life: the seven steps through the reader's `run`; what it returned, and the journal."""

    def life(folder: Path) -> tuple[State, Entry | None]:
        journal = Journal(folder)
        return run(journal, "ada", [work(name) for name in NAMES], {"done": []}), journal.get("ada")

    return life


def judge_undisturbed(report: Crash) -> None:
    passed, (state, entry) = report.lives[0].passed, _pair(report.lives[0].value)
    puts = passed.count("put")
    if state != {"done": NAMES}:
        raise NotYet(
            f"not killed at all, `run_rarely` returned {state!r}, expected all seven steps."
        )
    if puts > MOST_PUTS:
        raise NotYet(f"{puts} puts for {len(NAMES)} steps; the budget is {MOST_PUTS}.")
    if entry and entry.step != len(NAMES) and entry.state == state:
        raise NotYet(
            f"the journal's last entry holds all {len(NAMES)} steps, and its number is "
            f"{entry.step}: `put` takes the number of the last step that is done, counted from 1."
        )
    if entry is None or entry.step != len(NAMES):
        at = f"step {entry.step}" if entry else "no step at all"
        raise NotYet(
            f"the run has finished, and the journal stands at {at}. "
            "Anyone who asks tomorrow will do the rest again: the last step needs its put, too."
        )
    if entry.state != state:
        raise NotYet(
            f"the journal's entry {entry.step} holds the state {entry.state!r}: "
            "the step was written down as done before it was done."
        )


def _pair(value: Any) -> tuple[State, Entry | None]:
    return value if isinstance(value, tuple) else ({}, None)


def judge_resumed(report: Crash, where: str) -> None:
    state, entry = _pair(report.value)
    done = state.get("done", [])
    if sorted(set(done)) != sorted(NAMES):
        raise NotYet(
            f"killed {where} and resumed, the state says {done!r}: what was done before the kill "
            "is missing. The journal gives you a number *and* a state."
        )
    if done != NAMES:
        raise NotYet(
            f"killed {where} and resumed, the state says {done!r}: steps that the journal has "
            "were done once more on top of it."
        )
    redone = [name for name in report.redone if name in NAMES]
    if len(redone) > MOST_REDONE:
        raise NotYet(
            f"killed {where}, {len(redone)} steps were done again; the budget is {MOST_REDONE}."
        )
    if entry != (len(NAMES), state):
        at = f"step {entry.step}, with {len(entry.state['done'])} done" if entry else "no step"
        raise NotYet(
            f"killed {where} and resumed to the end, the journal stands at {at}. "
            "The number of a step is the same in every life."
        )


def check_run(run: Run) -> str:
    """Prove by kills before every put, and after the last, that both budgets hold.

    A second life knows what the journal says. So each thing that it can say is tried, with as much
    done since as ever can be: a put is about to begin.
    """
    life = seven_steps(run)
    whole = crashed(life)
    judge_undisturbed(whole)
    judge_resumed(whole, "after the end")
    puts = whole.lives[0].passed.count("put")
    for nth in range(1, puts + 1):
        judge_resumed(crashed(life, at="put", nth=nth), f"before put {nth}")
    return (
        f"{puts} puts; killed before each, when most had been done since the last, "
        f"and never more than {MOST_REDONE} steps again."
    )


# --- Exercise 2: one coupon, which nobody can guess -----------------------------------------


class Shop:
    """The world outside: each code is one coupon, and issuing it again makes no second one."""

    def __init__(self, folder: Path) -> None:
        desk = Desk(folder, "at the shop", "coupon issued")
        self.issue: Callable[[str], None] = desk.open
        self.issued = desk.keys


CouponSteps = Callable[[Shop], list[Step]]
Given = tuple[list[str], object]


def go_through(journal: Journal, thread_id: str, steps: list[Step], state: State) -> State:
    """The lesson's `run`: a put after every step."""
    done, state = journal.get(thread_id) or Entry(0, state)
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
        if not isinstance(state, dict):
            raise TypeError(f"step {number} returned {state!r}, expected the next state, a dict")
        journal.put(thread_id, number, state)
    return state


def giving(coupon_steps: CouponSteps) -> Callable[[Path], Given]:
    """One life: the order's coupon, step by step; the codes issued, and the one in the state."""

    def life(folder: Path) -> Given:
        shop = Shop(folder)
        steps = coupon_steps(shop)
        if not isinstance(steps, (list, tuple)):
            raise TypeError(f"coupon_steps returned a {type(steps).__name__}, not a list of steps")
        state = go_through(Journal(folder), "ada", steps, {"order": "A-1"})
        code = state.get("code")
        return shop.issued(), None if code is None else str(code)

    return life


class Counter(Shop):
    """A shop that issues nothing and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.issue = self.asked.append


def why_two(coupon_steps: CouponSteps) -> str:
    """The likeliest reason why two lives issued two coupons."""

    def asked(**more: object) -> list[str]:
        shop.asked.clear()
        state: State = {"order": "A-1", **more}
        for step in steps:
            state = step(state)
        return list(shop.asked)

    shop = Counter()
    steps = coupon_steps(shop)
    if not asked(code="x"):
        return "A look into the state does not help: the note is written when the step has ended."
    if asked() == asked():
        return "The code was drawn once for each *process*, in a variable that died with it."
    return "The step that was done again drew again."


def judge_coupon(given: Any, coupon_steps: CouponSteps) -> None:
    issued, code_in_state = given
    if len(issued) > 1:
        why = why_two(coupon_steps)
        raise NotYet(f"{len(issued)} coupons for one order. {why}")
    if not issued:
        raise NotYet("no coupon was issued at all.")
    if code_in_state != issued[0]:
        raise NotYet(
            f"the state's code is {'another' if code_in_state else 'missing'}, "
            "so the customer is told of a coupon that the shop does not know."
        )


def check_coupon(coupon_steps: CouponSteps) -> str:
    """Prove by kills at every gate that one coupon is issued, with a code that was drawn.

    The last gate comes first: there most has been done that could be done twice.
    """
    life = giving(coupon_steps)
    with new_folder() as folder, when("not killed at all"):
        whole = one_life(life, folder)
        judge_coupon(whole.value, coupon_steps)
    for gate, nth in reversed(each_moment(whole.passed)):
        with when(f"killed before put {nth}" if gate == "put" else f"killed at {gate!r}"):
            report = crashed(life, at=gate, nth=nth)
            judge_coupon(report.value, coupon_steps)
        judge_drawn(report.value, whole.value)
    kills = len(whole.passed)
    return f"killed at {kills} points: one coupon each time, under a code drawn at random."


def judge_drawn(given: Any, before: Any) -> None:
    if given == before:
        raise NotYet(
            "another customer was given the same code: it was not drawn for this piece of work. "
            "Either it follows from the order, and anyone who knows the rule can print coupons, or "
            "it was drawn once for the whole program."
        )


CHECKS = {
    "08.run-rarely": check_run,
    "08.coupon": check_coupon,
}
