"""The instruments inside a real notebook kernel, where the notebook itself is a holder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

jupyter_client = pytest.importorskip("jupyter_client")

SETUP = """
import gc, weakref
from lessons_lib.observe import step, survivors, where_is, who_holds
class Upload:
    def __init__(self, name):
        self.name = name
def parse(upload):
    raise ValueError("no text")
"""

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3")

    def execute(code: str) -> str:
        """Run a cell as a front end does, and return what it shows."""
        shown: list[str] = []

        def note(message: dict[str, dict[str, object]]) -> None:
            content = message["content"]
            data = content.get("data", {})
            plain = data.get("text/plain", "") if isinstance(data, dict) else ""
            shown.append(str(content.get("text", "") or plain))

        client.execute_interactive(
            code,
            store_history=True,
            stop_on_error=False,
            timeout=60,
            output_hook=note,
            allow_stdin=False,  # nobody waits: no line says how long it has been
        )
        return "".join(shown).strip()

    execute(SETUP)
    yield execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_shown_object_is_held_by_the_notebook(run: Run) -> None:
    run("shown = Upload('shown')")
    run("shown")
    run("w = weakref.ref(shown); del shown")
    told = run("print(who_holds(w()))")
    assert "the notebook's Out[" in told
    assert "  the notebook's _" in told
    assert "the notebook's display hook" in told
    assert "IPython" not in told


def test_the_last_error_is_named(run: Run) -> None:
    run("parse(Upload('broken'))")
    found = "next(x for x in gc.get_objects() if type(x) is Upload and x.name == 'broken')"
    told = run(f"print(who_holds({found}))")
    assert told.splitlines()[:3] == [
        "Upload 'broken' is held by 2 chains:",
        "  the notebook's record of the last cell",
        "  the notebook's last error → frame of parse → upload",
    ]


def test_after_the_next_error_it_is_garbage(run: Run) -> None:
    run("gc.disable(); parse(Upload('older'))")
    run("1/0")
    found = "next(x for x in gc.get_objects() if type(x) is Upload and x.name == 'older')"
    told = run(f"print(who_holds({found}))")
    run("gc.enable()")
    assert "It is garbage: only a cycle leads to it" in told


def test_names_of_the_notebook_come_plain(run: Run) -> None:
    told = run("keep = [Upload('kept')]\nprint(who_holds(keep[0]))")
    assert told == "Upload 'kept' is held by 1 chain:\n  keep → [0]"


def test_a_snippet_sees_the_notebook_hold_on(run: Run) -> None:
    told = run(
        "shelf = []\n"
        "def put(thing):\n    shelf.append(thing)\n"
        "print(step('''\na = Upload('a')\nput(a)\ndel a\n'''))"
    )
    assert "Upload 'a' is held unseen" in told


def test_a_player_has_a_page_for_the_stored_notebook(run: Run) -> None:
    told = run("step('''\na = Upload('a')\ndel a\n''')")
    assert "Upload 'a' died, by reference count" in told


def test_the_same_cell_says_the_same_twice(run: Run) -> None:
    cell = "file = Upload('file'); box = {'f': file}\nprint(who_holds(file))"
    assert run(cell) == run(cell)


RECORD = "The notebook has it too, in its record of the cells you ran and of what they showed."


def test_what_was_typed_and_shown_is_one_note(run: Run) -> None:
    run("note = {'text': ' '.join(['Grace', 'Hopper'])}")
    run("'Grace Hopper, typed and shown'")
    run("%reset -f out")
    run("_ = __ = ___ = None")
    told = run("print(where_is('Grace Hopper'))")
    assert told.splitlines()[0] == "'Grace Hopper' lives in 1 place:"
    assert told.splitlines()[-2].endswith("  note → ['text']  del note")
    assert told.splitlines()[-1] == RECORD
    run("del note")
    assert run("where_is('Grace Hopper')") == f"'Grace Hopper' was found nowhere.\n{RECORD}"
    assert run("where_is('Grace Hopper')") == f"'Grace Hopper' was found nowhere.\n{RECORD}"


def test_what_the_notebook_shows_and_its_last_error_are_places(run: Run) -> None:
    run("'shown: ' + ' '.join(['Alan', 'Turing'])")
    told = run("print(where_is('Alan Turing'))")
    assert "the notebook's Out[" in told
    assert "Out.clear() and three more values shown" in told
    run("parse(Upload(' '.join(['Emmy', 'Noether'])))")
    [line] = [x for x in run("print(where_is('Emmy Noether'))").splitlines() if "this proc" in x]
    assert "the notebook's last error → frame of parse → upload → Upload.name" in line
    assert line.endswith("the next error")
