"""The course as a list: twenty-two lessons, and the parts they form.

>>> find_lesson("02").title
'Reference counting'
"""

from __future__ import annotations

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
    core: int = 40
    deeper: int = 20

    @property
    def notebook(self) -> Path:
        """The lesson's file in the course (not the reader's copy)."""
        return NOTEBOOKS / f"{self.slug}.ipynb"


START = "The start"
FORGETS = "Part 1: Python forgets"
YOU = "Part 2: you remember"
GRAPH = "Part 3: the graph remembers"
COSTS = "Part 4: remembering costs"


def _lesson(slug: str, title: str, question: str, part: str, **minutes: int) -> Lesson:
    return Lesson(slug[:2], slug, title, question, part, **minutes)


LESSONS: tuple[Lesson, ...] = (
    _lesson("00_start_here", "Start here", "Who remembers?", START, core=30, deeper=10),
    _lesson("01_names_and_objects", "Names and objects", "What is a variable?", FORGETS),
    _lesson(
        "02_reference_counting",
        "Reference counting",
        "When does an object die?",
        FORGETS,
        deeper=25,
    ),
    _lesson(
        "03_cycles_and_the_collector",
        "Cycles and the collector",
        "What does counting miss?",
        FORGETS,
    ),
    _lesson(
        "04_finding_leaks",
        "Finding leaks",
        "Why does my service grow?",
        FORGETS,
        core=50,
        deeper=25,
    ),
    _lesson("05_state_in_variables", "State in variables", "Whose is it?", YOU),
    _lesson(
        "06_state_under_pressure",
        "State under pressure",
        "Two at once, and how much?",
        YOU,
        core=45,
    ),
    _lesson("07_state_on_disk", "State on disk", "Can I just save it?", YOU),
    _lesson("08_the_journal", "The journal", "How do I resume half-done work?", YOU, deeper=25),
    _lesson(
        "09_state_channels_reducers",
        "State, channels, reducers",
        "What does a graph keep?",
        GRAPH,
        deeper=25,
    ),
    _lesson(
        "10_threads_and_checkpoints",
        "Threads and checkpoints",
        "Where is my conversation?",
        GRAPH,
        deeper=30,
    ),
    _lesson("11_crash_and_resume", "Crash and resume", "What survives kill -9?", GRAPH, deeper=30),
    _lesson(
        "12_interrupts_and_time_travel",
        "Interrupts and time travel",
        "Can it wait, and can it go back?",
        GRAPH,
        deeper=25,
    ),
    _lesson(
        "13_long_term_memory_1", "Long-term memory I", "Whose facts are these?", GRAPH, deeper=30
    ),
    _lesson(
        "14_long_term_memory_2",
        "Long-term memory II",
        "How are facts found, and how do they end?",
        GRAPH,
        deeper=25,
    ),
    _lesson(
        "15_ready_made_agents",
        "Ready-made agents",
        "What does the agent you did not write keep?",
        GRAPH,
    ),
    _lesson("16_inside_a_server", "Inside a server", "Who waits for whom?", GRAPH),
    _lesson(
        "17_the_price_of_memory", "The price of memory", "What does it cost as it grows?", COSTS
    ),
    _lesson("18_many_workers_one_memory", "Many workers, one memory", "Does it scale out?", COSTS),
    _lesson("19_trust_and_change", "Trust and change", "Can I trust what comes back?", COSTS),
    _lesson(
        "20_write_a_checkpointer",
        "Write a checkpointer",
        "How does it work inside?",
        COSTS,
        core=120,
        deeper=0,
    ),
    _lesson("21_the_verdict", "The verdict", "Which should I choose?", COSTS),
)


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


def is_written(lesson: Lesson) -> bool:
    """Whether the lesson's notebook exists; the others are planned."""
    return lesson.notebook.is_file()


def _suggest(number: str) -> str:
    known = {lesson.number: lesson for lesson in LESSONS}
    if number.isdigit():
        near = [number.zfill(2)] if number.zfill(2) in known else []
    else:
        known = {lesson.slug: lesson for lesson in LESSONS}
        near = get_close_matches(number, known, n=1, cutoff=0.4)
    if not near:
        return f"; the lessons go from '00' to '{LESSONS[-1].number}'."
    lesson = known[near[0]]
    return f"; did you mean {lesson.number!r} ({lesson.title})?"
