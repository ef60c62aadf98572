"""Instruments that look at objects, references and processes, and never change what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .collector import Collection, CollectorLog, collector_off, watch_collector
    from .curves import Curve, draw_curves
    from .dot import from_dot, from_objgraph
    from .drawing import Arrow, Box, Diagram, Frame, Picture, draw
    from .holders import who_holds
    from .leaks import Grown, KeptByLine, Live, grown, kept_by_line, live
    from .meter import Growth, Measurement, compare_growth, growth, measure
    from .player import Player, step
    from .references import survivors, watch
    from .stepper import Recording, record
    from .table import Table

_HOMES = {
    "Arrow": "drawing",
    "Box": "drawing",
    "Collection": "collector",
    "CollectorLog": "collector",
    "Curve": "curves",
    "Diagram": "drawing",
    "Frame": "drawing",
    "Grown": "leaks",
    "Growth": "meter",
    "KeptByLine": "leaks",
    "Live": "leaks",
    "Measurement": "meter",
    "Picture": "drawing",
    "draw": "drawing",
    "from_dot": "dot",
    "from_objgraph": "dot",
    "Player": "player",
    "Recording": "stepper",
    "Table": "table",
    "collector_off": "collector",
    "compare_growth": "meter",
    "draw_curves": "curves",
    "grown": "leaks",
    "growth": "meter",
    "kept_by_line": "leaks",
    "live": "leaks",
    "measure": "meter",
    "record": "stepper",
    "step": "player",
    "survivors": "references",
    "watch": "references",
    "watch_collector": "collector",
    "who_holds": "holders",
}

__all__ = [
    "Arrow",
    "Box",
    "Collection",
    "CollectorLog",
    "Curve",
    "Diagram",
    "Frame",
    "Grown",
    "Growth",
    "KeptByLine",
    "Live",
    "Measurement",
    "Picture",
    "Player",
    "Recording",
    "Table",
    "collector_off",
    "compare_growth",
    "draw",
    "draw_curves",
    "from_dot",
    "from_objgraph",
    "grown",
    "growth",
    "kept_by_line",
    "live",
    "measure",
    "record",
    "step",
    "survivors",
    "watch",
    "watch_collector",
    "who_holds",
]


def __getattr__(name: str) -> object:
    """Load an instrument when it is first used, so that importing the package stays instant."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
