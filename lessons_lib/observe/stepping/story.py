"""A recording told in words: what each thing is called, and what happened at each step.

The words are the same on every Python that the course supports. Where several things die in one
step they are listed in the order in which they first appeared, since the order of death differs
between versions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from ..pictures.style import shorten
from ..pictures.table import Table
from .contents import Change, bracketed
from .recording import UNSEEN, Recording, Step, Thing

TOLD_AT_ONCE = 4
"""Of the same kind of news, so many are told in one step; more are counted."""


class Story:
    """The words for a recording; steps are counted from 0 here and from 1 in what is shown."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.lines = recording.snippet.splitlines()

    @cached_property
    def labels(self) -> dict[int, str]:
        """A name for each thing that no other thing has."""
        plain = {thing.number: _label(thing) for thing in self.recording.things}
        total, count = Counter(plain.values()), Counter[str]()
        result = {}
        for number, label in plain.items():
            count[label] += 1
            result[number] = f"{label} {count[label]}" if total[label] > 1 else label
        return result

    @cached_property
    def titles(self) -> dict[int, str]:
        """The first line of each thing's box: its type, numbered where that tells two apart."""
        return {
            thing.number: thing.type + self.labels[thing.number].removeprefix(_label(thing))
            for thing in self.recording.things
        }

    def code(self, step: Step) -> str:
        """The source line of a step, or which block it is the end of."""
        if step.event.startswith("end of"):
            return f"({step.event})"
        return self.lines[step.line - 1].strip() if 0 < step.line <= len(self.lines) else ""

    def step(self, index: int) -> Step:
        """A step; before the first one nothing is there."""
        return self.recording.steps[index] if index >= 0 else Step()

    def happened(self, index: int) -> list[str]:
        """What a step brought, in short phrases."""
        step, before = self.step(index), self.step(index - 1)
        news = [
            *_turn(step),
            *self._new(index),
            *self._counted(step, before),
            *self._swapped(step, before),
            *self._mutated(step),
            *self._garbage(step, before),
            *self._unseen(step, before),
            *self._hidden(step, before),
            *self._weak(step, before),
            *self._deaths(step),
            *_values(step, before),
            *_lost_names(step, before),
        ]
        if step.printed:
            news.append(f"prints {shorten(step.printed.rstrip().replace(chr(10), ' / '), 60)}")
        if "collect(" in self.code(step) and step.event == "done":
            if not step.collected and (not news or "gc.collect(" in self.code(step)):
                news.append("no collection took place: another thread may be at one")
            elif not news:
                news.append("nothing died")
        return news or self._rearranged(step, before)

    def sentence(self, index: int) -> str:
        """One sentence on a step, with its place in the snippet."""
        step = self.recording.steps[index]
        news = "; ".join(self.happened(index))
        return f"line {step.line}: {self.code(step)}" + (f" — {news}" if news else "")

    def decisive(self) -> list[int]:
        """The steps in which something died, became garbage or failed; else the last."""
        steps = self.recording.steps
        return [
            index
            for index, step in enumerate(steps)
            if step.died or step.event == "raised" or step.garbage - self.step(index - 1).garbage
        ] or list(range(len(steps)))[-1:]

    def table(self) -> Table:
        """Every step in a row: its line, its code, what happened."""
        rows = [
            (i + 1, step.line, shorten(self.code(step), 44), "; ".join(self.happened(i)) or "–")
            for i, step in enumerate(self.recording.steps)
        ]
        columns = ("step", "line", "code", "what happened")
        return Table(columns, rows, caption=self.recording.note, notes=self.afterwards)

    @property
    def afterwards(self) -> list[str]:
        """What is to be said behind the last step."""
        printed = self.recording.afterwards.strip().replace("\n", " / ")
        return [f"when the snippet's names went: prints {shorten(printed, 80)}"] if printed else []

    # -- the kinds of news -------------------------------------------------------------------

    def _list(self, numbers: Iterable[int]) -> str:
        return enumerated([self.labels[number] for number in numbers])

    def _visible(self, number: int) -> bool:
        return not self.recording.things[number - 1].hidden

    def _new(self, index: int) -> list[str]:
        # It may have been out of sight for some steps: then it is not new.
        seen = {number for step in self.recording.steps[:index] for number in step.values}
        new = sorted(self.step(index).values.keys() - seen)
        return [f"new: {self._list(new)}"] if new else []

    def _counted(self, step: Step, before: Step) -> list[str]:
        """The things whose number of references changed, as a reader would count the arrows."""
        now, then = step.counts(), before.counts()
        groups: dict[int, list[int]] = {}
        for number in _alive(step, before):
            if now[number] not in (0, then[number]) and self._visible(number):
                groups.setdefault(now[number], []).append(number)
        return [_has(self._list(group), len(group), count) for count, group in groups.items()]

    def _swapped(self, step: Step, before: Step) -> list[str]:
        """The names that lead elsewhere, where each thing has as many references as before."""
        now, then, alive = step.counts(), before.counts(), _alive(step, before)
        targets = {(name.scope, name.label): name.target for name in before.names}
        told = []
        for name in step.names:
            was = targets.get((name.scope, name.label), 0)
            elsewhere = was and name.target in alive and name.target != was
            if elsewhere and now[was] == then[was] and now[name.target] == then[name.target]:
                told.append(f"{name.label} leads to {self.labels[name.target]} now")
        return _some(told, "more lead elsewhere")

    def _mutated(self, step: Step) -> list[str]:
        """Containers that grew or shrank, and plain values that were replaced in place."""
        told = [
            _now(self.labels[change.number], change)
            for change in sorted(step.changes)
            if self._visible(change.number)
        ]
        return _some(told, "more changed")

    def _rearranged(self, step: Step, before: Step) -> list[str]:
        """Where nothing else tells it: things whose references go by other ways than before."""
        then, moved = set(before.references), dict[int, list[str]]()
        for reference in step.references:
            tail, label, _, _ = reference
            if tail in before.values and self._visible(tail) and reference not in then:
                moved.setdefault(tail, []).append(bracketed(label))
        told = [_now(self.labels[n], Change(n, -1, tuple(labels))) for n, labels in moved.items()]
        return _some(told, "more changed")

    def _garbage(self, step: Step, before: Step) -> list[str]:
        new = sorted(step.garbage - before.garbage)
        verb = "is" if len(new) == 1 else "are"
        return [f"{self._list(new)} {verb} garbage: no name leads there"] if new else []

    def _hidden(self, step: Step, before: Step) -> list[str]:
        """Things that only a closure, a generator or a kept frame still holds, when that begins."""
        now, then = self._hidden_holders(step), self._hidden_holders(before)
        return [
            f"only {enumerated(holders)} {'holds' if len(holders) == 1 else 'hold'} "
            f"{self.labels[number]}"
            for number, holders in sorted(now.items())
            if then.get(number) != holders
        ]

    def _hidden_holders(self, step: Step) -> dict[int, list[str]]:
        shown = {name.target for name in step.names if name.style != "dashed"}
        shown |= {head for _, _, head, style in step.references if style == "solid"}
        # Each of these is told in a sentence of its own.
        shown |= {number for _, number in step.unseen} | step.garbage
        holders: dict[int, list[str]] = {}
        for tail, _, head, style in step.references:
            if style == "dotted" and head not in shown and self._visible(head):
                known = holders.setdefault(head, [])
                if self.labels[tail] not in known:
                    known.append(self.labels[tail])
        return holders

    def _weak(self, step: Step, before: Step) -> list[str]:
        """New weak references, told by the name or the thing that has them."""
        now, then = self._weak_ones(step), self._weak_ones(before)
        return [told for told in now if told not in then]

    def _weak_ones(self, step: Step) -> list[str]:
        ones = [(n.label, n.target) for n in step.names if n.style == "dashed" and n.target]
        ones += [(self.labels[t], h) for t, _, h, style in step.references if style == "dashed"]
        return [f"{who} refers weakly to {self.labels[whom]}" for who, whom in ones]

    def _unseen(self, step: Step, before: Step) -> list[str]:
        told = []
        for holder, number in sorted(set(step.unseen) - set(before.unseen)):
            if holder == UNSEEN and number not in step.garbage:
                way = f", by {step.held_by[number]}" if number in step.held_by else ""
                told.append(f"{self.labels[number]} is held unseen{way}")
        return _some(told, "more are held unseen")

    def _deaths(self, step: Step) -> list[str]:
        told = []
        for hand in ("reference count", "the collector"):
            dead = sorted(death.number for death in step.died if death.by == hand)
            if dead:
                told.append(f"{self._list(dead)} died, by {hand}")
        return told


def _alive(step: Step, before: Step) -> list[int]:
    """What lived before a step and after; of what died in it, the death is told."""
    gone = {death.number for death in step.died}
    return [n for n in sorted(before.values) if n in step.values and n not in gone]


def _some(told: list[str], more: str) -> list[str]:
    """The first few of many, and how many more there are."""
    left = len(told) - TOLD_AT_ONCE
    return [*told[:TOLD_AT_ONCE], f"{left} {more}"] if left > 0 else told


def _label(thing: Thing) -> str:
    return f"{thing.type} {thing.name!r}" if thing.name else thing.type


def _has(who: str, several: int, count: int) -> str:
    references = f"{count} reference{'' if count == 1 else 's'}"
    return f"{who} have {references} each" if several > 1 else f"{who} has {references}"


def _now(who: str, change: Change) -> str:
    """A change in words: a new size, or what was replaced.

    >>> _now("list", Change(1, 2, ())), _now("dict", Change(1, -1, ("['text']",)))
    ('list now has 2 items', "dict changed: ['text']")
    """
    if change.size >= 0:
        return f"{who} now has {change.size} item{'' if change.size == 1 else 's'}"
    labels = [label for label in change.labels if label]
    return f"{who} changed: {enumerated(labels)}" if labels else f"{who} changed"


def enumerated(words: list[str]) -> str:
    """Words joined as in a sentence; of many, the first few.

    >>> enumerated(["a", "b", "c"]), enumerated(["a"] * 9)
    ('a, b and c', 'a, a, a, a and 5 more')
    """
    if len(words) > TOLD_AT_ONCE + 1:
        words = [*words[:TOLD_AT_ONCE], f"{len(words) - TOLD_AT_ONCE} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _turn(step: Step) -> list[str]:
    """Calls, returns and exceptions."""
    scope = step.scopes[-1] if step.scopes else "the snippet"
    return {
        "call": [f"{scope} is called"],
        "leave": [f"about to leave {scope}: its names still hold"] if step.scopes else [],
        "except": [f"caught {step.error}"],
        "raised": [f"{step.error}: not caught, the snippet ends here"],
    }.get(step.event, [])


def _values(step: Step, before: Step) -> list[str]:
    """Names that have a new plain value, and names that are gone."""
    then = {(name.scope, name.label): name.value for name in before.names}
    told = [
        f"{name.label} is {name.value}"
        for name in step.names
        if name.value and then.get((name.scope, name.label)) != name.value
    ]
    return _some(told, "more have a new value")


def _lost_names(step: Step, before: Step) -> list[str]:
    """Names that went without a del, at the end of an except block."""
    if not step.event.startswith("end of"):
        return []
    now = {name.label for name in step.names if name.scope == ""}
    then = [name.label for name in before.names if name.scope == ""]
    return [f"the name {label} is gone" for label in then if label not in now]
