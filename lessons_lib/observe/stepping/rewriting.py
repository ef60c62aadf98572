"""A snippet rewritten so that it reports after every line, and still does what it did.

Instead of a trace function (whose line events differ between Python versions, and which debuggers
and coverage tools need for themselves) calls of a *probe* are put between the statements of the
snippet's syntax tree. The probe is found among the built-ins, so no name of the snippet changes.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Sequence
from contextlib import suppress
from textwrap import dedent

from ..pictures import style

PROBE = "__step__"
FILENAME = "<step>"
MAX_STEPS = 200

_DULL = (ast.Pass, ast.Import, ast.ImportFrom)
_SILENT = (ast.Global, ast.Nonlocal, ast.Break, ast.Continue)


def instrument(snippet: str) -> ast.Module:
    """Parse a snippet and put probes into it; SyntaxError as Python itself would raise it.

    >>> print(ast.unparse(instrument("a = 1\\ndel a")))
    a = 1
    __step__(1, 'done')
    del a
    __step__(2, 'done')
    """
    tree = ast.parse(snippet, FILENAME)
    tree.body = _block(tree.body)
    return ast.fix_missing_locations(tree)


def checked(snippet: object, max_steps: object) -> str:
    """The snippet, as far to the left as it goes, if it can be run, and for so many steps.

    SyntaxError as Python itself would raise it; TypeError for what is no text, ValueError for what
    is Python in a notebook alone: a magic, an `await` outside a function.
    """
    if not isinstance(snippet, str):
        raise TypeError(
            f"{style.shorten(style.said_of(snippet), 40)} is no snippet, expected lines of Python "
            "in a text: step('a = []'), say"
        )
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(
            f"max_steps={max_steps!r}, expected a whole number from 1 up: leave it out for "
            f"{MAX_STEPS}"
        )
    snippet = dedent(snippet).strip("\n")
    try:
        compile(snippet, FILENAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        _refuse_what_notebooks_allow(snippet, error)
        raise
    return snippet


def _refuse_what_notebooks_allow(snippet: str, error: SyntaxError) -> None:
    line = snippet.splitlines()[(error.lineno or 1) - 1].strip()
    if line.startswith(("%", "!", "?")) or line.endswith("?"):
        raise ValueError(
            f"{line!r} is a magic of the notebook, expected lines of Python alone: put it into a "
            "cell of its own"
        ) from None
    with suppress(SyntaxError):
        compile(snippet, FILENAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        raise ValueError(
            f"{line!r} waits outside a function, expected a snippet that needs no event loop: put "
            "it into `async def main()`, and run that by hand with `main().send(None)`"
        ) from None


def _probe(line: int, event: str) -> ast.stmt:
    """A call of the probe, standing where the snippet's own line does."""
    return ast.increment_lineno(ast.parse(f"{PROBE}({line}, {event!r})").body[0], line - 1)


def _block(body: Sequence[ast.stmt], start: tuple[int, str] | None = None) -> list[ast.stmt]:
    """The statements of one block, each followed by its probe; one probe for one line."""
    result: list[ast.stmt] = []
    for index, statement in enumerate(body):
        following = body[index + 1].lineno if index + 1 < len(body) else 0
        result += _statement(statement, shares_line=following == statement.end_lineno)
    if start:
        result.insert(int(_is_constant(body[0])), _probe(*start))  # behind a docstring
    return result


def _is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _statement(statement: ast.stmt, shares_line: bool) -> list[ast.stmt]:
    line = statement.lineno
    is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    if isinstance(statement, _SILENT) or _is_constant(statement) or is_future:
        return [statement]
    if isinstance(statement, (ast.Return, ast.Raise)):
        return [_probe(line, "leave"), statement]
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        _definition(statement)
        return [statement, _probe(line, "quiet")]
    if _open_up(statement):
        keyword = type(statement).__name__.removeprefix("Async").removesuffix("Star").lower()
        return [statement, _probe(statement.end_lineno or line, f"end of {keyword}")]
    if shares_line:
        return [statement]
    return [statement, _probe(line, "quiet" if isinstance(statement, _DULL) else "done")]


def _definition(definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    """Functions report from inside; special methods and a class body stay whole."""
    if isinstance(definition, ast.ClassDef):
        for inner in definition.body:
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                _definition(inner)
    elif not (definition.name.startswith("__") and definition.name.endswith("__")):
        definition.body = _block(definition.body, (definition.lineno, "call"))


def _open_up(statement: ast.stmt) -> bool:
    """Put probes into the blocks of a compound statement; False when it has none."""
    opened = hasattr(statement, "cases")
    for field in ("body", "orelse", "finalbody"):
        if block := getattr(statement, field, None):
            opened = True
            first = statement.lineno if field == "body" else block[0].lineno
            setattr(statement, field, _block(block, (first, "quiet")))
    for handler in getattr(statement, "handlers", []):
        handler.body = _block(handler.body, (handler.lineno, "except"))
    for case in getattr(statement, "cases", []):
        case.body = _block(case.body, (case.pattern.lineno, "quiet"))
    return opened


def borrowed(snippet: str) -> list[str]:
    """The global names a snippet uses, also inside its functions, but does not assign.

    >>> borrowed("errors.append(make())\\nlast = errors[-1]\\nprint(last)")
    ['errors', 'make']
    """
    table = symtable.symtable(snippet, FILENAME, "exec")
    own = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    used: set[str] = set()
    tables = [table]
    for inner in tables:  # grows while it is walked
        tables += inner.get_children()
        for symbol in inner.get_symbols():
            if symbol.is_referenced() and (inner is table or symbol.is_global()):
                used.add(symbol.get_name())
    return sorted(name for name in used - own if not hasattr(builtins, name))
