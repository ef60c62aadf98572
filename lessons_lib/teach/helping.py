"""`hint` and `solution`: three hints that open one inside the other, and the answer after a try.

On a page where nothing runs nobody can try: there the answer stands under a fold.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from lessons_lib.teach import loader, look
from lessons_lib.teach.store import store


@dataclass(frozen=True)
class Hints(look.Shown):
    """The hints to an exercise; each opens inside the one before."""

    hints: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"Hint {i}: {look.plain(hint)}" for i, hint in enumerate(self.hints, 1))

    def _repr_html_(self) -> str:
        html = ""
        for i in range(len(self.hints), 0, -1):
            html = look.details(f"Hint {i}", look.blocks(self.hints[i - 1]) + html)
        return html


@dataclass(frozen=True)
class Solution(look.Shown):
    """The answer to an exercise, or the advice to try it first: then it is `folded`."""

    text: str
    source: str
    folded: bool = False

    def __str__(self) -> str:
        return look.plain(self.text) + ("" if self.folded else f"\n\n{self.source}")

    def _repr_html_(self) -> str:
        shown = look.code(self.source)
        if self.folded:
            shown = look.details("Or read one right answer here, without running it", shown)
        return look.panel(look.inline(self.text) + shown)

    def _repr_mimebundle_(self, **kinds: Any) -> dict[str, Any]:
        """Where a kernel runs, the advice alone is shown: the fold is for a page without one."""
        still = super()._repr_mimebundle_(**kinds)
        if not self.folded:
            return still
        from ipywidgets import HTML

        return {**(HTML(look.panel(look.inline(self.text)))._repr_mimebundle_() or {}), **still}


def hint(id: str) -> Hints:
    """Three hints to an exercise; raises `NotFound` with the nearest id."""
    return Hints(loader.exercise(id).hints)


def solution(id: str) -> Solution:
    """One right answer, once the reader has tried (or where the room is unlocked).

    Raises `NotFound` with the nearest id.
    """
    exercise = loader.exercise(id)
    source = loader.answers(id).solution.strip("\n")
    tried = store().read().exercises.get(id)
    if tried is None and not unlocked():
        return Solution(
            f'Try it first: change `{exercise.name}`, run `check("{id}", {exercise.name})` once, '
            "right or wrong, and run this cell again.",
            source,
            folded=True,
        )
    return Solution("One right answer (yours may differ):", source)


def unlocked() -> bool:
    """Whether all solutions are open: the setting `LESSONS_UNLOCK=1` of a room."""
    return os.environ.get("LESSONS_UNLOCK", "").strip().lower() in {"1", "true", "yes", "on"}
