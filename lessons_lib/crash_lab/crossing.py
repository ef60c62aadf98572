"""What can cross from one process to another, and what is in the way when it cannot.

Functions and classes of a notebook live in its `__main__`, where another process cannot find them;
cloudpickle sends them by value. Open files, connections and locks belong to one process for good.

What it sends would be less than what was there in four ways, made good here: annotations that are
lazy, or that name what only the notebook knows; types that are found by name; a model of pydantic
that waits for a name; and an object that a library knows by `is`.
"""

from __future__ import annotations

import functools
import inspect
import io
import sys
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import MISSING
from typing import Any, ForwardRef, NewType, TypedDict, get_type_hints, is_typeddict


def dumps(value: object) -> bytes:
    """Pickle a value, functions and classes of a notebook by value.

    >>> loads(dumps(lambda: 3))()
    3
    """
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Sends also what `functools.cache` made (its answers stay here), and what stands above."""

        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, _Cached) and thing.__module__ == "__main__":
                return _cached, (thing.__wrapped__, thing.cache_parameters())
            if type(thing) is object or thing is MISSING:
                return _sentinel(thing)
            if isinstance(thing, _ALIASES) and not _is_found_by_name(thing):
                return _alias(thing)
            if _LAZY and type(thing) is ForwardRef:
                return _forward_ref(thing)
            try:
                reduced = super().reducer_override(thing)
            except Exception:
                if not (_LAZY and isinstance(thing, types.FunctionType)):
                    raise
                reduced = super().reducer_override(_twin(thing))
            if not isinstance(reduced, tuple) or len(reduced) < 3:
                return reduced  # what the child imports
            if getattr(thing, "__pydantic_complete__", True) is False:
                # As its first use would: the child does not know the names that it waits for.
                thing.model_rebuild(raise_errors=False, _types_namespace={})
                reduced = super().reducer_override(thing)
            return _with_annotations(thing, reduced)

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
    """What cloudpickle sends of a class or function by value, with annotations that hold there."""
    attributes, slots = reduced[2]
    if isinstance(thing, type):
        if _LAZY and getattr(thing, "__annotate__", None) is not None:
            asked_before = attributes.pop("__annotations_cache__", None)
            own = {"__annotations__": asked_before or _annotations(thing), **attributes}
            attributes.clear()
            attributes.update(own)  # first, as before 3.14: pydantic's validators need it so
        if is_typeddict(thing) and "__orig_bases__" not in attributes:
            # 3.11 forgets what such a class was derived from, and its own attributes have it all.
            make, (kind, name, _, *others), *more = reduced
            reduced = make, (kind, name, (TypedDict,), *others), *more
    for found in (attributes, slots):
        if said := found.get("__annotations__"):
            found["__annotations__"] = {name: _meaning(said[name], thing) for name in said}
    return reduced


def _meaning(annotation: Any, thing: Any) -> Any:
    """What an annotation stands for, where it is a string or has one in it that is known here."""
    one = type(thing.__name__, (), {"__annotations__": {"it": annotation}})
    within = dict(vars(thing)) if isinstance(thing, type) else {}
    with suppress(Exception):
        meant = get_type_hints(one, within, _names(thing), include_extras=True)["it"]
        return annotation if annotation is None else meant  # not its class
    return annotation


def _names(thing: Any) -> dict[str, Any]:
    """The names among which a class or function was defined."""
    return getattr(thing, "__globals__", None) or vars(sys.modules[thing.__module__])


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


_ALIASES = (NewType, getattr(typing, "TypeAliasType", NewType))


def _is_found_by_name(alias: Any) -> bool:
    found = getattr(sys.modules.get(alias.__module__), alias.__name__, None)
    return bool(found is alias and alias.__module__ != "__main__")


def _alias(alias: Any) -> Any:
    """What `NewType` or the statement `type` made, which pickle would look for by its name."""
    if isinstance(alias, NewType):
        return NewType, (alias.__name__, alias.__supertype__)
    kind: Any = type(alias)
    make = functools.partial(kind, type_params=alias.__type_params__)
    return make, (alias.__name__, alias.__value__)


def _sentinel(one: object) -> Any:
    """An object that stands for something by being itself: one that a module has, is named."""
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is one and module.__name__ != "__main__":
                return getattr, (module, name)
    return NotImplemented


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
