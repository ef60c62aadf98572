"""The seal on Postgres, where not all that is stored goes through a serializer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.store.base import Item, Op, PutOp, Result
from langgraph.store.postgres import PostgresStore
from psycopg import Connection
from psycopg_pool import ConnectionPool

from lessons_lib.memories.seal import Seal, SealedSerializer


class SealedPostgresSaver(PostgresSaver):
    """A saver that reads nothing whose seal does not fit, in whichever column it lies.

    Lists and objects of a state are blobs, and sealed as in SQLite. Texts and numbers are no blobs:
    Postgres has them as JSON in the checkpoint's row, so they have a seal of their own, in its
    metadata. It names the thread and the checkpoint: a row moved to another thread is refused, too.
    """

    def __init__(self, connection: Connection[Any], seal: Seal) -> None:
        super().__init__(connection, serde=SealedSerializer(seal))
        self._seal = seal

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        sealed = self._seal.on(_row(config, checkpoint))["seal"]
        kept: Any = {**metadata, "seal": sealed}
        return super().put(config, checkpoint, kept, new_versions)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; raises Tampered when it is not what was sealed."""
        found = super().get_tuple(config)
        return self._checked(found) if found else None

    def list(self, config: RunnableConfig | None, **more: Any) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first; raises Tampered at one that is not what was sealed."""
        return map(self._checked, super().list(config, **more))

    def _checked(self, found: CheckpointTuple) -> CheckpointTuple:
        metadata: Any = dict(found.metadata)
        row = _row(found.config, found.checkpoint)
        self._seal.off({**row, "seal": metadata.pop("seal", "")})
        return found._replace(metadata=metadata)


class SealedPostgresStore(PostgresStore):
    """SealedStore on Postgres, with a pool of connections."""

    def __init__(self, connection: ConnectionPool[Connection[Any]], seal: Seal) -> None:
        super().__init__(connection)
        self._seal = seal

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what is asked, as LangGraph does; all other methods come to this one."""
        sealed = [
            op._replace(value=self._seal.on(op.value)) if isinstance(op, PutOp) and op.value else op
            for op in ops
        ]
        results = super().batch(sealed)
        for result in results:
            for item in result if isinstance(result, list) else [result]:
                if isinstance(item, Item):
                    item.value = self._seal.off(item.value)
        return results


def _row(config: RunnableConfig, checkpoint: Checkpoint) -> dict[str, Any]:
    """What a checkpoint's row has of the state, and where it belongs."""
    values = checkpoint["channel_values"].items()
    return {
        "thread": str(config["configurable"]["thread_id"]),
        "checkpoint": checkpoint["id"],
        "values": {name: value for name, value in values if isinstance(value, _INLINE)},
    }


_INLINE = (str, int, float, bool, type(None))
