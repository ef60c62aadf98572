"""`hint` and `solution`: three hints that open one inside the other, and the answer after a try.

On a page where nothing runs nobody can try: there the answer stands under a fold.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from lessons_lib.teach import loader, look
from lessons_lib.teach.store import store


@dataclass(frozen=True, repr=False)
class TryFirst(look.Told):
    """The advice to try first: alone where a kernel runs, above a fold on a page without one."""

    advice: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from ipywidgets import HTML

        # Of a widget and an HTML, a front end with a kernel shows the widget, a page the HTML.
        alone = HTML(self.advice)._repr_mimebundle_() or {}
        return {**alone, "text/html": self.html, "text/plain": self.text}


def hint(id: str) -> look.Told:
    """Three hints to an exercise; raises `NotFound` with the nearest id."""
    hints = list(enumerate(loader.exercise(id).hints, 1))
    html = ""
    for number, words in reversed(hints):
        html = look.details(f"Hint {number}", look.blocks(words) + html)
    return look.Told("\n".join(f"Hint {n}: {look.plain(words)}" for n, words in hints), html)


def solution(id: str) -> look.Told:
    """One right answer, once the reader has tried (or where the room is unlocked).

    Raises `NotFound` with the nearest id.
    """
    exercise = loader.exercise(id)
    source = loader.answers(id).solution.strip("\n")
    if id in store().read().exercises or unlocked():
        says = "One right answer (yours may differ):"
        return look.Told(f"{says}\n\n{source}", look.panel(says + look.code(source)))
    says = (
        f'Try it first: change `{exercise.name}`, run `check("{id}", {exercise.name})` once, '
        "right or wrong, and run this cell again."
    )
    folded = look.details("Or read one right answer here, without running it", look.code(source))
    advice = look.inline(says)
    return TryFirst(look.plain(says), look.panel(advice + folded), look.panel(advice))


def unlocked() -> bool:
    """Whether all solutions are open: the setting `LESSONS_UNLOCK=1` of a room."""
    return os.environ.get("LESSONS_UNLOCK", "").strip().lower() in {"1", "true", "yes", "on"}
