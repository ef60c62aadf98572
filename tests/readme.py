"""The table that opens the README: the exam of six memories, written from a run and never by hand.

python -m tests.refresh README
"""

from __future__ import annotations

from pathlib import Path

from tests.project import ROOT

README = ROOT / "README.md"
BEGIN = (
    "<!-- The memory exam of six memories, written by: python3 -m lessons_lib refresh README -->"
)
END = "<!-- Here ends what the command writes. -->"


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
