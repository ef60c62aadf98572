"""The rows of a database, whichever it is: which of them have a text, and what erases it there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from .fact import Text
from .finds import Find, Found
from .keepers import Decode, Locked, told

Rows = Iterable[Mapping[str, object]]


def search_rows(
    name: str, tables: Iterable[tuple[str, Rows]], text: Text, decode: Decode | None
) -> Found:
    """The rows that have the text, those with the same words counted together."""
    copies: Counter[tuple[str, str, str]] = Counter()
    found, locked = Found(), Locked()
    for table, rows in tables:
        try:
            for row in rows:
                for column, value in row.items():
                    if text.inside(value) or locked.has(row.get("type"), value, decode):
                        copies[_words_for(table, row, column)] += 1
        except Exception as error:  # each database has its own
            found.unread.append(f"{name}: table {table} was not read to its end: {told(error)}.")
    found.unread += locked.said(name)
    for (what, table, erased_by), count in copies.items():
        found.finds.append(Find(name, "row", what, f"table {table}", erased_by, count))
    return found


def _words_for(table: str, row: Mapping[str, object], column: str) -> tuple[str, str, str]:
    """What to call a row, its table, and what erases it."""
    if "thread_id" in row and "checkpoint_ns" in row:
        part = f"channel {row['channel']!r}" if "channel" in row else column
        # Of the namespace of a subgraph without the ids of its tasks, which are random.
        space = "|".join(piece.split(":")[0] for piece in str(row["checkpoint_ns"]).split("|"))
        where = f", namespace {space!r}" if space else ""
        thread = row["thread_id"]
        return f"{part} of thread {thread!r}{where}", table, f"delete_thread({thread!r})"
    if "prefix" in row and "key" in row:
        namespace, key = tuple(str(row["prefix"]).split(".")), row["key"]
        return f"{'/'.join(namespace)} {key!r}", table, f"delete({namespace!r}, {key!r})"
    if table == "sqlite_master":
        return f"the definition of {row['name']}", "sqlite_schema", f"DROP {row['name']}"
    return f"column {column}", table, f"DELETE FROM {table} WHERE …"
