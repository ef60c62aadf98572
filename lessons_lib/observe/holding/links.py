"""What an object refers to: every reference that leaves it, with the name a reader knows it by.

Python's collector knows an object's references (`gc.get_referents`) but not what they are called,
and it does not know weak ones at all. Here each type of object has a *reader* that finds both.
Readers never call code of the reader's own classes: no `repr`, no property, no `__getattr__`.
"""

from __future__ import annotations

import contextvars
import ctypes
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

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
LinkStyle = Literal["solid", "dashed", "dotted"]
OWN_PACKAGE = __name__.rsplit(".", 2)[0]
OWN_FOLDER = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""The instruments' own code: what it holds while it looks is never reported."""
VALUE_LIMIT = 28
ITEM_LIMIT = 500
"""Of a longer container, only this many items are looked at."""


Link = tuple[str, Any, LinkStyle]
"""A reference: its label, the object it leads to, and how it is drawn.

Solid is a plain reference, dashed a weak one, dotted one that no name or attribute shows. A plain
tuple, because a recording makes hundreds of them at each step.
"""


class Reading(NamedTuple):
    """What a look at one object gives: a short value and the references that leave it."""

    value: str
    links: list[Link]


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


ATOMS = Kinds(
    {int, float, complex, bool, str, bytes, bytearray, range, slice, type(None), type(...)}
    | {type(NotImplemented), types.CodeType, types.ModuleType, property, classmethod}
    | {staticmethod, types.GetSetDescriptorType, types.MemberDescriptorType, memoryview}
    | {types.WrapperDescriptorType, types.MethodDescriptorType, types.GenericAlias}
)
"""Types of which no object is drawn as a box: they refer to nothing that a reader made."""

_HIDDEN = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.CellType,
    types.FrameType,
    types.TracebackType,
    functools.partial,
    map,
    filter,
    zip,
    enumerate,
)


@overload
def is_a(thing: object, kinds: type[T]) -> TypeGuard[T]: ...
@overload
def is_a(thing: object, kinds: tuple[type[T], type[U]]) -> TypeGuard[T | U]: ...
@overload
def is_a(thing: object, kinds: tuple[type[T], type[U], type[V]]) -> TypeGuard[T | U | V]: ...
@overload
def is_a(thing: object, kinds: tuple[type, ...]) -> bool: ...
def is_a(thing: object, kinds: type | tuple[type, ...]) -> bool:
    """Whether a thing is of a built-in type, asked of its real type.

    `isinstance` asks the thing itself for its `__class__` when its type says no: that runs a
    property of the reader's, loads a lazy proxy, and fails on a weak proxy whose object is gone.
    """
    return issubclass(type(thing), kinds)


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


def is_hidden(kind: type) -> bool:
    """True for what holds objects without showing it: closures, generators, frames, iterators."""
    return issubclass(kind, _HIDDEN) or kind.__name__.endswith(("iterator", "cache_wrapper"))


_SHORT = Kinds({float, bool, complex, range, type(None), type(...)})


def atom_text(value: object) -> str:
    """A short text for a value of a built-in type; other values become a dot.

    >>> atom_text("cv.pdf"), atom_text(3), atom_text([])
    ("'cv.pdf'", '3', '•')
    """
    kind = type(value)
    if kind is str or kind is bytes:
        text = repr(value[:24])  # type: ignore[index]
        return text if len(value) <= 24 else text[:-1] + "…" + text[-1]  # type: ignore[arg-type]
    if kind is int:
        return str(value) if -(10**15) < value < 10**15 else "a large int"  # type: ignore[operator]
    if kind in _SHORT:
        return repr(value)
    return kind.__name__ if kind in ATOMS else "•"


def read(thing: object) -> Reading:
    """The value and the references of any object, read as its type asks for.

    >>> read([1, "a", []]).value
    "[1, 'a', •]"
    >>> [label for label, _, _ in read({"role": "user", "file": []}).links]
    ["'file'"]
    """
    return reader_of(type(thing))(thing)


def named(thing: object) -> list[tuple[str, object]]:
    """All that an object holds by a name, plain values too.

    >>> named({"role": "user", "file": []})
    [("'role'", 'user'), ("'file'", [])]
    """
    return _parts_reader(type(thing))(thing)[1]


def reader_of(kind: type) -> Callable[[Any], Reading]:
    """How the value and the references of a type's instances are read."""
    parts_of = _parts_reader(kind)
    style: LinkStyle = "dotted" if is_hidden(kind) else "solid"

    def read_links(thing: Any) -> Reading:
        value, pairs = parts_of(thing)
        return Reading(shorten(value, VALUE_LIMIT), _links(pairs, style))

    return read_links


Pairs = list[tuple[str, Any]]
Parts = tuple[str, Pairs]
"""What a reader gives: a short value, and all that the object holds, each with its label."""
Reader = Callable[[Any], Parts]


def _parts_reader(kind: type) -> Reader:
    """Find the reader for a type: that of its nearest base which has one."""
    base = _read_base(kind)
    if base is None or (base in _CONTAINERS and kind is not base):
        return _instance_reader(kind, _READERS[base] if base else None)
    return _READERS[base]


def _read_base(kind: type) -> type | None:
    return next((base for base in mro(kind) if base in _READ), None)


def read_by_type(kind: type) -> bool:
    """True for functions, frames, exceptions …: what their attributes say is not all they hold."""
    base = _read_base(kind)
    return base is not None and base not in _CONTAINERS


def link(label: str, target: object, style: LinkStyle = "solid") -> Link | None:
    """A link to a target worth drawing; None for a dead weak reference or a plain value."""
    if type(target) in ATOMS:
        return None
    if is_a(target, weakref.ref):
        alive = weakref.ref.__call__(target)
        return None if alive is None else (label, alive, "dashed")
    return label, target, style


def _links(pairs: Pairs, style: LinkStyle) -> list[Link]:
    found: list[Link] = [
        (label, target, style) for label, target in pairs if type(target) not in ATOMS
    ]
    if any(is_a(target, weakref.ref) for _, target, _ in found):
        return [strong for label, target, _ in found if (strong := link(label, target, style))]
    return found


INDEXES = [f"[{i}]" for i in range(ITEM_LIMIT)]


def _read_sequence(items: list[Any] | tuple[Any, ...]) -> Parts:
    """Lists and tuples, also subclasses: their items by index."""
    base: Any = list if is_a(items, list) else tuple
    some = base.__getitem__(items, slice(0, ITEM_LIMIT))
    shown = ", ".join([atom_text(item) for item in some[:5]])
    more = ", …" if len(some) > 5 else ""
    text = f"[{shown}{more}]" if base is list else f"({shown}{more})"
    return text, list(zip(INDEXES, some, strict=False))


def _some_items(table: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(islice(dict.items(table), ITEM_LIMIT))


def _read_dict(table: dict[Any, Any]) -> Parts:
    """Dictionaries: values by their key, and keys that are objects themselves."""
    items = _some_items(table)
    shown = ", ".join(f"{atom_text(key)}: {atom_text(value)}" for key, value in items[:3])
    more = ", …" if len(items) > 3 else ""
    pairs = [(atom_text(key), value) for key, value in items]
    pairs += [("key", key) for key, _ in items if type(key) not in ATOMS]
    return f"{{{shown}{more}}}", pairs


def _read_set(items: Iterable[Any]) -> Parts:
    """Sets: the order in which they are walked differs from run to run, so it is sorted away."""
    base: Any = set if is_a(items, set) else frozenset
    some = list(islice(base.__iter__(items), ITEM_LIMIT))
    texts = sorted(atom_text(item) for item in some)
    more = ", …" if len(texts) > 4 else ""
    objects = [item for item in some if type(item) not in ATOMS]
    objects.sort(key=lambda item: (type(item).__name__, telling_name(item)))
    return f"{{{', '.join(texts[:4])}{more}}}", [("", item) for item in objects]


def _read_deque(items: deque[Any]) -> Parts:
    return _read_sequence(list(islice(deque.__iter__(items), ITEM_LIMIT)))


def attributes(thing: object) -> list[tuple[str, object]]:
    """Attributes stored in an instance: its `__dict__` and its slots, read without its help."""
    return attribute_reader(type(thing))(thing)


def attribute_reader(kind: type) -> Callable[[object], list[tuple[str, object]]]:
    """A reader of the attributes of one class's instances; it holds the class."""
    getter, slots = _dict_getter(kind), _slots(kind)

    def read_attributes(thing: object) -> list[tuple[str, object]]:
        table = getter(thing) if getter else None
        found = list(table.items()) if type(table) is dict else []
        if len(found) > ITEM_LIMIT:
            del found[ITEM_LIMIT:]
        for name, slot in slots:
            with suppress(AttributeError):
                found.append((name, slot.__get__(thing, kind)))
        return found

    return read_attributes


def _dict_getter(kind: type) -> Callable[[Any], Any] | None:
    for base in mro(kind):
        own = _names_in(base).get("__dict__")
        if is_a(own, types.GetSetDescriptorType):
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


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement (or by a modern C module)
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


def only_a_dict(kind: type) -> Callable[[Any], dict[str, Any]] | None:
    """How to get the `__dict__` of a class's instances, if they keep all they have in it."""
    special = _read_base(kind) is not None
    plain = not special and not _slots(kind) and not _has_c_part(kind) and not is_hidden(kind)
    return _dict_getter(kind) if plain else None


def _has_c_part(kind: type) -> bool:
    """Whether C code may hold something for an instance that its attributes do not show."""
    static = [base for base in mro(kind) if not base.__flags__ & _HEAP_TYPE]
    known = all(base is object or base in _CONTAINERS for base in static)
    return not known or kind.__module__ in _C_MODULES


_C_MODULES = ("functools", "itertools", "_contextvars", "_thread", "_asyncio")


def _instance_reader(kind: type, inner: Reader | None) -> Reader:
    """A reader for instances of one class: attributes first, then what C code holds for it."""
    read_attributes = attribute_reader(kind)
    has_c_part = _has_c_part(kind)

    def read_instance(thing: object) -> Parts:
        pairs = read_attributes(thing)
        text = attributes_text(pairs)
        if inner:
            value, items = inner(thing)
            text = f"{value} {text}".strip()
            pairs += items
        if has_c_part:
            pairs += _unnamed(thing, pairs)
        return text, pairs

    return read_instance


def _unnamed(thing: object, known: Pairs) -> Pairs:
    """References that only the collector knows of, held in the C part of an object."""
    seen = {id(target) for _, target in known}
    own = _dict_getter(type(thing))
    seen.add(id(own(thing)) if own else 0)
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


def _read_function(function: types.FunctionType) -> Parts:
    """A function holds the variables it closes over, and its defaults."""
    code, defaults = function.__code__, function.__defaults__ or ()
    pairs: Pairs = []
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        pairs += [(name, value) for value in _content(cell)]
    arguments = code.co_varnames[: code.co_argcount]
    pairs += zip(arguments[len(arguments) - len(defaults) :], defaults, strict=False)
    pairs += (function.__kwdefaults__ or {}).items()
    pairs += function.__dict__.items()
    return "", pairs


def _content(cell: types.CellType) -> list[object]:
    try:
        return [cell.cell_contents]
    except ValueError:  # the variable has no value yet, or no longer
        return []


def _read_method(method: types.MethodType | types.BuiltinFunctionType) -> Parts:
    """A bound method holds the object it is bound to, and a function that holds anything itself."""
    bound = method.__self__
    pairs = [] if is_a(bound, (types.ModuleType, type)) else [("self", bound)]
    if is_a(method, types.MethodType) and read(method.__func__).links:
        pairs.append(("function", method.__func__))
    return "", pairs


def _read_partial(call: functools.partial[Any]) -> Parts:
    arguments = [(f"[{i}]", value) for i, value in enumerate(call.args)]
    return "", [("function", call.func), *arguments, *call.keywords.items()]


_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
READS_RUNNING = sys.version_info >= (3, 13) and _GIL
"""Whether the locals of a frame that another thread is running can be read.

Up to CPython 3.12 to read them is to write them: what a thread does between the two is undone.
"""


def stack_of(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """A frame and those that called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def running_elsewhere() -> list[list[types.FrameType]]:
    """The frames of all other threads, a list for each thread."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]  # a function that held its own frame would be a cycle
    return [list(stack_of(frame)) for frame in frames.values()]


def _runs_elsewhere(frame: types.FrameType) -> bool:
    if any(own is frame for own in stack_of(sys._getframe())):
        return False
    return any(other is frame for stack in running_elsewhere() for other in stack)


if sys.version_info < (3, 13):
    _write_back = ctypes.PYFUNCTYPE(None, ctypes.py_object, ctypes.c_int)(
        ("PyFrame_LocalsToFast", ctypes.pythonapi)
    )


def frame_locals(frame: types.FrameType) -> dict[str, object]:
    """The local variables of a frame, without leaving a trace of the look.

    Empty for a frame that another thread is running, up to CPython 3.12: see `READS_RUNNING`. There
    a function's `f_locals` is a dictionary that stays with the frame and so keeps every value
    alive. It is emptied again here, once the frame was told that nothing in it is to be written
    back. That is to write it back: in the same expression, so that no other thread comes between
    and loses what it did to a variable they share. From 3.13 on it is a view (PEP 667).
    """
    if not READS_RUNNING and _runs_elsewhere(frame):
        return {}
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & 1:  # not a function's
        return dict(frame.f_locals)
    seen, _ = frame.f_locals, _write_back(frame, 0)
    found = dict(seen)
    if sys.getrefcount(seen) <= _ALONE:
        seen.clear()
    return found


_ALONE = 3  # the frame, this function's variable, getrefcount's argument: nobody else has it


def _read_frame(frame: types.FrameType) -> Parts:
    """The names of a frame; `.0` is what Python calls the iterable of a comprehension."""
    return "", [("in" if n.startswith(".") else n, v) for n, v in frame_locals(frame).items()]


def frames_of(traceback: types.TracebackType | None) -> list[types.FrameType]:
    """The frames a traceback keeps, from the one that caught to the one that raised."""
    frames = []
    while traceback is not None:
        if traceback.tb_frame not in frames:
            frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames


def _read_exception(error: BaseException) -> Parts:
    """An exception keeps its arguments, the frames of its traceback, its cause and context."""
    args = error.args
    value = atom_text(args[0]) if args and type(args[0]) in ATOMS else ""
    pairs: Pairs = [(f"args[{i}]", arg) for i, arg in enumerate(args)]
    pairs += [(n, getattr(error, n)) for n in ("__traceback__", "__cause__", "__context__")]
    return value, pairs + attributes(error)


def _read_generator(generator: Any) -> Parts:
    """A suspended generator or coroutine keeps its frame, and so every local of it."""
    prefix = next(p for p in ("gi", "cr", "ag") if hasattr(generator, f"{p}_frame"))
    frame = getattr(generator, f"{prefix}_frame")
    if frame is None:
        return "finished", []
    if getattr(generator, f"{prefix}_running"):
        return "running", []  # what it holds are the names of a running function now
    _, pairs = _read_frame(frame)
    inner = getattr(generator, {"gi": "gi_yieldfrom"}.get(prefix, f"{prefix}_await"), None)
    pairs.append(("waits for", inner))
    on_stack = (
        pair
        for pair in _unnamed(generator, pairs)
        if not is_a(pair[1], (types.FunctionType, types.FrameType, dict))
    )
    return "", [*pairs, *on_stack]


def _read_class(kind: type) -> Parts:
    """A class keeps what its own attributes keep: a registry, a cache."""
    own = [(n, v) for n, v in _names_in(kind).items() if not n.startswith("__")]
    return "", [(n, v) for n, v in own if not (callable(v) or type(v) in ATOMS)]


def _keys_and_values(table: dict[Any, Any]) -> Pairs:
    items = _some_items(table)
    return [("key", ref) for ref, _ in items] + [("value", value) for _, value in items]


def _read_proxy(_: object) -> Parts:
    return "a weak proxy", []


_CONTAINERS = Kinds({list, tuple, dict, set, frozenset, deque})
_READERS: dict[type, Reader] = {
    **dict.fromkeys((list, tuple), _read_sequence),
    **dict.fromkeys((set, frozenset), _read_set),
    dict: _read_dict,
    deque: _read_deque,
    types.FunctionType: _read_function,
    **dict.fromkeys((types.MethodType, types.BuiltinFunctionType), _read_method),
    types.CellType: lambda cell: ("", [("", value) for value in _content(cell)]),
    **dict.fromkeys((types.GeneratorType, types.CoroutineType), _read_generator),
    types.AsyncGeneratorType: _read_generator,
    types.FrameType: _read_frame,
    types.TracebackType: lambda found: ("", [("", frame) for frame in frames_of(found)]),
    BaseException: _read_exception,
    functools.partial: _read_partial,
    type: _read_class,
    contextvars.Context: lambda context: ("", [(var.name, v) for var, v in context.items()]),
    weakref.WeakValueDictionary: lambda table: ("", _read_dict(table.data)[1]),
    weakref.WeakKeyDictionary: lambda table: ("", _keys_and_values(table.data)),
    weakref.WeakSet: lambda items: ("", [("", ref) for ref in list(items.data)]),
    **dict.fromkeys((weakref.ProxyType, weakref.CallableProxyType), _read_proxy),
}
"""What is in an object: from the type, or a base of it, to how it is read."""
_READ = Kinds(_READERS)
