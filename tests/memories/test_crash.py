"""The crash lab itself: gates, reports, what goes wrong, nothing left behind."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from lessons_lib.memories import crash, moment
from lessons_lib.memories.crash_lab import children, watch
from lessons_lib.memories.crash_lab.report import Crash, Life, counted

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")


def journal(folder: Path) -> list[str]:
    """Five steps, each written down after it is done; done ones are skipped."""
    book = folder / "journal.txt"
    done = book.read_text().split(",") if book.exists() else []
    for number in range(1, 6):
        if f"step {number}" not in done:
            moment(f"step {number}")
            done.append(f"step {number}")
            book.write_text(",".join(done))
    return done


def test_the_report_of_a_kill_and_a_resume() -> None:
    report = crash(journal, at="step 3")
    assert report.lives[0] == Life(("step 1", "step 2", "step 3"), "killed at 'step 3'")
    assert report.lives[1].passed == ("step 3", "step 4", "step 5")
    assert (report.redone, report.kept, report.lost) == (("step 3",), ("step 1", "step 2"), ())
    assert report.error == ""
    assert str(report).splitlines()[2:] == [
        "redone    step 3",
        "kept      step 1 · step 2",
        "lost      nothing",
    ]


def test_outside_the_lab_a_moment_does_nothing() -> None:
    moment("nobody listens")


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_moment_needs_a_name(name: Any) -> None:
    with pytest.raises(ValueError, match=r"a moment's name is .*: give it a few words"):
        moment(name)


def test_killed_between_turns_when_no_moment_is_named() -> None:
    def turn(folder: Path) -> int:
        turns = len(list(folder.iterdir()))
        (folder / f"turn {turns}").touch()
        return turns

    report = crash(turn)
    assert report.lives[0].ended == "killed after it had returned"
    assert [life.value for life in report.lives] == [0, 1]


def test_the_nth_passing() -> None:
    def tickets(folder: Path) -> int:
        for _ in range(3):
            moment("ticket")
        return 0

    report = crash(tickets, at="ticket", nth=2)
    assert report.lives[0].passed == ("ticket", "ticket")
    assert "ticket ×2    killed" in str(report)
    assert "ticket ×3    returned 0" in str(report)


def test_another_function_in_the_second_life_and_a_folder_that_stays(tmp_path: Path) -> None:
    def look(folder: Path) -> list[str]:
        return [path.name for path in folder.iterdir()]

    report = crash(journal, at="step 2", then=look, folder=tmp_path / "kept")
    assert report.value == ["journal.txt"]
    assert (report.lost, report.not_redone) == ((), ("step 1", "step 2"))
    assert (tmp_path / "kept" / "journal.txt").read_text() == "step 1"


def test_the_temporary_folder_is_removed() -> None:
    report = crash(lambda folder: str(folder))
    assert not Path(str(report.value)).exists()


def test_what_was_printed_is_collected() -> None:
    def chatty(folder: Path) -> None:
        print("before")
        moment("here")
        print("after")

    report = crash(chatty, at="here")
    assert [life.output for life in report.lives] == ["before\n", "before\nafter\n"]


def test_values_are_compared_deep_inside() -> None:
    report = crash(journal, at="step 2", then=lambda folder: {"state": [("step 1", 7)]})
    assert (report.kept, report.lost) == (("step 1",), ("step 2",))


def test_a_moment_not_passed_often_enough() -> None:
    report = crash(journal, at="step 1", nth=2)
    assert report.error.startswith("the moment 'step 1' was not reached 2 times: the process")


# Threads and async code


def pool(folder: Path) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(moment, ["a", "b", "c"]))


def test_parallel_threads_are_held_until_all_have_come() -> None:
    for _ in range(5):
        report = crash(pool, at=("c", "a", "b"))
        assert report.lives[0].passed == ("c", "a", "b"), "in the order asked for"
        assert report.lives[1].passed == ("c", "a", "b"), "and again, though they ran free"


def test_a_blocked_thread_does_not_hold_up_the_others() -> None:
    def held(folder: Path) -> None:
        threading.Thread(target=moment, args=("first",)).start()
        for number in range(100):
            moment(f"{number}")
        moment("last")

    report = crash(held, at=("first", "last"), then=lambda folder: None)
    assert len(report.lives[0].passed) == 102


def test_conditions_are_waited_for_and_left_out() -> None:
    def saves_late(folder: Path) -> None:
        def save() -> None:
            (folder / "saved").touch()
            moment("saved")

        threading.Thread(target=save, daemon=True).start()
        moment("step")

    report = crash(
        saves_late, at="step", after="saved", then=lambda folder: (folder / "saved").exists()
    )
    assert report.value is True
    assert report.lives[0].passed == ("step",)
    assert report.not_redone == ("step",)


def test_moments_in_async_code() -> None:
    def outer(folder: Path) -> None:
        async def inner() -> None:
            moment("in a task")

        asyncio.run(inner())

    assert crash(outer, at="in a task").redone == ("in a task",)


# SIGTERM


def handles_sigterm(in_thread: bool) -> Callable[[Path], list[str]]:
    def work(folder: Path) -> list[str]:
        heard: list[str] = []
        signal.signal(signal.SIGTERM, lambda *_: heard.append("sigterm"))

        def step() -> None:
            moment("here")
            heard.append("went on")

        if in_thread:
            thread = threading.Thread(target=step)
            thread.start()
            thread.join()
        else:
            step()
        return heard

    return work


@posix_only
@pytest.mark.parametrize("in_thread", [False, True])
def test_sigterm_is_handled_before_the_moment_returns(in_thread: bool) -> None:
    for _ in range(5):
        report = crash(handles_sigterm(in_thread), at="here", how="term")
        assert report.lives[0].value == ["sigterm", "went on"]
        assert report.lives[0].ended == "SIGTERM at 'here', then returned"
        assert report.lives[1].value == ["went on"]


@posix_only
def test_sigterm_with_a_handler_that_exits() -> None:
    def leaves(folder: Path) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        moment("here")

    report = crash(leaves, at="here", how="term", then=lambda folder: None)
    assert report.lives[0].ended == "SIGTERM at 'here', then ended by itself with exit code 7"


@posix_only
def test_sigterm_without_a_handler() -> None:
    report = crash(lambda folder: moment("here"), at="here", how="term")
    assert report.lives[0].ended.endswith("died of SIGTERM: it had set no handler for it")


# What goes wrong


def test_a_life_that_raises() -> None:
    def fails(folder: Path) -> None:
        print("trying")
        raise ValueError("no such order")

    report = crash(fails, then=lambda folder: 1)
    assert report.lives[0].ended == "raised ValueError: no such order"
    assert report.lives[0].output.startswith("trying\nTraceback")
    assert report.value == 1


def test_a_moment_that_is_never_reached() -> None:
    report = crash(journal, at="step 9")
    assert len(report.lives) == 1
    assert report.error == (
        "the moment 'step 9' was not reached: the process passed "
        "step 1 · step 2 · step 3 · step 4 · step 5, then returned"
    )
    assert report.error in str(report)


def test_a_life_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's clock stands until the moment was heard, however slow the machine is."""
    heard: list[str] = []
    note = watch.Watch._note

    def noted(self: watch.Watch, name: str, in_main_thread: bool) -> bool:
        heard.append(name)
        return note(self, name, in_main_thread)

    monkeypatch.setattr(watch.Watch, "_note", noted)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: 100.0 * len(heard)))

    def hangs(folder: Path) -> None:
        moment("before")
        threading.Event().wait()

    report = crash(hangs, at="after", timeout=60)
    assert report.lives[0].ended == "killed because it still ran after 60 s"
    assert report.lives[0].passed == ("before",)


def test_a_life_that_ends_by_itself() -> None:
    report = crash(lambda folder: os._exit(3), then=lambda folder: None)
    assert report.lives[0].ended == "ended by itself with exit code 3"
    assert report.lives[1].ended == "returned"


def test_a_value_that_cannot_cross_back() -> None:
    report = crash(lambda folder: threading.Lock())
    assert "what it returned cannot cross back, return plain data: lock" in report.error


def test_a_function_that_holds_a_connection() -> None:
    connection = sqlite3.connect(":memory:")

    def helper() -> object:
        return connection

    def uses_it(folder: Path) -> None:
        helper()

    with pytest.raises(TypeError) as caught:
        crash(uses_it)
    assert str(caught.value) == (
        "uses_it cannot go to another process: it uses 'connection', a Connection; "
        "open it inside the function, from the folder that is passed in"
    )
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"at": ""}, "at is ''"),
        ({"at": ()}, r"at is \(\): give the name of a moment"),
        ({"at": 3}, "at is 3: give a moment's name"),
        ({"at": "x", "after": 3}, "after is 3: give a moment's name"),
        ({"at": "b", "after": ("a", "b")}, "after has 'b', and so has at"),
        ({"at": None, "after": "x"}, "name the moment to kill at"),
        ({"at": "x", "nth": 0}, "nth is 0: count the passings of the moment from 1"),
        ({"at": "x", "how": "hup"}, "how is 'hup': it can be 'kill' or 'term'"),
        ({"how": "term"}, "how='term' needs one moment"),
        ({"timeout": 0}, "timeout is 0: give a number of seconds above 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        crash(journal, **arguments)


def test_first_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="'journal' is no function: give one that takes the folder"):
        crash("journal")  # type: ignore[arg-type]


@posix_only
def test_a_cached_function_of_a_script_crosses_without_its_answers(tmp_path: Path) -> None:
    said = run_script(
        """
        import functools
        from lessons_lib.memories import crash

        @functools.lru_cache(maxsize=3)
        def double(number):
            return 2 * number

        def work(folder):
            return double(4), double(4), double.cache_info()[:3]

        double(4)
        print(crash(work).value)
        """,
        tmp_path,
    )
    assert said == "(8, 8, (1, 1, 3))\n"


_STATES = """
    import dataclasses, operator
    from typing import Annotated, NamedTuple, TypedDict
    from lessons_lib.memories import crash
    from pydantic import BaseModel

    class Plain: pass
    class Message(TypedDict):
        text: str
    class Flow:
        class State(TypedDict):
            messages: Annotated[list[Message], operator.add]
            plain: list[NAME]
    @dataclasses.dataclass
    class Data:
        plain: NAME
        n: int = 3
    class Model(BaseModel):
        words: list[str] = []
    class Pair(NamedTuple):
        plain: Plain
        n: int

    def work(folder: NAME):
        classes = Flow.State, Data, Model, Pair
        made = Data(Plain()).n, Model(words=["a"]).words
        return [c.__annotations__ for c in classes], made, work.__annotations__, Message

    found, made, own, message = crash(work).value
    print(*(", ".join(one) for one in found), made, *own, sep=" | ")
    print(found[0]["messages"] == Annotated[list[message], operator.add])
    print(found[1]["plain"], own["folder"])
    """


@posix_only
@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("Plain", "<class '__main__.Plain'> <class '__main__.Plain'>"),
        pytest.param(
            "Unknown",
            "ForwardRef('Unknown'",
            marks=pytest.mark.skipif(sys.version_info < (3, 14), reason="refused before 3.14"),
        ),
    ],
)
def test_annotations_cross_as_far_as_they_are_known(
    name: str, arrives: str, tmp_path: Path
) -> None:
    said = run_script(_STATES.replace("NAME", name), tmp_path).splitlines()
    assert said[0] == "messages, plain | plain, n | words | plain, n | (3, ['a']) | folder"
    assert said[1] == "True"
    assert said[2].startswith(arrives)


def test_an_async_function_is_refused() -> None:
    async def work(folder: Path) -> None: ...

    with pytest.raises(TypeError, match=r"work is async: give a function that calls asyncio.run"):
        crash(work)


# Processes


def test_children_have_ended_when_the_report_is_there() -> None:
    def who(folder: Path) -> int:
        (folder / "pid").write_text(str(os.getpid()))
        moment("here")
        return int((folder / "pid").read_text())

    report = crash(who, at="here")
    assert not psutil.pid_exists(int(str(report.value)))
    assert not multiprocessing.active_children()


def test_spawned_children_do_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of Windows; slow, as each child imports what it needs."""
    monkeypatch.setattr(children, "METHOD", "spawn")
    report = crash(journal, at="step 3")
    assert (report.redone, report.kept) == (("step 3",), ("step 1", "step 2"))


def run_script(source: str, folder: Path) -> str:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(source))
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    return ran.stdout + ran.stderr


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    said = run_script(
        """
        import sys
        from lessons_lib.memories import crash, moment

        class Order:
            name = "of the script's own"

        def work(folder):
            moment("here")
            return Order()

        print("main")
        report = crash(work, at="here")
        print(type(report.value) is Order, report.redone, "langgraph" in sys.modules)
        """,
        tmp_path,
    )
    assert said == "main\nTrue ('here',) False\n"


@posix_only
def test_a_child_at_a_gate_ends_with_its_parent_and_leaves_no_folder() -> None:
    """The parent is killed while its child waits for a second moment, which never comes."""
    source = """
        import os
        from lessons_lib.memories import crash, moment

        def wait(folder):
            os.write(1, bytes(folder) + b"\\n")
            moment("here")

        crash(wait, at=("here", "never"))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        folder = Path(parent.stdout.readline().decode().strip())
        assert folder.is_dir()
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 2, "the forkserver and the child"
        parent.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not folder.exists()
    assert not folder.parent.exists(), "the forkserver's own folder"


@posix_only
def test_a_stopped_cell_leaves_no_child() -> None:
    parent = os.getpid()

    def hangs(folder: Path) -> None:
        os.kill(parent, signal.SIGINT)
        threading.Event().wait()

    with pytest.raises(KeyboardInterrupt, match="its processes have ended") as caught:
        crash(hangs)
    assert not multiprocessing.active_children()
    assert [entry.name for entry in caught.traceback][1:] == ["crash"], "and no frame below it"
    assert caught.value.__suppress_context__
    assert caught.value._render_traceback_() == [  # type: ignore[attr-defined]
        "KeyboardInterrupt: crash was stopped, and its processes have ended"
    ], "which is all that a notebook shows"


@posix_only
def test_langgraph_is_preloaded_once_the_parent_has_it(tmp_path: Path) -> None:
    said = run_script(
        """
        import sys
        from lessons_lib.memories import crash

        def loaded(folder):
            return "langgraph.version" in sys.modules

        print(crash(loaded).value)
        import langgraph.version
        print(crash(loaded).value)
        """,
        tmp_path,
    )
    assert said == "False\nTrue\n"


def test_the_report_is_the_same_beside_busy_neighbours() -> None:
    """A process for each core burns it while lives are killed at moments, alone and in threads."""
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(os.cpu_count() or 1)]
    try:
        report, parallel = crash(journal, at="step 3"), crash(pool, at=("c", "a", "b"))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert (report.redone, report.kept) == (("step 3",), ("step 1", "step 2"))
    assert parallel.lives[0].passed == parallel.lives[1].passed == ("c", "a", "b")


def test_counted() -> None:
    assert counted(["a", "b", "a"]) == "a ×2 · b"
    assert counted([]) == "nothing"


def test_a_report_of_three_lives() -> None:
    report = Crash((Life(("a",), "killed"), Life(("b",), "killed"), Life(("b",), "returned")))
    assert (report.redone, report.not_redone) == (("b",), ("a",))


@pytest.mark.parametrize(
    ("ended", "value", "fates"),
    [
        # A list of moments is complete: what is missing in it is lost.
        ("returned", ["a"], {"redone": (), "kept": ("a",), "lost": ("b", "a b")}),
        (
            "returned",
            {"done": {"a": 1, "b": 2}},
            {"redone": (), "kept": ("a", "b"), "lost": ("a b",)},
        ),
        # Other texts may name a moment; of the others they do not tell.
        ("returned", ["a done"], {"redone": (), "kept": ("a",), "not redone": ("b", "a b")}),
        ("returned", ["ab", "ba"], {"redone": (), "not redone": ("a", "b", "a b")}),
        ("returned", b'{"a": 1', {"redone": (), "not redone": ("a", "b", "a b")}),
        ("returned", None, {"redone": (), "not redone": ("a", "b", "a b")}),
        (
            "killed because it still ran after 60 s",
            None,
            {"redone": (), "not redone": ("a", "b", "a b")},
        ),
        ("raised OSError: gone", None, {"redone": (), "kept": (), "lost": ("a", "b", "a b")}),
    ],
)
def test_what_became_of_the_moments(ended: str, value: object, fates: dict[str, Any]) -> None:
    assert Crash((Life(("a", "b", "a b"), "killed"), Life((), ended, value))).fates() == fates


@pytest.mark.skipif(children.METHOD != "forkserver", reason="children are spawned here")
def test_warm_up_starts_what_children_are_forked_from_and_no_child() -> None:
    script = (
        "from multiprocessing import active_children, forkserver\n"
        "from lessons_lib.memories import crash, warm_up\n"
        "warm_up()\n"
        "server = forkserver._forkserver._forkserver_pid\n"
        "warm_up()\n"
        "life = crash(lambda folder: 1).lives[0]\n"
        "same = forkserver._forkserver._forkserver_pid == server\n"
        "print(server is not None, same, active_children(), life.value)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "True True [] 1\n"


@pytest.mark.skipif(children.METHOD != "forkserver", reason="children are spawned here")
def test_warm_up_has_langgraph_loaded_before_the_parent_has_it(tmp_path: Path) -> None:
    said = run_script(
        """
        import sys
        from lessons_lib.memories import crash, warm_up

        def loaded(folder):
            return "langgraph.graph" in sys.modules

        warm_up(langgraph=True)
        warm_up()
        print(crash(loaded).value, "langgraph" in sys.modules)
        import langgraph.graph
        print(crash(loaded).value)
        """,
        tmp_path,
    )
    assert said == "True False\nTrue\n"
