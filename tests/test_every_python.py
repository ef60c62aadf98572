"""Finding the other Pythons: who is chosen, who is passed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import every_python
from tests.every_python import Interpreter


def test_the_newest_of_each_minor_is_taken() -> None:
    found = [
        Interpreter((3, 12, 1), Path("a")),
        Interpreter((3, 11, 7), Path("b")),
        Interpreter((3, 12, 10), Path("c")),
    ]
    assert [str(one) for one in every_python.newest_of_each(found)] == ["3.11.7", "3.12.10"]


def test_what_is_no_interpreter_is_passed_over(tmp_path: Path) -> None:
    assert every_python.ask(tmp_path / "absent") is None
    liar = tmp_path / "python3.12"
    liar.write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
    liar.chmod(0o755)
    assert every_python.ask(liar) is None


def test_this_python_is_left_out_unless_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    this = Interpreter(sys.version_info[:3], Path(sys.executable))
    other = Interpreter((3, sys.version_info[1] + 1, 0), Path("other"))
    verified: list[Interpreter] = []
    monkeypatch.setattr(every_python, "candidates", lambda: [this.path, other.path])
    monkeypatch.setattr(every_python, "ask", {this.path: this, other.path: other}.get)

    def verify(one: Interpreter) -> bool:
        verified.append(one)
        return one == other

    monkeypatch.setattr(every_python, "verify", verify)
    assert every_python.main([]) == 0
    assert every_python.main([f"3.{sys.version_info[1]}"]) == 1
    assert verified == [other, this]
    assert every_python.main(["3.1"]) == 1
    assert "No other CPython" in capsys.readouterr().out


def test_an_interpreter_that_is_named_goes_before_what_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, newer, other = (Path(name).resolve() for name in ("mine", "newer", "other"))
    known = {
        mine: Interpreter((3, 12, 1), mine),
        newer: Interpreter((3, 12, 9), newer),
        other: Interpreter((3, 15, 0), other),
    }
    monkeypatch.setattr(every_python, "candidates", lambda: [newer])
    monkeypatch.setattr(every_python, "ask", known.get)
    monkeypatch.setenv("PYTHONS", f"{mine}{os.pathsep}{other}")
    assert [str(one) for one in every_python.found_here()] == ["3.12.1", "3.15.0"]
    monkeypatch.setenv("PYTHONS", f"{mine} nothing")
    with pytest.raises(SystemExit, match=r"PYTHONS names nothing, expected a CPython from 3.11 to"):
        every_python.found_here()


@pytest.mark.parametrize(
    ("said", "closing"),
    [
        ("a\n12 passed, 3 skipped in 8.12s\n", ["12 passed, 3 skipped in 8.12s"]),
        (
            "=== 1 failed, 2 passed in 61.00s (0:01:01) ===",
            ["1 failed, 2 passed in 61.00s (0:01:01) ==="],
        ),
        ("error: no room", []),
    ],
)
def test_the_closing_line_is_found(said: str, closing: list[str]) -> None:
    assert every_python._CLOSING.findall(said) == closing
