"""The source of a reader's object, and whether it is still the stub.

The kernel keeps a cell's text in `linecache`, under the file name that the compiled code bears.
`inspect.getsource` finds functions by it, but not classes (it looks for the file of `__main__`),
so the definition is looked up in the cell's own syntax tree.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from functools import partial
from textwrap import dedent
from types import CodeType
from typing import Any, Literal

Kind = Literal["function", "class", "value"]
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def kind(stub: str, name: str) -> Kind:
    """What an exercise asks for, read off its stub.

    >>> kind("def f(): ...", "f")
    'function'
    """
    found = _definition(stub, name)
    if found is None:
        return "value"
    return "class" if isinstance(found, ast.ClassDef) else "function"


def code_of(answer: Any) -> CodeType | None:
    """The compiled code of a function or method, or of a class's first method."""
    if isinstance(answer, partial):
        answer = answer.func
    if isinstance(answer, type):
        values = [getattr(value, "__func__", value) for value in vars(answer).values()]
        codes = [value.__code__ for value in values if inspect.isfunction(value)]
        own = [code for code in codes if code.co_filename != "<string>"]  # not a dataclass's
        return own[0] if own else None
    code = getattr(inspect.unwrap(answer) if callable(answer) else answer, "__code__", None)
    return code if isinstance(code, CodeType) else None


def file_of(answer: Any) -> str:
    """The file name under which the answer was compiled (a cell has one of its own)."""
    code = code_of(answer)
    return code.co_filename if code else ""


def source_of(answer: Any) -> str:
    """The text that defines the answer, decorators included; empty where none is to be had."""
    code = code_of(answer)
    if code is None:
        return ""
    text = "".join(linecache.getlines(code.co_filename))
    name = answer.__name__ if isinstance(answer, type) else code.co_name
    found = _definition(text, name, code.co_firstlineno)
    if found:
        lines = text.splitlines()[_first_line(found) - 1 : found.end_lineno]
        return dedent("\n".join(lines)).rstrip()
    try:  # a lambda
        return dedent(inspect.getsource(answer)).rstrip()
    except (OSError, TypeError):
        return ""


def run_cell(source: str, names: dict[str, Any], file: str) -> None:
    """Run a source in these names as a notebook's cell: its text is found by its file's name."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec", dont_inherit=True), names)


def is_stub(stub: str, name: str, answer: Any) -> bool:
    """Whether the answer is what the stub defines, whatever its comments and spaces."""
    if answer is None or answer is ...:
        return True
    defined = _definition(stub, name)
    if defined is None:
        value = _value(stub, name)
        return type(value) is type(answer) and bool(value == answer)
    written = _definition(source_of(answer), name)
    return written is not None and ast.dump(written) == ast.dump(defined)


def _value(stub: str, name: str) -> object:
    """What the stub assigns to the name; `...` when it is no plain value."""
    for node in _parsed(stub).body:
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            try:
                return ast.literal_eval(node.value)
            except ValueError:
                return ...
    return ...


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(dedent(text))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _definition(text: str, name: str, line: int = 0) -> _Definition | None:
    """The last definition of that name; with a line, the one that holds the line."""
    found = None
    for node in ast.walk(_parsed(text)):
        if isinstance(node, _Definition) and node.name == name:
            last = node.end_lineno or line
            if not line or _first_line(node) <= line <= last:
                found = node
    return found


def _first_line(node: _Definition) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])
