"""What must be true of every written notebook; each rule lists its faults as sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

from tests.notebooks import reading
from tests.notebooks.reading import Cell, Notebook
from tests.project import NOTEBOOKS, ROOT
from tests.refresh import RefreshError, normalise, set_binder_link

Rule = Callable[[Notebook], Iterator[str]]

SHORTEST_ALT = 8  # characters; less says nothing
LARGEST_NOTEBOOK = 500_000  # bytes

# Built from parts, so that this file does not hold what it forbids.
_HOMES = "|".join(["tmp", "home", "root", "Users", "work", "private/var", "var/folders"])
_PRIVATE = {
    "an address": re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    "a path of one machine": re.compile(rf"(?<![\w.:/\-])/(?:{_HOMES})/\S*|\b[A-Z]:\\+Users\S*"),
    "the place of an installed package": re.compile(r"\S*site-packages\S*"),
}
_UNCHECKED_TAGS = {"nbval-skip", "nbval-ignore-output", "skip-execution"}
_UNCHECKED_COMMENTS = re.compile(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)", re.MULTILINE)


def pictures_have_words(notebook: Notebook) -> Iterator[str]:
    """Every picture carries a text that says what to see, and is of a kind that can carry one."""
    for cell in notebook.cells:
        for image in reading.images(cell):
            if len(image.alt.strip()) < SHORTEST_ALT:
                where = image.source[:40]
                yield f"{cell}: the picture {where!r} has the alternative text {image.alt!r}"
        for mimes in cell.mimes():
            for kind in sorted(mimes):
                if kind.startswith("image/"):
                    yield f"{cell}: an {kind} output has no alternative text; show an <img alt=…>"
        for svg in reading.elements(cell.html(), "svg"):
            if len(svg.get("aria-label", "")) < SHORTEST_ALT:
                yield f"{cell}: an <svg> without an aria-label"


def links_resolve(notebook: Notebook) -> Iterator[str]:
    """Every local link leads somewhere, from the lesson and from the reader's copy of it."""
    anchors = {anchor for cell in notebook.cells for anchor in _anchors(cell)}
    for cell in notebook.cells:
        for target in reading.links(cell.prose(), cell.html()):
            fault = link_fault(target, notebook.path, anchors)
            if fault:
                yield f"{cell}: the link {target!r} {fault}"


def link_fault(target: str, page: Path, anchors: set[str]) -> str:
    """What is wrong with a link on a page, or nothing."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        good = parts.scheme in ("https", "mailto") and (parts.netloc or parts.scheme == "mailto")
        return "" if good else "is neither https nor local"
    where = unquote(parts.path)
    if not where:
        there = unquote(parts.fragment) in anchors
        return "" if there else "leads to no heading of this page"
    if not (page.parent / where).exists():
        return "leads to no file"
    beside = "/" not in where and page.parent == NOTEBOOKS
    if beside and not where.endswith(".ipynb"):
        return f"breaks in a reader's copy: write ../notebooks/{where}"
    if where.startswith("/") or not (page.parent / where).resolve().is_relative_to(ROOT):
        return "leads out of the project"
    return ""


def _anchors(cell: Cell) -> list[str]:
    """The ids that JupyterLab gives a cell's headings: their words with dashes for spaces."""
    plain = [re.sub(r"[`*]", "", words) for _, words in _headings(cell)]
    return [words.replace(" ", "-") for words in plain]


def _headings(cell: Cell) -> list[tuple[int, str]]:
    return [] if cell.is_code else reading.headings(cell.source)


def headings_are_in_order(notebook: Notebook) -> Iterator[str]:
    """One title, in the first cell, and no level left out on the way down."""
    found = [(cell, *heading) for cell in notebook.cells for heading in _headings(cell)]
    titles = [cell for cell, level, _ in found if level == 1]
    if [cell.position for cell in titles] != [1]:
        where = ", ".join(map(str, titles)) or "none"
        yield f"one title (#) belongs in the first cell; found: {where}"
    for (_, before, _), (cell, level, words) in pairwise(found):
        if level > before + 1:
            yield f"{cell}: the heading {words!r} jumps from level {before} to {level}"


def cells_were_run_in_order(notebook: Notebook) -> Iterator[str]:
    """No code cell is empty or un-run, and the counts are 1, 2, 3 …"""
    for expected, cell in enumerate(notebook.code, 1):
        if not cell.source.strip():
            yield f"cell {cell.position} is an empty code cell"
        elif cell.count != expected:
            yield f"{cell}: its execution count is {cell.count}, expected {expected}"


def errors_are_meant(notebook: Notebook) -> Iterator[str]:
    """An error output stands only where the cell is tagged raises-exception, and then it must."""
    for cell in notebook.code:
        raised = [output["ename"] for output in cell.outputs if output["output_type"] == "error"]
        meant = "raises-exception" in cell.tags
        if raised and not meant:
            yield f"{cell}: raised {raised[0]}"
        if meant and not raised:
            yield f"{cell}: is tagged raises-exception and raised nothing"


def predictions_stand_alone(notebook: Notebook) -> Iterator[str]:
    """A prediction has a cell of its own: nothing has run, or is shown, before the choice."""
    for cell, _, _ in reading.calls(notebook, "predict"):
        if len(cell.source.strip().splitlines()) > 1:
            yield f"{cell}: asks for a prediction beside other code; give it a cell of its own"


def nothing_private(notebook: Notebook) -> Iterator[str]:
    """No memory address and no path of one machine, in a source or an output or a picture."""
    for cell in notebook.cells:
        for text in (cell.source, *cell.texts()):
            for what, pattern in _PRIVATE.items():
                if match := pattern.search(text):
                    yield f"{cell}: {what}, {match.group()[:60]!r}"


def nothing_on_stderr(notebook: Notebook) -> Iterator[str]:
    """Nothing is written to stderr: a warning in a lesson is a fault of the lesson."""
    for cell in notebook.code:
        for output in cell.outputs:
            if output.get("name") == "stderr":
                yield f"{cell}: wrote to stderr: {''.join(output['text'])[:80]!r}"


def nothing_is_unchecked(notebook: Notebook) -> Iterator[str]:
    """No cell asks to be passed over by the notebook tests."""
    for cell in notebook.code:
        asked = sorted(_UNCHECKED_TAGS & set(cell.tags)) + _UNCHECKED_COMMENTS.findall(cell.source)
        if asked:
            yield f"{cell}: {asked[0]} would leave it unchecked"


def is_as_refresh_writes_it(notebook: Notebook) -> Iterator[str]:
    """The file's bytes are those that the refresh command writes for these cells and outputs."""
    stored = notebook.path.read_bytes()
    if len(stored) > LARGEST_NOTEBOOK:
        yield f"it has {len(stored):,} bytes, more than {LARGEST_NOTEBOOK:,}"
    parsed = nbformat.reads(stored.decode("utf-8"), as_version=4)
    try:
        set_binder_link(parsed, notebook.path.stem)
        normalise(parsed, notebook.path.stem)
    except RefreshError as error:
        yield str(error)
        return
    text: str = nbformat.writes(parsed, version=4)
    if (text.rstrip("\n") + "\n").encode("utf-8") != stored:
        yield f"run `python -m tests.refresh {notebook.number}`: the file is not in its stored form"


RULES: tuple[Rule, ...] = (
    pictures_have_words,
    links_resolve,
    headings_are_in_order,
    cells_were_run_in_order,
    errors_are_meant,
    predictions_stand_alone,
    nothing_private,
    nothing_on_stderr,
    nothing_is_unchecked,
    is_as_refresh_writes_it,
)
