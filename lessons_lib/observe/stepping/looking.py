"""One look at all that the names of a snippet lead to, noted in a step.

Objects are watched through weak references, whose callbacks tell the moment of a death. Lists,
dictionaries and tuples take no weak reference: of those it is asked, once they are no longer
reached, whether the collector still knows them (see `lives`).
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..holding.chains import chains_of
from ..holding.frames import frame_locals, frames_of
from ..holding.links import (
    ATOMS,
    ITEM_LIMIT,
    OWN_FOLDER,
    VALUE_LIMIT,
    LinkStyle,
    Reader,
    atom_text,
    full_name,
    is_a,
    is_hidden,
    is_lasting,
    reader_of,
)
from ..holding.reach import add_holders, held_from_outside, referrers
from ..holding.search import Root, Search, by_length, roots_of
from ..pictures.style import shorten
from .contents import Change, Contents, change, number_of
from .lives import ONLY_IF_HOLDING, Lives
from .recording import UNSEEN, Name, Step
from .rewriting import FILENAME

MAX_THINGS = 600
MAX_SEARCHES = 60
"""So often a recording looks through the whole heap for what a name leads to and no step shows."""

_OURS = __name__.replace("looking", "stepper")
_TOO_LONG = f"of a longer container, {ITEM_LIMIT} items are followed"
_TOO_MANY = f"of more objects, the first {MAX_THINGS} are followed"
_TOO_OFTEN = "too much is held unseen: some of it may be garbage"


class _Kind(NamedTuple):
    """How things of a type are looked at. It holds the type as long as a look is made."""

    reader: Reader
    style: LinkStyle
    of_library: bool


class Looker:
    """Looks again and again at what the names lead to, and knows what it has met."""

    def __init__(self, built_in: object) -> None:
        self._built_in = built_in
        self.lives = Lives()
        self.notes: dict[str, None] = {}
        """What was not followed, each said once, in order."""
        self._kinds: dict[int, _Kind] = {}
        self._searches = 0
        self._queue: list[tuple[int, Any]] = []
        """What this look has met, to be read."""
        self._last = Step()
        self._contents: dict[int, Contents] = {}
        self._last_contents = self._contents

    def look(
        self,
        step: Step,
        namespace: Mapping[str, object],
        frames: list[types.FrameType],
        error: BaseException | None,
    ) -> None:
        """Walk from the names of the snippet and of its running functions to all they lead to."""
        self._last_contents, self._contents = self._contents, {}
        self._add_names(step, "", namespace)
        for scope, frame in zip(step.scopes, frames, strict=True):
            self._add_names(step, scope, frame_locals(frame))
        if error is not None:
            step.unseen.append(("the uncaught error", self._visit(step, error)))
        self._walk(step)
        self.lives.count_spares(self._queue, step.counts())
        self._queue.clear()
        self._add_unreached(step, namespace)
        step.changes.extend(self._changes(step))
        self._last = step

    def _add_names(self, step: Step, scope: str, names: Mapping[str, object]) -> None:
        for label, value in names.items():
            # `__builtins__`, a comprehension's `.0`, an imported module: nothing the snippet made.
            if label.startswith(("__", ".")) or is_a(value, types.ModuleType):
                continue
            if type(value) in ATOMS:
                step.names.append(Name(scope, label, 0, atom_text(value), "solid"))
            elif is_a(value, weakref.ref):
                number = self._visit(step, weakref.ref.__call__(value))
                text = "" if number else "a dead weak reference"
                step.names.append(Name(scope, label, number, text, "dashed"))
            elif number := self._visit(step, value):
                step.names.append(Name(scope, label, number, "", "solid"))

    def _walk(self, step: Step) -> None:
        """Read each thing in the queue, note what it holds, and queue what is new to this look.

        Its value, a short text, is made anew only where what it holds has changed.
        """
        known, values, references = self.lives.known.get, step.values, step.references
        for number, thing in self._queue:  # grows while it is walked
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
                    self._follow(step, number, label, target, style)
                    continue
                references.append((number, label, watched.number, style))
                if watched.number not in values:
                    values[watched.number] = ""
                    self._queue.append((watched.number, target))
            size = reader.length(thing) if reader.length else -1
            if size > ITEM_LIMIT:
                self.notes[_TOO_LONG] = None
            contents = size, [label for label, _ in pairs], numbers
            if reader.shows_all:
                self._contents[number] = _public(contents) if of_library else contents
            if self._last_contents.get(number) == contents:
                values[number] = self._last.values[number]
            else:
                values[number] = shorten(reader.say(thing, pairs), VALUE_LIMIT)

    def _kind(self, kind: type) -> _Kind:
        """How the things of a type are looked at; found once, by its address, as in `ATOMS`."""
        found = self._kinds.get(id(kind))
        if found is None:
            style: LinkStyle = "dotted" if is_hidden(kind) else "solid"
            found = self._kinds[id(kind)] = _Kind(reader_of(kind), style, _is_library_s(kind))
        return found

    def _follow(self, step: Step, tail: int, label: str, target: object, style: LinkStyle) -> None:
        """Note a reference to what may be new, or drawn in another way than it is held."""
        targets = [target]
        if is_a(target, weakref.ref):
            targets, style = [weakref.ref.__call__(target)], "dashed"
        elif is_a(target, types.TracebackType):
            targets, style = [f for f in frames_of(target) if not _is_outermost(f)], "solid"
        for each in targets:
            if head := self._visit(step, each):
                step.references.append((tail, label, head, style))

    def _visit(self, step: Step, thing: object) -> int:
        """The number of an object, queued to be read if it is new to this look; 0: not drawn."""
        if type(thing) in ATOMS or thing is self._built_in:
            return 0
        watched = self.lives.find(thing)
        if watched is not None and watched.number in step.values:
            return watched.number
        if is_a(thing, ONLY_IF_HOLDING) and not self._holds_something(thing):
            return 0
        if watched is None and full_name(type(thing)).startswith(_OURS):
            return 0
        if len(step.values) > MAX_THINGS:
            self.notes[_TOO_MANY] = None
            return 0
        number = (watched or self.lives.meet(thing)).number
        step.values[number] = ""
        self._queue.append((number, thing))
        return number

    def _holds_something(self, thing: object, depth: int = 3) -> bool:
        """Functions, methods, frames and classes are drawn only for what they hold."""
        # A class from elsewhere holds a module full of things; the snippet did not make them.
        if depth < 0 or (is_a(thing, type) and thing.__module__ != "__main__"):
            return False
        return any(
            not is_a(target, ONLY_IF_HOLDING) or self._holds_something(target, depth - 1)
            for _, target in self._kind(type(thing)).reader.pairs(thing)
            if type(target) not in ATOMS
        )

    def _changes(self, step: Step) -> Iterator[Change]:
        """What is not as it was at the last look, of things that were there then too."""
        for number, now in self._contents.items():
            then = self._last_contents.get(number)
            if then is not None and then != now:
                before, after = _arrows(self._last, number), _arrows(step, number)
                if news := change(number, then, now, before, after):
                    yield news

    # -- what no name leads to ---------------------------------------------------------------

    def _add_unreached(self, step: Step, namespace: Mapping[str, object]) -> None:
        """Things that live though no name leads to them: garbage, or held unseen."""
        self._forget_classes()
        group = self.lives.unreached(step.values)
        count = len(group)  # it grows when it is asked who holds it
        surplus, held = held_from_outside(group)
        if surplus and self._searches < MAX_SEARCHES:
            self._searches += 1
            del group[count:]
            if add_holders(group, surplus):  # what garbage holds that was never shown is garbage
                held = held_from_outside(group)[1]
        elif surplus:
            self.notes[_TOO_OFTEN] = None
        hidden: dict[int, object] = {}
        for keys in (surplus, held):  # what is drawn from the first is not told with the second
            for index in range(count):
                key = id(group[index])
                if key not in held:
                    step.garbage.add(self._visit(step, group[index]))
                drawn = self.lives.known[key].number in step.values
                # What holds nothing any more, such as a function, is not drawn: its number is 0.
                alive = key in keys and not drawn and self._has_holder(group, index)
                if alive and (number := self._visit(step, group[index])):
                    step.unseen.append((UNSEEN, number))
                    if (UNSEEN, number) not in self._last.unseen and number not in step.garbage:
                        hidden[number] = group[index]
            self._walk(step)
            self._queue.clear()
        step.garbage.discard(0)
        self._forget_classes()
        if hidden and self._searches < MAX_SEARCHES:
            self._searches += 1
            step.held_by.update(_holders(hidden, namespace))

    def _forget_classes(self) -> None:
        """Let go of the program's classes: they would live as long, and be found to be held."""
        lasting = {key: kind for key, kind in self._kinds.items() if is_lasting(kind.reader.kind)}
        self._kinds = lasting

    def _has_holder(self, group: list[object], index: int) -> bool:
        """Whether anybody holds a thing, beside the code in which it is a constant."""
        if self.lives.known[id(group[index])].ref is not None:
            return True
        return any(holder is not group for holder in referrers([group[index]]))


def _holders(hidden: dict[int, object], namespace: Mapping[str, object]) -> dict[int, str]:
    """The shortest way to each of some things from a name, as `who_holds` would say it."""
    # The snippet's own names lead to what is far down a long container.
    roots = [Root("", namespace), *roots_of(sys._getframe()).found]
    search = Search(gc.get_objects(), roots)
    found: dict[int, str] = {}
    for classes in (False, True):  # an instance holds its class, which mostly has a name
        rest = {number: thing for number, thing in hidden.items() if number not in found}
        search.look_for(list(rest.values()), classes=classes)
        for number, thing in rest.items():
            ways = search.paths(thing)
            if chains := [chain for root, path in ways for chain in chains_of(root, path)]:
                found[number] = str(min(chains, key=by_length))
    return found


def _is_library_s(kind: type) -> bool:
    """Whether the standard library made a class, or a base of it."""
    bases = [base for base in kind.__mro__ if base.__module__ != "builtins"]
    return any(base.__module__.partition(".")[0] in sys.stdlib_module_names for base in bases)


def _public(contents: Contents) -> Contents:
    """What a library keeps for itself (a thread's state, a path's text) is no news to a reader."""
    size, labels, numbers = contents
    public = [at for at, label in enumerate(labels) if not label.startswith("_")]
    return size, [labels[at] for at in public], [numbers[at] for at in public]


def _arrows(step: Step, number: int) -> set[str]:
    """The labels of the arrows that leave a thing."""
    return {label for tail, label, _, _ in step.references if tail == number}


def _is_outermost(frame: types.FrameType) -> bool:
    """The snippet's own frame (its names are drawn anyway) and the recorder's."""
    code = frame.f_code
    module = code.co_filename == FILENAME and code.co_name == "<module>"
    return module or code.co_filename.startswith(OWN_FOLDER)
