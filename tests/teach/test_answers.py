"""Ids find their content; wrong ids are answered in one sentence with the nearest right one."""

import subprocess
import sys
from typing import Any

import pytest

from lessons_lib.teach import check, hint, predict, recall, solution
from lessons_lib.teach.answers import exercise, load, question
from lessons_lib.teach.course import LESSONS, PATHS, find_lesson, is_written
from lessons_lib.teach.model import NotFound
from lessons_lib.teach.proof import review


def test_a_lesson_without_answers_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = None  # as if there were no such module, whichever lessons are written
    monkeypatch.setitem(sys.modules, "lessons_lib.teach.answers.lesson_14", nothing)
    assert load("14").questions == ()


def test_ids_find_their_content() -> None:
    assert question("13.last-reference").right == "b"
    assert exercise("13.double").name == "double"


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
    with pytest.raises(LookupError, match=r"\w") as told:
        predict(id)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


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


def test_a_notebook_shows_one_sentence_and_no_frames() -> None:
    with pytest.raises(NotFound) as told:
        hint("13.dubble")
    assert told.value._render_traceback_() == [
        "NotFound: There is no exercise '13.dubble'; did you mean '13.double'?"
    ]


def test_the_course_has_its_lessons() -> None:
    assert [lesson.number for lesson in LESSONS] == [f"{n:02}" for n in range(22)]
    assert all(lesson.slug.startswith(lesson.number + "_") for lesson in LESSONS)
    assert len({lesson.question for lesson in LESSONS}) == 22
    assert [len(path.lessons) for path in PATHS] == [4, 6, 11]


def test_a_lesson_is_written_when_its_notebook_exists() -> None:
    lesson = find_lesson("20_write_a_checkpointer")
    assert is_written(lesson) == lesson.notebook.is_file()


@pytest.mark.parametrize(
    ("number", "says"),
    [("7", "did you mean '07'"), ("11_crash_and_resum", "did you mean '11'"), ("x", "from '00'")],
)
def test_a_wrong_lesson_names_the_nearest(number: str, says: str) -> None:
    with pytest.raises(LookupError) as told:
        find_lesson(number)
    assert says in str(told.value)


def test_the_sample_itself_is_proven() -> None:
    assert review("13") == []


def test_importing_teach_brings_in_neither_widgets_nor_graphs_nor_answers() -> None:
    code = (
        "import sys, lessons_lib.teach as t; assert t.progress\n"
        "heavy = {'ipywidgets', 'langgraph', 'filelock', 'IPython', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if 'lesson_' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"
