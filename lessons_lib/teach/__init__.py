"""Predict, recall, review, check, hint, solution, progress, restore, catch_up: what lessons ask.

Each is loaded when it is first used: a process that is killed by a check needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lessons_lib.teach.asking import predict as predict
    from lessons_lib.teach.asking import recall as recall
    from lessons_lib.teach.catching import catch_up as catch_up
    from lessons_lib.teach.checking import check as check
    from lessons_lib.teach.helping import hint as hint
    from lessons_lib.teach.helping import solution as solution
    from lessons_lib.teach.reviewing import review as review
    from lessons_lib.teach.tally import progress as progress
    from lessons_lib.teach.tally import restore as restore

_HOMES = {
    "predict": "asking",
    "recall": "asking",
    "catch_up": "catching",
    "check": "checking",
    "hint": "helping",
    "solution": "helping",
    "progress": "tally",
    "restore": "tally",
    "review": "reviewing",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"lessons_lib.teach.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'lessons_lib.teach' has no attribute {name!r}")
