"""A written notebook as the checks read it: its cells, its links, its pictures, its calls."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_MARKDOWN_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^)\s>]*)>?[^)]*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_DATA_URI = re.compile(r"data:([a-z0-9+.\-/]+)?[^,\"'\s]*?(;base64)?,([^\"'\s)>]*)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Image:
    """A picture as a page names it: its alternative text and where it comes from."""

    alt: str
    source: str


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook; `position` counts all cells from 1, as a reader does."""

    position: int
    kind: str
    source: str
    outputs: tuple[dict[str, Any], ...]
    count: int | None
    tags: tuple[str, ...]

    def __str__(self) -> str:
        first = self.source.strip().split("\n")[0]
        return f"cell {self.position} ({first[:50]!r})"

    @property
    def is_code(self) -> bool:
        """Whether this is a code cell."""
        return self.kind == "code"

    def prose(self) -> str:
        """A markdown cell's text without code; nothing for a code cell."""
        return "" if self.is_code else without_code(self.source)

    def html(self) -> str:
        """All HTML that a page gets from this cell: written in markdown, or put out."""
        shown = [str(_joined(mimes.get("text/html", ""))) for mimes in self.mimes()]
        return "\n".join([self.prose(), *shown])

    def mimes(self) -> Iterator[dict[str, Any]]:
        """The data of each displayed output, by type."""
        for output in self.outputs:
            if "data" in output:
                yield output["data"]

    def texts(self) -> Iterator[str]:
        """Every text that the outputs hold, pictures within them decoded."""
        for output in self.outputs:
            for field in ("text", "ename", "evalue", "traceback"):
                yield _joined(output.get(field, ""))
            for value in output.get("data", {}).values():
                yield from opened(_joined(value))


@dataclass(frozen=True)
class Notebook:
    """A notebook read from its file."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def number(self) -> str:
        """The lesson's two digits."""
        return self.path.stem[:2]

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells."""
        return tuple(cell for cell in self.cells if cell.is_code)


def read(path: Path) -> Notebook:
    """Read a notebook file."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Notebook(path, tuple(_cell(n, cell) for n, cell in enumerate(raw["cells"], 1)))


def _cell(position: int, raw: dict[str, Any]) -> Cell:
    return Cell(
        position,
        raw["cell_type"],
        _joined(raw["source"]),
        tuple(raw.get("outputs", ())),
        raw.get("execution_count"),
        tuple(raw.get("metadata", {}).get("tags", ())),
    )


def _joined(text: Any) -> str:
    """A notebook's text, which is stored as one string or as a list of lines."""
    return "".join(text) if isinstance(text, list) else text if isinstance(text, str) else str(text)


def opened(text: str) -> Iterator[str]:
    """A text without its data URIs, then what each of those holds, decoded where it is text.

    >>> list(opened("<img src='data:image/svg+xml;base64,PHN2Zy8+'>"))
    ["<img src='data:'>", '<svg/>']
    """
    yield _DATA_URI.sub("data:", text)
    for kind, packed, body in _DATA_URI.findall(text):
        if packed and (kind.startswith("text/") or "xml" in kind or "json" in kind):
            yield base64.b64decode(body).decode("utf-8", errors="replace")


def without_code(markdown: str) -> str:
    """Markdown without its fenced code and its code spans.

    >>> without_code("a `[x](y)` b")
    'a  b'
    """
    return _CODE_SPAN.sub("", _FENCE.sub("", markdown))


def headings(markdown: str) -> list[tuple[int, str]]:
    """The headings of a markdown text as (level, words).

    >>> headings("# One\\n```\\n# no\\n```\\n## Two `x`")
    [(1, 'One'), (2, 'Two `x`')]
    """
    return [(len(marks), words) for marks, words in _HEADING.findall(_FENCE.sub("", markdown))]


def images(cell: Cell) -> list[Image]:
    """Every picture of a cell, in markdown or in HTML."""
    found = [Image(alt, where) for mark, alt, where in _MARKDOWN_LINK.findall(cell.prose()) if mark]
    return found + [
        Image(attributes.get("alt", ""), attributes.get("src", ""))
        for attributes in elements(cell.html(), "img")
    ]


def links(markdown: str, html: str = "") -> list[str]:
    """Where every link and picture of a text leads, data URIs left out."""
    prose = without_code(markdown)
    where = [target for _, _, target in _MARKDOWN_LINK.findall(prose)] + _REFERENCE.findall(prose)
    # a picture may stand inside a link
    where += [target for _, words, _ in _MARKDOWN_LINK.findall(prose) for target in links(words)]
    page = f"{prose}\n{html}"
    where += [attributes.get("href", "") for attributes in elements(page, "a")]
    where += [attributes.get("src", "") for attributes in elements(page, "img")]
    return [target for target in where if not target.startswith("data:")]


def elements(html: str, tag: str) -> list[dict[str, str]]:
    """The attributes of every element of one kind.

    >>> elements('<p><img alt="a" src="b"></p>', "img")
    [{'alt': 'a', 'src': 'b'}]
    """
    found: list[dict[str, str]] = []

    class Finder(HTMLParser):
        def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
            if name == tag:
                found.append({key: value or "" for key, value in attributes})

    Finder().feed(html)
    return found


def calls(notebook: Notebook, *functions: str) -> list[tuple[Cell, str, str]]:
    """Each text handed to a call of one of these functions: (cell, function, text)."""
    found: list[tuple[Cell, str, str]] = []
    for cell in notebook.code:
        for node in ast.walk(_parsed(cell)):
            if isinstance(node, ast.Call) and (name := _called(node)) in functions:
                found += [(cell, name, text) for text in _constant_texts(node)]
    return found


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constant_texts(call: ast.Call) -> list[str]:
    return [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _parsed(cell: Cell) -> ast.Module:
    """A cell's syntax tree; lines for the notebook itself (``%xdel n``) are left out."""
    lines = ["" if line.startswith(("%", "!")) else line for line in cell.source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:  # shown on purpose
        return ast.Module([], [])
