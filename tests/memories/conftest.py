"""The exam, sat once; and the tests' own functions cross to children by value, as a notebook's."""

import cloudpickle
import pytest

import tests.memories
from lessons_lib.memories.exam import Report, exam
from lessons_lib.memories.exam.candidates import ALL, FIVE, candidates

# By name, each child would import the test module, and pytest with it: 0.3 s instead of 0.03.
cloudpickle.register_pickle_by_value(tests.memories)


@pytest.fixture(scope="session")
def sat() -> Report:
    """The exam of all memories, in one run for all tests; with the price of the README's five."""
    others = [name for name in ALL if name not in FIVE]
    reports = exam(named=candidates(FIVE)), exam(named=candidates(others), costs=False)
    sittings = {one.name: one for report in reports for one in report.sittings}
    return Report(tuple(sittings[name] for name in ALL))
