"""The time machine: a thread's checkpoints under a slider, and a fork from any of them."""

from __future__ import annotations

from typing import Any

from .history import History, find, read_history
from .thread import Thread


def time_machine(graph: Any, config: Any) -> TimeMachine:
    """Slide through a thread's checkpoints, see what each step did, and fork from any of them."""
    return TimeMachine(Thread(graph, config))


class TimeMachine:
    """A thread under a slider."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread

    @property
    def history(self) -> History:
        """The newest checkpoints, as they are now."""
        return read_history(self.thread, 50)

    def fork(self, step: int | str, values: Any, as_node: str | None = None) -> dict[str, Any]:
        """Write `values` after a checkpoint, as if a node had; returns the config of the fork."""
        all_of_it = read_history(self.thread, None)
        one = find(all_of_it.checkpoints, all_of_it.tree, step)
        forked = self.thread.graph.update_state(self.thread.config_of(one.id), values, as_node)
        return dict(forked)

    def __str__(self) -> str:
        return str(self.history)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        page = self.history
        html = page.picture().html() + page.table()._repr_html_()
        return {"text/html": html, "text/plain": str(page)}
