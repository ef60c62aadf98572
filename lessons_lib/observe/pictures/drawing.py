"""From a diagram to a picture: stable SVG in an `<img>`, with words for those who cannot see it.

JupyterLab hides a bare SVG in a notebook that was not yet run or trusted; an image with the SVG
in its address shows everywhere, also in an exported page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from . import shapes, style
from .diagram import Diagram, bounded
from .layout import Layout, lay_out

_MEANS = {
    "dashed": "dashed: a weak reference, which keeps nothing alive",
    "dotted": "dotted: a reference that no line of the program shows",
}
_ALWAYS_FITS = 270
"""Pixels that JupyterLab on a phone has for a picture; a wider one may have to be scrolled."""
_BEFORE = 60
"""Pixels to be seen before the focus: it came from somewhere."""
# White paper becomes the dark theme's own, ink the light of its letters; each hue stays what it is.
_FOLLOWS_THEME = (
    f"filter:invert(calc({style.DARKER} * .0275)) hue-rotate(calc({style.DARKER} * 5.625deg))"
)


@dataclass(frozen=True)
class Picture:
    """An SVG picture with its alternative text, and the text a terminal shows instead.

    >>> from lessons_lib.observe import Box
    >>> print(draw(Diagram((Box("a", "list"),)), alt="A list.", text="one list"))
    one list
    """

    svg: str
    alt: str
    text: str = ""
    focus: int = 0
    """Pixels from the left to where one should look first, if the page is too narrow for all."""

    def __str__(self) -> str:
        return self.text or self.alt

    def __repr__(self) -> str:
        return f"Picture(alt={self.alt!r})"

    def html(self) -> str:
        """An image that shrinks a little on a narrow page, then scrolls rather than blurs.

        It is scrolled to its focus at first, in browsers that know how to (Chromium since 133),
        and by the arrow keys once it is focused.
        """
        source = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        width = _width(self.svg)
        least = round(width * 13 / 14)
        look = f"width:{width}px;max-width:100%;min-width:{least}px;height:auto;{_FOLLOWS_THEME}"
        image = (
            f'<img alt="{escape(self.alt)}" '
            f'style="{look}" src="data:image/svg+xml;base64,{source}">'
        )
        place = f"position:absolute;top:0;left:{self.focus}px;scroll-initial-target:nearest"
        mark = f'<span style="{place}"></span>' if self.focus else ""
        by_keys = ' tabindex="0"' if width > _ALWAYS_FITS else ""
        box = "overflow-x:auto;position:relative;margin:0 0 8px"
        return f'<div style="{box}"{by_keys}>{image}{mark}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}


def draw(
    diagram: Diagram, alt: str, text: str = "", layout: Layout | None = None, see: str = ""
) -> Picture:
    """Draw a diagram, on the places of `layout` when one is given (it may hold more boxes).

    At most thirty boxes and sixty arrows are drawn; what was left out is said below the picture.
    `see` is the id of the box that a narrow page scrolls to.
    The alternative text must say what to see; without one, ValueError.

    >>> from lessons_lib.observe import Arrow, Box
    >>> picture = draw(
    ...     Diagram((Box("a", "a", "name"), Box("o", "Upload", badge="1")), (Arrow("a", "o"),)),
    ...     alt="The name a leads to an Upload.",
    ... )
    >>> picture.svg.count("<rect") > 2
    True
    """
    if not alt.strip():
        raise ValueError("alt is empty, expected a sentence that says what to see: write one")
    drawn = bounded(diagram)
    if not drawn.boxes:
        nothing = shapes.text(20, 32, "nothing to draw", "n g")
        return Picture(_svg([nothing], Layout({}, {}, {}, 150, 50), [], alt), alt, text)
    places = layout or lay_out(drawn)
    lines = [(arrow, places.line(arrow)) for arrow in drawn.arrows]
    parts = [shapes.draw_frame(frame, places.frames[frame.id]) for frame in drawn.frames]
    parts += [shapes.draw_arrow(arrow, line) for arrow, line in lines]
    # After every line, so that none runs through a word.
    parts += [shapes.draw_label(arrow, line) for arrow, line in lines]
    parts += [shapes.draw_box(box, places.boxes[box.id]) for box in drawn.boxes]
    notes = [note for note in (drawn.left_out, _legend(drawn)) if note]
    return Picture(_svg(parts, places, notes, alt), alt, text, _focus(places, see))


def _legend(diagram: Diagram) -> str:
    """What the arrows mean that are not solid; empty where all are."""
    drawn = {arrow.style for arrow in diagram.arrows}
    return "; ".join(words for look, words in _MEANS.items() if look in drawn)


def _focus(places: Layout, box: str) -> int:
    """Where to look for a box, in pixels; 0 when any page shows it, or it was not drawn."""
    left, _, width, _ = places.boxes.get(box, (0, 0, 0, 0))
    return max(0, round(left) - _BEFORE) if left + width > _ALWAYS_FITS else 0


def _svg(parts: list[str], places: Layout, notes: list[str], alt: str) -> str:
    longest = max(map(len, notes), default=0)
    width = round(max(places.width, longest * style.TEXT_WIDTH + 40))
    height = round(places.height + (5 + 19 * len(notes) if notes else 0))
    foot = "".join(
        shapes.text(20, height - 16 - 19 * above, note, "n g")
        for above, note in enumerate(reversed(notes))
    )
    back = shapes.paper(width, height)
    return shapes.svg(width, height, alt, [shapes.STYLES, shapes.HATCH, back, *parts, foot])


def _width(svg: str) -> int:
    return int(svg.split('width="', 1)[1].split('"', 1)[0])
