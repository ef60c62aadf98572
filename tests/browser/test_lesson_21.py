"""Lesson 21 as a reader takes it: boxes are ticked, also by keyboard, and the table is sorted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import PHONE, WIDE, Lesson, Server


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """The lesson, open, its definitions run."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, "21_the_verdict.ipynb") as opened:
        opened.run_those("from lessons_lib.memories import warm_up")
        yield opened


def _names(cell: Locator) -> list[str]:
    return cell.locator(".rc-choice tbody th").all_inner_texts()


def test_the_table_sorts_by_what_is_ticked(lesson: Lesson, page: Page) -> None:
    index = lesson.find("choose(kept())")
    cell = lesson.run(index)
    expect(cell).to_contain_text("Nothing is marked")
    assert _names(cell)[:2] == ["local variable", "dict"]
    cell.get_by_label("half-done · ").check()
    expect(cell).to_contain_text("Marked: half-done.")
    assert _names(cell)[0] == "journal"
    box = cell.get_by_label("packages · ")
    box.focus()
    page.keyboard.press("Space")
    expect(cell.get_by_role("status")).to_contain_text("Marked: half-done, packages.")
    expect(cell.get_by_role("img", name="in part").first).to_be_visible()
    page.set_viewport_size(PHONE)
    lesson.nothing_is_cut_off(index)
    page.set_viewport_size(WIDE)


def test_a_brief_is_served_without_a_graph(lesson: Lesson) -> None:
    lesson.solves("21.script")
