"""The rows of a database, whichever it is: which of them have a text, and what erases it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .fact import Text
from .finds import Found, Words, told
from .values import Values

Row = Mapping[str, Any]


def search_rows(
    name: str, tables: Iterable[str], read: Callable[[str], Iterable[Row]], text: Text
) -> Found:
    """The rows that have the text, those with the same words counted together."""
    found, values = Found(), Values(text)
    for table in tables:
        try:
            found.count(name, _copies(table, read(table), values))
        except Exception as error:  # each database has its own
            found.unread.append(f"{name}: table {table} was not read to its end: {told(error)}.")
    found.unread += values.unread(name)
    return found


def _copies(table: str, rows: Iterable[Row], values: Values) -> Iterator[Words]:
    for row in rows:
        for column, value in row.items():
            if values.paths(value, row.get("type")):
                what, erased_by = _words_for(table, row, column)
                yield "row", what, f"table {table}", erased_by


def _words_for(table: str, row: Row, column: str) -> tuple[str, str]:
    """What to call a row, and what erases it."""
    if "thread_id" in row and "checkpoint_ns" in row:
        part = f"channel {row['channel']!r}" if "channel" in row else column
        # Of the namespace of a subgraph without the ids of its tasks, which are random.
        space = "|".join(piece.split(":")[0] for piece in str(row["checkpoint_ns"]).split("|"))
        where = f", namespace {space!r}" if space else ""
        thread = row["thread_id"]
        return f"{part} of thread {thread!r}{where}", f"delete_thread({thread!r})"
    if "prefix" in row and "key" in row:
        namespace, key = tuple(str(row["prefix"]).split(".")), row["key"]
        return f"{'/'.join(namespace)} {key!r}", f"delete({namespace!r}, {key!r})"
    if table == "sqlite_schema":
        return f"the definition of {row['name']}", f"DROP {row['name']}"
    return f"column {column}", f"DELETE FROM {table} WHERE …"
