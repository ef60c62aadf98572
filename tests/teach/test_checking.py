"""Checks: every fault has its sentence, nothing of the reader's stays, tries are counted."""

from __future__ import annotations

import gc
import inspect
import os
import re
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.launch.saving import WIDGET
from lessons_lib.teach import check, hint, solution
from lessons_lib.teach.checking import judge, kernel_unchanged
from lessons_lib.teach.helping import TryFirst
from lessons_lib.teach.model import NotYet
from lessons_lib.teach.sources import kind, source_of
from lessons_lib.teach.store import Store, Tried
from tests.proof import Asked, prove, run, verdict

from .sample import ANSWER, BAG, DOUBLE

FIRST, SECOND = DOUBLE.answers.near_misses
SOLUTION = DOUBLE.answers.solution


def told(source: str, one: Asked = DOUBLE) -> str:
    return str(check(one.exercise.id, run(one, source)))


def test_a_verdict_says_what_was_proven_or_a_fault_and_counts_as_a_try(kept: Store) -> None:
    assert "✗ Not yet: `double(3)` is 9: that is the square" in told(FIRST.source)
    assert kept.read().exercises["13.double"] == Tried(1, False, "")
    assert told(SOLUTION) == "✓ Right: `double` doubles 0, 3 and -2."
    assert kept.read().exercises["13.double"] == Tried(2, True, SOLUTION.rstrip())
    made = run(DOUBLE, SOLUTION)
    assert check("13.double", made) == check("13.double", made)
    right, wrong = verdict(DOUBLE, SOLUTION), verdict(DOUBLE, FIRST.source)
    assert (bool(right), bool(wrong)) == (True, False)
    assert 'role="status"' in right._repr_html_()
    assert "✓</span> Right:" in right._repr_html_()
    assert "✗</span> Not yet:" in wrong._repr_html_()


@pytest.mark.parametrize(
    "stub",
    [
        DOUBLE.stub,
        "def double(number):  # my own\n\n    ...\n",
        "import os\n\ndef other(): ...\n\ndef double( number ):\n    ...\n",
    ],
)
def test_the_stub_is_no_try_whatever_its_comments(stub: str, kept: Store) -> None:
    assert "This is the stub, as it came. Change `double`" in told(stub)
    assert kept.read().exercises == {}


def test_a_class_and_a_value_have_stubs_too() -> None:
    assert kind(BAG.stub, "Bag") == "class"
    assert "This is the stub" in told(BAG.stub, BAG)
    assert "Right: a new bag is empty." in told(BAG.answers.solution, BAG)
    assert kind(ANSWER.stub, "answer") == "value"
    assert "This is the stub" in str(check("13.answer", 0))
    assert "This is the stub" in str(check("13.answer", ...))
    assert "other number" in str(check("13.answer", False))
    assert "Right: it is 42." in str(check("13.answer", 42))


def test_sources_are_found_with_decorators_and_for_classes() -> None:
    code = "import functools\n\n@functools.cache\ndef double(number):\n    return 2\n"
    assert source_of(run(DOUBLE, code)).startswith("@functools.cache\ndef double")
    assert source_of(run(BAG, "x = 1\n" + BAG.answers.solution)) == BAG.answers.solution.rstrip()
    assert source_of(partial(run(DOUBLE, code), 1)).startswith("@functools.cache")
    assert source_of(len) == source_of(3) == ""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "this is `None`, perhaps what a call gave back. Hand over the function itself"),
        (6, "this is an `int`, perhaps"),
        ("six", "this is a `str`, perhaps what a call gave back"),
        (dict, "`dict` is a class; the exercise asks for a function"),
    ],
)
def test_the_wrong_kind_is_named_and_no_try(answer: object, says: str, kept: Store) -> None:
    text = str(check("13.double", answer))
    assert says in text
    assert '`check("13.double", double)`' in text
    assert kept.read().exercises == {}


def test_where_a_class_is_asked_an_object_of_it_is_named() -> None:
    assert "this is a `Bag`; hand over the class itself" in str(
        check("13.bag", run(BAG, BAG.answers.solution)())
    )
    assert "this is a `function`; hand over the class itself" in str(check("13.bag", told))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "import json\n\ndef double(number):\n    size = 1\n    return json.loads('{')\n",
            r"your code raised `JSONDecodeError` \(Expecting property name.*line 5: `return json",
        ),
        (
            "def double(number):\n    raise ValueError(object(), 'x' * 1000)\n",
            r"\(\(<object object>, 'x{100,300} …\), on line 2",
        ),
        (
            "class Bad(Exception):\n    def __str__(self):\n        raise KeyError\n\n"
            "def double(number):\n    raise Bad\n",
            "your code raised `Bad`, on line 6: `raise Bad`.",
        ),
        (
            "def double():\n    return 2\n",
            "`double` cannot be called as the task says: `TypeError` "
            r"\(double\(\) takes 0 positional arguments but 1 was given\)\.",
        ),
        ("def double(number):\n    raise SystemExit\n", "raised `SystemExit`, on line 2"),
        (
            "def double(number):\n    while True:\n        raise KeyboardInterrupt\n",
            "you stopped `double` while it was still running, on line 3: `raise Keyb.*loop end",
        ),
        (  # as the kernel's stop button does it: a signal while the loop runs
            "import signal\n\ndef double(number):\n    signal.raise_signal(signal.SIGINT)\n"
            "    while True:\n        number += 1\n",
            "Does its loop end",
        ),
    ],
)
def test_what_an_answer_raises_is_told_with_the_readers_line(code: str, says: str) -> None:
    assert re.search(says, told(code))


def test_a_result_that_the_check_cannot_use_is_told_as_such() -> None:
    made = run(DOUBLE, "def double(number):\n    return 'abc'\n")
    judged = judge(DOUBLE.exercise, lambda function: str(function(1).missing), made)
    assert judged.text == (
        "what `double` gave back could not be used: "
        "`AttributeError` ('str' object has no attribute 'missing')."
    )


@pytest.mark.parametrize("error", ["ValueError('no')", "KeyboardInterrupt", "NotYet('no')"])
def test_nothing_of_the_readers_outlives_a_failed_check(error: str) -> None:
    code = "def double(number):\n    upload = Upload()\n    seen.append(ref(upload))\n"
    code += f"    raise {error}\n"
    seen: list[weakref.ref[object]] = []
    made = run(DOUBLE, code)
    made.__globals__.update(
        Upload=type("Upload", (), {}), ref=weakref.ref, seen=seen, NotYet=NotYet
    )
    gc.disable()
    try:
        result = check("13.double", made)
        assert not result.right
        assert [one() for one in seen] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize("switch", [gc.enable, gc.disable])
def test_a_check_leaves_the_kernel_as_it_was(switch: Callable[[], None], tmp_path: Path) -> None:
    def state() -> tuple[object, ...]:
        collector = gc.isenabled(), gc.get_threshold(), gc.callbacks[:]
        return (*collector, os.getcwd(), sys.gettrace(), sys.stdout)

    try:
        switch()
        before = state()
        with kernel_unchanged():
            (gc.disable if gc.isenabled() else gc.enable)()
            gc.set_threshold(1, 1, 1)
            gc.callbacks.append(print)
            os.chdir(tmp_path)
            sys.stdout = sys.stderr
        assert before == state()
    finally:
        gc.enable()


def test_hints_open_one_inside_the_other() -> None:
    html = hint("13.double")._repr_html_()
    assert html.count("<details") == 3
    assert html.endswith("</div></details></div></details></div></details>")
    assert html.index("twice") < html.index("Hint 2") < html.index("sum of two")


def test_the_solution_opens_after_a_try_or_in_an_unlocked_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for unlock, found in ("", "Try it first"), ("0", "Try it first"), ("1", "return number +"):
        monkeypatch.setenv("LESSONS_UNLOCK", unlock)
        assert found in str(solution("13.double"))
    monkeypatch.delenv("LESSONS_UNLOCK")
    for source, found in (DOUBLE.stub, "Try it first"), (FIRST.source, "return number + number"):
        told(source)
        assert found in str(solution("13.double"))
    assert "<pre" in solution("13.double")._repr_html_()


def test_where_nothing_runs_the_solution_stands_under_a_fold() -> None:
    asked = solution("13.double")
    assert isinstance(asked, TryFirst)
    shown = asked._repr_mimebundle_()
    assert "<details" in shown["text/html"]
    assert "return number + number" in shown["text/html"]
    assert WIDGET in shown  # what a running notebook shows instead
    assert "return number + number" not in shown["text/plain"]


TOLD_A_LIE = replace(FIRST, says="x!")
TOLD_ALIKE = replace(SECOND, source=FIRST.source)


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("13.double: the solution fails: `double(3)` is 9", {"solution": FIRST.source}),
        ("13.double: alternative 1 fails: `double(3)` is 9", {"alternatives": (FIRST.source,)}),
        ("near miss 1 passes", {"near_misses": (replace(FIRST, source=SOLUTION),)}),
        ("near miss 1 should be told 'x!'", {"near_misses": (TOLD_A_LIE,)}),
        ("'the square', is told to 2 too", {"near_misses": (FIRST, TOLD_ALIKE)}),
        ("near misses 1 and 2 are told the same", {"near_misses": (FIRST, TOLD_ALIKE)}),
        ("", {"near_misses": (FIRST, FIRST, SECOND)}),  # two may be one mistake
        ("it does not run", {"solution": "1 / 0\n"}),
        ("it has no near miss", {"near_misses": ()}),
        ("the stub is not recognised", {"stub": "double = [print][0]\n"}),
        ("the stub passes its check", {"check": lambda _: "anything"}),
        ("the stub does not run", {"stub": "def double(:\n"}),
        ("does not say what was proven", {"check": lambda _: " "}),
    ],
)
def test_prove_finds_every_kind_of_fault(fault: str, change: dict[str, Any]) -> None:
    of_answers = {key: value for key, value in change.items() if hasattr(DOUBLE.answers, key)}
    rest = {key: value for key, value in change.items() if key not in of_answers}
    found = prove(replace(DOUBLE, answers=replace(DOUBLE.answers, **of_answers), **rest))
    assert any(fault in one for one in found) if fault else found == []


@pytest.mark.parametrize("one", [DOUBLE, BAG, ANSWER])
def test_the_sample_itself_is_proven(one: Asked) -> None:
    assert prove(one) == []
    made = run(DOUBLE, SOLUTION)  # a check may read the source
    assert judge(DOUBLE.exercise, inspect.getsource, made).text == SOLUTION
