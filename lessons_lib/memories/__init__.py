"""The support chatbot, the memories it can stand on, and the lab that kills them.

Importing this room does not load LangGraph; `lessons_lib.memories.graph` does.
"""

from lessons_lib.memories.chatbot import Bot, File, Message, Model, reply
from lessons_lib.memories.crash import Crash, Life, crash, moment
from lessons_lib.memories.places import held, stored
from lessons_lib.memories.plain import DictBot

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
