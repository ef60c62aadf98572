"""From notebooks and texts to pages: each is a notebook to nbconvert, with links that fit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbconvert import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pygments.formatters import HtmlFormatter

from lessons_lib.site.slides import deck
from lessons_lib.teach.course import LESSONS, NOTEBOOKS, ROOT, Lesson

TEMPLATES = Path(__file__).parent
OURS = ".made-by-lessons"
"""A file that says that the folder is ours to write into."""
_SOURCES = (".py", ".json")
_TO_SOURCE = re.compile(r"\]\(([^)#:\s]+\.(?:py|json))\)")
_HREF = re.compile(r'href="([^"#:]+)')
_ON_BINDER = re.compile(r"^\[[^]]*\]\(https://mybinder\.org[^)]*\)\n+", re.MULTILINE)
_TEXTS = {"TEACHING": "Teaching it", "STATEMENTS": "Statements, tried"}


class Page(NamedTuple):
    """One page of the site: its name, its file, the notebook it is made of, and its template."""

    name: str
    file: str
    notebook: NotebookNode
    template: str = "course"


def build(folder: Path, tell: Callable[[str], None] = lambda name: None) -> list[Path]:
    """Write every lesson, text, linked source and deck of slides as a page; returns their paths.

    The folder is made, or written anew if an earlier call made it. ValueError if it is another's.
    `tell` is given the name of each page before it is made.
    """
    _claim(folder)
    pages = _pages()
    files = {page.file for page in pages}
    exporters = {name: _exporter(name) for name in ("course", "deck")}
    for at, page in enumerate(pages):
        tell(page.name)
        html = _html(page, _around(pages, at), exporters[page.template])
        html = _HREF.sub(lambda found: _to_page(found, files), html)
        (folder / page.file).write_text(html, encoding="utf-8")
    (folder / "style.css").write_text(_style(), encoding="utf-8")
    return [folder / page.file for page in pages]


def _pages() -> list[Page]:
    """All pages in their order, the index first."""
    lessons = list(_lessons())
    pages = [*lessons, *_texts(), *_decks(lessons)]
    pages += _sources([page.notebook for page in pages])
    return [_index(pages), *pages]


def _around(pages: list[Page], at: int) -> dict[str, object]:
    """What a template knows of a page: its title, and the pages beside it but for the index."""
    return {
        "title": pages[at].name,
        "first": at == 0,
        "before": pages[at - 1] if at > 1 else None,
        "after": pages[at + 1] if at + 1 < len(pages) else None,
    }


def _html(page: Page, around: dict[str, object], exporter: HTMLExporter) -> str:
    resources = {"page": around, "metadata": {"path": str(NOTEBOOKS)}}
    # Not HTMLExporter's own, which parses each page once more, in two thirds of the time, to
    # give words to pictures that have none: ours all have some.
    html, _ = TemplateExporter.from_notebook_node(exporter, page.notebook, resources)
    return str(html).replace("<pre>", '<pre tabindex="0">')  # scrolled by the keyboard, too


def _exporter(template: str) -> HTMLExporter:
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name=template,
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
        optimistic_validation=True,  # once for a page, and not after each of twelve steps
    )
    highlight = Highlight2HTML(parent=exporter)  # type: ignore[no-untyped-call]
    exporter.register_filter("highlight_code", highlight)  # type: ignore[no-untyped-call]
    return exporter


def _claim(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder to write pages into: name another")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / OURS).exists():
            raise ValueError(f"{folder} has something else in it: name a new or an empty folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OURS).write_text("python3 -m lessons_lib site\n", encoding="utf-8")


def _lessons() -> Iterator[Page]:
    for lesson in LESSONS:
        if lesson.notebook.exists():
            notebook = nbformat.read(lesson.notebook, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = _ON_BINDER.sub("", cell.source)
            name = f"{lesson.number} · {lesson.title}"
            yield Page(name, f"{lesson.slug}.html", notebook)


def _decks(lessons: list[Page]) -> Iterator[Page]:
    """The slides of each lesson that has some."""
    for page in lessons:
        slides = deck(page.notebook)
        if slides.cells:
            yield Page(f"Slides {page.name}", f"slides_{page.name[:2]}.html", slides, "deck")


def _texts() -> Iterator[Page]:
    for stem, name in _TEXTS.items():
        text = (NOTEBOOKS / f"{stem}.md").read_text("utf-8")
        yield Page(name, f"{stem}.html", new_notebook(cells=[new_markdown_cell(text)]))


def _sources(notebooks: list[NotebookNode]) -> Iterator[Page]:
    """A page for each Python or JSON file that a lesson links to."""
    linked = {
        (NOTEBOOKS / found[1]).resolve()
        for notebook in notebooks
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for found in _TO_SOURCE.finditer(cell.source)
    }
    for path in sorted(linked):
        name = path.relative_to(ROOT).as_posix()
        cells = [new_markdown_cell(f"# `{name}`"), new_code_cell(path.read_text("utf-8"))]
        yield Page(name, _source_page(path), new_notebook(cells=cells))


def _source_page(path: Path) -> str:
    return f"{path.relative_to(ROOT).as_posix().replace('/', '.')}.html"


def _index(pages: list[Page]) -> Page:
    """The first page: every lesson by its part, with its question and its sections."""
    by_file = {page.file: page for page in pages}
    text = [
        "# From Refcounts to Checkpoints",
        "How memory works in a Python program and in a LangGraph agent. These pages show the "
        "lessons as they ran, to be read without running anything. "
        "Predictions, hints and answers stand under folds. In a kernel of your own the pictures "
        "move, and your answers are judged.",
    ]
    written = [lesson for lesson in LESSONS if f"{lesson.slug}.html" in by_file]
    for part, lessons in groupby(written, key=lambda lesson: lesson.part):
        text.append(f"## {part}")
        text += [_entry(lesson, by_file[f"{lesson.slug}.html"]) for lesson in lessons]
    others = [
        page for page in pages if page.file.partition(".")[0] in _TEXTS or page.template == "deck"
    ]
    text.append("## Beside the lessons")
    text += [f"- [{page.name}]({page.file})" for page in others]
    cell = new_markdown_cell("\n\n".join(text))
    return Page("From Refcounts to Checkpoints", "index.html", new_notebook(cells=[cell]))


def _entry(lesson: Lesson, page: Page) -> str:
    sections = "".join(f"<li>{escape(title)}</li>" for title in _sections(page.notebook))
    return (
        f"**[{page.name}]({page.file})** {lesson.question} "
        f"{lesson.core} minutes, and {lesson.deeper} deeper."
        f"\n\n<details><summary>Sections of lesson {lesson.number}</summary>"
        f"<ul>{sections}</ul></details>"
    )


def _sections(notebook: NotebookNode) -> list[str]:
    return [
        line.removeprefix("## ").replace("`", "").replace("*", "")
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]


def _to_page(found: re.Match[str], files: set[str]) -> str:
    """A link that leads to a page of the site, where there is one."""
    path = (NOTEBOOKS / found[1]).resolve()
    file = _source_page(path) if path.suffix in _SOURCES else f"{path.stem}.html"
    return f'href="{file}' if file in files else found[0]


def _style() -> str:
    """The look of the pages and of their code, in light and dark."""
    light, dark = (
        HtmlFormatter(style=name, nobackground=True).get_style_defs(".highlight")
        for name in ("default", "github-dark")
    )
    own = (TEMPLATES / "course" / "style.css").read_text("utf-8")
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
