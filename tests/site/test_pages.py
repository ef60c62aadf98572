"""The static pages: linked, whole, and read without a script or another address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page

from lessons_lib.site.pages import build
from lessons_lib.site.slides import deck
from lessons_lib.teach.course import LESSONS
from tests.browser.lab import browser_page, find_browser


class Links(HTMLParser):
    """Where a page leads, what it can be entered at, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.without_words: list[str] = []
        self.tags: Counter[str] = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.anchors.add(given.get("id", ""))
        if tag == "a":
            self.to.append(given.get("href", ""))
        elif "href" in given or "src" in given:
            self.loaded.append(given.get("href") or given["src"])
        if tag == "img" and not given.get("alt"):
            self.without_words.append(given["src"][:60])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The site, made once."""
    return build(tmp_path_factory.mktemp("pages") / "site")


@pytest.fixture(scope="module")
def pages(built: list[Path]) -> dict[str, Links]:
    """What is on every page, by its file's name."""
    return {path.name: Links(path.read_text("utf-8")) for path in built}


def test_every_lesson_and_text_has_a_page(pages: dict[str, Links]) -> None:
    lessons = {f"{lesson.slug}.html" for lesson in LESSONS if lesson.notebook.exists()}
    assert {"index.html", "TEACHING.html", "STATEMENTS.html", *lessons} <= set(pages)


def test_every_link_leads_somewhere(pages: dict[str, Links]) -> None:
    wrong = []
    for name, page in pages.items():
        for target in page.to:
            if target.startswith(("https://", "http://")):
                continue
            file, _, anchor = target.partition("#")
            found = pages.get(file or name)
            if found is None or (anchor and not {anchor, unquote(anchor)} & found.anchors):
                wrong.append(f"{name}: {target}")
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(pages: dict[str, Links]) -> None:
    for name, page in pages.items():
        loaded = {what for what in page.loaded if not what.startswith("data:")}
        assert loaded <= {"style.css", *pages}, name
        assert not page.tags["script"], name
        assert page.without_words == [], name


def test_only_a_folder_of_its_own_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="has something else in it: name a new or an empty folder"):
        build(tmp_path)
    with pytest.raises(ValueError, match="is a file, expected a folder"):
        build(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


# -- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium, Chrome or Edge on this machine, so no page was opened in one")
    with browser_page(browser) as opened:
        yield opened


def test_it_reads_on_a_phone_and_on_a_desk(page: Page, built: list[Path]) -> None:
    """Nothing is wider than the page, every picture loads, and the paper is the theme's."""
    for path in built:
        page.goto(path.as_uri())
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
        assert page.evaluate("[...document.images].every(one => one.naturalWidth > 0)"), path
        assert _darkest(page, "dark") < 60 < 200 < _darkest(page, "light")


def _darkest(page: Page, scheme: Literal["dark", "light"]) -> int:
    """How bright the paper is in a theme, from 0 to 255, by its darkest colour."""
    page.emulate_media(color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return min(map(int, re.findall(r"\d+", paper)))


def test_a_fold_opens_by_keyboard(page: Page, built: list[Path]) -> None:
    page.goto((built[0].parent / "02_reference_counting.html").as_uri())
    fold = page.locator("details", has_text="Or read one right answer").first
    fold.locator("summary").first.press("Enter")
    assert "traceback.TracebackException" in fold.inner_text()


# -- slides --------------------------------------------------------------------------------------

WORKSHOP = ("00", "02", "10", "11")
"""The lessons of the 90 minutes, as TEACHING.md has them."""


def test_a_text_on_a_slide_is_taken_apart() -> None:
    text = (
        "**So:** kept.\n\n## 2 · Next\n\nProse.\n\n| a |\n|---|\n\n## Exercise 1 · Mend\n\nA task."
    )
    shown = {"slideshow": {"slide_type": "slide"}}
    cells = [
        new_markdown_cell("# Title\n\n> The idea.", metadata=shown),
        new_markdown_cell("Left out."),
        new_code_cell("predict('00.model')", metadata=shown),
        new_code_cell("run()", metadata={"slideshow": {"slide_type": "subslide"}}),
        new_markdown_cell(text, metadata=shown),
    ]
    made = deck(new_notebook(cells=cells))
    assert [
        (cell.metadata.get("slide"), cell.metadata.get("shown"), cell.source.splitlines()[0])
        for cell in made.cells
    ] == [
        (1, "heading", "# Title"),
        (None, "", "> The idea."),
        (None, None, "predict('00.model')"),
        (2, None, "run()"),
        (None, "so", "**So:** kept."),
        (3, "heading", "## 2 · Next"),
        (None, "", "| a |"),
        (None, "notes", "Prose."),
        (4, "heading", "## Exercise 1 · Mend"),
        (None, "", "A task."),
    ]
    assert made.cells[3].metadata.title == "Title"
    assert "slide" not in cells[0].metadata  # the lesson itself is as it was


def test_each_lesson_of_the_workshop_has_its_slides(pages: dict[str, Links]) -> None:
    """Every slide leads to its neighbours, and each deck has the lesson's title and questions."""
    assert {name for name in pages if name.startswith("slides_")} == {
        f"slides_{number}.html" for number in WORKSHOP
    }
    for number in WORKSHOP:
        slides = pages[f"slides_{number}.html"]
        count = slides.tags["section"]
        assert 10 <= count <= 20
        assert {f"slide-{one}" for one in range(1, count + 1)} <= slides.anchors
        assert {f"#slide-{one}" for one in range(1, count + 1)} <= {*slides.to}


def test_a_slide_fills_the_window_and_an_output_waits(page: Page, built: list[Path]) -> None:
    page.goto((built[0].parent / "slides_00.html").as_uri())
    for width, height in ((1366, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for slide in page.locator("section").all():
            box = slide.bounding_box()
            assert box
            assert box["height"] >= height
    slide = page.locator("#slide-3")
    assert "You have not told me your name." not in slide.inner_text()
    slide.locator("details.run summary").first.press("Enter")
    assert "You have not told me your name." in slide.inner_text()
    slide.get_by_label("The next slide").press("Enter")
    assert page.url.endswith("#slide-4")
