"""A pytest plugin: every notebook is run as a front end runs it, and every output is compared.

It stands on nbval and is stricter. A notebook becomes these tests, all in one kernel of its own:

- one for each code cell: its outputs are those stored in the notebook;
- ``run again``: all cells once more in the same kernel, with the same outputs but for their counts;
- ``leaves nothing behind``: no new file after the kernel has ended, beside the notebook, in a
  reader's folder or in the temporary one. (Child processes: ipykernel ends those itself.)

A cell that was never run, or that asks not to be checked, fails: it would not be tested at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from tests.kernels import FrontEndKernel, Place
from tests.notebooks.reading import opened
from tests.project import ROOT, SANITIZE

CELL_TIMEOUT = 120.0  # seconds; a hung cell ends with its traceback
_NOT_OURS = (ROOT / "my", ROOT / ".venv")
_COUNT = re.compile(r"((?:Out|In)\[|(?<!\w)_{1,2}i?)\d+(\]|\b)")
_TAG = re.compile(r"<[^>]*>")
_PLACE = pytest.StashKey[Place]()
_HOME_BEFORE = pytest.StashKey[str | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Give every test a home of its own, so that none reads or writes a reader's progress."""
    place = Place.make()
    config.stash[_PLACE] = place
    config.stash[_HOME_BEFORE] = os.environ.get("LESSONS_HOME")
    os.environ["LESSONS_HOME"] = str(place.home)
    # nbval's own plugin is not loaded (see pyproject.toml); its classes read these.
    config.option.nbval_lax = config.option.nbdime = False
    config.option.nbval_cell_timeout = CELL_TIMEOUT


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the home away again."""
    before = config.stash[_HOME_BEFORE]
    if before is None:
        os.environ.pop("LESSONS_HOME", None)
    else:
        os.environ["LESSONS_HOME"] = before
    config.stash[_PLACE].remove()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """A reader's own copies and the environment are no part of the tests, even when asked for."""
    return True if _is_not_ours(collection_path) else None


def _is_not_ours(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _NOT_OURS)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect notebooks; a file that is named outright is not asked about by the hook above."""
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    if _is_not_ours(file_path):
        return None
    collected: pytest.Collector = FrontEndNotebook.from_parent(parent, path=file_path)
    return collected


class FrontEndNotebook(IPyNbFile):  # type: ignore[misc]
    """A notebook as a set of tests that share one kernel."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each code cell, then the two for the notebook as a whole."""
        self.cells: list[FrontEndCell] = []
        self.again = False  # whether the cells are being run for the second time
        self.tried: set[int] = set()
        self.passed: set[int] = set()
        for cell in super().collect():
            strict = FrontEndCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )
            self.cells.append(strict)
            yield strict
        yield RunAgain.from_parent(self, name="run again")
        yield LeavesNothing.from_parent(self, name="leaves nothing behind")

    def setup(self) -> None:
        """Start the kernel in the notebook's folder."""
        self.place = Place.make()
        self.files_before = _names(self.path.parent) | _names(ROOT / "my")
        self.kernel = FrontEndKernel(self.path.parent, self.place)
        self.setup_sanitize_files()

    def get_sanitize_files(self) -> list[str]:
        """The one file of rules, found wherever pytest is started."""
        return [str(SANITIZE)]

    def teardown(self) -> None:
        """End the kernel if it is still there and remove its folders."""
        super().teardown()
        self.place.remove()


class FrontEndCell(IPyNbCell):  # type: ignore[misc]
    """One code cell; its outputs must be those stored."""

    def runtest(self) -> None:
        """Run the cell and compare."""
        self.parent.tried.add(self.cell_num)
        self.refuse_unchecked()
        super().runtest()
        self.parent.passed.add(self.cell_num)

    def format_output_compare(self, key: str, left: Any, right: Any) -> None:
        """Say what differs, and note it down for a report that is read by a program."""
        self.user_properties += [("stored", str(left)), ("now", str(right))]
        super().format_output_compare(key, left, right)

    def sanitize(self, text: Any) -> Any:
        """Apply the named rules; in a second run also let go of what counts the cells."""
        clean = super().sanitize(text)
        return without_counts(clean) if self.parent.again and isinstance(clean, str) else clean

    def refuse_unchecked(self) -> None:
        """Fail on what nbval would pass over in silence."""
        if self.cell.execution_count is None:
            name = self.path.stem
            self.raise_cell_error(
                f"this cell was never run, so nothing of it would be checked: run "
                f"`python -m tests.refresh {name}`"
            )
        if self.options["skip"] or not self.options["check"]:
            self.raise_cell_error(
                "this cell asks not to be checked; print a relation or a bound instead, or add a "
                "named rule to tests/sanitize.cfg"
            )
        for output in self.cell.outputs:
            unseen = {"image/png", "image/jpeg"} & set(output.get("data", {}))
            if unseen:
                self.raise_cell_error(
                    f"{unseen.pop()} outputs are not compared: show an SVG picture"
                )


class RunAgain(pytest.Item):
    """All cells a second time in the same kernel."""

    parent: FrontEndNotebook

    def runtest(self) -> None:
        """Run and compare every cell; a first run that failed or left one out has said enough."""
        if not self.parent.tried:  # asked for alone
            self._run_all()
        if len(self.parent.passed) < len(self.parent.cells):
            pytest.skip("not every cell passed in the first run")
        self.parent.again = True
        self._run_all()

    def _run_all(self) -> None:
        for cell in self.parent.cells:
            try:
                cell.runtest()
            except NbCellError as error:
                error.args = (f"in a second run of the notebook in one kernel: {error}",)
                error.cell = cell
                raise

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the cell, as for a cell of its own."""
        cell = getattr(excinfo.value, "cell", None)
        return cell.repr_failure(excinfo) if cell else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where this test is."""
        return self.path, 0, f"{self.path.name}::{self.name}"


class LeavesNothing(pytest.Item):
    """What is still there after the kernel has ended."""

    parent: FrontEndNotebook

    def runtest(self) -> None:
        """End the kernel as JupyterLab does, then look."""
        self.parent.kernel.end()
        new = (_names(self.path.parent) | _names(ROOT / "my")) - self.parent.files_before
        left = [f"file {name}" for name in sorted(new)]
        left += [f"temporary file {name}" for name in sorted(_names(self.parent.place.temporary))]
        if left:
            pytest.fail("left behind: " + "; ".join(left), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where this test is."""
        return self.path, 0, f"{self.path.name}::{self.name}"


def without_counts(text: str) -> str:
    """A text in which the numbers of cells are `N`, and of its pictures the words alone.

    Counts go up in a second run: a picture with `Out[41]` may be wider than one with `Out[1]`.

    >>> without_counts("held by Out[41], _41 and x_1")
    'held by Out[N], _N and x_1'
    """
    plain, *pictures = opened(text)
    words = [_TAG.sub(" ", picture) for picture in pictures]
    return _COUNT.sub(r"\1N\2", "\n".join([plain, *words]))


def _names(folder: Path) -> set[str]:
    """What is in a folder, by path from the folder's parent; nothing when there is no folder."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if ".ipynb_checkpoints" not in path.parts
    }
