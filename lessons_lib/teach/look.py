"""How the teaching floor looks: a little Markdown to HTML or plain text, and a calm panel.

Text keeps the colour of the notebook's theme; colour only marks the edge and the symbol, and the
word beside the symbol says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from lessons_lib.observe.pictures.style import PALE

RIGHT, WRONG = "✓", "✗"

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\*)\*(?!\s)([^*]+?)\*"), r"<em>\1</em>"),
)


@dataclass(frozen=True, repr=False)
class Told:
    """What is told: its HTML in a notebook, its text in a terminal."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def inline(text: str) -> str:
    """One run of text as HTML: code, bold and emphasis.

    >>> inline("`a < b` is *not* **it**")
    '<code>a &lt; b</code> is <em>not</em> <strong>it</strong>'
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick is a backtick
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join(
        f"<code>{escape(part)}</code>" if i % 2 else _marked(part) for i, part in enumerate(parts)
    )


def blocks(text: str) -> str:
    r"""Paragraphs and fenced code as HTML.

    >>> blocks("One.\n\n```python\nx = 1\n```")
    '<p style="margin:.3em 0">One.</p><pre style="...">x = 1</pre>'
    """
    parts = enumerate(_FENCE.split(text))
    return "".join(code(part) if i % 2 else _paragraphs(part) for i, part in parts)


def code(source: str) -> str:
    """Source as a block that scrolls sideways on a narrow screen."""
    style = "margin:.3em 0;padding:.4em .6em;white-space:pre;overflow-x:auto;border:1px solid "
    return f'<pre style="{style}{PALE}">{escape(source.rstrip())}</pre>'


def plain(text: str) -> str:
    """The same text for a terminal: bold and emphasis lose their stars, code keeps its ticks.

    >>> plain("`*args` is **not** it")
    '`*args` is not it'
    """
    parts = text.split("`")
    return "`".join(part if i % 2 else _unmarked(part) for i, part in enumerate(parts))


def untick(text: str) -> str:
    """The same text without any marks, for a button.

    >>> untick("at `clear()`")
    'at clear()'
    """
    return plain(text).replace("`", "")


def panel(html: str, *, colour: str = PALE, role: str = "", css: str = "rc-panel") -> str:
    """A block with a coloured edge; `role` is for screen readers."""
    live = f' role="{role}" aria-live="polite"' if role else ""
    style = f"border-left:4px solid {colour};padding:.2em .8em;margin:.3em 0;line-height:1.5"
    return f'<div class="{css}"{live} style="{style}">{html}</div>'


def mark(symbol: str, word: str, colour: str) -> str:
    """A symbol and a word that say the same; only the symbol has a colour."""
    sign = f'<span aria-hidden="true" style="color:{colour}">{symbol}</span>'
    return f"<strong>{sign} {escape(word)}</strong>"


def details(summary: str, html: str) -> str:
    """Something to be opened, by keyboard too, whether or not the notebook has been run."""
    return (
        '<details style="margin:.3em 0"><summary style="cursor:pointer">'
        f'{summary}</summary><div style="padding-left:1.1em">{html}</div></details>'
    )


def small(notes: Iterable[str]) -> str:
    """Sentences in small print, a paragraph each."""
    return "".join(f"<p><small>{inline(note)}</small></p>" for note in notes)


def _marked(text: str) -> str:
    html = escape(text, quote=False)
    for pattern, shown in _INLINE:
        html = pattern.sub(shown, html)
    return html


def _unmarked(text: str) -> str:
    for pattern, _ in _INLINE:
        text = pattern.sub(r"\1", text)
    return text


def _paragraphs(text: str) -> str:
    runs = [run.strip() for run in re.split(r"\n\s*\n", text)]
    return "".join(f'<p style="margin:.3em 0">{inline(run)}</p>' for run in runs if run)
