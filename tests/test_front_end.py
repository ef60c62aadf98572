"""The notebook plugin: what passes, and above all what must not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import samples
from tests.front_end import pytest_collect_file, pytest_ignore_collect
from tests.project import ROOT
from tests.samples import code, printed, shown


class _Recorder:
    """Keeps what each test of a run came to."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            name = report.nodeid.split("::")[-1]
            self.outcomes[name] = f"{report.outcome} {report.longrepr or ''}"


def _outcomes(folder: Path, *cells: samples.Cell) -> dict[str, str]:
    """Run a sample notebook through the plugin; the outcome of each of its tests, by name."""
    sample = samples.write(folder / "sample.ipynb", *cells)
    recorder = _Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        here = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider", "-s"]
        pytest.main([str(sample), *here, "-p", "tests.front_end"], plugins=[recorder])
    return recorder.outcomes


def test_cells_run_as_in_a_front_end(tmp_path: Path) -> None:
    outcomes = _outcomes(
        tmp_path,
        code("print('hello')", printed("hello\n"), count=1),
        code("1 + 1", shown(2, plain="2"), count=2),
        code("3 * 3;", count=3),  # hushed by the semicolon
        code("len(Out) >= 1 and Out[max(Out)]", shown(4, plain="2"), count=4),
        code(
            "import os\nos.environ.get('PYTHONHASHSEED', 'none')", shown(5, plain="'none'"), count=5
        ),
        code("1 / 0", _division_error(), count=6, tags=["raises-exception"]),
        code("import ipywidgets\nipywidgets.IntSlider(value=3)", _slider(7), count=7),
        code("'Out[%s]' % max(Out)", shown(8, plain="'Out[7]'"), count=8),
    )
    assert {name: words.split()[0] for name, words in outcomes.items()} == {
        **{f"Cell {number}": "passed" for number in range(8)},
        "run again": "passed",
        "leaves nothing behind": "passed",
    }, outcomes


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    outcomes = _outcomes(
        tmp_path,
        code("print('hello')", printed("goodbye\n"), count=1),
        code("2 + 2"),
        code("# NBVAL_IGNORE_OUTPUT\n3", shown(3, plain="4"), count=3),
        code("4", shown(4, plain="4"), count=4, tags=["nbval-skip"]),
        code("5", shown(5, plain="5", html="<b>5</b>"), count=5),
        code("6", count=6),
        code("7", shown(7, plain="7", png="iVBORw0KGgo="), count=7),
        code("1 / 0", count=8),
        code("'fine'", shown(9, plain="'fine'"), count=9),
    )
    found = {
        "Cell 0": "Cell outputs differ",
        "Cell 1": "never run",
        "Cell 2": "asks not to be checked",
        "Cell 3": "asks not to be checked",
        "Cell 4": "Missing output fields",
        "Cell 5": "Unexpected output fields",
        "Cell 6": "not compared",
        "Cell 7": "ZeroDivisionError",
        "Cell 8": "",
    }
    for name, words in found.items():
        assert outcomes[name].startswith("failed" if words else "passed"), name
        assert words in outcomes[name], outcomes[name]
    assert "not every cell passed" in outcomes["run again"]


def test_a_second_run_and_what_is_left_behind(tmp_path: Path) -> None:
    outcomes = _outcomes(
        tmp_path,
        code("seen = globals().get('seen', 0) + 1\nseen", shown(1, plain="1"), count=1),
        code("open('notes.txt', 'w').close()", count=2),
        code("import tempfile\nfolder = tempfile.mkdtemp()", count=3),
    )
    assert [outcomes[f"Cell {number}"] for number in range(3)] == ["passed "] * 3
    assert "in a second run of the notebook in one kernel" in outcomes["run again"]
    assert "seen" in outcomes["run again"]
    left = outcomes["leaves nothing behind"]
    assert "notes.txt" in left
    assert "temporary file" in left


def test_a_readers_copies_are_never_collected(request: pytest.FixtureRequest) -> None:
    copy = ROOT / "my" / "02_reference_counting.ipynb"
    lesson = ROOT / "notebooks" / copy.name
    assert pytest_ignore_collect(copy) is True
    assert pytest_ignore_collect(ROOT / ".venv" / "lib") is True
    assert pytest_ignore_collect(lesson) is None
    assert pytest_collect_file(copy, request.session) is None  # even when it is named outright
    assert pytest_collect_file(lesson, request.session) is not None


def _division_error() -> dict[str, object]:
    return {
        "output_type": "error",
        "ename": "ZeroDivisionError",
        "evalue": "division by zero",
        "traceback": [],
    }


def _slider(count: int) -> dict[str, object]:
    """A widget's output as the refresh command stores it: without the id of a model."""
    return shown(count, plain="IntSlider(value=3)")
