"""What can cross from one process to another, and what is in the way when it cannot.

Functions and classes of a notebook live in its `__main__`, where another process cannot find them;
cloudpickle sends them by value. Open files, connections and locks belong to one process for good.
"""

from __future__ import annotations

import functools
import inspect
import io
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, ForwardRef


def dumps(value: object) -> bytes:
    """Pickle a value, functions and classes of a notebook by value.

    >>> loads(dumps(lambda: 3))()
    3
    """
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Sends also what `functools.cache` made (its answers stay here), and lazy annotations."""

        def reducer_override(self, thing: Any) -> Any:
            if hasattr(type(thing), "get_state_history"):
                # LangGraph knows some objects by identity, and they would arrive as others.
                raise TypeError("a compiled graph works in the process that compiled it alone")
            if isinstance(thing, _Cached) and thing.__module__ == "__main__":
                return _cached, (thing.__wrapped__, thing.cache_parameters())
            if _LAZY and type(thing) is ForwardRef:
                return _forward_ref(thing)
            try:
                reduced = super().reducer_override(thing)
            except Exception:
                if not (_LAZY and isinstance(thing, types.FunctionType)):
                    raise
                reduced = super().reducer_override(_twin(thing))
            return _with_annotations(thing, reduced) if _LAZY else reduced

    file = io.BytesIO()
    Pickler(file).dump(value)
    return file.getvalue()


_Cached = type(functools.lru_cache(len))


def _cached(function: Callable[..., object], how: dict[str, Any]) -> object:
    return functools.lru_cache(**how)(function)


_LAZY = sys.version_info >= (3, 14)
"""From 3.14 on annotations are made by a function, when somebody first asks for them. cloudpickle
does not send that function of a class, so that a state would arrive without its channels unless
somebody had asked before; and of a function it asks for them, which fails where a name is missing.
"""


def _annotations(thing: Any) -> dict[str, Any]:
    """The annotations of a class or function: its own if all names are known, else what there is.

    They are made anew and not asked of the thing, which would keep them from then on.
    """
    from annotationlib import Format, call_annotate_function  # type: ignore[import-not-found]

    for form in (Format.VALUE, Format.FORWARDREF):
        with suppress(Exception):  # an annotation can be any expression
            return dict(call_annotate_function(thing.__annotate__, form, owner=thing))
    return {}


def _with_annotations(thing: Any, reduced: Any) -> Any:
    """What cloudpickle sends of a class by value, with the annotations that it leaves out."""
    by_value = isinstance(thing, type) and isinstance(reduced, tuple) and len(reduced) > 2
    if by_value and thing.__annotate__ is not None:
        attributes = reduced[2][0]
        asked_before = attributes.pop("__annotations_cache__", None)
        attributes["__annotations__"] = asked_before or _annotations(thing)
    return reduced


def _twin(function: types.FunctionType) -> types.FunctionType:
    """The same function with annotations that can be read."""
    f = function
    twin = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    for name in ("__dict__", "__doc__", "__kwdefaults__", "__module__", "__qualname__"):
        setattr(twin, name, getattr(function, name))
    twin.__annotations__ = _annotations(function)
    return twin


def _forward_ref(name: Any) -> Any:
    """A name that could not be resolved, without the globals it was looked for in: a notebook's."""
    how = {"module": name.__forward_module__, "owner": name.__owner__}
    make = functools.partial(ForwardRef, is_class=name.__forward_is_class__, **how)
    return make, (name.__forward_arg__,)


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
        name = getattr(function, "__name__", type(function).__name__)
        culprit = _culprit(function, set()) or f"it holds something that stays here ({error})"
        raise TypeError(
            f"{name} cannot go to another process: {culprit}; "
            "open it inside the function, from the folder that is passed in"
        ) from None


def _culprit(function: object, seen: set[int]) -> str:
    """Name the variable that does not cross, looked for through the functions that are used."""
    seen.add(id(function))
    for name, value in _variables(function):
        if id(value) in seen:
            continue
        try:
            dumps(value)
        except Exception:
            return _culprit(value, seen) or f"it uses {name!r}, a {type(value).__name__}"
    return ""


def _variables(function: object) -> Iterator[tuple[str, object]]:
    """What a function's names stand for: its own `self`, closure, globals, defaults."""
    function = inspect.unwrap(function) if callable(function) else function
    owner = getattr(function, "__self__", None)
    if owner is not None:
        yield "self", owner
    function = getattr(function, "__func__", function)
    if isinstance(function, types.FunctionType):
        names = inspect.getclosurevars(function)
        yield from names.nonlocals.items()
        yield from names.globals.items()
        for number, value in enumerate(function.__defaults__ or (), 1):
            yield f"default {number}", value
