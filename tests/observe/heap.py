"""A fixture that makes the collector's work in a module's tests small."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> Iterator[None]:
    """Put what pytest and others have made out of the collector's sight, and back afterwards."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
