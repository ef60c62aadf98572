"""Two processes for one suite: all reports come back, and none is lost in silence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests import side_by_side

PLUGIN = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests import side_by_side
side_by_side.LANES = ((Path(__file__).parent / "beside",), (Path(__file__).parent / "third",))
pytest_plugins = ("tests.side_by_side",)
"""
HERE = """
import os
def test_here(): print("pid", os.getpid())
"""
BESIDE = """
import os, pytest
def test_beside():
    raise ValueError(f"ran in {os.getpid()}")
def test_skipped():
    pytest.skip("not today")
@pytest.mark.parametrize("word", ["two words", "three more words"])
def test_words(word): pass
@pytest.fixture
def broken(): raise KeyError("setup")
def test_with_a_broken_fixture(broken): pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A small project of three folders, two of them to be run beside the first."""
    from tests.project import ROOT

    (tmp_path / "beside").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text(PLUGIN.format(root=str(ROOT)), encoding="utf-8")
    (tmp_path / "test_here.py").write_text(HERE, encoding="utf-8")
    (tmp_path / "beside" / "test_beside.py").write_text(BESIDE, encoding="utf-8")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "test_third.py").write_text(
        HERE.replace("here", "third"), encoding="utf-8"
    )
    return tmp_path


def _run(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-rA",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            *options,
        ],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


def _pids(said: str) -> set[str]:
    return set(re.findall(r"(?:pid|ran in) (\d+)", said))


def test_reports_of_both_processes_are_counted_and_shown(suite: Path) -> None:
    code, said = _run(suite)
    assert code == 1
    assert "1 failed, 4 passed, 1 skipped, 1 error" in said
    assert "beside/test_beside.py::test_words[three more words] PASSED" in said
    assert "not today" in said
    assert len(_pids(said)) == 3


def test_one_process_is_enough_where_asked(suite: Path) -> None:
    code, said = _run(suite, "--one-process")
    assert code == 1
    assert "1 failed, 4 passed, 1 skipped, 1 error" in said
    assert len(_pids(said)) == 1


@pytest.mark.parametrize(
    ("wish", "value"),
    [("usepdb", True), ("maxfail", 1), ("capture", "no"), ("collectonly", True)],
)
def test_whoever_watches_gets_one_process(wish: str, value: object) -> None:
    calm = {"usepdb": False, "maxfail": 0, "capture": "fd", "collectonly": False}
    folders = (*side_by_side.LANES[0], Path("here"))
    items = [SimpleNamespace(path=folder / "x") for folder in folders]

    def session(**option: object) -> pytest.Session:
        config = SimpleNamespace(option=SimpleNamespace(**option))
        return cast(pytest.Session, SimpleNamespace(config=config, items=items))

    assert side_by_side.worth_it(session(**calm)) is ((os.cpu_count() or 1) > 1)
    assert not side_by_side.worth_it(session(**calm | {wish: value}))


@pytest.mark.parametrize(
    "end", ["def test_end(): os._exit(3)", "os.environ.get('X') or os._exit(3)"]
)
def test_a_second_process_that_ends_early_is_a_failure(suite: Path, end: str) -> None:
    """In the middle of a test; and before it has connected (the first process has X set)."""
    beside = suite / "beside" / "test_beside.py"
    beside.write_text(
        f"import os\ndef test_a(): pass\n{end}\ndef test_z(): pass\n", encoding="utf-8"
    )
    conftest = suite / "conftest.py"
    only_first = "\nimport os\nif 'TESTS_SIDE_BY_SIDE' not in os.environ: os.environ['X'] = '1'\n"
    only_first += "else: os.environ.pop('X', None)\n"
    conftest.write_text(only_first + conftest.read_text(encoding="utf-8"), encoding="utf-8")
    code, said = _run(suite)
    assert code == 1
    assert "the second process ended before this test did" in said
    assert re.search(r"FAILED beside/test_beside.py::test_z", said)
    assert "test_here.py::test_here PASSED" in said
