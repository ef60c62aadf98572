"""What the README shows of the course, taken from runs and never made by hand: its table, pictures.

python -m tests.refresh README
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import nbformat

from tests.project import ROOT

README = ROOT / "README.md"
BEGIN = (
    "<!-- The memory exam of six memories, written by: python3 -m lessons_lib refresh README -->"
)
END = "<!-- Here ends what the command writes. -->"
PICTURES = {
    ROOT / "notebooks/pictures/journal.svg": ("08_the_journal", "Cards, each leading"),
    ROOT / "notebooks/pictures/workers.svg": ("18_many_workers_one_memory", "A broken frame"),
}
"""Pictures of the README: the lesson that has stored each, and how its alt text begins."""


def sat() -> str:
    """Put the exam to the memories of the README; returns their table. Raises NoPostgres."""
    from lessons_lib.exam import exam
    from lessons_lib.exam.candidates import IN_README, candidates

    return exam(named=candidates(IN_README)).markdown()


def sat_by_all(path: Path) -> str:
    """Put the exam to all memories; returns the text of the file that keeps the run."""
    from lessons_lib.exam import exam, kept
    from lessons_lib.exam.candidates import candidates

    return kept.written(exam(named=candidates()))


def table_in(text: str) -> str:
    """The table between the two marks of a text.

    >>> table_in(f"before {BEGIN} | a | {END} after")
    '| a |'

    Raises ValueError when the marks are not there, once each and in this order.
    """
    _, found, rest = text.partition(BEGIN)
    table, ended, after = rest.partition(END)
    if not found or not ended or BEGIN in rest or END in after:
        raise ValueError(f"the text should have {BEGIN!r} once, and {END!r} once after it")
    return table.strip()


def with_table(text: str, table: str) -> str:
    """The text with another table between its marks.

    >>> with_table(f"a {BEGIN}{END} b", "| 1 |") == f"a {BEGIN}\\n\\n| 1 |\\n\\n{END} b"
    True
    """
    table_in(text)
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def refresh(path: Path = README) -> str:
    """Return the text that the README should have."""
    return with_table(path.read_text(encoding="utf-8"), sat())


def picture(path: Path) -> str:
    """The text of a picture of the README, as its lesson has stored it.

    Raises ValueError when the lesson has no such picture.
    """
    lesson, alt = PICTURES[path]
    notebook = nbformat.read(ROOT / f"notebooks/{lesson}.ipynb", as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            shown = output.get("data", {}).get("text/html", "")
            for tag in re.findall(rf'<img[^>]* alt="{alt}[^>]*>', shown):
                found = re.search(r"data:image/svg\+xml;base64,([\w+/=]+)", tag)
                if found:
                    return base64.b64decode(found[1]).decode() + "\n"
    raise ValueError(f"{lesson} has no picture whose alt text begins with {alt!r}")
