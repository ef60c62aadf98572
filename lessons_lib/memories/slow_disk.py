"""A disk that is too slow, so that what LangGraph saves in the background is certain to be late.

In `durability="async"` (the default) a step does not wait for the checkpoint of the step before. On
a fast disk it lags by a step or by none, as it happens. On this disk it lags for certain.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite import SqliteSaver

from lessons_lib.crash_lab.moments import moment

STUCK = "the disk is stuck"


class SlowDisk(SqliteSaver):
    """A SqliteSaver that saves the first checkpoints and is never done with the next one.

    It passes the moment STUCK when that one comes and everything before it is on the disk: the
    earlier checkpoints, and what the step that leads to this one wrote. So
    `crash(…, at="step 3", after=STUCK)` kills when exactly `checkpoints` checkpoints are saved. The
    first checkpoint of a run is its input.
    """

    def __init__(self, connection: sqlite3.Connection, *, checkpoints: int = 1) -> None:
        super().__init__(connection)
        self._left = checkpoints
        self._written: dict[str, threading.Event] = {}

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, or never return."""
        if self._left <= 0:
            if metadata["source"] == "loop":  # before a run's input no step has written anything
                self._writes_after(config).wait()
            moment(STUCK)
            threading.Event().wait()
        self._left -= 1
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote after a checkpoint: on this disk that is quick."""
        super().put_writes(config, writes, task_id, task_path)
        self._writes_after(config).set()

    def _writes_after(self, config: RunnableConfig) -> threading.Event:
        checkpoint_id: str = config["configurable"]["checkpoint_id"]
        return self._written.setdefault(checkpoint_id, threading.Event())
