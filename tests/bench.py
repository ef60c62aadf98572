"""Measure what the course promises, and print it as a table.

    python -m tests.bench                     # all rows but `setup` and `tests`: those take minutes
    python -m tests.bench --all               # all rows
    python -m tests.bench --only lesson --only picture

A ratio is of two times from this one run, each the best of a few, taken in turns. No test looks at
any of it: a busy machine would make it fail.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from lessons_lib.launch.lock import pins
from lessons_lib.launch.project import HERE, interpreter
from tests.kernels import FrontEndKernel, Place
from tests.notebooks import reading
from tests.project import ROOT, copy_to, notebooks

ROUNDS = 3  # a lesson and its floor, in turns
MEGA = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, what came out, what was to be reached."""

    what: str
    reached: str
    to_reach: str
    good: bool

    def __str__(self) -> str:
        return f"{self.what:58} {self.reached:>24}   {self.to_reach:>24}   {self.word}"

    @property
    def word(self) -> str:
        """Whether it was reached, in a word."""
        return "reached" if self.good else "NOT REACHED"


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _run(*command: str | Path, **more: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **more
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


# --- import ----------------------------------------------------------------------------------


def import_rows() -> Iterator[Row]:
    """`import lessons_lib` over bare Python."""
    bare, library = [], []
    for _ in range(15):
        bare.append(_seconds(lambda: _run(sys.executable, "-c", "pass")))
        library.append(_seconds(lambda: _run(sys.executable, "-c", "import lessons_lib")))
    added = (median(library) - median(bare)) * 1000
    yield Row("import lessons_lib, over bare Python", f"{added:.1f} ms", "<= 20 ms", added <= 20)


# --- lessons ---------------------------------------------------------------------------------

_COUNT_CHILDREN = """
import sys as _sys, multiprocessing.process as _process
_started = []
def _counted(self, _start=_process.BaseProcess.start):
    _started.append(None)
    return _start(self)
_process.BaseProcess.start = _counted
_before = set(_sys.modules)
"""
_LOADED = "[name for name in list(_sys.modules) if name not in _before and name != '__main__']"


class _Kernel(FrontEndKernel):
    """A kernel that can be asked things between cells."""

    def run(self, *sources: str) -> None:
        """Send cells, all of them at once as JupyterLab's Run All does, and wait for their end."""
        sent = [self.execute_cell_input(source, allow_stdin=False) for source in sources]
        for message in sent:
            self.await_reply(message, timeout=600)
        self.await_idle(sent[-1], 60)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the kernel."""
        sent = self.kc.execute("", silent=True, user_expressions={"value": expression})
        while True:
            message = self.kc.get_shell_msg(timeout=60)
            if message["parent_header"].get("msg_id") == sent:
                value = message["content"]["user_expressions"]["value"]
                if value["status"] != "ok":
                    raise SystemExit(f"{expression}: {value}")
                return ast.literal_eval(value["data"]["text/plain"])


@dataclass(frozen=True)
class Needs:
    """What a lesson's Run All cannot do without: the modules it loads, the children it starts."""

    modules: tuple[str, ...]
    children: int
    peak: int  # bytes, of the kernel alone


def _cells(path: Path) -> list[str]:
    return [cell.source for cell in reading.read(path).code]


def needs_of(path: Path) -> Needs:
    """Run a lesson once and see what it loads, starts and takes."""
    with Place.make() as place:
        kernel = _Kernel(path.parent, place)
        kernel.run(_COUNT_CHILDREN)
        for source in _cells(path):
            kernel.run(source)
        needs = Needs(tuple(kernel.ask(_LOADED)), kernel.ask("len(_started)"), _peak(kernel))
        kernel.end()
    return needs


def _peak(kernel: _Kernel) -> int:
    """The most memory that a kernel ever had, in bytes."""
    status = Path(f"/proc/{kernel.pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    memory = psutil.Process(kernel.pid).memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))  # on macOS what it has at the end


def _time_cells(path: Path, cells: Sequence[str]) -> float:
    with Place.make() as place:
        started = time.perf_counter()
        kernel = _Kernel(path.parent, place)
        kernel.run(*cells)
        seconds = time.perf_counter() - started
        kernel.end()
    return seconds


def floor_of(needs: Needs) -> list[str]:
    """The cells of a lesson's floor: its imports, and as many children that do nothing."""
    imports = "from importlib import import_module as _load\n" + (
        f"for _name in {list(needs.modules)!r}:\n"
        "    try:\n        _load(_name)\n    except Exception:\n        pass\n"
    )
    if not needs.children:
        return [imports]
    children = (
        "from lessons_lib.crash_lab.children import start as _start\n"
        f"for _ in range({needs.children}):\n"
        "    _child, _connection = _start(id)\n"
        "    _child.join(); _connection.close()\n"
    )
    return [imports, children]


def lesson_rows() -> Iterator[Row]:
    """A lesson's Run All against its floor, and the peak memory of its kernel."""
    for path in notebooks():
        needs = needs_of(path)
        cells, floor = _cells(path), floor_of(needs)
        pairs = [(_time_cells(path, cells), _time_cells(path, floor)) for _ in range(ROUNDS)]
        lesson, bare = (min(times) for times in zip(*pairs, strict=True))
        what = f"{path.stem}, Run All ({needs.children} children) / floor"
        reached = f"{lesson:.2f} s / {bare:.2f} s = {lesson / bare:.2f}"
        yield Row(what, reached, "<= 1.5", lesson / bare <= 1.5)
        peak = needs.peak / MEGA
        yield Row(
            f"{path.stem}, peak memory of its kernel", f"{peak:.0f} MB", "<= 250 MB", peak <= 250
        )


# --- instruments -----------------------------------------------------------------------------


class _Node:
    def __init__(self, number: int) -> None:
        self.number = number


def step_rows() -> Iterator[Row]:
    """Recording one step at 200 objects: the difference that more lines make, for each line."""
    from lessons_lib.observe import record

    def snippet(lines: int) -> str:
        made = "nodes = [Node(n) for n in range(200)]\n"
        return made + "".join(f"nodes[{n}].next = nodes[{n + 1}]\n" for n in range(lines))

    def best(lines: int) -> float:
        source = snippet(lines)
        return min(_seconds(lambda: record(source, {"Node": _Node})) for _ in range(5))

    each = (best(110) - best(10)) / 100 * 1000
    yield Row("recording one step at 200 objects", f"{each:.2f} ms", "<= 1 ms", each <= 1)


def draw_rows() -> Iterator[Row]:
    """Drawing one step of ten objects, once laid out."""
    from lessons_lib.observe import Arrow, Box, Diagram, draw
    from lessons_lib.observe.pictures.layout import lay_out

    boxes = tuple(Box(f"b{n}", "Upload", lines=(f"'{n}.pdf'",), badge="1") for n in range(10))
    arrows = tuple(Arrow(f"b{n}", f"b{n + 1}", "next") for n in range(9))
    diagram = Diagram(boxes, arrows)
    layout = lay_out(diagram)
    each = median(_seconds(lambda: draw(diagram, "ten", layout=layout)) for _ in range(50)) * 1000
    yield Row("drawing one step of 10 objects, laid out", f"{each:.2f} ms", "<= 2 ms", each <= 2)


_PICTURES = """
import time, sys
from lessons_lib.observe import Arrow, Box, Diagram, draw, from_objgraph
def diagram(count, reach):
    boxes = tuple(Box(f"b{n}", "Upload", lines=(str(n),)) for n in range(count))
    arrows = tuple(Arrow(f"b{n}", f"b{m}") for n in range(count)
                   for m in range(n + 1, min(count, n + 1 + reach)))
    return Diagram(boxes, arrows)
def seconds(count, reach):
    made = diagram(count, reach)
    start = time.perf_counter(); draw(made, "boxes"); return time.perf_counter() - start
import objgraph
class Node: pass
def from_objects(count):
    nodes = [Node() for _ in range(count)]
    for node in nodes: node.others = nodes
    start = time.perf_counter()
    from_objgraph(objgraph.show_refs, [nodes[0]], alt="Many nodes.", max_depth=4, too_many=count)
    return time.perf_counter() - start
print([seconds(30, 1), min(seconds(30, 1) for _ in range(5)),
       max(seconds(30, 29), seconds(200, 199), from_objects(40), from_objects(200))])
"""


def picture_rows() -> Iterator[Row]:
    """A picture of 30 objects: the first in a process, a later one, the densest."""
    _run(sys.executable, "-c", _PICTURES)  # what is paid once per machine is paid now
    first, later, dense = ast.literal_eval(_run(sys.executable, "-c", _PICTURES))
    reached = f"{later * 1000:.0f} ms"
    yield Row("a picture of 30 objects, after the first", reached, "<= 50 ms", later <= 0.05)
    yield Row("the first picture of a process", f"{first:.2f} s", "<= 0.5 s", first <= 0.5)
    yield Row("the densest picture (200 objects)", f"{dense:.2f} s", "<= 1 s", dense <= 1)


# --- a long thread ---------------------------------------------------------------------------

_LONG = 10_000  # checkpoints
_THREAD: Any = {"configurable": {"thread_id": "ada"}}


def machine_rows() -> Iterator[Row]:
    """The time machine on a thread of 10,000 checkpoints with twenty messages in each state."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.sqlite import SqliteSaver

    yield from _machine_rows(InMemorySaver())
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        SqliteSaver.from_conn_string(f"{folder}/bot.sqlite") as saver,
    ):
        saver.conn.execute("PRAGMA synchronous = OFF")  # the making alone is quicker for it
        yield from _machine_rows(saver)


def _machine_rows(saver: Any) -> Iterator[Row]:
    from lessons_lib.observe import storage, time_machine

    graph, name = _long_thread(saver), type(saver).__name__
    first = min(
        _seconds(lambda: time_machine(graph, _THREAD)._repr_mimebundle_()) for _ in range(5)
    )
    what = f"time machine, {_LONG} checkpoints, {name}: "
    yield Row(f"{what}first page", f"{first * 1000:.0f} ms", "<= 100 ms", first <= 0.1)
    machine = time_machine(graph, _THREAD)
    slider = machine.widget.children[0].children[2]
    places = [number * 7919 % slider.max + 1 for number in range(1, 101)]  # here and there
    slides = [_seconds(partial(slider.set_trait, "value", place)) for place in places]
    slide = sorted(slides)[94]
    yield Row(f"{what}95 of 100 slides", f"{slide * 1000:.0f} ms", "<= 50 ms", slide <= 0.05)
    tree = _seconds(lambda: time_machine(graph, _THREAD).read.picture())
    yield Row(f"{what}tree", f"{tree:.2f} s", "<= 1 s", tree <= 1)
    sizes = _seconds(lambda: storage(saver))
    yield Row(f"storage, {_LONG} checkpoints, {name}", f"{sizes:.2f} s", "<= 2 s", sizes <= 2)


def _long_thread(saver: Any) -> Any:
    """A graph with one node, which has been run until its thread has enough checkpoints."""
    from langchain_core.messages import AIMessage, HumanMessage
    from langgraph.graph import END, START, MessagesState, StateGraph

    made = [0]

    def talk(state: Any) -> dict[str, Any]:
        made[0] += 1
        # The ids repeat after twenty, so that a new message takes the place of an old one.
        return {"messages": [AIMessage(f"{made[0]} " + "x" * 200, id=str(made[0] % 20))]}

    def more(_: Any) -> str:
        return "talk" if made[0] < _LONG - 2 else END

    builder = StateGraph(MessagesState)
    builder.add_node("talk", talk)
    builder.add_edge(START, "talk")
    builder.add_conditional_edges("talk", more, ["talk", END])
    graph = builder.compile(checkpointer=saver)
    asked: Any = {"messages": [HumanMessage("x" * 200, id="0")]}
    config: Any = {**_THREAD, "recursion_limit": _LONG}
    graph.invoke(asked, config)
    return graph


_WHERE = """
import gc, time
from lessons_lib.observe import where_is
class Note:
    def __init__(self, number): self.text = f"note {number}"
held = [[Note(n) for n in range(300_000)], [[n, str(n)] for n in range(150_000)],
        [{"role": "user", "content": f"text {n}"} for n in range(350_000)],
        {("thread", n): ("msgpack", b"blob %d" % n) for n in range(100_000)}]
held[2][-7]["content"] = "My name is " + chr(65) + "da Lovelace."
gc.collect()
def seconds(look, count):
    start = time.perf_counter(); found = look(); spent = time.perf_counter() - start
    assert sum(find.held_by.startswith("held") for find in found) == count, found
    return spent
some, none = (lambda: where_is("Ada Lovelace")), (lambda: where_is("Nobody at all"))
print([min(seconds(some, 1) for _ in range(3)), min(seconds(none, 0) for _ in range(3))])
"""


def where_rows() -> Iterator[Row]:
    """Looking for a text among a million objects, tracked by the collector or not."""
    found, nowhere = ast.literal_eval(_run(sys.executable, "-c", _WHERE))
    for what, spent in (("where_is, found", found), ("where_is, nowhere", nowhere)):
        what = f"{what}, a heap of 1,000,000 objects"
        yield Row(what, f"{spent:.2f} s", "<= 1.5 s", spent <= 1.5)


# --- the environment -------------------------------------------------------------------------


def size(folder: Path) -> int:
    """The bytes of all files under a folder, each counted once."""
    seen: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found = path.stat()
            seen[found.st_dev, found.st_ino] = found.st_size
    return sum(seen.values())


def disk_rows() -> Iterator[Row]:
    """The environment on disk, as it is now, less what only the tests need."""
    folder = HERE.venv if HERE.venv.exists() else Path(sys.prefix)
    only_tests = pins(HERE.test_lock.read_text(encoding="utf-8"))
    spare = sum(_installed_size(folder, name) for name in only_tests)
    mega = (size(folder) - spare) / MEGA
    what = f"the environment on disk, without {spare / MEGA:.0f} MB for the tests"
    yield Row(what, f"{mega:.0f} MB", "<= 450 MB", mega <= 450)


def _installed_size(folder: Path, name: str) -> int:
    """The bytes of one distribution, as its own record lists its files."""
    for record in folder.rglob(f"{name.replace('-', '_')}-*.dist-info/RECORD"):
        rows = record.read_text(encoding="utf-8").splitlines()
        return sum(int(row.split(",")[-1] or 0) for row in rows if row)
    return 0


_SET_UP = "from lessons_lib.launch.environment import ensure; ensure(tests=False)"


def setup_rows() -> Iterator[Row]:
    """Set-up from nothing against `pip install` of the same pins; both without a cache."""
    base = getattr(sys, "_base_executable", sys.executable)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, course = Path(name), copy_to(Path(name) / "course")
        fresh = {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
        env = kept | fresh
        ours = _seconds(lambda: _run(base, "-c", _SET_UP, cwd=course, env=env))
        on_disk = size(course / ".venv") / MEGA
        plain = _seconds(lambda: _with_pip(base, folder / "plain", kept))
    ratio = plain / ours
    reached = f"{plain:.0f} s / {ours:.0f} s = {ratio:.1f} x"
    yield Row("set-up from nothing against pip", reached, ">= 3 x", ratio >= 3)
    yield Row("the environment it made, on disk", f"{on_disk:.0f} MB", "<= 450 MB", on_disk <= 450)


def _with_pip(base: str, venv: Path, env: dict[str, str]) -> None:
    _run(base, "-m", "venv", venv, env=env)
    install = ["-m", "pip", "install", "--no-cache-dir", "--require-hashes"]
    _run(interpreter(venv), *install, "-r", HERE.lock, env=env)


_TURNS = """
import sys, tempfile, time
from lessons_lib.database import postgres
from lessons_lib.exam import exam
from lessons_lib.exam.candidates import candidates
from lessons_lib.memories import GraphBot, PostgresBot, PostgresMendedBot
from lessons_lib.memories.graph_mended import MendedBot

def seconds(bot):
    bot.say("Hello")
    started = time.perf_counter()
    for _ in range(40):
        bot.say("Hello")
    return time.perf_counter() - started

with tempfile.TemporaryDirectory() as folder:
    started = time.perf_counter()
    server = postgres()
    start = time.perf_counter() - started
    pairs, mended = [], []
    for turn in range(3):
        file = GraphBot(f"{folder}/{turn}", durability="sync")
        served = PostgresBot(server.uri, durability="sync")
        pairs.append(seconds(file) / seconds(served))
        served.forget()
        file.close(); served.close()
    key = b"sixteen bytes ok"
    for turn in range(3):
        file = MendedBot(f"{folder}/m{turn}", key=key)
        served = PostgresMendedBot(server.uri, key=key)
        mended.append(seconds(file) / seconds(served))
        served.forget()
        file.close(); served.close()
exams = []
for name in ("SqliteSaver, mended", "Postgres, mended"):
    made = candidates([name])
    exam(named=made, only="recall", costs=False)  # what is paid once is paid now
    started = time.perf_counter()
    exam(named=made, costs=False)
    exams.append(time.perf_counter() - started)
print(start, sorted(pairs)[1], sorted(mended)[1], exams[1] / exams[0], exams[1])
"""


def postgres_rows() -> Iterator[Row]:
    """The embedded Postgres: how long it takes to start; turns and the exam against a file's."""
    done = subprocess.run(
        [sys.executable, "-c", _TURNS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    start, turns, mended, longer, exam = map(float, done.stdout.split())
    yield Row("Postgres, started on an empty folder", f"{start:.2f} s", "<= 2 s", start <= 2)
    what = "turns a second on Postgres, on a SQLite file = 1"
    yield Row(what, f"{turns:.2f}", ">= 0.3", turns >= 0.3)
    what = "the same of both mended: store, lock and seal"
    yield Row(what, f"{mended:.2f}", ">= 0.3", mended >= 0.3)
    what = "the exam on Postgres, mended / on SQLite, mended"
    yield Row(what, f"{exam:.1f} s = {longer:.1f} x", "<= 4 x", longer <= 4)


def test_rows() -> Iterator[Row]:
    """The whole test command, with everything set up already (its second run)."""
    command = [sys.executable, "-m", "lessons_lib", "test", "-q"]
    _run(*command, "--collect-only", cwd=ROOT)
    seconds = _seconds(lambda: _run(*command, cwd=ROOT))
    written = len(notebooks())
    what = f"the whole test command, second run, {written} lessons, {os.cpu_count()} cores"
    yield Row(what, f"{seconds:.0f} s", "<= 60 s", seconds <= 60)


ROWS: dict[str, Callable[[], Iterator[Row]]] = {
    "import": import_rows,
    "lesson": lesson_rows,
    "step": step_rows,
    "draw": draw_rows,
    "picture": picture_rows,
    "where": where_rows,
    "machine": machine_rows,
    "disk": disk_rows,
    "postgres": postgres_rows,
    "setup": setup_rows,
    "tests": test_rows,
}
SLOW = ("setup", "tests")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rows asked for; 0 when all of them were reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", action="append", choices=ROWS, help="these rows and no others")
    parser.add_argument("--all", action="store_true", help=f"also {' and '.join(SLOW)}")
    options = parser.parse_args(arguments)
    names = options.only or [name for name in ROWS if options.all or name not in SLOW]
    print(f"{'what':58} {'reached':>24}   {'to reach':>24}")
    good = True
    for name in names:
        for row in ROWS[name]():
            print(row, flush=True)
            good = good and row.good
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
