"""Instruments that look at objects, references and processes, and never change what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .dot import from_dot, from_objgraph
    from .drawing import Arrow, Box, Diagram, Frame, Picture, draw
    from .holders import who_holds
    from .player import Player, step
    from .references import survivors, watch
    from .stepper import Recording, record
    from .table import Table

_HOMES = {
    "Arrow": "drawing",
    "Box": "drawing",
    "Diagram": "drawing",
    "Frame": "drawing",
    "Picture": "drawing",
    "draw": "drawing",
    "from_dot": "dot",
    "from_objgraph": "dot",
    "Player": "player",
    "Recording": "stepper",
    "Table": "table",
    "record": "stepper",
    "step": "player",
    "survivors": "references",
    "watch": "references",
    "who_holds": "holders",
}

__all__ = [
    "Arrow",
    "Box",
    "Diagram",
    "Frame",
    "Picture",
    "Player",
    "Recording",
    "Table",
    "draw",
    "from_dot",
    "from_objgraph",
    "record",
    "step",
    "survivors",
    "watch",
    "who_holds",
]


def __getattr__(name: str) -> object:
    """Load an instrument when it is first used, so that importing the package stays instant."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
