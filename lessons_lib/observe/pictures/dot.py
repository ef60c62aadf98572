"""Graphs that others wrote, in the course's own look: DOT text, and objgraph's graphs.

objgraph writes DOT with memory addresses in it. Both are read into a `Diagram`, where addresses
are dropped, so that the same graph gives the same picture in every process.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

from . import style
from .diagram import MAX_ARROWS, MAX_BOXES, Arrow, Box, Diagram
from .drawing import Picture, draw

_STRING = r'"(?:[^"\\]|\\.)*"'
_ID = rf"(?:{_STRING}|[\w.]+)"
_EDGE = re.compile(rf"^\s*({_ID}(?:\s*(?:->|--)\s*{_ID})+)\s*(\[.*\])?\s*;?\s*$")
_NODE = re.compile(rf"^\s*({_ID})\s*(\[.*\])?\s*;?\s*$")
_OPTION = re.compile(rf"(\w+)\s*=\s*({_STRING}|[^,\];\s]+)")
_SETTING = re.compile(r"^\s*\w+\s*=\s*\S+\s*;?\s*$")
_ADDRESS = re.compile(r" (?:at|object at) 0x[0-9a-fA-F]+")
_CELL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?[/\\](?:[^\s/\\:]+[/\\])+(?=[^\s/\\]+)")
_KEYWORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}


def from_dot(dot: str, alt: str, text: str = "") -> Picture:
    """Draw a directed graph given as DOT text, at most thirty nodes and sixty arrows of it.

    Labels, dashed and dotted styles and `rankdir` are kept; colours and shapes are the course's.
    A text without a node raises ValueError.

    >>> from_dot('digraph { a -> b [label="next"] }', alt="a leads to b").svg.count(">next<")
    1
    """
    return draw(read_dot(dot), alt, text)


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
    lines = io.StringIO()
    asked = objects if isinstance(objects, list) else list(objects)  # objgraph ignores this list
    show(asked, output=lines, **options)
    return draw(read_dot(lines.getvalue()), alt)


def read_dot(dot: str) -> Diagram:
    """Read the nodes, edges and labels of DOT text into a diagram."""
    nodes: dict[str, dict[str, str]] = {}
    arrows: list[Arrow] = []
    for statement in _statements(dot):
        if edge := _EDGE.match(statement):
            arrows += _edges(edge[1], _options(edge[2]))
            for arrow in arrows[-statement.count("->") - statement.count("--") :]:
                nodes.setdefault(arrow.tail, {})
                nodes.setdefault(arrow.head, {})
        elif (node := _NODE.match(statement)) and node[1] not in _KEYWORDS:
            nodes.setdefault(_plain(node[1]), {}).update(_options(node[2]))
    if not nodes:
        raise ValueError(f"no node found in {style.shorten(dot, 40)!r}, expected DOT text")
    boxes = tuple(_box(name, options) for name, options in nodes.items())
    down = re.search(r"rankdir\s*=\s*\"?TB", dot)
    return _merged(Diagram(boxes, tuple(arrows), direction="TB" if down else "LR"))


def _statements(dot: str) -> Iterable[str]:
    """One statement at a time: comments, braces and settings of the whole graph dropped."""
    bare = re.sub(rf"({_STRING})|/\*.*?\*/|//[^\n]*", lambda m: m[1] or "", dot, flags=re.S)
    parts = re.findall(rf"(?:{_STRING}|\[(?:{_STRING}|[^\]])*\]|[^;{{}}\n\"\[])+", bare)
    for part in parts:
        words = part.split()
        if words and words[0].lower() not in _KEYWORDS and not _SETTING.match(part):
            yield re.sub(r"^\s*node\s*\[.*?\]", "", part, flags=re.S)


def _plain(name: str) -> str:
    return name[1:-1].replace('\\"', '"') if name.startswith('"') else name


def _options(text: str | None) -> dict[str, str]:
    return {key: _plain(value) for key, value in _OPTION.findall(text or "")}


def _edges(chain: str, options: dict[str, str]) -> list[Arrow]:
    names = [_plain(name) for name in re.findall(_ID, chain)]
    label = " ".join(_lines(options.get("label", "")))
    look = options.get("style", "")
    kind = {"dashed": "dashed", "dotted": "dotted"}.get(look, "solid")
    return [
        Arrow(tail, head, style.shorten(label, 24), kind)  # type: ignore[arg-type]
        for tail, head in pairwise(names)
    ]


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


def _merged(diagram: Diagram) -> Diagram:
    """Arrows of the same ends and label drawn once; what is first in the text stays first."""
    unique = tuple(dict.fromkeys(diagram.arrows))
    if len(diagram.boxes) <= MAX_BOXES and len(unique) <= MAX_ARROWS:
        return replace(diagram, arrows=unique)
    return replace(diagram, arrows=unique, left_out="a part of a larger graph")
