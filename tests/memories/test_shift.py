"""The picture of two workers and their database."""

from __future__ import annotations

import pytest

from lessons_lib.memories.shift import shift

NOTES = [(1, "look up"), (1, "draft"), (2, "draft"), (2, "send")]


def test_it_says_who_did_what_and_what_is_saved() -> None:
    drawn = shift(NOTES, killed=1, saved=["look up", "draft", "send"])
    assert "the killed worker did look up, draft" in drawn.alt
    assert "and so draft again" in drawn.alt
    assert drawn.svg.count("stroke-dasharray") == 1  # one broken frame
    for word in ("kept", "redone", "again", "Postgres"):
        assert f">{word}</text>" in drawn.svg


def test_a_worker_that_did_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="killed=3, expected a worker that did some of the steps"):
        shift(NOTES, killed=3, saved=[])
