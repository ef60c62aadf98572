"""The memory exam: what each memory comes to, and that no fault slips through."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.memories import DictBot, JournalBot, JsonBot, SqliteBot
from lessons_lib.memories.exam import QUESTIONS, Report, exam
from lessons_lib.memories.exam.candidates import PLAIN, candidates
from lessons_lib.memories.graph import GraphBot
from tests.memories import faulty

Make = Callable[[Path], Any]
LETTERS = {"yes": "y", "in part": "p", "no": "n", "does not apply": "-"}


@pytest.mark.parametrize(
    ("make", "key", "mark", "saw"),
    [
        (faulty.LosesFiles, "recall", "in part", "recalled the words, the feedback; not the file"),
        (faulty.CutsUsersShort, "facts", "no", "told user 'ad' what user 'ada' had said"),
        (faulty.OneAtATime, "apart", "no", "said in one conversation, turned up in another"),
        (faulty.SavesAtTheEnd, "kill", "no", "kept nothing when the process was killed"),
        (faulty.BeginsAgain, "half-done", "in part", "done again: ticket ×2, mail ×2, note ×1"),
        (faulty.TakesItDownTwice, "half-done", "no", "sends what was said in the turn twice"),
        (JsonBot, "writers", "no", "both turns were answered, and 'The screen flickers.' was lost"),
        (faulty.Locked, "writers", "yes", "both turns were kept"),
        (faulty.Refuses, "writers", "in part", "refused, which it said: RuntimeError: somebody"),
        (faulty.ReadsOnce, "workers", "in part", "running already did not see what another wrote"),
        (faulty.GoesTooFar, "back", "no", "more was taken back than the last turn"),
        (faulty.GoesNowhere, "back", "no", "what was taken back was still sent"),
        (faulty.LeavesBytes, "forget", "in part", "the bytes are still in turns.db"),
        (faulty.ForgetsAll, "forget", "no", "it forgot another conversation as well"),
        (faulty.OnlySaysSo, "forget", "no", "it was asked to forget, and still told it"),
        (faulty.StartsAnew, "hostile", "no", "cut in half: began anew, without a word"),
        (faulty.PicklesInRows, "hostile", "no", "code hidden: ran the code"),
        (JsonBot, "hostile", "in part", "a name changed: believed it"),
        (JournalBot, "hostile", "yes", "a name changed: refused"),
    ],
)
def test_a_planted_fault_is_caught(make: Make, key: str, mark: str, saw: str) -> None:
    (sitting,) = exam(make, only=[key], costs=False).sittings
    assert (sitting[key].mark, bool(sitting[key].mends)) == (mark, mark != "yes")
    assert saw in sitting[key].saw


def test_a_fault_is_planted_for_every_question() -> None:
    (tried,) = test_a_planted_fault_is_caught.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in tried.args[1] if case[2] != "yes"} == set(QUESTIONS)


def test_the_plain_memories() -> None:
    report = exam(named=candidates(), costs=False)
    assert {one.name: marks(one.answers) for one in report.sittings} == {
        #                   recall facts apart kill half writers workers back forget hostile
        "local variable": "n n y n n - n - - -",
        "dict": "y n y n n p n - y -",
        "threading.local": "n n n n n - n - - -",
        "contextvar": "n n y n n - n - - -",
        "sessions": "y n y n n p n - y -",
        "pickle file": "y n y y n n y - y n",
        "JSON file": "y n y y n n y - y p",
        "SQLite by hand": "y y y y p y y y y p",
        "journal": "y n y y y y y y y y",
    }
    assert set(candidates()) == set(PLAIN)
    assert "told" in report["threading.local"]["facts"].saw
    assert re.search(r"The memory exam +local variable +dict ", str(report))
    assert max(map(len, str(report).splitlines())) <= 100


def marks(answers: dict[str, Any]) -> str:
    return " ".join(LETTERS[answer.mark] for answer in answers.values())


def test_a_graph_sits_it() -> None:
    # In "async", what it has saved when it is killed in a turn would be a matter of luck.
    make = partial(GraphBot, durability="sync")
    (sitting,) = exam(make, only=["recall", "writers", "half-done"], costs=False).sittings
    assert marks(sitting.answers) == "y n p"


def test_the_price() -> None:
    report = exam(DictBot, SqliteBot, faulty.KeepsEveryState, only="recall")
    costs = [one.price for one in report.sittings]
    assert [(cost.ram, cost.disk) for cost in costs if cost] == [(1, 0), (0, 1), (2, 0)]
    assert all(cost and cost.lines and cost.ratio > 0 for cost in costs)
    assert "with their square" in str(report)
    assert not re.search(r"\d{3,}|×|\bms\b", str(report)), "no size and no time in what is stored"
    assert "×" in str(report.measured())


def test_it_says_how_far_it_is() -> None:
    told: list[str] = []
    exam(DictBot, only=["recall", "apart"], costs=False, tell=told.append)
    assert told == [
        "DictBot: question 1 of 2 · Recall: in a conversation",
        "DictBot: question 2 of 2 · Apart: two at once",
    ]


def test_the_same_text_twice() -> None:
    keys = ["half-done", "writers", "hostile"]
    first, second = (str(exam(JournalBot, only=keys, costs=False)) for _ in range(2))
    assert first == second


def test_a_page_of_it() -> None:
    report = exam(DictBot, only=["kill", "apart"], costs=False)
    page = report._repr_mimebundle_()["text/html"]
    assert page.count("<details>") == page.count("</details>") == 2
    assert "<b>what mends it</b> write the turn to a file" in page
    assert 'scope="col"' in page
    assert 'scope="row"' in page


def broken(folder: Path) -> Any:
    raise OSError("no room")


class SaysNoText(DictBot):
    def say(self, text: str, **keywords: Any) -> Any:
        return 7


def has_its_own_model(folder: Path) -> Any:
    return DictBot(folder, model=lambda messages: "Yes.")


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
        (broken, "broken made no memory, it raised OSError: no room"),
        (SaysNoText, "came to nothing, it raised say returned 7, and not a text"),
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
        ({"only": []}, r"only is \[\]: name a question of recall, "),
    ],
)
def test_arguments_that_make_no_sense(keywords: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        exam(DictBot, **keywords)


def test_nothing_sits() -> None:
    with pytest.raises(ValueError, match="nothing sits the exam: give a memory's class"):
        exam()
    with pytest.raises(TypeError, match=r"named\['mine'\] is 3: give a class or a function"):
        exam(named={"mine": 3})  # type: ignore[dict-item]
    with pytest.raises(KeyError, match="no memory named 'x' sat this exam: there are "):
        Report(())["x"]


def test_names() -> None:
    report = exam(DictBot, partial(DictBot), named={"mine": DictBot}, only="back", costs=False)
    assert [one.name for one in report.sittings] == ["DictBot", "DictBot 2", "mine"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exam(JsonBot, only=["writers", "hostile"])
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


def test_the_command() -> None:
    command = [sys.executable, "-m", "lessons_lib.memories.exam"]
    done = subprocess.run([*command, "local variable"], capture_output=True, text=True, check=True)
    assert "The memory exam: local variable" in done.stdout
    assert "a turn" in done.stdout
    assert "local variable: question 10 of 10" in done.stderr
    done = subprocess.run([*command, "jurnal"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("there is no memory 'jurnal': did you mean 'journal'?")
