"""What can cross from one process to another, and what is in the way when it cannot.

Functions and classes of a notebook live in its `__main__`, where another process cannot find them;
cloudpickle sends them by value. Open files, connections and locks belong to one process for good.
"""

from __future__ import annotations

import functools
import inspect
import io
import types
from collections.abc import Callable
from typing import Any


def dumps(value: object) -> bytes:
    """Pickle a value, functions and classes of a notebook by value.

    >>> loads(dumps(lambda: 3))()
    3
    """
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Sends what `functools.cache` made by value as well; its answers so far stay here."""

        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, _Cached) and thing.__module__ == "__main__":
                return _cached, (thing.__wrapped__, thing.cache_parameters())
            return super().reducer_override(thing)

    file = io.BytesIO()
    Pickler(file).dump(value)
    return file.getvalue()


_Cached = type(functools.lru_cache(len))


def _cached(function: Callable[..., object], how: dict[str, Any]) -> object:
    return functools.lru_cache(**how)(function)


def loads(pickled: bytes) -> object:
    """Unpickle what `dumps` of another process, trusted, has pickled."""
    import cloudpickle

    return cloudpickle.loads(pickled)


def pack(function: Callable[..., object]) -> bytes:
    """Pickle a function so that another process can call it, wherever it was defined.

    Raises TypeError naming what the function holds on to when that cannot leave this process.
    """
    try:
        return dumps(function)
    except Exception as error:
        raise TypeError(
            f"{_name(function)} cannot go to another process: {_culprit(function, error)}; "
            "open it inside the function, from the folder that is passed in"
        ) from None


def _culprit(function: Callable[..., object], error: Exception) -> str:
    """Name the variable that does not cross, looked for through the functions that are used."""
    found = _find_culprit(function, set())
    return found or f"it holds something that stays here ({error})"


def _find_culprit(function: object, seen: set[int]) -> str:
    seen.add(id(function))
    for name, value in _variables(function):
        if id(value) in seen or _crosses(value):
            continue
        return _find_culprit(value, seen) or f"it uses {name!r}, a {type(value).__name__}"
    return ""


def _variables(function: object) -> list[tuple[str, object]]:
    """Return what a function's names stand for: defaults, closure, globals, its own `self`."""
    function = inspect.unwrap(function) if callable(function) else function
    owner = getattr(function, "__self__", None)
    mine = [("self", owner)] if owner is not None else []
    function = getattr(function, "__func__", function)
    if not isinstance(function, types.FunctionType):
        return mine
    names = inspect.getclosurevars(function)
    defaults = enumerate(function.__defaults__ or ())
    return [
        *mine,
        *names.nonlocals.items(),
        *names.globals.items(),
        *((f"default {number + 1}", value) for number, value in defaults),
    ]


def _crosses(value: object) -> bool:
    try:
        dumps(value)
    except Exception:
        return False
    return True


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", type(function).__name__)
