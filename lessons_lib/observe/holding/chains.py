"""A chain of references in a reader's words, and several of them as one picture.

What Python puts between two things is left out where a reader does not see it: an instance's
`__dict__`, the tuple and the cell of a closure, the links of a traceback.
"""

from __future__ import annotations

import contextvars
import re
import threading
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..pictures.diagram import Arrow, Box, Diagram, Kind
from .links import LinkStyle, atom_text, is_a, is_hidden, mro, named, title

_LOOK_AHEAD = 12
"""So many objects may stand between two that a reader sees: a `__dict__`, a tuple, a cell."""
_A_KEY = "a key"
_LAST_ERROR = {"last_value", "last_exc", "last_traceback"}
_LAST_ERROR_SAID = "the notebook's last error"
_FINALIZER = "finalize._Info"
_OUTPUT = re.compile(r"_\d+$|_{1,3}$")
NOTEBOOK = ("IPython", "ipykernel", "ipywidgets", "comm", "traitlets", "jupyter_client", "zmq")
_KERNEL = ("IPython", "ipykernel", "jupyter_client")
"""What these hold is the notebook's; a widget may be the reader's own."""
_MACHINERY_SAID = "the notebook's own machinery"
OUTPUTS = "the notebook's Out"
_SHOWN_HOPS = 6
_KNOWN_PARTS = {
    "DisplayHook": "the notebook's display hook",
    "ZMQShellDisplayHook": "the notebook's display hook",
    "RichPromptDisplayHook": "the notebook's display hook",
    "ExecutionResult": "the notebook's record of the last cell",
    "HistoryManager": "the notebook's history",
    "AutoFormattedTB": _LAST_ERROR_SAID,
    "VerboseTB": _LAST_ERROR_SAID,
}


@dataclass(frozen=True)
class Hop:
    """One holder on a chain: its id while the chain was found, its box, and what it holds by."""

    key: object
    title: str
    kind: Kind
    label: str
    style: LinkStyle
    said: str = ""
    """The hop in a sentence: `[0]`, `ValueError.__traceback__`, `frame of parse → upload`."""


@dataclass(frozen=True)
class Chain:
    """A chain from a root to the object asked about.

    >>> print(Chain((Hop(0, "errors", "name", "", "solid", "errors"),
    ...              Hop(1, "list", "object", "[0]", "solid", "[0]"))))
    errors → [0]
    """

    hops: tuple[Hop, ...]

    @property
    def shown(self) -> tuple[Hop, ...]:
        """The hops; of a long chain the first and the last, and how many are between them."""
        left_out = len(self.hops) - 2 * _SHOWN_HOPS
        if left_out <= 1:
            return self.hops
        between = pill(f"… {left_out} more …")
        return *self.hops[:_SHOWN_HOPS], between, *self.hops[-_SHOWN_HOPS:]

    @property
    def words(self) -> tuple[str, ...]:
        """All hops in words: two chains with the same ones say the same."""
        return tuple(hop.said for hop in self.hops if hop.said)

    def __str__(self) -> str:
        return " → ".join(hop.said for hop in self.shown if hop.said)


def chains_of(root: str, path: Sequence[object]) -> list[Chain]:
    """Put a path of objects, from a root's namespace to the target, into words.

    `root` is what the namespace is called, "" for the notebook's own. There is a chain for each
    name that starts the path.
    """
    if part := _machinery(root, path):
        starts = [(pill(part), _first_frame(path) if part == _LAST_ERROR_SAID else len(path) - 1)]
    else:
        starts = _starts(root, path)
    return [Chain((first, *hops(path[index:]))) for first, index in starts]


def more_chains(count: int, at_least: bool) -> str:
    """How many chains are not shown; `at_least` where the search stopped before their end."""
    return f"{'at least ' if at_least else ''}{count} more"


def hops(path: Sequence[object]) -> list[Hop]:
    """The hops of a path from its first object to the target, its last."""
    found, index = [], 0
    while index < len(path) - 1:
        holder = path[index]
        label, style, index = _next_link(path, index)
        # Those two are between what holds and what is held: a reader sees neither.
        if not is_a(holder, (types.TracebackType, types.CellType)):
            found.append(_hop(holder, label, style))
    return found


def pill(words: str) -> Hop:
    """A hop that is told in words alone."""
    return Hop(words, words, "pill", "", "dotted", words)


def _first_frame(path: Sequence[object]) -> int:
    """The place of the last error's first frame in a path, else of the target."""
    kernel_s = [i for i, thing in enumerate(path[:-1]) if _is_kernel_s(thing)]
    after = kernel_s[-1] if kernel_s else 0
    frames = [i for i in range(after, len(path)) if is_a(path[i], types.FrameType)]
    return (frames or [len(path) - 1])[0]


def _machinery(root: str, path: Sequence[object]) -> str:
    """What part of the notebook's own machinery a path starts at, in plain words; or ""."""
    module = root.removeprefix("module ")
    if not is_machinery(path[0]) and (module == root or module.split(".")[0] not in NOTEBOOK):
        return ""
    parts = [type(thing).__name__ for thing in path[:-1] if _is_kernel_s(thing)]
    return next((_KNOWN_PARTS[part] for part in parts if part in _KNOWN_PARTS), _MACHINERY_SAID)


def is_machinery(thing: object) -> bool:
    """Whether an object is a part of the kernel that lives as long as that does."""
    return _is_kernel_s(thing) and any(base.__name__ == "HasTraits" for base in mro(type(thing)))


def _is_kernel_s(thing: object) -> bool:
    return str(type(thing).__module__).split(".")[0] in _KERNEL


def _starts(root: str, path: Sequence[object]) -> list[tuple[Hop, int]]:
    """The names that start a path, each with the place in the path where the next hop starts."""
    space, child = path[0], path[1]
    if is_a(space, contextvars.Context):
        return [
            (_named_root(root, variable.name), at)
            for variable, value in space.items()
            for at, thing in enumerate(path)
            if thing is value
        ]
    if not is_a(space, dict):
        return [(pill(root), 0)]
    if root == OUTPUTS:
        return [(pill(f"{root}[{key}]"), 1) for key in _keys_in(space, child)]
    names = [name for name in _keys_in(space, child) if type(name) is str]
    return [_start(root, name, path) for name in names]


def _start(root: str, name: str, path: Sequence[object]) -> tuple[Hop, int]:
    if root == "" and _OUTPUT.fullmatch(name):
        return pill(f"the notebook's {name}"), 1
    if root == "module threading" and name == "_active" and len(path) > 3:
        return pill("a running thread"), 2
    if root == "module weakref" and name == "finalize":
        infos = [at for at, thing in enumerate(path) if type(thing).__qualname__ == _FINALIZER]
        return pill("a finalizer"), (infos or [1])[0]
    if root == "module sys" and name in _LAST_ERROR:
        return pill(_LAST_ERROR_SAID), _first_frame(path)
    return _named_root(root, name), 1


def _named_root(root: str, name: str) -> Hop:
    if root.startswith("module "):
        said = f"{root.removeprefix('module ')}.{name}"
    elif root.endswith("()"):
        said = f"{root} → {name}"
    else:
        said = f"{root} {name}".strip()
    return Hop(said, said, "name", "", "solid", said)


def _keys_in(table: dict[Any, Any], child: object) -> list[Any]:
    """The keys under which a dictionary has a value."""
    return [key for key, value in list(dict.items(table)) if value is child]


def _next_link(path: Sequence[object], index: int) -> tuple[str, LinkStyle, int]:
    """The label from a thing to the next one a reader sees, and where in the path that is."""
    holder = path[index]
    direct = _container_label(holder, path[index + 1])
    if direct:
        return direct, "solid", index + 1
    if is_a(holder, threading.local) and len(path) > index + 3:
        # local → its threads' storages → one thread's storage → the value
        names = _keys_in(path[index + 2], path[index + 3])  # type: ignore[arg-type]
        return str((names or ["?"])[0]), "solid", index + 3
    if type(holder) is path[index + 1]:
        return "__class__", "solid", index + 1
    pairs = named(holder)
    for following in range(index + 1, min(len(path), index + _LOOK_AHEAD)):
        for label, target in pairs:
            if target is path[following]:
                return label, "dotted" if is_hidden(type(holder)) else "solid", following
    return "", "solid", index + 1


def _container_label(holder: object, child: object) -> str:
    """The index or the key of a child in a plain container, however long that is."""
    if type(holder) is list or type(holder) is tuple:
        place = next((place for place, item in enumerate(holder) if item is child), None)
        return "" if place is None else f"[{place}]"
    if is_a(holder, dict):
        keys = _keys_in(holder, child)
        # An instance of a subclass may hold it as an attribute.
        return f"[{_key_text(keys[0])}]" if keys else _A_KEY if type(holder) is dict else ""
    return ""


def _key_text(key: object) -> str:
    """A key in a few letters; a number as large as an address tells nothing and is left out."""
    if type(key) is tuple:
        return f"({', '.join(_key_text(part) for part in key[:3])})"
    return "…" if type(key) is int and abs(key) > 10**9 else atom_text(key)


def _hop(holder: object, label: str, style: LinkStyle) -> Hop:
    """One holder with its words."""
    hidden = is_hidden(type(holder))
    kind = "finalize" if type(holder).__qualname__ == _FINALIZER else title(holder)
    between = " " if is_a(holder, contextvars.Context) else " → " if hidden else "."
    said = f"{kind}{between}{label}" if label else kind
    if is_a(holder, (list, tuple, dict)) and (label.startswith("[") or label == _A_KEY):
        said = label
    return Hop(id(holder), kind, "pill" if hidden else "object", label, style, said)


def drawn(label: str, chains: Sequence[Chain]) -> Diagram:
    """The chains as a diagram: shared holders drawn once, the object itself marked at the end."""
    boxes: dict[object, Box] = {}
    arrows: list[Arrow] = []
    for chain in chains:
        ids = [f"hop {hop.key}" for hop in chain.shown] + ["target"]
        for hop, tail, head in zip(chain.shown, ids, ids[1:], strict=False):
            boxes.setdefault(tail, Box(tail, hop.title, hop.kind))
            short = "traceback" if hop.label == "__traceback__" else hop.label
            arrows.append(Arrow(tail, head, short, hop.style))
    kind, _, name = label.partition(" ")
    unique = tuple(dict.fromkeys(arrows))
    badge = str(sum(arrow.head == "target" for arrow in unique))
    target = Box(
        "target", kind, lines=(name,) if name else (), badge=badge, state="kept", note="asked for"
    )
    return Diagram((*boxes.values(), target), unique)
