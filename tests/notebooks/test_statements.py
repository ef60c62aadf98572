"""The page is judged whole: no sentence is left out, and each is quoted where it is tried.

`page.txt` is the page with which the course began, as it was found.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.notebooks import reading
from tests.project import ROOT

LIST = ROOT / "notebooks" / "STATEMENTS.md"
PAGE = Path(__file__).with_name("page.txt")
VERDICT = "21_the_verdict.ipynb"
AT_LEAST = 6  # words in a row: a lesson may quote a part, and no fewer words than these

_QUOTED = re.compile(r"\*(.+?)\*")
_LESSON = re.compile(r"\]\((\w+\.ipynb)\)")
_EMPHASISED = re.compile(r"(\*{1,2})([^*\n]+)\1")
_VERDICT = re.compile(r"\b(true|right|wrong)\b", re.IGNORECASE)
_LINK = re.compile(r"\(\[[^]]*\]\([^)]*\)\)")
_LABEL = re.compile(r"(\*\*[^*]+\*\*:?|#.*|.*\*\*Tags:\*\*.*|---|)")
WITHIN = 8  # cells of prose, the one that quotes included: what was measured stands between


def _rows() -> list[tuple[str, list[str], str]]:
    """Statement, the lessons that try it, and the verdict, of each row of the list."""
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [(said, _LESSON.findall(lessons), verdict) for said, lessons, _, verdict in cells]


def _untried() -> list[str]:
    """The sentences that claim nothing that can be tried, each with the reason why."""
    return re.findall(r"^- (\*.+\* .+\.)$", LIST.read_text(encoding="utf-8"), re.MULTILINE)


def sentences(page: str) -> list[str]:
    """The sentences of a page in Markdown: of its prose, and of the comments in its code.

    >>> sentences("# A title?\\n**Label**:\\n- One. Two ([a](b)).\\n```\\n# three\\nx = 1\\n```")
    ['A title?', 'One.', 'Two.', 'three']
    """
    found, in_code = [], False
    for line in (line.strip().removeprefix("- ").strip() for line in page.splitlines()):
        if line.startswith("```"):
            in_code = not in_code
        elif in_code or line.endswith("?"):
            found += [line.lstrip("# ")] if line.startswith("#") else []
        elif not _LABEL.fullmatch(line):
            found += re.split(r"(?<=\.) +", _LINK.sub("", line).replace(" .", "."))
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"[\w.,;()'-]+", re.sub(r"[*`\"“”]", "", text).replace("’", "'").lower())


def quotes(text: str, statement: str) -> bool:
    """Whether a text has at least so many words of a statement in a row."""
    said, there = _words(statement), " ".join(_words(text))
    runs = (" ".join(said[i : i + AT_LEAST]) for i in range(max(1, len(said) - AT_LEAST + 1)))
    return any(run in there for run in runs)


def judges(text: str) -> bool:
    """Whether a text has a verdict, which is emphasised so that a reader finds it."""
    return any(_VERDICT.search(words) for _, words in _EMPHASISED.findall(text))


def test_no_sentence_of_the_page_is_left_out() -> None:
    judged = [" ".join(_words(said)) for said in (*(row[0] for row in _rows()), *_untried())]
    page = sentences(PAGE.read_text(encoding="utf-8"))
    assert len(page) > 20
    missing = [one for one in page if not any(" ".join(_words(one)) in said for said in judged)]
    assert missing == []


def test_no_sentence_is_judged_that_the_page_does_not_have() -> None:
    page = " ".join(_words(" ".join(sentences(PAGE.read_text(encoding="utf-8")))))
    for said, _, _ in _rows():
        [quoted] = _QUOTED.findall(said)
        assert " ".join(_words(quoted)).rstrip(".;,") in page


@pytest.mark.parametrize(("said", "lessons", "verdict"), _rows())
def test_the_last_lesson_judges_all_of_it(said: str, lessons: list[str], verdict: str) -> None:
    """With the verdict of the list, and the lessons that try it."""
    [quoted] = _QUOTED.findall(said)
    wanted = f"**{verdict.partition(':')[0]}**{verdict.partition(':')[1]}"
    lines = "\n".join(_prose(ROOT / "notebooks" / VERDICT)).splitlines()
    told = [line for line in lines if quotes(line, quoted) and wanted in line]
    assert told, f"{VERDICT} does not say {wanted} of: {quoted}"
    assert any(set(lessons) - {VERDICT} <= set(_LESSON.findall(line)) for line in told)


@pytest.mark.parametrize(("said", "lessons", "verdict"), _rows())
def test_a_statement_is_quoted_where_it_is_tried(
    said: str, lessons: list[str], verdict: str
) -> None:
    [quoted] = _QUOTED.findall(said)
    assert lessons
    assert verdict
    for lesson in lessons:
        prose = _prose(ROOT / "notebooks" / lesson)
        places = [place for place, text in enumerate(prose) if quotes(text, quoted)]
        assert places, f"{lesson} does not quote: {quoted}"
        near = ["\n".join(prose[place : place + WITHIN]) for place in places]
        assert any(map(judges, near)), f"{lesson} gives no verdict on: {quoted}"


def _prose(path: Path) -> list[str]:
    return [cell.source for cell in reading.read(path).cells if not cell.is_code]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("They say: *memory is released when objects go out of scope*.", True),
        ("memory is released when objects die", False),
        ("Memory is\nreleased when `objects` go", True),
    ],
)
def test_a_quotation_is_told_from_a_paraphrase(text: str, found: bool) -> None:
    assert quotes(text, "Memory is released when objects go out of scope.") is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("So the statement is **half true**.", True),
        ("It is *right, and it leaves out the danger*: the two differ.", True),
        ("*Memory* is true of *state*, as they say.", False),
        ("The wrong half first.", False),
    ],
)
def test_a_verdict_is_told_from_a_word_in_passing(text: str, found: bool) -> None:
    assert judges(text) is found
