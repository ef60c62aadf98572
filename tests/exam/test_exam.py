"""The memory exam: what each memory comes to, and that no fault slips through."""

from __future__ import annotations

import importlib
import multiprocessing
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.exam import QUESTIONS, Report, exam, worker
from lessons_lib.exam.__main__ import main
from lessons_lib.exam.candidates import ALL, IN_README, candidates
from lessons_lib.exam.kept import kept
from lessons_lib.exam.report import Sitting
from lessons_lib.memories import DictBot, JournalBot, JsonBot
from tests import readme
from tests.exam import faulty

UNKNOWN = "not examined"
LETTERS = {"yes": "y", "in part": "p", "no": "n", "does not apply": "-"}


ON_POSTGRES = ("PostgresSaver", "Postgres, mended")
EMBEDDED = candidates([name for name in ALL if name not in ON_POSTGRES])
"""Loaded before the first child is forked, as what loads Postgres: each would load them again."""
importlib.import_module("lessons_lib.memories.graph_postgres")
LEFT_OUT: list[str] = []


@cache
def makes() -> dict[str, Callable[[Path], Any]]:
    """All memories; where no Postgres can be started, those without."""
    return EMBEDDED | candidates(ON_POSTGRES, tell=LEFT_OUT.append)


@cache
def sitting(name: str) -> Sitting:
    """A memory's exam, in one run for all tests; with its price if it stands in the README."""
    return exam(named={name: makes()[name]}, costs=name in IN_README).sittings[0]


@pytest.fixture
def sat() -> Report:
    """The exam of all memories."""
    return Report(tuple(sitting(name) for name in makes()))


FAULTS = [
    (faulty.LosesFiles, "recall", "in part", "recalled the words, the feedback; not the file"),
    (faulty.Elsewhere, "recall", "yes", "recalled the words, the file, the feedback"),
    (faulty.CutsUsersShort, "facts", "no", "told user 'ad' what user 'ada' had said"),
    (faulty.OneAtATime, "apart", "no", "said in one conversation, turned up in another"),
    (faulty.awaited, "apart", "yes", "nothing that was said in one turned up in another"),
    (faulty.SavesAtTheEnd, "kill", "no", "kept nothing when the process was killed"),
    (faulty.BeginsAgain, "half-done", "in part", "done again: ticket ×2, mail ×2, note ×1"),
    (faulty.TakesItDownTwice, "half-done", "no", "sends what was said in the turn twice"),
    (faulty.Elsewhere, "half-done", "no", "had said in the turn that was cut off was gone"),
    (faulty.Slow, "writers", "no", "both turns were answered, and 'The screen flickers.' was"),
    (faulty.Refuses, "writers", "in part", "refused, which it said: RuntimeError: somebody"),
    (faulty.ReadsOnce, "workers", "in part", "running already did not see what another wrote"),
    (faulty.GoesTooFar, "back", "no", "more was taken back than the last turn"),
    (faulty.GoesNowhere, "back", "no", "what was taken back was still sent"),
    (faulty.LeavesBytes, "forget", "in part", "the bytes are still in turns.db"),
    (faulty.Packs, "forget", UNKNOWN, "had the words as they were said, so whether"),
    (faulty.Elsewhere, "forget", UNKNOWN, "keeps its bytes outside the folder it was"),
    (faulty.ForgetsAll, "forget", "no", "it forgot another conversation as well"),
    (faulty.Elsewhere, "hostile", UNKNOWN, "(it knew them in an empty one): ask where"),
    (faulty.Packs, "hostile", UNKNOWN, "a name changed: nothing was there to be"),
    (faulty.StartsAnew, "hostile", "no", "cut in half: began anew, without a word"),
    (faulty.PicklesInRows, "hostile", "no", "code hidden: ran the code"),
]


@pytest.mark.parametrize(("make", "key", "mark", "saw"), FAULTS)
def test_a_planted_fault_is_caught(make: Any, key: str, mark: str, saw: str) -> None:
    (sitting,) = exam(make, only=[key], costs=False).sittings
    assert (sitting[key].mark, bool(sitting[key].mends)) == (mark, mark not in ("yes", UNKNOWN))
    assert saw in sitting[key].saw


def test_a_fault_is_planted_for_every_question() -> None:
    assert {key for _, key, mark, _ in FAULTS if mark in ("no", "in part")} == set(QUESTIONS)


EXPECTED = {
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
    "PostgresSaver": "y n y y y n y y p n",
    "Postgres, mended": "y y y y y y y y y y",
}


@pytest.mark.parametrize("name", ALL)
def test_a_memory(name: str) -> None:
    if name not in makes():
        pytest.skip(LEFT_OUT[0])
    found = " ".join(LETTERS[answer.mark] for answer in sitting(name).answers.values())
    assert found == EXPECTED[name]


def test_what_is_told_of_the_memories(sat: Report) -> None:
    saver = sat["SqliteSaver"]
    assert "steps were not done again: ticket ×1, mail ×2" in saver["half-done"].saw
    assert "a name changed: believed it; code hidden: ran the code" in saver["hostile"].saw
    assert max(map(len, str(sat).splitlines())) <= 100
    assert re.search(r"The memory exam +local variable +dict ", str(sat))


def test_the_price(sat: Report) -> None:
    costs = {one.name: one.price for one in sat.sittings if one.price}
    mended = {"Postgres, mended": (0, 2, ("langgraph", "langgraph-checkpoint-postgres"))}
    on_postgres = {} if LEFT_OUT else mended
    assert {name: (cost.ram, cost.disk, cost.packages) for name, cost in costs.items()} == {
        "dict": (1, 0, ()),
        "journal": (0, 2, ("filelock",)),
        "InMemorySaver": (2, 0, ("langgraph",)),
        "SqliteSaver": (0, 2, ("langgraph", "langgraph-checkpoint-sqlite")),
        "SqliteSaver, mended": (0, 2, ("filelock", "langgraph", "langgraph-checkpoint-sqlite")),
    } | on_postgres
    ratios = {name: cost.ratio or 0 for name, cost in costs.items()}
    assert 0 < ratios["dict"] < 10 < ratios["SqliteSaver"]
    assert not re.search(r"\d{4,}|×\d+\.|\bms\b", str(sat)), "no size and no time in what is stored"
    assert "×" in str(sat.measured())


def test_the_readme_shows_what_the_exam_found(sat: Report) -> None:
    if LEFT_OUT:
        pytest.skip(LEFT_OUT[0])
    shown = readme.table_in(readme.README.read_text(encoding="utf-8"))
    found = Report(tuple(sat[name] for name in IN_README)).markdown()
    if sys.version_info[:2] != (3, 11):  # which functions have a source differs between versions
        shown, found = (text.partition("| *statements*")[0] for text in (shown, found))
    assert shown == found, "bring it up to date: python3 -m lessons_lib refresh README"


def test_the_kept_run_is_what_the_exam_finds(sat: Report) -> None:
    for one in sat.sittings:
        shown = kept()[one.name]
        assert _seen(one) == _seen(shown), (
            "bring it up to date: python3 -m lessons_lib refresh exam"
        )
        if one.price:
            assert shown.price
            assert replace(one.price, ratio=None) == shown.price or sys.version_info[:2] != (3, 11)


def _seen(one: Sitting) -> dict[str, str]:
    """Marks, and what was seen: of an error no more than that there was one."""
    seen = {key: f"{answer}: {answer.saw}" for key, answer in one.answers.items()}
    return {key: words.partition("it raised")[0] for key, words in seen.items()}


def test_a_readme_without_its_marks() -> None:
    for text in ("", readme.BEGIN, readme.END + readme.BEGIN, readme.BEGIN * 2):
        with pytest.raises(ValueError, match="the text should have '<!-- The memory exam"):
            readme.with_table(text, "| a |")


def test_the_same_twice_from_one_call_that_says_how_far_it_is(
    sat: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    keys = ["half-done", "hostile"]
    report = exam(
        JournalBot, partial(JournalBot), named={"mine": DictBot}, only=keys, costs=False,
        tell=told.append,
    )  # fmt: skip
    assert report["JournalBot"].answers == {key: sat["journal"][key] for key in keys}
    assert told[::2] == [
        f"{name}: question 1 of 2 · Survive: half a turn"
        for name in ("JournalBot", "JournalBot 2", "mine")
    ]
    page = report._repr_mimebundle_()["text/html"]
    assert page.count("<details>") == page.count("</details>") == 6
    assert "<b>what mends it:</b> write down what was heard before" in page
    with pytest.raises(KeyError, match="no memory named 'x' sat this exam: there are JournalBot, "):
        report["x"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    assert multiprocessing.active_children() == []


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
    ("makes", "keywords", "says"),
    [
        ([lambda folder: 7], {}, r"<lambda> made 7, which has no method say\("),
        ([broken], {}, "broken made no memory: OSError: no room"),
        ([SaysNoText], {}, "came to nothing: say returned 7, and not a text"),
        ([Exits], {}, "came to nothing: SystemExit: 3"),
        ([TakesTooLittle], {}, "came to nothing: TypeError: .*unexpected keyword"),
        ([has_its_own_model], {}, "did not ask the course's model: answer with reply"),
        ([holds_a_lock], {}, "holds_a_lock cannot go to another process: it uses 'LOCK', a lock"),
        ([DictBot()], {}, r"<.*DictBot object.*> makes no memory: give a class or a function"),
        ([], {"named": {"mine": 3}}, "3 makes no memory: give a class or a function"),
        ([], {}, "nothing sits the exam: give a memory's class"),
        ([DictBot], {"only": ["recal"]}, r"only is \['recal'\]: name questions of recall, facts, "),
        ([DictBot], {"only": []}, r"only is \[\]: name questions of recall, "),
        ([DictBot], {"only": 5}, "only is 5: name questions of recall, "),
        ([DictBot], {"only": [["kill"]]}, r"only is \[\['kill'\]\]: name questions of recall, "),
    ],
)
def test_what_is_refused_in_one_sentence(makes: Any, keywords: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        exam(*makes, **keywords)
    assert "\n" not in str(caught.value)


COMMAND = """
import sys
from lessons_lib.exam.__main__ import main
code = main(sys.argv[1:])
print("LangGraph is loaded:", "langgraph" in sys.modules)
sys.exit(code)
"""


def test_the_command() -> None:
    command = [sys.executable, "-c", COMMAND, "local variable"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0
    assert "The memory exam: local variable" in done.stdout
    assert "a turn" in done.stdout
    assert "LangGraph is loaded: False" in done.stdout
    assert "local variable: question 10 of 10" in done.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("jurnal", "there is no memory 'jurnal': did you mean 'journal'? there are 'local vari"),
        ("nothing", "there is no memory 'nothing': there are 'local variable'"),
    ],
)
def test_a_name_that_there_is_not(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 2
    assert says in capsys.readouterr().err


def test_a_memory_that_does_not_come_back_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def begins(text: str) -> None:
        monkeypatch.setattr(worker, "PATIENCE", 0.01)

    report = exam(faulty.FailsUnderLoad, only="kill", tell=begins)
    assert str(report.sittings[0]["kill"]) == "? not examined"
    assert "back within 0.01 s" in report.sittings[0]["kill"].saw
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


def test_the_answers_are_the_same_beside_busy_neighbours(
    sat: Report, beside_busy_neighbours: Callable[..., Any]
) -> None:
    """A lock is waited for, and what overlaps is seen to."""
    report = beside_busy_neighbours(
        lambda: exam(JsonBot, faulty.Locked, only="writers", costs=False)
    )
    assert report["JsonBot"]["writers"] == sat["JSON file"]["writers"]
    assert report["Locked"]["writers"].saw == "both turns were kept"
