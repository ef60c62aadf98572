"""The instruments of part 3 as a reader uses them, in the lessons that show them first."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import PHONE, WIDE, Lesson, Server

# -- the time machine, in lesson 12 --------------------------------------------------------------

MACHINE = "12_interrupts_and_time_travel.ipynb"
NEEDS = (
    "from lessons_lib.memories import warm_up",
    "class Case(",
    "THREAD =",
    "def draft(",
    "paid, mailed",
    "def finished_case(",
    "def before(node)",
)
"""The beginnings of the cells that the time machine's own cell builds on."""


@pytest.fixture(scope="module")
def machine(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 12, open and run as far as its time machine."""
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, MACHINE)
    opened.hide_sidebars()
    yield opened
    opened.close()


def _its_cell(lesson: Lesson) -> Locator:
    return lesson.show(lesson.find("machine = time_machine("))


def test_tree_and_table_show_before_anything_is_run(machine: Lesson) -> None:
    cell = _its_cell(machine)
    expect(cell.get_by_role("img", name=re.compile("^Cards of checkpoints"))).to_be_visible()
    expect(cell.get_by_role("columnheader", name="wrote")).to_be_visible()


def test_the_time_machine_slides_by_keyboard_and_by_button(machine: Lesson) -> None:
    for index in machine.starting(*NEEDS):
        machine.run(index)
    cell = machine.run(machine.find("machine = time_machine("))
    slider, told = cell.get_by_role("slider").first, cell.get_by_role("status").first
    slider.focus()
    slider.press("Home")
    expect(told).to_contain_text("Checkpoint 1 of 10, step -1: an input came")
    expect(cell.get_by_role("button", name="previous")).to_be_disabled()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(told).to_contain_text("step 1 after step 0: look_up wrote")
    here = cell.locator(".rc-machine img").first
    expect(here).to_have_attribute("alt", re.compile(r"step 1 look_up \(you are here\)"))
    cell.get_by_role("button", name="next").click()
    expect(told).to_contain_text("step 2 after step 1: write wrote — + done[1]: 'draft 1'")
    expect(cell.get_by_role("cell", name="'draft 1'", exact=True)).to_be_visible()
    expect(cell.get_by_text(re.compile(r"^The state, \d+ bytes$"))).to_be_visible()
    slider.focus()
    slider.press("End")
    expect(told).to_contain_text("Checkpoint 10 of 10, step 3c after step 2c: post wrote")
    expect(told).to_contain_text("Nothing waits to run.")
    expect(cell.get_by_role("button", name="next")).to_be_disabled()


def test_the_slider_goes_to_a_fork_and_reads_again_what_came_after(machine: Lesson) -> None:
    cell = _its_cell(machine)
    told = cell.get_by_role("status").first
    spare = machine.find("def before(node)")
    fork = 'machine.fork("1", {"done": ["another way"]}, as_node="write");'
    machine.run(spare, fork)
    _its_cell(machine)
    expect(told).to_contain_text("Checkpoint 11 of 11, step 2d after step 1")
    machine.run(spare, "graph.invoke(None, THREAD);")
    _its_cell(machine).get_by_role("button", name="read again").click()
    expect(told).to_contain_text("Checkpoint 12 of 12, step 3d after step 2d: post wrote")


def test_the_time_machine_fits_a_phone(machine: Lesson) -> None:
    machine.page.set_viewport_size(PHONE)
    index = machine.find("machine = time_machine(")
    machine.show(index)
    for picture in machine.pictures(index):
        assert picture["loaded"], picture
        fits = picture["width"] <= picture["room"]
        assert fits or (picture["own"] and picture["box"] <= picture["room"]), picture
    assert not machine.is_wider_than_the_window()


def test_a_phone_shows_the_card_that_one_is_at(machine: Lesson) -> None:
    """Its picture is wider than the page, and is scrolled to where it matters."""
    cell = _its_cell(machine)
    slider, picture = cell.get_by_role("slider").first, cell.locator(".rc-machine img").first
    scrolled = {}
    for key, told in (("Home", r"step -1[^,]* \(you"), ("End", r"step 3d[^,]* \(you")):
        slider.focus()
        slider.press(key)
        expect(picture).to_have_attribute("alt", re.compile(told))
        scrolled[key] = picture.evaluate("image => image.parentElement.scrollLeft")
    assert scrolled["Home"] == 0
    assert scrolled["End"] > 300


# -- where is it, in lesson 10 -------------------------------------------------------------------

WHERE = "10_threads_and_checkpoints.ipynb"
BEFORE = (
    "from lessons_lib.memories import warm_up",
    "class Conversation(",
    "def thread(",
    "scratch =",
    "saver = InMemorySaver()",
)
ERASER = "PRAGMA wal_checkpoint(TRUNCATE), or closing the last connection"


@pytest.fixture(scope="module")
def where(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 10, open and run as far as it looks for a conversation."""
    page.set_viewport_size(WIDE)
    opened = Lesson.open(page, server, WHERE)
    opened.hide_sidebars()
    yield opened
    opened.close()


def _in_the_saver(cell: Locator) -> Locator:
    return cell.get_by_role("row").filter(has_text="channel 'messages' of thread 'ada'").first


def test_where_is_it_shows_before_anything_is_run(where: Lesson) -> None:
    cell = where.show(where.find("where_is("))
    expect(_in_the_saver(cell)).to_contain_text("delete_thread('ada')")


def test_where_is_it_finds_a_conversation_in_the_saver_and_in_a_log(where: Lesson) -> None:
    for index in where.starting(*BEFORE):
        where.run(index)
    cell = where.run(where.find("where_is("))
    expect(_in_the_saver(cell)).to_contain_text("saver, graph → CompiledStateGraph.checkpointer")
    expect(cell.get_by_text("The notebook has it too")).to_be_visible()
    where.run(where.find("disk = on_disk("))
    cell = where.run(where.find('where_is("Ada Lovelace"'))
    expect(cell.get_by_role("row").filter(has_text="forget.db-wal")).to_contain_text(ERASER)


def test_where_is_it_reads_on_a_phone(where: Lesson) -> None:
    """Its cells stand one below the other there, and none is wider than the page."""
    where.page.set_viewport_size(PHONE)
    cell = where.show(where.find("where_is("))
    row = _in_the_saver(cell)
    boxes = [part.bounding_box() for part in row.get_by_role("cell").all()]
    assert len(boxes) == 4
    lefts = {round(box["x"]) for box in boxes if box}
    assert len(lefts) == 1, boxes
    assert all(box and box["x"] + box["width"] <= PHONE["width"] for box in boxes), boxes
    assert not where.is_wider_than_the_window()
