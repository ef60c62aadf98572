"""An old Python, or one too new, gets a sentence."""

import ast
import glob
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lessons_lib.__main__ import misfit
from lessons_lib.launch import machine
from lessons_lib.launch.project import ROOT, pyproject

PACKAGE = ROOT / "lessons_lib"
MODERN = (ast.NamedExpr, ast.Match, ast.TryStar)
GATE = (PACKAGE / "__init__.py", PACKAGE / "__main__.py")


def _old_pythons() -> list[str]:
    """Pythons older than 3.11 on this machine; 2.7 is one."""
    found = glob.glob(os.path.expanduser("~/.pyenv/versions/2.7.*/bin/python2.7"))
    found += glob.glob(os.path.expanduser("~/.pyenv/versions/3.[6-9].*/bin/python3"))
    return sorted(found + glob.glob(os.path.expanduser("~/.pyenv/versions/3.10.*/bin/python3")))


@pytest.mark.parametrize("path", [*GATE, *(PACKAGE / "launch").glob("*.py")], ids=lambda p: p.name)
def test_the_set_up_keeps_to_old_syntax(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, MODERN), f"{path.name}:{node.lineno}"
        if isinstance(node, ast.arguments):
            assert not node.posonlyargs
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__"
        if path in GATE:
            assert not isinstance(node, ast.JoinedStr | ast.AnnAssign)


@pytest.mark.parametrize("python", _old_pythons())
def test_an_old_python_gets_one_line(python: str) -> None:
    said = subprocess.run(
        [python, "-B", "-m", "lessons_lib"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "is too old for this course: use Python 3.11" in said.stderr
    if "/2.7." in python:
        return  # it reads the gate alone
    parse = "import ast, sys; [ast.parse(open(path).read()) for path in sys.argv[1:]]"
    files = [str(path) for path in (*GATE, *(PACKAGE / "launch").glob("*.py"))]
    subprocess.run([python, "-c", parse, *files], check=True)


def test_a_python_too_new_gets_one_line() -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 15, 0, 'final', 0);"
        "runpy.run_module('lessons_lib', run_name='__main__')"
    )
    said = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "too new" in said.stderr


def test_the_versions_are_those_of_the_project_file() -> None:
    asked = pyproject()["project"]["requires-python"]
    assert asked == ">=3.11,<3.15"
    fits = [minor for minor in range(6, 20) if not misfit((3, minor))]
    assert fits == [11, 12, 13, 14]


def test_other_builds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.misbuilt() == ""
    monkeypatch.setattr("platform.python_implementation", lambda: "PyPy")
    assert "PyPy" in machine.misbuilt()
    monkeypatch.undo()
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: 1)
    assert "free-threaded" in machine.misbuilt()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert "32-bit" in machine.misbuilt()


def test_importing_the_package_imports_nothing_else() -> None:
    look = (
        "import sys; before = set(sys.modules); import lessons_lib;"
        "print(sorted(set(sys.modules) - before))"
    )
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.strip() == "['lessons_lib']"
