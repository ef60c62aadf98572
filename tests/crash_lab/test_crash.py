"""The crash lab itself: gates, reports, what goes wrong, nothing left behind."""

from __future__ import annotations

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
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from langchain_core.messages import AIMessage

from lessons_lib.crash_lab import children
from lessons_lib.crash_lab.lab import crash
from lessons_lib.crash_lab.moments import moment
from lessons_lib.crash_lab.report import Crash, Life
from lessons_lib.observe import Frame

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


def tickets(folder: Path) -> int:
    for _ in range(3):
        moment("ticket")
    return 0


def pool(folder: Path) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(moment, ["a", "b", "c"]))


def handles_sigterm_beside_a_thread(folder: Path) -> list[str]:
    heard: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append("sigterm"))

    def step() -> None:
        moment("here")
        heard.append("went on")

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    return heard


def leaves_at_sigterm(folder: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    moment("here")


def fails(folder: Path) -> None:
    print("trying")
    raise ValueError("no such\norder")


def here(folder: Path) -> None:
    moment("here")


def one(folder: Path) -> int:
    return 1


@pytest.mark.parametrize(
    ("work", "how", "says"),
    [
        (
            tickets,
            {"at": "ticket", "nth": 2},
            """
            life 1    ticket ×2    killed at 'ticket'
            life 2    ticket ×3    returned 0
            """,
        ),
        (
            tickets,
            {},
            """
            life 1    ticket ×3    killed after it had returned
            life 2    ticket ×3    returned 0
            """,
        ),
        # In the order asked for, and again, though they ran free.
        (
            pool,
            {"at": ("c", "a", "b")},
            """
            life 1    c · a · b    killed at 'c' and 'a' and 'b'
            life 2    c · a · b    returned
            """,
        ),
        (fails, {"then": one}, "raised ValueError: no such order"),
        (lambda folder: os._exit(3), {"then": one}, "ended by itself with exit code 3"),
        pytest.param(
            leaves_at_sigterm,
            {"at": "here", "how": "term", "then": one},
            "SIGTERM at 'here', then ended by itself with exit code 7",
            marks=posix_only,
        ),
        pytest.param(
            here,
            {"at": "here", "how": "term", "then": one},
            "SIGTERM at 'here', then died of SIGTERM: it had set no handler for it",
            marks=posix_only,
        ),
        (
            journal,
            {"at": "step 9"},
            "but       the moment 'step 9' was not reached: the process passed "
            "step 1 · step 2 · step 3 · step 4 · step 5, then returned",
        ),
        (here, {"at": "here", "nth": 2}, "the moment 'here' was not reached 2 times: the process"),
        (
            lambda folder: threading.Lock(),
            {},
            "what it returned cannot cross back, return plain data: lock",
        ),
    ],
)
def test_what_is_reported(work: Any, how: dict[str, Any], says: str) -> None:
    lines = textwrap.dedent(says).strip().splitlines()
    told = f"{crash(work, **how)}\n"
    assert [line for line in lines if line not in told] == [], told


@posix_only
def test_sigterm_is_handled_before_the_moment_returns() -> None:
    """Python handles it in the main thread, and the moment is in another."""
    for _ in range(3):
        report = crash(handles_sigterm_beside_a_thread, at="here", how="term")
        assert report.lives[0].ended == "SIGTERM at 'here', then returned"
        assert [life.value for life in report.lives] == [["sigterm", "went on"], ["went on"]]


def test_a_folder_that_stays_one_that_goes_and_what_was_printed(tmp_path: Path) -> None:
    crash(journal, at="step 2", folder=tmp_path / "kept", then=one)
    assert (tmp_path / "kept" / "journal.txt").read_text() == "step 1"
    assert not Path(str(crash(str).value)).exists()
    assert crash(fails, then=one).lives[0].output.startswith("trying\nTraceback")


def test_a_life_that_hangs_is_ended() -> None:
    report = crash(lambda folder: threading.Event().wait(), at="after", timeout=0.2)
    assert report.lives[0].ended == "killed because it still ran after 0.2 s"


async def waits(folder: Path) -> None: ...


CONNECTION = sqlite3.connect(":memory:")


def helper() -> object:
    return CONNECTION


def uses_it(folder: Path) -> None:
    helper()


@pytest.mark.parametrize(
    ("work", "arguments", "says"),
    [
        (journal, {"at": ""}, "at is ''"),
        (journal, {"at": ()}, r"at is \(\): give the name of a moment"),
        (journal, {"at": 3}, "at is 3: give a moment's name"),
        (journal, {"at": "x", "after": 3}, "after is 3: give a moment's name"),
        (journal, {"at": "b", "after": ("a", "b")}, "after has 'b', and so has at"),
        (journal, {"at": None, "after": "x"}, "name the moment to kill at"),
        (journal, {"at": "x", "nth": 0}, "nth is 0: count the passings of the moment from 1"),
        (journal, {"at": "x", "how": "hup"}, "how is 'hup': it can be 'kill' or 'term'"),
        (journal, {"how": "term"}, "how='term' needs one moment"),
        (journal, {"at": "x", "workers": 0}, "workers is 0: give the number of processes"),
        (journal, {"workers": 2}, "workers is 2: the first of them is killed at one moment"),
        (journal, {"timeout": 0}, "timeout is 0: give a number of seconds above 0"),
        ("journal", {}, "'journal' is no function: give one that takes the folder"),
        (waits, {}, r"waits is async: give a function that calls asyncio\.run"),
        (
            uses_it,
            {},
            "uses_it cannot go to another process: it uses 'CONNECTION', a Connection; open it "
            "inside the function, from the folder that is passed in",
        ),
    ],
)
def test_bad_arguments(work: Any, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        crash(work, **arguments)


def desk(folder: Path) -> list[str]:
    """Each order is done once, by whichever worker has its lock, which goes with that worker."""
    for order in (1, 2, 3):
        with FileLock(folder / f"{order}.lock"):
            done = folder / f"{order}.done"
            if not done.exists():
                moment(f"order {order} opened")
                moment(f"order {order}: mailed")
                done.touch()
    return [f"order {done.stem} opened" for done in sorted(folder.glob("*.done"))]


def leaves_it(folder: Path) -> list[str]:
    """An order that a worker has begun is nobody else's any more."""
    for order in ("1", "2", "3"):
        with suppress(FileExistsError):
            (folder / f"{order}.begun").touch(exist_ok=False)
            moment(f"order {order} opened")
            (folder / f"{order}.done").touch()
    return [f"order {done.stem} opened" for done in sorted(folder.glob("*.done"))]


@pytest.mark.parametrize(
    ("work", "at", "says"),
    [
        (
            desk,
            "order 2: mailed",
            """
            one worker      order 2 opened · order 2: mailed
            redone        order 2 opened · order 2: mailed
            """,
        ),
        (
            leaves_it,
            "order 2 opened",
            """
            one worker      order 2 opened                     killed at 'order 2 opened'
            all the rest    order 1 opened · order 3 opened    returned
            afterwards      nothing                            returned ['order 1 opened', 'ord
            redone          nothing
            kept            order 1 opened · order 3 opened
            lost            order 2 opened
            """,
        ),
        (
            leaves_it,
            "order 9 opened",
            """
            3 workers    order 1 opened · order 2 opened · order 3 opened    returned
            but          the moment 'order 9 opened' was not reached: the workers passed order 1 op
            """,
        ),
    ],
)
def test_one_of_several_workers_is_killed(work: Any, at: str, says: str) -> None:
    report = crash(work, at=at, workers=3)
    told = " ".join(f"{report}\n".split())
    lines = [" ".join(line.split()) for line in textwrap.dedent(says).strip().splitlines()]
    assert [line for line in lines if line not in told] == [], f"{report}"
    assert len(report._repr_mimebundle_()["text/html"]) > 1000


def test_a_moment_needs_a_name() -> None:
    with pytest.raises(ValueError, match=r"a moment's name is '': give it a few words"):
        moment("")


@pytest.mark.parametrize(
    ("ended", "value", "fates"),
    [
        # A list of moments is complete: what is missing in it is lost.
        ("returned", ["a"], {"redone": (), "kept": ("a",), "lost": ("b", "a b")}),
        # A text that is another moment's name tells of that alone.
        ("returned", ["a b"], {"redone": (), "kept": ("a b",), "lost": ("a", "b")}),
        # What a message or another instance says, counts as well.
        (
            "returned",
            [["a"], AIMessage("a b"), Frame("", "b done", ())],
            {"redone": (), "kept": ("a", "b", "a b"), "lost": ()},
        ),
        ("returned", {"a": 1, "b": 0}, {"redone": (), "kept": ("a",), "lost": ("b", "a b")}),
        # Other texts may name a moment; of the others they do not tell.
        ("returned", {"a done": 1}, {"redone": (), "kept": ("a",), "not redone": ("b", "a b")}),
        ("returned", ["ab", "ba"], {"redone": (), "not redone": ("a", "b", "a b")}),
        ("returned", None, {"redone": (), "not redone": ("a", "b", "a b")}),
        ("killed because it ran", None, {"redone": (), "not redone": ("a", "b", "a b")}),
        ("raised OSError: gone", None, {"redone": (), "kept": (), "lost": ("a", "b", "a b")}),
    ],
)
def test_what_became_of_the_moments(ended: str, value: object, fates: dict[str, Any]) -> None:
    assert Crash((Life(("a", "b", "a b"), "killed"), Life((), ended, value))).fates() == fates


# Processes


def test_spawned_children_do_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of Windows; slow, as each child imports what it needs."""
    monkeypatch.setattr(children, "METHOD", "spawn")
    report = crash(journal, at="step 3")
    assert (report.redone, report.kept) == (("step 3",), ("step 1", "step 2"))


def test_the_report_is_the_same_beside_busy_neighbours(
    beside_busy_neighbours: Callable[..., Any],
) -> None:
    """A process for each core burns it while lives are killed at moments, alone and in threads."""
    report, parallel = beside_busy_neighbours(
        lambda: (crash(journal, at="step 3"), crash(pool, at=("c", "a", "b")))
    )
    assert (report.redone, report.kept) == (("step 3",), ("step 1", "step 2"))
    assert parallel.lives[0].passed == parallel.lives[1].passed == ("c", "a", "b")
    assert not multiprocessing.active_children()


@posix_only
def test_a_temporary_folder_whose_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    script = "from lessons_lib.memories import crash; print(crash(str).value)"
    env = {**os.environ, "TMPDIR": str(long)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).exists()
    assert list(long.iterdir()) == []


@posix_only
@pytest.mark.parametrize("how", [{}, {"at": "never", "workers": 2}])
def test_a_stopped_cell_leaves_no_child(how: dict[str, Any]) -> None:
    parent = os.getpid()

    def hangs(folder: Path) -> None:
        moment("all are heard")
        with suppress(FileExistsError):
            (folder / "one").touch(exist_ok=False)
            os.kill(parent, signal.SIGINT)
        threading.Event().wait()

    with pytest.raises(KeyboardInterrupt, match="its processes have ended") as caught:
        crash(hangs, **how)
    assert not multiprocessing.active_children()
    assert [entry.name for entry in caught.traceback][1:] == ["crash"], "and no frame below it"
    assert caught.value.__suppress_context__
    assert caught.value._render_traceback_() == [  # type: ignore[attr-defined]
        "KeyboardInterrupt: crash was stopped, and its processes have ended"
    ], "which is all that a notebook shows"


def run_script(source: str, folder: Path) -> list[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(source))
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    return (ran.stdout + ran.stderr).splitlines()


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    """Its functions and classes cross by value, a cached function without its answers."""
    assert run_script(
        """
        import functools, sys
        from lessons_lib.memories import crash, moment, warm_up

        class Order:
            name = "of the script's own"

        @functools.lru_cache(maxsize=3)
        def double(number):
            return 2 * number

        def work(folder):
            moment("here")
            return Order(), double(4), double(4), double.cache_info()[:3]

        print("main")
        warm_up()
        double(4)
        report = crash(work, at="here")
        order, *told = report.value
        print(type(order) is Order, told, report.redone, "langgraph" in sys.modules)
        """,
        tmp_path,
    ) == ["main", "True [8, 8, (1, 1, 3)] ('here',) False"]


@pytest.mark.skipif(children.METHOD != "forkserver", reason="children are spawned here")
def test_what_children_are_forked_from_has_langgraph_once_it_is_wanted(tmp_path: Path) -> None:
    assert run_script(
        """
        import sys
        from multiprocessing import active_children, forkserver
        from lessons_lib.memories import crash, warm_up

        def loaded(folder):
            return "langgraph.graph" in sys.modules

        server = lambda: forkserver._forkserver._forkserver_pid
        warm_up()
        plain = server()
        print(crash(loaded).value, server() == plain)
        warm_up(langgraph=True)
        full = server()
        warm_up()
        print(crash(loaded).value, server() == full != plain, "langgraph" in sys.modules)
        import langgraph.version
        print(crash(loaded).value, server() == full, active_children())
        """,
        tmp_path,
    ) == ["False True", "True True False", "True True []"]


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
    said = run_script(_STATES.replace("NAME", name), tmp_path)
    assert said[0] == "messages, plain | plain, n | words | plain, n | (3, ['a']) | folder"
    assert said[1] == "True"
    assert said[2].startswith(arrives)


@posix_only
def test_what_a_library_knows_by_name_or_by_is_arrives(tmp_path: Path) -> None:
    """Annotations in strings, types found by name, a waiting model, a compiled graph's nothing."""
    source = """
        from __future__ import annotations
        import dataclasses, operator
        from typing import Annotated, NewType, TypedDict
        from langgraph.func import entrypoint
        from langgraph.graph import START, StateGraph
        from lessons_lib.memories import crash
        from pydantic import BaseModel

        User = NewType("User", str)
        class State(TypedDict):
            words: Annotated[list[str], operator.add]
        class Longer(State):
            user: User
        class Secret(TypedDict):
            user: User
        class Tree(BaseModel):
            leaf: Leaf | None = None
        class Leaf(BaseModel):
            n: int = 0
            tree: Tree | None = None
        @dataclasses.dataclass
        class Data:
            state: State
            date: Unknown = None
        def say(state: Longer) -> Secret:
            return {"words": ["b"], "user": User("ann")}
        def ask(secret: Secret):
            return {"words": list(secret)}
        @entrypoint()
        def plus(n: int):
            return n + 1

        builder = StateGraph(Longer)
        builder.add_sequence([say, ask])
        builder.add_edge(START, "say")
        graph = builder.compile()

        def work(folder):
            anew = StateGraph(Longer)
            anew.add_sequence([say, ask])
            anew.add_edge(START, "say")
            bare = dataclasses.fields(Data)[0].default is dataclasses.MISSING
            known = {name: str(one) for name, one in Data.__annotations__.items()}
            return [
                graph.invoke({"words": ["a"]}), anew.compile().invoke({"words": ["a"]}),
                plus.invoke(3), Tree(leaf=Leaf(n=2)).leaf.n, bare, known,
            ]

        print(*crash(work).value, sep="\\n")
        """
    written = {"words": ["a", "b", "user"], "user": "ann"}
    known = {"state": "<class '__main__.State'>", "date": "Unknown"}
    assert run_script(source, tmp_path) == [str(v) for v in (written, written, 4, 2, True, known)]


@posix_only
@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type` is a statement from 3.12 on")
def test_the_statement_type_crosses(tmp_path: Path) -> None:
    source = """
        from lessons_lib.memories import crash

        type Words = list[str]
        def work(folder):
            return str(Words), str(Words.__value__)

        print(*crash(work).value)
        """
    assert run_script(source, tmp_path) == ["Words list[str]"]


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
