"""The picture of a crash."""

from __future__ import annotations

import pytest

from lessons_lib.crash_lab.report import MAX_ROWS, Crash, Life, picture

STEPS = tuple(f"step {number}" for number in range(1, 6))
KILLED = Life(STEPS[:3], "killed at 'step 3'")
RESUMED = Life(STEPS[2:], "returned", list(STEPS))
MANY = tuple(f"order {number}" for number in range(30))


def test_it_says_everything_in_words_too() -> None:
    report = Crash((KILLED, RESUMED))
    bundle = report._repr_mimebundle_()
    assert bundle["text/plain"] == str(report)
    assert "<b>redone</b> step 3" in bundle["text/html"]
    assert picture(report).alt == (
        "Life 1 passed step 1, step 2, step 3; how it ended: killed at 'step 3'. "
        "Life 2 passed step 3, step 4, step 5; how it ended: returned. "
        "redone: step 3; kept: step 1, step 2; lost: nothing."
    )
    alone = Crash((Life(("a",), "returned", error="the moment <b> was not reached"),))
    assert "the moment &lt;b&gt; was not reached" in alone._repr_mimebundle_()["text/html"]
    assert "redone" not in alone._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("lives", "drawn"),
    [
        # Each fate is written on its box.
        ((KILLED, RESUMED), {"kept": 2, "redone": 1, "again": 1, "lost": 0}),
        ((KILLED, Life((), "raised OSError")), {"lost": 3}),
        ((KILLED, Life((), "returned", b"{")), {"not redone": 3}),
        # Many moments are counted around the end.
        (
            (Life(MANY, "killed at 'order 29'"), Life(MANY[-1:], "returned")),
            {"order 29": 2, "order 3": 0, f"… and {30 - MAX_ROWS} more moments, not drawn": 1},
        ),
        # A life without moments says so, or what it returned.
        ((Life((), "killed"), Life((), "returned")), {"no moment passed": 2}),
        ((Life((), "returned", "Hello"),), {"&#x27;Hello&#x27;": 1}),
    ],
)
def test_what_is_drawn(lives: tuple[Life, ...], drawn: dict[str, int]) -> None:
    svg = picture(Crash(lives)).svg
    assert {words: svg.count(f">{words}</text>") for words in drawn} == drawn


def test_the_same_moment_stands_at_the_same_height_where_time_allows_it() -> None:
    lines = picture(Crash((KILLED, RESUMED))).svg.split("<text ")
    heights = [line.split('y="')[1].split('"')[0] for line in lines if ">step 3<" in line]
    assert len(heights) == 2
    assert heights[0] == heights[1]
    svg = picture(Crash((Life(("a", "b"), "killed at 'b'"), Life(("b", "a"), "returned")))).svg
    assert [part[0] for part in svg.split(' class="t">')[1:]] == ["a", "b", "b", "a"]
