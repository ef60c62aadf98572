"""What an object holds: every reference that leaves it, by the name a reader knows it by.

Python's collector knows an object's references (`gc.get_referents`) but not what they are called,
and it does not know weak ones at all. `_TABLE` says for each type how its instances are read; one
more type is one more line there. Nothing here calls code of the program's own classes: no `repr`,
no property, no `__getattr__`.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import os
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeGuard, TypeVar, overload

from ..pictures.style import shorten
from .frames import frame_locals, frames_of

T = TypeVar("T")
U = TypeVar("U")
LinkStyle = Literal["solid", "dashed", "dotted"]
"""Solid is a plain reference, dashed a weak one, dotted one that no name or attribute shows."""
OWN_PACKAGE = __name__.rsplit(".", 2)[0]
OWN_FOLDER = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""The instruments' own code: what it holds while it looks is never reported."""
VALUE_LIMIT = 28
ITEM_LIMIT = 500
"""Of a longer container, only this many items are looked at."""


# -- types, asked without the help of their own classes -------------------------------------------


class Kinds(frozenset[type]):
    """Types told apart by identity: a metaclass may have an `==` of its own, and no hash.

    >>> ValueError in Kinds({KeyError, ValueError})
    True
    """

    def __new__(cls, kinds: Iterable[type]) -> Kinds:
        made = super().__new__(cls, kinds)
        made.ids = frozenset(map(id, made))
        return made

    ids: frozenset[int]

    def __contains__(self, kind: object) -> bool:
        return id(kind) in self.ids


DESCRIPTORS = Kinds(
    {property, classmethod, staticmethod, types.GetSetDescriptorType, types.MemberDescriptorType}
    | {types.WrapperDescriptorType, types.MethodDescriptorType}
)
ATOMS = Kinds(
    {int, float, complex, bool, str, bytes, bytearray, range, slice, type(None), type(...)}
    | {type(NotImplemented), types.CodeType, types.ModuleType, types.GenericAlias, memoryview}
    | DESCRIPTORS
)
"""Types of which no object is drawn as a box: they refer to nothing that a reader made."""

SUSPENDED = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_METHODS = (types.MethodType, types.BuiltinFunctionType)
_HIDDEN = (
    *(types.FunctionType, *_METHODS, *SUSPENDED, types.CellType),
    *(types.FrameType, types.TracebackType, functools.partial, map, filter, zip, enumerate),
)


@overload
def is_a(thing: object, kinds: type[T]) -> TypeGuard[T]: ...
@overload
def is_a(thing: object, kinds: tuple[type[T], type[U]]) -> TypeGuard[T | U]: ...
@overload
def is_a(thing: object, kinds: tuple[type, ...]) -> bool: ...
def is_a(thing: object, kinds: type | tuple[type, ...]) -> bool:
    """Whether a thing is of a built-in type, asked of its real type.

    `isinstance` asks the thing itself for its `__class__` when its type says no: that runs a
    property of the reader's, loads a lazy proxy, and fails on a weak proxy whose object is gone.
    """
    return issubclass(type(thing), kinds)


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement (or by a modern C module)
mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
name_of: Callable[[type], str] = type.__dict__["__name__"].__get__
_module_of: Callable[[type], str] = type.__dict__["__module__"].__get__
_names_in: Callable[[type], types.MappingProxyType[str, Any]] = type.__dict__["__dict__"].__get__
"""A type's own bases and names, asked of `type`: a metaclass may run code of the reader's."""


def full_name(kind: type) -> str:
    """The module and the name of a class."""
    return f"{_module_of(kind)}.{name_of(kind)}"


def with_subclasses(*kinds: type) -> set[int]:
    """The ids of some types and of all that have them as a base."""
    found = list(kinds)
    for kind in found:  # grows while it is walked
        found += type.__subclasses__(kind)
    return set(map(id, found))


def is_lasting(thing: object) -> bool:
    """True for a class that lives as long as Python, or as the module in which it has its name."""
    if not is_a(thing, type):
        return False
    home = sys.modules.get(str(_module_of(thing)))
    names = home.__dict__ if is_a(home, types.ModuleType) else {}
    return not thing.__flags__ & _HEAP_TYPE or names.get(name_of(thing)) is thing


def is_hidden(kind: type) -> bool:
    """True for what holds objects without showing it: closures, generators, frames, iterators."""
    # There are dozens of types of iterators, and most have no public name.
    return issubclass(kind, _HIDDEN) or name_of(kind).endswith(("iterator", "cache_wrapper"))


# -- words ----------------------------------------------------------------------------------------

_SHORT = Kinds({float, bool, complex, range, type(None), type(...)})


def atom_text(value: object) -> str:
    """A short text for a value of a built-in type; other values become a dot.

    >>> atom_text("cv.pdf"), atom_text(3), atom_text([])
    ("'cv.pdf'", '3', '•')
    """
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        text = repr(value[:24])  # type: ignore[index]
        return text if len(value) <= 24 else text[:-1] + "…" + text[-1]  # type: ignore[arg-type]
    if kind is int:  # Python refuses to write out one of more than 4,300 digits
        return str(value) if -(10**15) < value < 10**15 else "a large int"  # type: ignore[operator]
    if kind in _SHORT:
        return repr(value)
    return kind.__name__ if kind in ATOMS else "•"


_TITLES: tuple[tuple[Any, str], ...] = (
    (types.FrameType, "frame of {0.f_code.co_name}"),
    (types.FunctionType, "function {0.__name__}"),
    (_METHODS, "method {0.__name__}"),
    (SUSPENDED, "{1} {0.__name__}"),
    (threading.local, "threading.local"),
    (contextvars.Context, "context variable"),
    (type, "class {0.__name__}"),
)


def title(thing: object) -> str:
    """What a reader calls the kind of an object.

    >>> title([]), title(str), title(n for n in ())
    ('list', 'class str', 'generator <genexpr>')
    """
    kind = name_of(type(thing))
    for types_, words in _TITLES:
        if is_a(thing, types_):
            return words.format(thing, kind.replace("_", " "))
    if kind == "_lru_cache_wrapper":
        return f"lru_cache of {getattr(thing, '__name__', 'a function')}"
    return kind


_TELLING = ("name", "title", "label", "path", "filename", "key", "id", "text")


def telling_name(thing: object) -> str:
    """A plain string among an instance's attributes by which a reader would call it, or ''."""
    found = {
        key: value
        for key, value in attributes(thing)
        if type(key) is str and key in _TELLING and type(value) is str
    }
    return next((shorten(found[key], 24) for key in _TELLING if found.get(key)), "")


def attributes_text(stored: list[tuple[str, Any]]) -> str:
    """The first two plain values among an instance's attributes.

    >>> attributes_text([("name", "cv.pdf"), ("file", []), ("size", 3)])
    "name='cv.pdf', size=3"
    """
    shown = [f"{name}={atom_text(value)}" for name, value in stored[:6] if type(value) in ATOMS]
    return shorten(", ".join(shown[:2]), VALUE_LIMIT)


# -- how an object is read -------------------------------------------------------------------------

Pairs = list[tuple[str, Any]]
"""All that an object holds, plain values too, each with its label."""


class Reader(NamedTuple):
    """How the instances of a type are read."""

    pairs: Callable[[Any], Pairs]
    say: Callable[[Any, Pairs], str] = lambda _, pairs: ""
    """A short value of an object, given what it holds."""
    length: Callable[[Any], int] | None = None
    """How many items it has, of a container; of a long one `pairs` has the first."""
    shows_all: bool = True
    """Whether one sees all it holds in its attributes and items: not of functions, frames …"""
    kind: type = object
    """The type, held: a table that knows its readers by `id` of the type would else mix two up."""


def reader_of(kind: type) -> Reader:
    """How the instances of a type are read: as the nearest base that is in the table."""
    base = next((base for base in mro(kind) if base in _IN_TABLE), None)
    known = _TABLE[base] if base else Reader(lambda _: [])
    if base and (base is kind or not known.length):
        return known._replace(kind=kind)
    return _instance_reader(kind, known)


def named(thing: object) -> Pairs:
    """All that an object holds by a name, plain values too.

    >>> named({"role": "user", "file": []})
    [("'role'", 'user'), ("'file'", [])]
    """
    return reader_of(type(thing)).pairs(thing)


def value_text(thing: object) -> str:
    """A short value of any object.

    >>> value_text([1, "a", []])
    "[1, 'a', •]"
    """
    reader = reader_of(type(thing))
    return shorten(reader.say(thing, reader.pairs(thing)), VALUE_LIMIT)


# -- instances: attributes, items of a base, and what C code holds for them ----------------------


def attributes(thing: object) -> Pairs:
    """Attributes stored in an instance: its `__dict__` and its slots, read without its help."""
    return attribute_reader(type(thing))(thing)


def attribute_reader(kind: type) -> Callable[[object], Pairs]:
    """A reader of the attributes of one class's instances; it holds the class."""
    getter, slots = _dict_getter(kind), _slots(kind)

    def read_attributes(thing: object) -> Pairs:
        table = getter(thing) if getter else None
        # Of a dict alone: a subclass could run code of its own.
        found = list(islice(table.items(), ITEM_LIMIT)) if type(table) is dict else []
        for name, slot in slots:
            with suppress(AttributeError):  # a slot that was never filled
                found.append((name, slot.__get__(thing, kind)))
        return found

    return read_attributes


def _dict_getter(kind: type) -> Callable[[Any], Any] | None:
    for base in mro(kind):
        own = _names_in(base).get("__dict__")
        # A member it is in a SimpleNamespace alone.
        if is_a(own, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            return own.__get__
    return None


def is_dict_of(thing: object, table: object) -> bool:
    """Whether a dictionary is where an instance keeps its attributes."""
    getter = _dict_getter(type(thing))
    return getter is not None and getter(thing) is table


def _slots(kind: type) -> list[tuple[str, types.MemberDescriptorType]]:
    return [
        (name, slot)
        for base in mro(kind)
        if base.__flags__ & _HEAP_TYPE
        for name, slot in _names_in(base).items()
        if is_a(slot, types.MemberDescriptorType)
    ]


def _instance_reader(kind: type, inner: Reader) -> Reader:
    """The reader for instances of one class; `inner` reads the container that it is based on."""
    read_attributes, has_c_part = attribute_reader(kind), _has_c_part(kind)

    def read_instance(thing: object) -> Pairs:
        pairs = read_attributes(thing) + inner.pairs(thing)
        return pairs + _held_in_c(thing, pairs) if has_c_part else pairs

    def say(thing: object, _: Pairs) -> str:
        value = inner.say(thing, inner.pairs(thing))
        return f"{value} {attributes_text(read_attributes(thing))}".strip()

    return Reader(read_instance, say, inner.length, not is_hidden(kind), kind)


def _has_c_part(kind: type) -> bool:
    """Whether C code may hold something for an instance that its attributes do not show."""
    static = [base for base in mro(kind) if not base.__flags__ & _HEAP_TYPE]
    known = all(base is object or base in _CONTAINERS for base in static)
    return not known or _module_of(kind) in _C_MODULES


_C_MODULES = ("functools", "itertools", "_contextvars", "_thread", "_asyncio")


def _held_in_c(thing: object, known: Pairs) -> Pairs:
    """References that only the collector knows of, held in the C part of an object."""
    own = _dict_getter(type(thing))
    seen = {id(own(thing)) if own else 0}  # its attributes were read one by one
    seen.update(id(target) for _, target in known)
    names = {id(value): name for name, value in _named_in_c(thing)}
    return [
        (names.get(id(target), ""), target)
        for target in gc.get_referents(thing)
        if id(target) not in seen and type(target) not in ATOMS and not is_a(target, type)
    ]


def _named_in_c(thing: object) -> Iterator[tuple[str, object]]:
    """What a task or a future of asyncio keeps, by its name; it is not asked, but its type."""
    for base in mro(type(thing)):
        if base.__module__ == "_asyncio":
            for name in ("_result", "_exception", "_coro"):
                if is_a(getter := _names_in(base).get(name), types.GetSetDescriptorType):
                    yield name, getter.__get__(thing)


# -- containers ------------------------------------------------------------------------------------

INDEXES = [f"[{i}]" for i in range(ITEM_LIMIT)]


def _sequence(base: Any, brackets: str) -> Reader:
    """Lists, tuples, deques: their items by index."""

    def items(thing: Any) -> Pairs:  # by the base's own methods: a subclass may have others
        return list(zip(INDEXES, islice(base.__iter__(thing), ITEM_LIMIT), strict=False))

    def say(_: object, pairs: Pairs) -> str:
        shown = ", ".join([atom_text(item) for _, item in pairs[:5]])
        return f"{brackets[0]}{shown}{', …' if len(pairs) > 5 else ''}{brackets[1]}"

    return Reader(items, say, base.__len__)


def _set(base: Any) -> Reader:
    """Sets: the order in which they are walked differs from run to run, so it is sorted away."""

    def members(thing: Any) -> Pairs:
        some = list(islice(base.__iter__(thing), ITEM_LIMIT))
        objects = [item for item in some if type(item) not in ATOMS]
        objects.sort(key=lambda item: (name_of(type(item)), telling_name(item)))
        return [("", item) for item in some if type(item) in ATOMS] + [("", it) for it in objects]

    def say(_: object, pairs: Pairs) -> str:
        texts = sorted(atom_text(item) for _, item in pairs)
        return f"{{{', '.join(texts[:4])}{', …' if len(texts) > 4 else ''}}}"

    return Reader(members, say, base.__len__)


def _dict_pairs(table: dict[Any, Any]) -> Pairs:
    """Values by their key, and keys that are objects themselves."""
    items = list(islice(dict.items(table), ITEM_LIMIT))
    pairs = [(atom_text(key), value) for key, value in items]
    return pairs + [("key", key) for key, _ in items if type(key) not in ATOMS]


def _say_dict(table: dict[Any, Any], _: Pairs) -> str:
    shown = [f"{atom_text(k)}: {atom_text(v)}" for k, v in islice(dict.items(table), 3)]
    return f"{{{', '.join(shown)}{', …' if dict.__len__(table) > 3 else ''}}}"


def _keys_and_values(table: dict[Any, Any]) -> Pairs:
    items = list(islice(dict.items(table), ITEM_LIMIT))
    return [("key", ref) for ref, _ in items] + [("value", value) for _, value in items]


# -- what holds objects unseen ---------------------------------------------------------------------


def _function_pairs(function: types.FunctionType) -> Pairs:
    """A function holds the variables it closes over, and its defaults."""
    code, defaults = function.__code__, function.__defaults__ or ()
    pairs: Pairs = []
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        pairs += [(name, value) for _, value in _cell_pairs(cell)]
    arguments = code.co_varnames[: code.co_argcount]
    pairs += zip(arguments[len(arguments) - len(defaults) :], defaults, strict=False)
    pairs += (function.__kwdefaults__ or {}).items()
    pairs += function.__dict__.items()
    return pairs


def _cell_pairs(cell: types.CellType) -> Pairs:
    try:
        return [("", cell.cell_contents)]
    except ValueError:  # the variable has no value yet, or no longer
        return []


def _method_pairs(method: Any) -> Pairs:
    """A bound method holds the object it is bound to, and a function that holds anything itself."""
    pairs: Pairs = []
    # Of `len` and of a class method that is a module or a class: nothing to free.
    if not is_a(method.__self__, (types.ModuleType, type)):
        pairs.append(("self", method.__self__))
    if is_a(method, types.MethodType):
        function = method.__func__
        if any(type(target) not in ATOMS for _, target in named(function)):
            pairs.append(("function", function))
    return pairs


def _partial_pairs(call: functools.partial[Any]) -> Pairs:
    arguments = [(f"[{i}]", value) for i, value in enumerate(call.args)]
    return [("function", call.func), *arguments, *call.keywords.items()]


def _frame_pairs(frame: types.FrameType) -> Pairs:
    """The names of a frame; `.0` is what Python calls the iterable of a comprehension."""
    return [("in" if n.startswith(".") else n, v) for n, v in frame_locals(frame).items()]


def _exception_pairs(error: BaseException) -> Pairs:
    """An exception keeps its arguments, the frames of its traceback, its cause and context."""
    pairs: Pairs = [(f"args[{i}]", arg) for i, arg in enumerate(error.args)]
    pairs += [(n, getattr(error, n)) for n in ("__traceback__", "__cause__", "__context__")]
    return pairs + attributes(error)


def _say_exception(error: BaseException, _: Pairs) -> str:
    return atom_text(error.args[0]) if error.args and type(error.args[0]) in ATOMS else ""


def _frame_of(suspended: Any) -> types.FrameType | None:
    """The frame of a generator or coroutine; None when it has finished."""
    frames = (getattr(suspended, name, None) for name in ("gi_frame", "cr_frame", "ag_frame"))
    return next((frame for frame in frames if frame is not None), None)


def _suspended_pairs(thing: Any) -> Pairs:
    """A suspended generator or coroutine keeps its frame, and so every local of it."""
    frame = _frame_of(thing)
    if frame is None or frame.f_back:  # while it runs, they are the names of a running function
        return []
    waits = (getattr(thing, name, None) for name in ("gi_yieldfrom", "cr_await", "ag_await"))
    pairs = [*_frame_pairs(frame), *(("waits for", inner) for inner in waits if inner is not None)]
    unwanted = (types.FunctionType, types.FrameType, dict)
    return pairs + [pair for pair in _held_in_c(thing, pairs) if not is_a(pair[1], unwanted)]


def _say_suspended(thing: Any, _: Pairs) -> str:
    frame = _frame_of(thing)
    return "finished" if frame is None else "running" if frame.f_back else ""


def _class_pairs(kind: type) -> Pairs:
    """A class keeps what its own attributes keep: a registry, a cache, a counter."""
    own = [(n, v) for n, v in _names_in(kind).items() if not n.startswith("__")]
    return [(n, v) for n, v in own if not (callable(v) or type(v) in DESCRIPTORS)]


_unseen = functools.partial(Reader, shows_all=False)
_TABLE: dict[type, Reader] = {
    list: _sequence(list, "[]"),
    tuple: _sequence(tuple, "()"),
    deque: _sequence(deque, "[]"),
    set: _set(set),
    frozenset: _set(frozenset),
    dict: Reader(_dict_pairs, _say_dict, dict.__len__),
    type: Reader(_class_pairs),
    types.FunctionType: _unseen(_function_pairs),
    **dict.fromkeys(_METHODS, _unseen(_method_pairs)),
    types.CellType: _unseen(_cell_pairs),
    **dict.fromkeys(SUSPENDED, _unseen(_suspended_pairs, _say_suspended)),
    types.FrameType: _unseen(_frame_pairs),
    types.TracebackType: _unseen(lambda found: [("", frame) for frame in frames_of(found)]),
    BaseException: _unseen(_exception_pairs, _say_exception),
    functools.partial: _unseen(_partial_pairs),
    contextvars.Context: _unseen(lambda context: [(var.name, v) for var, v in context.items()]),
    weakref.WeakValueDictionary: _unseen(lambda table: _dict_pairs(table.data)),
    weakref.WeakKeyDictionary: _unseen(lambda table: _keys_and_values(table.data)),
    weakref.WeakSet: _unseen(lambda items: [("", ref) for ref in list(items.data)]),
    weakref.ProxyType: (_proxy := _unseen(lambda _: [], lambda _, pairs: "a weak proxy")),
    weakref.CallableProxyType: _proxy,
}
"""What is in an object: from the type, or a base of it, to how it is read."""
_IN_TABLE = Kinds(_TABLE)
_CONTAINERS = Kinds(kind for kind, reader in _TABLE.items() if reader.length)
