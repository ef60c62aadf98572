"""The support chatbot, and the memories it can stand on; with `crash`, which kills them.

Importing this room does not load LangGraph; the memories on a graph do, when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lessons_lib.crash_lab.children import warm_up as warm_up
from lessons_lib.crash_lab.lab import crash as crash
from lessons_lib.crash_lab.moments import moment as moment
from lessons_lib.crash_lab.report import Crash as Crash
from lessons_lib.crash_lab.report import Life as Life
from lessons_lib.memories.chatbot import Message as Message
from lessons_lib.memories.chatbot import reply as reply
from lessons_lib.memories.places import held as held
from lessons_lib.memories.places import stored as stored
from lessons_lib.memories.plain import ContextBot as ContextBot
from lessons_lib.memories.plain import DictBot as DictBot
from lessons_lib.memories.plain import LocalBot as LocalBot
from lessons_lib.memories.plain import ThreadLocalBot as ThreadLocalBot

if TYPE_CHECKING:
    from lessons_lib.memories.agent import AgentBot as AgentBot
    from lessons_lib.memories.graph import GraphBot as GraphBot
    from lessons_lib.memories.graph import InMemoryGraphBot as InMemoryGraphBot
    from lessons_lib.memories.graph_async import AsyncGraphBot as AsyncGraphBot
    from lessons_lib.memories.graph_mended import MendedBot as MendedBot
    from lessons_lib.memories.graph_postgres import PostgresBot as PostgresBot
    from lessons_lib.memories.graph_postgres import PostgresMendedBot as PostgresMendedBot
    from lessons_lib.memories.graph_store import StoreBot as StoreBot
    from lessons_lib.memories.journal import JournalBot as JournalBot
    from lessons_lib.memories.on_disk import JsonBot as JsonBot
    from lessons_lib.memories.on_disk import PickleBot as PickleBot
    from lessons_lib.memories.sessions import SessionBot as SessionBot
    from lessons_lib.memories.sqlite_by_hand import SqliteBot as SqliteBot

_LATER = {
    "agent": ("AgentBot",),
    "graph": ("GraphBot", "InMemoryGraphBot"),
    "graph_async": ("AsyncGraphBot",),
    "graph_mended": ("MendedBot",),
    "graph_postgres": ("PostgresBot", "PostgresMendedBot"),
    "graph_store": ("StoreBot",),
    "journal": ("JournalBot",),
    "on_disk": ("JsonBot", "PickleBot"),
    "sessions": ("SessionBot",),
    "sqlite_by_hand": ("SqliteBot",),
}
"""Modules that are loaded when one of their names is first used, with the packages they need."""


def __getattr__(name: str) -> object:
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
