"""The chatbot as a LangGraph graph on Postgres: for workers on several machines.

`PostgresBot` is what one writes first. `PostgresMendedBot` has what LangGraph leaves to its user: a
store, a lock for each conversation, forgetting that reaches the bytes, and a seal. Both are given
the address of a database, as `lessons_lib.database.postgres().uri` is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.store.postgres import PostgresStore
from psycopg import Connection, errors
from psycopg_pool import ConnectionPool

from lessons_lib.memories.chatbot import Message, Model, Step, checked_id, checked_user, reply
from lessons_lib.memories.graph import Durability, OnGraph, build, checked_mode
from lessons_lib.memories.graph_store import build_with_store, forget_facts
from lessons_lib.memories.seal import Seal
from lessons_lib.memories.seal_postgres import SealedPostgresSaver, SealedPostgresStore

Pool = ConnectionPool[Connection[Any]]

PATIENCE = 30.0
"""Seconds that a turn waits for a connection."""
LOOK = 0.02
"""Seconds between two looks whether a lock is free."""
MOST = 10
"""Connections of one pool; a turn that waits for its conversation's lock holds one, too."""
WORDS = {
    "checkpoints": ("checkpoint", "metadata"),
    "checkpoint_blobs": ("blob",),
    "checkpoint_writes": ("blob",),
    "store": ("value",),
}
"""The tables, and their columns that hold what was said."""
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
        kwargs={"autocommit": True, "prepare_threshold": 0},  # as in LangGraph's own connections
        check=ConnectionPool.check_connection,
        reset=_let_go,
        open=True,
    )


def set_up(connections: Pool, *, statistics: bool = True) -> None:
    """Make the tables, if they are missing; of several processes one does, and the others wait.

    Without `statistics` the planner takes no samples of what was said: it would keep them, and they
    outlive the rows.
    """
    with connections.connection() as connection:
        _take(connection, "%s", _SETTING_UP)
        try:
            PostgresSaver(connection).setup()
            PostgresStore(connection).setup()
            for table, columns in () if statistics else WORDS.items():
                none = ", ".join(f"ALTER COLUMN {column} SET STATISTICS 0" for column in columns)
                connection.execute(f"ALTER TABLE {table} {none}")
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_SETTING_UP,))


class PostgresBot(OnGraph):
    """The chatbot on a checkpointed graph, its conversations in a database."""

    def __init__(self, uri: str, *, model: Model = reply, durability: Durability = "async") -> None:
        checked_mode(durability)
        self._pool = pool(uri)
        set_up(self._pool)
        super().__init__(build(PostgresSaver(self._pool), model), durability)

    def close(self) -> None:
        self._pool.close()


class PostgresMendedBot:
    """The chatbot on checkpoints and a store in a database, for as many workers as one likes.

    Each call holds its conversation's lock, taken on **the connection on which it saves**. A worker
    that is killed frees the lock, since its connection ends. One that slept, and whose connection
    was ended meanwhile, cannot write any more when it wakes: it has lost both at once.
    """

    def __init__(
        self, uri: str, *, key: bytes, model: Model = reply, durability: Durability = "sync"
    ) -> None:
        self._seal = Seal(key)
        self._model = model
        self._durability: Durability = checked_mode(durability)
        self._pool = pool(uri)
        self._facts = pool(uri)  # of its own: a turn that holds a connection must not wait for one
        set_up(self._pool, statistics=False)

    def say(self, text: str, *, conversation: str = "c1", user: str = "ada", **rest: Any) -> str:
        checked_user(user)
        with self._alone(conversation) as bot:
            return bot.say(text, conversation=conversation, user=user, **rest)

    def resume(self, conversation: str = "c1") -> str:
        with self._alone(conversation) as bot:
            return bot.resume(conversation)

    def work(self, steps: Mapping[str, Step], *, conversation: str = "c1") -> list[str]:
        with self._alone(conversation) as bot:
            return bot.work(steps, conversation=conversation)

    def messages(self, conversation: str = "c1") -> list[Message]:
        """Return the conversation as it was last saved; waits for nobody."""
        with self._pool.connection() as connection:
            return self._on(connection).messages(conversation)

    def back(self, turns: int = 1, *, conversation: str = "c1") -> None:
        with self._alone(conversation) as bot:
            bot.back(turns, conversation=conversation)
            forget_facts(self._store(), conversation, len(bot.messages(conversation)))

    def forget(self, conversation: str = "c1") -> None:
        """Delete a conversation, the facts told in it, and the bytes of both.

        Writing the tables anew holds up everybody for as long; in a large service it waits for the
        night. Raises TimeoutError when somebody goes on reading what was there before, and
        PermissionError when the server's log is not ours to empty; the rest is done by then.
        """
        with self._alone(conversation) as bot:
            bot.forget(conversation)
            forget_facts(self._store(), conversation)
        with self._pool.connection() as connection:
            _wait_for_readers(connection)
            for table in WORDS:
                connection.execute(f"VACUUM FULL {table}")
            _empty_the_log(connection)

    def close(self) -> None:
        self._pool.close()
        self._facts.close()

    @contextmanager
    def _alone(self, conversation: str) -> Iterator[OnGraph]:
        """The chatbot on a connection that has the conversation's lock."""
        checked_id(conversation)
        with self._pool.connection() as held:
            _take(held, _KEY, conversation)
            yield self._on(held)

    def _on(self, connection: Connection[Any]) -> OnGraph:
        """The chatbot on one connection; what is read there has to have its seal."""
        saver = SealedPostgresSaver(connection, self._seal)
        return OnGraph(build_with_store(saver, self._store(), self._model), self._durability)

    def _store(self) -> SealedPostgresStore:
        return SealedPostgresStore(self._facts, self._seal)


def _take(connection: Connection[Any], key: str, value: object) -> None:
    """Take a lock of this connection, asking again and again.

    Who waited *inside* `pg_advisory_lock` would hold on to an old view of the database for as long:
    indexes that are being made wait for it, and VACUUM leaves in place whatever it can still see.
    """
    while not _asked(connection, f"SELECT pg_try_advisory_lock({key})", value):
        time.sleep(LOOK)


def _wait_for_readers(connection: Connection[Any]) -> None:
    """Wait for who began before the delete, and can still see what is deleted."""
    now = _asked(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    end = time.monotonic() + PATIENCE
    while _asked(connection, _READERS, now):
        if time.monotonic() > end:
            raise TimeoutError("somebody is reading the database as it was: it still has the bytes")
        time.sleep(LOOK)


_READERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND age(backend_xmin) > age(%s::xid8::xid)
"""


def _empty_the_log(connection: Connection[Any]) -> None:
    """Go on past the log's last file: old ones are used again in turn, with their old bytes."""
    try:
        before = _asked(connection, _CURRENT)
        _begin_a_file(connection)
        last = _asked(connection, f"SELECT max(name) {_FILES}")
        while _asked(connection, _CURRENT) <= last:
            _begin_a_file(connection)
        kept = _asked(connection, f"SELECT min(name) {_FILES}") <= before
    except errors.InsufficientPrivilege:
        raise PermissionError(
            "it is deleted, and the tables are written anew; but the server's log still has it, "
            "and only the server's owner may empty that: in time new entries take its place"
        ) from None
    if kept:
        raise TimeoutError("the server keeps its log for a replica or an archive: it has the bytes")


def _begin_a_file(connection: Connection[Any]) -> None:
    """Fill up the log's current file, and free those that are not needed to start from."""
    connection.execute("SELECT pg_switch_wal()")
    connection.execute("CHECKPOINT")


_CURRENT = "SELECT pg_walfile_name(pg_current_wal_lsn())"
_FILES = "FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"


def _let_go(connection: Connection[Any]) -> None:
    connection.execute("SELECT pg_advisory_unlock_all()")


def _asked(connection: Connection[Any], question: str, *values: object) -> Any:
    found = connection.execute(question, values).fetchone()
    return found[0] if found else None
