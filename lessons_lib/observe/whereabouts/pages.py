"""A SQLite database as bytes: its pages, the trees of its tables, and what in it is free.

Read from the format's description (sqlite.org/fileformat2.html), through no connection: one of
those might copy the write-ahead log into the file, and would never show what was deleted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAGIC = b"SQLite format 3\x00"
_LEAVES, _TABLES = (10, 13), (5, 13)
_KINDS = (2, 5, 10, 13)
_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}

Value = int | float | str | bytes | None


class Row(NamedTuple):
    """One row: its table, the names of its columns and their values."""

    table: str
    columns: tuple[str, ...]
    values: tuple[Value, ...]


class Rest(NamedTuple):
    """Bytes of a page that hold no row: a free page, or the free space in a page in use."""

    kind: str
    page: int
    data: bytes


@dataclass
class Database:
    """The pages of a database: those of its file, and over them the newest of its log.

    Attributes:
        file: The bytes of the file.
        over: Pages that the write-ahead log has in a newer version, by number.
        size: How many pages there are now; 0 to take what the file's header says.
    """

    file: bytes
    over: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    damaged: bool = False
    """Whether a page was missing, or was not what the page before it had promised."""

    def __post_init__(self) -> None:
        head = self.over.get(1, self.file)[:100]
        self.page_size = struct.unpack_from(">H", head, 16)[0] or 1
        self.page_size = 65536 if self.page_size == 1 else self.page_size
        self.usable = self.page_size - head[20]
        self.free_trunk = struct.unpack_from(">I", head, 32)[0]
        self.encoding = _ENCODINGS.get(struct.unpack_from(">I", head, 56)[0], "utf-8")
        self.size = self.size or self.promised or len(self.file) // self.page_size
        self.live: dict[int, list[tuple[int, int]]] = {}
        """Of each page that was read, the pieces that hold what is in use, as start and end."""

    @property
    def promised(self) -> int:
        """How many pages the file has by its own header; 0 when the header does not know."""
        changes, valid_for = self.file[24:28], self.file[92:96]
        known = changes == valid_for and len(self.file) >= 100
        return int.from_bytes(self.file[28:32], "big") if known else 0

    def page(self, number: int) -> bytes:
        """The newest version of a page; empty where there is none."""
        start = (number - 1) * self.page_size
        return self.over.get(number) or self.file[start : start + self.page_size]

    # -- rows ------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Row]:
        """All rows of all tables, the schema's own first; indexes are walked but give none."""
        schema = ("type", "name", "tbl_name", "rootpage", "sql")
        entries = list(self._records(1))
        yield from (Row("sqlite_schema", schema, values) for values in entries)
        for kind, name, _, root, sql in (entry for entry in entries if len(entry) == 5):
            if not isinstance(root, int) or root < 1:
                continue
            columns = columns_of(sql) if isinstance(sql, str) else ()
            for values in self._records(root):
                if kind == "table":
                    yield Row(str(name), columns, values)

    def _records(self, root: int) -> Iterator[tuple[Value, ...]]:
        """The records in the tree of pages below a root."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            data = self._opened(number)
            if data is None:
                continue
            kind, cells, right = _header(data, number)
            children = []
            for at in cells:
                child, payload = self._cell(number, data, kind, at)
                children += [child] if child else []
                if payload is not None:
                    yield record(payload, self.encoding)
            waiting += [*([right] if right else []), *reversed(children)]

    def _opened(self, number: int) -> bytes | None:
        """A page of a tree that was not opened before, or None."""
        data = self.page(number)
        top = 100 if number == 1 else 0
        whole = len(data) == self.page_size and number not in self.live
        if not whole or data[top] not in _KINDS:
            self.damaged = True
            return None
        count = struct.unpack_from(">H", data, top + 3)[0]
        end = top + (8 if data[top] in _LEAVES else 12) + 2 * count
        self.live[number] = [(0, min(end, self.page_size)), (self.usable, self.page_size)]
        return data

    def _cell(self, number: int, data: bytes, kind: int, at: int) -> tuple[int, bytes | None]:
        """The child a cell leads to (0 for none) and its payload, if it has one."""
        start, child = at, 0
        try:
            if kind not in _LEAVES:
                child = struct.unpack_from(">I", data, at)[0]
                at += 4
            if kind == 5:  # only a key beside the child
                _, end = varint(data, at)
                self.live[number].append((start, end))
                return child, None
            length, at = varint(data, at)
            if kind in _TABLES:
                _, at = varint(data, at)
            return child, self._payload(number, data, kind, (start, at), length)
        except (IndexError, struct.error):
            self.damaged = True
            return child, None

    def _payload(
        self, number: int, data: bytes, kind: int, place: tuple[int, int], length: int
    ) -> bytes:
        """A cell's payload, with what of it overflowed into other pages."""
        start, at = place
        here = self._local(kind, length)
        self.live[number].append((start, max(at + here + (4 if here < length else 0), start + 4)))
        payload = data[at : at + here]
        if here == length:
            return payload
        following = struct.unpack_from(">I", data, at + here)[0]
        parts = [payload]
        missing = length - here
        while missing > 0:
            page = self.page(following)
            if following in self.live or len(page) != self.page_size:
                self.damaged = True
                break
            used = min(missing, self.usable - 4)
            self.live[following] = [(0, 4 + used), (self.usable, self.page_size)]
            parts.append(page[4 : 4 + used])
            missing -= used
            following = struct.unpack_from(">I", page)[0]
        return b"".join(parts)

    def _local(self, kind: int, length: int) -> int:
        """How many bytes of a payload its own page keeps; the rest overflows."""
        usable = self.usable
        most = usable - 35 if kind in _TABLES else (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        if length <= most:
            return length
        here = least + (length - least) % (usable - 4)
        return here if here <= most else least

    # -- what holds no row -----------------------------------------------------------------------

    def rests(self) -> Iterator[Rest]:
        """The free pages, the free space in pages in use, and pages that nothing leads to.

        Ask for `rows` first: only then is it known what is in use.
        """
        free = self._free_pages()
        for number in free:
            yield Rest("free page", number, self.page(number))
        for number, pieces in list(self.live.items()):
            data = self.page(number)
            for start, end in _gaps(pieces, len(data)):
                yield Rest("free space in a page", number, data[start:end])
        for number in range(1, self.size + 1):
            if number not in self.live and number not in free and self.page(number):
                yield Rest("page that nothing leads to", number, self.page(number))

    def _free_pages(self) -> dict[int, None]:
        """The pages on the list of free ones: trunks, and the leaves each of them names."""
        found: dict[int, None] = {}
        trunk = self.free_trunk
        while trunk and trunk not in found:
            data = self.page(trunk)
            if len(data) != self.page_size:
                self.damaged = True
                break
            found[trunk] = None
            following, count = struct.unpack_from(">II", data)
            count = min(count, self.usable // 4 - 2)
            found.update(dict.fromkeys(struct.unpack_from(f">{count}I", data, 8)))
            trunk = following
        return found


def _header(data: bytes, number: int) -> tuple[int, list[int], int]:
    """The kind of a tree's page, where its cells start, and its rightmost child (0 for none)."""
    top = 100 if number == 1 else 0
    kind, count = data[top], struct.unpack_from(">H", data, top + 3)[0]
    inner = kind not in _LEAVES
    right = struct.unpack_from(">I", data, top + 8)[0] if inner else 0
    start = top + (12 if inner else 8)
    count = min(count, (len(data) - start) // 2)
    return kind, list(struct.unpack_from(f">{count}H", data, start)), right


def _gaps(pieces: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The pieces between some pieces.

    >>> list(_gaps([(6, 8), (0, 2)], 10))
    [(2, 6), (8, 10)]
    """
    at = 0
    for start, end in sorted(pieces):
        if start > at:
            yield at, start
        at = max(at, end)
    if at < size:
        yield at, size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, as SQLite packs them, and where the next thing starts.

    >>> varint(bytes([0x81, 0x01]), 0)
    (129, 2)
    """
    number = 0
    for place in range(at, at + 8):
        number = number << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return number, place + 1
    return number << 8 | data[at + 8], at + 9


_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def record(payload: bytes, encoding: str) -> tuple[Value, ...]:
    """The values of a record: a list of their types, then the values one after another.

    >>> record(bytes([3, 1, 19]) + b"\\x05Ada", "utf-8")
    (5, 'Ada')
    """
    try:
        size, at = varint(payload, 0)
        kinds = []
        while at < size:
            kind, at = varint(payload, at)
            kinds.append(kind)
    except IndexError:  # cut off
        return (payload,)
    values = []
    at = size
    for kind in kinds:
        value, at = _value(payload, kind, at, encoding)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, kind: int, at: int, encoding: str) -> tuple[Value, int]:
    if kind >= 12:
        size = (kind - 12) // 2
        data = payload[at : at + size]
        return (data.decode(encoding, "replace") if kind % 2 else data), at + size
    if kind in _INTEGER_SIZES:
        size = _INTEGER_SIZES[kind]
        return int.from_bytes(payload[at : at + size], "big", signed=True), at + size
    if kind == 7:
        return float(struct.unpack(">d", payload[at : at + 8].ljust(8, b"\0"))[0]), at + 8
    return {8: 0, 9: 1}.get(kind), at


def columns_of(sql: str) -> tuple[str, ...]:
    """The names of a table's columns, from the statement that made it.

    >>> columns_of("CREATE TABLE t (a TEXT, 'b c' NUMERIC(4, 2), PRIMARY KEY (a, b))")
    ('a', 'b c')
    """
    inner = sql[sql.find("(") + 1 :]
    parts, depth, part = [], 0, ""
    for sign in "\n".join(line.split("--")[0] for line in inner.splitlines()):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
        if sign == "," and not depth:
            parts.append(part)
            part = ""
        else:
            part += sign
    words = (_first_word(part) for part in [*parts, part])
    return tuple(word for word in words if word and word.upper() not in _CONSTRAINTS)


_CONSTRAINTS = ("PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT")


def _first_word(part: str) -> str:
    text = part.strip()
    for start, end in ('""', "''", "``", "[]"):
        if text.startswith(start):
            return text[1:].split(end)[0]
    return text.split(None, 1)[0] if text else ""
