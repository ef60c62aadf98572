"""A disk that is too slow, so that what LangGraph saves in the background is certain to be late.

In `durability="async"` (the default) a step does not wait for the checkpoint of the step before. On
a fast disk it lags by a step or by none, as it happens. On this disk it lags for certain.
"""

from __future__ import annotations

import sqlite3
import threading

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite import SqliteSaver

from lessons_lib.memories.moments import moment

STUCK = "the disk is stuck"


class SlowDisk(SqliteSaver):
    """A SqliteSaver that saves the first checkpoints and is never done with the next one.

    It passes the moment STUCK when that one comes: everything before it is on the disk. So
    `crash(…, at="step 3", after=STUCK)` kills when exactly `checkpoints` checkpoints are saved. The
    first checkpoint of a run is its input.
    """

    def __init__(self, connection: sqlite3.Connection, *, checkpoints: int = 1) -> None:
        super().__init__(connection)
        self._left = checkpoints

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, or never return."""
        if self._left <= 0:
            moment(STUCK)
            threading.Event().wait()
        self._left -= 1
        return super().put(config, checkpoint, metadata, new_versions)
