"""A slider over the pages of something: buttons beside it, a sentence and a page below it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from weakref import WeakMethod

import ipywidgets as widgets

from . import style

Page = tuple[str, str]
"""A sentence and what stands below it, both as HTML."""


class Slider:
    """The parts of the widget, and what moves them.

    `show` gives the page of a place, counted from 1. `css` is the class by which a test or a style
    finds it. What a page raises is told where its sentence stands: nobody sees a callback's error.
    """

    def __init__(
        self, show: Callable[[int], Page], *, noun: str, count: int, at: int = 1, css: str
    ) -> None:
        self._show = show
        # A widget's own box would grow with the picture, and the page with it, not scroll it; and
        # what is below a sentence should stay where it is when the next one is shorter.
        self._fit = (
            f"{style.LIVE}<style>.{css} .widget-html-content {{min-width: 0}}"
            f".{css} [role=status] > div {{min-height: 3em}}</style>"
        )
        self.slider = widgets.IntSlider(
            value=at,
            min=1,
            max=count,
            description=noun,
            tooltip=f"Choose a {noun.lower()}: arrow keys move it",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="min(420px, 95%)"),
        )
        self.slider.add_class(f"{css}-slider")
        back, on = f"Go to the {noun.lower()} before", f"Go to the {noun.lower()} after"
        self.previous = self._button("◀ previous", back, "rc-previous", lambda: self._move(-1))
        self.next = self._button("next ▶", on, "rc-next", lambda: self._move(1))
        self.told, self.shown = widgets.HTML(), widgets.HTML()
        self.row = widgets.HBox([self.previous, self.next, self.slider])
        self.row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([self.row, self.told, self.shown])
        self.box.add_class(css)
        self.box.add_class("rc-live")
        self.slider.observe(self.turn, names="value")
        self.turn()

    def add(self, words: str, hint: str, css: str, press: Callable[[], object]) -> widgets.Button:
        """Put a button at the end of the row; an error of what it does is told as a sentence."""
        made = self._button(words, hint, css, press)
        self.row.children = (*self.row.children, made)
        return made

    def _button(
        self, words: str, hint: str, css: str, press: Callable[[], object]
    ) -> widgets.Button:
        made = widgets.Button(description=words, tooltip=hint)
        made.layout.width = "auto"
        made.add_class(css)
        made.on_click(lambda _: self._call(press))
        return made

    @property
    def place(self) -> int:
        """Where the slider is, counted from 1."""
        return int(self.slider.value)

    def _move(self, by: int) -> None:
        self.slider.value += by

    def turn(self, _: object = None) -> None:
        """Show the page that the slider is at."""
        page = self._call(lambda: self._show(self.place))
        if page:
            self.told.value, self.shown.value = style.status(page[0]), self._fit + page[1]
            self.previous.disabled = self.place == self.slider.min
            self.next.disabled = self.place == self.slider.max

    def renew(self, count: int, at: int) -> None:
        """There are other pages now: go to one of them."""
        stays = self.slider.value == at
        if count != self.slider.max:
            self.slider.max = count
            # On the page the End key would still go to where it ended before: have it drawn anew.
            parts = self.row.children
            self.row.children = [part for part in parts if part is not self.slider]
            self.row.children = parts
        self.slider.value = at
        if stays:
            self.turn()

    def _call(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (ValueError, TimeoutError, RuntimeError, ReferenceError) as error:
            self.told.value = style.status(escape(str(error)))
            return None


def weakly(method: Callable[..., Any], gone: str) -> Callable[..., Any]:
    """A method that keeps its object alive no longer; when that is gone, ReferenceError says so.

    ipywidgets keeps every widget of a process alive, and a widget its callbacks.
    """
    held = WeakMethod(method)

    def call(*given: Any) -> Any:
        alive = held()
        if alive is None:
            raise ReferenceError(gone)
        return alive(*given)

    return call
