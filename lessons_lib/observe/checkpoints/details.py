"""One checkpoint told: in a sentence, and in three small tables."""

from __future__ import annotations

from ..pictures.table import Table
from .differences import show
from .history import Checkpoint, counted, told

MAX_ROWS = 12
"""Of more rows, the rest is counted."""
HIGH = 230
"""Pixels of each table: the same for every checkpoint, so that the page does not move."""
_OWN = "(LangGraph's own)"
"""What a channel holds that is no part of the state: which nodes wait, what was sent to them."""
_BY_OTHERS = {
    "input": "an input came",
    "update": "the state was updated from outside",
    "fork": "a copy, to go another way",
    "loop": "a step",
}


def sentence(one: Checkpoint, after: str, followed: bool) -> str:
    """What a checkpoint brought and what waits after it.

    `after` is the label of the one before, empty for the first; `followed` whether others follow.
    """
    place = f"step {one.label}" + (f" after step {after}" if after else "")
    who = f"{counted(one.wrote)} wrote" if one.wrote else _BY_OTHERS.get(one.source, one.source)
    news = told(one.changed, 3) if one.changed else "no change"
    unread = f" It cannot be read whole: {one.unread}." if one.unread else ""
    return f"{place}: {who} — {news}. {_waits(one, followed)}{unread}"


def _waits(one: Checkpoint, followed: bool) -> str:
    if not one.next:
        return "What waits is not known." if one.unread else "Nothing waits to run."
    waits, asked = counted(one.next), ", ".join(show(value) for value in one.interrupts)
    if followed:
        words = f"{waits} came next" + (f" and asked {asked}" if asked else "")
    elif asked and len(one.next) > 1:
        verb = "waits" if len(one.interrupts) == 1 else "wait"
        words = f"{waits} wait to run; {asked} {verb} for an answer"
    elif asked:
        words = f"{waits} asks {asked} and waits for an answer"
    else:
        words = f"{waits} waits to run"
    return f"{words}." + "".join(f" {node} raised {error}." for node, error in one.errors)


Rows = list[tuple[object, ...]]


def tables(one: Checkpoint) -> str:
    """Who wrote what, what changed, and the state with its bytes, each always in its place."""
    boxes = ""
    # Three tables always, of one height each: what one looks at stays where it is while one slides.
    for columns, rows, caption in (
        (("node", "channel", "wrote"), _writes(one), "Who wrote what"),
        (("path", "", "before", "after"), _changes(one), "What changed"),
        (("channel", "holds", "bytes"), _state(one), f"The state, {one.bytes} bytes"),
    ):
        more = len(rows) - MAX_ROWS
        notes = [f"… and {more} more"] if more > 0 else []
        shown = rows[:MAX_ROWS] or [("–",) * len(columns)]
        table = Table(columns, shown, caption, notes)._repr_html_()
        boxes += f'<div tabindex="0" style="height:{HIGH}px;overflow:auto">{table}</div>'
    columns_of_page = "repeat(auto-fit,minmax(min(340px,100%),1fr))"
    return (
        f'<div style="display:grid;grid-template-columns:{columns_of_page};gap:8px;'
        f'margin-top:8px">{boxes}</div>'
    )


def _writes(one: Checkpoint) -> Rows:
    """What each node returned, channel by channel; of one that returned nothing, an empty row."""
    rows: Rows = []
    for node, result in one.writes:
        if isinstance(result, dict):
            rows += [(node, key, show(value)) for key, value in result.items()]
            rows += [] if result else [(node, "–", "nothing")]
        else:
            rows.append((node, "–", show(result)))
    return rows


def _changes(one: Checkpoint) -> Rows:
    return [
        (c.path, "…" if c.kind == "more" else c.kind, c.before or "–", c.after or "–")
        for c in one.changed
    ]


def _state(one: Checkpoint) -> Rows:
    # A channel that is not in the state is LangGraph's own, but for what an entrypoint remembers.
    values = dict(one.values) if isinstance(one.values, dict) else {"state": one.values}
    if "__previous__" in one.weighs:
        values["__previous__"] = one.previous
    names = sorted({**values, **one.weighs}, key=lambda name: -one.weighs.get(name, 0))
    return [
        (name, show(values[name]) if name in values else _OWN, one.weighs.get(name, 0))
        for name in names
    ]
