"""The instruments of parts 3 and 4 as a reader uses them, in the lessons that show them first."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import PHONE, WIDE, Lesson, Server

# -- the time machine, in lesson 12 --------------------------------------------------------------

MACHINE = "12_interrupts_and_time_travel.ipynb"
ITS_CELL = "machine = time_machine("
NEEDS = (
    *("from lessons_lib.memories import warm_up", "class Case(", "THREAD =", "def draft("),
    *("paid, mailed", "def finished_case(", "def before(node)"),
)
"""The beginnings of the cells that the time machine's own cell builds on."""


@pytest.fixture(scope="module")
def machine(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 12, open."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, MACHINE) as opened:
        yield opened


def _its_cell(lesson: Lesson) -> Locator:
    return lesson.show(lesson.find(ITS_CELL))


def test_tree_and_table_show_before_anything_is_run(machine: Lesson) -> None:
    cell = _its_cell(machine)
    expect(cell.get_by_role("img", name=re.compile("^Cards of checkpoints"))).to_be_visible()
    expect(cell.get_by_role("columnheader", name="wrote")).to_be_visible()


def test_the_time_machine_slides_by_keyboard_and_by_button(machine: Lesson) -> None:
    machine.run_those(*NEEDS)
    cell = machine.run(machine.find(ITS_CELL))
    slider, told = cell.get_by_role("slider", name="Checkpoint"), cell.get_by_role("status").first
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
    machine.run(spare, 'machine.fork("1", {"done": ["another way"]}, as_node="write");')
    _its_cell(machine)
    expect(told).to_contain_text("Checkpoint 11 of 11, step 2d after step 1")
    machine.run(spare, "graph.invoke(None, THREAD);")
    _its_cell(machine).get_by_role("button", name="read again").click()
    expect(told).to_contain_text("Checkpoint 12 of 12, step 3d after step 2d: post wrote")
    expect(cell.get_by_role("slider", name="Checkpoint")).to_be_visible()  # drawn anew, and named


def test_a_phone_shows_the_card_that_one_is_at(machine: Lesson) -> None:
    """The picture is wider than the page, and is scrolled to where it matters."""
    machine.page.set_viewport_size(PHONE)
    machine.nothing_is_cut_off(machine.find(ITS_CELL))
    cell = _its_cell(machine)
    slider, picture = cell.get_by_role("slider"), cell.locator(".rc-machine img").first
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
    *("from lessons_lib.memories import warm_up", "class Conversation(", "def thread("),
    *("scratch =", "saver = InMemorySaver()"),
)
ERASER = "PRAGMA wal_checkpoint(TRUNCATE), or closing the last connection"


@pytest.fixture(scope="module")
def where(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 10, open."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, WHERE) as opened:
        yield opened


def _in_the_saver(cell: Locator) -> Locator:
    return cell.get_by_role("row").filter(has_text="channel 'messages' of thread 'ada'").first


def test_where_is_it_shows_before_anything_is_run(where: Lesson) -> None:
    cell = where.show(where.find("where_is("))
    expect(_in_the_saver(cell)).to_contain_text("delete_thread('ada')")


def test_where_is_it_finds_a_conversation_in_the_saver_and_in_a_log(where: Lesson) -> None:
    where.run_those(*BEFORE)
    cell = where.run(where.find("where_is("))
    expect(_in_the_saver(cell)).to_contain_text("saver, graph → CompiledStateGraph.checkpointer")
    expect(cell.get_by_text("The notebook has it too")).to_be_visible()
    where.run(where.find("disk = on_disk("))
    cell = where.run(where.find('where_is("Ada Lovelace"'))
    expect(cell.get_by_role("row").filter(has_text="forget.db-wal")).to_contain_text(ERASER)


def test_where_is_it_reads_on_a_phone(where: Lesson) -> None:
    """Its cells stand one below the other there, and none is wider than the page."""
    where.page.set_viewport_size(PHONE)
    index = where.find("where_is(")
    where.nothing_is_cut_off(index)
    boxes = [
        part.bounding_box() for part in _in_the_saver(where.show(index)).get_by_role("cell").all()
    ]
    assert len(boxes) == 4
    lefts = {round(box["x"]) for box in boxes if box}
    assert len(lefts) == 1, boxes
    assert all(box and box["x"] + box["width"] <= PHONE["width"] for box in boxes), boxes


# -- an agent's checkpoints, in lesson 15 --------------------------------------------------------

TURN = (
    *("from lessons_lib.memories import warm_up", "def answer(", "class ScriptedModel("),
    *("def open_ticket(", "def lines(", "def unanswered("),
)
"""The beginnings of the cells that the agent's first turn and the exercises build on."""


@pytest.fixture(scope="module")
def agent(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 15, run as far as the agent's first turn."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, "15_ready_made_agents.ipynb") as opened:
        opened.run_those(*TURN)
        yield opened


def test_a_turn_is_gone_through_checkpoint_by_checkpoint(agent: Lesson) -> None:
    cell = agent.run(agent.find("time_machine(agent"))
    slider, told = cell.get_by_role("slider"), cell.get_by_role("status").first
    slider.focus()
    slider.press("Home")
    expect(told).to_contain_text("Checkpoint 1 of 5")
    for wrote in ("human: 'My printer smokes.'", "model wrote", "tool: 'the ticket is open'"):
        cell.get_by_role("button", name="next").click()
        expect(told).to_contain_text(wrote)


def test_an_agents_thread_is_mended(agent: Lesson) -> None:
    agent.solves("15.mend")


# -- a server in the kernel, in lesson 16 --------------------------------------------------------

GIVEN = ("import asyncio", "class Conversation(", "async def asked(")


@pytest.fixture(scope="module")
def web(page: Page, server: Server) -> Iterator[Lesson]:
    """Lesson 16, its definitions run."""
    page.set_viewport_size(WIDE)
    with Lesson.open(page, server, "16_inside_a_server.ipynb") as opened:
        opened.run_those(*GIVEN)
        yield opened


def test_a_server_answers_beside_the_notebook(web: Lesson) -> None:
    cell = web.run(web.find("await two_turns(web(amnesia))"))
    expect(cell).to_contain_text("You have not told me your name.")
    web.solves("16.follow")
