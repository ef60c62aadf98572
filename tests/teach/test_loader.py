"""Ids find their content; wrong ids and mistakes in a lesson's files are told in one sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lessons_lib.teach import check, hint, loader, predict, recall, solution
from lessons_lib.teach.answer_cells import read_answers
from lessons_lib.teach.course import find_lesson
from lessons_lib.teach.loader import answers, check_of, load, stub
from lessons_lib.teach.model import LessonError, NotFound
from lessons_lib.teach.words import read_words

from .lesson_13 import checks
from .sample import LESSON, WORDS

ANSWERS = (LESSON / "answers.py").read_text("utf-8")


def test_a_lesson_without_a_folder_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "folder", lambda _: tmp_path)
    assert load("14").questions == ()


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("13.last-referense", "did you mean '13.last-reference'?"),
        ("13.zzz", "lesson 13 has '13.last-reference', '13.printed'."),
        ("13.double", "'13.double' is an exercise, not a question: use check, hint or solution"),
        ("44.x", "There is no lesson '44'; the lessons go from '00' to '21'."),
        ("13", "write two digits of the lesson, a dot and a name"),
        (13, "13 is no id"),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(id: str, says: str) -> None:
    with pytest.raises(NotFound) as told:
        predict(id)
    assert says in str(told.value)
    assert told.value._render_traceback_() == [f"NotFound: {told.value}"]  # no frames


@pytest.mark.parametrize("ask", [hint, solution, lambda id: check(id, None)])
def test_a_wrong_exercise_names_the_nearest(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(LookupError, match=r"did you mean '13\.double'"):
        ask("13.dubble")
    with pytest.raises(LookupError, match="is a question, not an exercise: use predict or recall"):
        ask("13.printed")


def test_recall_of_nothing_says_what_it_needs() -> None:
    with pytest.raises(LookupError, match="one id or more"):
        recall()


@pytest.mark.parametrize(
    ("number", "says"),
    [("7", "did you mean '07'"), ("11_crash_and_resum", "did you mean '11'"), ("x", "from '00'")],
)
def test_a_wrong_lesson_names_the_nearest(number: str, says: str) -> None:
    with pytest.raises(LookupError) as told:
        find_lesson(number)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (
            ("hints =", "help ="),
            30,
            "exercise 13.double: unknown key 'help'; there are id, name, hints",
        ),
        (('"nothing", "it is', '"it is'), 24, "question 13.printed: b: an option needs a text and"),
        (("nothing else leads to it.", ""), 7, "question 13.last-reference: b: an option needs"),
        (('right = "b"\n', ""), 3, "13.last-reference: right is None; it names the one right"),
        (('right = "b"', 'right = ["a", "b"]'), 9, "right is ['a', 'b']; it names the one right"),
        (('right = "b"', 'right = "d"'), 9, "right is 'd'; it names the one right option by its"),
        (("\nc = [", "\nd = ["), 8, "unknown key 'd'; there are id, text, a, b, c, right"),
        (('text = "When', "text = 3 #"), 5, "question 13.last-reference: text needs a text"),
        (('"13.printed"', '"13.double"'), 28, "exercise 13.double: another one has this id"),
        (('"13.printed"', '"12.printed"'), 12, "an id is 13, a dot, and a name in small letters"),
        (('"A sum of two.", ', ""), 30, "exercise 13.double: an exercise has three hints"),
        (("[catch_up]", "[catchup]"), 42, "unknown key 'catchup'; there are question, exercise"),
        (("say = [", "say = 3 # ["), 43, "say needs the sentences that one can say by now"),
        (("hints = [", "hints = "), 30, "this is no TOML: "),
        ((WORDS, "# words\nquestion = 3\n"), 2, "question is a table with keys of its own"),
    ],
)
def test_a_mistake_in_the_words_is_told_with_its_line(
    change: tuple[str, str], line: int, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "lesson.toml"
    path.write_text(WORDS.replace(*change, 1), "utf-8")
    with pytest.raises(LessonError, match=rf"^lesson\.toml, line {line}: .*{re.escape(says)}.*$"):
        read_words("13", path)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("13.double: near miss: the", "13.dubble: near miss: the"), 19, "mean '13.double'?"),
        (("near miss: the square", "near miss"), 19, "names a part of the message that must meet"),
        (("near miss: the square", "near-miss: the square"), 19, "no head of a cell, as"),
        (("alternative: by a helper", "solution"), 14, "13.double has a solution already"),
        (("13.answer: solution", "13.answer: alternative"), 44, "13.answer has no solution"),
    ],
)
def test_a_mistake_in_the_answers_is_told_with_its_line(
    change: tuple[str, str], line: int, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "answers.py"
    path.write_text(ANSWERS.replace(*change, 1), "utf-8")
    with pytest.raises(LessonError, match=rf"^answers\.py, line {line}: .*{re.escape(says)}.*$"):
        read_answers(path, ["13.double", "13.bag", "13.answer"])


def test_an_exercise_without_a_check_or_a_stub_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(checks.CHECKS, "13.bag")
    with pytest.raises(LessonError, match=r"checks\.py, line 32: no check for 13\.bag\.$"):
        check_of("13.bag")
    with pytest.raises(LessonError, match=r"13_sample\.ipynb: no code cell stands before check"):
        stub("13.unasked")


def test_each_kind_of_answer_is_found() -> None:
    found = answers("13.double")
    assert found.given.startswith("def helper")
    assert found.solution == "def double(number):\n    return number + number\n"
    assert [miss.says for miss in found.near_misses] == ["the square", "AttributeError"]
    assert "helper" in found.alternatives[0]
    assert answers("13.answer").given == ""


def test_words_are_read_anew_when_their_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "lesson.toml"
    path.write_text(WORDS, "utf-8")
    assert read_words("13", path) is read_words("13", path)
    path.write_text(WORDS.replace("Two digits.", "Two."), "utf-8")
    os.utime(path, ns=(0, 1))
    assert read_words("13", path).exercises[2].hints[0] == "Two."


def test_words_are_read_without_widgets_graphs_and_checks() -> None:
    code = (
        "import sys, lessons_lib.teach as t; t.predict('02.return'), t.hint('02.remember')\n"
        "t.progress()\n"
        "heavy = {'ipywidgets', 'langgraph', 'IPython', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if '.lessons' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"
