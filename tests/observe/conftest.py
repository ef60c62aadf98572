"""What the tests of a thread's checkpoints look at: one story, on savers of three kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.observe.graphs import ADA, Elsewhere, complaint, open_sqlite


@pytest.fixture(params=["memory", "sqlite", "elsewhere"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The two usual savers, and one of which nothing is known."""
    if request.param == "sqlite":
        opened = open_sqlite(tmp_path / "bot.sqlite")
        yield opened
        opened.conn.close()
    else:
        yield InMemorySaver() if request.param == "memory" else Elsewhere()


@pytest.fixture
def graph(saver: Any) -> Any:
    """A complaint that was asked about and answered: six checkpoints."""
    made = complaint(saver)
    made.invoke({"log": ["smoke"]}, ADA)
    made.invoke(Command(resume="yes"), ADA)
    return made
