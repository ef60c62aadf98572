"""The support chatbot, the memories it can stand on, and the lab that kills them.

Importing this room does not load LangGraph; `lessons_lib.memories.graph` does.
"""

from lessons_lib.memories.chatbot import Bot, File, Message, Model, reply
from lessons_lib.memories.crash import crash
from lessons_lib.memories.moments import moment
from lessons_lib.memories.places import held, stored
from lessons_lib.memories.plain import DictBot
from lessons_lib.memories.report import Crash, Life

__all__ = [
    "Bot",
    "Crash",
    "DictBot",
    "File",
    "Life",
    "Message",
    "Model",
    "crash",
    "held",
    "moment",
    "reply",
    "stored",
]
