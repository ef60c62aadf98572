"""The answers of a lesson, read from its `answers.py`: real code in cells, never imported.

A cell begins with its head, such as `# %% 02.remember: solution`, and is one of these:

- `given`: what the notebook has defined by then; it is run before the others;
- `solution`: what `solution` shows;
- `alternative`, or `alternative: by its class`: another right answer, and what is other in it;
- `near miss: still holds the frame`: a wrong one, and a part of the message that must meet it. It
  is run after the solution, so that a class may say only what it does otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from lessons_lib.teach.model import Answers, NearMiss
from lessons_lib.teach.words import mistake

_HEAD = re.compile(r"# %% (\S+): (given|solution|alternative|near miss)(?:: (.+))?")


def read_answers(path: Path, ids: Sequence[str]) -> dict[str, Answers]:
    """The answers to each of these exercises; raises `LessonError` for a mistake in the file."""
    text = path.read_text("utf-8")
    found: dict[str, dict[str, list[tuple[str, str]]]] = {id: {} for id in ids}
    for line, head, source in _cells(text):
        match = _HEAD.fullmatch(head)
        if match is None:
            raise mistake(path, line, f"no head of a cell, as '# %% 02.x: solution' is: {head!r}")
        id, kind, words = match.groups()
        if id not in found:
            near = get_close_matches(id, ids, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise mistake(path, line, f"there is no exercise {id!r}{meant}")
        if kind == "near miss" and not words:
            raise mistake(path, line, "a near miss names a part of the message that must meet it")
        if kind in ("given", "solution") and kind in found[id]:
            raise mistake(path, line, f"{id} has a {kind} already")
        found[id].setdefault(kind, []).append((words or "", source))
    for id, cells in found.items():
        if "solution" not in cells:
            raise mistake(path, len(text.splitlines()), f"{id} has no solution")
    return {id: _answers(cells) for id, cells in found.items()}


def _cells(text: str) -> Iterator[tuple[int, str, str]]:
    """The line, the head and the source of each cell."""
    lines = text.splitlines()
    heads = [at for at, line in enumerate(lines) if line.startswith("# %%")]
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        source = "\n".join(lines[start + 1 : end]).strip("\n") + "\n"
        yield start + 1, lines[start], source


def _answers(cells: dict[str, list[tuple[str, str]]]) -> Answers:
    sources = {kind: [source for _, source in found] for kind, found in cells.items()}
    return Answers(
        solution=sources["solution"][0],
        given=sources.get("given", [""])[0],
        alternatives=tuple(sources.get("alternative", [])),
        near_misses=tuple(NearMiss(source, says) for says, source in cells.get("near miss", [])),
    )
