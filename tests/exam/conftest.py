"""The exam, sat once."""

import pytest

from lessons_lib.exam import Report, exam
from lessons_lib.exam.candidates import ALL, FIVE, candidates


@pytest.fixture(scope="session")
def sat() -> Report:
    """The exam of all memories, in one run for all tests; with the price of the README's five."""
    others = [name for name in ALL if name not in FIVE]
    reports = exam(named=candidates(FIVE)), exam(named=candidates(others), costs=False)
    sittings = {one.name: one for report in reports for one in report.sittings}
    return Report(tuple(sittings[name] for name in ALL))
