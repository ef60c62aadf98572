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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
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
)
from ..holding.reach import add_holders, held_from_outside, referrers
from ..pictures.style import shorten
from ..pictures.waiting import PATIENCE, somebody_waits
from .contents import Change, Contents, change, number_of
from .lives import ONLY_IF_HOLDING, Lives
from .output import output_kept_in
from .recording import UNSEEN, Name, Recording, Reference, Step, drawn_references
from .rewriting import FILENAME, MAX_STEPS, PROBE, checked, instrument

MAX_PROBES = 5_000
MAX_THINGS = 600
MAX_SEARCHES = 60
"""So often a recording looks through the whole heap for what a name leads to and no step shows."""

_TOO_LONG = f"of a longer container, {ITEM_LIMIT} items are followed"
_TOO_MANY = f"of more objects, the first {MAX_THINGS} are followed"
_TOO_OFTEN = "too much is held unseen: some of it may be garbage"


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
        self.lives = Lives()
        self.kinds: dict[int, _Kind] = {}
        self.searches = 0
        self.last = _Look()
        self.depth = 0
        """How many functions of the snippet were running at the last probe."""
        self.probes = 0
        self.thread = threading.get_ident()
        self.output = io.StringIO()
        self.errors = sys.stderr
        self.patience = monotonic() + PATIENCE
        self.namespace: dict[str, object] = {}
        self.error: BaseException | None = None
        self.notes: dict[str, None] = {}
        """What was not recorded, each said once, in order."""

    # -- running ---------------------------------------------------------------------------

    def run(self, code: types.CodeType, names: dict[str, object]) -> Recording:
        """Run the instrumented code with everything around it put back afterwards."""
        built_in = {**vars(builtins), PROBE: self.probe}
        self.namespace = {"__name__": "__main__", "__builtins__": built_in, **names}
        names.clear()  # or it would hold what the snippet lets go of
        was_on = gc.isenabled()
        gc.disable()
        gc.callbacks.append(self.lives.hear)
        # A traceback that the snippet prints can show its lines.
        source = self.snippet.splitlines(keepends=True)
        linecache.cache[FILENAME] = (len(self.snippet), None, source, FILENAME)
        try:
            with output_kept_in(self.output):
                return self._run(code)
        finally:
            built_in[PROBE] = lambda line, event: None  # a function may outlive the recording
            linecache.cache.pop(FILENAME, None)
            gc.callbacks.remove(self.lives.hear)
            self.lives.known.clear()
            self.last = _Look()
            self.error = None
            self._tell_progress("")
            (gc.enable if was_on else gc.disable)()

    def _run(self, code: types.CodeType) -> Recording:
        try:
            exec(code, self.namespace)
        except _Stop:
            self.notes = {self._where_it_stopped(): None, **self.notes}
        except KeyboardInterrupt:  # the reader's own: there is nothing to show
            self.namespace.clear()
            raise
        except BaseException as raised:
            self.error = raised  # its last step: the error and the frames that it keeps
            self._finish(_line_of(raised), "raised", _describe(raised), [])
        self.error = None
        self._printed()  # told with the last step
        self.namespace.clear()  # what finalizers print now is told as afterwards
        note, afterwards = "; ".join(self.notes), self._printed()
        return Recording(
            self.snippet, tuple(self.lives.things), tuple(self.steps), note, afterwards
        )

    def _where_it_stopped(self) -> str:
        line = self.steps[-1].line if self.steps else 1
        if self.probes < MAX_PROBES:
            more = f"max_steps={5 * self.max_steps} lets it go on"
            return f"stopped after {len(self.steps)} steps, at line {line}: {more}"
        return f"stopped at line {line}, after {MAX_PROBES:,} lines: a recording takes no more"

    def _printed(self) -> str:
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text

    def _tell_progress(self, words: str) -> None:
        """For those who wait, as `waiting` does it; its thread would be seen by the snippet."""
        if monotonic() > self.patience and somebody_waits():
            self.patience = monotonic() + 0.5
            self.errors.write(f"\r{words:30}" if words else f"\r{'':30}\r")
            self.errors.flush()

    def probe(self, line: int, event: str) -> None:
        """Called by the snippet after (or, for return and raise, before) each statement."""
        if threading.get_ident() != self.thread:
            return
        # The snippet may have switched it on; a look makes much, and would set off a collection.
        collector_on = gc.isenabled()
        gc.disable()
        try:
            error = _describe(sys.exc_info()[1], where=True) if event == "except" else ""
            self._finish(line, event, error, _running(sys._getframe(1)))
            self._tell_progress(f"recording … step {len(self.steps)}")
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
        deaths = list(self.lives.deaths)
        del self.lives.deaths[: len(deaths)]  # another thread may add one meanwhile
        scopes = _scopes(frames)
        look = self._look(frames, scopes)
        deaths += self.lives.vanished(look.values, self.steps[-1] if self.steps else None)
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
            collected=self.lives.collected or len(scopes) < self.depth,
        )
        self.lives.collected, self.depth, self.last = False, len(scopes), look
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
        self.lives.count_spares(look.queue, drawn_references(look.names, look.references))
        look.queue.clear()
        self._add_unreached(look)
        return look

    def _add_names(self, look: _Look, scope: str, names: Mapping[str, object]) -> None:
        for label, value in names.items():
            # `__builtins__`, a comprehension's `.0`, an imported module: nothing the snippet made.
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
        known, values, references = self.lives.known.get, look.values, look.references
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
        watched = self.lives.find(thing)
        if watched is not None and watched.number in look.values:
            return watched.number
        if is_a(thing, ONLY_IF_HOLDING) and not self._holds_something(thing):
            return 0
        if len(look.values) > MAX_THINGS:
            self.notes[_TOO_MANY] = None
            return 0
        number = (watched or self.lives.meet(thing)).number
        look.values[number] = ""
        look.queue.append((number, thing))
        return number

    def _holds_something(self, thing: object, depth: int = 3) -> bool:
        """Functions, methods, frames and classes are drawn only for what they hold."""
        # A class from elsewhere holds a module full of things; the snippet did not make them.
        if depth < 0 or (is_a(thing, type) and thing.__module__ != "__main__"):
            return False
        pairs = self._kind(type(thing)).reader.pairs(thing)
        return any(
            not is_a(target, ONLY_IF_HOLDING) or self._holds_something(target, depth - 1)
            for _, target in pairs
            if type(target) not in ATOMS
        )

    # -- what no name leads to ---------------------------------------------------------------

    def _add_unreached(self, look: _Look) -> None:
        """Things that live though no name leads to them: garbage, or held unseen."""
        group = self.lives.unreached(look.values)
        count = len(group)  # it grows when it is asked who holds it
        surplus, held = held_from_outside(group)
        if surplus and self.searches < MAX_SEARCHES:
            self.searches += 1
            del group[count:]
            if add_holders(group, surplus):  # what garbage holds that was never shown is garbage
                held = held_from_outside(group)[1]
        elif surplus:
            self.notes[_TOO_OFTEN] = None
        for index in range(count):
            key = id(group[index])
            if key not in held:
                look.garbage.add(self._visit(look, group[index]))
            if key in surplus and self._has_holder(group, index):
                look.unseen.append((UNSEEN, self._visit(look, group[index])))
        self._walk(look)
        look.queue.clear()
        look.garbage.discard(0)

    def _has_holder(self, group: list[object], index: int) -> bool:
        """Whether anybody holds a thing, beside the code in which it is a constant."""
        if self.lives.known[id(group[index])].ref is not None:
            return True
        return any(holder is not group for holder in referrers([group[index]]))


# -- objects -------------------------------------------------------------------------------------


def _is_library_s(kind: type) -> bool:
    """Whether the standard library made a class, or a base of it."""
    bases = [base for base in kind.__mro__ if base.__module__ != "builtins"]
    return any(base.__module__.partition(".")[0] in sys.stdlib_module_names for base in bases)


def _public(contents: Contents) -> Contents:
    """What a library keeps for itself (a thread's state, a path's text) is no news to a reader."""
    size, labels, numbers = contents
    public = [at for at, label in enumerate(labels) if not label.startswith("_")]
    return size, [labels[at] for at in public], [numbers[at] for at in public]


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
