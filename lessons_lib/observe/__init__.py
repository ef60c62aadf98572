"""Instruments that look at objects, references and processes, and never change what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checkpoints.aliases import Alias, Aliases, aliases
    from .checkpoints.history import Checkpoint, History, history
    from .checkpoints.round_trip import RoundTrip, round_trip
    from .checkpoints.storage import Storage, Stored, storage
    from .checkpoints.time_machine import TimeMachine, time_machine
    from .holding.holders import who_holds
    from .holding.references import Live, live, survivors, watch
    from .holding.search import collector_off
    from .measuring.collector import Collection, CollectorLog, watch_collector
    from .measuring.exponents import Growth, compare_growth, growth
    from .measuring.leaks import Grown, grown
    from .measuring.lines import KeptByLine, kept_by_line
    from .measuring.meter import Measurement, measure
    from .pictures.dot import from_objgraph
    from .pictures.drawing import Arrow, Box, Diagram, Frame, Picture, draw
    from .pictures.table import Table
    from .stepping.player import Player, step
    from .stepping.recording import Recording
    from .stepping.stepper import record
    from .whereabouts.finds import Find, Whereabouts
    from .whereabouts.where import where_is

_HOMES = {
    "Alias": "checkpoints.aliases",
    "Aliases": "checkpoints.aliases",
    "Arrow": "pictures.drawing",
    "Box": "pictures.drawing",
    "Checkpoint": "checkpoints.history",
    "Collection": "measuring.collector",
    "CollectorLog": "measuring.collector",
    "Diagram": "pictures.drawing",
    "Find": "whereabouts.finds",
    "Frame": "pictures.drawing",
    "Grown": "measuring.leaks",
    "Growth": "measuring.exponents",
    "History": "checkpoints.history",
    "KeptByLine": "measuring.lines",
    "Live": "holding.references",
    "Measurement": "measuring.meter",
    "Picture": "pictures.drawing",
    "Player": "stepping.player",
    "Recording": "stepping.recording",
    "RoundTrip": "checkpoints.round_trip",
    "Storage": "checkpoints.storage",
    "Stored": "checkpoints.storage",
    "Table": "pictures.table",
    "TimeMachine": "checkpoints.time_machine",
    "Whereabouts": "whereabouts.finds",
    "aliases": "checkpoints.aliases",
    "collector_off": "holding.search",
    "compare_growth": "measuring.exponents",
    "draw": "pictures.drawing",
    "from_objgraph": "pictures.dot",
    "grown": "measuring.leaks",
    "growth": "measuring.exponents",
    "history": "checkpoints.history",
    "kept_by_line": "measuring.lines",
    "live": "holding.references",
    "measure": "measuring.meter",
    "record": "stepping.stepper",
    "round_trip": "checkpoints.round_trip",
    "step": "stepping.player",
    "storage": "checkpoints.storage",
    "survivors": "holding.references",
    "time_machine": "checkpoints.time_machine",
    "watch": "holding.references",
    "watch_collector": "measuring.collector",
    "where_is": "whereabouts.where",
    "who_holds": "holding.holders",
}

__all__ = [
    "Alias",
    "Aliases",
    "Arrow",
    "Box",
    "Checkpoint",
    "Collection",
    "CollectorLog",
    "Diagram",
    "Find",
    "Frame",
    "Grown",
    "Growth",
    "History",
    "KeptByLine",
    "Live",
    "Measurement",
    "Picture",
    "Player",
    "Recording",
    "RoundTrip",
    "Storage",
    "Stored",
    "Table",
    "TimeMachine",
    "Whereabouts",
    "aliases",
    "collector_off",
    "compare_growth",
    "draw",
    "from_objgraph",
    "grown",
    "growth",
    "history",
    "kept_by_line",
    "live",
    "measure",
    "record",
    "round_trip",
    "step",
    "storage",
    "survivors",
    "time_machine",
    "watch",
    "watch_collector",
    "where_is",
    "who_holds",
]


def __getattr__(name: str) -> object:
    """Load an instrument when it is first used, so that importing the package stays instant."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
