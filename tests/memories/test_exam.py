"""The memory exam: what each memory comes to, and that no fault slips through."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import DictBot, JournalBot, JsonBot, SqliteBot
from lessons_lib.memories.exam import QUESTIONS, Report, exam, worker
from lessons_lib.memories.exam.__main__ import main
from lessons_lib.memories.exam.candidates import FIVE
from tests import readme
from tests.memories import faulty

Make = Callable[[Path], Any]
UNKNOWN = "not examined"
LETTERS = {"yes": "y", "in part": "p", "no": "n", "does not apply": "-"}


@pytest.mark.parametrize(
    ("make", "key", "mark", "saw"),
    [
        (faulty.LosesFiles, "recall", "in part", "recalled the words, the feedback; not the file"),
        (faulty.CutsUsersShort, "facts", "no", "told user 'ad' what user 'ada' had said"),
        (faulty.OneAtATime, "apart", "no", "said in one conversation, turned up in another"),
        (faulty.SavesAtTheEnd, "kill", "no", "kept nothing when the process was killed"),
        (faulty.awaited, "kill", "no", "kept nothing when the process was killed"),
        (faulty.awaited, "apart", "yes", "nothing that was said in one turned up in another"),
        (faulty.BeginsAgain, "half-done", "in part", "done again: ticket ×2, mail ×2, note ×1"),
        (faulty.TakesItDownTwice, "half-done", "no", "sends what was said in the turn twice"),
        (JsonBot, "writers", "no", "both turns were answered, and 'The screen flickers.' was lost"),
        (faulty.Locked, "writers", "yes", "both turns were kept"),
        (faulty.Slow, "writers", "no", "both turns were answered, and 'The screen flickers.' was"),
        (faulty.Refuses, "writers", "in part", "refused, which it said: RuntimeError: somebody"),
        (faulty.ReadsOnce, "workers", "in part", "running already did not see what another wrote"),
        (faulty.GoesTooFar, "back", "no", "more was taken back than the last turn"),
        (faulty.GoesNowhere, "back", "no", "what was taken back was still sent"),
        (faulty.LeavesBytes, "forget", "in part", "the bytes are still in turns.db"),
        (faulty.Packs, "forget", "not examined", "had the words as they were said, so whether"),
        (faulty.Elsewhere, "forget", "not examined", "keeps its bytes outside the folder it was"),
        (faulty.Elsewhere, "hostile", "not examined", "(it knew them in an empty one): ask where"),
        (faulty.Packs, "hostile", "not examined", "a name changed: nothing was there to be"),
        (faulty.Elsewhere, "recall", "yes", "recalled the words, the file, the feedback"),
        (faulty.Elsewhere, "half-done", "no", "had said in the turn that was cut off was gone"),
        (faulty.ForgetsAll, "forget", "no", "it forgot another conversation as well"),
        (faulty.OnlySaysSo, "forget", "no", "it was asked to forget, and still told it"),
        (faulty.StartsAnew, "hostile", "no", "cut in half: began anew, without a word"),
        (faulty.PicklesInRows, "hostile", "no", "code hidden: ran the code"),
        (faulty.Strict, "hostile", "in part", "a name changed: believed it; code hidden: refused"),
        (JsonBot, "hostile", "in part", "a name changed: believed it"),
        (JournalBot, "hostile", "yes", "a name changed: refused"),
    ],
)
def test_a_planted_fault_is_caught(make: Make, key: str, mark: str, saw: str) -> None:
    (sitting,) = exam(make, only=[key], costs=False).sittings
    assert (sitting[key].mark, bool(sitting[key].mends)) == (mark, mark not in ("yes", UNKNOWN))
    assert saw in sitting[key].saw


def test_a_fault_is_planted_for_every_question() -> None:
    (tried,) = test_a_planted_fault_is_caught.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in tried.args[1] if case[2] in ("no", "in part")} == set(QUESTIONS)


def test_the_memories(sat: Report) -> None:
    assert {one.name: marks(one.answers) for one in sat.sittings} == {
        #                      recall facts apart kill half writers workers back forget hostile
        "local variable": "n n y n n - n - - -",
        "dict": "y n y n n p n - y -",
        "threading.local": "n n n n n - n - - -",
        "contextvar": "n n y n n - n - - -",
        "sessions": "y n y n n p n - y -",
        "pickle file": "y n y y n n y - y n",
        "JSON file": "y n y y n n y - y p",
        "SQLite by hand": "y y y y p y y y y p",
        "journal": "y n y y y y y y y y",
        "InMemorySaver": "y n y n n n n y y -",
        "SqliteSaver": "y n y y y n y y p n",
        "ready-made agent": "y n y y y n y y p n",
        "AsyncSqliteSaver": "y n y y y n y y p n",
        "SqliteSaver + store": "y y y y y n y y n n",
        "SqliteSaver, mended": "y y y y y y y y y y",
    }
    assert max(map(len, str(sat).splitlines())) <= 100
    assert re.search(r"The memory exam +local variable +dict ", str(sat))


@pytest.mark.parametrize(
    ("name", "key", "saw"),
    [
        ("threading.local", "facts", "told"),
        ("InMemorySaver", "half-done", "said in the turn that was cut off was gone"),
        ("InMemorySaver", "writers", "both turns were answered, and 'The screen flickers.' was"),
        ("SqliteSaver", "half-done", "finished steps were not done again: ticket ×1, mail ×2"),
        ("SqliteSaver", "writers", "both turns were answered, and 'The screen flickers.' was lost"),
        ("SqliteSaver", "facts", "in a new conversation it did not know the user"),
        ("SqliteSaver", "forget", "it tells nothing more; the bytes are still in graph.db-wal"),
        ("SqliteSaver", "hostile", "a name changed: believed it; code hidden: ran the code"),
        ("SqliteSaver + store", "forget", "it was asked to forget, and still told it"),
        ("SqliteSaver, mended", "hostile", "cut in half: refused; a name changed: refused; code"),
    ],
)
def test_what_was_seen(sat: Report, name: str, key: str, saw: str) -> None:
    assert saw in sat[name][key].saw


def marks(answers: dict[str, Any]) -> str:
    return " ".join(LETTERS[answer.mark] for answer in answers.values())


def test_the_price(sat: Report) -> None:
    costs = {one.name: one.price for one in sat.sittings if one.price}
    assert {name: (cost.ram, cost.disk, cost.packages) for name, cost in costs.items()} == {
        "dict": (1, 0, ()),
        "journal": (0, 2, ("filelock",)),
        "InMemorySaver": (2, 0, ("langgraph",)),
        "SqliteSaver": (0, 2, ("langgraph", "langgraph-checkpoint-sqlite")),
        "SqliteSaver, mended": (0, 2, ("filelock", "langgraph", "langgraph-checkpoint-sqlite")),
    }
    ratios = {name: cost.ratio or 0 for name, cost in costs.items()}
    assert all(ratios.values())
    assert ratios["dict"] < 10 < ratios["SqliteSaver"]
    assert "with their square" in str(sat)
    assert not re.search(r"\d{4,}|×\d+\.|\bms\b", str(sat)), "no size and no time in what is stored"
    assert "×" in str(sat.measured())


def test_the_price_of_others() -> None:
    report = exam(SqliteBot, faulty.KeepsEveryState, only="recall")
    costs = [one.price for one in report.sittings]
    assert [(cost.ram, cost.disk) for cost in costs if cost] == [(0, 1), (2, 0)]


def test_the_readme_shows_what_the_exam_found(sat: Report) -> None:
    five = Report(tuple(sat[name] for name in FIVE))
    shown = readme.table_in(readme.README.read_text(encoding="utf-8"))
    found = five.markdown()
    if sys.version_info[:2] != (3, 11):  # which functions have a source differs between versions
        shown, found = (text.partition("| *statements*")[0] for text in (shown, found))
    assert shown == found, "bring it up to date: python3 -m lessons_lib refresh README"


@pytest.mark.parametrize("text", ["", readme.BEGIN, readme.END + readme.BEGIN, readme.BEGIN * 2])
def test_a_readme_without_its_marks(text: str) -> None:
    with pytest.raises(ValueError, match="the text should have '<!-- The memory exam"):
        readme.with_table(text, "| a |")


def test_it_says_how_far_it_is() -> None:
    told: list[str] = []
    exam(DictBot, only=["recall", "apart"], costs=False, tell=told.append)
    assert told == [
        "DictBot: question 1 of 2 · Recall: in a conversation",
        "DictBot: question 2 of 2 · Apart: two at once",
    ]


def test_the_same_twice(sat: Report) -> None:
    keys = ["half-done", "writers", "hostile"]
    (again,) = exam(JournalBot, only=keys, costs=False).sittings
    assert again.answers == {key: sat["journal"][key] for key in keys}


def test_a_page_of_it() -> None:
    report = exam(DictBot, only=["kill", "apart"], costs=False)
    page = report._repr_mimebundle_()["text/html"]
    assert page.count("<details>") == page.count("</details>") == 2
    assert "<b>what mends it:</b> write the turn to a file" in page
    assert 'scope="col"' in page
    assert 'scope="row"' in page


def broken(folder: Path) -> Any:
    raise OSError("no room")


class SaysNoText(DictBot):
    def say(self, text: str, **keywords: Any) -> Any:
        return 7


def has_its_own_model(folder: Path) -> Any:
    return DictBot(folder, model=lambda messages: "Yes.")


class Exits(DictBot):
    """Ends its process when it should answer, as it thinks."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def say(self, *words: Any, **more: Any) -> str:
        raise SystemExit(3)


class TakesTooLittle(DictBot):
    def say(self, text: str) -> str:  # type: ignore[override]
        return text


LOCK = threading.Lock()


def holds_a_lock(folder: Path) -> Any:
    with LOCK:
        return DictBot(folder)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: 7, r"<lambda> made 7, which has no method say\("),
        (broken, "broken made no memory: OSError: no room"),
        (SaysNoText, "came to nothing, it raised say returned 7, and not a text"),
        (Exits, "came to nothing, it raised SystemExit: 3"),
        (TakesTooLittle, "came to nothing, it raised TypeError: .*unexpected keyword"),
        (has_its_own_model, r"did not ask the course's model: answer with reply\(messages\)"),
        (holds_a_lock, "holds_a_lock cannot go to another process: it uses 'LOCK', a lock"),
        (DictBot(), r"<.*DictBot object.*> makes no memory: give a class or a function"),
    ],
)
def test_what_makes_no_memory(make: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says) as caught:
        exam(make)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"only": ["recal"]}, "only has 'recal': the questions are recall, facts, "),
        ({"only": []}, r"only is \[\]: name questions of recall, "),
        ({"only": 5}, "only is 5: name questions of recall, "),
        ({"only": [5]}, "only has 5: the questions are recall, "),
        ({"only": [["kill"]]}, r"only has \['kill'\]: the questions are recall, "),
    ],
)
def test_questions_that_there_are_not(keywords: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        exam(DictBot, **keywords)


@pytest.mark.parametrize(
    ("makes", "keywords", "says"),
    [
        ((), {}, "nothing sits the exam: give a memory's class"),
        ((), {"named": {"mine": 3}}, "3 makes no memory: give a class or a function"),
        ((), {"named": 5}, "named is 5: give names and what makes a memory"),
        ((DictBot,), {"tell": 5}, "tell is 5: give a function of a text"),
    ],
)
def test_arguments_that_make_no_sense(makes: Any, keywords: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        exam(*makes, **keywords)
    with pytest.raises(KeyError, match="no memory named 'x' sat this exam: there are "):
        Report(())["x"]


def test_names() -> None:
    report = exam(DictBot, partial(DictBot), named={"mine": DictBot}, only="back", costs=False)
    assert [one.name for one in report.sittings] == ["DictBot", "DictBot 2", "mine"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exam(JsonBot, only=["writers", "hostile"])
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


COMMAND = """
import sys
from lessons_lib.memories.exam.__main__ import main
code = main(sys.argv[1:])
print("LangGraph is loaded:", "langgraph" in sys.modules)
sys.exit(code)
"""


def run(*names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", COMMAND, *names]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def test_the_command() -> None:
    done = run("local variable")
    assert done.returncode == 0
    assert "The memory exam: local variable" in done.stdout
    assert "a turn" in done.stdout
    assert "LangGraph is loaded: False" in done.stdout
    assert "local variable: question 10 of 10" in done.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("jurnal", "there is no memory 'jurnal': did you mean 'journal'? there are 'local vari"),
        ("SqliteSaver+store", "'SqliteSaver+store': did you mean 'SqliteSaver + store'?"),
        ("nothing", "there is no memory 'nothing': there are 'local variable'"),
    ],
)
def test_a_name_that_there_is_not(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 2
    assert says in capsys.readouterr().err


def test_a_memory_that_does_not_come_back_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def begins(text: str) -> None:
        monkeypatch.setattr(worker, "PATIENCE", 0.01)

    (sitting,) = exam(faulty.Hangs, only="kill", costs=False, tell=begins).sittings
    assert str(sitting["kill"]) == "? not examined"
    assert "back within 0.01 s" in sitting["kill"].saw


def test_a_price_that_cannot_be_measured_is_said() -> None:
    report = exam(faulty.FailsUnderLoad, only="recall")
    assert "not measured" in str(report)
    assert "Not measured: RuntimeError: too long" in str(report)
    assert "| *memory grows* | not measured |" in report.markdown()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_a_stopped_exam_leaves_no_child_and_shows_no_frame_of_ours() -> None:
    def stops(text: str) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="its processes have ended") as caught:
        exam(DictBot, tell=stops)
    assert [entry.name for entry in caught.traceback][1:] == ["exam"]
    assert not multiprocessing.active_children()


def test_the_answers_are_the_same_beside_busy_neighbours(sat: Report) -> None:
    """A process for each core burns it: a lock is waited for, and what overlaps is seen to."""
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(os.cpu_count() or 1)]
    try:
        report = exam(JsonBot, faulty.Locked, only="writers", costs=False)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert report["JsonBot"]["writers"] == sat["JSON file"]["writers"]
    assert report["Locked"]["writers"].mark == "yes"
