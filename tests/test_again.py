"""Lessons run again: which cells differed, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import again
from tests.samples import code, printed, write


def test_a_cell_that_differs_is_named_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = code("print(1)", printed("1\n"), count=1)
    same = write(tmp_path / "01_same.ipynb", one)
    other = write(tmp_path / "02_other.ipynb", one, code("print(2)", printed("3\n"), count=2))
    monkeypatch.setattr(again, "notebooks", lambda: [same, other])
    assert again.main(["1"]) == 1
    assert capsys.readouterr().out.endswith(
        "2 runs of 2 lessons, 2 at once: 1 differed.\n  02_other.ipynb::Cell 1: 1 of 1\n"
    )
    assert again.chosen(["01", "05"]) == [same]


def test_a_lesson_that_does_not_run_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "03_broken.ipynb").write_text("no notebook", encoding="utf-8")
    monkeypatch.setattr(again, "notebooks", lambda: list(tmp_path.iterdir()))
    assert again.main(["1"]) == 1
    assert "  03_broken.ipynb" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["0"], ["2", "99"]])
def test_nothing_to_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        again.main(arguments)
    assert "nothing to run: give a number from 1 up" in capsys.readouterr().err
