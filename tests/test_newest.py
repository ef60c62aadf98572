"""What is said of packages and cells that moved; the resolver's part is played.

One real environment of the newest releases takes a network and minutes: who types the command
makes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lessons_lib.launch.tell import Finished
from lessons_lib.launch.trouble import Trouble
from tests import newest
from tests.samples import code, printed, write

HERE = Path(sys.executable)
RUN = "lessons_lib.launch.tell.run"


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> newest.Releases:
    monkeypatch.setattr(newest, "uv_here", lambda: Path("uv"))
    return newest.Releases(tmp_path / "new")


def test_upper_bounds_are_lifted_but_for_what_compares(
    releases: newest.Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], *_: object) -> Finished:
        asked.append(command)
        return Finished(0, "")

    monkeypatch.setattr(RUN, run)
    releases.install()
    venv, install = asked
    assert venv[1:4] == ["venv", "--python", sys.executable]
    assert "langgraph>=1.2.22" in install
    assert not any("<" in word for word in install if not word.startswith(("pytest", "nbval")))
    assert [need.split(">")[0] for need in install[-2:]] == ["pytest", "nbval"]


def test_packages_that_moved_are_told(
    releases: newest.Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_pinned = next(iter(newest.locked()["psutil"]))
    versions = {"cloudpickle": "99.1", "newcomer": "0.1", "psutil": as_pinned}
    listed = [{"name": name, "version": version} for name, version in versions.items()]
    beyond = [{"name": "cloudpickle", "version": "99.1", "latest_version": "99.2"}]

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        said = json.dumps(beyond if "--outdated" in command else listed)
        return subprocess.CompletedProcess(command, 0, said, "")

    monkeypatch.setattr(subprocess, "run", run)
    said = list(releases.report())
    assert said[0] == "2 of 3 packages are newer than their pins, or other ones:"
    assert said[1].startswith("  cloudpickle ")
    assert said[1].endswith(" → 99.1")
    assert said[2] == "  newcomer none → 0.1"
    assert said[3] == "  cloudpickle 99.1: there is 99.2, which does not fit the others"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: dns error", "The package index did not answer"),
        ("because b<2\n  no solution", "No set of releases fits, .* because b<2 no solution"),
    ],
)
def test_no_network_and_no_solution_are_one_sentence(
    releases: newest.Releases, monkeypatch: pytest.MonkeyPatch, output: str, sentence: str
) -> None:
    monkeypatch.setattr(RUN, lambda command, *_: Finished("pip" in command, output))
    with pytest.raises(Trouble, match=sentence):
        releases.install()


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    for wrong in (["77"], ["--keep"], ["--keep", str(tmp_path)]):
        with pytest.raises(SystemExit) as refused:
            newest.main(wrong)
        assert refused.value.code == newest.NOT_TRIED


def test_each_cell_that_moved_is_told_with_old_and_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = write(tmp_path / "01_same.ipynb", code("print(1)", printed("1\n"), count=1))
    other = write(
        tmp_path / "02_other.ipynb",
        code("print('a'); print(2)", printed("a\n3\n"), count=1),
        code("1 / 0", printed("never\n"), count=2),
        code("pass", printed("gone\n"), count=3),
    )
    assert newest.compare(HERE, [same, other]) == 1
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


def test_a_lesson_that_does_not_run_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "03_broken.ipynb").write_text("no notebook", encoding="utf-8")
    assert newest.compare(HERE, [tmp_path / "03_broken.ipynb"]) == 1
    assert "NotJSONError" in capsys.readouterr().out.splitlines()[-2]
