"""Every test of this folder has a fresh home, and lessons 13 and 14 ask the sample's questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from lessons_lib.teach.store import Store, store

from . import sample


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist yet; solutions are locked."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LESSONS_HOME", str(folder))
    monkeypatch.delenv("LESSONS_UNLOCK", raising=False)
    sample.install(monkeypatch, tmp_path / "sample")
    return folder


@pytest.fixture
def kept(home: Path) -> Store:
    """The store of this test's home."""
    return store()
