"""The player of `step`: run a snippet line by line and look at it as long as you like.

The player is a widget (a slider and two buttons over the code, the picture and a sentence). Where
widgets are not running, in a stored notebook or an exported page, the decisive steps stand there as
pictures; in a terminal, all steps as a table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from ..pictures import style
from .recording import Recording
from .rewriting import MAX_STEPS, borrowed, checked
from .scenes import Scenes
from .stepper import record
from .story import Story

if TYPE_CHECKING:
    import ipywidgets

STATIC_LIMIT = 55_000
"""Bytes of HTML that the stored steps of one player may take."""


def step(
    snippet: str,
    *,
    show: Iterable[int] | None = None,
    max_steps: int = MAX_STEPS,
    **names: object,
) -> Player:
    """Run a snippet line by line and return a player of what led to what after every line.

    Names that the snippet uses but does not assign come from the caller's globals, or are given as
    keywords. `show` picks the steps (as numbered in the player) that a stored page shows; without
    it, those in which something died, became garbage or failed. The snippet has names of its own;
    objects that it changes are the caller's. An exception of the snippet is shown, not raised.

    >>> class Upload: pass
    >>> print(step("a = Upload()\\nb = a\\ndel a\\ndel b"))
    step  line  code          what happened
    ----  ----  ------------  -------------------------------
       1     1  a = Upload()  new: Upload
       2     2  b = a         Upload has 2 references
       3     3  del a         Upload has 1 reference
       4     4  del b         Upload died, by reference count
    """
    text = checked(snippet, max_steps)
    theirs = sys._getframe(1).f_globals
    found = {name: theirs[name] for name in borrowed(text) if name in theirs}
    return Player(record(text, found | names, max_steps=max_steps), show)


class Player:
    """A recording with its pictures: a widget in a notebook, a table in a terminal.

    It holds words and numbers only, so keeping it (in `Out`, say) keeps no object of the snippet.
    """

    def __init__(self, recording: Recording, show: Iterable[int] | None = None) -> None:
        self.recording = recording
        self.story = Story(recording)
        self.scenes = Scenes(self.story)
        self.show = self._chosen(show)

    def _chosen(self, show: Iterable[int] | None) -> list[int]:
        if show is None:
            return self.story.decisive()
        count = len(self.recording.steps)
        if not isinstance(show, Iterable):
            raise TypeError(f"show={show!r}, expected the numbers of steps: give [{show!r}], say")
        for number in (chosen := list(show)):
            if not isinstance(number, int) or not 1 <= number <= count:
                raise ValueError(
                    f"show has the step {number!r}, expected numbers from 1 to {count}: "
                    "print the player to see its steps"
                )
        return [number - 1 for number in chosen]

    def __len__(self) -> int:
        return len(self.recording.steps)

    def __str__(self) -> str:
        if not len(self):
            return self.recording.note or "nothing to step through"
        return str(self.story.table())

    def __repr__(self) -> str:
        return f"Player({len(self)} steps)"

    def html(self, index: int) -> str:
        """A step (counted from 0) as HTML: the code with its line marked, and the picture."""
        picture = self.scenes.picture(index).html()
        return (
            '<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">'
            f'<div style="flex:0 1 auto;max-width:100%">{self._code(index)}</div>'
            f'<div style="flex:0 1 auto;max-width:100%;min-width:0">{picture}</div></div>'
        )

    def _code(self, index: int) -> str:
        marked = self.recording.steps[index].line
        lines = [_code_line(n, text, n == marked) for n, text in enumerate(self.story.lines, 1)]
        return style.card("".join(lines), "padding:8px 12px 8px 0;overflow-x:auto;")

    def _told(self, index: int) -> str:
        """What happened at a step, in one sentence that says which step it is."""
        step, news = self.recording.steps[index], "; ".join(self.story.happened(index))
        told = f"Step {index + 1} of {len(self)}, line {step.line}: "
        told += style.code(self.story.code(step)) + (" — " if news else "")
        notes = [self.recording.note] if self.recording.note else []
        if index == len(self) - 1:
            notes += self.story.afterwards
        more = "".join(f". {escape(note)}" for note in notes)
        return f"{told}<strong>{escape(news)}</strong>{more}"

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The slider with its buttons, the sentence, the code and the picture."""
        from ..pictures.slider import Slider

        def page(place: int) -> tuple[str, str]:
            return self._told(place - 1), self.html(place - 1)

        return Slider(page, noun="Step", count=len(self), css="rc-player").box

    def static_html(self) -> str:
        """The chosen steps, one below the other, for a page on which no widget runs."""
        parts: list[str] = []
        for index in self.show:
            told = style.status(self._told(index))
            part = f'<div style="margin:0 0 14px">{told}{self.html(index)}</div>'
            if parts and sum(map(len, parts)) + len(part) > STATIC_LIMIT:
                left = len(self.show) - len(parts)
                parts.append(style.card(f"… and {left} more steps: run the cell to see them"))
                break
            parts.append(part)
        return "".join(parts) + style.STATIC

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if not len(self):
            return {"text/plain": str(self)}
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        bundle["text/html"] = self.static_html()
        bundle["text/plain"] = str(self)
        return bundle


def _code_line(number: int, text: str, marked: bool) -> str:
    """One line of code with its number; the marked one has an arrow, a bar and bold letters."""
    bar = "border-left:4px solid transparent"
    if marked:
        bar = f"border-left:4px solid {style.BLUE};background:{style.WASH};font-weight:700"
    sign = "▶" if marked else " "
    current = ' aria-current="step"' if marked else ""
    # As wide as its text: else the colour of the marked line would end where a narrow box does.
    look = (
        f"{bar};white-space:pre;min-width:max-content;padding:0 8px 0 6px;line-height:1.5;"
        f"font-family:{style.CODE_FONT};font-size:{style.CODE_SIZE}px;color:{style.INK}"
    )
    return f'<div{current} style="{look}">{sign}{number:>3}  {escape(text) or " "}</div>'
