"""What a memory is written with, read from its source: lines of code, packages needed."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import io
import linecache
import re
import sys
import tokenize
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata

_LAYOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip
_SHARED = "lessons_lib.memories.chatbot"
"""What every memory has in common: no memory pays for it."""

Part = type | types.FunctionType


@dataclass
class Account:
    """The classes and functions that a memory is made of, and the packages that they use."""

    parts: list[Part] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)

    @property
    def lines(self) -> int | None:
        """Lines with code on them, without comments and docstrings; None if not to be found."""
        lines = {line for part in self.parts for line in _lines(part)}
        return len(lines) or None


def account(kind: type) -> Account:
    """Follow a class to the functions and classes it uses, as far as they are not of a package.

    A package is named as one installs it, and left out where another one brings it along.

    >>> from lessons_lib.memories.journal import JournalBot
    >>> account(JournalBot).packages
    {'filelock'}
    """
    result = Account()
    queue: list[Part] = [kind]
    while queue:
        part = queue.pop()
        if part in result.parts:
            continue
        result.parts.append(part)
        for name, value in _used(part):
            package = name.partition(".")[0]
            if package in sys.stdlib_module_names or name.startswith(_SHARED):
                continue
            if not _is_ours(package, kind):
                result.packages.add(_distribution(name))
            elif isinstance(value, (type, types.FunctionType)):
                queue.append(value)
    result.packages -= {needed for package in result.packages for needed in _needs(package)}
    return result


def _is_ours(package: str, kind: type) -> bool:
    return package in ("lessons_lib", "__main__", kind.__module__.partition(".")[0])


@cache
def _distribution(module: str) -> str:
    """The package that a module comes with, under the name by which it is installed."""
    top = module.partition(".")[0]
    names = sorted(set(_installed().get(top, [top])))
    path = module.replace(".", "/")
    for name in names if len(names) > 1 else ():
        files = {file.as_posix() for file in metadata.files(name) or ()}
        if files & {f"{path}.py", f"{path}/__init__.py"}:
            return name
    return names[0]


@cache
def _installed() -> Mapping[str, list[str]]:
    """The installed packages by the modules that they bring."""
    return metadata.packages_distributions()


def _needs(package: str) -> set[str]:
    """The packages that are installed with a package."""
    try:
        wanted = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return set()
    names = (re.match(r"[\w.-]+", line) for line in wanted if "extra ==" not in line)
    return {name[0] for name in names if name}


def _used(part: Part) -> Iterator[tuple[str, object]]:
    """Yield the module and the value of what a class or function uses by name."""
    if isinstance(part, type):
        for base in part.__bases__:
            yield base.__module__, base
        functions = [_bare(value) for value in vars(part).values()]
    else:
        functions = [part]
    for function in functions:
        if isinstance(function, types.FunctionType):
            for code in _codes(function.__code__):
                yield from _named(code, function.__globals__)


def _bare(value: object) -> object:
    if isinstance(value, property):
        return value.fget
    return inspect.unwrap(value) if callable(value) else getattr(value, "__func__", value)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


def _named(code: types.CodeType, names: dict[str, object]) -> Iterator[tuple[str, object]]:
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname == "IMPORT_NAME":
            yield str(name), None
        elif instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in names:
            value = names[name]
            home = value.__name__ if isinstance(value, types.ModuleType) else _home(value)
            yield home, value


def _home(value: object) -> str:
    home = getattr(value, "__module__", None)
    return home if isinstance(home, str) else builtins.__name__


def _lines(part: Part) -> set[tuple[str, int]]:
    """The numbered lines of a class or function that have code on them."""
    file = _file(part)
    text = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with a magic command in it
        return set()
    nodes = [node for node in ast.walk(tree) if getattr(node, "name", None) == part.__name__]
    return {(file, line) for node in nodes for line in _code_lines(text, node)}


def _file(part: Part) -> str:
    """The file of a class or function; in a notebook, the cell as the interpreter knows it."""
    if file := getattr(sys.modules.get(part.__module__), "__file__", None):
        return str(file)
    values = vars(part).values() if isinstance(part, type) else [part]
    codes = [
        value.__code__ for value in map(_bare, values) if isinstance(value, types.FunctionType)
    ]
    return codes[0].co_filename if codes else ""


def _code_lines(text: str, node: ast.AST) -> set[int]:
    first, last = _span(node)
    written = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _LAYOUT
        for line in range(token.start[0], token.end[0] + 1)
        if first <= line <= last
    }
    for inner in ast.walk(node):
        if isinstance(inner, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(inner):
            begin, end = _span(inner.body[0])
            written -= set(range(begin, end + 1))
    return written


def _span(node: ast.AST) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)])  # type: ignore[attr-defined]
    return first, node.end_lineno  # type: ignore[attr-defined]
