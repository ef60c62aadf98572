"""catch_up puts a lesson's names into the caller's notebook, never silently over the reader's."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from lessons_lib.teach import catch_up


def notebook(code: str, **names: Any) -> dict[str, Any]:
    """The names of a notebook after a cell was run in it; what the cell says is `shown`."""
    space: dict[str, Any] = {"__name__": "__main__", "catch_up": catch_up, **names}
    exec(code, space)
    return space


def test_the_names_are_ready_in_the_callers_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    space = notebook("shown = catch_up('13')")
    assert space["parse"](space["Upload"]("cv.pdf")).name == "cv.pdf"
    assert space["parse"].__globals__ is space
    assert space["Upload"].__module__ == "__main__"
    assert inspect.getsource(space["parse"]).startswith("def parse(upload)")
    assert str(space["shown"]) == (
        "Before lesson 13 (Long-term memory I) you can say:\n"
        "  - A name leads to an object.\n"
        "  - `del` cuts a reference.\n"
        "Ready for use: `Upload`, `parse`, `limit`."
    )
    assert "<code>del</code> cuts" in space["shown"]._repr_html_()
    assert all(isinstance(value, str) for value in vars(space["shown"]).values())
    assert capsys.readouterr().out == ""  # what the cells print is not shown


def test_a_name_of_the_readers_stays_and_this_is_said() -> None:
    mine = object()
    space = notebook("shown = catch_up('13')", Upload=mine, limit=5)
    assert (space["Upload"], space["limit"]) == (mine, 5)
    assert "You had `Upload`, `limit` already, and yours stayed" in str(space["shown"])
    assert "Ready for use: `parse`." in str(space["shown"])


def test_a_second_run_changes_nothing_and_says_the_same() -> None:
    space = notebook("first = catch_up('13'); before = Upload, parse; second = catch_up('13')")
    assert space["first"] == space["second"]
    assert (space["Upload"], space["parse"]) == space["before"]


def test_a_class_that_the_reader_changed_is_the_readers() -> None:
    space = notebook("class Upload:\n    size = 1\n\nmine = Upload\nshown = catch_up('13')")
    assert space["Upload"] is space["mine"]
    assert "You had `Upload` already, and yours stayed" in str(space["shown"])


def test_a_lesson_that_needs_nothing_says_so() -> None:
    assert "starts from nothing" in str(catch_up("14"))


def test_a_wrong_number_names_the_nearest() -> None:
    with pytest.raises(LookupError, match="did you mean '09'"):
        catch_up("9")
