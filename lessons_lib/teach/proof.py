"""Prove what lessons ask: for the tests, never for the reader.

An exercise is proven when its stub fails, its solution and alternatives pass, and each near-miss
fails with a message of its own. Every source is run as if it were a notebook's: names in a fresh
`__main__`, its text in `linecache`, so that checks may read it and functions may cross to a child.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from lessons_lib.teach import sources
from lessons_lib.teach.answers import load
from lessons_lib.teach.checking import Verdict, judge, refuse
from lessons_lib.teach.model import Answers, CatchUp, Exercise, Question

_cells = count(1)


def prove(exercise: Exercise) -> list[str]:
    """Every fault of an exercise, each in one sentence; an empty list is the proof."""
    return [f"{exercise.id}: {fault}" for fault in _exercise_faults(exercise)]


def review(number: str) -> list[str]:
    """Every fault of what a lesson asks, its exercises proven; an empty list is the proof."""
    answers = load(number)
    faults = list(_id_faults(answers))
    for question in answers.questions:
        faults += [f"{question.id}: {fault}" for fault in _question_faults(question)]
    for exercise in answers.exercises:
        faults += prove(exercise)
    if answers.catch_up:
        faults += [f"catch_up({number!r}): {fault}" for fault in _catch_up_faults(answers.catch_up)]
    return faults


def run(exercise: Exercise, source: str) -> Any:
    """The object that a source defines under the exercise's name, after what was given."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in (exercise.given, source):
        _run_cell(cell, names)
    return names[exercise.name]


def verdict(exercise: Exercise, source: str) -> Verdict:
    """What `check` would say to this source; nothing is recorded."""
    answer = run(exercise, source)
    refusal = refuse(exercise, answer)
    return Verdict(False, refusal) if refusal else judge(exercise, answer)


def _run_cell(source: str, names: dict[str, Any]) -> None:
    file = f"<proof {next(_cells)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec", dont_inherit=True), names)


def _exercise_faults(exercise: Exercise) -> Iterator[str]:
    yield from _text_faults(exercise)
    yield from _stub_faults(exercise)
    for what, source in _right_sources(exercise):
        told = _told(exercise, source)
        if not told.right:
            yield f"{what} fails: {told.text}"
        elif not told.text.strip():
            yield f"{what} passes, and the check does not say what was proven."
    yield from _near_miss_faults(exercise)


def _right_sources(exercise: Exercise) -> Iterator[tuple[str, str]]:
    yield "the solution", exercise.solution
    for i, source in enumerate(exercise.alternatives, 1):
        yield f"alternative {i}", source


def _text_faults(exercise: Exercise) -> Iterator[str]:
    if len(exercise.hints) != 3:
        yield f"it has {len(exercise.hints)} hints, not three."
    if not exercise.task.strip():
        yield "its task is empty."
    if not exercise.near_misses:
        yield "it has no near-miss."


def _stub_faults(exercise: Exercise) -> Iterator[str]:
    try:
        stub = run(exercise, exercise.stub)
    except Exception as error:
        yield f"the stub does not run: {error!r}."
        return
    if not sources.is_stub(exercise, stub):
        yield "the stub is not recognised as the stub."
    if judge(exercise, stub).right:
        yield "the stub passes its check."


def _near_miss_faults(exercise: Exercise) -> Iterator[str]:
    told = [_told(exercise, miss.source) for miss in exercise.near_misses]
    for i, (miss, verdict) in enumerate(zip(exercise.near_misses, told, strict=True), 1):
        if verdict.right:
            yield f"near-miss {i} passes: {verdict.text}"
        elif miss.says not in verdict.text:
            yield f"near-miss {i} should be told {miss.says!r}, and is told {verdict.text!r}."
        others = [n for n, one in enumerate(told, 1) if n != i and miss.says in one.text]
        if others:
            yield f"what near-miss {i} is told, {miss.says!r}, is told to {others} too."
    for text, times in Counter(verdict.text for verdict in told).items():
        if times > 1:
            yield f"{times} near-misses are told the same: {text!r}."


def _told(exercise: Exercise, source: str) -> Verdict:
    try:
        return verdict(exercise, source)
    except Exception as error:
        return Verdict(False, f"it does not run: {error!r}.")


def _question_faults(question: Question) -> Iterator[str]:
    right = sum(option.right for option in question.options)
    if right != 1:
        yield f"{right} of its options are right; exactly one must be."
    if len(question.options) < 2:
        yield "it has fewer than two options."
    for letter, option in question.lettered():
        if not (option.text.strip() and option.why.strip()):
            yield f"option {letter} has no text or no explanation."


def _id_faults(answers: Answers) -> Iterator[str]:
    ids = [question.id for question in answers.questions]
    ids += [exercise.id for exercise in answers.exercises]
    for id, times in Counter(ids).items():
        if times > 1:
            yield f"{id}: {times} things bear this id."
        if not id.startswith(f"{answers.number}."):
            yield f"{id}: it stands in lesson {answers.number}."


def _catch_up_faults(catch_up: CatchUp) -> Iterator[str]:
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        _run_cell(catch_up.source, names)
    except Exception as error:
        yield f"its source does not run: {error!r}."
        return
    for name in catch_up.names:
        if name not in names:
            yield f"its source does not bind {name!r}."
    if not catch_up.say:
        yield "it has nothing one can say."
