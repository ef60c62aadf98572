"""where_is in this process: live copies and who holds them, savers and stores in memory."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.memory import InMemoryStore

from lessons_lib.memories.chatbot import heard
from lessons_lib.memories.graph import build, thread
from lessons_lib.observe import Find, Whereabouts, where_is


@pytest.fixture(autouse=True)
def new_things_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Walk over what a test makes, and not over all that pytest and others have made before."""
    monkeypatch.setattr("lessons_lib.observe.holding.search.FROZEN_BY_PYTHON", sys.maxsize)
    gc.freeze()
    yield
    gc.unfreeze()


def fact() -> str:
    """The text that is looked for, made anew: no name of this module leads to it."""
    return ", ".join(("Lovelace", "Ada"))


def told() -> str:
    """A sentence with the fact, made anew."""
    return f"My name is {fact()}."


def looked(*places: object) -> Whereabouts:
    """Look for the fact from a function that holds nothing but a constant of its code."""
    return where_is("Lovelace, Ada", *places)


def places(found: Whereabouts) -> list[tuple[str, str]]:
    return [(find.held_by, find.erased_by) for find in found]


class Box:
    def __init__(self, thing: object) -> None:
        self.thing = thing


class Name(str):
    pass


def generator(text: str) -> Iterator[str]:
    yield text[:1]
    yield text


def started(text: str) -> Iterator[str]:
    lines = generator(text)
    next(lines)
    return lines


def test_live_copies_are_found_with_their_holders() -> None:
    plain, raw, array, name = told(), told().encode(), bytearray(told().encode()), Name(told())
    flat = [{"role": "user", "content": told()}]
    blobs = {("t", 1): ("msgpack", told().encode())}
    nested = ((((told(),),),),)
    keys, some, box, lines = {told(): 1}, {1, told()}, Box(told()), started(told())
    gc.collect()  # from now on tuples of atoms, and before 3.14 flat dictionaries, are untracked
    here = "test_live_copies_are_found_with_their_holders()"
    found = looked()
    assert {find.kind for find in found} == {"live object"}
    assert {find.erased_by for find in found} == {f"the return of {here}"}
    assert [find.held_by.removeprefix(f"{here} → ") for find in found] == [
        "array",
        "blobs → [('t', 1)] → [1]",
        "box → Box.thing",
        "flat → [0] → ['content']",
        "keys → a key",
        "lines → generator generator → text",
        "name",
        "nested → [0] → [0] → [0] → [0]",
        "plain",
        "raw",
        "some → set",
    ]
    assert [find.what for find in found][-3:] == [
        "str 'My name is Lovelace, Ada.'",
        "bytes",
        "str 'My name is Lovelace, Ada.'",
    ]
    del plain, raw, array, name, flat, blobs, nested, keys, some, box, lines


def test_all_names_of_one_copy_stand_in_one_find() -> None:
    one = two = told()
    [find] = looked()
    here = "test_all_names_of_one_copy_stand_in_one_find()"
    assert find.held_by == f"{here} → one, {here} → two"
    assert find.count == 1
    del one, two


def test_copies_on_one_name_are_counted() -> None:
    history = [told() for _ in range(12)]
    [find] = looked()
    assert find.count == 12
    assert find.held_by.endswith("history → [0]")
    del history


def test_how_many_more_hold_it_is_said_once() -> None:
    box, text = Box(1), told()
    boxes = {number: [box, text] for number in range(300)}
    shelves = [[box, text] for _ in range(8)]
    [of_text] = looked()
    for held_by in (where_is(box).finds[0].held_by, of_text.held_by):
        assert re.search(r", at least \d+ more$", held_by)
        assert held_by.count(" more") == 1
    boxes.clear()
    assert where_is(box).finds[0].held_by.endswith(", 6 more")
    del shelves, text


def test_more_copies_than_are_followed_are_said() -> None:
    history = [told() for _ in range(100)]
    found = looked()
    assert found.unread[0].startswith("There are more than 40 live copies")
    del history


IN_A_SCRIPT = """
import functools, gc, sys, types
from lessons_lib.observe import where_is
def told():
    return "My name is " + ", ".join(("Lovelace", "Ada"))
def look():
    for find in where_is("Lovelace, " "Ada"):  # one text once compiled, and not in this script
        print(find.count, find.held_by, "|", find.erased_by)
sys.modules["bot"] = types.ModuleType("bot")
sys.modules["bot"].memory = {"ada": [told()]}
look()
kept = [sys.modules.pop("bot").memory]
gc.freeze()
look()
kept.clear()
@functools.lru_cache
def greeting(name):
    return "Hello, " + name
greeting(told())
look()
greeting.cache_clear()
look()
"""


def test_a_module_a_frozen_object_and_a_cache_are_named_with_what_empties_them() -> None:
    """In a script of its own, for here all modules would have to be walked."""
    command = [sys.executable, "-c", IN_A_SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.splitlines() == [
        "1 bot.memory → ['ada'] → [0] | del bot.memory",
        "1 kept → [0] → ['ada'] → [0] | del kept",
        "2 greeting → lru_cache of greeting | greeting.cache_clear()",
    ], done.stderr


def test_garbage_is_told_from_what_is_held() -> None:
    was_on = gc.isenabled()
    gc.disable()
    try:
        ring: list[Any] = [told()]
        ring.append(ring)
        del ring
        [find] = looked()
        assert (find.kind, find.erased_by) == ("garbage", "gc.collect()")
        gc.collect()
        assert not looked()
    finally:
        if was_on:
            gc.enable()


def test_the_program_s_own_text_is_no_place() -> None:
    """A constant of code, a tuple of them, a docstring."""

    def says() -> list[str]:
        """Ask for Lovelace, Ada."""
        return [text for text in ("Lovelace, Ada", "Lovelace, Ada.") if text]

    compiled = compile("def inner():\n    return 'Love' 'lace, Ada'", "now", "exec")
    names: dict[str, Any] = {}
    exec(compiled, names)
    assert says()
    assert names["inner"]() == "Lovelace, " + "Ada"
    assert not looked()


def test_an_answer_is_no_place() -> None:
    held = told()
    first = looked()
    again = looked()
    assert first.finds == again.finds
    del held
    assert not looked()
    assert "Lovelace" in str(first) + str(again)


def alone() -> Whereabouts:
    return where_is(Box(2))


def test_an_object_is_looked_for_by_identity() -> None:
    box = Box(1)
    shelf = [box]
    found = where_is(box)
    here = "test_an_object_is_looked_for_by_identity()"
    assert places(found) == [(f"{here} → box, {here} → shelf → [0]", f"the return of {here}")]
    assert str(alone()).startswith("Box thing=2 was found nowhere.\nNo name leads to it")
    assert "what gets there is a copy" in where_is(box, InMemorySaver()).notes[0]
    del shelf


# -- savers and stores ---------------------------------------------------------------------------


def saved(serde: Any = None) -> tuple[Any, InMemorySaver]:
    saver = InMemorySaver(serde=serde)
    graph = build(saver)
    graph.invoke({"messages": [heard(told())]}, thread("c1"))
    graph.invoke({"messages": [heard("Hi.")]}, thread("c2"))
    return graph, saver


def test_a_saver_is_found_without_being_named() -> None:
    graph, saver = saved()
    gc.collect()
    found = looked()
    assert {find.place for find in found} == {"InMemorySaver"}
    assert {find.erased_by for find in found} == {"delete_thread('c1')"}
    kinds = [find.kind for find in found]
    assert kinds == sorted(kinds)
    assert "channel 'messages' of thread 'c1'" in [find.what for find in found]
    here = "test_a_saver_is_found_without_being_named()"
    assert found.finds[0].held_by.startswith(f"{here} → saver, {here} → graph → ")
    given = looked(graph, saver)
    assert [find.what for find in given] == [find.what for find in found]
    saver.delete_thread("c1")
    assert not looked(graph)


def test_without_its_names_a_saver_is_gone_by_reference_count() -> None:
    was_on = gc.isenabled()
    graph, saver = saved()
    gc.collect()
    gc.disable()
    try:
        assert looked()
        del graph, saver
        assert not looked()
    finally:
        if was_on:
            gc.enable()


class Reversed(JsonPlusSerializer):
    """As good as encrypted, for one who searches the bytes."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        form, data = super().dumps_typed(obj)
        return f"{form}+reversed", data[::-1]

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return super().loads_typed((data[0].removesuffix("+reversed"), data[1][::-1]))


def test_encrypted_blobs_are_read_by_the_saver_s_serialiser() -> None:
    graph, saver = saved(Reversed())
    found = looked()
    assert "channel" in {find.kind for find in found}
    del graph, saver


def test_what_a_saver_in_memory_cannot_read_is_said_first() -> None:
    class Damaged(Reversed):
        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            raise ValueError("MAC check\nfailed")

    class Strange(InMemorySaver):
        def __init__(self) -> None:
            pass

    graph, saver = saved(Damaged())
    strange = Strange()
    locked, other, head, *_ = sorted(str(looked()).splitlines(), key=lambda line: line[0] == "'")
    assert re.fullmatch(
        r"InMemorySaver: \d+ encrypted values were not read: ValueError: MAC check failed\.", locked
    )
    assert other.startswith("Strange was not searched to its end: AttributeError: ")
    assert head == "'Lovelace, Ada' was not found in what was searched."
    del graph, saver, strange


def test_a_value_is_searched_to_its_bottom() -> None:
    store, value = InMemoryStore(), dict[str, Any](text=[told()])
    for _ in range(5_000):
        value = {"next": [value]}
    value["me"] = [value]
    store.put(("u",), "deep", value)
    [found] = [find for find in looked() if find.kind == "store item"]
    assert found.what.startswith("u 'deep'['next'][0]['next'][0]")
    assert len(found.what) < 100
    assert found.count == 1
    del value["me"]
    while "next" in value:
        [value] = value["next"]


def test_a_store_s_items_and_the_names_that_share_them() -> None:
    store, profile = InMemoryStore(), {"name": told(), "notes": [told()]}
    store.put(("users", "ada"), "profile", profile)
    live, item = looked()
    here = "test_a_store_s_items_and_the_names_that_share_them()"
    assert live.held_by == f"{here} → profile → ['name']"
    assert (item.place, item.kind) == ("InMemoryStore", "store item")
    assert item.what == "users/ada 'profile'['name']"
    assert item.erased_by == "delete(('users', 'ada'), 'profile')"
    assert item.count == 2
    del profile
    store.delete(("users", "ada"), "profile")
    assert not looked()


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            "",
            "the fact is '', expected a text that is not blank: where_is(\"My name is Ada\"), say",
        ),
        (" \n", "the fact is ' \\n', expected a text that is not blank"),
        ("ab", "the fact is 'ab', expected at least 3 characters: so short a text is found"),
    ],
)
def test_a_text_that_says_nothing_is_refused(wrong: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        where_is(wrong)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("wrong", [None, True, 42, 1.5])
def test_a_number_is_no_fact(wrong: object) -> None:
    with pytest.raises(TypeError) as caught:
        where_is(wrong)
    assert str(caught.value) == (
        f"{wrong!r} is one and the same object all over Python, expected a text or an object of "
        "your own: give the text it stands in, or the object that holds it"
    )


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        looked(42)
    assert str(caught.value) == (
        "int is no place to search, expected a saver, a store, a compiled graph, or the path of a "
        "file or a folder: give one of these"
    )


def test_a_graph_without_a_checkpointer_is_said() -> None:
    found = looked(build(None))
    assert found.notes == ("The graph has neither a checkpointer nor a store: it keeps nothing.",)


# -- on a page -----------------------------------------------------------------------------------

FIND = Find("graph.db", "row", "checkpoint of thread 'c1'", "table checkpoints", "VACUUM", 3)
MANY = Find(
    "graph.db-wal", "frame", "pages as they were", "the log", "a checkpoint", 7, certain=False
)


def test_it_reads_in_a_terminal_and_on_a_page() -> None:
    found = Whereabouts("'<Ada>'", (FIND, MANY), ("A note & more.",))
    assert str(found).splitlines()[0] == "'<Ada>' lives in 2 places:"
    assert [line.split("  ")[-1] for line in str(found).splitlines()[3:5]] == [
        "VACUUM",
        "a checkpoint",
    ]
    html = found._repr_mimebundle_()["text/html"]
    for word in ("&lt;Ada&gt;", "(3 copies)", "(some copies)", "erased by", "A note &amp; more."):
        assert word in html
    assert [len(found), bool(found), list(found)] == [2, True, [FIND, MANY]]
    assert str(Whereabouts("'x'", ())) == "'x' was found nowhere."


def test_the_walk_goes_into_no_code_of_the_reader_s() -> None:
    class Touchy(str):
        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __contains__(self, part: object) -> bool:
            raise AssertionError

        def __getattribute__(self, name: str) -> Any:
            raise AssertionError

        __hash__ = str.__hash__

    held = Touchy(told())
    assert len(looked()) == 1
    assert sys.getrefcount(held) <= 2


def test_what_another_thread_runs_is_looked_at_or_said_not_to_be() -> None:
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        mine = told()
        ready.set()
        done.wait()
        del mine

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    found = looked()
    done.set()
    thread.join()
    if sys.version_info >= (3, 13):
        assert places(found) == [("work() → mine", "the return of work()")]
    else:
        assert str(found).splitlines()[:2] == [
            "The locals of a running thread were not looked at.",
            "'Lovelace, Ada' was not found in what was searched.",
        ]
