"""What SQLite keeps beside a database: the write-ahead log, and the rollback journal."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

WAL_MAGICS = (0x377F0682, 0x377F0683)
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
State = Literal["newest", "replaced", "not committed", "left over"]


class Frame(NamedTuple):
    """One page in a write-ahead log, in the version of one transaction.

    `newest` is what readers see now; `replaced` a version before that; `not committed` one of a
    transaction under way (or cut off); `left over` one of an earlier round, not yet written over.
    """

    page: int
    state: State
    data: bytes


class Log(NamedTuple):
    """A write-ahead log: its frames, and how many pages the database has by its last commit."""

    frames: tuple[Frame, ...]
    size: int

    def newest(self) -> dict[int, bytes]:
        """The pages that readers take from the log and not from the file."""
        return {frame.page: frame.data for frame in self.frames if frame.state == "newest"}


def read_log(data: bytes) -> Log | None:
    """Read a write-ahead log from its bytes; None when they are none."""
    if len(data) < 32 or struct.unpack_from(">I", data)[0] not in WAL_MAGICS:
        return None
    size = struct.unpack_from(">I", data, 8)[0]
    if size < 512:
        return None
    heads = list(_heads(data, size))
    valid = _valid(data, size, heads)
    commits = [i for i in range(valid) if heads[i][1]]
    committed = commits[-1] + 1 if commits else 0
    pages = heads[committed - 1][1] if committed else 0
    last = {heads[i][0]: i for i in range(committed) if heads[i][0] <= pages}
    frames = [
        Frame(head[0], _state(i, committed, valid, last.get(head[0], -1)), page)
        for i, (head, page) in enumerate(zip(heads, _pages(data, size), strict=True))
    ]
    return Log(tuple(frames), pages)


def _state(place: int, committed: int, valid: int, last: int) -> State:
    if place >= valid:
        return "left over"
    if place >= committed:
        return "not committed"
    return "newest" if place == last else "replaced"


def _heads(data: bytes, size: int) -> Iterator[tuple[int, ...]]:
    """Of each whole frame: page, size after a commit (or 0), two salts, two check sums."""
    for at in range(32, len(data) - size - 23, size + 24):
        yield struct.unpack_from(">6I", data, at)


def _pages(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(32, len(data) - size - 23, size + 24):
        yield data[at + 24 : at + 24 + size]


def _valid(data: bytes, size: int, heads: list[tuple[int, ...]]) -> int:
    """How many frames from the first on belong to this round: same salts, right check sums."""
    salts = struct.unpack_from(">2I", data, 16)
    order = ">" if struct.unpack_from(">I", data)[0] & 1 else "<"
    sums = struct.unpack_from(">2I", data, 24)
    for number, head in enumerate(heads):
        at = 32 + number * (size + 24)
        sums = _checked(data[at : at + 8] + data[at + 24 : at + 24 + size], order, *sums)
        if head[2:4] != salts or head[4:6] != sums:
            return number
    return len(heads)


def _checked(data: bytes, order: str, first: int, second: int) -> tuple[int, int]:
    """SQLite's check sum of some bytes, carried on from the sums before them."""
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
