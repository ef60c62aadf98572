"""What is said of cells that moved: each by its number, with what it was and what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import newest
from tests.samples import code, printed, write


def test_each_cell_that_moved_is_told_with_old_and_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    same = write(tmp_path / "01_same.ipynb", code("print(1)", printed("1\n"), count=1))
    other = write(
        tmp_path / "02_other.ipynb",
        code("print('a'); print(2)", printed("a\n3\n"), count=1),
        code("1 / 0", printed("never\n"), count=2),
        code("pass", printed("gone\n"), count=3),
    )
    monkeypatch.setattr(newest, "chosen", lambda _: [same, other])
    assert newest.main([]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[1:8] == [
        "01_same                         the same",
        "02_other                        not the same",
        "  Cell 0",
        "    was: 3",
        "    now: 2",
        "  Cell 1",
        "    now: ZeroDivisionError: division by zero",
    ]
    assert said[8] == "  Cell 2"
    assert "Missing output fields" in said[9]
    assert said[-1] == "1 of 2 lessons are the same."


def test_a_lesson_that_does_not_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "03_broken.ipynb").write_text("no notebook", encoding="utf-8")
    assert "NotJSONError" in newest.run(tmp_path / "03_broken.ipynb")[-1]


def test_a_long_line_is_cut_around_what_differs() -> None:
    old, new = newest.where_it_differs("x" * 300 + "a" + "y" * 300, "x" * 300 + "b" + "y" * 300)
    assert old.startswith("…x")
    assert "a" in old
    assert "b" in new
    assert len(old) <= newest.WIDTH + 1
