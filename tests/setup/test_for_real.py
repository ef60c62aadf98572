"""The set-up run as a reader runs it, in a course in miniature: real processes, real kills."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import packaging
import pytest

from lessons_lib.launch import environment
from lessons_lib.launch.project import ROOT, Project
from tests.setup import fake

PACKAGING = Path(packaging.__file__).parent
"""The look at what is installed stands on it, as JupyterLab does."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for uv is a POSIX script")


def started(said: "subprocess.CompletedProcess[str]") -> "dict[str, object]":
    """What the stand-in for JupyterLab was started with."""
    assert said.returncode == 0, said.stderr
    found: dict[str, object] = json.loads(said.stdout.splitlines()[-1])
    return found


def one_line(said: "subprocess.CompletedProcess[str]") -> str:
    """The sentence that a failed command ends on; there is no traceback."""
    assert said.returncode != 0
    assert "Traceback" not in said.stderr
    return said.stderr.strip().splitlines()[-1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return fake.course(tmp_path)


@pytest.fixture
def uv(tmp_path: Path) -> str:
    return str(fake.uv(tmp_path))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A course that was set up once, with the stand-in for uv."""
    folder = tmp_path_factory.mktemp("made")
    project = fake.course(folder)
    said = fake.run(project, path=str(fake.uv(folder)))
    started(said)
    assert "Preparing the pictures" in said.stderr
    assert not (project.venv / "bin" / "pip").exists()
    return project


@pytest.fixture
def ready(made: Project, tmp_path: Path) -> "tuple[Project, str]":
    """A copy of it, and the folder of its uv."""
    return fake.copied(made, tmp_path), str(tmp_path / "uv-bin")


def test_from_nothing_with_pip(project: Project) -> None:
    first = fake.run(project, "--no-browser", "--ip=127.0.0.1")
    lab = started(first)
    assert "Preparing the pictures" in first.stderr
    assert "with pip" not in first.stderr  # uv could not be had, so nothing failed with it
    assert lab["prefix"] == str(project.venv)
    assert "--ip=127.0.0.1" in lab["argv"]  # type: ignore[operator]
    assert (project.copies / "00_start_here.ipynb").exists()

    second = fake.run(project)
    started(second)
    assert "Installing" not in second.stderr


@posix
def test_what_stops_the_installer_is_one_line(project: Project, uv: str) -> None:
    full = "error: No space left on device (os error 28)"
    assert "There is no room" in one_line(fake.run(project, path=uv, UV_SAYS=full))
    assert environment.state(project) == "broken"


@posix
def test_what_uv_cannot_do_pip_does(project: Project, uv: str) -> None:
    said = fake.run(project, path=uv, UV_SAYS="error: dns error")
    started(said)
    assert "Installing them with pip" in said.stderr


@posix
def test_a_kill_during_the_set_up_is_mended(project: Project, uv: str) -> None:
    with fake.at_work(project, uv) as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert environment.state(project) == "broken"
    said = fake.run(project, path=uv)
    started(said)
    assert "making it anew" in said.stderr


@posix
def test_ctrl_c_is_one_line_and_the_next_start_works(project: Project, uv: str) -> None:
    with fake.at_work(project, uv) as process:
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("Stopped.")
    assert "Traceback" not in said
    assert environment.state(project) == "broken"


@posix
def test_a_stopped_update_leaves_what_was_there(ready: "tuple[Project, str]") -> None:
    project, uv = ready
    full = "error: No space left on device (os error 28)"
    assert fake.run(project, "test", path=uv, UV_SAYS=full).returncode == 1
    again = fake.run(project, path=uv)
    started(again)
    assert "Installing" not in again.stderr
    tests = fake.run(project, "test", "-k", "x", path=uv)
    assert (tests.returncode, tests.stdout.strip()) == (7, "tests of ['-k', 'x']")


@posix
def test_two_set_ups_at_once(project: Project, uv: str) -> None:
    with fake.at_work(project, uv) as first:
        second = subprocess.Popen(
            fake.command(),
            cwd=project.root,
            env=fake.environ(project, uv),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert "waiting for it" in second.stderr.readline()
    said, _ = second.communicate()
    assert json.loads(said.splitlines()[-1])["prefix"] == str(project.venv)
    assert first.communicate()[0]
    assert first.returncode == 0


@posix
@pytest.mark.parametrize("harm", ["python gone", "package gone", "folder moved", "stamp torn"])
def test_what_is_wrong_with_an_environment_is_seen(ready: "tuple[Project, str]", harm: str) -> None:
    project, _ = ready
    assert environment.state(project) == "made"
    if harm == "python gone":
        project.python.unlink()
    elif harm == "package gone":
        for package in project.venv.glob("lib/*/site-packages/jupyterlab"):
            shutil.rmtree(package)
    elif harm == "folder moved":
        moved = project.root.rename(project.root.with_name("elsewhere"))
        project = Project(moved)
    else:
        project.stamp.write_text('{"format": 1, "made": fal')
    expected = "foreign" if harm == "stamp torn" else "broken"
    assert environment.state(project) == expected


@posix
def test_anothers_environment_is_kept_aside(project: Project, uv: str) -> None:
    project.venv.mkdir()
    (project.venv / "mine.txt").write_text("mine")
    said = fake.run(project, path=uv)
    started(said)
    assert (project.root / ".venv.aside-1" / "mine.txt").read_text() == "mine"
    assert "kept as .venv.aside-1" in said.stderr


@posix
def test_an_environment_may_be_replaced_by_the_python_in_it(project: Project, uv: str) -> None:
    """As after `python3 -m venv .venv` and `activate`, by habit."""
    make = [fake.bare_python(), "-m", "venv", "--without-pip", str(project.venv)]
    subprocess.run(make, check=True)
    (project.venv / "theirs").touch()
    lab = started(fake.run(project, path=uv, python=project.python))
    assert lab["prefix"] == str(project.venv)
    assert (project.root / ".venv.aside-1" / "theirs").exists()


@posix
def test_a_link_to_an_environment_is_never_replaced(
    project: Project, made: Project, uv: str, tmp_path: Path
) -> None:
    other = fake.copied(made, tmp_path / "other")
    project.venv.symlink_to(other.venv)
    said = fake.run(project, path=uv)
    assert environment.state(other) == "made"
    assert one_line(said) == (
        f"{project.venv} is a link to {other.venv}, which lacks something that the course needs: "
        "remove the link, then start again."
    )
    shutil.copytree(PACKAGING, next(other.venv.glob("lib/*/site-packages")) / "packaging")
    assert started(fake.run(project, path=uv))["prefix"] == str(project.venv)
    assert project.venv.is_symlink()


@posix
def test_a_changed_lock_is_followed(ready: "tuple[Project, str]") -> None:
    project, uv = ready
    project.lock.write_text(project.lock.read_text() + "# newer\n")
    said = fake.run(project, path=uv)
    started(said)
    assert "up to date" in said.stderr
    assert "making it anew" not in said.stderr


@posix
def test_ones_own_environment_is_used(project: Project, tmp_path: Path) -> None:
    own = tmp_path / "own"
    subprocess.run([fake.bare_python(), "-m", "venv", "--without-pip", str(own)], check=True)
    site = next(own.glob("lib/*/site-packages"))
    for path in (tmp_path / "wheels").glob("*.whl"):
        shutil.unpack_archive(path, site, "zip")
    shutil.copytree(PACKAGING, site / "packaging")
    lab = started(fake.run(project, python=own / "bin" / "python"))
    assert lab["prefix"] == str(own)
    assert str(project.root) in lab["env"]["PYTHONPATH"]  # type: ignore[index]
    assert not project.venv.exists()


def test_a_read_only_folder_is_one_line(project: Project) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("the administrator may write everywhere")
    project.root.chmod(0o555)
    try:
        assert "cannot be written to" in one_line(fake.run(project))
    finally:
        project.root.chmod(0o755)


def test_a_lesson_solved_and_saved_touches_nothing_that_is_tracked(project: Project) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not on the path")
    shutil.copy(ROOT / ".gitignore", project.root)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run([git, *words], cwd=project.root, check=True)
    from lessons_lib.launch import copies

    copies.lay_out(project)
    (project.copies / "00_start_here.ipynb").write_bytes(fake.notebook("solved"))
    changed = subprocess.run(
        [git, "status", "--porcelain"], cwd=project.root, capture_output=True, text=True
    ).stdout
    assert [line for line in changed.splitlines() if not line.startswith("A  ")] == []
