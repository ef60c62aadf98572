"""What installers and the file system say, turned into one sentence."""

import errno
import sys
from pathlib import Path

import pytest

from lessons_lib.launch import environment, machine, trouble
from lessons_lib.launch.project import Project
from lessons_lib.launch.tell import Finished
from lessons_lib.launch.trouble import Trouble

ROOT = Path("course")
OFFLINE_PIP = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object \
at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')'
ERROR: Could not find a version that satisfies the requirement aiosqlite==0.22.1 (from versions: \
none)
ERROR: No matching distribution found for aiosqlite==0.22.1
"""
SAID = {
    OFFLINE_PIP: "did not answer",
    "error: Failed to fetch: `…`\n  Caused by: dns error: failed to lookup": "did not answer",
    "OSError: [Errno 28] No space left on device": "no room",
    "error: failed to write (os error 28)": "no room",
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.": "is not the one",
    "[Errno 13] Permission denied: '/x'": "cannot be written to",
    "The virtual environment was not created successfully because ensurepip is not available": (
        "sudo apt install python{}.{}-venv".format(*sys.version_info)
    ),
    "ERROR: No matching distribution found for orjson==3.13.0": "no ready-made build",
    "something\nvery new\n\n": "the last it said was: very new",
}


@pytest.mark.parametrize(("said", "sentence"), SAID.items())
def test_an_installers_words(said: str, sentence: str) -> None:
    problem = trouble.from_output(said, ROOT, Path("log"))
    assert sentence in str(problem)
    assert "\n" not in str(problem)
    assert problem.code == 1


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no room"),
        (errno.EROFS, "cannot be written to"),
        (errno.EACCES, "cannot be written to"),
        (errno.ENOTDIR, "Not a directory"),
    ],
)
def test_an_error_of_the_file_system(number: int, sentence: str) -> None:
    error = OSError(number, "Not a directory", "there")
    assert sentence in str(trouble.from_os_error(error, ROOT))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path)
    for lock in (project.lock, project.test_lock):
        lock.parent.mkdir()
        lock.write_text("six==1.0\n")
    monkeypatch.setattr(environment, "uv_here", lambda project: None)
    return project


def test_without_uv_pip_does_it_and_no_network_is_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], *_: object) -> Finished:
        commands.append(command)
        return Finished(0, "") if "venv" in command else Finished(1, OFFLINE_PIP)

    monkeypatch.setattr("lessons_lib.launch.tell.run", run)
    with pytest.raises(Trouble, match="did not answer"):
        environment.Maker(project).make(tests=False)
    assert [command[2] for command in commands] == ["venv", "pip", "pip"]
    assert all("install" in command for command in commands[1:])
    assert environment.state(project) == "broken"
    assert OFFLINE_PIP in project.log.read_text()


@pytest.mark.parametrize(
    ("what", "instead", "sentence"),
    [
        ("lessons_lib.launch.machine.has_module", False, r"sudo apt install python3\.\d+-venv"),
        ("lessons_lib.launch.machine.free_megabytes", 60, "60 MB are free"),
        ("os.access", False, "cannot be written to"),
    ],
)
def test_what_is_lacking_is_said_before_anything_is_made(
    project: Project, monkeypatch: pytest.MonkeyPatch, what: str, instead: object, sentence: str
) -> None:
    monkeypatch.setattr(what, lambda *_: instead)
    with pytest.raises(Trouble, match=sentence):
        environment.Maker(project).make(tests=False)
    assert not project.venv.exists()


def test_windows_cannot_move_the_python_that_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.venv / "Scripts").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(project.venv))
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Trouble, match="type `deactivate`, then start again"):
        environment.Maker(project).make(tests=False)
    assert (project.venv / "Scripts").exists()


def test_a_broken_environment_stays_until_a_new_one_can_be_made(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.venv.mkdir()
    project.stamp.write_text('{"format": 1, "made": false}')
    monkeypatch.setattr(machine, "free_megabytes", lambda folder: 60)
    with pytest.raises(Trouble):
        environment.Maker(project).make(tests=False)
    assert project.stamp.exists()


def test_pips_mirror_is_uvs_mirror() -> None:
    listed = ":env:.index-url='https://b.example'\nglobal.index-url='https://a.example'\n"
    assert environment.pip_settings(listed) == {"index-url": "https://b.example"}


def test_variables_that_lead_past_the_environment_are_dropped() -> None:
    theirs = {"PYTHONPATH": "/opt/ros", "PYTHONOPTIMIZE": "1"}
    clean = environment.clean({**theirs, "PIP_USER": "1", "HOME": "/home/ada"})
    assert not clean.keys() & theirs
    assert clean["PIP_USER"] == "0"
    assert clean["HOME"] == "/home/ada"
