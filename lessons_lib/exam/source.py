"""What a memory is written with, read from its source: packages that it needs, statements."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib import metadata

_SHARED = "lessons_lib.memories.chatbot"
"""What every memory has in common: no memory pays for it."""


def used(kind: type) -> tuple[frozenset[str], int | None]:
    """What a class is written with, ours that it uses included: modules of others', statements.

    The number is None where the source is not found.
    """
    ours = {"lessons_lib", "__main__", kind.__module__.partition(".")[0]}
    modules: set[str] = set()
    functions: set[types.FunctionType] = set()
    seen: set[object] = set()
    queue: list[object] = [kind]
    while queue:
        part = queue.pop()
        if part in seen:
            continue
        seen.add(part)
        made_of = vars(part).values() if isinstance(part, type) else [part]
        mine = [f for f in map(_function, made_of) if isinstance(f, types.FunctionType)]
        mine = [f for f in mine if f.__name__ != "__annotate__"]  # 3.14's own
        functions.update(mine)
        found = [(base.__module__, base) for base in getattr(part, "__bases__", ())]
        for function in mine:
            found += _used(function.__code__, function.__globals__)
        for home, value in found:
            top = home.partition(".")[0]
            if top in ours and not home.startswith(_SHARED):
                queue += [value] if isinstance(value, (type, types.FunctionType)) else []
            elif top not in ours and top not in sys.stdlib_module_names:
                modules.add(home)
    return frozenset(modules), sum(map(_statements, functions)) or None


def packages(modules: Iterable[str]) -> tuple[str, ...]:
    """The packages that modules come with, without those that another one of them brings along.

    >>> from lessons_lib.memories.journal import JournalBot
    >>> modules, statements = used(JournalBot)
    >>> packages(modules)
    ('filelock',)
    """
    named = {_distribution(module) for module in modules}
    brought = {needed for package in named for needed in _needs(package)}
    return tuple(sorted(named - brought))


def _function(value: object) -> object:
    if isinstance(value, property):
        return value.fget
    if isinstance(value, cached_property):
        return value.func
    return inspect.unwrap(value) if callable(value) else getattr(value, "__func__", value)


def _used(code: types.CodeType, names: dict[str, object]) -> Iterator[tuple[str, object]]:
    """What a function uses by name, as its module's name and itself; modules that it imports."""
    for name in code.co_names:
        value = names.get(name, sys.modules.get(name))
        if isinstance(value, types.ModuleType):
            yield value.__name__, value
        elif isinstance(home := getattr(value, "__module__", None), str):
            yield home, value
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _used(inner, names)


def _statements(function: types.FunctionType) -> int:
    """The statements of a function, itself counted, its docstring not."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return 0
    documented = any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and ast.get_docstring(node)
        for node in tree.body
    )
    return sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) - documented


@cache
def _distribution(module: str) -> str:
    """The package that a module comes with, under the name by which it is installed."""
    top = module.partition(".")[0]
    names = sorted(set(_installed().get(top, [top])))
    # Several packages fill one folder, as those of LangGraph do: whose file is it?
    path = module.replace(".", "/")
    for name in names if len(names) > 1 else ():
        if _files(name) & {f"{path}.py", f"{path}/__init__.py"}:
            return name
    return names[0]


# Half a second's work: read once in a process, however many modules are looked up.
_installed = cache(metadata.packages_distributions)


@cache
def _files(package: str) -> frozenset[str]:
    return frozenset(file.as_posix() for file in metadata.files(package) or ())


def _needs(package: str) -> set[str]:
    """The packages that are installed with a package; none with a file that is no package's."""
    try:
        wanted = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return set()
    names = (re.match(r"[\w.-]+", line) for line in wanted if "extra ==" not in line)
    return {name[0] for name in names if name}
