"""A second connection to the database behind somebody's saver or store: it reads, and goes.

The saver's own connection may be in use, in a transaction, or belong to another event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

_PATIENCE = 5
"""Seconds in which a server must answer, and a lock be free."""
_SETTINGS = f"SET default_transaction_read_only = on; SET lock_timeout = '{_PATIENCE}s'"


def is_postgres(connection: object) -> bool:
    """Whether it is a connection of psycopg, or a pool of them, sync or async."""
    return type(connection).__module__.startswith("psycopg")


def in_transaction(connection: Any) -> bool:
    """Whether a connection has written, or read, what it has not committed yet; no pool has."""
    info = getattr(connection, "info", None)
    return info is not None and info.transaction_status.name in ("INTRANS", "INERROR")


@contextmanager
def reading(connection: Any) -> Iterator[Connection[dict[str, Any]]]:
    """Connect anew to the database of a connection or a pool, to read: rows as dictionaries.

    Every statement is a transaction of its own, JSON comes as text. Raises what psycopg raises.
    """
    import psycopg
    from psycopg.rows import dict_row
    from psycopg.types.string import TextLoader

    address = {"connect_timeout": _PATIENCE, **_address(connection)}
    with psycopg.connect(**address, autocommit=True, row_factory=dict_row) as database:
        database.adapters.register_loader("jsonb", TextLoader)
        database.execute(_SETTINGS)
        yield database


def _address(connection: Any) -> dict[str, Any]:
    """What a connection was made with, its password included: never to be shown."""
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    if not hasattr(connection, "conninfo"):
        return {**connection.info.get_parameters(), "password": connection.info.password}
    given, more = connection.conninfo, connection.kwargs or {}
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    address = conninfo_to_dict(given() if callable(given) else given)
    return {**address, **{name: more[name] for name in known & set(more)}}
