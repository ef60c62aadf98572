"""Lesson 02 as a reader does it: opened, run whole, stepped through, answered, solved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lessons_lib.teach import loader
from tests.browser.lab import PHONE, Lesson, Server, words

NOTEBOOK = "02_reference_counting.ipynb"


@pytest.fixture(scope="module")
def lesson(page: Page, server: Server) -> Iterator[Lesson]:
    """The lesson, open and not yet run."""
    opened = Lesson.open(page, server, NOTEBOOK)
    yield opened
    opened.close()


def _picture_cells(lesson: Lesson) -> list[int]:
    """The cells that put out a picture."""
    return [
        index
        for index, cell in enumerate(lesson.cells())
        if "<img" in json.dumps(cell.get("outputs") or [])
    ]


def test_pictures_show_before_anything_is_run(lesson: Lesson) -> None:
    cells = _picture_cells(lesson)
    assert cells, "the lesson should hold pictures"
    for index in cells:
        lesson.show(index)
        for picture in lesson.pictures(index):
            assert picture["loaded"], f"cell {index}: {picture}"


def test_it_runs_whole(lesson: Lesson) -> None:
    lesson.run_all()
    code = [cell for cell in lesson.cells() if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    errors = [
        output
        for cell in code
        for output in cell["outputs"]
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    assert errors == []


def test_the_stepper_moves_by_keyboard_and_by_button(lesson: Lesson) -> None:
    cell = lesson.show(lesson.find("step("))
    slider = cell.get_by_role("slider").first
    told = cell.get_by_role("status").first
    expect(told).to_contain_text(re.compile(r"Step \d+ of \d+"))
    slider.focus()
    slider.press("Home")
    expect(told).to_contain_text("Step 1 of")
    before = cell.locator(".rc-player img").get_attribute("alt")
    slider.press("ArrowRight")
    expect(told).to_contain_text("Step 2 of")
    expect(cell.locator(".rc-player img")).not_to_have_attribute("alt", before or "")
    expect(cell.locator("[aria-current=step]")).to_contain_text("inbox = [cv]")
    cell.get_by_role("button", name="next").click()
    expect(told).to_contain_text("Step 3 of")
    slider.focus()
    slider.press("End")
    expect(told).to_contain_text("reference count")
    expect(cell.get_by_role("button", name="next")).to_be_disabled()


def test_a_prediction_is_answered_explained_and_kept(lesson: Lesson, server: Server) -> None:
    question = loader.question("02.last-reference")
    letters = dict(question.lettered())
    wrong = next(letter for letter in letters if letter != question.right)
    cell = lesson.show(lesson.find(f'predict("{question.id}")'))
    for letter, word in ((wrong, "wrong"), (question.right, "right")):
        button = cell.get_by_role("button", name=re.compile(rf"^{letter}\)"))
        button.focus()
        button.press("Enter")
        expect(button).to_contain_text(word)
        expect(cell.get_by_role("status")).to_contain_text(words(letters[letter].why))
    kept = json.loads((server.home / "progress.json").read_text(encoding="utf-8"))
    assert question.id in json.dumps(kept)


def test_an_exercise_is_solved(lesson: Lesson) -> None:
    exercise, answers = loader.exercise("02.remember"), loader.answers("02.remember")
    stub = lesson.find(f"def {exercise.name}(")
    check = lesson.find(f'check("{exercise.id}"')
    expect(lesson.show(check)).to_contain_text("Not yet")
    near_miss = answers.near_misses[0]
    lesson.run(stub, near_miss.source)
    expect(lesson.run(check)).to_contain_text(near_miss.says.replace("`", ""))
    lesson.run(stub, answers.solution)
    expect(lesson.run(check)).to_contain_text("Right")
    solved = lesson.run(lesson.find(f'solution("{exercise.id}"'))
    expect(solved).to_contain_text("TracebackException")


def test_nothing_is_cut_off_on_a_phone(lesson: Lesson) -> None:
    """A picture fits, or scrolls within a box that fits: its letters stay large enough to read."""
    lesson.page.set_viewport_size(PHONE)
    lesson.hide_sidebars()
    cells = [*_picture_cells(lesson), lesson.find("step(")]
    for index in dict.fromkeys(cells):
        lesson.show(index)
        for picture in lesson.pictures(index):
            assert picture["loaded"], f"cell {index}: {picture}"
            assert min(picture["width"], picture["box"]) <= picture["room"], f"{index}: {picture}"
    assert not lesson.is_wider_than_the_window()
