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
    assert again.lesson("01") == same


def test_a_lesson_that_does_not_run_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "03_broken.ipynb").write_text("no notebook", encoding="utf-8")
    monkeypatch.setattr(again, "notebooks", lambda: list(tmp_path.iterdir()))
    assert again.main(["1"]) == 1
    assert "  03_broken.ipynb" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["0"], "give a number from 1 up"), (["2", "99"], "there is no lesson '99': name one by")],
)
def test_nothing_to_run(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        again.main(arguments)
    assert told in capsys.readouterr().err


def test_a_long_line_is_cut_around_what_differs() -> None:
    old, new = again.where_it_differs("x" * 300 + "a" + "y" * 300, "x" * 300 + "b" + "y" * 300)
    assert old.startswith("…x")
    assert "a" in old
    assert "b" in new
    assert len(old) <= again.WIDTH + 1
