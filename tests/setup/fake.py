"""A course in miniature: the real set-up code over three tiny wheels, so that it runs in a second.

The wheel that stands for JupyterLab prints what it was started with; the one that stands for
pytest exits with 7. A stand-in for uv unpacks wheels, and can be held at a gate.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lessons_lib.launch.project import ROOT, Project

LAB = """
import json, os, sys

class Loop:
    def add_callback(self, call, *words, **named):
        call(*words, **named)

class Server:
    io_loop = Loop()
    public_url = "http://127.0.0.1:1/lab"
    class identity_provider:
        token_generated = True
    def start(self):
        print(json.dumps({"argv": self.argv, "prefix": sys.prefix, "env": dict(os.environ)}))

class LabApp:
    @classmethod
    def initialize_server(cls, argv):
        server = Server()
        server.argv = argv
        return server
"""

UV = """#!{python}
import os, pathlib, sys, zipfile
gate = os.environ.get("GATE")
if gate and "-r" in sys.argv:
    open(gate).read()
if os.environ.get("UV_SAYS"):
    print(os.environ["UV_SAYS"]); sys.exit(2)
python = pathlib.Path(sys.argv[sys.argv.index("--python") + 1])
site = next(python.parents[1].glob("lib/*/site-packages"))
for file in [sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == "-r"]:
    for line in open(file):
        if "==" in line:
            stem = line.split("==")[0].replace("-", "_")
            for wheel in pathlib.Path(os.environ["PIP_FIND_LINKS"]).glob(stem + "-*.whl"):
                zipfile.ZipFile(wheel).extractall(site)
"""

NOTEBOOK = {
    "cells": [],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def notebook(word: str) -> bytes:
    """A small notebook that says one word."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [word]}
    return (json.dumps({**NOTEBOOK, "cells": [cell]}, indent=1) + "\n").encode()


def wheel(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """Make a wheel of pure Python, version 1.0."""
    stem = name.replace("-", "_")
    path, info = folder / f"{stem}-1.0-py3-none-any.whl", f"{stem}-1.0.dist-info/"
    metadata = {
        info + "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    records = []
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**files, **metadata}.items():
            archive.writestr(inside, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            records.append(f"{inside},sha256={digest.decode().rstrip('=')},{len(text)}")
        archive.writestr(info + "RECORD", "\n".join([*records, f"{info}RECORD,,", ""]))
    return path


def pin(path: Path) -> str:
    """The line of a lock for a wheel."""
    name = path.name.split("-")[0].replace("_", "-")
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


PYPROJECT = """
[project]
name = "lessons_lib"
version = "0.1.0"
requires-python = ">=3.11,<3.15"
dependencies = ["rc-fake-lab>=1,<2"]
[dependency-groups]
test = ["rc-fake-pytest>=1,<2"]
[project.urls]
Repository = "https://github.com/someone/somewhere"
"""


def course(folder: Path) -> Project:
    """Lay a miniature course out in a new folder, wheels beside it."""
    project = Project(folder / "course")
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    package = project.root / "lessons_lib"
    package.mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "lessons_lib" / name, package)
    shutil.copytree(
        ROOT / "lessons_lib" / "launch",
        package / "launch",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    none_runs = "list_running_servers = list"
    parts = {"jupyterlab/labapp.py": LAB, "jupyter_server/serverapp.py": none_runs}
    lab = wheel(wheels, "rc-fake-lab", parts)
    says = "import sys; print('tests of', sys.argv[1:]); sys.exit(7)"
    pytest = wheel(wheels, "rc-fake-pytest", {"pytest/__init__.py": "", "pytest/__main__.py": says})
    for path, text in {
        project.lock: pin(lab),
        project.test_lock: pin(pytest),
        project.root / "pyproject.toml": PYPROJECT,
    }.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    project.lessons.mkdir()
    for name in ("00_start_here", "02_reference_counting"):
        (project.lessons / f"{name}.ipynb").write_bytes(notebook(name))
    return project


def copied(ready: Project, folder: Path) -> Project:
    """The same course in another folder, its environment as if it had been made there."""
    shutil.copytree(ready.root.parent, folder, symlinks=True, dirs_exist_ok=True)
    project = Project(folder / "course")
    for path in (project.stamp, *project.venv.glob("lib/*/site-packages/lessons_lib.pth")):
        path.write_text(path.read_text().replace(str(ready.root), str(project.root)))
    return project


def uv(folder: Path) -> Path:
    """Put the stand-in for uv into a folder of its own; returns the folder."""
    bin_ = folder / "uv-bin"
    bin_.mkdir()
    (bin_ / "uv").write_text(UV.format(python=sys.executable))
    (bin_ / "uv").chmod(0o755)
    return bin_


def bare_python() -> str:
    """The Python under the environment that runs the tests."""
    return getattr(sys, "_base_executable", None) or sys.executable


def environ(project: Project, path: str = "", **more: str) -> dict[str, str]:
    """The variables of a reader with nothing but Python and the wheels, off the network."""
    kept = {"SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH"}
    base = {name: value for name, value in os.environ.items() if name in kept}
    return {
        **base,
        "PATH": path,
        "HOME": str(project.root.parent),
        "USERPROFILE": str(project.root.parent),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(project.root.parent / "wheels"),
        **more,
    }


def command(*arguments: str, python: "Path | str" = "") -> list[str]:
    """What the reader types, with the Python under this environment or another one."""
    return [str(python or bare_python()), "-m", "lessons_lib", *arguments]


def run(
    project: Project, *arguments: str, path: str = "", python: "Path | str" = "", **more: str
) -> "subprocess.CompletedProcess[str]":
    """Type a command in the miniature course."""
    return subprocess.run(
        command(*arguments, python=python),
        cwd=project.root,
        env=environ(project, path, **more),
        capture_output=True,
        text=True,
        timeout=120,
    )


@contextmanager
def at_work(project: Project, path: str) -> "Iterator[subprocess.Popen[str]]":
    """Start the set-up; its installer is at work, and stays so until the block ends."""
    gate = project.root.parent / "gate"
    os.mkfifo(gate)
    process = subprocess.Popen(
        command(),
        cwd=project.root,
        env=environ(project, path, GATE=str(gate)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with gate.open("w"):  # opens once the installer has opened it, too
        yield process
