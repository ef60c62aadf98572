"""The list of lessons, its titles, minutes and paths: every page says what `course` says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lessons_lib.teach import course
from lessons_lib.teach.course import LESSONS, Lesson
from tests import readme
from tests.notebooks import reading
from tests.project import NOTEBOOKS, ROOT, notebooks

README = (ROOT / "README.md").read_text(encoding="utf-8")
TEACHING = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")

PAGES = {path.name: reading.read(path).cells for path in notebooks()}
PROSE = {name: "\n".join(c.source for c in cells if not c.is_code) for name, cells in PAGES.items()}
PROSE |= {"README.md": README, "TEACHING.md": TEACHING}

_TITLED_LINK = re.compile(r"\[(\d\d) · ([^\]]+)\]\((?:notebooks/)?(\w+)\.ipynb\)")


def _row(lesson: Lesson) -> str:
    link = f"[{lesson.title}](notebooks/{lesson.slug}.ipynb)"
    minutes = f"{lesson.core} + {lesson.deeper}" if lesson.deeper else str(lesson.core)
    return f"| {lesson.number} | {link} | {lesson.question} | {minutes} |"


def test_the_readme_lists_the_lessons() -> None:
    assert re.findall(r"^\| \d\d \| .*$", README, re.MULTILINE) == [_row(one) for one in LESSONS]


def test_the_parts_of_the_readme_are_the_courses() -> None:
    parts = dict.fromkeys(lesson.part for lesson in LESSONS)
    assert re.findall(r"\| \*\*(Part .*?)\*\*", README) == list(parts)[1:]


@pytest.mark.parametrize("path", readme.PICTURES, ids=lambda path: path.stem)
def test_a_picture_of_the_readme_is_its_lessons(path: Path) -> None:
    assert path.read_text("utf-8") == readme.picture(path), "python3 -m lessons_lib refresh README"


def test_the_teachers_plans_have_title_and_minutes() -> None:
    plans = [f"{one.number} · {one.title} ({one.core} minutes)" for one in LESSONS]
    assert re.findall(r"^## (\d\d · .*)$", TEACHING, re.MULTILINE) == plans


@pytest.mark.parametrize("name", PROSE)
def test_a_titled_link_names_its_lesson(name: str) -> None:
    for number, title, slug in _TITLED_LINK.findall(PROSE[name]):
        assert (title, slug) == (course.find_lesson(number).title, course.find_lesson(number).slug)


@pytest.mark.parametrize("name", [path.name for path in notebooks()])
def test_a_lesson_opens_with_its_title_and_question(name: str) -> None:
    lesson = course.find_lesson(name[:2])
    question = lesson.question[0].lower() + lesson.question[1:]
    assert PAGES[name][0].source.startswith(f"# {lesson.number} · {lesson.title}: {question}")


def test_the_paths_of_lesson_00_lead_to_their_lessons() -> None:
    page = PROSE[LESSONS[0].slug + ".ipynb"]
    rows = re.findall(r"^\| (?:90 minutes|half a day|a day|you run an agent).*\|$", page, re.M)
    assert len(rows) == 4
    for row in rows:
        numbers = re.findall(r"\b\d\d\b(?!_)", row.split("|")[2])
        assert numbers[0] == "00"
        assert numbers == sorted({course.find_lesson(number).number for number in numbers})
    for number, slug in re.findall(r"\[(\d\d)\]\((\w+)\.ipynb\)", "".join(rows)):
        assert course.find_lesson(number).slug == slug
