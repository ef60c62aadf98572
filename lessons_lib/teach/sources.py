"""The source of a reader's object, and whether it is still the stub.

The kernel keeps a cell's text in `linecache`, under the file name that the compiled code bears.
`inspect.getsource` finds functions by it, but not classes (it looks for the file of `__main__`),
so the definition is looked up in the cell's own syntax tree. Where no text is left, compiled code
is compared instead.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from functools import partial
from textwrap import dedent
from types import CodeType
from typing import Any, Literal

from lessons_lib.teach.model import Exercise

Kind = Literal["function", "class", "value"]
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def kind(exercise: Exercise) -> Kind:
    """What the exercise asks for, read off its stub.

    >>> from lessons_lib.teach.model import Exercise
    >>> kind(Exercise("02.x", "f", "", "def f(): ...", "", check=str, hints=()))
    'function'
    """
    found = _definition(_parsed(exercise.stub), exercise.name)
    if found is None:
        return "value"
    return "class" if isinstance(found, ast.ClassDef) else "function"


def code_of(answer: Any) -> CodeType | None:
    """The compiled code of a function or method, or of a class's first method."""
    if isinstance(answer, partial):
        answer = answer.func
    if isinstance(answer, type):
        return next(_method_codes(answer), None)
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
    found = _definition(_parsed(text), name, code.co_firstlineno)
    return _segment(text, found) if found else _inspected(answer)


def is_stub(exercise: Exercise, answer: Any) -> bool:
    """Whether the answer is what the stub defines, whatever its comments and spaces."""
    if answer is None or answer is ...:
        return True
    stub = _parsed(exercise.stub)
    defined = _definition(stub, exercise.name)
    if defined is None:
        return _is_stub_value(stub, exercise.name, answer)
    source = source_of(answer)
    if source:
        written = _definition(_parsed(source), defined.name)
        return written is not None and ast.dump(written) == ast.dump(defined)
    return _shape(code_of(answer)) == _shape(_compiled(exercise.stub, exercise.name))


def _is_stub_value(stub: ast.Module, name: str, answer: Any) -> bool:
    for node in stub.body:
        if isinstance(node, ast.Assign) and name in map(_target, node.targets):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                return False
            return type(value) is type(answer) and bool(value == answer)
    return False


def _target(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(dedent(text))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _definition(tree: ast.Module, name: str, line: int = 0) -> _Definition | None:
    """The last definition of that name; with a line, the one that holds the line."""
    found = None
    for node in ast.walk(tree):
        if isinstance(node, _Definition) and node.name == name and (not line or _holds(node, line)):
            found = node
    return found


def _holds(node: _Definition, line: int) -> bool:
    return _first_line(node) <= line <= (node.end_lineno or line)


def _first_line(node: _Definition) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _segment(text: str, node: _Definition) -> str:
    lines = text.splitlines()[_first_line(node) - 1 : node.end_lineno]
    return dedent("\n".join(lines)).rstrip()


def _inspected(answer: Any) -> str:
    try:
        return dedent(inspect.getsource(answer)).rstrip()
    except (OSError, TypeError):
        return ""


def _method_codes(cls: type) -> Iterator[CodeType]:
    for value in vars(cls).values():
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        if isinstance(code, CodeType) and code.co_filename != "<string>":
            yield code


def _compiled(stub: str, name: str) -> CodeType | None:
    try:
        return _nested(compile(stub, "<stub>", "exec"), name)
    except (SyntaxError, ValueError):
        return None


def _nested(code: CodeType, name: str) -> CodeType | None:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    named = [one for one in inner if one.co_name == name]
    return named[0] if named else None


def _shape(code: CodeType | None) -> object:
    """What two compilations of the same source have in common: no file, no line numbers."""
    if code is None:
        return object()  # equal to nothing
    consts = [_shape(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    return (code.co_code, code.co_names, code.co_varnames, consts)
