"""Bytes, peak, and the exponent of their growth."""

from __future__ import annotations

import _tracemalloc
import ctypes
import gc
import itertools
import math
import sys
import threading
import tracemalloc
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons_lib.observe import (
    Growth,
    Measurement,
    compare_growth,
    grown,
    growth,
    kept_by_line,
    measure,
)
from lessons_lib.observe.holding.search import collector_off
from lessons_lib.observe.measuring import meter
from lessons_lib.observe.measuring.exponents import doubling
from lessons_lib.observe.pictures.curves import Curve, draw_curves

from .heap import small_heap as small_heap

MIB = 1 << 20
SIZES = (100, 200, 400, 800)


class Node:
    """Heavy, and holding itself."""

    def __init__(self) -> None:
        self.me = self
        self.weight = bytearray(MIB)


# -- measure -------------------------------------------------------------------------------------


def test_kept_and_peak_are_told_apart() -> None:
    kept: list[bytearray] = []

    def work() -> None:
        aside = bytearray(4 * MIB)
        kept.append(bytearray(len(aside) // 4))

    cost = measure(work)
    assert MIB <= cost.kept < 1.1 * MIB
    assert 5 * MIB <= cost.peak < 5.2 * MIB


def test_the_result_counts_as_kept_and_is_let_go() -> None:
    assert measure(lambda: bytearray(MIB)).kept >= MIB
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        measure(lambda: bytearray(MIB))
        assert tracemalloc.get_traced_memory()[0] - before < MIB / 4
    finally:
        tracemalloc.stop()


def test_garbage_in_cycles_is_not_kept_unless_the_collector_is_off() -> None:
    assert measure(Node).kept >= MIB  # the result, held while it is measured
    assert measure(lambda: bool(Node())).kept < MIB / 4
    with collector_off():
        assert measure(lambda: bool(Node())).kept >= MIB
    gc.collect()


def test_garbage_goes_also_beside_a_collection_of_another_thread() -> None:
    """That one stands still at its start: until it goes on, `gc.collect()` here does nothing."""
    begun, ran = threading.Event(), threading.Event()

    def stand(phase: str, info: object) -> None:
        if threading.current_thread() is other and phase == "start":
            begun.set()
            ran.wait(60)

    other = threading.Thread(target=gc.collect)
    gc.callbacks.append(stand)
    try:
        other.start()
        assert begun.wait(60)
        assert measure(lambda: (ran.set(), Node())[0]).kept < MIB / 4  # type: ignore[func-returns-value]
    finally:
        ran.set()
        other.join()
        gc.callbacks.remove(stand)


def test_a_trace_of_somebody_else_goes_on() -> None:
    tracemalloc.start(3)
    try:
        mine = bytearray(2 * MIB)
        cost = measure(lambda: bytearray(MIB))
        assert tracemalloc.is_tracing()
        assert tracemalloc.get_traceback_limit() == 3
        assert MIB <= cost.kept <= cost.peak < 1.1 * MIB
        del mine
    finally:
        tracemalloc.stop()


def test_a_run_that_stops_the_trace_is_told_and_not_measured() -> None:
    for look in (measure, grown, kept_by_line):
        with pytest.raises(RuntimeError, match="the run stopped tracemalloc"):
            look(tracemalloc.stop)


def test_an_error_of_the_work_comes_through_and_tracing_ends() -> None:
    with pytest.raises(ZeroDivisionError):
        measure(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()


def test_words_have_units_and_ratios_are_one_whatever_the_noise() -> None:
    cost = Measurement(kept=812, peak=3 * MIB)
    assert str(cost) == repr(cost) == "keeps 812 bytes, 3.0 MiB at its peak"
    assert cost.against(Measurement(80, 3 * MIB + 999)) == (
        "keeps about 10 times as much, as much at its peak"
    )
    assert meter.in_bytes(5 << 30) == "5.0 GiB"
    for amount, noise in itertools.product((1, 812, 1e6), (0.97, 1, 1.03)):
        assert meter.ratio(amount, amount * noise) == "as much"
        assert meter.ratio(10 * amount, amount * noise) == "about 10 times as much"
        assert meter.ratio(amount, 10 * amount * noise) == "about 1/10 as much"


def test_a_neighbour_adds_no_more_than_what_it_keeps_meanwhile() -> None:
    """Bytes of all threads count. Two others have a piece each at the most: that is the margin."""
    ended, around = threading.Event(), threading.Barrier(3)
    piece = MIB // 4

    def churn() -> None:
        around.wait()
        while not ended.is_set():
            bytearray(piece)

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        around.wait()
        cost = measure(lambda: bytearray(256 * piece))
        found = growth(lambda n: bytearray(n * piece), [64, 128, 256])
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert 253 * piece < cost.kept < 259 * piece
    assert 253 * piece < cost.peak < 259 * piece
    assert found.about == 1


# -- what is taken from inside CPython ------------------------------------------------------------

MOVED = "CPython has moved {}: lessons_lib/observe/measuring/traces.py needs another way to it"


def test_what_we_take_from_inside_tracemalloc_is_where_it_was() -> None:
    inside: list[tuple[Any, str]] = [
        (_tracemalloc, "_get_object_traceback"),
        (_tracemalloc, "_get_traces"),
        (ctypes.pythonapi, "PyTraceMalloc_Track"),
    ]
    if sys.version_info < (3, 12):
        inside += [(ctypes.pythonapi, "_PyTraceMalloc_GetTraceback")]
    for place, name in inside:
        assert hasattr(place, name), MOVED.format(name)
    from lessons_lib.observe.measuring.traces import begin_trace, stacks_of, traces

    older: list[int] = []
    try:
        there = begin_trace()
        assert any(thing is older for thing in there)
        assert not any(thing is there for thing in there)
        made = {"a list": [older], "an instance": Node(), "an older list": older}
        for what, stack in zip(made, stacks_of(list(made.values())), strict=True):
            assert stack, MOVED.format(f"the trace of {what}")
        own, line = traces(), sys._getframe().f_lineno
        assert (__file__, line) not in [trace[2][0] for trace in own], MOVED.format(
            "a list's start"
        )
        assert {len(trace) for trace in own} <= {3, 4}, MOVED.format("the parts of a trace")
    finally:
        tracemalloc.stop()


# -- growth --------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    exponent=st.floats(-2, 4),
    factor=st.floats(0.001, 1e6),
    first=st.integers(1, 1000),
    steps=st.lists(st.integers(2, 5), min_size=3, max_size=7),
    noise=st.lists(st.floats(-0.03, 0.03), min_size=8, max_size=8),
)
def test_it_recovers_a_known_exponent(
    exponent: float, factor: float, first: int, steps: list[int], noise: list[float]
) -> None:
    sizes = list(itertools.accumulate(steps, lambda size, step: size * step, initial=first))
    wobble = dict(zip(sizes, noise, strict=False))
    found = growth(lambda n: factor * n**exponent * (1 + wobble[n]), sizes, of=float)
    assert found.exponent == pytest.approx(exponent, abs=0.07)
    svg = found.picture().svg
    assert svg.count("m-5 0a5") == len(sizes)
    assert "nan" not in svg


@settings(max_examples=40)
@given(whole=st.integers(0, 3), noise=st.lists(st.floats(-0.05, 0.05), min_size=4, max_size=4))
def test_noise_changes_neither_the_words_nor_the_picture(whole: int, noise: list[float]) -> None:
    wobble = dict(zip(SIZES, noise, strict=True))
    exact = growth(lambda n: 50 * n**whole, SIZES, of=float)
    noisy = growth(lambda n: 50 * n**whole * (1 + wobble[n]), SIZES, of=float)
    assert noisy.about == whole
    assert str(noisy) == str(exact)
    assert noisy.picture() == exact.picture()


@pytest.mark.parametrize(
    ("run", "about"),
    [
        (lambda n: None, 0),
        (lambda n: deque((bytes(500) for _ in range(n)), maxlen=50), 0),
        (lambda n: [bytes(500) for _ in range(n)], 1),
        (lambda n: [bytes(500 * i) for i in range(n)], 2),
    ],
)
def test_real_bytes(run: Any, about: int) -> None:
    assert growth(run, SIZES).about == about


def test_anything_else_is_measured_by_a_function() -> None:
    peaks = growth(lambda n: measure(lambda: len(bytes(5000 * n))).peak, SIZES, of=float)
    assert peaks.about == 1


def test_it_reads_in_words() -> None:
    found = growth(lambda n: n**1.6, SIZES, of=lambda rows: rows)
    assert str(found) == (
        "amount: exponent about 1.6. Doubling the size makes it about 3 times as large."
    )
    assert isinstance(found, Growth)
    assert found._repr_mimebundle_()["text/plain"] == str(found)
    assert "sizes 100, 200, 400, 800" in found.picture().alt
    assert doubling(-1) == "Doubling the size makes it half as large."


def test_nothing_and_a_late_beginning_are_drawn_too() -> None:
    shown = [exact(lambda size, power=power: size**power).picture().svg for power in (0, 2)]
    assert ">exponent 2<" in shown[1]
    assert "×2<" in shown[0]  # a level line stands in the middle
    nothing = exact(lambda n: 0)
    assert (nothing.exponent, nothing.about) == (0, 0)
    late, later = exact(lambda n: max(0, n - 100)), exact(lambda n: max(0, n - 700))
    assert late.exponent > later.exponent > 0
    assert "does not grow" not in str(later)
    assert late.picture().svg


def test_too_little_to_tell_is_not_told_as_no_growth() -> None:
    found = growth(lambda n: [0] * n, [10, 20, 30])
    assert str(found) == (
        "bytes kept: below 1 KiB for each size, too little to tell. Take larger sizes."
    )
    assert "does not grow" not in found.picture().svg
    clear = growth(lambda n: [0] * n, [1000, 2000, 3000])
    with_clear = replace(found, sizes=clear.sizes)
    assert str(compare_growth({"few": with_clear, "many": clear})) == (
        "bytes kept: few grows with exponent 0 (too little to tell), many with exponent 1."
    )
    level = growth(lambda n: bytes(5_000), SIZES)
    assert str(level) == "bytes kept: exponent about 0. It does not grow with the size."


def test_growths_side_by_side() -> None:
    everything = growth(lambda n: n * 20, SIZES, of=float)
    window = growth(lambda n: 1000, SIZES, of=float)
    picture = compare_growth({"all": everything, "the last 50": window}, "messages")
    assert str(picture) == "messages: all grows with exponent 1, the last 50 with exponent 0."
    assert [label in picture.svg for label in (">all: 1<", ">the last 50: 0<")] == [True, True]
    for given_ in ({}, {"one": window}, dict.fromkeys("abcde", window)):
        with pytest.raises(ValueError, match="growths given, expected two to four"):
            compare_growth(given_)


# -- what is refused -----------------------------------------------------------------------------


def exact(run: Any, sizes: Any = SIZES) -> Growth:
    return growth(run, sizes, of=float)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        *(
            (
                lambda sizes=sizes: exact(abs, sizes),
                r"the sizes are .*, expected three or more whole numbers above 0, each larger",
            )
            for sizes in ([1, 2], [], [100, 400, 200], [5, 5, 6], [0, 1, 2], [1.5, 2, 3], 7)
        ),
        (lambda: growth(abs, SIZES, of="mass"), "'mass' cannot be called, expected a function"),  # type: ignore[arg-type]
        (lambda: measure(5), r"5 cannot be called, expected a function: measure\("),  # type: ignore[arg-type]
        (lambda: exact(None), "None cannot be called, expected a function: growth"),
        *(
            (
                lambda amount=amount: growth(lambda _: amount, SIZES, of=lambda it: it),
                "of gave .* for the size 100, expected a number from 0",
            )
            for amount in ("12", None, True, -1, math.nan, math.inf)
        ),
    ],
)
def test_what_makes_no_sense_is_one_clear_sentence(wrong: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{says}"):
        wrong()


# -- the picture ---------------------------------------------------------------------------------


def test_a_picture_of_curves() -> None:
    curve = Curve("a < b", (1, 2, 4), (0, 20, 40), (0, 40))
    picture = draw_curves([curve], "size", "rows", "Say what to see.", "words")
    assert (picture.alt, str(picture)) == ("Say what to see.", "words")
    assert "a &lt; b" in picture.svg
    assert "×2³⁵" in picture.svg
