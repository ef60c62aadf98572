"""The picture of a crash."""

from __future__ import annotations

from lessons_lib.memories.crash_lab.report import MAX_ROWS, Crash, Life, picture

STEPS = tuple(f"step {number}" for number in range(1, 6))
KILLED = Life(STEPS[:3], "killed at 'step 3'")
RESUMED = Life(STEPS[2:], "returned", list(STEPS))


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


def test_each_fate_is_written_on_its_box() -> None:
    svg = picture(Crash((KILLED, RESUMED))).svg
    words = [svg.count(f">{word}</text>") for word in ("kept", "redone", "again", "lost")]
    assert words == [2, 1, 1, 0]
    assert picture(Crash((KILLED, Life((), "raised OSError")))).svg.count(">lost</text>") == 3
    untold = picture(Crash((KILLED, Life((), "returned", b"{"))))
    assert untold.svg.count(">not redone</text>") == 3
    assert "redone: nothing; not redone: step 1, step 2, step 3." in untold.alt


def test_the_same_moment_stands_at_the_same_height_in_both_lives() -> None:
    lines = picture(Crash((KILLED, RESUMED))).svg.split("<text ")
    heights = [line.split('y="')[1].split('"')[0] for line in lines if ">step 3<" in line]
    assert len(heights) == 2
    assert heights[0] == heights[1]


def test_many_moments_are_counted_around_the_end() -> None:
    names = tuple(f"order {number}" for number in range(30))
    drawn = picture(Crash((Life(names, "killed at 'order 29'"), Life(names[-1:], "returned"))))
    assert f"… and {30 - MAX_ROWS} more moments, not drawn" in drawn.svg
    assert drawn.svg.count(">order 29</text>") == 2
    assert ">order 3</text>" not in drawn.svg


def test_lives_without_moments_and_a_single_life() -> None:
    nothing = Life((), "killed after it had returned")
    assert "no moment passed" in picture(Crash((nothing, Life((), "returned")))).svg
    assert "&#x27;Hello&#x27;" in picture(Crash((Life((), "returned", "Hello"),))).svg
    alone = Crash((Life(("a",), "returned", error="the moment <b> was not reached"),))
    assert "the moment &lt;b&gt; was not reached" in alone._repr_mimebundle_()["text/html"]
    assert "redone" not in alone._repr_mimebundle_()["text/html"]


def test_lives_in_different_orders_are_drawn_in_their_own() -> None:
    svg = picture(Crash((Life(("a", "b"), "killed at 'b'"), Life(("b", "a"), "returned")))).svg
    assert [part[0] for part in svg.split(' class="t">')[1:]] == ["a", "b", "b", "a"]
