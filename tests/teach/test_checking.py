"""Checks: every fault has its sentence, nothing of the reader's stays, tries are counted."""

from __future__ import annotations

import gc
import inspect
import os
import sys
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.launch.saving import WIDGET
from lessons_lib.teach import check, hint, solution
from lessons_lib.teach.checking import judge, kernel_unchanged
from lessons_lib.teach.model import NotYet
from lessons_lib.teach.sources import is_stub, kind, source_of
from lessons_lib.teach.store import Store
from tests.proof import Asked, prove, run, verdict

from .sample import ANSWER, BAG, DOUBLE

FIRST, SECOND = DOUBLE.answers.near_misses
SOLUTION = DOUBLE.answers.solution


def told(source: str, one: Asked = DOUBLE) -> str:
    return str(check(one.exercise.id, run(one, source)))


def test_right_says_what_was_proven(kept: Store) -> None:
    assert told(SOLUTION) == "✓ Right: `double` doubles 0, 3 and -2."
    tried = kept.read().exercises["13.double"]
    assert (tried.tries, tried.accepted, tried.source) == (1, True, SOLUTION.rstrip())


def test_a_fault_has_its_own_sentence_and_counts_as_a_try(kept: Store) -> None:
    assert "✗ Not yet: `double(3)` is 9: that is the square" in told(FIRST.source)
    tried = kept.read().exercises["13.double"]
    assert (tried.tries, tried.accepted, tried.source) == (1, False, "")


def test_the_output_is_the_same_whatever_is_stored() -> None:
    made = run(DOUBLE, SOLUTION)
    assert check("13.double", made) == check("13.double", made)


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


def test_what_has_no_text_is_taken_for_a_try() -> None:
    names: dict[str, Any] = {}
    exec(DOUBLE.stub, names)
    assert source_of(names["double"]) == ""
    assert not is_stub(DOUBLE.stub, "double", names["double"])


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


def test_an_exception_names_its_type_its_words_and_the_readers_line() -> None:
    text = told("import json\n\ndef double(number):\n    size = 1\n    return json.loads('{')\n")
    assert text.startswith("✗ Not yet: your code raised `JSONDecodeError` (Expecting property name")
    assert text.endswith("on line 5: `return json.loads('{')`.")


def test_an_exception_loses_addresses_and_length() -> None:
    text = told("def double(number):\n    raise ValueError(object(), 'x' * 1000)\n")
    assert "0x" not in text
    assert "<object object>" in text
    assert len(text) < 500


def test_an_exception_whose_words_raise_is_still_told() -> None:
    code = (
        "class Bad(Exception):\n    def __str__(self):\n        raise KeyError\n\n"
        "def double(number):\n    raise Bad\n"
    )
    assert "your code raised `Bad`, on line 6: `raise Bad`." in told(code)


def test_a_result_that_the_check_cannot_use_is_told_as_such() -> None:
    made = run(DOUBLE, "def double(number):\n    return 'abc'\n")
    judged = judge(DOUBLE.exercise, lambda function: str(function(1).missing), made)
    assert judged.text == (
        "what `double` gave back could not be used: "
        "`AttributeError` ('str' object has no attribute 'missing')."
    )


def test_a_wrong_signature_is_told_as_such() -> None:
    assert (
        "`double` cannot be called as the task says: `TypeError` "
        "(double() takes 0 positional arguments but 1 was given)."
    ) in told("def double():\n    return 2\n")


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "SystemExit"])
def test_a_stopped_run_says_so_and_where(stop: str) -> None:
    text = told(f"def double(number):\n    while True:\n        raise {stop}\n")
    expected = "you stopped `double`" if stop == "KeyboardInterrupt" else "raised `SystemExit`"
    assert expected in text
    assert f"on line 3: `raise {stop}`" in text


def test_a_real_interrupt_ends_an_endless_loop() -> None:
    """As the kernel's stop button does it: a signal while the loop runs."""
    code = "import signal\n\ndef double(number):\n    signal.raise_signal(signal.SIGINT)\n"
    code += "    while True:\n        number += 1\n"
    assert "Does its loop end?" in told(code)


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


def test_the_answer_itself_is_not_kept() -> None:
    made = run(DOUBLE, SOLUTION)
    seen = weakref.ref(made)
    result = check("13.double", made)
    made.__globals__.clear()
    del made
    assert result.right
    assert seen() is None


def test_a_check_leaves_the_kernel_as_it_was(tmp_path: Path) -> None:
    before = (gc.get_threshold(), os.getcwd(), sys.gettrace(), sys.stdout, gc.callbacks[:])
    with kernel_unchanged():
        gc.disable()
        gc.set_threshold(1, 1, 1)
        gc.callbacks.append(print)
        os.chdir(tmp_path)
        sys.stdout = sys.stderr
    assert gc.isenabled()
    assert before == (gc.get_threshold(), os.getcwd(), sys.gettrace(), sys.stdout, gc.callbacks[:])


def test_a_disabled_collector_stays_disabled() -> None:
    gc.disable()
    try:
        with kernel_unchanged():
            gc.enable()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_verdict_is_true_when_right_and_has_words_beside_its_colour() -> None:
    right, wrong = verdict(DOUBLE, SOLUTION), verdict(DOUBLE, FIRST.source)
    assert right
    assert not wrong
    html = right._repr_mimebundle_()["text/html"]
    assert 'role="status"' in html
    assert "✓</span> Right:" in html
    assert "✗</span> Not yet:" in wrong._repr_html_()


def test_hints_open_one_inside_the_other() -> None:
    shown = hint("13.double")
    html = shown._repr_html_()
    assert html.count("<details") == 3
    assert html.index("twice") < html.index("Hint 2") < html.index("sum of two")
    assert html.endswith("</div></details></div></details></div></details>")
    assert str(shown) == "Hint 1: What is twice?\nHint 2: A sum of two.\nHint 3: `number + number`"


def test_the_solution_opens_after_a_try() -> None:
    assert "Try it first" in str(solution("13.double"))
    told(DOUBLE.stub)
    assert "Try it first" in str(solution("13.double"))
    told(FIRST.source)
    assert "return number + number" in str(solution("13.double"))
    assert "<pre" in solution("13.double")._repr_html_()


def test_where_nothing_runs_the_solution_stands_under_a_fold() -> None:
    shown = solution("13.double")._repr_mimebundle_()
    assert "<details" in shown["text/html"]
    assert "return number + number" in shown["text/html"]
    assert WIDGET in shown  # what a running notebook shows instead
    assert "return number + number" not in shown["text/plain"]


def test_a_setting_unlocks_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSONS_UNLOCK", "1")
    assert "return number + number" in str(solution("13.double"))
    monkeypatch.setenv("LESSONS_UNLOCK", "0")
    assert "Try it first" in str(solution("13.double"))


def test_prove_finds_every_kind_of_fault() -> None:
    answers = DOUBLE.answers
    told_a_lie = replace(FIRST, says="x!")
    told_alike = replace(SECOND, source=FIRST.source)
    cases: dict[str, dict[str, Any]] = {
        "13.double: the solution fails: `double(3)` is 9": {"solution": FIRST.source},
        "13.double: alternative 1 fails: `double(3)` is 9": {"alternatives": (FIRST.source,)},
        "near miss 1 passes": {"near_misses": (replace(FIRST, source=SOLUTION),)},
        "near miss 1 should be told 'x!'": {"near_misses": (told_a_lie,)},
        "'the square', is told to 2 too": {"near_misses": (FIRST, told_alike)},
        "near misses 1 and 2 are told the same": {"near_misses": (FIRST, told_alike)},
        "it does not run": {"solution": "1 / 0\n"},
        "it has no near miss": {"near_misses": ()},
    }
    for fault, change in cases.items():
        found = prove(replace(DOUBLE, answers=replace(answers, **change)))
        assert any(fault in one for one in found), (fault, found)
    others: dict[str, dict[str, Any]] = {
        "the stub is not recognised": {"stub": "double = [print][0]\n"},
        "the stub passes its check": {"check": lambda _: "anything"},
        "the stub does not run": {"stub": "def double(:\n"},
        "does not say what was proven": {"check": lambda _: " "},
    }
    for fault, change in others.items():
        found = prove(replace(DOUBLE, **change))
        assert any(fault in one for one in found), (fault, found)


@pytest.mark.parametrize("one", [DOUBLE, BAG, ANSWER])
def test_the_sample_itself_is_proven(one: Asked) -> None:
    assert prove(one) == []


def test_two_near_misses_may_be_one_mistake() -> None:
    twice = replace(DOUBLE.answers, near_misses=(FIRST, FIRST, SECOND))
    assert prove(replace(DOUBLE, answers=twice)) == []


def test_proved_sources_can_be_read_by_their_checks() -> None:
    made = run(DOUBLE, SOLUTION)
    assert judge(DOUBLE.exercise, inspect.getsource, made).text == SOLUTION
