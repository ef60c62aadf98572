"""The look of every table, card and widget of the course: two colours beside grey.

Blue stands for what lives or was kept, vermilion for what is lost or dangerous; both are told
apart by any eye, and a word or a shape always says the same thing again. They follow the theme of
the page; `ink` has the colours of what is drawn.
"""

from __future__ import annotations

from html import escape

DARKER = "var(--jp-shadow-base-lightness, 0)"
"""0 in JupyterLab's light theme and on other pages, 32 in its dark themes: a number to reckon with.

A `<style>` of ours would be dropped in a notebook that is not trusted, and no variable of a theme
is a colour that reads as text on both papers.
"""
BLUE = f"hsl(201 100% calc(35% + {DARKER} * 1%))"
VERMILION = f"hsl(26 100% calc(33% + {DARKER} * 1%))"

INK = "var(--jp-ui-font-color1, #1F2428)"
GREY = "var(--jp-ui-font-color2, #5F676E)"
PALE = "#8B939A"
LINE = "var(--jp-border-color2, #D5D9DD)"
PAPER = "var(--jp-layout-color1, #FDFDFC)"
WASH = "var(--jp-layout-color2, #E3EEF5)"

CODE_FONT = "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', Consolas, monospace"
TEXT_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
CODE_SIZE = 14
"""Pixels; no code in a picture is drawn smaller than 13."""
NOTE_SIZE = 13

CODE_WIDTH = 8.5
"""Pixels one character of the code font takes at `CODE_SIZE` (0.602 em in most of them)."""
TEXT_WIDTH = 7.3
"""Pixels one character of the text font takes at `NOTE_SIZE`, on the generous side."""

_GONE = ".jp-Notebook-ExecutionIndicator[data-status=unknown]"
# What ipywidgets leaves out. A slider's handle gets its name. And nothing tells a widget of a
# kernel that was shut down: the notebook's toolbar knows until another is started (on a phone it
# stands elsewhere on the page, and counts if no notebook there has a kernel); then a click fails.
LIVE = (
    """<style onload="
for (const slider of this.closest('.rc-live').querySelectorAll('.widget-slider'))
  slider.querySelector('[role=slider]').setAttribute(
    'aria-label', slider.querySelector('label').textContent);
window.onerror ??= said => String(said).includes('Cannot send') &&
  document.activeElement.closest('.rc-live')?.classList.add('jupyter-widgets-disconnected')">
.rc-live.jupyter-widgets-disconnected::before, .jp-NotebookPanel:has(GONE) .rc-live::before,
body:has(GONE):not(:has(.jp-Notebook-ExecutionIndicator:not(GONE))) .rc-live::before {
  content: "The kernel that ran this is gone, so nothing here answers: run this cell again.";
  font: 13px/1.5 FONT; color: COLOUR; height: auto; width: auto; padding: 0; background: none}
.rc-live .jupyter-widgets-disconnected::before {content: none; padding: 0}
</style>""".replace("GONE", _GONE)
    .replace("COLOUR", VERMILION)
    .replace("FONT", TEXT_FONT)
)
"""For a widget whose box has the class `rc-live`: it says so when its kernel has ended."""

STATIC = (
    '<p style="margin:.3em 0"><small>Run this cell to move through it: a stored page shows it '
    "standing still.</small></p>"
)
"""Below the stored form of a widget."""


def card(content: str, extra: str = "") -> str:
    """A card in the colours of the page's theme, around HTML."""
    style = (
        f"background:{PAPER};color:{INK};border:1px solid {LINE};border-radius:8px;"
        f"padding:10px 14px;margin:0 0 8px;font-family:{TEXT_FONT};font-size:14px;line-height:1.5;"
        f"{extra}"
    )
    return f'<div style="{style}">{content}</div>'


def status(content: str) -> str:
    """A card around HTML that a screen reader reads out when it changes."""
    return f'<div role="status" aria-live="polite">{card(content)}</div>'


def code(text: str) -> str:
    """Text in the code font, escaped.

    >>> "a &lt; b" in code("a < b")
    True
    """
    font = f"font-family:{CODE_FONT};font-size:{CODE_SIZE}px"
    style = f"{font};background:none;padding:0;color:{INK}"
    return f'<code style="{style}">{escape(text)}</code>'


def said_of(value: object) -> str:
    """The `repr` of a value; of one whose class cannot say it, the class.

    >>> said_of([1])
    '[1]'
    """
    try:
        return repr(value)
    except Exception:  # the reader's own code
        return f"<{type(value).__name__}, whose repr fails>"


def shorten(text: str, limit: int) -> str:
    """The text on one line, cut to `limit` characters with an ellipsis.

    >>> shorten("a long story", 7)
    'a long…'
    """
    if len(text) <= limit and "\n" not in text:
        return text
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"
