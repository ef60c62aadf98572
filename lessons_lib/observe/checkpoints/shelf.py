"""A stand-in for a saver, that holds one checkpoint which was read already.

What a checkpoint's channels mean (which nodes are next, what each one wrote) is known to the graph
alone, which asks its saver for the checkpoint. To read and decode every state twice would cost more
than everything else here.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver


class Shelf(BaseCheckpointSaver[Any]):
    """Answers for the checkpoint that lies on it; whatever else is asked, the saver answers."""

    def __init__(self, saver: Any) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver
        self.raw: Any = None
        """LangGraph's CheckpointTuple."""

    def get_tuple(self, config: Any) -> Any:
        """The checkpoint on the shelf, if that is the one."""
        if self.raw is not None and _place(config) == _place(self.raw.config):
            return self.raw
        return self.saver.get_tuple(config)

    def get_delta_channel_history(self, **asked: Any) -> Any:
        """The saver's own: a DeltaChannel is put together from several checkpoints."""
        return self.saver.get_delta_channel_history(**asked)


def _place(config: Any) -> tuple[str, str]:
    inner = config["configurable"]
    return inner.get("checkpoint_ns") or "", inner.get("checkpoint_id") or ""
