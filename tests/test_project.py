"""What must be true of the project as a whole: its files, its floors, what an import costs."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.notebooks.reading import headings, links
from tests.notebooks.rules import link_fault
from tests.project import ROOT, relative, tracked_files

LARGEST_FILE = 2_000_000  # bytes
LIBRARY = ROOT / "lessons_lib"
STANDARD_LIBRARY_ALONE = ("__init__.py", "__main__.py", "launch")

# A room imports from floors below it (a higher number), and within itself.
FLOORS = {
    "launch": 0,
    "site": 0,
    "lessons": 1,
    "teach": 2,
    "exam": 3,
    "memories": 4,
    "saver_exam": 5,
    "crash_lab": 5,
    "observe": 6,
    "database": 7,
}

# Within `observe` the same holds again; rooms beside each other do not know each other.
INSTRUMENTS = {
    "stepping": 0,
    "measuring": 0,
    "checkpoints": 0,
    "whereabouts": 0,
    "holding": 1,
    "pictures": 2,
}

# Built from parts, so that this file does not hold what it forbids.
_INDEX_WORDS = ["py" + "pi.org", "python" + "hosted", "py" + "pi.python"]
_INDEX_OPTIONS = re.compile(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", re.M)
_WORKPLACE = re.compile("|".join([r"(?<![\w.-])/wo" + r"rk/\w", r"\.lib" + r"rary\b"]))


def _texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _tell(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def _this_machines_index() -> set[str]:
    """The hosts that this machine itself takes packages from: none may slip into a file."""
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
    addresses = " ".join(os.environ.get(name, "") for name in names)
    for place in (
        Path("/etc/pip.conf"),
        Path.home() / ".config/pip/pip.conf",
        Path.home() / ".pip/pip.conf",
    ):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(place)
        for section in parser.sections():
            addresses += " ".join(["", *(value for _, value in parser.items(section))])
    hosts = {urlsplit(word).hostname or "" for word in addresses.split()}
    return {host for host in hosts if "." in host and not host.startswith("127.")}


def test_no_file_names_a_package_index() -> None:
    words = {*_INDEX_WORDS, *_this_machines_index()}
    found = [
        f"{relative(path)} names the package index: {word}"
        for path, text in _texts()
        for word in words
        if word in text
    ]
    _tell(found)


def test_no_lock_says_where_packages_come_from() -> None:
    locks = [(path, text) for path, text in _texts() if path.name == "requirements.txt"]
    assert locks
    _tell(
        [
            f"{relative(path)}: an index option"
            for path, text in locks
            if _INDEX_OPTIONS.search(text)
        ]
    )


def test_no_file_names_one_machines_folders() -> None:
    _tell(
        [
            f"{relative(path)}: {match.group()!r} is a place on one machine"
            for path, text in _texts()
            for match in [_WORKPLACE.search(text)]
            if match
        ]
    )


def test_no_file_is_large() -> None:
    _tell(
        [
            f"{relative(path)} has {path.stat().st_size:,} bytes, more than {LARGEST_FILE:,}"
            for path in tracked_files()
            if path.stat().st_size > LARGEST_FILE
        ]
    )


def test_lines_end_alike_on_every_machine() -> None:
    _tell(
        [
            f"{relative(path)} has CRLF line ends"
            for path, _ in _texts()
            if b"\r\n" in path.read_bytes()
        ]
    )


@pytest.mark.parametrize(
    "path", [path for path in tracked_files() if path.suffix == ".md"], ids=relative
)
def test_links_of_a_text_resolve(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    anchors = {_github_anchor(words) for _, words in headings(text)}
    faults = [(target, link_fault(target, path, anchors)) for target in links(text)]
    _tell([f"{relative(path)}: the link {target!r} {fault}" for target, fault in faults if fault])


def _github_anchor(words: str) -> str:
    """The id that a heading gets on the repository's page.

    >>> _github_anchor("Two commands, `pip` & you")
    'two-commands-pip--you'
    """
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")


# --- floors ----------------------------------------------------------------------------------


def _imports(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Every import of a module as (line, full name); relative ones made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            whole = ".".join([*base, node.module] if node.module else base)
            yield from ((node.lineno, f"{whole}.{alias.name}") for alias in node.names)


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def floor_faults(source: str, module: str) -> list[str]:
    """The imports of a module of the library that go up to a floor above its own."""
    room = module.split(".")[1]
    if room not in FLOORS:
        return []
    return [
        f"{module}, line {line}: imports {name}, a floor above"
        for line, name in _imports(ast.parse(source), module)
        if name.startswith("lessons_lib.")
        and FLOORS.get(name.split(".")[1], FLOORS[room]) < FLOORS[room]
    ]


def instrument_faults(source: str, module: str) -> list[str]:
    """The imports of an instrument that go to a room above its own, or beside it."""
    room = module.split(".")[2]
    if room not in INSTRUMENTS:
        return []
    reached = (
        (line, name, name.split(".")[2])
        for line, name in _imports(ast.parse(source), module)
        if name.startswith("lessons_lib.observe.")
    )
    return [
        f"{module}, line {line}: imports {name}, a room above or beside its own"
        for line, name, other in reached
        if other != room and INSTRUMENTS.get(other, 0) <= INSTRUMENTS[room]
    ]


def test_imports_only_go_down() -> None:
    _tell(
        [
            fault
            for path in LIBRARY.rglob("*.py")
            for fault in floor_faults(path.read_text(encoding="utf-8"), _module_name(path))
        ]
    )


def test_the_rooms_of_the_instruments_only_look_down() -> None:
    _tell(
        [
            fault
            for path in (LIBRARY / "observe").glob("*/*.py")
            for fault in instrument_faults(path.read_text(encoding="utf-8"), _module_name(path))
        ]
    )


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("from ..stepping.player import step", [1]),
        ("from ..measuring import meter\nfrom ..pictures import style", [1]),
        ("import os\nfrom ..holding.links import read\nfrom .chains import Chain", []),
    ],
)
def test_an_instrument_that_knows_its_neighbour_is_found(source: str, lines: list[int]) -> None:
    faults = instrument_faults(source, "lessons_lib.observe.whereabouts.heap")
    found = [re.search(r"line (\d+)", fault) for fault in faults]
    assert [int(match[1]) for match in found if match] == lines


@pytest.mark.parametrize(
    ("module", "source", "lines"),
    [
        ("lessons_lib.observe.pictures.table", "import lessons_lib.teach.course", [1]),
        ("lessons_lib.observe.pictures.table", "x = 1\nfrom lessons_lib import memories", [2]),
        ("lessons_lib.observe.pictures.table", "from ...teach import check", [1]),
        ("lessons_lib.crash_lab.lab", "def f():\n    from lessons_lib.memories import x", [2]),
        ("lessons_lib.teach.checking", "from lessons_lib.observe import Table\nimport os", []),
        ("lessons_lib.teach.loader", "from lessons_lib.lessons.shared import salted", [1]),
        ("lessons_lib.lessons.lesson_11.checks", "from ...teach.model import NotYet", []),
        (
            "lessons_lib.observe.pictures.table",
            "from lessons_lib.observe.pictures.style import BLUE",
            [],
        ),
        ("lessons_lib.__main__", "from lessons_lib.teach import progress", []),
    ],
)
def test_an_import_that_goes_up_is_found(module: str, source: str, lines: list[int]) -> None:
    found = [re.search(r"line (\d+)", fault) for fault in floor_faults(source, module)]
    assert [int(match[1]) for match in found if match] == lines


def _before_the_set_up() -> list[Path]:
    """The files that a bare Python must be able to import."""
    listed = [LIBRARY / name for name in STANDARD_LIBRARY_ALONE]
    return [file for path in listed for file in ([path] if path.is_file() else path.rglob("*.py"))]


@pytest.mark.parametrize("path", _before_the_set_up(), ids=relative)
def test_the_set_up_stands_on_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_import = ast.Module([node for node in tree.body if not _deferred(node)], [])
    _tell(
        [
            f"{relative(path)}, line {line}: imports {name} before the set-up is done"
            for line, name in _imports(at_import, _module_name(path))
            if name.split(".")[0] not in sys.stdlib_module_names
            and not name.startswith("lessons_lib.launch")
            and name not in {"lessons_lib.__version__", "lessons_lib.launch"}
        ]
    )


def _deferred(node: ast.stmt) -> bool:
    """Whether an import inside this statement waits until it is called, or is for type checkers."""
    for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return for_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


# --- what an import brings -------------------------------------------------------------------

IMPORTING = """
import json, sys
from importlib import import_module
heavy = {"langgraph", "langchain_core", "langsmith", "matplotlib", "numpy"}
found = {}
for name in sys.argv[1:]:
    import_module(name)
    found[name] = sorted(heavy & set(sys.modules))
    heavier = {"IPython", "ipywidgets", "psutil", "wasmtime", "jupyterlab"} & set(sys.modules)
    if name == "lessons_lib":
        found[name] += sorted(heavier)
print(json.dumps(found))
"""


def test_an_import_brings_nothing_heavy() -> None:
    """The library without LangGraph and matplotlib; the top of it without anything at all."""
    names = ["lessons_lib", *(f"lessons_lib.{room}" for room in reversed(FLOORS))]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, *names],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert json.loads(done.stdout) == {name: [] for name in names}
