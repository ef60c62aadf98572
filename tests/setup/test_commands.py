"""What the reader types, and what they get for what does not exist."""

import socket
import subprocess
import sys

import pytest

from lessons_lib import __main__ as gate
from lessons_lib.launch import commands, doctor, environment, lab
from lessons_lib.launch.project import ROOT, binder_url, repository
from lessons_lib.launch.trouble import Trouble


def typed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "lessons_lib", *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("word", "near"), [("opne", "open"), ("tests", "test"), ("doc", "doctor"), ("fresch", "fresh")]
)
def test_an_unknown_command_gets_the_nearest(word: str, near: str) -> None:
    with pytest.raises(Trouble, match=f"did you mean `{near}`") as caught:
        commands.choose([word])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "arguments",
    [["zzz"], ["fresh"], ["fresh", "99"], ["doctor", "x"], ["--port", "many"], ["lock", "--x"]],
)
def test_a_mistake_is_one_line(arguments: list[str]) -> None:
    said = typed(*arguments)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "Traceback" not in said.stderr


def test_help_lists_every_command() -> None:
    said = typed("help")
    assert said.returncode == 0
    for name in commands.COMMANDS:
        assert f"\n  {name}" in said.stdout


def test_no_command_and_options_alone_open_the_course() -> None:
    assert commands.choose([]) == (commands.open_course, ())
    assert commands.choose(["--no-browser"])[0] is commands.open_course


def test_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = typed("open", "--no-browser", f"--port={port}")
    assert said.returncode == 1
    assert said.stderr == (
        f"Port {port} is in use: name another, or leave --port out and a free one is taken.\n"
    )
    assert f"--port={port}" in lab.options([f"--port={port}"])


def test_ctrl_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_arguments: commands.Arguments) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.COMMANDS, "open", interrupted)
    monkeypatch.setattr(sys, "argv", ["lessons_lib", "open"])
    assert gate.main() == 130
    assert capsys.readouterr().err.strip() == "Stopped. Start it again with the same command."


def test_a_missing_file_of_the_course_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(_arguments: commands.Arguments) -> int:
        raise FileNotFoundError(2, "No such file or directory", "binder/requirements.txt")

    monkeypatch.setitem(commands.COMMANDS, "open", lost)
    assert commands.main(["open"]) == 1
    assert "requirements.txt: No such file" in capsys.readouterr().err


def test_the_doctor_says_what_a_missing_package_costs() -> None:
    lacking = {"name": "langgraph", "wanted": "langgraph>=1", "installed": "", "fits": False}
    finding = doctor._package(lacking)
    assert finding.stops
    assert "00 and 09 to 21 do not run" in str(finding)
    assert "In the way of a lesson: 1" in doctor.report((finding,))


def test_the_doctor_knows_the_cost_of_every_requirement() -> None:
    from lessons_lib.launch.needs import needs

    assert {need.name for need in needs(tests=False)} <= doctor.COSTS.keys()


def test_the_doctor_sees_this_environment() -> None:
    said = typed("doctor")
    assert "jupyterlab" in said.stdout
    assert said.returncode == (1 if "MISSING" in said.stdout else 0)


def test_binder_links_are_made_from_the_one_address() -> None:
    assert binder_url().startswith("https://mybinder.org/v2/gh/" + repository().split("/", 3)[3])
    assert binder_url().endswith("%2F00_start_here.ipynb")


def test_this_environment_has_what_is_needed() -> None:
    found = environment.find(tests=False)
    assert found is not None
