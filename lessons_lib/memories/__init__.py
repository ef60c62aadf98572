"""The support chatbot, the memories it can stand on, and the lab that kills them.

Importing this room does not load LangGraph; `lessons_lib.memories.graph` does.
"""

from lessons_lib.memories.crash import Crash, Life, crash, moment

__all__ = ["Crash", "Life", "crash", "moment"]
