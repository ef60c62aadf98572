"""Prove what lessons ask: an exercise's stub fails, its right answers pass, each near miss fails.

Every near miss must meet the message that it names, which only those that name it too may meet.
A source is run as if it were a notebook's: names in a fresh `__main__`, its text in `linecache`,
so that checks may read it and functions may cross to a child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from lessons_lib.teach import loader, sources
from lessons_lib.teach.checking import Verdict, judge, refuse
from lessons_lib.teach.model import Answers, Exercise

_cells = count(1)


@dataclass(frozen=True)
class Asked:
    """An exercise with all that belongs to it, from wherever it stands."""

    exercise: Exercise
    stub: str
    answers: Answers
    check: Callable[[Any], str]


def asked(id: str) -> Asked:
    """An exercise, its notebook's stub, its answers and its check."""
    return Asked(loader.exercise(id), loader.stub(id), loader.answers(id), loader.check_of(id))


def run(one: Asked, *texts: str) -> Any:
    """The object that sources define under the exercise's name, after what was given."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in (one.answers.given, *texts):
        run_cell(cell, names)
    return names[one.exercise.name]


def run_cell(source: str, names: dict[str, Any]) -> None:
    """Run a source as a notebook's cell."""
    sources.run_cell(source, names, f"<proof {next(_cells)}>")


def verdict(one: Asked, *sources: str) -> Verdict:
    """What `check` would say to these sources, run in turn; nothing is recorded."""
    try:
        answer = run(one, *sources)
    except Exception as error:
        return Verdict(False, f"it does not run: {error!r}.")
    refusal = refuse(one.exercise, one.stub, answer)
    return Verdict(False, refusal) if refusal else judge(one.exercise, one.check, answer)


def prove(one: Asked) -> list[str]:
    """Every fault of an exercise, each in one sentence; an empty list is the proof."""
    return [f"{one.exercise.id}: {fault}" for fault in _faults(one)]


def _faults(one: Asked) -> Iterator[str]:
    yield from _stub_faults(one)
    right = {"the solution": one.answers.solution}
    right |= {f"alternative {n}": text for n, text in enumerate(one.answers.alternatives, 1)}
    for what, source in right.items():
        told = verdict(one, source)
        if not told.right:
            yield f"{what} fails: {told.text}"
        elif not told.text.strip():
            yield f"{what} passes, and the check does not say what was proven."
    yield from _near_miss_faults(one)


def _stub_faults(one: Asked) -> Iterator[str]:
    try:
        stub = run(one, one.stub)
    except Exception as error:
        yield f"the stub does not run: {error!r}."
        return
    if not sources.is_stub(one.stub, one.exercise.name, stub):
        yield "the stub is not recognised as the stub."
    if judge(one.exercise, one.check, stub).right:
        yield "the stub passes its check."


def _near_miss_faults(one: Asked) -> Iterator[str]:
    misses = one.answers.near_misses
    told = [verdict(one, one.answers.solution, miss.source) for miss in misses]
    if not misses:
        yield "it has no near miss."
    for n, miss in enumerate(misses):
        if told[n].right:
            yield f"near miss {n + 1} passes: {told[n].text}"
        elif miss.says not in told[n].text:
            yield f"near miss {n + 1} should be told {miss.says!r}, and is told {told[n].text!r}."
        for at, other in enumerate(misses):
            if other.says == miss.says:  # two ways to make one mistake
                continue
            if miss.says in told[at].text:
                yield f"what near miss {n + 1} is told, {miss.says!r}, is told to {at + 1} too."
            if at < n and told[at].text == told[n].text:
                yield f"near misses {at + 1} and {n + 1} are told the same: {told[n].text!r}."
