"""From a lesson to its slides: the cells that have a slide type, with the prose as notes.

The types are those of JupyterLab and nbconvert (`slide`, `subslide`, `fragment`, `-`). A cell
without one is not shown. A `subslide` begins a slide under the heading of the last. A text that is
shown is taken apart: a heading begins a slide; a *So* is opened when the room has said it; tables,
quotations and tasks stand; and the rest is for the speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

_HEADING = re.compile(r"#{1,3} ")


def slides(notebook: NotebookNode) -> list[list[NotebookNode]]:
    """The cells of each slide, in order; empty if no cell of the notebook has a slide type.

    Every cell has a `metadata.shown`: `heading`, `so`, `notes`, or empty.
    """
    found: list[list[NotebookNode]] = []
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "skip")
        if kind == "skip":
            continue
        parts = list(_parts(cell.source)) if cell.cell_type == "markdown" else [deepcopy(cell)]
        for at, part in enumerate(parts):
            heading = part.metadata.get("shown") == "heading"
            if heading or (kind == "subslide" and at == 0) or not found:
                found.append([])
            found[-1].append(part)
    return [_notes_last(cells) for cells in found]


def _parts(text: str) -> Iterator[NotebookNode]:
    prose = "notes"
    for block in text.split("\n\n"):
        shown = prose
        if _HEADING.match(block):
            shown = "heading"
            prose = "" if "# Exercise" in block else "notes"
        elif block.startswith("**So:**"):
            shown = "so"
        elif block.startswith(("|", ">")):
            shown = ""
        yield new_markdown_cell(block, metadata={"shown": shown})


def _notes_last(cells: list[NotebookNode]) -> list[NotebookNode]:
    """A slide with all that is for the speaker in one cell at its end."""
    notes = [cell.source for cell in cells if cell.metadata.get("shown") == "notes"]
    shown = [cell for cell in cells if cell.metadata.get("shown") != "notes"]
    if notes:
        shown.append(new_markdown_cell("\n\n".join(notes), metadata={"shown": "notes"}))
    return shown


def deck(notebook: NotebookNode) -> NotebookNode:
    """A notebook of the slides alone, with `metadata.slide` where one begins; empty if none do.

    `slide` is the number, counted from 1; `metadata.title` the last heading before a slide that has
    none of its own.
    """
    made: NotebookNode = new_notebook()
    title = ""
    found = slides(notebook)
    for number, cells in enumerate(found, 1):
        first = cells[0]
        first.metadata.slide = number
        if first.metadata.get("shown") == "heading":
            title = re.sub(r"[#`*]", "", first.source).strip()
        else:
            first.metadata.title = title
        made.cells += cells
    made.metadata.slides = len(found)
    return made
