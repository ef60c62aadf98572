"""Tests that run in a process of their own: what came of them is told here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import apart

SAMPLE = """
import os, pytest
def test_right(): pass
def test_wrong(): assert 1 == 2
def test_left_out(): pytest.skip("not here")
@pytest.fixture
def broken():
    yield
    raise ValueError("at the end")
def test_ends_badly(broken): pass
def test_ends_the_process():
    print("so long", flush=True)
    os._exit(3)
def test_after_it(): pass
"""
NAMES = ("right", "wrong", "left_out", "ends_badly", "ends_the_process", "after_it")


@pytest.fixture
def started(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[apart.Apart]:
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "test_sample.py").write_text(SAMPLE, encoding="utf-8")
    tests = [f"test_sample.py::test_{name}" for name in NAMES]
    more = ["-c", os.devnull, "--rootdir", str(tmp_path), "-s", "-p", "tests.apart"]
    other = apart.Apart(pytestconfig, tests, tmp_path, more)
    yield other
    other.end()
    assert other.process.returncode is not None


@pytest.mark.skipif(os.name != "posix", reason="tests are run apart on POSIX alone")
def test_what_came_of_each_is_told_and_a_process_that_ends_fails_the_rest(
    started: apart.Apart,
) -> None:
    found = {name: list(started.reports(f"test_sample.py::test_{name}")) for name in NAMES}
    outcomes = {name: [report.outcome for report in told] for name, told in found.items()}
    assert outcomes == {
        "right": ["passed"] * 3,
        "wrong": ["passed", "failed", "passed"],
        "left_out": ["passed", "skipped", "passed"],
        "ends_badly": ["passed", "passed", "failed"],
        "ends_the_process": ["passed", "failed"],
        "after_it": ["failed"],
    }
    assert "assert 1 == 2" in found["wrong"][1].longreprtext
    assert "at the end" in found["ends_badly"][2].longreprtext
    assert "so long" in found["ends_the_process"][1].longreprtext
    assert "the process of tests apart ended" in found["after_it"][0].longreprtext
