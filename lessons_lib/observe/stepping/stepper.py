"""Run a snippet line by line and write down, after each line, what leads to what.

The recording holds words and numbers only, never the objects: it can be kept for ever and keeps
nothing alive. Objects are watched through weak references, whose callbacks tell the moment of a
death; `gc.callbacks` tells whether the collector was at work at that moment. Lists, dictionaries
and tuples take no weak reference: of those it is asked, once they are no longer reached, whether
the collector still knows them.

While a snippet runs, automatic collections are off unless the snippet itself switches them on, so
that a collection comes only where the snippet asks for one; the reader's setting is put back.
"""

from __future__ import annotations

import builtins
import gc
import io
import linecache
import sys
import threading
import types
import weakref
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from traceback import walk_tb
from typing import Any, NamedTuple

from ..holding.frames import frame_locals, frames_of, stack_of
from ..holding.links import (
    ATOMS,
    ITEM_LIMIT,
    VALUE_LIMIT,
    LinkStyle,
    Reader,
    atom_text,
    is_a,
    is_hidden,
    reader_of,
    telling_name,
    title,
)
from ..holding.reach import NOT_FOUND, add_holders, held_from_outside, referrers, unseen_holder
from ..pictures.style import shorten
from .contents import Change, Contents, change, number_of
from .output import output_kept_in
from .recording import By, Death, Name, Recording, Reference, Step, Thing, drawn_references
from .rewriting import FILENAME, MAX_STEPS, PROBE, checked, instrument

MAX_PROBES = 5_000
MAX_THINGS = 600
MAX_SEARCHES = 60
"""So often a recording looks through the whole heap for who holds what no name leads to."""

_TOO_LONG = f"of a longer container, {ITEM_LIMIT} items are followed"
_TOO_MANY = f"of more objects, the first {MAX_THINGS} are followed"
_NOT_LOOKED_FOR = "something that was not looked for"


def record(
    snippet: str, names: Mapping[str, object] | None = None, *, max_steps: int = MAX_STEPS
) -> Recording:
    """Run a snippet with some names given, and record what leads to what after every line.

    An exception of the snippet ends the recording and is shown in it; a SyntaxError is raised as
    usual, and ValueError for an `await` outside a function and for a notebook's magic. After
    `max_steps` steps the snippet is stopped and the recording says so.

    >>> recording = record("box = [[]]\\ninner = box[0]\\ndel box")
    >>> [step.line for step in recording.steps]
    [1, 2, 3]
    >>> [(death.number, death.by) for death in recording.steps[2].died]
    [(1, 'reference count')]
    """
    code = compile(instrument(checked(snippet, max_steps)), FILENAME, "exec", dont_inherit=True)
    return _Recorder(snippet, max_steps).run(code, dict(names or {}))


class _Stop(BaseException):
    """Ends a snippet that takes too many steps."""


@dataclass(slots=True, eq=False)
class _Watched:
    """What the recorder knows of a living object: never the object itself."""

    number: int
    thing: Thing
    key: int
    ref: weakref.ref[Any] | None = None
    tracked: bool = True
    spare: int = 0
    """References beyond those drawn; kept for what takes no weak reference."""
    simple: bool = False
    """Watched through a weak reference, and always drawn."""
    contents: tuple[int, ...] = ()


@dataclass(eq=False)
class _Look:
    """One look at everything that the snippet's names lead to."""

    names: list[Name] = field(default_factory=list)
    values: dict[int, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    queue: list[tuple[int, Any]] = field(default_factory=list)
    contents: dict[int, Contents] = field(default_factory=dict)
    garbage: set[int] = field(default_factory=set)
    unseen: list[tuple[str, int]] = field(default_factory=list)


class _Kind(NamedTuple):
    """How things of a type are looked at. It holds the type as long as a recording is made."""

    reader: Reader
    style: LinkStyle
    of_library: bool


class _Recorder:
    def __init__(self, snippet: str, max_steps: int) -> None:
        self.snippet = snippet
        self.max_steps = max_steps
        self.steps: list[Step] = []
        self.things: list[Thing] = []
        self.known: dict[int, _Watched] = {}
        self.deaths: list[Death] = []
        self.kinds: dict[int, _Kind] = {}
        self.last = _Look()
        self.holders: dict[int, str] = {}
        self.searches = 0
        self.collecting = 0
        """The thread in which a collection is running; 0: none."""
        self.collected = False
        self.depth = 0
        """How many functions of the snippet were running at the last probe."""
        self.probes = 0
        self.thread = threading.get_ident()
        self.output = io.StringIO()
        self.namespace: dict[str, object] = {}
        self.error: BaseException | None = None
        self.notes: dict[str, None] = {}
        """What was not recorded, each said once, in order."""

    # -- running ---------------------------------------------------------------------------

    def run(self, code: types.CodeType, names: dict[str, object]) -> Recording:
        """Run the instrumented code with everything around it put back afterwards."""
        built_in = {**vars(builtins), PROBE: self.probe}
        self.namespace = {"__name__": "__main__", "__builtins__": built_in, **names}
        names.clear()
        was_on = gc.isenabled()
        gc.disable()
        gc.callbacks.append(self._collection)
        source = self.snippet.splitlines(keepends=True)
        linecache.cache[FILENAME] = (len(self.snippet), None, source, FILENAME)
        try:
            with output_kept_in(self.output):
                return self._run(code)
        finally:
            built_in[PROBE] = lambda line, event: None  # a function may outlive the recording
            linecache.cache.pop(FILENAME, None)
            gc.callbacks.remove(self._collection)
            self.known.clear()
            self.last = _Look()
            self.error = None
            (gc.enable if was_on else gc.disable)()

    def _run(self, code: types.CodeType) -> Recording:
        try:
            exec(code, self.namespace)
        except _Stop:
            self.notes = {self._where_it_stopped(): None, **self.notes}
        except KeyboardInterrupt:
            self.namespace.clear()
            raise
        except BaseException as raised:
            self.error = raised  # its last step: the error and the frames that it keeps
            self._finish(_line_of(raised), "raised", _describe(raised), [])
        self.error = None
        self._printed()
        self.namespace.clear()
        note, afterwards = "; ".join(self.notes), self._printed()
        return Recording(self.snippet, tuple(self.things), tuple(self.steps), note, afterwards)

    def _where_it_stopped(self) -> str:
        line = self.steps[-1].line if self.steps else 1
        if self.probes < MAX_PROBES:
            more = f"max_steps={5 * self.max_steps} lets it go on"
            return f"stopped after {len(self.steps)} steps, at line {line}: {more}"
        return f"stopped at line {line}, after {MAX_PROBES:,} lines: a recording takes no more"

    def _collection(self, phase: str, info: dict[str, int]) -> None:
        self.collecting = threading.get_ident() if phase == "start" else 0
        self.collected = self.collected or self.collecting == self.thread

    def _printed(self) -> str:
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text

    def probe(self, line: int, event: str) -> None:
        """Called by the snippet after (or, for return and raise, before) each statement."""
        if threading.get_ident() != self.thread:
            return
        collector_on = gc.isenabled()
        gc.disable()
        try:
            error = _describe(sys.exc_info()[1], where=True) if event == "except" else ""
            self._finish(line, event, error, _running(sys._getframe(1)))
        finally:
            if collector_on:
                gc.enable()
        self.probes += 1
        if len(self.steps) > self.max_steps:  # only a step too many tells that there are more
            del self.steps[self.max_steps :]
            raise _Stop
        if self.probes >= MAX_PROBES:
            raise _Stop

    def _finish(self, line: int, event: str, error: str, frames: list[types.FrameType]) -> None:
        """Close a step: look, and keep it unless it is a quiet one in which nothing changed."""
        deaths = list(self.deaths)
        del self.deaths[: len(deaths)]  # another thread may add one meanwhile
        scopes = _scopes(frames)
        look = self._look(frames, scopes)
        deaths += self._vanished(look)
        step = Step(
            line,
            event,
            scopes=tuple(scopes),
            names=tuple(look.names),
            values=look.values,
            references=tuple(look.references),
            died=tuple(sorted(set(deaths))),
            garbage=frozenset(look.garbage),
            unseen=tuple(look.unseen),
            printed=self._printed(),
            error=error,
            changes=tuple(self._changes(look)),
            # One that a function of the snippet made in this line belongs to a step of that.
            collected=self.collected or len(scopes) < self.depth,
        )
        self.collected, self.depth, self.last = False, len(scopes), look
        if not event.startswith(("quiet", "end of")) or self._has_news(step):
            self.steps.append(step)

    def _has_news(self, step: Step) -> bool:
        if not self.steps:
            return bool(step.names or step.printed)
        seen = ("names", "references", "values", "garbage")
        moved = any(getattr(self.steps[-1], it) != getattr(step, it) for it in seen)
        return moved or bool(step.died or step.printed or step.changes)

    def _changes(self, look: _Look) -> Iterator[Change]:
        """What is not as it was at the last look, of things that were there then too."""

        def arrows(number: int) -> list[set[str]]:
            both = self.last.references, look.references
            return [{label for tail, label, _, _ in seen if tail == number} for seen in both]

        for number, now in look.contents.items():
            then = self.last.contents.get(number)
            if then is not None and then != now and (news := change(number, then, now, arrows)):
                yield news

    # -- looking ---------------------------------------------------------------------------

    def _look(self, frames: list[types.FrameType], scopes: list[str]) -> _Look:
        """Walk from the names of the snippet and of its running functions to all they lead to."""
        look = _Look()
        self._add_names(look, "", self.namespace)
        for scope, frame in zip(scopes, frames, strict=True):
            self._add_names(look, scope, frame_locals(frame))
        if self.error is not None:
            look.unseen.append(("the uncaught error", self._visit(look, self.error)))
        self._walk(look)
        self._count_spares(look)
        look.queue.clear()
        self._add_unreached(look)
        return look

    def _add_names(self, look: _Look, scope: str, names: Mapping[str, object]) -> None:
        for label, value in names.items():
            if label.startswith(("__", ".")) or is_a(value, types.ModuleType):
                continue
            if type(value) in ATOMS:
                look.names.append(Name(scope, label, 0, atom_text(value), "solid"))
            elif is_a(value, weakref.ref):
                number = self._visit(look, weakref.ref.__call__(value))
                text = "" if number else "a dead weak reference"
                look.names.append(Name(scope, label, number, text, "dashed"))
            elif number := self._visit(look, value):
                look.names.append(Name(scope, label, number, "", "solid"))

    def _walk(self, look: _Look) -> None:
        """Read each thing in the queue, note what it holds, and queue what is new to this look.

        Its value, a short text, is made anew only where what it holds has changed.
        """
        known, values, references = self.known.get, look.values, look.references
        for number, thing in look.queue:  # grows while it is walked
            reader, style, of_library = self._kind(type(thing))
            pairs = reader.pairs(thing)
            numbers: list[object] = []
            for label, target in pairs:  # `bench --only step`: 200 objects at each step
                make_number = number_of(id(type(target)))
                numbers.append(make_number and make_number(target))
                if make_number:
                    continue
                watched = known(id(target))
                if watched is None or not watched.simple:
                    self._follow(look, number, label, target, style)
                    continue
                references.append((number, label, watched.number, style))
                if watched.number not in values:
                    values[watched.number] = ""
                    look.queue.append((watched.number, target))
            size = reader.length(thing) if reader.length else -1
            if size > ITEM_LIMIT:
                self.notes[_TOO_LONG] = None
            contents = size, [label for label, _ in pairs], numbers
            if reader.shows_all:
                look.contents[number] = _public(contents) if of_library else contents
            if self.last.contents.get(number) == contents:
                values[number] = self.last.values[number]
            else:
                values[number] = shorten(reader.say(thing, pairs), VALUE_LIMIT)

    def _kind(self, kind: type) -> _Kind:
        """How the things of a type are looked at; found once, by its address, as in `ATOMS`."""
        found = self.kinds.get(id(kind))
        if found is None:
            style: LinkStyle = "dotted" if is_hidden(kind) else "solid"
            found = self.kinds[id(kind)] = _Kind(reader_of(kind), style, _is_library_s(kind))
        return found

    def _follow(self, look: _Look, tail: int, label: str, target: object, style: LinkStyle) -> None:
        """Note a reference to what may be new, or drawn in another way than it is held."""
        targets = [target]
        if is_a(target, weakref.ref):
            targets, style = [weakref.ref.__call__(target)], "dashed"
        elif is_a(target, types.TracebackType):
            targets, style = [f for f in frames_of(target) if not _is_outermost(f)], "solid"
        for each in targets:
            if head := self._visit(look, each):
                look.references.append((tail, label, head, style))

    def _visit(self, look: _Look, thing: object) -> int:
        """The number of an object, queued to be read if it is new to this look; 0: not drawn."""
        if type(thing) in ATOMS:
            return 0
        watched = self._known(thing)
        if watched is not None and watched.number in look.values:
            return watched.number
        if is_a(thing, _ONLY_IF_HOLDING) and not self._holds_something(thing):
            return 0
        if len(look.values) > MAX_THINGS:
            self.notes[_TOO_MANY] = None
            return 0
        number = (watched or self._meet(thing)).number
        look.values[number] = ""
        look.queue.append((number, thing))
        return number

    def _holds_something(self, thing: object, depth: int = 3) -> bool:
        """Functions, methods, frames and classes are drawn only for what they hold."""
        if depth < 0 or (is_a(thing, type) and thing.__module__ != "__main__"):
            return False
        pairs = self._kind(type(thing)).reader.pairs(thing)
        return any(
            not is_a(target, _ONLY_IF_HOLDING) or self._holds_something(target, depth - 1)
            for _, target in pairs
            if type(target) not in ATOMS
        )

    def _known(self, thing: object) -> _Watched | None:
        """What is known of an object; a list's address may by now be that of another thing."""
        watched = self.known.get(id(thing))
        if watched is None or watched.ref is not None or watched.thing.type == title(thing):
            return watched
        del self.known[watched.key]
        self.deaths.append(Death(watched.number, "reference count"))
        return None

    def _meet(self, thing: object) -> _Watched:
        """Give an object that was never seen a number and, if it takes one, a weak reference."""
        number = len(self.things) + 1
        self.things.append(Thing(number, title(thing), _called(thing), is_hidden(type(thing))))
        watched = _Watched(number, self.things[-1], id(thing))
        with suppress(TypeError):  # lists, dictionaries, tuples, frames … take none
            watched.ref = weakref.ref(thing, partial(self._gone, watched))
            watched.simple = not is_a(thing, _ONLY_IF_HOLDING)
        self.known[watched.key] = watched
        return watched

    def _gone(self, watched: _Watched, _: object) -> None:
        """Called at a death, in the thread in which it happens."""
        by_collector = self.collecting == threading.get_ident()
        hand: By = "the collector" if by_collector else "reference count"
        self.deaths.append(Death(watched.number, hand))
        if self.known.get(watched.key) is watched:
            del self.known[watched.key]

    def _count_spares(self, look: _Look) -> None:
        """Note, for what takes no weak reference, how many references were not drawn.

        At this point the queue alone holds the objects, each once.
        """
        [resting] = [sys.getrefcount(entry[1]) for entry in [(0, object())]]
        places = [i for i, (_, t) in enumerate(look.queue) if self.known[id(t)].ref is None]
        counts = [sys.getrefcount(look.queue[i][1]) for i in places]
        drawn = drawn_references(look.names, look.references)
        for i, count in zip(places, counts, strict=True):
            number, thing = look.queue[i]
            watched = self.known[id(thing)]
            watched.spare = count - resting - drawn[number]
            watched.tracked = gc.is_tracked(thing)
            watched.contents = tuple(map(id, gc.get_referents(thing)))

    # -- what no name leads to ---------------------------------------------------------------

    def _add_unreached(self, look: _Look) -> None:
        """Things that live though no name leads to them: garbage, or held unseen."""
        group = self._unreached(look)
        count = len(group)  # it grows when it is asked who holds it
        surplus, held = held_from_outside(group)
        if surplus and self._may_search():
            del group[count:]
            if add_holders(group, surplus):  # what garbage holds that was never shown is garbage
                held = held_from_outside(group)[1]
        for index in range(count):
            key = id(group[index])
            if key not in held:
                look.garbage.add(self._visit(look, group[index]))
            if key in surplus:
                self._add_unseen(look, group[index])
        self._walk(look)
        look.queue.clear()
        look.garbage.discard(0)

    def _may_search(self) -> bool:
        self.searches += 1
        if self.searches <= MAX_SEARCHES:
            return True
        looked = f"after {MAX_SEARCHES} searches, who holds what is unseen is no longer looked for"
        self.notes[looked] = None
        return False

    def _add_unseen(self, look: _Look, thing: object) -> None:
        """A thing that something out of sight holds; a constant is held by the code itself."""
        watched = self.known[id(thing)]
        number = watched.number
        if number not in self.holders:
            holder = self._shown_holder(look, thing)
            if not holder:
                holder = unseen_holder(thing) if self._may_search() else _NOT_LOOKED_FOR
            self.holders[number] = holder
        if watched.ref is not None or self.holders[number] != NOT_FOUND:
            look.unseen.append((self.holders[number], self._visit(look, thing)))

    def _shown_holder(self, look: _Look, thing: object) -> str:
        """What this look shows, and what holds a thing by a way that was not followed."""
        for holder in referrers([thing]):
            watched = self.known.get(id(holder))
            if watched is None or watched.number not in look.values:
                continue
            if watched.thing.hidden:
                return watched.thing.type
            length = self._kind(type(holder)).reader.length
            if length and length(holder) > ITEM_LIMIT:
                return f"{watched.thing.type}, beyond its first {ITEM_LIMIT} items"
        return ""

    def _unreached(self, look: _Look) -> list[object]:
        """Living things that were met before and that this look did not reach."""
        missed = [w for w in list(self.known.values()) if w.number not in look.values]
        found = [thing for w in missed if w.ref and (thing := w.ref()) is not None]
        keyed = {w.key: w for w in missed if not w.ref and w.tracked and not w.thing.hidden}
        if keyed:
            found += [thing for thing in _at(keyed) if _is_same(thing, keyed[id(thing)])]
        return found

    def _vanished(self, look: _Look) -> list[Death]:
        """Things without weak references that were reached before, are not now, and are gone."""
        deaths = []
        for watched in list(self.known.values()):
            if watched.ref is None and watched.number not in look.values:
                del self.known[watched.key]
                if not watched.thing.hidden and _is_dead(watched):
                    deaths.append(Death(watched.number, self._hand(watched)))
        return deaths

    def _hand(self, watched: _Watched) -> By:
        """By which hand a list or dictionary went: by the collector if garbage alone led there."""
        if not self.steps:
            return "reference count"
        before, number = self.steps[-1], watched.number
        named = any(name.target == number for name in before.names)
        tails = {tail for tail, _, head, _ in before.references if head == number}
        only_garbage = not named and bool(tails) and tails <= before.garbage
        return "the collector" if only_garbage or number in before.garbage else "reference count"


# -- objects -------------------------------------------------------------------------------------

_ONLY_IF_HOLDING = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.FrameType,
    types.CellType,
    type,
)


def _called(thing: object) -> str:
    """The name by which a reader would call an instance of a class that Python code made."""
    is_instance = bool(type(thing).__flags__ & (1 << 9)) and not is_a(thing, type)
    return telling_name(thing) if is_instance else ""


def _is_library_s(kind: type) -> bool:
    """Whether the standard library made a class, or a base of it."""
    bases = [base for base in kind.__mro__ if base.__module__ != "builtins"]
    return any(base.__module__.partition(".")[0] in sys.stdlib_module_names for base in bases)


def _public(contents: Contents) -> Contents:
    """What a library keeps for itself (a thread's state, a path's text) is no news to a reader."""
    size, labels, numbers = contents
    public = [at for at, label in enumerate(labels) if not label.startswith("_")]
    return size, [labels[at] for at in public], [numbers[at] for at in public]


def _at(addresses: Container[int]) -> list[object]:
    """The objects that the collector knows at some addresses."""
    return [thing for thing in gc.get_objects() if id(thing) in addresses]


def _is_same(thing: object, watched: _Watched) -> bool:
    """Whether an object is the one that was watched, and not another one in its place."""
    contents = tuple(map(id, gc.get_referents(thing)))
    return title(thing) == watched.thing.type and bool(contents) and contents == watched.contents


def _is_dead(watched: _Watched) -> bool:
    """Whether a list, dictionary or tuple that was not found any more is gone for certain.

    If every reference to it was drawn, and all those arrows went, it is. If there were others it
    may live on, changed: it is gone if the collector knows nothing of its type at its address.
    """
    if watched.spare <= 0:
        return True
    return watched.tracked and watched.thing.type not in map(title, _at({watched.key}))


# -- frames and errors -----------------------------------------------------------------------------


def _running(frame: types.FrameType) -> list[types.FrameType]:
    """The running functions of the snippet, outermost first."""
    found: list[types.FrameType] = []
    for caller in stack_of(frame):
        if caller.f_globals is globals():
            break
        if caller.f_code.co_filename == FILENAME and caller.f_code.co_name != "<module>":
            found.insert(0, caller)
    return found


def _is_outermost(frame: types.FrameType) -> bool:
    """The snippet's own frame (its names are drawn anyway) and the recorder's."""
    module = frame.f_code.co_filename == FILENAME and frame.f_code.co_name == "<module>"
    return module or frame.f_globals is globals()


def _scopes(frames: list[types.FrameType]) -> list[str]:
    """The functions' names, numbered where one is running more than once."""
    result: list[str] = []
    for frame in frames:
        name = frame.f_code.co_name
        again = sum(scope.split(" ")[0] == name for scope in result)
        result.append(f"{name} ({again + 1})" if again else name)
    return result


def _line_of(error: BaseException) -> int:
    """The last line of the snippet that an exception passed."""
    passed = walk_tb(error.__traceback__)
    return [0, *(line for frame, line in passed if frame.f_code.co_filename == FILENAME)][-1]


def _describe(error: BaseException | None, where: bool = False) -> str:
    """An exception in words: its type, its first argument if that is a plain string, its line."""
    if error is None:
        return ""
    first = error.args[0] if error.args else ""
    words = f"{type(error).__name__}: {first}" if type(first) is str and first else ""
    words = words or type(error).__name__
    return f"{words} (line {_line_of(error)})" if where else words
