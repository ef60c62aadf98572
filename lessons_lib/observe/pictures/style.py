"""The look of every picture, table and widget of the course: two colours beside grey.

Blue stands for what lives or was kept, vermilion for what is lost or dangerous; both are told
apart by any eye, and a word or a shape always says the same thing again.
"""

from __future__ import annotations

from html import escape

BLUE = "#0072B2"
VERMILION = "#D55E00"
VERMILION_TEXT = "#A84A00"
"""The same hue, dark enough for small letters on paper."""

INK = "#1F2428"
GREY = "#5F676E"
PALE = "#8B939A"
LINE = "#D5D9DD"
WASH = "#EEF0F2"
PAPER = "#FDFDFC"
WHITE = "#FFFFFF"

CODE_FONT = "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', Consolas, monospace"
TEXT_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
CODE_SIZE = 14
"""Pixels; no code in a picture is drawn smaller than 13."""
NOTE_SIZE = 13

CODE_WIDTH = 8.5
"""Pixels one character of the code font takes at `CODE_SIZE` (0.602 em in most of them)."""
TEXT_WIDTH = 7.3
"""Pixels one character of the text font takes at `NOTE_SIZE`, on the generous side."""


def card(content: str, extra: str = "") -> str:
    """A light card that reads in the light and in the dark theme, around HTML."""
    style = (
        f"background:{PAPER};color:{INK};border:1px solid {LINE};border-radius:8px;"
        f"padding:10px 14px;font-family:{TEXT_FONT};font-size:14px;line-height:1.5;{extra}"
    )
    return f'<div style="{style}">{content}</div>'


def code(text: str) -> str:
    """Text in the code font, escaped.

    >>> "a &lt; b" in code("a < b")
    True
    """
    font = f"font-family:{CODE_FONT};font-size:{CODE_SIZE}px"
    # JupyterLab takes `inherit` out of notebooks it does not trust, and then its own colour counts.
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
