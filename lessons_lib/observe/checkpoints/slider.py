"""A slider over the pages of something: buttons beside it, a sentence and a page below it."""

from __future__ import annotations

from html import escape
from typing import Any
from weakref import WeakMethod

import ipywidgets as widgets

from ..pictures import style

# A widget's own box would grow with the picture, and the page with it, instead of scrolling it.
_FIT = style.LIVE + "<style>.rc-machine .widget-html-content {min-width: 0}</style>"


class Slider:
    """The parts of the widget, and what moves them.

    ipywidgets keeps every widget of a process alive, and a widget its callbacks: so these hold what
    is shown weakly. `show` gives, for a place counted from 1, a sentence and a page in HTML.
    """

    def __init__(
        self,
        show: WeakMethod[Any],
        again: WeakMethod[Any],
        older: WeakMethod[Any],
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
        self.again.on_click(lambda _: self._call(again))
        self.older.on_click(lambda _: self._call(older))
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
        shown = self._call(self._show, self.place)
        if shown:
            self.told.value = _told(shown[0])
            self.shown.value = _FIT + shown[1]
            self.previous.disabled = self.place == self.slider.min
            self.next.disabled = self.place == self.slider.max

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

    def _call(self, method: WeakMethod[Any], *given: int) -> Any:
        """What cannot be read is told where the sentence stands: nobody sees a callback's error."""
        alive = method()
        if alive is None:
            self.told.value = _told(
                "this time machine was let go, expected one that a name holds: "
                "machine = time_machine(graph, config)"
            )
            return None
        try:
            return alive(*given)
        except (ValueError, TimeoutError, RuntimeError) as error:
            self.told.value = _told(str(error))
            return None


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
