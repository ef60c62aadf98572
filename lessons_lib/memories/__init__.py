"""The support chatbot, the memories it can stand on, and the lab that kills them.

Importing this room does not load LangGraph; the memories on a graph do, when they are first used.
"""

from typing import TYPE_CHECKING

from lessons_lib.memories.chatbot import Bot, File, Message, Model, reply
from lessons_lib.memories.crash_lab.children import warm_up
from lessons_lib.memories.crash_lab.lab import crash
from lessons_lib.memories.crash_lab.moments import moment
from lessons_lib.memories.crash_lab.report import Crash, Life
from lessons_lib.memories.places import held, stored
from lessons_lib.memories.plain import DictBot

if TYPE_CHECKING:
    from lessons_lib.memories.agent import AgentBot
    from lessons_lib.memories.graph import GraphBot, InMemoryGraphBot
    from lessons_lib.memories.graph_async import AsyncGraphBot
    from lessons_lib.memories.graph_mended import MendedBot
    from lessons_lib.memories.graph_postgres import PostgresBot, PostgresMendedBot
    from lessons_lib.memories.graph_store import StoreBot
    from lessons_lib.memories.journal import Journal, JournalBot
    from lessons_lib.memories.on_disk import JsonBot, PickleBot
    from lessons_lib.memories.sessions import SessionBot
    from lessons_lib.memories.sqlite_by_hand import SqliteBot
    from lessons_lib.memories.variables import ContextBot, LocalBot, ThreadLocalBot

_HOMES = {
    "AgentBot": "agent",
    "AsyncGraphBot": "graph_async",
    "ContextBot": "variables",
    "GraphBot": "graph",
    "InMemoryGraphBot": "graph",
    "Journal": "journal",
    "JournalBot": "journal",
    "JsonBot": "on_disk",
    "LocalBot": "variables",
    "MendedBot": "graph_mended",
    "PickleBot": "on_disk",
    "PostgresBot": "graph_postgres",
    "PostgresMendedBot": "graph_postgres",
    "SessionBot": "sessions",
    "SqliteBot": "sqlite_by_hand",
    "StoreBot": "graph_store",
    "ThreadLocalBot": "variables",
}

__all__ = [
    "AgentBot",
    "AsyncGraphBot",
    "Bot",
    "ContextBot",
    "Crash",
    "DictBot",
    "File",
    "GraphBot",
    "InMemoryGraphBot",
    "Journal",
    "JournalBot",
    "JsonBot",
    "Life",
    "LocalBot",
    "MendedBot",
    "Message",
    "Model",
    "PickleBot",
    "PostgresBot",
    "PostgresMendedBot",
    "SessionBot",
    "SqliteBot",
    "StoreBot",
    "ThreadLocalBot",
    "crash",
    "held",
    "moment",
    "reply",
    "stored",
    "warm_up",
]


def __getattr__(name: str) -> object:
    """Load a memory when it is first used, with the packages that it needs."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
