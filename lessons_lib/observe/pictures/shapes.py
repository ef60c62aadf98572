"""The shapes of the course's pictures as SVG: one function for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import dist

from . import ink, style
from .diagram import Arrow, Box, Frame
from .layout import Line, Place, Point

_PENS = {
    "solid": (ink.INK, 1.6, ""),
    "dashed": (ink.INK, 1.6, ' stroke-dasharray="7 5"'),
    "dotted": (ink.GREY, 2.2, ' stroke-dasharray="1.5 5" stroke-linecap="round"'),
}
"""The colour, the width and the dashes of an arrow."""

HATCH = (
    '<defs><pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="9" height="9" fill="#FFFFFF"/>'
    '<rect width="2.4" height="9" fill="#C3C9CE"/></pattern></defs>'
)
STYLES = (
    f"<style>text{{font-family:{style.CODE_FONT};font-size:{style.CODE_SIZE}px;"
    f"fill:{ink.INK}}}.t{{font-weight:700}}.g{{fill:{ink.GREY}}}"
    f".n{{font-family:{style.TEXT_FONT};font-size:{style.NOTE_SIZE}px}}"
    f".h{{paint-order:stroke;stroke:{ink.PAPER};stroke-width:5px;stroke-linejoin:round}}"
    ".m{text-anchor:middle}</style>"
)


_NOT_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32)], "\N{REPLACEMENT CHARACTER}")
"""Control characters that no XML may hold, not even escaped."""


def text(x: float, y: float, words: str, classes: str = "", more: str = "") -> str:
    """A line of text whose base line starts (or, with class m, has its middle) at x, y."""
    attribute = f' class="{classes}"' if classes else ""
    shown = escape(words.translate(_NOT_IN_XML))
    return f'<text x="{x:.1f}" y="{y:.1f}"{attribute}{more}>{shown}</text>'


def rect(place: Place, radius: float, fill: str, stroke: str, width: float, more: str = "") -> str:
    """A rectangle with rounded corners."""
    x, y, w, h = place
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{width}"{more}/>'
    )


def path(d: str, fill: str, stroke: str, width: float, more: str = "") -> str:
    """Any outline, given as SVG path data."""
    return f'<path d="{d}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"{more}/>'


def paper(width: int, height: int) -> str:
    """The light card on which a picture stands."""
    return rect((0.5, 0.5, width - 1, height - 1), 10, ink.PAPER, ink.LINE, 1)


def svg(width: int, height: int, alt: str, parts: Iterable[str]) -> str:
    """The whole picture, with what a screen reader says of it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}">'
        f"{''.join(parts)}</svg>"
    )


def draw_box(box: Box, place: Place) -> str:
    """A box in its kind's shape, with its badge and the note below it."""
    body = _KINDS[box.kind](box, place)
    return f"<g>{body}{_badge(box, place)}{_note(box, place)}</g>"


def _stroke(box: Box, plain: str) -> str:
    """Two colours beside the plain one: what was kept, and what is lost in one way or another."""
    return {"plain": plain, "kept": ink.BLUE}.get(box.state, ink.VERMILION)


def _look(box: Box) -> tuple[str, str, float]:
    """What fills the outline of a box, the colour of the outline and its width."""
    fill = {"garbage": "url(#hatch)", "died": "none"}.get(box.state, ink.WHITE)
    return fill, _stroke(box, ink.INK), 1.4 if box.state in ("plain", "died") else 2.4


def _lines(box: Box, left: float, top: float, gap: float = 0) -> str:
    """The title in bold and, after a gap, the lines below it, 20 pixels apart."""
    halo = " h" if box.state == "garbage" else ""
    faint = " g" if box.state == "died" else ""
    parts = [text(left, top + 15, box.title, f"t{halo}{faint}")]
    parts += [
        text(left, top + gap + 35 + 20 * i, line, f"g{halo}") for i, line in enumerate(box.lines)
    ]
    return "".join(parts)


def _name(box: Box, place: Place) -> str:
    x, y, _, _ = place
    fill = "none" if box.state == "died" else ink.WASH
    value = f'<tspan class="g"> = {escape(box.lines[0])}</tspan>' if box.lines else ""
    label = f'<text x="{x + 10:.1f}" y="{y + 20:.1f}">{escape(box.title)}{value}</text>'
    return rect(place, 5, fill, _stroke(box, ink.LINE), 1) + label


def _object(box: Box, place: Place) -> str:
    return rect(place, 7, *_look(box)) + _lines(box, place[0] + 15, place[1] + 8)


def _pill(box: Box, place: Place) -> str:
    texts = (box.title, *box.lines)
    top = place[1] + (place[3] - 20 * len(texts)) / 2 + 15
    radius = min(place[3] / 2, 20)
    return rect(place, radius, ink.WASH, _stroke(box, ink.GREY), 1.2) + "".join(
        text(place[0] + 17, top + 20 * i, line, "g" if i else "") for i, line in enumerate(texts)
    )


def _checkpoint(box: Box, place: Place) -> str:
    x, y, w, h = place
    fill, stroke, width = _look(box)
    back = rect((x + 5, y + 5, w, h), 4, ink.WHITE, ink.PALE, 1)
    # An outline alone would let the card at the back shine through.
    front = rect(place, 4, ink.WHITE if fill == "none" else fill, stroke, width)
    band = path(f"M{x:.1f} {y + 30:.1f}h{w:.1f}", "none", stroke, 1) if box.lines else ""
    return back + front + band + _lines(box, x + 15, y + 7, 7)


def _item(box: Box, place: Place) -> str:
    x, y, _, _ = place
    fill, stroke, width = _look(box)
    hole = (
        f'<circle cx="{x + 18:.1f}" cy="{y + 19:.1f}" r="5.5" fill="{ink.PAPER}" '
        f'stroke="{stroke}" stroke-width="1.4"/>'
    )
    return rect(place, 12, fill, stroke, width) + hole + _lines(box, x + 34, y + 8)


def _cylinder(box: Box, place: Place) -> str:
    x, y, w, h = place
    fill, stroke, width = _look(box)
    r, half = 9, w / 2
    outline = (
        f"M{x:.1f} {y + r:.1f}a{half:.1f} {r} 0 0 1 {w:.1f} 0v{h - 2 * r:.1f}"
        f"a{half:.1f} {r} 0 0 1 {-w:.1f} 0z"
    )
    lid = path(f"M{x:.1f} {y + r:.1f}a{half:.1f} {r} 0 0 0 {w:.1f} 0", "none", stroke, 1.2)
    return path(outline, fill, stroke, width) + lid + _lines(box, x + 15, y + 2 * r + 4)


def _plain_note(box: Box, place: Place) -> str:
    x, y = place[0] + 4, place[1]
    return "".join(
        text(x, y + 18 + 20 * i, line, "n g") for i, line in enumerate((box.title, *box.lines))
    )


_KINDS = {
    "name": _name,
    "object": _object,
    "pill": _pill,
    "checkpoint": _checkpoint,
    "item": _item,
    "cylinder": _cylinder,
    "note": _plain_note,
}


def _badge(box: Box, place: Place) -> str:
    """The number of references drawn to a box, on its upper right corner."""
    if not box.badge:
        return ""
    x, y, w, _ = place
    wide = max(22.0, 9.0 * len(box.badge) + 8)
    colour = ink.VERMILION_TEXT if box.state in ("garbage", "lost", "died") else ink.BLUE
    pill = rect((x + w - wide / 2 - 3, y - 11, wide, 22), 11, colour, ink.PAPER, 2)
    label = text(x + w - 3, y + 5, box.badge, "m n", ' font-weight="700" style="fill:#FFFFFF"')
    return pill + label


def _note(box: Box, place: Place) -> str:
    words = box.note or box.state
    if words == "plain":
        return ""
    x, y, w, h = place
    colour = {"plain": ink.GREY, "kept": ink.BLUE}.get(box.state, ink.VERMILION_TEXT)
    more = f' font-style="italic" style="fill:{colour}"'
    below = 22 if box.kind == "checkpoint" else 17
    return text(x + w / 2, y + h + below, words, "m n h", more)


def draw_arrow(arrow: Arrow, line: Line) -> str:
    """The line of an arrow and its head."""
    colour, width, dashes = _PENS[arrow.style]
    if arrow.state == "kept":
        colour, width = ink.BLUE, 2.4
    tip, back, left, right = _head(line.points)
    points = (*line.points[:-1], back)
    d = f"M{_at(points[0])}C" + " ".join(_at(p) for p in points[1:])
    head = path(f"M{_at(tip)}L{_at(left)}L{_at(right)}z", colour, colour, 1)
    return path(d, "none", colour, width, dashes) + head


def draw_label(arrow: Arrow, line: Line) -> str:
    """The label of an arrow, drawn after all lines so that none crosses it."""
    if not (arrow.label and line.label):
        return ""
    x, y = line.label
    return text(x, y - 2, arrow.label, "m h g")


def _at(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _head(points: tuple[Point, ...]) -> tuple[Point, Point, Point, Point]:
    """The tip of an arrow, the middle of its head's base, and the base's two ends."""
    tip = points[-1]
    # A straight line repeats its end as a control point: that says nothing of where it came from.
    x, y = next((p for p in reversed(points) if dist(p, tip) > 1), (tip[0] - 1, tip[1]))
    away = dist((x, y), tip)
    ux, uy = (tip[0] - x) / away, (tip[1] - y) / away
    back = tip[0] - ux * 10, tip[1] - uy * 10
    left = back[0] - uy * 4.5, back[1] + ux * 4.5
    right = back[0] + uy * 4.5, back[1] - ux * 4.5
    return tip, back, left, right


def draw_frame(frame: Frame, place: Place) -> str:
    """The frame of a process; a killed one is cracked through at the top and the bottom."""
    x, y, w, h = place
    colour = ink.VERMILION if frame.broken else ink.PALE
    dashes = ' stroke-dasharray="26 7"' if frame.broken else ""
    outline = rect(place, 9, "none", colour, 1.8, dashes)
    cracks = _crack(x + w * 0.72, y) + _crack(x + w * 0.4, y + h) if frame.broken else ""
    title = text(x + 14, y + 23, frame.title, "n", ' font-weight="700"')
    return outline + cracks + title


def _crack(x: float, y: float) -> str:
    """A gap in a horizontal line at x, y, with two torn ends."""
    # Painted over the line in the colour of the paper: a dash of its own would differ by width.
    gap = path(f"M{x - 9:.1f} {y:.1f}h18", "none", ink.PAPER, 8)
    torn = f"M{x - 13:.1f} {y - 9:.1f}l6 6l-5 5l6 7M{x + 7:.1f} {y - 9:.1f}l6 6l-5 5l6 7"
    return gap + path(torn, "none", ink.VERMILION, 1.8)
