"""The examination of checkpointers: each fault planted in a small saver is found by its name."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

import lessons_lib.saver_exam as room
from lessons_lib.database import NoPostgres, postgres
from lessons_lib.saver_exam import Finding, saver_exam
from tests.saver_exam import small_saver
from tests.saver_exam.small_saver import SmallSaver

SOURCE = Path(small_saver.__file__).read_text(encoding="utf-8")
"""What the faults are planted in: its unchanged form has none."""

# Each: the check that names it, a line (or what is alone in it), and what stands there instead.
PLANTED = {
    "the parent forgotten": (
        "put, parent",
        'id, parent = checkpoint["id"], get_checkpoint_id(config)',
        'id, parent = checkpoint["id"], None',
    ),
    "no namespace in get_tuple": (
        "get_tuple, namespaces",
        "WHERE thread = ? AND ns = ? AND ? IN (id, '')",
        "WHERE thread = ? AND ? IS NOT NULL AND ? IN (id, '')",
    ),
    "writes by task id": ("put_writes, order", "ORDER BY path, task, idx", "ORDER BY task, idx"),
    "writes unsorted": ("put_writes, order", "ORDER BY path, task, idx", "ORDER BY rowid"),
    "limit before filter": (
        "list, filter before limit",
        "every = [self._read(*row) for row in rows]",
        "every = [self._read(*row) for row in rows[:limit]]",
    ),
    "the config's metadata missing": (
        "put, metadata of the config",
        "self._dumped(get_checkpoint_metadata(config, metadata))",
        "self._dumped(metadata)",
    ),
    "prune drops what a delta needs": (
        "prune, keep what a delta channel needs",
        'wanted = set(latest.metadata.get("counters_since_delta_snapshot", ()))',
        "wanted: set[str] = set()",
    ),
    "JSON in place of the serializer": (
        "put, the serializer",
        "return self.serde.dumps_typed(value)",
        'return "json", __import__("json").dumps(value, default=str).encode()',
    ),
    "no lock": (
        "at once, several threads",
        "self.lock = threading.RLock()",
        'self.lock = __import__("contextlib").nullcontext()',
    ),
    "values by whole-number versions": (
        "put, values of a fork",
        'return f"{number + 1:032}.{random.random():016}"',
        'return f"{number + 1:032}"',
    ),
    "special writes never replaced": (
        "put_writes, a special write that changes",
        '"REPLACE" if channel in WRITES_IDX_MAP else "IGNORE"',
        '"IGNORE"',
    ),
    "all writes replaced": (
        "put_writes, a task that runs again",
        '"REPLACE" if channel in WRITES_IDX_MAP else "IGNORE"',
        '"REPLACE"',
    ),
    "the special index map unused": (
        "put_writes, a special write beside others",
        "idx = WRITES_IDX_MAP.get(channel, number)",
        "idx = number",
    ),
    "latest by row": (
        "get_tuple, latest by its id",
        "ORDER BY id DESC LIMIT 1",
        "ORDER BY rowid DESC LIMIT 1",
    ),
    "thread id not made text": (
        "put, a number as thread id",
        'return str(asked["thread_id"]), asked',
        'return asked["thread_id"], asked',
    ),
    "writes left by delete_thread": (
        "delete_thread, what is left",
        "for table in COPIED:",
        'for table in ("checkpoints", "channels"):',
    ),
    "every thread copied": (
        "copy_thread, the copy",
        "FROM {0} WHERE thread = ?",
        "FROM {0} WHERE ? != ''",
    ),
    "writes left by delete_for_runs": (
        "delete_for_runs, what is left",
        'for table in ("checkpoints", "writes"):',
        'for table in ("checkpoints",):',
    ),
}  # fmt: skip


def planted(old: str, new: str) -> Any:
    """The class of the small saver with one line changed."""
    assert SOURCE.count(old) == 1, f"{old} stands in the small saver {SOURCE.count(old)} times"
    module = ModuleType("planted")
    exec(compile(SOURCE.replace(old, new), "planted.py", "exec"), module.__dict__)
    return module.SmallSaver


def named(findings: Iterable[Finding]) -> list[str]:
    return [f"{one.part}, {one.name}" for one in findings]


def test_the_small_saver_has_no_fault() -> None:
    began = time.monotonic()
    report = saver_exam(SmallSaver)
    assert time.monotonic() - began < 10
    assert named(report.faults + report.lacks + report.not_made) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named(fault: str) -> None:
    name, old, new = PLANTED[fault]
    report = saver_exam(planted(old, new))
    assert name in named(report.faults)
    assert len(report.faults) <= 6, "what is in order is told as that"
    for one in report.faults:
        assert one.did in str(one)
        assert one.saw in str(one)
        assert one.expected in str(one)
        assert "\n" not in str(one)


# -- savers of all kinds ---------------------------------------------------------------------------

OPTIONAL = [
    "delete_for_runs, what is left",
    "copy_thread, the copy",
    "prune, what is left",
    "prune, keep what a delta channel needs",
]


NUMBERS = "put, a number as thread id"
METHODS = "methods, of the other kind"


class OnlyAsync(InMemorySaver):
    """Its sync methods say that they are not there."""

    def get_tuple(self, config: Any) -> Any:
        raise NotImplementedError

    async def aget_tuple(self, config: Any) -> Any:
        return super().get_tuple(config)


@contextmanager
def on_postgres() -> Iterator[Any]:
    try:
        uri = postgres().uri
    except NoPostgres as error:
        pytest.skip(str(error))
    with PostgresSaver.from_conn_string(uri) as saver:
        saver.setup()
        yield saver


async def awaited() -> SmallSaver:
    return SmallSaver()


class Later:
    """Can be awaited, and is no coroutine."""

    def __await__(self) -> Any:
        return awaited().__await__()


@pytest.mark.parametrize(
    ("make", "name", "lacks"),
    [
        (InMemorySaver, "InMemorySaver", [NUMBERS, *OPTIONAL]),
        (lambda: SqliteSaver.from_conn_string(":memory:"), "SqliteSaver", [*OPTIONAL, METHODS]),
        (lambda: AsyncSqliteSaver.from_conn_string(":memory:"), "AsyncSqliteSaver", OPTIONAL),
        (on_postgres, "PostgresSaver", [NUMBERS, *OPTIONAL[:2], OPTIONAL[3], METHODS]),
        (OnlyAsync, "OnlyAsync", [NUMBERS, *OPTIONAL, METHODS]),
        (awaited, "SmallSaver", []),
        (Later, "SmallSaver", []),
    ],
)
def test_a_right_saver_is_told_what_it_lacks(make: Any, name: str, lacks: list[str]) -> None:
    report = saver_exam(make)
    assert (report.saver, named(report.faults + report.not_made)) == (name, [])
    assert named(report.lacks) == lacks


@pytest.mark.parametrize(
    "fault", ["writes by task id", "prune drops what a delta needs", "writes left by delete_thread"]
)
def test_faults_are_found_through_async_methods(fault: str) -> None:
    name, old, new = PLANTED[fault]

    async def make() -> Any:
        return planted(old, new)()

    assert name in named(saver_exam(make).faults)


# -- what an instrument must not do ----------------------------------------------------------------


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "own.sqlite"
    with SqliteSaver.from_conn_string(str(file)) as saver:
        saver.setup()
        empty = list(saver.conn.iterdump())
    threads = threading.active_count()
    assert not saver_exam(lambda: SqliteSaver.from_conn_string(str(file))).faults
    assert threading.active_count() == threads
    assert [path.name for path in tmp_path.iterdir()] == ["own.sqlite"]
    connection = sqlite3.connect(file)
    assert list(connection.iterdump()) == empty
    connection.close()


def test_what_could_not_be_looked_at_is_told_and_the_rest_goes_on() -> None:
    made = 0

    def make() -> Any:
        nonlocal made
        made += 1
        if made in (3, 4):
            raise OSError("no room")
        return SmallSaver()

    report = saver_exam(make)
    assert named(report.not_made) == ["put, config that it returns", "put, the serializer"]
    assert "OSError: no room" in str(report.not_made[0])
    assert report.faults == ()
    assert "26 of 28 checks as expected" in str(report)


class LocksItselfOut(SmallSaver):
    """Its prune waits for a lock that it holds itself, unless it is let go."""

    free = threading.Event()

    def prune(self, *given: Any, **named: Any) -> None:
        self.free.wait()


def test_a_saver_that_does_not_come_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 1.0)
    try:
        report = saver_exam(LocksItselfOut)
    finally:
        LocksItselfOut.free.set()
    assert named(report.not_made) == OPTIONAL[2:]
    assert "did not come back within 1 seconds" in str(report.not_made[0])


def test_an_error_in_the_saver_is_a_fault_and_names_the_method() -> None:
    class Refuses(InMemorySaver):
        def put_writes(self, *given: Any, **named: Any) -> None:
            raise KeyError("task")

    report = saver_exam(Refuses)
    assert "put_writes, order" in named(report.faults)
    assert "a graph, question and answer" in named(report.faults)
    assert any("put_writes raised KeyError: 'task'" in str(one) for one in report.faults)
    assert "put, parent" not in named(report.faults)


def test_a_saver_that_gives_what_it_gave_before_is_told() -> None:
    class Remembers(InMemorySaver):
        def __init__(self) -> None:
            super().__init__()
            self.given: dict[str, Any] = {}

        def get_tuple(self, config: Any) -> Any:
            place = str(config["configurable"])
            if self.given.get(place) is None:
                self.given[place] = super().get_tuple(config)
            return self.given[place]

    assert "get_tuple, latest by its id" in named(saver_exam(Remembers).faults)


def test_the_loop_that_waits_for_the_exam_is_told_and_another_thread_is_free() -> None:
    async def main() -> None:
        async with AsyncSqliteSaver.from_conn_string(":memory:") as saver:
            with pytest.raises(TypeError, match=r"await asyncio.to_thread\(saver_exam, …\)"):
                saver_exam(lambda: saver)
            assert (await asyncio.to_thread(saver_exam, lambda: saver)).faults == ()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (7, "7 makes no saver"),
        (dict, "it gave {}, expected a BaseCheckpointSaver"),
        (lambda: open("/not/there"), "made no saver: FileNotFoundError"),  # noqa: SIM115
    ],
)
def test_what_makes_no_saver_is_refused(make: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        saver_exam(make)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_report_reads_in_a_terminal_and_on_a_page() -> None:
    _, old, new = PLANTED["the parent forgotten"]
    report = saver_exam(planted(old, new))
    shown = report._repr_mimebundle_()
    assert shown["text/plain"] == str(report)
    assert max(map(len, str(report).splitlines())) <= 100
    assert "<table" in shown["text/html"]
    assert "the second had no parent" in shown["text/html"]
