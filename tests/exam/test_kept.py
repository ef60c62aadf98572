"""The run that the course keeps, and the table by which one chooses from it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lessons_lib.crash_lab.crossing import pack
from lessons_lib.exam import QUESTIONS, Report
from lessons_lib.exam.candidates import ALL, IN_README, candidates
from lessons_lib.exam.choice import PRICES, choose
from lessons_lib.exam.kept import FILE, kept, written
from lessons_lib.exam.price import Price, price
from lessons_lib.exam.tree import decide
from tests.exam import faulty

RUN = kept()
BY_HAND = "bring it up to date: python3 -m lessons_lib refresh exam"
EMBEDDED = [name for name in ALL if "Postgres" not in name]


def test_all_memories_are_kept_and_written_alike() -> None:
    assert [one.name for one in RUN.sittings] == list(ALL), BY_HAND
    assert all(list(one.answers) == list(QUESTIONS) for one in RUN.sittings), BY_HAND
    assert FILE.read_text(encoding="utf-8") == written(RUN)


@pytest.mark.parametrize("name", [name for name in EMBEDDED if name not in IN_README])
def test_a_price_is_kept_as_it_is_measured(name: str, tmp_path: Path) -> None:
    """The prices in the README are measured where its table is compared."""
    (make,) = candidates([name]).values()
    found, shown = price(pack(make), tmp_path), RUN[name].price
    assert shown
    assert (found.ram, found.disk, found.packages) == (shown.ram, shown.disk, shown.packages)
    if sys.version_info[:2] == (3, 11):  # which functions have a source differs between versions
        assert found.statements == shown.statements, BY_HAND


def test_nothing_marked_is_the_order_of_the_course() -> None:
    choice = choose(RUN)
    assert choice.best == RUN.sittings
    assert "Nothing is marked" in str(choice)


def test_who_has_all_that_is_marked_and_needs_least_comes_first() -> None:
    choice = choose(RUN, "half-done", "kill")
    assert choice.best[0].name == "journal"
    fits = [choice.fits(one) for one in choice.best]
    assert fits == sorted(fits, reverse=True)
    assert choose(RUN, *QUESTIONS).fits(RUN["SqliteSaver, mended"]) == len(QUESTIONS)
    cheap = choose(RUN, *PRICES)
    assert {one.name for one in cheap.best if cheap.fits(one) == len(PRICES)} >= {"SQLite by hand"}


def test_a_row_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="'speed' is no row of the exam: mark some of recall"):
        choose(RUN, "speed")


def test_the_widget_sorts_when_a_box_is_ticked() -> None:
    whole = choose(RUN).widget()
    _, marks, table = whole.children
    boxes = {box.description.partition(" ")[0]: box for box in marks.children}
    assert list(boxes) == [*QUESTIONS, *PRICES]
    boxes["half-done"].value = True
    assert "Marked: half-done." in table.value
    assert table.value.index(">journal<") < table.value.index(">dict<")


def test_a_mark_is_a_word_to_those_who_hear_it() -> None:
    html = choose(RUN, "kill")._repr_mimebundle_()["text/html"]
    assert 'aria-label="in part"' in html
    assert 'scope="row"' in html
    assert "Run this cell to mark other rows" in html


def test_what_a_thread_has_in_hand_a_little_longer_is_not_kept(tmp_path: Path) -> None:
    assert price(pack(faulty.LetsGoLate), tmp_path).ram == 0


def test_a_memory_without_a_price() -> None:
    unpriced = Report((replace(RUN["dict"], price=None),))
    row = str(choose(unpriced, "packages")).splitlines()[-2]
    assert row.split()[-2:] == ["?", "?"]
    nowhere = replace(RUN["dict"], price=Price(ram=1, disk=0))
    row = str(choose(Report((nowhere,)))).splitlines()[-2]
    assert row.split()[-4:] == ["turns", "–", "0", "?"], "its source is not found"
    assert kept(["dict"]) == Report((RUN["dict"],))
    assert written(unpriced) != written(kept(["dict"]))


def test_a_tree_fits_a_phone_and_says_the_same_in_words() -> None:
    branches = [("May it forget\nat a restart?", "sessions", "05, 06")] * 6
    picture = decide(branches, ("SqliteSaver, mended", "10-17"))
    assert picture.svg.count(">yes<") == picture.svg.count(">no<") == 6
    assert int(picture.svg.split('width="')[1].split('"')[0]) < 320
    assert "6. May it forget at a restart? Yes: sessions (05, 06)." in picture.alt
    assert str(picture).endswith("No to all: SqliteSaver, mended (10-17).")
