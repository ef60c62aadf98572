"""The course's own run of the exam: all memories, as they were found, kept in a file.

The whole exam takes a minute and more, too long to wait for in a lesson. So one run is kept, and
the tests put the exam to all memories again and compare: `python3 -m lessons_lib refresh exam`
writes the file, and nobody does it by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lessons_lib.exam.price import Price
from lessons_lib.exam.questions import QUESTIONS, Answer
from lessons_lib.exam.report import Report, Sitting

FILE = Path(__file__).with_name("kept.json")
_KEPT = ("ram", "disk", "packages", "statements")
"""What of a price is kept: the times would differ from run to run."""


def kept(names: Sequence[str] | None = None) -> Report:
    """The exam of all memories as the course has found it (or of those named, in their order).

    >>> kept()["dict"]["kill"].mark
    'no'

    Raises KeyError for a memory that did not sit.
    """
    run: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    report = Report(tuple(_sitting(name, found) for name, found in run.items()))
    return report if names is None else Report(tuple(report[name] for name in names))


def written(report: Report) -> str:
    """A run as the file has it: marks, what was seen, and prices; no times, which differ.

    >>> answer = Answer(QUESTIONS["kill"], "yes", "kept the words")
    >>> "kept the words" in written(Report((Sitting("mine", {"kill": answer}),)))
    True
    """
    lines = (json.dumps({one.name: _found(one)}, ensure_ascii=False) for one in report.sittings)
    return "{\n" + ",\n".join(line[1:-1] for line in lines) + "\n}\n"


def _found(one: Sitting) -> dict[str, Any]:
    found: dict[str, Any] = {
        "answers": {key: [answer.mark, answer.saw] for key, answer in one.answers.items()}
    }
    if one.price:
        found["price"] = {name: getattr(one.price, name) for name in _KEPT}
    return found


def _sitting(name: str, found: dict[str, Any]) -> Sitting:
    answers = {key: Answer(QUESTIONS[key], *answer) for key, answer in found["answers"].items()}
    cost = found.get("price")
    priced = Price(**{**cost, "packages": tuple(cost["packages"])}) if cost else None
    return Sitting(name, answers, priced)
