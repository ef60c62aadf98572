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

pytestmark = pytest.mark.usefixtures("new_things_alone")


def told() -> str:
    """A sentence with the fact, made anew: no name of this module leads to it."""
    return f"My name is {', '.join(('Lovelace', 'Ada'))}."


def looked(*places: object) -> Whereabouts:
    """Look for the fact from a function that holds nothing but a constant of its code."""
    return where_is("Lovelace, Ada", *places)


class Box:
    def __init__(self, thing: object) -> None:
        self.thing = thing


class Touchy(str):
    """It fails whoever asks it anything."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __contains__(self, part: object) -> bool:
        raise AssertionError

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError

    __hash__ = str.__hash__


def started(text: str) -> Iterator[str]:
    def generator(text: str) -> Iterator[str]:
        yield text[:1]
        yield text

    lines = generator(text)
    next(lines)
    return lines


def test_live_copies_are_found_with_their_holders() -> None:
    plain, raw, array, touchy = told(), told().encode(), bytearray(told().encode()), Touchy(told())
    flat = [{"role": "user", "content": told()}]
    blobs = {("t", 1): ("msgpack", told().encode())}
    nested, history = ((((told(),),),),), [told() for _ in range(12)]
    keys, some, box, lines = {told(): 1}, {1, told()}, Box(told()), started(told())
    one = two = told()
    gc.collect()  # from now on tuples of atoms, and before 3.14 flat dictionaries, are untracked
    here = "test_live_copies_are_found_with_their_holders()"
    found = looked()
    assert {find.kind for find in found} == {"live object"}
    assert {find.erased_by for find in found} == {f"the return of {here}"}
    assert [(find.held_by.replace(f"{here} → ", ""), find.count) for find in found] == [
        ("array", 1),
        ("blobs → [('t', 1)] → [1]", 1),
        ("box → Box.thing", 1),
        ("flat → [0] → ['content']", 1),
        ("history → [0]", 12),
        ("keys → a key", 1),
        ("lines → generator generator → text", 1),
        ("nested → [0] → [0] → [0] → [0]", 1),
        ("one, two", 1),
        ("plain", 1),
        ("raw", 1),
        ("some → set", 1),
        ("touchy", 1),
    ]
    assert [find.what for find in found][-3:-1] == ["bytes", "str 'My name is Lovelace, Ada.'"]
    again = looked()
    assert again.finds == found.finds  # an answer is no place
    assert sys.getrefcount(touchy) <= 2
    del plain, raw, array, touchy, flat, blobs, nested, history, keys, some, box, lines, one, two
    assert not looked()


def test_how_many_more_hold_it_is_said_once() -> None:
    text = told()
    boxes = {number: [text] for number in range(300)}
    shelves = [[text] for _ in range(8)]
    [find] = looked()
    assert re.search(r", at least \d+ more$", find.held_by)
    assert find.held_by.count(" more") == 1
    boxes.clear()
    assert looked().finds[0].held_by.endswith(", 6 more")
    del shelves, text


def test_more_copies_than_are_followed_are_said() -> None:
    history = [told() for _ in range(100)]
    assert looked().unread[0].startswith("There are more than 40 live copies")
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
kept = [sys.modules.pop("bot").memory, (((told(), 1), 2), 3)]
gc.collect()
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
        "2 kept → [0] → ['ada'] → [0] | del kept",
        "2 greeting → lru_cache of greeting | greeting.cache_clear()",
    ], done.stderr


def test_garbage_is_told_from_what_is_held() -> None:
    gc.disable()
    try:
        ring: list[Any] = [told()]
        ring.append(ring)
        del ring
        [find] = looked()
        assert (find.kind, find.erased_by) == ("garbage", "gc.collect()")
    finally:
        gc.enable()
        gc.collect()
    assert not looked()


def test_the_program_s_own_text_is_no_place() -> None:
    """A constant of code, a tuple of them, a docstring."""

    def says() -> list[str]:
        """Ask for Lovelace, Ada."""
        return [text for text in ("Lovelace, Ada", "Lovelace, Ada.") if text]

    names: dict[str, Any] = {}
    exec(compile("def inner():\n    return 'Love' 'lace, Ada'", "now", "exec"), names)
    assert says()
    assert names["inner"]() == "Lovelace, " + "Ada"
    assert not looked()


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
        [find] = found
        assert (find.held_by, find.erased_by) == ("work() → mine", "the return of work()")
    else:
        assert str(found).splitlines()[:2] == [
            "The locals of a running thread were not looked at.",
            "'Lovelace, Ada' was not found in what was searched.",
        ]


# -- savers and stores ---------------------------------------------------------------------------


class Reversed(JsonPlusSerializer):
    """As good as encrypted, for one who searches the bytes."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        form, data = super().dumps_typed(obj)
        return f"{form}+reversed", data[::-1]

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return super().loads_typed((data[0].removesuffix("+reversed"), data[1][::-1]))


class Damaged(Reversed):
    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        raise ValueError("MAC check\nfailed")


class Strange(InMemorySaver):
    def __init__(self) -> None:
        pass


def saved(serde: Any = None) -> tuple[Any, InMemorySaver]:
    saver = InMemorySaver(serde=serde)
    graph = build(saver)
    graph.invoke({"messages": [heard(told())]}, thread("c1"))
    graph.invoke({"messages": [heard("Hi.")]}, thread("c2"))
    return graph, saver


@pytest.mark.parametrize("serde", [None, Reversed()])
def test_a_saver_is_found_without_being_named_and_read_with_its_serialiser(serde: Any) -> None:
    graph, saver = saved(serde)
    gc.collect()
    found = looked()
    assert {find.place for find in found} == {"InMemorySaver"}
    assert {find.erased_by for find in found} == {"delete_thread('c1')"}
    kinds = [find.kind for find in found]
    assert kinds == sorted(kinds)
    assert "channel 'messages' of thread 'c1'" in [find.what for find in found]
    function = "test_a_saver_is_found_without_being_named_and_read_with_its_serialiser()"
    assert found.finds[0].held_by.startswith(f"{function} → saver, {function} → graph → ")
    given = looked(graph, saver)
    assert [find.what for find in given] == [find.what for find in found]
    saver.delete_thread("c1")
    assert not looked(graph)


def test_without_its_names_a_saver_is_gone_by_reference_count() -> None:
    graph, saver = saved()
    gc.collect()
    gc.disable()
    try:
        assert looked()
        del graph, saver
        assert not looked()
    finally:
        gc.enable()


def test_what_a_saver_in_memory_cannot_read_is_said_first() -> None:
    (graph, saver), strange = saved(Damaged()), Strange()
    locked, other, head, *_ = sorted(str(looked()).splitlines(), key=lambda line: line[0] == "'")
    assert re.fullmatch(
        r"InMemorySaver: \d+ encrypted values were not read: ValueError: MAC check failed\.", locked
    )
    assert other.startswith("Strange was not searched to its end: AttributeError: ")
    assert head == "'Lovelace, Ada' was not found in what was searched."
    del graph, saver, strange


def test_a_store_s_items_are_searched_to_their_bottom_and_share_their_names() -> None:
    store, deep = InMemoryStore(), dict[str, Any](text=[told()])
    profile = {"name": told(), "notes": [told()]}
    for _ in range(1_000):
        deep = {"next": [deep]}
    deep["me"] = [deep]
    store.put(("users", "ada"), "profile", profile)
    store.put(("users", "bo"), "deep", deep)
    *_, item, bottom = looked()
    assert (item.place, item.kind, item.count) == ("InMemoryStore", "store item", 2)
    assert item.what == "users/ada 'profile'['name']"
    assert item.erased_by == "delete(('users', 'ada'), 'profile')"
    assert bottom.what.startswith("users/bo 'deep'['next'][0]['next'][0]")
    assert (len(bottom.what) < 110, bottom.count) == (True, 1)
    del deep["me"]
    while "next" in deep:  # freed at once, it would be too deep for 3.11
        [deep] = deep["next"]
    store.delete(("users", "bo"), "deep")
    here = "test_a_store_s_items_are_searched_to_their_bottom_and_share_their_names()"
    assert f"{here} → profile → ['name']" in [find.held_by for find in looked()]


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "places", "says"),
    [
        ("", (), "the fact is '', expected a text that is not blank: where_is("),
        (" \n", (), "the fact is ' \\n', expected a text that is not blank"),
        ("ab", (), "the fact is 'ab', expected at least 3 characters: so short a text is found"),
        ([], (), "list is no text, expected a str or bytes: give the text that stands in it; who_"),
        ("Lovelace", (42,), "int is no place to search, expected a saver, a store, a compiled gra"),
        ("Lovelace", (InMemorySaver,), "the class InMemorySaver is no place to search, expected"),
        ("Lovelace", ("no.db",), "'no.db' is not there, expected a file or a folder: check the pa"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(wrong: Any, places: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError, FileNotFoundError)) as caught:
        where_is(wrong, *places)
    assert str(caught.value).startswith(says)


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
    html = found._repr_mimebundle_()["text/html"]
    for word in ("&lt;Ada&gt;", "(3 copies)", "(some copies)", "erased by", "A note &amp; more."):
        assert word in html
    assert [len(found), bool(found), list(found)] == [2, True, [FIND, MANY]]
    assert str(Whereabouts("'x'", ())) == "'x' was found nowhere."
    told = Whereabouts("'x'", (), unread=("y.db was not searched: …",))
    assert str(told) == "y.db was not searched: …\n'x' was not found in what was searched."
