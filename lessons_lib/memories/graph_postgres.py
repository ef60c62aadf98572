"""The chatbot as a LangGraph graph on Postgres: for workers on several machines.

`PostgresBot` is what one writes first. `PostgresMendedBot` has what LangGraph leaves to its user: a
store, a lock for each conversation, and forgetting that reaches the bytes. Both are given the
address of a database, as `lessons_lib.database.postgres().uri` is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.postgres import PostgresStore
from psycopg import Connection
from psycopg_pool import ConnectionPool

from lessons_lib.memories.chatbot import Message, Model, Step, checked_id, checked_user, reply
from lessons_lib.memories.graph import Durability, OnGraph, build, checked
from lessons_lib.memories.graph_store import build_with_store, forget_facts

Pool = ConnectionPool[Connection[Any]]

PATIENCE = 30.0
"""Seconds that a turn waits for a connection."""
MOST = 10
"""Connections of one pool; a turn that waits for its conversation's lock holds one, too."""
TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "store")
_SETTING_UP = 18_000_001  # the key of the lock under which tables are made
_KEY = "hashtextextended(%s, 17)"


def pool(uri: str) -> Pool:
    """Open a pool of connections that commit by themselves, as LangGraph's savers need them.

    Each is looked at before it is handed out: the database may have been started anew. A lock that
    a turn left behind is let go of when its connection comes back.
    """
    return ConnectionPool(
        uri,
        min_size=1,
        max_size=MOST,
        timeout=PATIENCE,
        kwargs={"autocommit": True, "prepare_threshold": 0},
        check=ConnectionPool.check_connection,
        reset=_let_go,
        open=True,
    )


def set_up(connections: Pool) -> None:
    """Make the tables, if they are missing; of several processes one does, and the others wait.

    They ask again and again: who waited *inside* `pg_advisory_lock` would be waited for by the
    indexes that are being made.
    """
    with connections.connection() as connection:
        while not _asked(connection, "SELECT pg_try_advisory_lock(%s)", _SETTING_UP):
            time.sleep(0.02)
        try:
            PostgresSaver(connection).setup()
            PostgresStore(connection).setup()
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_SETTING_UP,))


class PostgresBot(OnGraph):
    """The chatbot on a checkpointed graph, its conversations in a database."""

    def __init__(self, uri: str, *, model: Model = reply, durability: Durability = "async") -> None:
        """Connect, and make the tables if they are missing."""
        checked(durability)
        self._pool = pool(uri)
        set_up(self._pool)
        super().__init__(build(PostgresSaver(self._pool), model), durability)

    def close(self) -> None:
        """Close the connections. The conversations stay in the database."""
        self._pool.close()


class PostgresMendedBot:
    """The chatbot on checkpoints and a store in a database, for as many workers as one likes.

    Each call holds its conversation's lock, taken on **the connection on which it saves**. A worker
    that is killed frees the lock, since its connection ends. One that slept, and whose connection
    was ended meanwhile, cannot write any more when it wakes: it has lost both at once.
    """

    def __init__(self, uri: str, *, model: Model = reply, durability: Durability = "sync") -> None:
        """Connect, and make the tables if they are missing."""
        self._model = model
        self._durability: Durability = checked(durability)
        self._pool = pool(uri)
        self._facts = pool(uri)  # of its own: a turn that holds a connection must not wait for one
        set_up(self._pool)

    def say(self, text: str, *, conversation: str = "c1", user: str = "ada", **rest: Any) -> str:
        """Take a turn; who comes meanwhile with another turn of this conversation waits."""
        checked_user(user)
        with self._alone(conversation) as bot:
            return bot.say(text, conversation=conversation, user=user, **rest)

    def resume(self, conversation: str = "c1") -> str:
        """Finish a turn that was cut off, by whichever worker."""
        with self._alone(conversation) as bot:
            return bot.resume(conversation)

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        """Do named steps in order, as one turn; called again after a kill, it goes on."""
        with self._alone(conversation) as bot:
            return bot.work(steps, conversation=conversation)

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved, oldest message first; waits for nobody."""
        with self._pool.connection() as connection:
            return self._on(connection).messages(conversation)

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        """Go on from an earlier state; what was told since is no fact any more."""
        with self._alone(conversation) as bot:
            bot.back(turns, conversation=conversation)
            forget_facts(PostgresStore(self._facts), conversation, len(bot.messages(conversation)))

    def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation, the facts told in it, and the bytes of both.

        Writing the tables anew holds up everybody for as long, and emptying the log is allowed to
        the owner of the server alone: in a large service both wait for the night.
        """
        with self._alone(conversation) as bot:
            bot.forget(conversation)
            forget_facts(PostgresStore(self._facts), conversation)
        with self._pool.connection() as connection:
            for table in TABLES:  # ANALYZE keeps samples of values, also of a table emptied since
                connection.execute(f"DELETE FROM pg_statistic WHERE starelid = '{table}'::regclass")
                connection.execute(f"VACUUM FULL {table}")
            connection.execute("VACUUM FULL pg_statistic")
            # Old segments of the log are used again: each has to be passed.
            for _ in range(_asked(connection, "SELECT count(*) FROM pg_ls_waldir()") + 2):
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Close the connections. The conversations and the facts stay in the database."""
        self._pool.close()
        self._facts.close()

    @contextmanager
    def _alone(self, conversation: str) -> Iterator[OnGraph]:
        """The chatbot on a connection that has the conversation's lock."""
        checked_id(conversation)
        with self._pool.connection() as held:
            held.execute(f"SELECT pg_advisory_lock({_KEY})", (conversation,))
            yield self._on(held)

    def _on(self, connection: Connection[Any]) -> OnGraph:
        """The chatbot on one connection; nothing that is read there can run code."""
        strict = JsonPlusSerializer(allowed_msgpack_modules=[])
        saver = PostgresSaver(connection, serde=strict)
        graph = build_with_store(saver, PostgresStore(self._facts), self._model)
        return OnGraph(graph, self._durability)


def _let_go(connection: Connection[Any]) -> None:
    connection.execute("SELECT pg_advisory_unlock_all()")


def _asked(connection: Connection[Any], question: str, *values: object) -> Any:
    found = connection.execute(question, values).fetchone()
    return found[0] if found else None
