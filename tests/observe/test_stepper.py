"""The recorder: what it sees, that it changes nothing, and that it puts everything back."""

from __future__ import annotations

import builtins
import gc
import io
import linecache
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons_lib.observe import step
from lessons_lib.observe.stepping import looking, stepper
from lessons_lib.observe.stepping.recording import Recording
from lessons_lib.observe.stepping.rewriting import FILENAME, PROBE, borrowed
from lessons_lib.observe.stepping.stepper import record
from lessons_lib.observe.stepping.story import Story
from tests.every_python import given as pythons_given

from . import snippets


class Upload:
    def __init__(self, name: str = "") -> None:
        self.name = name


_SHELF: list[object] = []


def put_aside(thing: object) -> None:
    _SHELF.append(thing)


def run(snippet: str, **names: object) -> Recording:
    return record(dedent(snippet).strip(), {"Upload": Upload, "gc": gc, **names})


def news(snippet: str, **names: object) -> list[str]:
    """What happened at each step, in words."""
    story = Story(run(snippet, **names))
    return ["; ".join(story.happened(i)) for i in range(len(story.recording.steps))]


# -- what it sees --------------------------------------------------------------------------------


def _uploads() -> int:
    return sum(type(thing) is snippets.Upload for thing in gc.get_objects())


@cache
def told_quietly() -> str:
    """What all snippets tell, with nobody beside them; made by the first test that asks."""
    return snippets.told()


def test_every_snippet_ends_with_nothing_left_alive() -> None:
    before = _uploads()
    assert told_quietly()
    assert _uploads() == before == 0


def _other_pythons() -> list[Path]:
    here = Path(sys.executable).resolve()
    found = [*sorted(Path.home().glob(".pyenv/versions/3.1[1-5].*/bin/python")), *pythons_given()]
    return [python for python in found if python.resolve() != here]


@pytest.mark.parametrize("python", _other_pythons(), ids=str)
def test_every_python_tells_the_same(python: Path) -> None:
    told = subprocess.run(
        [python, snippets.__file__], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    assert told.stdout.rstrip("\n") == told_quietly()


def clear_shelf() -> None:
    _SHELF.clear()


_HELD = f"Upload 'u' is held unseen, by {__name__}._SHELF → [0]"


def keep_own_error(upload: Upload) -> None:
    try:
        raise ValueError(upload.name)
    except ValueError as error:
        kept = error  # noqa: F841


def put_error_aside(upload: Upload) -> None:
    try:
        raise ValueError(upload.name)
    except ValueError as error:
        put_aside(error)


def start_a_generator_in_a_ring(upload: Upload) -> None:
    def lines() -> Iterator[Upload]:
        yield ring  # type: ignore[misc]
        yield upload

    ring = lines()
    next(ring)


_GARBAGE = "Upload 'u' is garbage: no name leads there"
_IN_A_CYCLE = "u = Upload('u')\nhide(u)\ndel u\nx = 1\ngc.collect()"


@pytest.mark.parametrize(
    ("snippet", "hide", "last"),
    [
        ("box = []\nbox.append(box)\ndel box\ngc.collect()", None, ["list died, by the collector"]),
        ("raise SystemExit(3)", None, ["SystemExit: not caught, the snippet ends here"]),
        ("print('one')\nx = 1\nprint('two')", None, ["prints one", "x is 1", "prints two"]),
        (_IN_A_CYCLE, keep_own_error, [_GARBAGE, "x is 1", "Upload 'u' died, by the collector"]),
        (
            _IN_A_CYCLE,
            start_a_generator_in_a_ring,
            [_GARBAGE, "x is 1", "Upload 'u' died, by the collector"],
        ),
        ("u = Upload('u')\nhide(u)\ndel u", put_aside, [_HELD]),
        (
            "u = Upload('u')\nhide(u)\ndel u\nclear()",
            put_error_aside,
            [f"{_HELD} → ", "Upload 'u' died, by reference count"],
        ),
        (
            "box = [[Upload('u')]]\nhide(box.pop())\nx = 1",  # out of sight in one line: not dead
            put_aside,
            [f"list 2 is held unseen, by {__name__}._SHELF → [0]", "x is 1"],
        ),
        (
            "u = Upload('u')\nw = ref(u)\ndel u",
            None,
            ["w refers weakly to Upload 'u'", "Upload 'u' died, by reference count"],
        ),
        (
            "u = Upload('u')\ncall = lambda u=u: u\ndel u\ncall = None",
            None,
            [
                "Upload 'u' has 1 reference; only function <lambda> holds Upload 'u'",
                "Upload 'u' and function <lambda> died, by reference count",
            ],
        ),
        (
            "class Cat:\n    def __del__(self): hide(self)\ncat = Cat()\ndel cat",
            put_aside,
            [f"Cat is held unseen, by {__name__}._SHELF → [0]"],
        ),
        (
            "class Model: kept = {}\nModel.kept['m'] = Model()\ndel Model\ngc.collect()",
            None,
            [
                "class Model, dict and Model are garbage: no name leads there",
                "class Model, dict and Model died, by the collector",
            ],
        ),
        (
            "class Model: kept = {}\nm = Model()\ndel Model",
            None,
            ["class Model is held unseen, by m → Model.__class__"],
        ),
        ("names = {}\nexec('a = []', names)\ndel names", None, ["dict and list died"]),
        ("import sys\nout = [sys.stderr]\ndel out", None, ["list died, by reference count"]),
    ],
)
def test_what_happens_is_told(snippet: str, hide: Any, last: list[str]) -> None:
    used = {"hide": hide, "clear": clear_shelf, "ref": weakref.ref}
    told = news(snippet, **{name: used[name] for name in borrowed(snippet) if name in used})
    _SHELF.clear()
    for line, wanted in zip(told[-len(last) :], last, strict=True):
        assert line.startswith(wanted)


def test_what_a_finalizer_prints_at_the_end_is_kept() -> None:
    recording = run("class Loud:\n    def __del__(self): print('bye')\nloud = Loud()")
    assert recording.afterwards == "bye\n"


@pytest.mark.parametrize(
    ("endless", "note"),
    [
        ("while True: x = 1", "stopped after 20 steps, at line 1: max_steps=100 lets it go on"),
        (
            "while True:\n    pass",
            "stopped at line 1, after 5,000 lines: a recording takes no more",
        ),
        (
            "while True:\n    try:\n        x = 1\n    except BaseException:\n        pass",
            "stopped after 20 steps, at line 3: max_steps=100 lets it go on",
        ),
    ],
)
def test_an_endless_snippet_is_stopped_and_says_so_first(endless: str, note: str) -> None:
    recording = record(endless, max_steps=20)
    assert recording.note == note
    assert str(Story(recording).table()).startswith(f"{note}\nstep")
    assert len(recording.steps) <= 20


def test_whoever_waits_is_told_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stepper, "somebody_waits", lambda: True)
    monkeypatch.setattr(stepper, "monotonic", iter(range(0, 10_000, 10)).__next__)
    record("x = 1\nx = 2")
    told = [words.strip() for words in capsys.readouterr().err.split("\r")]
    assert told == ["", "recording … step 1", "recording … step 2", "", ""]


@pytest.mark.parametrize(
    ("snippet", "says"),
    [
        (3, "3 is no snippet, expected lines of Python in a text"),
        ("x = 1\n%timeit x", "'%timeit x' is a magic of the notebook, expected lines of Python"),
        ("!ls", "'!ls' is a magic of the notebook, expected lines of Python"),
        ("x?", "'x\\?' is a magic of the notebook, expected lines of Python"),
        ("x = 1\nawait f()", r"'await f\(\)' waits outside a function, expected a snippet that"),
        ("async with f() as x: pass", "waits outside a function, expected a snippet that needs no"),
    ],
)
@pytest.mark.parametrize("start", [record, step])
def test_what_is_no_snippet_is_refused_in_one_sentence(start: Any, snippet: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        start(snippet)


def test_a_large_structure_is_bounded() -> None:
    recording = run("many = [Upload(str(n)) for n in range(3000)]\nx = 1")
    assert len(recording.things) < 700


@pytest.mark.parametrize(("kind", "way"), [("list", "[500]"), ("tuple", "[500]"), ("set", "set")])
def test_what_is_not_followed_is_told_and_nothing_is_said_to_be_lost(kind: str, way: str) -> None:
    made = f"many = {kind}([Upload() for _ in range(501)])\nrest = [u for u in many][500:]"
    told = news(f"{made}\nx = rest.pop()\ndel x")
    assert told[3] == f"Upload 501 is held unseen, by many → {way}"
    assert run(made).note == "of a longer container, 500 items are followed"


# -- what changes in place -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "line", "told"),
    [
        ("history = []", "history.append('x')", "list now has 1 item"),
        ("history = ['x', 'y']", "history.pop()", "list now has 1 item"),
        ("history = list('xy')", "history[0] = 'z'", "list changed: [0]"),
        ("history = list('ab')", "history.reverse()", "list changed: [0] and [1]"),
        ("many = [0] * 9", "many[:] = range(9)", "list changed: [1], [2], [3], [4] and 4 more"),
        ("many = [0] * 9000", "many.append(1)", "list now has 9001 items"),
        ("said = {'text': 'a'}", "said['text'] = 'b'", "dict changed: ['text']"),
        ("said = {'text': 'a'}", "said['role'] = 'user'", "dict now has 2 items"),
        ("said = {1: 'a'}", "said[1] = 'b'", "dict changed: [1]"),
        ("seen = {1}", "seen.add(2)", "set now has 2 items"),
        ("seen = {1}", "seen.pop(); seen.add(2)", "set changed"),
        ("u = Upload('cv')", "u.name = 'b'", "Upload 'cv' changed: name"),
        ("u = Upload('cv')", "u.size = 3", "Upload 'cv' changed: size"),
        ("u = Upload('cv'); u.n = -1", "u.n = -2", "Upload 'cv' changed: n"),
        ("u = Upload('cv'); u.n = 1", "u.n = True", "Upload 'cv' changed: n"),
        ("u = Upload('cv'); u.n = 1", "del u.n", "Upload 'cv' changed: n"),
        ("u = Upload('cv'); u.n = 1", "u.n = 1", ""),
        ("u = Upload('cv'); u.f = []", "u.f = None", "list died, by reference count"),
        ("both = [Upload('a'), Upload('b')]", "both.reverse()", "list changed: [0] and [1]"),
        ("box = [[]]", "box.append('x')", "list 1 now has 2 items"),
        ("box = [[]]", "box[0].append('x')", "list 2 now has 1 item"),
        ("a = Upload('a'); b = Upload('a')", "b.name = 'c'", "Upload 'a' 2 changed: name"),
        ("calls = []", "calls.append(lambda: 1)", "list now has 1 item"),
        ("calls = {'f': len}", "calls['g'] = lambda: 1", "dict now has 2 items"),
        ("calls = [len]", "calls.pop()", "list now has 0 items"),
        ("u = Upload('cv')", "u.hook = lambda: 1", "Upload 'cv' changed: hook"),
        ("u = Upload('cv'); u.hook = len", "del u.hook", "Upload 'cv' changed: hook"),
        ("a = bytearray(b'a')", "a += b'b'", "a is bytearray(b'ab')"),
        ("a = [bytearray(b'a')]", "a[0][0] = 66", "list changed: [0]"),
        ("a = []; b = {}", "a, b = b, a", "a leads to dict now; b leads to list now"),
        ("a, b, c = 1, 2, 3", "a, b = b, a", "a is 2; b is 1"),
        ("a = [[], {}]", "a[0], a[1] = a[1], a[0]", "list 1 changed: [0] and [1]"),
    ],
)
def test_what_changes_in_place_is_told(made: str, line: str, told: str) -> None:
    assert news(f"{made}\n{line}")[-1] == told


def test_a_function_that_holds_nothing_any_more_is_drawn_no_longer() -> None:
    told = news(
        """
        def make():
            u = Upload('u')
            def read(): return u
            def clear():
                nonlocal u
                del u
            return read, clear
        read, clear = make()
        hide(read)
        del read
        clear()
        """,
        hide=put_aside,
    )
    _SHELF.clear()
    assert "Upload 'u' died, by reference count" in told


def test_a_class_with_slots_and_one_of_containers_tell_too() -> None:
    told = news(
        """
        class Slotted:
            __slots__ = ("n",)
        class Stack(list): pass
        s, stack = Slotted(), Stack()
        s.n = 1
        stack.append(2)
        """
    )
    assert told[-2:] == ["Slotted changed: n", "Stack now has 1 item"]


def test_much_news_of_one_line_is_counted() -> None:
    told = news("ups = [Upload(c) for c in 'abcdefg']\n[vars(u).update(n=1) for u in ups]")
    assert told[1].endswith("Upload 'd' changed: n; 3 more changed")
    assert news("a, b, c, d, e, f = range(6)")[0].endswith("d is 3; 2 more have a new value")


def test_what_a_library_keeps_for_itself_is_no_news() -> None:
    told = news("p = Path('a') / 'b'\ntext = str(p)", Path=Path)
    # Python 3.12 gives the path a list of its parts here, which is an object and so is told.
    assert told[1].split("; ")[-1] == f"text is {str(Path('a', 'b'))!r}"
    assert "changed" not in told[1]


def test_a_change_is_found_without_the_reader_s_code_and_keeps_nothing() -> None:
    class Key:
        def __hash__(self) -> int:
            assert not watching, "a key was hashed"
            return 1

    watching: list[int] = []
    big = bytes(1_000)
    table = {Key(): big, "k": big}
    watching.append(1)
    run("x = 1\ntable.pop('k')\nx = 2", table=table)
    assert sys.getrefcount(big) <= 3 + 1


# -- it never runs the reader's code ---------------------------------------------------------------


class Trap:
    """Any look at an instance through its own methods fails."""

    def __init__(self) -> None:
        self.inner = Upload("inside")

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    __str__ = __len__ = __iter__ = __hash__ = __eq__ = __bool__ = __repr__  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"__getattr__({name!r}) was called")

    @property
    def name(self) -> str:
        raise AssertionError("a property was called")


class TrapList(list[object]):
    def __iter__(self) -> Iterator[object]:
        raise AssertionError("__iter__ was called")

    __len__ = __getitem__ = __eq__ = __repr__ = __iter__  # type: ignore[assignment]


class TrapDict(dict[str, object]):
    def items(self) -> Any:
        raise AssertionError("items was called")

    __iter__ = __len__ = __getitem__ = keys = values = __repr__ = items  # type: ignore[assignment]


def test_no_method_of_the_reader_is_called() -> None:
    recording = run(
        "t = Trap()\nl = TrapList()\nd = TrapDict()\ndel t, l, d",
        Trap=Trap,
        TrapList=TrapList,
        TrapDict=TrapDict,
    )
    assert recording.steps[-1].error == ""
    assert len(recording.steps[-1].died) == 4


class Same(type):
    """Its classes are all equal, and have no hash."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("classes were compared")


def test_classes_are_told_apart_by_identity() -> None:
    odd = [Same(name, (), {}) for name in ("First", "Second")]
    told = news("a, b = odd[0](), odd[1]()\na.n = 1\nb.other = a\ndel a", odd=odd)
    assert told[0].endswith("First and Second")
    assert told[1:] == ["First changed: n", "First has 2 references", "First has 1 reference"]


def test_a_recording_holds_no_object() -> None:
    upload = Upload("cv.pdf")
    watched = weakref.ref(upload)
    recording = run("mine = [upload]\nmine = None", upload=upload)
    del upload
    assert watched() is None
    assert recording.things[0].type == "Upload"


def test_a_class_of_the_reader_is_not_kept() -> None:
    class Local:
        pass

    watched = weakref.ref(Local)
    run("a = Local()\ndel a", Local=Local)
    del Local
    gc.collect()
    assert watched() is None


# -- it puts everything back -----------------------------------------------------------------------


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("snippet", ["x = 1", "1/0", "gc.enable()", "gc.disable()", "a = stop()"])
def test_everything_is_put_back(on: bool, snippet: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    def state() -> tuple[object, ...]:
        return gc.isenabled(), list(gc.callbacks), sys.stdout, sys.stderr, sys.gettrace()

    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        then = state()
        with pytest.raises(KeyboardInterrupt) if "stop" in snippet else nullcontext():
            run(snippet, stop=stop)
        assert state() == then
        assert FILENAME not in linecache.cache
        assert not hasattr(builtins, PROBE)
    finally:
        (gc.enable if before else gc.disable)()


def test_the_snippet_keeps_its_names_to_itself() -> None:
    names: dict[str, object] = {"seen": []}
    record("seen.append(1)\nmine = 2", names)
    assert names == {"seen": [1]}


def test_a_function_that_outlives_the_recording_still_runs() -> None:
    shelf: list[Any] = []
    run("def double(n):\n    m = n * 2\n    return m\nput(double)", put=shelf.append)
    assert shelf[0](21) == 42


def test_another_thread_is_left_alone() -> None:
    recording = run(
        "def work():\n    x = 1\nt = threading.Thread(target=work)\nt.start()\nt.join()",
        threading=threading,
    )
    assert all(step.event != "call" for step in recording.steps)


# -- beside a busy neighbour -----------------------------------------------------------------------


@contextmanager
def busy_neighbours() -> Iterator[tuple[Upload, io.StringIO]]:
    """Two threads that make and drop lists, dictionaries and uploads, and print.

    They do not collect: while one does, `gc.collect()` of a snippet returns at once. Nor do they
    print into a stream of pytest's, which it reads and takes away whenever it likes.
    """
    was_on = gc.isenabled()
    gc.disable()
    done, shared = threading.Event(), Upload("shared")

    def work() -> None:
        while not done.is_set():
            made = [[Upload("theirs"), {"list": []}] for _ in range(5)]
            shared.latest = made  # type: ignore[attr-defined]
            print("from a neighbour")

    threads = [threading.Thread(target=work) for _ in range(2)]
    with redirect_stdout(io.StringIO()) as heard:
        for thread in threads:
            thread.start()
        try:
            yield shared, heard
        finally:
            done.set()
            for thread in threads:
                thread.join()
            (gc.enable if was_on else gc.disable)()


def test_a_busy_neighbour_changes_nothing() -> None:
    quietly = told_quietly()
    with busy_neighbours() as (_, heard):
        assert snippets.told() == quietly
    assert "from a neighbour" in heard.getvalue()


def test_what_a_neighbour_changes_meanwhile_can_be_shown() -> None:
    with busy_neighbours() as (shared, _):
        recording = run("for n in range(3): x = shared.latest", shared=shared)
    assert len(recording.steps) > 3


def test_a_search_that_has_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MAX_SEARCHES", 0)
    recording = run("a = Upload()\nput_aside(a)\ndel a", put_aside=put_aside)
    assert recording.steps[-1].unseen == [("something", 1)]
    assert recording.note == "too much is held unseen: some of it may be garbage"
    _SHELF.clear()


def test_what_a_thread_of_the_snippet_prints_is_the_snippet_s() -> None:
    snippet = "t = threading.Thread(target=print, args=['mine'])\nt.start()\nt.join()\nx = 1"
    recording = run(snippet, threading=threading)
    assert "".join(step.printed for step in recording.steps) == "mine\n"


# -- the same result with and without -------------------------------------------------------------

_NAMES = st.sampled_from("abc")
_LINE = st.one_of(
    st.builds("{} = Node({!r})".format, _NAMES, st.sampled_from(["x", "y"])),
    st.builds("{} = {}".format, _NAMES, _NAMES),
    st.builds("{}.{} = {}".format, _NAMES, st.sampled_from(["left", "right"]), _NAMES),
    st.builds("{} = None".format, _NAMES),
    st.builds("del {}".format, _NAMES),
    st.builds("box.append({})".format, _NAMES),
    st.builds("{} = box.pop()".format, _NAMES),
    st.builds("{} = [{}, {}]".format, _NAMES, _NAMES, _NAMES),
    st.builds("{} = lambda: {}".format, _NAMES, _NAMES),
    st.builds("{} = use({})".format, _NAMES, _NAMES),
    st.just("gc.collect()"),
    st.just("box.clear()"),
)
_USE = """
def use(thing):
    local = Node("local")
    local.left = thing
    pair = (local, thing)
    del thing
    return pair[1]
"""


def _attempt(line: str) -> str:
    return f"try:\n    {line}\nexcept Exception as e:\n    log.append(type(e).__name__)"


def _outcome(program: str, recorded: bool) -> list[str]:
    """Run a program whose objects log their own death, with or without the recorder."""
    log: list[str] = []
    count = [0]

    class Node:
        def __init__(self, name: str) -> None:
            count[0] += 1
            self.name = f"{name}{count[0]}"

        def __del__(self) -> None:
            log.append(f"{self.name} died")

    names: dict[str, Any] = {"Node": Node, "log": log, "gc": gc, "box": []}
    if recorded:
        record(program, names, max_steps=10_000)
    else:
        exec(compile(program, "plain", "exec"), {**names, "__name__": "__main__"})
    result = log[: log.index("end")]
    names["box"].clear()
    gc.collect()
    return result


@pytest.fixture(scope="module")
def small_heap() -> Iterator[None]:
    """Collections that look only at what the test makes."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
@settings(max_examples=40, deadline=None)
@given(st.lists(_LINE, min_size=3, max_size=14))
def test_a_program_does_the_same_with_and_without_the_recorder(lines: list[str]) -> None:
    program = "\n".join([_USE, *map(_attempt, lines), "log.append('end')"])
    was_on = gc.isenabled()
    gc.disable()
    try:
        assert _outcome(program, recorded=True) == _outcome(program, recorded=False)
    finally:
        if was_on:
            gc.enable()


@pytest.mark.parametrize(
    ("function", "start", "told"),
    [
        ("def f():\n    u = Upload()\n    yield", "held = f(); next(held)", "generator f"),
        (
            "async def f():\n    u = Upload()\n    await Turn()",
            "held = f(); held.send(None)",
            "coroutine f",
        ),
        (
            "async def f():\n    u = Upload()\n    await Turn()\n    yield 1",
            "held = f(); turn = held.__anext__(); turn.send(None)",
            "async generator f",
        ),
    ],
)
def test_what_is_suspended_is_called_by_its_name(function: str, start: str, told: str) -> None:
    class Turn:
        def __await__(self) -> Iterator[None]:
            yield

    words = "; ".join(news(f"{function}\n{start}\nx = 1", Turn=Turn))
    assert f"new: {told}" in words
    assert f"only {told} holds Upload" in words
    assert "closure" not in words


def test_while_another_thread_collects_no_collection_is_told() -> None:
    """What it collects stands still at the start: a callback waits until the snippet has ended."""
    begun, ended = threading.Event(), threading.Event()

    def stand(phase: str, info: object) -> None:
        if threading.current_thread() is other and phase == "start":
            begun.set()
            ended.wait(60)

    other = threading.Thread(target=gc.collect)
    gc.callbacks.append(stand)
    try:
        other.start()
        assert begun.wait(60)
        told = news("a = []\na.append(a)\ndel a\ngc.collect()\nn = gc.collect()")
    finally:
        ended.set()
        other.join()
        gc.callbacks.remove(stand)
    none = "no collection took place: another thread may be at one"
    assert told[3:] == [none, f"n is 0; {none}"]
    assert news("gc.collect()") == ["nothing died"]
    inside = news("def f(n):\n    return n\nx = f(gc.collect())")
    assert inside[-1].startswith("x is ")
    assert "no collection" not in inside[-1]
