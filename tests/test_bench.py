"""The bench: what a lesson's floor is, and that a row says whether it was reached."""

from __future__ import annotations

from pathlib import Path

from tests import bench, samples
from tests.samples import code, markdown

FORKING = """
import colorsys
from lessons_lib.crash_lab.children import start
for _ in range(2):
    child, connection = start(id)
    child.join()
"""


def test_a_floor_loads_the_same_and_starts_as_many_children(tmp_path: Path) -> None:
    path = samples.write(tmp_path / "05_sample.ipynb", markdown("# T"), code(FORKING))
    needs = bench.needs_of(path)
    assert needs.children == 2
    assert "colorsys" in needs.modules
    assert 20 < needs.peak / bench.MEGA < 500
    imports, children = bench.floor_of(needs)
    assert "colorsys" in imports
    assert "range(2)" in children
    compile(imports, "imports", "exec")
    compile(children, "children", "exec")


def test_a_row_says_whether_it_was_reached() -> None:
    assert str(bench.Row("a", "1 ms", "<= 2 ms", True)).endswith("   reached")
    assert str(bench.Row("a", "3 ms", "<= 2 ms", False)).endswith("NOT REACHED")


def test_the_size_of_a_folder_counts_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "in" / "a")
    assert bench.size(tmp_path) == 5
