"""objgraph's graphs in the course's own look, without a Graphviz on the machine.

objgraph writes DOT text, a statement a line, with memory addresses in it. Here it is read into a
`Diagram`, where they are dropped, so that the same graph gives the same picture in every process.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable

from . import style
from .diagram import MAX_ARROWS, MAX_BOXES, Arrow, Box, Diagram
from .drawing import Picture, draw

_STATEMENT = re.compile(r"\s*(\w+)(?:\s*->\s*(\w+))?\s*(\[.*\])?;")
_OPTION = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\]]+))')
_ADDRESS = re.compile(r" (?:at|object at) 0x[0-9a-fA-F]+")
_CELL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?[/\\](?:[^\s/\\:]+[/\\])+(?=[^\s/\\]+)")


def from_objgraph(
    show: Callable[..., object], objects: Iterable[object], alt: str, **options: object
) -> Picture:
    """Draw what one of objgraph's `show_…` functions shows, without a Graphviz on the machine.

    `options` go to objgraph: `max_depth`, `too_many`, `filter` … What exceeds thirty boxes or sixty
    arrows is counted below the picture, never drawn.

    >>> import objgraph
    >>> picture = from_objgraph(objgraph.show_refs, [["a", "b"]], alt="A list of two strings.")
    >>> "list" in picture.svg, "0x" in picture.svg
    (True, False)
    """
    written = io.StringIO()
    asked = objects if isinstance(objects, list) else list(objects)  # objgraph ignores this list
    show(asked, output=written, **options)
    return draw(read_graph(written.getvalue()), alt)


def read_graph(dot: str) -> Diagram:
    """Read the nodes, edges and labels that objgraph wrote; of arrows alike, one is drawn."""
    nodes: dict[str, dict[str, str]] = {}
    arrows: dict[Arrow, None] = {}
    for statement in filter(None, map(_STATEMENT.match, dot.split("\n")[1:])):
        tail, head, said = statement.groups()
        options = {key: quoted or plain for key, quoted, plain in _OPTION.findall(said or "")}
        if head:
            nodes.setdefault(tail, {})
            nodes.setdefault(head, {})
            label = style.shorten(" ".join(_lines(options.get("label", ""))), 24)
            kind = "dotted" if options.get("style") == "dotted" else "solid"
            arrows[Arrow(tail, head, label, kind)] = None  # type: ignore[arg-type]
        elif tail != "node":
            nodes.setdefault(tail, {}).update(options)
    boxes = tuple(_box(name, options) for name, options in nodes.items())
    large = len(boxes) > MAX_BOXES or len(arrows) > MAX_ARROWS
    return Diagram(boxes, tuple(arrows), left_out="a part of a larger graph" if large else "")


def _lines(label: str) -> list[str]:
    """The lines of a label without addresses, folders and process numbers."""
    parts = re.split(r"\\[nlr]", label)
    return [_stable(part.replace('\\"', '"').replace("\\\\", "\\")) for part in parts if part]


def _stable(text: str) -> str:
    """Text without what differs from process to process.

    >>> _stable("<Upload object at 0x7f2a>"), _stable("/home/ada/bot.py:12")
    ('<Upload>', 'bot.py:12')
    """
    text = _CELL_FILE.sub("cell", _ADDRESS.sub("", text))
    return _FOLDERS.sub("", text)


def _box(name: str, options: dict[str, str]) -> Box:
    lines = _lines(options.get("label", "")) or [_stable(name)]
    title = lines[0]
    says_no_more = re.compile(rf"<[\w.<>]*\b{re.escape(title)}>?")  # a repr cut short
    told = [line for line in lines[1:] if not says_no_more.fullmatch(line)]
    rest = tuple(style.shorten(line, 28) for line in told)
    wanted = options.get("fontcolor") == "red"  # how objgraph marks what was asked for
    kind = "pill" if name.startswith("too_many") or name.endswith("_has_a_del") else "object"
    return Box(
        name,
        style.shorten(title, 28),
        kind,  # type: ignore[arg-type]
        rest,
        state="kept" if wanted else "plain",
        note="asked for" if wanted else "",
    )
