"""Predict, recall, check, hint, solution, progress, restore, catch_up: what lessons ask of you."""

from lessons_lib.teach.asking import predict, recall
from lessons_lib.teach.catching import catch_up
from lessons_lib.teach.checking import check
from lessons_lib.teach.helping import hint, solution
from lessons_lib.teach.tally import progress, restore

__all__ = ["catch_up", "check", "hint", "predict", "progress", "recall", "restore", "solution"]
