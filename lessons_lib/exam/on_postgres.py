"""Memories on a Postgres sit the exam, too: a folder's memory has a schema of its own there.

Schemas lie in the one database of this process's server, which goes with all that is in it, however
the exam ends. What a search reads are the files of the whole server, and its log (the WAL) with
them; where the server is the reader's own, they cannot be read, and the answer says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.database import postgres
from lessons_lib.exam.damage import damaged
from lessons_lib.exam.keeping import Keeping

if TYPE_CHECKING:
    import psycopg

_COLUMNS = """
    SELECT table_name, column_name, data_type
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = %(schema)s AND table_type = 'BASE TABLE'
    AND (table_name, column_name) NOT IN (
        SELECT table_name, column_name FROM information_schema.key_column_usage
        WHERE table_schema = %(schema)s
    )
    ORDER BY 1, 2
"""
"""What is no key: an id that was changed would be another conversation's, and nothing unusual."""
_HAS_PLACE = {
    "cut in half": ("bytea", "text"),
    "a name changed": ("bytea", "text", "jsonb", "json"),
    "code hidden": ("bytea",),
}
"""The types of column that a damage can be done to: JSON has to stay JSON."""


class OnPostgres(Keeping):
    """Makes memories on this process's Postgres; give it to the exam as `exam(OnPostgres(MyBot))`.

    `make` is called with the address of a database, as `PostgresBot` is; tables that it makes lie
    in a schema of its folder. Raises NoPostgres where none can be started.
    """

    says = "in its rows, "
    of_a_reader = "the server is your own, and its files cannot be read from here"

    def __init__(self, make: Callable[[str], Any]) -> None:
        """Start the server, unless it runs."""
        server = postgres()
        self.make, self.uri, self.data = make, server.uri, server.data
        self.__name__ = getattr(getattr(make, "func", make), "__name__", "on Postgres")
        if self.data is None:
            self.unseen = self.of_a_reader

    def __call__(self, folder: Path) -> Any:
        """Make a memory in the schema of a folder."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        schema = _schema(folder)
        with self._asking() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        options = f"{conninfo_to_dict(self.uri).get('options', '')} -c search_path={schema}"
        return self.make(make_conninfo(self.uri, options=options.strip()))

    def found(self, folder: Path, fact: str) -> tuple[str, ...]:
        """Say whether the files of the tables have it, or those of the log; of the whole server."""
        if self.data is None:
            return ()
        with self._asking() as connection:
            connection.execute("CHECKPOINT")  # what the server has in memory would be overlooked
        places = {
            "the server's log" if path.is_relative_to(self.data / "pg_wal") else "its tables' files"
            for path in self.data.rglob("*")
            if path.is_file() and fact.encode() in _read(path)
        }
        return tuple(sorted(places))

    def size(self, folder: Path) -> int:
        """The bytes of the tables, and their indexes; the log is used again, and does not count."""
        with self._asking() as connection:
            found = connection.execute(
                "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)",
                (_schema(folder),),
            ).fetchone()
        return int(found[0]) if found else 0

    def copy(self, folder: Path, target: Path) -> None:
        """Copy the tables."""
        from psycopg import sql

        copy = """
            CREATE TABLE {target}.{table} (LIKE {source}.{table} INCLUDING ALL);
            INSERT INTO {target}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {source}.{table}
        """
        source, place = (sql.Identifier(_schema(one)) for one in (folder, target))
        with self._asking() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(place))
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
            for (table,) in connection.execute(tables, (_schema(folder),)).fetchall():
                names = {"source": source, "target": place, "table": sql.Identifier(table)}
                connection.execute(sql.SQL(copy).format(**names))

    def damage(self, damage: str, folder: Path, mark: Path) -> bool:
        """Damage every value that is no key, where the server lets it."""
        schema, changed = _schema(folder), False
        with self._asking() as connection:
            for column in connection.execute(_COLUMNS, {"schema": schema}).fetchall():
                if column[2] in _HAS_PLACE[damage]:
                    changed |= _damage_column(connection, schema, column, damage, mark)
        return changed

    def clear(self, root: Path) -> None:
        """Drop the schemas of the folders in this one."""
        like = f"{_schema(root / 'any').rpartition('_')[0]}_%"
        with self._asking() as connection:
            named = "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s"
            for (schema,) in connection.execute(named, (like.replace("_", r"\_"),)).fetchall():
                connection.execute(f"DROP SCHEMA {schema} CASCADE")

    def _asking(self) -> psycopg.Connection[Any]:
        """A connection, to be used with `with`."""
        import psycopg

        return psycopg.connect(self.uri, autocommit=True)


def _damage_column(
    connection: psycopg.Connection[Any],
    schema: str,
    where: tuple[str, str, str],
    damage: str,
    mark: Path,
) -> bool:
    """Damage the values of a column; returns whether any has changed."""
    from psycopg import sql

    table, column, kind = where
    names = {
        "table": sql.Identifier(schema, table),
        "column": sql.Identifier(column),
        "read": sql.SQL("bytea" if kind == "bytea" else "text"),
    }
    # A table need not have a `type`; what a row is as JSON can be asked for it all the same.
    read = """
        SELECT ctid::text, {column}::{read}, coalesce(to_jsonb(one) ->> 'type' = 'msgpack', false)
        FROM {table} one WHERE {column} IS NOT NULL
    """
    write = sql.SQL("UPDATE {table} SET {column} = %s WHERE ctid = %s::tid").format(**names)
    changed = False
    for place, value, msgpack in connection.execute(sql.SQL(read).format(**names)).fetchall():
        data = value if kind == "bytea" else value.encode()
        after = damaged(damage, data, mark, msgpack=msgpack)
        if after != data:
            # A text that was cut may end in the middle of a letter, which no text column takes.
            new = after if kind == "bytea" else after.decode(errors="ignore")
            connection.execute(write, (new, place))
            changed = True
    return changed


def _schema(folder: Path) -> str:
    """The name of a folder's schema; those of the folders in one folder begin alike."""
    place = folder.resolve()
    above, own = (hashlib.sha256(str(part).encode()).hexdigest() for part in (place.parent, place))
    return f"exam_{above[:16]}_{own[:16]}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # the server removes some at any time
        return b""
