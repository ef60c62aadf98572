"""The memory exam: ten questions to a memory, each answered by an experiment.

Processes are really killed, writers really overlap, and bytes are really searched for. Nothing is
taken from what a memory says about itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lessons_lib.memories.crash_lab.children import Stopped, scratch
from lessons_lib.memories.crash_lab.crossing import pack
from lessons_lib.memories.exam.price import Price, price
from lessons_lib.memories.exam.questions import QUESTIONS, Finding, Question
from lessons_lib.memories.exam.report import Answer, Report, Sitting
from lessons_lib.memories.exam.source import account
from lessons_lib.memories.exam.worker import Lab, Late, Trouble, Worker, open_lab

__all__ = ["QUESTIONS", "Answer", "Finding", "Price", "Question", "Report", "Sitting", "exam"]

Make = Callable[[Path], Any]
Tell = Callable[[str], None]


def exam(
    *makes: Make,
    named: Mapping[str, Make] | None = None,
    only: Sequence[str] | None = None,
    costs: bool = True,
    tell: Tell | None = None,
) -> Report:
    """Put the memory exam to one or several memories, and report their answers side by side.

    - `makes`: functions (or classes) that make a memory in a folder, `make(folder)`; the folder is
      a `pathlib.Path`. What they make has a method `say(text, *, conversation, user, file)` that
      answers with `reply`; the exam also calls `resume`, `work`, `back`, `forget` and `close` where
      they are. They are called in other processes, and may be defined in a notebook; each may be
      a coroutine function, and is then awaited, all in one loop.
    - `named`: more of them, with the names that the report gives them.
    - `only`: keys of the questions to ask, as in `only=("recall", "apart", "kill")`; None for all.
    - `costs`: whether the price is measured as well.
    - `tell`: is told how far it is; None writes it to a terminal, if there is one.

    >>> from lessons_lib.memories import DictBot
    >>> print(exam(DictBot, only=("recall", "kill"), costs=False))
    The memory exam: DictBot
    ● yes             Recall: in a conversation
                      recalled the words, the file, the feedback
    ○ no              Survive: kill -9
                      kept nothing when the process was killed

    Raises TypeError for what makes no memory, ValueError for arguments that make no sense.
    """
    candidates = _candidates(makes, named or {})
    questions = _chosen(only)
    if tell is not None and not callable(tell):
        raise TypeError(f"tell is {tell!r}: give a function of a text, as in tell=print")
    told = tell or _to_the_terminal()
    try:
        enrolled = [_enrolled(name, make) for name, make in candidates.items()]
        return Report(tuple(_sit(one, questions, costs, told) for one in enrolled))
    except KeyboardInterrupt:
        raise Stopped("the exam was stopped, and its processes have ended") from None


def _candidates(makes: Sequence[Make], named: Mapping[str, Make]) -> dict[str, Make]:
    if not isinstance(named, Mapping):
        raise TypeError(f"named is {named!r}: give names and what makes a memory, {{'mine': make}}")
    candidates: dict[str, Make] = {}
    for make in makes:
        if not callable(make):
            raise TypeError(
                f"{make!r} makes no memory: give a class or a function, make(folder) -> memory"
            )
        name = getattr(getattr(make, "func", make), "__name__", type(make).__name__)
        same = sum(one.partition(" ")[0] == name for one in candidates)
        candidates[f"{name} {same + 1}" if same else name] = make
    for name, make in named.items():
        if not callable(make):
            raise TypeError(f"named[{name!r}] is {make!r}: give a class or a function of a folder")
        candidates[name] = make
    if not candidates:
        raise ValueError("nothing sits the exam: give a memory's class, as in exam(DictBot)")
    return candidates


def _chosen(only: Sequence[str] | None) -> list[Question]:
    keys = list(QUESTIONS) if only is None else [only] if isinstance(only, str) else only
    if not isinstance(keys, (list, tuple, set, frozenset, Mapping)) or not keys:
        raise ValueError(f"only is {only!r}: name questions of {', '.join(QUESTIONS)}")
    for key in keys:
        if not isinstance(key, str) or key not in QUESTIONS:
            raise ValueError(f"only has {key!r}: the questions are {', '.join(QUESTIONS)}")
    return [QUESTIONS[key] for key in keys]


@dataclass(frozen=True)
class _Enrolled:
    """A memory that sits the exam: its name, what makes it in any process, its class if known."""

    name: str
    packed: bytes
    kind: type | None
    elsewhere: bool
    """Whether it keeps what it has outside the folder that it is given."""


def _enrolled(name: str, make: Make) -> _Enrolled:
    """Pickle what makes a memory, and see in a process that it makes one."""
    packed = pack(make)
    with scratch("exam-") as folder, open_lab(packed, Path(folder)) as lab:
        try:
            worker = lab.worker()
        except (Trouble, Late) as trouble:
            raise TypeError(f"{name} made no memory: {trouble}") from None
        if "say" not in worker.can:
            raise TypeError(
                f"{name} made {worker.shown}, which has no method "
                "say(text, *, conversation, user, file): a memory needs one"
            )
        _check_turn(name, worker)
        worker.kill()
        return _Enrolled(name, packed, _class_of(worker), _knows_in_an_empty_folder(lab))


def _knows_in_an_empty_folder(lab: Lab) -> bool:
    """Whether what was said is known after a kill, and without the files of its folder."""
    try:
        again = lab.worker(lab.folder / "empty")
        return again.say("What did I say first?", conversation="c0", user="ada").tells("Hello.")
    except (Trouble, Late):
        return False


def _check_turn(name: str, worker: Worker) -> None:
    """A first turn: it has to come back with a text, and to ask the course's model for it."""
    try:
        first = worker.say("Hello.", conversation="c0", user="ada", file=("a.txt", "a"))
    except (Trouble, Late) as trouble:
        raise TypeError(
            f"{name}'s say('Hello.', conversation='c0', user='ada', file=('a.txt', 'a')) "
            f"came to nothing, it raised {trouble}"
        ) from None
    if not first.sent:
        raise TypeError(
            f"{name} did not ask the course's model: answer with reply(messages) "
            "of lessons_lib.memories, so that memory is all that differs"
        )


def _sit(one: _Enrolled, questions: Sequence[Question], costs: bool, tell: Tell) -> Sitting:
    answers = {}
    for number, question in enumerate(questions, 1):
        tell(f"{one.name}: question {number} of {len(questions)} · {question.asks}")
        with scratch("exam-") as folder, open_lab(one.packed, Path(folder), one.elsewhere) as lab:
            found = question.put_to(lab)
        answers[question.key] = Answer(question.key, found.mark, found.saw)
    if not costs:
        return Sitting(one.name, answers)
    tell(f"{one.name}: its price")
    with scratch("exam-") as folder:
        cost = price(one.packed, Path(folder))
    if one.kind is not None:
        packages, statements = account(one.kind)
        cost = replace(cost, packages=packages, statements=statements)
    return Sitting(one.name, answers, cost)


def _class_of(worker: Worker) -> type | None:
    """The class of what the worker made, as this process knows it."""
    module, name = worker.kind
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None


def _to_the_terminal() -> Tell:
    """Write how far it is to the terminal, in place; to nothing where there is none."""
    if not sys.stderr.isatty():
        return lambda line: None
    return lambda line: print(f"\r\033[K{line[:78]}", end="", file=sys.stderr, flush=True)
