"""The examination of a checkpointer, stricter than LangGraph's own suite of conformance.

How it goes, from the call to the table: `saver_exam`, below, takes the checks one by one
(checks.py). For each it lets `make` give a fresh saver, which `Examined` (examined.py) asks in one
way, be it sync or async. What a check saw is a `Finding`; all of them are the `Report` (report.py).
Everything stands on what the saver's methods give back: no table and no private name is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from lessons_lib.observe.pictures.waiting import waiting
from lessons_lib.saver_exam.report import Finding, Report

if TYPE_CHECKING:  # these load LangGraph, for which nobody has to wait who only imports
    from lessons_lib.saver_exam.checks import Check
    from lessons_lib.saver_exam.examined import Examined, Loop

__all__ = ["Finding", "Report", "saver_exam"]

T = TypeVar("T")
PATIENCE, BUDGET = 5.0, 20.0
"""Seconds after which a check is given up, and after which no other is begun."""


def saver_exam(make: Callable[[], Any]) -> Report:
    """Examine a LangGraph checkpointer, and name each fault in a sentence.

    - `make`: gives a fresh saver at each call, or a context manager or an async context manager of
      one, or is a coroutine function that does: `InMemorySaver`,
      `lambda: SqliteSaver.from_conn_string(":memory:")`. It may stand on a database with other
      threads in it: each check uses threads of its own, and deletes them.

    The report has `faults` (it does something else than a checkpointer must), `lacks` (what it
    leaves out, and says so: `copy_thread`, say) and `not_made` (what could not be looked at, which
    is never told as passed). A saver with sync methods is examined through those, its async ones
    are looked at once; an async saver, or one that a coroutine makes, the other way round.

    >>> from langgraph.checkpoint.memory import InMemorySaver
    >>> report = saver_exam(InMemorySaver)
    >>> report.faults
    ()
    >>> [finding.part for finding in report.lacks]
    ['put', 'delete_for_runs', 'copy_thread', 'prune', 'prune']

    Raises TypeError when `make` gives no saver.
    """
    from lessons_lib.saver_exam.checks import CHECKS
    from lessons_lib.saver_exam.examined import Loop

    if not callable(make):
        raise TypeError(f"{make!r} makes no saver: give a function, saver_exam(lambda: MySaver())")
    loop = Loop()
    try:
        name = _name(make, loop)
        end = time.monotonic() + BUDGET
        with waiting("the saver exam") as tell:
            findings = []
            for check in CHECKS:
                tell(f"the saver exam: {check.part}, {check.name}")
                findings.append(_put_to(check, make, loop, end))
    finally:
        loop.end()
    return Report(name, tuple(findings))


def _name(make: Callable[[], Any], loop: Loop) -> str:
    """The name of the saver's class; raises TypeError when no saver is made."""
    try:
        return _look(make, loop, lambda saver: type(saver.saver).__name__)
    except Exception as error:
        told = "" if isinstance(error, TypeError) else f"{type(error).__name__}: "
        raise TypeError(f"make() made no saver: {told}{error}") from error


def _put_to(check: Check, make: Callable[[], Any], loop: Loop, end: float) -> Finding:
    """Look at a fresh saver; what could not be looked at is told as that."""
    if time.monotonic() > end:
        return check.found("not made", "no time was left for it")
    try:
        return _look(make, loop, check.of)
    except Exception as error:
        return check.found("not made", f"{type(error).__name__}: {error}")


def _look(make: Callable[[], Any], loop: Loop, at: Callable[[Examined], T]) -> T:
    """Look at a fresh saver, on a thread: one that locks itself out must not keep us waiting."""
    from lessons_lib.saver_exam.examined import on_thread, opened

    def look() -> T:
        with opened(make, loop) as saver:
            return at(saver)

    done = on_thread(look)
    try:
        return done.result(PATIENCE)
    except TimeoutError:
        if done.done():
            raise
        raise TimeoutError(f"it did not come back within {PATIENCE:g} seconds") from None
