"""Instruments that look at objects, references and processes, and never change what they see."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checkpoints.aliases import Alias as Alias
    from .checkpoints.aliases import Aliases as Aliases
    from .checkpoints.aliases import aliases as aliases
    from .checkpoints.history import Checkpoint as Checkpoint
    from .checkpoints.history import History as History
    from .checkpoints.history import history as history
    from .checkpoints.round_trip import RoundTrip as RoundTrip
    from .checkpoints.round_trip import round_trip as round_trip
    from .checkpoints.storage import Storage as Storage
    from .checkpoints.storage import Stored as Stored
    from .checkpoints.storage import storage as storage
    from .checkpoints.time_machine import TimeMachine as TimeMachine
    from .checkpoints.time_machine import time_machine as time_machine
    from .holding.holders import who_holds as who_holds
    from .holding.references import Live as Live
    from .holding.references import live as live
    from .holding.references import survivors as survivors
    from .holding.references import watch as watch
    from .holding.search import collector_off as collector_off
    from .measuring.collector import Collection as Collection
    from .measuring.collector import CollectorLog as CollectorLog
    from .measuring.collector import watch_collector as watch_collector
    from .measuring.exponents import Growth as Growth
    from .measuring.exponents import compare_growth as compare_growth
    from .measuring.exponents import growth as growth
    from .measuring.leaks import Grown as Grown
    from .measuring.leaks import grown as grown
    from .measuring.lines import KeptByLine as KeptByLine
    from .measuring.lines import kept_by_line as kept_by_line
    from .measuring.meter import Measurement as Measurement
    from .measuring.meter import measure as measure
    from .pictures.diagram import Arrow as Arrow
    from .pictures.diagram import Box as Box
    from .pictures.diagram import Diagram as Diagram
    from .pictures.diagram import Frame as Frame
    from .pictures.dot import from_objgraph as from_objgraph
    from .pictures.drawing import Picture as Picture
    from .pictures.drawing import draw as draw
    from .pictures.table import Table as Table
    from .stepping.player import Player as Player
    from .stepping.player import step as step
    from .stepping.recording import Recording as Recording
    from .stepping.stepper import record as record
    from .whereabouts.finds import Find as Find
    from .whereabouts.finds import Whereabouts as Whereabouts
    from .whereabouts.where import where_is as where_is

_LATER = {
    "checkpoints.aliases": ("Alias", "Aliases", "aliases"),
    "checkpoints.history": ("Checkpoint", "History", "history"),
    "checkpoints.round_trip": ("RoundTrip", "round_trip"),
    "checkpoints.storage": ("Storage", "Stored", "storage"),
    "checkpoints.time_machine": ("TimeMachine", "time_machine"),
    "holding.holders": ("who_holds",),
    "holding.references": ("Live", "live", "survivors", "watch"),
    "holding.search": ("collector_off",),
    "measuring.collector": ("Collection", "CollectorLog", "watch_collector"),
    "measuring.exponents": ("Growth", "compare_growth", "growth"),
    "measuring.leaks": ("Grown", "grown"),
    "measuring.lines": ("KeptByLine", "kept_by_line"),
    "measuring.meter": ("Measurement", "measure"),
    "pictures.diagram": ("Arrow", "Box", "Diagram", "Frame"),
    "pictures.dot": ("from_objgraph",),
    "pictures.drawing": ("Picture", "draw"),
    "pictures.table": ("Table",),
    "stepping.player": ("Player", "step"),
    "stepping.recording": ("Recording",),
    "stepping.stepper": ("record",),
    "whereabouts.finds": ("Find", "Whereabouts"),
    "whereabouts.where": ("where_is",),
}
"""Modules that are loaded when one of their names is first used: the import stays instant."""


def __getattr__(name: str) -> object:
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
