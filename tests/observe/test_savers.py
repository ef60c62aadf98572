"""Savers of every kind, in every state: async ones, foreign ones, damaged, encrypted and closed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.config import get_store
from langgraph.graph import START, StateGraph
from langgraph.store.sqlite import AsyncSqliteStore
from langgraph.types import Command

from lessons_lib.observe import aliases, history, storage, time_machine
from lessons_lib.observe.checkpoints import reading
from lessons_lib.observe.checkpoints.time_machine import PAGE
from tests.observe.graphs import ADA, Complaint, Elsewhere, complaint, counted

LOOKS: dict[str, Callable[[Any], Any]] = {
    "history": lambda graph: history(graph, ADA),
    "time_machine": lambda graph: time_machine(graph, ADA),
    "aliases": lambda graph: aliases(graph, Command(resume="yes"), ADA),
}


def said_by(look: Callable[[], Any]) -> str:
    """What a call that must fail says: one sentence."""
    with pytest.raises((ValueError, RuntimeError, TimeoutError, TypeError)) as caught:
        look()
    assert "\n" not in str(caught.value)
    assert ", expected" in str(caught.value) or "cannot be read: " in str(caught.value)
    return str(caught.value)


# -- a saver that answers through an event loop ----------------------------------------------------


class InLoop(Elsewhere):
    """As AsyncPostgresSaver is one: it has its loop, and its sync methods wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()

    async def aget_tuple(self, config: Any) -> Any:
        return super().get_tuple(config)

    async def alist(self, config: Any, **asked: Any) -> Any:
        for one in super().list(config, **asked):
            yield one

    async def aput(self, *given: Any) -> Any:
        return super().put(*given)

    async def aput_writes(self, *given: Any) -> None:
        super().put_writes(*given)

    def get_tuple(self, config: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self.aget_tuple(config), self.loop).result()

    def put(self, *given: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self.aput(*given), self.loop).result()


def test_a_saver_without_sync_methods_is_read_where_no_loop_runs() -> None:
    class OnlyAsync(InLoop):
        def get_tuple(self, config: Any) -> Any:
            raise NotImplementedError

        def list(self, config: Any, **asked: Any) -> Any:
            raise NotImplementedError

    async def main() -> Any:
        graph = complaint(saver := OnlyAsync())
        del saver.loop
        await graph.ainvoke({"log": ["smoke"]}, ADA)
        assert "with await asyncio.to_thread" in said_by(lambda: history(graph, ADA))
        assert len(await asyncio.to_thread(history, graph, ADA)) == 4
        return graph

    assert len(time_machine(asyncio.run(main()), ADA)) == 4


def test_an_async_graph_runs_in_the_loop_of_its_store() -> None:
    async def remember(state: Complaint) -> Any:
        await get_store().aput(("users", "ada"), "told", {"log": state["log"]})
        return {"log": ["remembered"]}

    async def main() -> None:
        async with AsyncSqliteStore.from_conn_string(":memory:") as store:
            await store.setup()
            builder = StateGraph(Complaint).add_node(remember).add_edge(START, "remember")
            graph: Any = builder.compile(store=store)
            assert "runs in this very thread" in said_by(lambda: aliases(graph, {"log": []}))
            found = await asyncio.to_thread(aliases, graph, {"log": []})
            assert (found.ended, found.ran) == ("finished", ("remember",))

    asyncio.run(main())


def _joined(log: list[str], writes: list[list[str]]) -> list[str]:
    return [*log, *chain.from_iterable(writes)]


class Log(TypedDict):
    """A state whose list is kept as its changes."""

    log: Annotated[list[str], DeltaChannel(_joined)]


async def _sqlite(path: Path) -> Any:
    import aiosqlite

    return AsyncSqliteSaver(await aiosqlite.connect(path / "bot.sqlite"))


async def _in_loop(path: Path) -> Any:
    return InLoop()


@pytest.mark.parametrize("make", [_sqlite, _in_loop])
def test_an_async_saver_is_read_from_another_thread_and_shown_in_its_loop(
    make: Any, tmp_path: Path
) -> None:
    async def main() -> None:
        saver = await make(tmp_path)
        graph = complaint(saver)
        await graph.ainvoke({"log": ["smoke"]}, ADA)
        for look in LOOKS.values():
            assert "await asyncio.to_thread(" in said_by(partial(look, graph))
            assert await asyncio.to_thread(look, graph)
        machine = await asyncio.to_thread(time_machine, graph, ADA)
        shown = machine._repr_mimebundle_()["text/plain"]
        assert shown.startswith("Shown is what was read before: the event loop of the ")
        assert "await asyncio.to_thread(" in shown
        machine._slider.slider.value = 2
        assert "Checkpoint 2 of 4, step 0" in machine._slider.told.value
        for button in machine._slider.row.children[-2:]:
            button.click()
            assert "await asyncio.to_thread(" in machine._slider.told.value
        before = len(machine)
        fork = lambda: machine.fork(1, {"log": ["mine"]}, as_node="find")  # noqa: E731
        assert "await asyncio.to_thread(" in said_by(fork)
        assert len(await asyncio.to_thread(history, graph, ADA)) == before
        assert await asyncio.to_thread(fork)
        assert machine._slider.place == len(machine) == before + 1
        if make is _sqlite:
            await saver.conn.close()
            assert "the saver's connection cannot be used" in await asyncio.to_thread(
                said_by, lambda: history(graph, ADA)
            )

    asyncio.run(main())


def test_a_delta_channel_of_an_async_saver_is_put_together(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        saver = await _sqlite(tmp_path)
        builder = StateGraph(Log).add_node("say", lambda state: {"log": ["said"]})
        graph = builder.add_edge(START, "say").compile(checkpointer=saver)
        await graph.ainvoke({"log": ["asked"]}, ADA)
        found = await asyncio.to_thread(history, graph, ADA)
        await saver.conn.close()
        return [one.values.get("log") for one in found]

    assert asyncio.run(main())[-1] == ["asked", "said"]


def test_a_loop_that_stands_still_is_closed_or_is_held_up_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.new_event_loop()

    async def main() -> Any:
        graph = complaint(await _sqlite(tmp_path))
        await graph.ainvoke({"log": ["smoke"]}, ADA)
        return graph

    graph = loop.run_until_complete(main())
    assert "stands still, expected one that runs" in said_by(lambda: history(graph, ADA))
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    said: list[str] = []

    async def hold_up() -> None:
        asker = threading.Thread(target=lambda: said.append(said_by(lambda: history(graph, ADA))))
        asker.start()
        asker.join(20)

    loop.run_until_complete(hold_up())
    assert "did not answer in" in said[0]
    loop.run_until_complete(graph.checkpointer.conn.close())
    loop.close()
    assert "is closed, expected one that runs" in said_by(lambda: history(graph, ADA))


def test_a_loop_that_ends_while_it_is_waited_for_is_said() -> None:
    loop, began = asyncio.new_event_loop(), threading.Event()

    class Slow(InLoop):
        async def alist(self, config: Any, **asked: Any) -> Any:
            began.set()
            await asyncio.Event().wait()
            yield None

    async def main() -> Any:
        graph = complaint(Slow())
        await graph.ainvoke({"log": []}, ADA)
        return graph

    graph = loop.run_until_complete(main())
    said: list[str] = []
    asker = threading.Thread(target=lambda: said.append(said_by(lambda: history(graph, ADA))))

    async def ask() -> None:
        asker.start()
        await asyncio.to_thread(began.wait, 20)

    loop.run_until_complete(ask())
    asker.join(20)
    assert "ended before it had answered" in said[0]
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


# -- one bad item, and the rest --------------------------------------------------------------------


def _damage(saver: Any, id: str) -> None:
    """Make one checkpoint unreadable, in a database, or the values that it brought, in memory."""
    if isinstance(saver, SqliteSaver):
        saver.conn.execute(
            "UPDATE checkpoints SET checkpoint = x'c1' WHERE checkpoint_id = ?", [id]
        )
    else:
        last = max(key for key in saver.blobs if key[2] == "order")
        saver.blobs[last] = ("msgpack", b"\xc1")


@pytest.mark.parametrize("open_saver", [InMemorySaver, lambda: _open_in_memory()])
def test_what_cannot_be_read_is_shown_as_that_beside_the_rest(open_saver: Any) -> None:
    saver = open_saver()
    graph = complaint(saver)
    graph.invoke({"log": ["smoke"]}, ADA)
    whole = history(graph, ADA)
    _damage(saver, whole.at(1).id)
    page = history(graph, ADA)
    assert [one.step for one in page] == [-1, 0, 1, 2]
    assert re.match(r"Thread 'ada', \d of 4 cannot be read", str(page))
    assert re.search(r"step \d cannot be read: .*\w+Error: ", str(page))
    assert page.at(0).values == whole.at(0).values
    assert page.at(2).values["log"] == ["smoke", "found", "drafted"]
    if isinstance(saver, SqliteSaver):
        assert page.at(1).unread
        assert str(page.at(2).changed[0]) == "… not compared: the checkpoint before cannot be read"
        assert "step 1 (loop) (cannot be read)" in str(page.picture())
        assert storage(saver).count(channel="(cannot be read)") == 1
    machine = time_machine(graph, ADA)
    assert [machine.page(place)[0][:12] for place in (1, 4)] == ["Checkpoint 1", "Checkpoint 4"]
    assert "cannot be read" in machine.page(3)[0] + machine.page(4)[1]


def _open_in_memory(**more: Any) -> SqliteSaver:
    return SqliteSaver(sqlite3.connect(":memory:", check_same_thread=False), **more)


def test_a_saver_that_fails_half_way_gives_what_it_gave_and_says_why() -> None:
    class Halfway(Elsewhere):
        def list(self, config: Any, **asked: Any) -> Iterator[Any]:
            for number, one in enumerate(super().list(config, **asked)):
                if number == 3:
                    raise KeyError("row 4")
                yield one

    page = history(counted(Halfway(), 9), ADA)
    assert [one.step for one in page] == [7, 8, 9]
    assert "older ones were not read: the Halfway cannot be read (KeyError: 'row 4')" in str(page)


def test_what_cannot_be_read_outside_of_the_page_spoils_none_of_it() -> None:
    saver = _open_in_memory()
    graph = counted(saver, 5)
    damaged = history(graph, ADA).at(2).id
    saver.conn.execute("UPDATE checkpoints SET metadata = x'00' WHERE checkpoint_id = ?", [damaged])
    page = history(graph, ADA)
    assert [one.step for one in page] == [3, 4, 5]
    assert str(page.at(3).changed[0]) == "… not compared: the checkpoint before cannot be read"
    assert "older ones were not read: the SqliteSaver cannot be read (JSONDecodeError" in str(page)


def test_what_the_serialiser_does_not_write_is_not_weighed_and_told() -> None:
    class Pickling(Elsewhere):
        """One that keeps what its `serde` would refuse."""

        def __init__(self) -> None:
            super().__init__()
            self._kept = InMemorySaver(serde=JsonPlusSerializer(pickle_fallback=True))

    graph = complaint(Pickling())
    graph.invoke({"log": [1j]}, ADA)
    last = history(graph, ADA).at(2)
    assert last.unread.startswith("log cannot be weighed, TypeError: ")
    assert set(last.weighs) == {"order", "join:draft+check:ask"}


def test_a_checkpoint_before_that_is_gone_is_not_compared() -> None:
    saver = _open_in_memory()
    graph = counted(saver, 5)
    saver.conn.execute(
        "DELETE FROM checkpoints WHERE checkpoint_id = ?", [history(graph, ADA).at(2).id]
    )
    found = history(graph, ADA).at(3)
    assert (found.wrote, str(found.changed[0])) == (
        (),
        "… not compared: the checkpoint before is gone",
    )


class Cipher:
    """A toy; what a real one says to a wrong key is said by an assertion."""

    def __init__(self, key: int) -> None:
        self.key = key

    def encrypt(self, text: bytes) -> tuple[str, bytes]:
        return "toy", bytes([self.key]) + bytes(byte ^ self.key for byte in text)

    def decrypt(self, name: str, text: bytes) -> bytes:
        if text[0] != self.key:
            raise ValueError("MAC check failed")
        return bytes(byte ^ self.key for byte in text[1:])


NO_KEY = r"it is encrypted \(msgpack\+toy\) and the saver has no key: give the saver the serde="
WRONG_KEY = r"this key does not open it \(ValueError: MAC check failed"
DEFAULT = InMemorySaver().serde


@pytest.mark.parametrize("make", [_open_in_memory, InMemorySaver])
@pytest.mark.parametrize(
    ("serde", "words"), [(DEFAULT, NO_KEY), (EncryptedSerializer(Cipher(9)), WRONG_KEY)]
)
def test_what_is_encrypted_speaks_of_the_key(serde: Any, words: str, make: Any) -> None:
    saver = make(serde=EncryptedSerializer(Cipher(7)))
    graph = complaint(saver)
    graph.invoke({"log": ["smoke"]}, ADA)
    assert history(graph, ADA).at(2).values["log"][0] == "smoke"
    saver.serde = serde
    for look in LOOKS.values():
        with pytest.raises(ValueError, match=words):
            look(graph)
    if make is _open_in_memory:
        bad = storage(saver)
        whole = bad.bytes(kind="checkpoint")
        assert bad.bytes(channel="(cannot be read)", kind="checkpoint") == whole
        assert "4 checkpoints cannot be taken apart" in str(bad)


# -- a saver that is not believed ------------------------------------------------------------------


class Foreign(Elsewhere):
    """A saver that keeps Bob's thread too, and gives more or other than it is asked for."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def list(self, config: Any, **asked: Any) -> Iterator[Any]:
        if self.fault == "threads":
            config = None
        elif self.fault == "namespaces":
            config = {"configurable": {"thread_id": config["configurable"]["thread_id"]}}
        elif self.fault in asked:
            asked[self.fault] = None
        found = list(self._kept.list(config, **asked))
        return iter(found[::-1] if self.fault == "order" else found)

    def get_tuple(self, config: Any) -> Any:
        if self.fault == "newest" and (config["configurable"].get("checkpoint_id")):
            place = {**config["configurable"], "checkpoint_id": None}
            return super().get_tuple({"configurable": place})
        return super().get_tuple(config)


FAULTS = ["threads", "namespaces", "limit", "filter", "order"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_saver_gives_is_checked_against_what_was_asked(fault: str) -> None:
    graph = counted(Foreign(fault), 60)
    graph.invoke({"n": 58, "last": []}, {"configurable": {"thread_id": "bob"}})
    graph.checkpointer._kept.storage["ada"]["inner"] = dict(
        graph.checkpointer._kept.storage["bob"][""]
    )
    assert [one.step for one in history(graph, ADA, limit=3)] == [58, 59, 60]
    assert len(history(graph, ADA, limit=None)) == 62
    machine = time_machine(graph, ADA)
    assert (len(machine), machine.read.older) == (PAGE, True)
    forked = machine.fork(3, {"n": 59, "last": []}, as_node="count")
    assert graph.get_state(forked).parent_config["configurable"]["checkpoint_id"] == (
        machine.at("3").id
    )


class HandsOn(Elsewhere):
    """A wrapper that has whatever it wraps has."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


class Single(Elsewhere):
    """One that refuses to be copied, and counts its versions in whole numbers."""

    def __copy__(self) -> Any:
        raise TypeError("there is only one")

    def get_next_version(self, current: Any, channel: None) -> Any:
        return (current or 0) + 1


@pytest.mark.parametrize("kind", [HandsOn, Single])
def test_a_saver_that_cannot_be_copied_is_asked_itself(kind: type[Elsewhere]) -> None:
    graph = complaint(kind())
    graph.invoke({"log": ["smoke"]}, ADA)
    for look in LOOKS.values():
        look(graph)
    assert str(aliases(graph, Command(resume="yes"), ADA)).startswith("No node changed its input")


def test_of_a_saver_that_renames_threads_the_names_are_told() -> None:
    class Tenant(Elsewhere):
        def list(self, config: Any, **asked: Any) -> Iterator[Any]:
            for one in super().list(config, **asked):
                yield one._replace(config={"configurable": {"thread_id": "acme:ada"}})

    graph = counted(Tenant(), 2)
    assert "knows no thread 'ada', expected one that was invoked (it has 'acme:ada')" in said_by(
        lambda: history(graph, ADA)
    )


def test_a_saver_is_asked_with_all_that_the_config_has() -> None:
    class Asking(Elsewhere):
        """Its threads are a user's, and the user stands in the config."""

        def _ours(self, config: Any) -> Any:
            place = config["configurable"]
            return {"configurable": {**place, "thread_id": (place["user"], place["thread_id"])}}

        def _theirs(self, raw: Any) -> Any:
            user, id = raw.config["configurable"]["thread_id"]
            place = {**raw.config["configurable"], "thread_id": id, "user": user}
            return raw._replace(config={"configurable": place})

        def get_tuple(self, config: Any) -> Any:
            raw = super().get_tuple(self._ours(config))
            return raw and self._theirs(raw)

        def list(self, config: Any, **asked: Any) -> Iterator[Any]:
            return map(self._theirs, super().list(self._ours(config), **asked))

        def put(self, config: Any, *given: Any) -> Any:
            super().put(self._ours(config), *given)
            return {"configurable": {**config["configurable"], "checkpoint_id": given[0]["id"]}}

        def put_writes(self, config: Any, *given: Any) -> None:
            super().put_writes(self._ours(config), *given)

    graph, adas = complaint(Asking()), {"configurable": {"user": "ada", "thread_id": "1"}}
    graph.invoke({"log": ["smoke"]}, adas)
    assert graph.get_state(history(graph, adas).at(2).config).next == ("ask",)
    time_machine(graph, adas).fork(1, {"log": ["mine"]}, as_node="find")
    assert aliases(graph, None, adas).ran


def test_a_saver_that_gives_another_checkpoint_is_not_written_to() -> None:
    graph = counted(Foreign("newest"), 5)
    machine = time_machine(graph, ADA)
    stored = len(graph.checkpointer._kept.storage["ada"][""])
    assert "the checkpoint 1 is gone" in said_by(
        lambda: machine.fork(1, {"n": 4, "last": []}, as_node="count")
    )
    assert len(graph.checkpointer._kept.storage["ada"][""]) == stored


# -- other people's errors -------------------------------------------------------------------------


def _postgres_error(name: str) -> Exception:
    made: type[Exception] = type(name, (Exception,), {"__module__": "psycopg.errors"})
    return made('relation "checkpoints" does not exist\nLINE 1: select')


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_postgres_error("UndefinedTable"), "database of the Failing cannot be read .*setup"),
        (sqlite3.OperationalError("disk I/O error"), "of the Failing cannot be read .disk I/O er"),
        (_postgres_error("PoolTimeout"), "expected a connection that is open, free and allowed"),
        (sqlite3.ProgrammingError("Cannot operate"), "the saver's connection cannot be used"),
        (sqlite3.ProgrammingError("in that same thread"), "path, check_same_thread=False"),
        (sqlite3.OperationalError("a readonly database"), "cannot be written to"),
        (sqlite3.OperationalError("database is locked"), "is locked by another connection"),
        (NotImplementedError(), "cannot be read without await"),
        (AttributeError("no such thing"), "the Failing cannot be read .AttributeError: no such"),
    ],
)
def test_what_a_saver_raises_is_one_sentence_in_reading_and_in_writing(
    error: Exception, words: str
) -> None:
    class Failing(Elsewhere):
        fails = ""

        def list(self, config: Any, **asked: Any) -> Iterator[Any]:
            if self.fails == "list":
                raise error
            return super().list(config, **asked)

        def put(self, *given: Any) -> Any:
            if self.fails == "put":
                raise error
            return super().put(*given)

    graph = complaint(Failing())
    graph.invoke({"log": ["smoke"]}, ADA)
    machine = time_machine(graph, ADA)
    graph.checkpointer.fails = "list"
    with pytest.raises((ValueError, RuntimeError, TimeoutError), match=words):
        history(graph, ADA)
    assert machine._repr_mimebundle_()["text/plain"].startswith("Shown is what was read before: ")
    graph.checkpointer.fails = "put"
    assert said_by(lambda: machine.fork(1, {"log": ["x"]}, as_node="find"))


# -- what an instrument leaves behind --------------------------------------------------------------


@pytest.mark.parametrize("column", ["", "ALTER TABLE writes DROP COLUMN task_path"])
def test_a_look_leaves_a_file_as_it_is_and_a_transaction_open(column: str, tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    with closing(sqlite3.connect(path, check_same_thread=False)) as made:
        complaint(SqliteSaver(made)).invoke({"log": ["smoke"]}, ADA)
        made.executescript(f"{column}; CREATE TABLE orders (id); PRAGMA journal_mode = DELETE")
    before = path.read_bytes()
    with closing(sqlite3.connect(path, check_same_thread=False)) as opened:
        opened.execute("INSERT INTO orders VALUES (1)")
        graph = complaint(SqliteSaver(opened))
        for look in LOOKS.values():
            look(graph)
        assert opened.in_transaction
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert path.read_bytes() == before


def test_words_about_a_machine_and_its_slider_read_nothing() -> None:
    saver = _open_in_memory()
    machine = time_machine(counted(saver, 5), ADA)
    machine._repr_mimebundle_()
    saver.conn.close()
    page = machine.read
    assert repr(machine) == "TimeMachine(thread 'ada', 7 checkpoints)"
    assert (str(machine), hash(machine)) == (str(page), hash(machine))
    assert page == page
    machine._slider.slider.value = 2
    assert "Checkpoint 2 of 7" in machine._slider.told.value
    assert "step 3 count (you are here)" in str(machine.read.picture(machine.at(3).id))


def test_a_machine_that_was_shown_and_let_go_frees_graph_and_saver() -> None:
    graph = counted(InMemorySaver(), 5)
    machine = time_machine(graph, ADA)
    machine._repr_mimebundle_()
    machine._slider.slider.value = 2
    slider, saver = machine._slider, weakref.ref(graph.checkpointer)
    del machine, graph
    assert saver() is None
    slider.slider.value = 1
    assert "this time machine was let go, expected one that a name holds" in slider.told.value
