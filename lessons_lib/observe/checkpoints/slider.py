"""A slider over the pages of something: buttons beside it, a sentence and a page below it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, TypeVar
from weakref import WeakMethod

import ipywidgets as widgets

from ..pictures import style

# A widget's own box would grow with the picture, and the page with it, instead of scrolling it.
_FIT = style.LIVE + "<style>.rc-machine .widget-html-content {min-width: 0}</style>"

Method = TypeVar("Method", bound=Callable[..., Any])
Show = Callable[[int], tuple[str, str]]
"""Given a place, counted from 1: the sentence that tells of it, and its page in HTML."""


class Slider:
    """The parts of the widget, and what moves them.

    ipywidgets keeps every widget of a process alive, and a widget its callbacks: so these hold what
    is shown weakly.
    """

    def __init__(
        self,
        show: WeakMethod[Show],
        again: WeakMethod[Callable[[], None]],
        older: WeakMethod[Callable[[], None]],
        count: int,
        at: int,
        has_older: bool,
    ) -> None:
        self._show = show
        self.slider = widgets.IntSlider(
            value=at,
            min=1,
            max=count,
            description="Checkpoint",
            tooltip="Choose a checkpoint: arrow keys move it",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="min(420px, 95%)"),
        )
        self.slider.add_class("rc-machine-slider")
        self.previous = _button("◀ previous", "Go to the checkpoint before", "rc-previous")
        self.next = _button("next ▶", "Go to the checkpoint after", "rc-next")
        self.again = _button("read again", "Look for checkpoints made meanwhile", "rc-again")
        self.older = _button("read older", "Read the checkpoints before these", "rc-older")
        self.told, self.shown = widgets.HTML(), widgets.HTML()
        self.slider.observe(self.turn, names="value")
        self.previous.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(1))
        self.again.on_click(lambda _: self._safely(lambda: _alive(again)()))
        self.older.on_click(lambda _: self._safely(lambda: _alive(older)()))
        self.row = widgets.HBox([self.previous, self.next, self.slider, self.older, self.again])
        self.row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([self.row, self.told, self.shown])
        self.box.add_class("rc-machine")
        self.box.add_class("rc-live")
        self.renew(count, at, has_older)

    @property
    def place(self) -> int:
        """Where the slider is, counted from 1."""
        return int(self.slider.value)

    def _move(self, by: int) -> None:
        self.slider.value += by

    def turn(self, _: object = None) -> None:
        """Show the page that the slider is at."""
        self._safely(self._turn)

    def _turn(self) -> None:
        place = self.slider.value
        sentence, page = _alive(self._show)(place)
        self.told.value = _told(sentence)
        self.shown.value = _FIT + page
        self.previous.disabled = place == self.slider.min
        self.next.disabled = place == self.slider.max

    def renew(self, count: int, at: int, has_older: bool) -> None:
        """There are other pages now: go to one of them."""
        stays = self.slider.value == at
        if count != self.slider.max:
            self.slider.max = count
            # On the page the End key would still go to where it ended before: have it drawn anew.
            parts = self.row.children
            self.row.children = [part for part in parts if part is not self.slider]
            self.row.children = parts
        self.slider.value = at
        self.older.layout.display = None if has_older else "none"
        if stays:
            self.turn()

    def _safely(self, work: Callable[[], None]) -> None:
        """What cannot be read is told where the sentence stands: nobody sees a callback's error."""
        try:
            work()
        except (ValueError, TimeoutError, RuntimeError) as error:
            self.told.value = _told(str(error))


def _alive(method: WeakMethod[Method]) -> Method:
    found = method()
    if found is None:
        raise RuntimeError(
            "this time machine was let go, expected one that a name holds: "
            "machine = time_machine(graph, config)"
        )
    return found


def _button(words: str, hint: str, css: str) -> Any:
    made = widgets.Button(description=words, tooltip=hint)
    made.layout.width = "auto"
    made.add_class(css)
    return made


def _told(words: str) -> str:
    """A sentence that a screen reader reads out; what happened stands in bold."""
    head, dash, news = words.partition(" — ")
    body = f"{escape(head)}{dash}" + (f"<strong>{escape(news)}</strong>" if dash else "")
    return f'<div role="status" aria-live="polite">{style.card(body)}</div>'
