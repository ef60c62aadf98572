"""The course as a list: twenty-two lessons, and the parts they form.

>>> find_lesson("02").title
'Reference counting'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lessons_lib.teach.model import NotFound

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"


@dataclass(frozen=True)
class Lesson:
    """One lesson; `core` and `deeper` are minutes, `slug` is the notebook's file name stem."""

    number: str
    slug: str
    title: str
    question: str
    part: str
    core: int
    deeper: int

    @property
    def notebook(self) -> Path:
        """The lesson's file in the course (not the reader's copy)."""
        return NOTEBOOKS / f"{self.slug}.ipynb"


_COURSE = """
The start
00_start_here                  30 10 Start here | Who remembers?
Part 1: Python forgets
01_names_and_objects           40 20 Names and objects | What is a variable?
02_reference_counting          40 25 Reference counting | When does an object die?
03_cycles_and_the_collector    40 20 Cycles and the collector | What does counting miss?
04_finding_leaks               50 25 Finding leaks | Why does my service grow?
Part 2: you remember
05_state_in_variables          40 20 State in variables | Whose is it?
06_state_under_pressure        45 20 State under pressure | Two at once, and how much?
07_state_on_disk               40 20 State on disk | Can I just save it?
08_the_journal                 40 25 The journal | How do I resume half-done work?
Part 3: the graph remembers
09_state_channels_reducers     40 25 State, channels, reducers | What does a graph keep?
10_threads_and_checkpoints     40 30 Threads and checkpoints | Where is my conversation?
11_crash_and_resume            40 30 Crash and resume | What survives kill -9?
12_interrupts_and_time_travel  40 25 Interrupts and time travel | Can it wait, and can it go back?
13_long_term_memory_1          40 30 Long-term memory I | Whose facts are these?
14_long_term_memory_2          40 25 Long-term memory II | How are facts found, and how do they end?
15_ready_made_agents           40 20 Ready-made agents | What does the agent you did not write keep?
16_inside_a_server             40 20 Inside a server | Who waits for whom?
Part 4: remembering costs
17_the_price_of_memory         40 20 The price of memory | What does it cost as it grows?
18_many_workers_one_memory     40 35 Many workers, one memory | Does it scale out?
19_trust_and_change            40 20 Trust and change | Can I trust what comes back?
20_write_a_checkpointer       120  0 Write a checkpointer | How does it work inside?
21_the_verdict                 40 20 The verdict | Which should I choose?
"""


def _lessons() -> Iterator[Lesson]:
    """A lesson for each line: slug, minutes, deeper, title, question. A line alone names a part."""
    part = ""
    for line in _COURSE.strip().splitlines():
        if found := re.fullmatch(r"((\d\d)_\w+) +(\d+) +(\d+) (.+) \| (.+)", line):
            slug, number, core, deeper, title, question = found.groups()
            yield Lesson(number, slug, title, question, part, int(core), int(deeper))
        else:
            part = line


LESSONS = tuple(_lessons())


def find_lesson(number: str) -> Lesson:
    """The lesson with this two-digit number (its slug will do too).

    Raises `NotFound` in one sentence, with the nearest lesson.

    >>> find_lesson("44")
    Traceback (most recent call last):
    lessons_lib.teach.model.NotFound: There is no lesson '44'; the lessons go from '00' to '21'.
    """
    for lesson in LESSONS:
        if number in (lesson.number, lesson.slug):
            return lesson
    raise NotFound(f"There is no lesson {number!r}{_suggest(str(number))}")


def _suggest(number: str) -> str:
    known = {lesson.number: lesson for lesson in LESSONS}
    if number.isdigit():
        near = [number.zfill(2)] if number.zfill(2) in known else []
    else:
        known = {lesson.slug: lesson for lesson in LESSONS}
        near = get_close_matches(number, known, n=1, cutoff=0.4)
    if near:
        return f"; did you mean {known[near[0]].number!r} ({known[near[0]].title})?"
    return f"; the lessons go from '00' to '{LESSONS[-1].number}'."
