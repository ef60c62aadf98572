"""Fixtures that make the collector's work in tests, and a search through its objects, small."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> Iterator[None]:
    """Put what pytest and others have made out of the collector's sight, and back afterwards."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def new_things_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a search see what a test makes, and not all that pytest and others have made before."""
    monkeypatch.setattr("lessons_lib.observe.holding.search.FROZEN_BY_PYTHON", sys.maxsize)
    gc.freeze()
    yield
    gc.unfreeze()
