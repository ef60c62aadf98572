"""The memory exam: ten questions to a memory, each answered by an experiment.

Processes are really killed, writers really overlap, and bytes are really searched for. Nothing is
taken from what a memory says about itself.

How a question goes, from the call `exam(DictBot)` to the cell of the table:

1. `exam`, below, pickles what makes the memory, so that it can go to other processes, and has one
   of them make it and take a turn. What cannot is refused with one sentence: it does not sit.
2. For each question it opens a `Lab` (worker.py): a fresh folder for the memory, and workers.
3. The question's experiment (questions.py) runs in this process. `lab.worker()` starts a child, and
   `worker.say("My name is Ada.")` sends it a `Call` through a pipe.
4. The child (serving.py) has made the memory. A thread of its pool makes the call, in a context of
   its own; what the memory sends to the model is overheard on the way. A call that is to be held
   stops there, at a gate: the experiment lets it go on after others, or kills the child.
5. What the call came to goes back through the pipe, and is the worker's `Reply`. The experiment
   looks at it, or at the files, and returns the mark and what it saw. An error in the memory is a
   "no" as well, and a memory that does not come back is "not examined" (`Question.put_to`).
6. That is an `Answer`; one memory's answers are a `Sitting`, and the sittings side by side the
   `Report` (report.py). A cell shows the mark, and opens to what was done, seen, and what mends it.

Where a memory keeps its bytes, how they are found, copied and damaged is in keeping.py (files) and
on_postgres.py; what is done to them in damage.py, the price in price.py. The memories that sit by
their names are in candidates.py: `python3 -m lessons_lib exam`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lessons_lib.crash_lab.children import Stopped
from lessons_lib.crash_lab.crossing import pack
from lessons_lib.exam.keeping import Keeping, keeping_of
from lessons_lib.exam.on_postgres import OnPostgres
from lessons_lib.exam.price import price
from lessons_lib.exam.questions import QUESTIONS, Answer, Question
from lessons_lib.exam.report import Report, Sitting
from lessons_lib.exam.worker import Lab, Late, Trouble, open_lab
from lessons_lib.observe.pictures.waiting import waiting

__all__ = ["QUESTIONS", "Answer", "OnPostgres", "Report", "exam"]

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
      a `pathlib.Path` (`OnPostgres(make)` makes one of what takes a database's address instead).
      What they make has a method `say(text, *, conversation, user, file)` that answers with
      `reply`; the exam also calls `resume`, `work`, `back`, `forget` and `close` where they are.
      They are called in other processes, and may be defined in a notebook; each may be a coroutine
      function, and is then awaited, all in one loop.
    - `named`: more of them, with the names that the report gives them.
    - `only`: keys of the questions to ask, as in `only=("recall", "apart", "kill")`; None for all.
    - `costs`: whether the price is measured as well.
    - `tell`: is told how far it is; None tells whoever waits at a terminal or in a notebook.

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
    sittings = []
    try:
        with nullcontext(tell) if tell else waiting("the memory exam") as told:
            for name, packed, keeping, elsewhere in [_enrolled(*one) for one in candidates.items()]:
                answers = {}
                for number, question in enumerate(questions, 1):
                    told(f"{name}: question {number} of {len(questions)} · {question.asks}")
                    with open_lab(packed, keeping, elsewhere=elsewhere) as lab:
                        answers[question.key] = question.put_to(lab)
                cost = None
                if costs:
                    told(f"{name}: its price")
                    with open_lab(packed, keeping) as lab:
                        cost = price(packed, lab.folder)
                sittings.append(Sitting(name, answers, cost))
    except KeyboardInterrupt:
        raise Stopped("the exam was stopped, and its processes have ended") from None
    return Report(tuple(sittings))


def _candidates(makes: Sequence[Make], named: Mapping[str, Make]) -> dict[str, Make]:
    """What makes the memories, by the names that the report gives them."""
    candidates: dict[str, Make] = {}
    for make in makes:
        name = getattr(getattr(make, "func", make), "__name__", type(make).__name__)
        same = sum(one.partition(" ")[0] == name for one in candidates)
        candidates[f"{name} {same + 1}" if same else name] = make
    candidates.update(named)
    for make in candidates.values():
        if not callable(make):
            raise TypeError(
                f"{make!r} makes no memory: give a class or a function, make(folder) -> memory"
            )
    if not candidates:
        raise ValueError("nothing sits the exam: give a memory's class, as in exam(DictBot)")
    return candidates


def _chosen(only: Sequence[str] | None) -> list[Question]:
    keys = list(QUESTIONS) if only is None else [only] if isinstance(only, str) else only
    try:
        questions = [QUESTIONS[key] for key in keys]
    except (KeyError, TypeError):
        questions = []
    if not questions:
        raise ValueError(f"only is {only!r}: name questions of {', '.join(QUESTIONS)}") from None
    return questions


def _enrolled(name: str, make: Make) -> tuple[str, bytes, Keeping, bool]:
    """The name, what makes the memory, pickled, what looks into it; whether it keeps all elsewhere.

    Raises TypeError when it does not sit.
    """
    packed = pack(make)
    keeping = keeping_of(make)
    with open_lab(packed, keeping) as lab:
        _admit(name, lab)
        try:
            # Killed, and without the files of its folder, it can know this from elsewhere alone.
            again = lab.worker(lab.folder / "empty")
            said_first = again.say("What did I say first?", conversation="c0")
            return name, packed, keeping, said_first.tells("Hello.")
        except (Trouble, Late):
            return name, packed, keeping, False


def _admit(name: str, lab: Lab) -> None:
    """Take a first turn, which has to come back with a text, and to ask the course's model for it.

    Raises TypeError when it does not, or when no memory is made.
    """
    try:
        worker = lab.worker()
    except (Trouble, Late) as trouble:
        raise TypeError(f"{name} made no memory: {trouble}") from None
    if "say" not in worker.can:
        raise TypeError(
            f"{name} made {worker.shown}, which has no method "
            "say(text, *, conversation, user, file): a memory needs one"
        )
    try:
        first = worker.say("Hello.", conversation="c0", user="ada", file=("a.txt", "a"))
    except (Trouble, Late) as trouble:
        raise TypeError(
            f"{name}'s say('Hello.', conversation='c0', user='ada', file=('a.txt', 'a')) "
            f"came to nothing: {trouble}"
        ) from None
    if not first.sent:
        raise TypeError(
            f"{name} did not ask the course's model: answer with reply(messages) "
            "of lessons_lib.memories, so that memory is all that differs"
        )
    worker.kill()
