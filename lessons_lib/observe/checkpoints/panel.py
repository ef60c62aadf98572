"""The widget of the time machine: a slider over the cards and tables of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from ..pictures import style

if TYPE_CHECKING:
    from .time_machine import TimeMachine

# A widget's own box would grow with the picture, and the page with it, instead of scrolling it.
_FIT = style.LIVE + "<style>.rc-machine .widget-html-content {min-width: 0}</style>"
_OFTEN = 0.2  # seconds between two words on how far it is


class Panel:
    """The parts of the widget, and what moves them."""

    def __init__(self, machine: TimeMachine) -> None:
        self.machine = machine
        self.slider = widgets.IntSlider(
            value=machine.begin(),
            min=1,
            max=len(machine),
            description="Checkpoint",
            tooltip="Choose a checkpoint: arrow keys move it",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="min(420px, 95%)"),
        )
        self.slider.add_class("rc-machine-slider")
        self.previous = _button("◀ previous", "Go to the checkpoint before", "rc-previous")
        self.next = _button("next ▶", "Go to the checkpoint after", "rc-next")
        self.again = _button("read again", "Look for checkpoints made meanwhile", "rc-again")
        self.whole = _button("whole tree", "Draw all branches of the thread", "rc-whole")
        self.told, self.shown, self.tree = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._connect()
        self.row = widgets.HBox([self.previous, self.next, self.slider, self.whole, self.again])
        self.row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([self.row, self.told, self.shown, self.tree])
        self.box.add_class("rc-machine")
        self.box.add_class("rc-live")
        self.turn()

    def _connect(self) -> None:
        self.slider.observe(self.turn, names="value")
        self.previous.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(1))
        self.again.on_click(self._safely(self._read_again))
        self.whole.on_click(self._safely(self._draw_whole))

    def _move(self, by: int) -> None:
        self.slider.value += by

    def turn(self, _: object = None) -> None:
        """Show the checkpoint that the slider is at."""
        self._safely(self._turn)()

    def _turn(self) -> None:
        place = self.slider.value
        self.told.value = _told(self.machine.sentence(place))
        self.shown.value = _FIT + self.machine.html(place)
        self.whole.layout.display = "none" if self.machine.is_small() else None
        self.previous.disabled = place == self.slider.min
        self.next.disabled = place == self.slider.max

    def renew(self) -> None:
        """The thread has other checkpoints now: go to the newest."""
        count = len(self.machine)
        self.tree.value = ""
        stays = self.slider.value == count == self.slider.max
        self._reach(count)
        self.slider.value = count
        if stays:
            self.turn()

    def _reach(self, count: int) -> None:
        """Let the slider go as far as the newest checkpoint."""
        self.slider.max = count
        # On the page the End key would still go to where it ended before: have it drawn anew.
        parts = self.row.children
        self.row.children = [part for part in parts if part is not self.slider]
        self.row.children = parts

    def _read_again(self) -> None:
        self.machine.read_again()
        self.renew()

    def _draw_whole(self) -> None:
        began = len(self.machine)
        focus = self.machine.ids[self.slider.value - 1]
        self.machine.read_whole(self._tell_often())
        if (now := len(self.machine)) != began:
            self._reach(now)
            self.slider.value = self.machine.ids.index(focus) + 1
        self.turn()
        self.tree.value = _FIT + self.machine.draw(focus, 30).html()

    def _tell_often(self) -> Callable[[str], None]:
        """Words on how far it is, in the place of the sentence, a few times a second."""
        last = monotonic()

        def tell(words: str) -> None:
            nonlocal last
            if monotonic() - last > _OFTEN:
                last = monotonic()
                self.told.value = _told(words)

        return tell

    def _safely(self, work: Callable[[], None]) -> Callable[..., None]:
        """What cannot be read is told where the sentence stands: nobody sees a callback's error."""

        def run(_: object = None) -> None:
            try:
                work()
            except (ValueError, TimeoutError, RuntimeError) as error:
                self.told.value = _told(str(error))

        return run


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
