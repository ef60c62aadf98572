"""The exam's older name, by which lessons, and readers' copies of them, import it."""

from lessons_lib.exam import exam

__all__ = ["exam"]
