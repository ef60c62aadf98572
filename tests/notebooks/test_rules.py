"""The rules themselves: a good notebook keeps them all, and each fault is found and named."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lessons_lib.teach.model import Exercise, Option, Question, Words
from tests import refresh, samples
from tests.notebooks import reading, rules
from tests.notebooks.asking import asking_faults
from tests.notebooks.rules import Rule
from tests.project import NOTEBOOKS
from tests.samples import code, markdown, printed, shown

ADDRESS = "0x7f3a" + "9c1d2e30"
HOME = "/ho" + "me/ada/notes.txt"
SVG = base64.b64encode(f"<svg><text>{ADDRESS}</text></svg>".encode()).decode()
PICTURE = f'<img alt="" src="data:image/svg+xml;base64,{SVG}">'
ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": []}
RAISES = ["raises-exception"]


def _faults(rule: Rule, tmp_path: Path, *cells: samples.Cell) -> list[str]:
    return list(rule(reading.read(samples.write(tmp_path / "02_sample.ipynb", *cells))))


GOOD = (
    markdown(
        "# When?\n\n[up](#When?) and [out](https://example.org/x)\n\n## Next\n\n```\n# no\n```"
    ),
    code("1 + 1", shown(1, plain="2"), count=1),
    markdown("## A picture\n\n![An arrow from a name to a box](data:image/svg+xml;base64,AA==)"),
    code("draw()", shown(plain="a box", html='<img alt="A lone box" src="data:,">'), count=2),
    code("{}['a']", ERROR, count=3, tags=RAISES),
)

FAULTS: list[tuple[Rule, tuple[samples.Cell, ...], str]] = [
    (rules.pictures_have_words, (markdown("![](x.svg)"),), "the alternative text ''"),
    (rules.pictures_have_words, (markdown('<img src="x.svg">'),), "the alternative text ''"),
    (rules.pictures_have_words, (code("x", shown(html=PICTURE)),), "the alternative text ''"),
    (rules.pictures_have_words, (code("x", shown(svg="<svg/>")),), "has no alternative text"),
    (rules.pictures_have_words, (code("x", shown(html="<svg></svg>")),), "without an aria-label"),
    (rules.links_resolve, (markdown("[a](absent.ipynb)"),), "leads to no file"),
    (rules.links_resolve, (markdown("[![a picture](gone.svg)](https://x.org)"),), "no file"),
    (rules.links_resolve, (markdown("# T\n[a](#Nowhere)"),), "leads to no heading"),
    (rules.links_resolve, (markdown("[a](http://example.org)"),), "neither https nor local"),
    (rules.links_resolve, (markdown("[a]\n\n[a]: gone.md"),), "leads to no file"),
    (rules.links_resolve, (code("x", shown(html='<a href="gone.md">a</a>')),), "leads to no file"),
    (rules.headings_are_in_order, (markdown("## T"),), "found: none"),
    (rules.headings_are_in_order, (markdown("# T"), markdown("# U")), "one title"),
    (rules.headings_are_in_order, (markdown("# T\n### V"),), "from level 1 to 3"),
    (rules.cells_were_run_in_order, (code("x"),), "execution count is None, expected 1"),
    (rules.cells_were_run_in_order, (code("x", count=1), code("y", count=3)), "is 3, expected 2"),
    (rules.cells_were_run_in_order, (code(" ", count=1),), "an empty code cell"),
    (rules.errors_are_meant, (code("x", ERROR),), "raised KeyError"),
    (rules.errors_are_meant, (code("x", tags=RAISES),), "raised nothing"),
    (rules.predictions_stand_alone, (code("x = 1\npredict('02.a')"),), "beside other code"),
    (rules.nothing_private, (code("x", printed(f"<X at {ADDRESS}>")),), "an address"),
    (rules.nothing_private, (code("x", shown(html=PICTURE)),), "an address"),
    (rules.nothing_private, (code(f"open('{HOME}')"),), "a path of one machine"),
    (rules.nothing_private, (code("x", printed("C:" + "\\Users\\ada")),), "a path of one machine"),
    (rules.nothing_private, (markdown(f"See `{HOME}`."),), "a path of one machine"),
    (rules.nothing_private, (code("x", printed("lib/site-" + "packages/a.py")),), "installed"),
    (rules.nothing_on_stderr, (code("x", printed("oh", "stderr")),), "wrote to stderr: 'oh'"),
    (rules.nothing_is_unchecked, (code("x", tags=["nbval-skip"]),), "nbval-skip"),
    (rules.nothing_is_unchecked, (code("# NBVAL_IGNORE_OUTPUT"),), "NBVAL_IGNORE_OUTPUT"),
    (rules.is_as_refresh_writes_it, (markdown("# T"),), "run `python -m tests.refresh 02`"),
    (rules.is_as_refresh_writes_it, (markdown("# T" + "x" * 500_000),), "more than 500,000"),
]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_keeps(rule: Rule, tmp_path: Path) -> None:
    if rule is not rules.is_as_refresh_writes_it:
        assert _faults(rule, tmp_path, *map(dict, GOOD)) == []


@pytest.mark.parametrize(
    ("rule", "cells", "words"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_fault_is_found(
    rule: Rule, cells: tuple[samples.Cell, ...], words: str, tmp_path: Path
) -> None:
    faults = _faults(rule, tmp_path, *map(dict, cells))
    assert any(words in fault for fault in faults), faults


def test_every_rule_has_been_broken() -> None:
    assert {rule for rule, _, _ in FAULTS} == set(rules.RULES)


def test_the_stored_form_is_accepted(tmp_path: Path) -> None:
    import nbformat

    path = samples.write(tmp_path / "02_sample.ipynb", markdown("# T"), code("x", count=1))
    notebook = nbformat.read(path, as_version=4)
    refresh.set_binder_link(notebook, path.stem)
    refresh.normalise(notebook, path.stem)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    assert list(rules.is_as_refresh_writes_it(reading.read(path))) == []
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(rules.is_as_refresh_writes_it(reading.read(path))) != []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("00_start_here.ipynb", "leads to no file"),
        ("../README.md", ""),
        ("../absent.md", "leads to no file"),
        ("../../elsewhere", "leads"),
        ("TEACHING.md", "leads to no file"),
    ],
)
def test_links_are_followed_from_the_lesson(target: str, words: str) -> None:
    page = NOTEBOOKS / "02_reference_counting.ipynb"
    if target.endswith("ipynb") and (NOTEBOOKS / target).exists():
        words = ""
    if target == "TEACHING.md" and (NOTEBOOKS / target).exists():
        words = "write ../notebooks/TEACHING.md"
    fault = rules.link_fault(target, page, set())
    assert words in fault
    assert bool(words) == bool(fault)


def test_a_notebook_and_its_words_must_fit(tmp_path: Path) -> None:
    known = Words(
        (Question("02.unasked", "?", {"a": Option("a", "b", right=True)}),),
        tuple(Exercise(f"02.{name}", name, ()) for name in ("remember", "never")),
        ("A name leads to an object.",),
    )
    path = samples.write(
        tmp_path / "02_sample.ipynb",
        code("predict('02.no-such-question')"),
        code("%xdel x\nteach.check('02.remember', remember)\nhint('02.remember')"),
        code("a = 1\nb = 2"),
        code("solution('02.remember')"),
    )
    faults = list(asking_faults(reading.read(path), known))
    assert [fault for fault in faults if "no-such-question" in fault]
    assert "the question '02.unasked' is never asked" in faults
    assert "the exercise '02.never' has no check('02.never') cell" in faults
    assert not [fault for fault in faults if "02.remember" in fault and "has no" in fault]
    assert [fault for fault in faults if "tagged catch-up" in fault]
    assert [fault for fault in asking_faults(reading.read(path)) if "tagged" in fault] == []
