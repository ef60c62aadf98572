"""The Binder folder, as repo2docker itself reads it (no Docker needed)."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lessons_lib.launch.project import HERE, Project
from tests.setup.fake import notebook

BINDER = HERE.root / "binder"
REPO2DOCKER = shutil.which("jupyter-repo2docker", path=str(Path(sys.executable).parent))


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Binder would build from the folder."""
    if REPO2DOCKER is None:
        pytest.skip("repo2docker is not in this environment")
    repository = tmp_path_factory.mktemp("repository")
    shutil.copytree(BINDER, repository / "binder")
    said = subprocess.run(
        [REPO2DOCKER, "--no-build", "--debug", str(repository)], capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    return said.stdout + said.stderr


def test_binder_gets_the_python_the_pins_and_the_copies(dockerfile: str) -> None:
    assert "Building conda environment for python=3.12" in dockerfile
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in dockerfile
    installed = dockerfile.index('-r "binder/requirements.txt"')
    assert dockerfile.index("RUN ./binder/postBuild") > installed


def test_the_python_is_one_the_course_runs_on() -> None:
    from lessons_lib.__main__ import misfit

    name, _, dotted = (BINDER / "runtime.txt").read_text().strip().partition("-")
    major, minor = map(int, dotted.split("."))
    assert name == "python"
    assert misfit((major, minor)) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such bit there")
def test_post_build_can_be_run() -> None:
    assert (BINDER / "postBuild").stat().st_mode & stat.S_IXUSR


def test_post_build_fetches_nothing() -> None:
    lines = (BINDER / "postBuild").read_text().splitlines()
    installs = [line for line in lines if "pip install" in line]
    assert len(installs) == 1
    assert {"--no-deps", "--no-build-isolation", "--no-index"} <= set(installs[0].split())
    assert not any(word in line for line in lines for word in ("curl", "wget", "http"))


@pytest.mark.skipif(sys.platform == "win32", reason="postBuild is a shell script")
def test_post_build_lays_the_copies_out(tmp_path: Path) -> None:
    """Run for real but for pip, which is stood in for."""
    project = Project(tmp_path / "course")
    skip = shutil.ignore_patterns("__pycache__", "observe", "memories", "teach", "lessons")
    shutil.copytree(HERE.root / "lessons_lib", project.root / "lessons_lib", ignore=skip)
    shutil.copytree(BINDER, project.root / "binder")
    project.lessons.mkdir()
    (project.lessons / "00_start_here.ipynb").write_bytes(notebook("hello"))
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    prefix = tmp_path / "prefix"
    says_prefix = f'[ "$2" = "import sys; print(sys.prefix)" ] && echo "{prefix}" && exit'
    run = f'[ "$2" = pip ] || exec "{sys.executable}" "$@"'
    python.write_text(f"#!/bin/sh\n{says_prefix}\n{run}\n")
    python.chmod(0o755)
    env = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    env["PYTHONPATH"] = str(project.root)
    said = subprocess.run(
        ["./binder/postBuild"], cwd=project.root, env=env, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    settings = prefix / "etc" / "jupyter"
    assert (settings / "labconfig" / "default_setting_overrides.json").exists()
    assert (settings / "jupyter_server_config.d" / "lessons.json").exists()
    assert (project.copies / "00_start_here.ipynb").exists()
