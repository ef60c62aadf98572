"""The newest releases tried: what the command asks for and says, with the resolver's part played.

One real environment of them takes a network and minutes, and is made by who types the command.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lessons_lib.launch import newest
from lessons_lib.launch.project import HERE, requirements
from lessons_lib.launch.tell import Finished, Teller
from lessons_lib.launch.trouble import Trouble

OK = Finished(0, "")
Answer = Callable[[list[str]], Finished]


class Played(Teller):
    """Notes down what would be run and answers for it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[list[str]] = []
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def run(self, command: object, *_: object) -> Finished:
        assert isinstance(command, list)
        self.asked.append([str(word) for word in command])
        return self.answer(self.asked[-1])


LISTS = {
    "freeze": "cloudpickle==99.1\nnewcomer==0.1\npsutil=="
    + next(iter(newest.locked(HERE)["psutil"])),
    "list": json.dumps([{"name": "cloudpickle", "version": "99.1", "latest_version": "99.2"}]),
}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every program that the command ran in the new environment or asked for a list."""
    commands: list[list[str]] = []

    def run(command: list[object], **_: object) -> "subprocess.CompletedProcess[str]":
        words = [str(word) for word in command]
        commands.append(words)
        said = next((text for word, text in LISTS.items() if word in words), "")
        return subprocess.CompletedProcess(words, 1 if "tests.newest" in words else 0, said, "")

    monkeypatch.setattr(newest, "uv_here", lambda project: Path("uv"))
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_it_lifts_the_bounds_says_what_moved_and_hands_on_what_the_lessons_said(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tell = Played(lambda command: OK)
    assert newest.try_newest(["02"], tell) == 1
    venv, install = tell.asked
    assert venv[1:4] == ["venv", "--python", sys.executable]
    assert "langgraph>=1.2.22" in install
    assert not any("<" in word for word in install if not word.startswith(("pytest", "nbval")))
    assert [need.split(">")[0] for need in install[-2:]] == ["pytest", "nbval"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "2 of 3 packages are newer than their pins, or other ones:"
    assert said[1].startswith("  cloudpickle ")
    assert said[1].endswith(" → 99.1")
    assert said[2] == "  newcomer none → 0.1"
    assert said[3] == "  cloudpickle 99.1: there is 99.2, which does not fit the others"
    assert ran[-1][1:] == ["-m", "tests.newest", "02_reference_counting.ipynb"]
    assert not Path(venv[-1]).exists()


def test_what_does_not_fit_without_bounds_is_tried_within_them(ran: list[list[str]]) -> None:
    def answer(command: list[str]) -> Finished:
        return OK if "<" in " ".join(command[:8]) or "venv" in command else Finished(1, "no way")

    tell = Played(answer)
    newest.try_newest([], tell)
    assert len(tell.asked) == 3
    assert set(requirements()) <= set(tell.asked[-1])
    assert "They do not fit each other" in tell.said[-1]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: dns error", "The package index did not answer"),
        ("because b<2\n  no solution", "No set of releases fits, .* because b<2 no solution"),
    ],
)
def test_no_network_and_no_solution_are_one_sentence(
    ran: list[list[str]], output: str, sentence: str
) -> None:
    tell = Played(lambda command: OK if "venv" in command else Finished(1, output))
    with pytest.raises(Trouble, match=sentence) as caught:
        newest.try_newest([], tell)
    assert caught.value.code == newest.NOT_TRIED
    assert not any("tests.newest" in command for command in ran)


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="is there already: name a new folder"):
        newest.read_wishes(["--keep", str(tmp_path)])
    with pytest.raises(Trouble, match="takes the folder"):
        newest.read_wishes(["--keep"])
    with pytest.raises(Trouble, match="There is no lesson '77'"):
        newest.read_wishes(["77"])
    assert newest.read_wishes(["--keep", "new"]).keep == Path(os.getcwd(), "new")
