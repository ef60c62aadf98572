"""A recording drawn: one diagram for each step, on a layout that steps share.

Things whose lives do not overlap may stand in the same place, one after the other, so that a loop
that makes ten objects needs two places. Everything else keeps its own place from step to step, as
long as not too much is new: a long snippet is drawn in several acts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from ..pictures.diagram import MAX_BOXES, Arrow, Box, Diagram, Frame, left_out, size
from ..pictures.drawing import Picture, draw
from ..pictures.layout import Layout, lay_out
from .recording import Name, Recording, Step, Thing
from .story import Story

ACT_BOXES = 16
"""With more boxes than this among them, a new layout is begun: one for all would be mostly gaps."""


class Scenes:
    """The pictures of a recording; laid out when the first one is drawn."""

    def __init__(self, recording: Recording, story: Story | None = None) -> None:
        self.recording = recording
        self.story = story or Story(recording)
        self._layouts: dict[int, Layout] = {}

    def picture(self, index: int) -> Picture:
        """The picture of one step (counted from 0), with its sentence as alternative text."""
        diagram = self.diagram(index)
        told = f"After {self.story.sentence(index)}. {_spoken(diagram)}"
        words, see = self.story.sentence(index), self._news(index)
        return draw(diagram, alt=told, text=words, layout=self.layout(index), see=see)

    def _news(self, index: int) -> str:
        """The box that a narrow page scrolls to: what died, came, or has more arrows or fewer."""
        step, before = self.story.step(index), self.story.step(index - 1)
        now, then = self.story.counts(index), self.story.counts(index - 1)
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
        return replace(_among(whole, placed), left_out=missing)

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
        """Everything that any step of an act shows, at most thirty boxes."""
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
        # Names first: without them nobody could follow the rest.
        kept = sorted(boxes.values(), key=lambda box: box.kind != "name")[:MAX_BOXES]
        all_frames = [
            Frame(key, f"{key} runs", tuple(dict.fromkeys(ids))) for key, ids in frames.items()
        ]
        whole = Diagram(tuple(boxes.values()), tuple(arrows.values()), tuple(all_frames))
        return _among(whole, kept)

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
        return Diagram(boxes, tuple(arrows), tuple(_frames(step)))

    def _thing_boxes(self, step: Step, index: int) -> Iterable[Box]:
        counts = self.story.counts(index)
        hands = {death.number: death.by for death in step.died}
        numbers = list(dict.fromkeys([*step.values, *hands]))
        for number in sorted(numbers):
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
        for thing in self.recording.things:
            first, last = self._life(thing.number)
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

    def _life(self, number: int) -> tuple[int, int]:
        """The first and the last step that show a thing, the one of its death included."""
        seen = [
            i
            for i, step in enumerate(self.recording.steps)
            if number in step.values or any(death.number == number for death in step.died)
        ]
        return (seen[0], seen[-1]) if seen else (0, 0)


def _name_id(name: Name) -> str:
    return f"name {name.scope}.{name.label}"


def _frames(step: Step) -> Iterable[Frame]:
    for scope in step.scopes:
        inside = tuple(_name_id(name) for name in step.names if name.scope == scope)
        if inside:
            yield Frame(scope, f"{scope} runs", inside)


def _among(diagram: Diagram, boxes: Iterable[Box]) -> Diagram:
    """The part of a diagram that lies among some of its boxes."""
    chosen = tuple(boxes)
    ids = {box.id for box in chosen}
    frames = [replace(f, boxes=tuple(b for b in f.boxes if b in ids)) for f in diagram.frames]
    arrows = tuple(a for a in diagram.arrows if a.tail in ids and a.head in ids)
    return replace(diagram, boxes=chosen, arrows=arrows, frames=tuple(f for f in frames if f.boxes))


def _spoken(diagram: Diagram, limit: int = 14) -> str:
    """The arrows of a diagram in words, for those who hear the picture."""
    titles = {box.id: " ".join((box.title, *box.lines)) for box in diagram.boxes}
    words = {"dashed": "leads weakly to", "dotted": "holds, unseen,", "solid": "leads to"}
    told = [f"{titles[a.tail]} {words[a.style]} {titles[a.head]}" for a in diagram.arrows]
    more = [f"and {len(told) - limit} more arrows"] if len(told) > limit else []
    return "; ".join([*told[:limit], *more]) + "." if told else "No arrows."
