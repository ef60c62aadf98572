"""A recording drawn: one diagram for each step, on a layout that steps share.

Things whose lives do not overlap may stand in the same place, one after the other, so that a loop
that makes ten objects needs two places. Everything else keeps its own place from step to step, as
long as not too much is new: a long snippet is drawn in several acts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from ..pictures.diagram import Arrow, Box, Diagram, Frame, among, left_out, size
from ..pictures.drawing import Picture, draw
from ..pictures.layout import Layout, lay_out
from .recording import Name, Step, Thing
from .story import Story

ACT_BOXES = 16
"""With more boxes than this among them, a new layout is begun: one for all would be mostly gaps."""


class Scenes:
    """The pictures of a recording; laid out when the first one is drawn."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.recording = story.recording
        self._layouts: dict[int, Layout] = {}

    def picture(self, index: int) -> Picture:
        """The picture of one step (counted from 0), with its sentence as alternative text."""
        diagram, words = self.diagram(index), self.story.sentence(index)
        told = f"After {words}. {_spoken(diagram)}"
        return draw(diagram, told, words, self.layout(index), self._news(index))

    def _news(self, index: int) -> str:
        """The box that a narrow page scrolls to: what died, came, or has more arrows or fewer."""
        step, before = self.story.step(index), self.story.step(index - 1)
        now, then = step.counts(), before.counts()
        died = [death.number for death in step.died]
        came = sorted(step.values.keys() - before.values.keys())
        counted = [number for number in step.values if now[number] != then[number]]
        return next((self.slots[number] for number in (*died, *came, *counted)), "")

    def diagram(self, index: int) -> Diagram:
        """What one step shows, cut to the boxes that have a place."""
        whole = self._whole(index)
        places = self.layout(index).boxes
        placed = [box for box in whole.boxes if box.id in places]
        missing = left_out(len(whole.boxes) - len(placed), 0)
        return replace(among(whole, placed), left_out=missing)

    def layout(self, index: int) -> Layout:
        """The places for a step: those of all the steps of its act."""
        act = next(act for act in self.acts if index in act)
        if act.start not in self._layouts:
            self._layouts[act.start] = lay_out(self._together(act))
        return self._layouts[act.start]

    @cached_property
    def acts(self) -> list[range]:
        """The steps in runs that share a layout; a snippet with few boxes is one act."""
        acts, start, seen = [], 0, set[str]()
        for index in range(len(self.recording.steps)):
            shown = {box.id for box in self._whole(index).boxes}
            if len(seen | shown) > ACT_BOXES and index > start:
                acts.append(range(start, index))
                start, seen = index, set()
            seen |= shown
        return [*acts, range(start, len(self.recording.steps))]

    def _together(self, act: range) -> Diagram:
        """Everything that any step of an act shows."""
        boxes: dict[str, Box] = {}
        arrows: dict[tuple[str, str, str], Arrow] = {}
        frames: dict[str, tuple[str, ...]] = {}
        for diagram in map(self._whole, act):
            for box in diagram.boxes:
                if box.id not in boxes or size(box) > size(boxes[box.id]):
                    boxes[box.id] = box
            for arrow in diagram.arrows:
                arrows.setdefault((arrow.tail, arrow.head, arrow.label), arrow)
            for frame in diagram.frames:
                frames[frame.id] = (*frames.get(frame.id, ()), *frame.boxes)
        # Names first: of too many boxes the last are cut, and without names nobody could follow.
        named = sorted(boxes.values(), key=lambda box: box.kind != "name")
        running = [_frame(scope, dict.fromkeys(ids)) for scope, ids in frames.items()]
        return Diagram(tuple(named), tuple(arrows.values()), tuple(running))

    # -- what a step shows --------------------------------------------------------------------

    def _whole(self, index: int) -> Diagram:
        step = self.recording.steps[index]
        names = [
            Box(_name_id(name), name.label, "name", (name.value,) if name.value else ())
            for name in step.names
        ]
        holders = [
            Box(f"held by {holder}", holder, "pill")
            for holder in dict.fromkeys(holder for holder, _ in step.unseen)
        ]
        boxes = (*names, *self._thing_boxes(step, index), *holders)
        arrows = dict.fromkeys(self._arrows(step))
        frames = (
            _frame(scope, [_name_id(name) for name in step.names if name.scope == scope])
            for scope in step.scopes
        )
        return Diagram(boxes, tuple(arrows), tuple(frame for frame in frames if frame.boxes))

    def _thing_boxes(self, step: Step, index: int) -> Iterable[Box]:
        counts = step.counts()
        hands = {death.number: death.by for death in step.died}
        for number in sorted({*step.values, *hands}):
            thing = self.recording.things[number - 1]
            box = self._box(thing, self._value(number, index))
            if number in hands and number not in step.values:
                yield replace(box, state="died", note=f"by {hands[number]}")
            elif number in step.garbage:
                yield replace(box, state="garbage", badge=str(counts[number]))
            else:
                yield replace(box, badge="" if thing.hidden else str(counts[number]))

    def _box(self, thing: Thing, value: str) -> Box:
        slot, title = self.slots[thing.number], self.story.titles[thing.number]
        if thing.type.startswith("frame of "):  # a reader knows it as the traceback that keeps it
            return Box(slot, "traceback", "pill", (title,))
        return Box(slot, title, "pill" if thing.hidden else "object", (value,) if value else ())

    def _value(self, number: int, index: int) -> str:
        """The value of a thing at a step, or the last one before it died."""
        for step in self.recording.steps[index::-1]:
            if number in step.values:
                return step.values[number]
        return ""

    def _arrows(self, step: Step) -> Iterable[Arrow]:
        for name in step.names:
            if name.target:
                yield Arrow(_name_id(name), self.slots[name.target], style=name.style)
        for tail, label, head, style in step.references:
            shown = "" if label == "__traceback__" else label  # the box it leads to says so
            yield Arrow(self.slots[tail], self.slots[head], shown, style)
        for holder, number in step.unseen:
            yield Arrow(f"held by {holder}", self.slots[number], style="dotted")

    @cached_property
    def slots(self) -> dict[int, str]:
        """The place of each thing: that of an earlier one of its type and holder, or a new one."""
        free_from: dict[str, int] = {}
        slots: dict[int, str] = {}
        shown: dict[int, list[int]] = defaultdict(list)
        for index, step in enumerate(self.recording.steps):
            for number in {*step.values, *(death.number for death in step.died)}:
                shown[number].append(index)
        for thing in self.recording.things:
            steps = shown[thing.number] or [0]
            first, last = steps[0], steps[-1]
            kind = f"{thing.type} of {self._holder(thing.number, first, slots)} at "
            candidates = (s for s, end in free_from.items() if s.startswith(kind) and end < first)
            slot = next(candidates, f"{kind}{thing.number}")
            free_from[slot] = last
            slots[thing.number] = slot
        return slots

    def _holder(self, number: int, index: int, slots: dict[int, str]) -> str:
        """The place of what led to a thing first: things of one holder may follow each other."""
        step = self.recording.steps[index]
        names = (_name_id(name) for name in step.names if name.target == number)
        tails = (tail for tail, _, head, _ in step.references if head == number)
        return next(names, "") or next((slots.get(tail, "") for tail in tails), "")


def _name_id(name: Name) -> str:
    return f"name {name.scope}.{name.label}"


def _frame(scope: str, inside: Iterable[str]) -> Frame:
    return Frame(scope, f"{scope} runs", tuple(inside))


def _spoken(diagram: Diagram, limit: int = 14) -> str:
    """The arrows of a diagram in words, for those who hear the picture."""
    titles = {box.id: " ".join((box.title, *box.lines)) for box in diagram.boxes}
    words = {"dashed": "leads weakly to", "dotted": "holds, unseen,", "solid": "leads to"}
    told = [f"{titles[a.tail]} {words[a.style]} {titles[a.head]}" for a in diagram.arrows]
    more = [f"and {len(told) - limit} more arrows"] if len(told) > limit else []
    return "; ".join([*told[:limit], *more]) + "." if told else "No arrows."
