"""Execute notebooks and write them the one way, so that a second run changes no byte.

    python -m tests.refresh                  # all lessons, and the README
    python -m tests.refresh 02 11            # these
    python -m tests.refresh README           # the table of the memory exam in the README
    python -m tests.refresh exam             # the exam of all memories that lesson 21 shows
    python -m tests.refresh --check          # write nothing; fail where a byte would change

A cell that raises stops the command with that cell shown, unless it is tagged ``raises-exception``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets import default

from lessons_lib.exam import kept
from lessons_lib.launch import binder_url
from tests import readme
from tests.kernels import KERNEL_NAME, OwnKernelSpecs, Place
from tests.project import notebooks, relative

CELL_TIMEOUT = 120  # seconds
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
BINDER_WORDS = "Open this lesson on Binder"

_KEPT_CELL_METADATA = ("tags", "jupyter", "slideshow")
_RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": KERNEL_NAME,
    },
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


class RefreshError(Exception):
    """A notebook that cannot be refreshed; the message says where and why."""


class _OwnKernelManager(AsyncKernelManager):
    @default("kernel_spec_manager")
    def _own_specs(self) -> OwnKernelSpecs:
        return OwnKernelSpecs(parent=self)


def refresh(path: Path) -> str:
    """Execute a notebook and return the text its file should have.

    Raises:
        RefreshError: When a cell fails or hangs, or a widget says nothing without a kernel.
    """
    notebook = nbformat.read(path, as_version=4)
    set_binder_link(notebook, path.stem)
    execute(notebook, path)
    normalise(notebook, path.stem)
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"


def execute(notebook: NotebookNode, path: Path) -> None:
    """Run all cells in a fresh kernel, in the notebook's folder, as a front end does."""
    blank = [cell for cell in _code_cells(notebook) if not cell.source.strip()]
    if blank:
        raise RefreshError(f"{path.name}: an empty code cell would stay un-run; remove it")
    with Place.make() as place:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name=KERNEL_NAME,
            kernel_manager_class=_OwnKernelManager,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
        )
        try:
            client.execute(env=place.environment(), stderr=subprocess.DEVNULL)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            told = _COLOURS.sub("", str(error))
            raise RefreshError(f"{path.name}: {_where(notebook)}\n{told}") from error


def _where(notebook: NotebookNode) -> str:
    """The last cell that was started."""
    started = [number for number, cell in enumerate(notebook.cells, 1) if cell.get("outputs")]
    return (
        f"stopped at or after cell {started[-1]}" if started else "stopped at the first code cell"
    )


def normalise(notebook: NotebookNode, name: str) -> None:
    """Remove what differs between two runs or two machines; give every cell a fixed id."""
    notebook.metadata = nbformat.from_dict(_NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    set_ids(notebook, name)
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in _KEPT_CELL_METADATA if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        cell.source = cell.source.strip("\n")
        for output in cell.get("outputs", []):
            _strip_output(output, cell, name)


def _strip_output(output: NotebookNode, cell: NotebookNode, name: str) -> None:
    """Drop a widget's model id: it is random, and without it JupyterLab shows the fallback."""
    if WIDGET_VIEW not in output.get("data", {}):
        return
    del output.data[WIDGET_VIEW]
    if "text/html" not in output.data:
        raise RefreshError(
            f"{name}: cell {cell.id} shows a widget that has no text/html to stand for it when the "
            "notebook is read without a kernel"
        )


def set_ids(notebook: NotebookNode, name: str) -> None:
    """Keep ids that were chosen; replace random, missing and doubled ones by number and position.

    A new id is the lesson's number and the cell's position, or the next free number after it.
    """
    number = name.split("_")[0]
    seen: set[str] = set()
    unnamed: list[tuple[int, NotebookNode]] = []
    for position, cell in enumerate(notebook.cells):
        chosen = cell.get("id", "")
        if not chosen or _RANDOM_ID.fullmatch(chosen) or chosen in seen:
            unnamed.append((position, cell))
        else:
            seen.add(chosen)
    for position, cell in unnamed:
        while (free := f"{number}-{position:03d}") in seen:
            position += 1
        cell.id = free
        seen.add(free)


def set_binder_link(notebook: NotebookNode, name: str) -> None:
    """Put the link that opens this lesson on Binder under its title, or bring it up to date."""
    first = notebook.cells[0]
    link = f"[{BINDER_WORDS}]({binder_url(name)})"
    lines = [line for line in first.source.split("\n") if not line.startswith(f"[{BINDER_WORDS}](")]
    if first.cell_type != "markdown" or not lines[0].startswith("# "):
        raise RefreshError(f"{name}: the first cell should be markdown that starts with '# title'")
    rest = "\n".join(lines[1:]).strip("\n")
    first.source = "\n\n".join(part for part in (lines[0], link, rest) if part)


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def chosen(names: Sequence[str], written: Sequence[Path]) -> list[Path]:
    """The notebooks meant by `names` (a number, a stem or a path); all when none is named.

    Raises:
        RefreshError: When a name fits no notebook.
    """
    picked: list[Path] = []
    for name in names:
        stem = Path(name).stem
        fits = [path for path in written if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if not fits:
            there = ", ".join(path.stem for path in written) or "none yet"
            raise RefreshError(f"no notebook is called {name!r}; there are: {there}")
        picked += fits
    return picked or list(written)


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the notebooks asked for; 0 when all is well, 1 when one failed or would change."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.refresh", description="Execute notebooks and write them the one way."
    )
    parser.add_argument(
        "names", nargs="*", help="lesson numbers, names or paths, README, exam (default: all)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where it would")
    options = parser.parse_args(arguments)
    try:
        lessons = [name for name in options.names if name not in _TABLES]
        tables = [name for name in _TABLES if name in options.names or not options.names]
        # the exam first: lesson 21 shows what it has found
        results = [_TABLES[name](options.check) for name in tables]
        paths = [] if options.names and not lessons else chosen(lessons, _candidates(lessons))
        results += [_one(path, options.check) for path in paths]
    except RefreshError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0 if all(results) else 1


def _candidates(names: Sequence[str]) -> list[Path]:
    """The course's notebooks, and any that were named by an existing path."""
    elsewhere = [Path(name).resolve() for name in names if name.endswith(".ipynb")]
    return sorted({*notebooks(), *(path for path in elsewhere if path.is_file())})


def _one(path: Path, check: bool) -> bool:
    return _written(path, refresh, "code cells", '"cell_type": "code"', check)


def _readme(check: bool) -> bool:
    pictures = [_written(one, readme.picture, "pictures", "<svg", check) for one in readme.PICTURES]
    return _written(readme.README, readme.refresh, "tables", readme.BEGIN, check) and all(pictures)


def _exam(check: bool) -> bool:
    return _written(kept.FILE, readme.sat_by_all, "memories", '"answers": ', check)


_TABLES = {"exam": _exam, "README": _readme}
"""What is written from a run of the memory exam, by the name that is given to the command."""


def _written(path: Path, make: Callable[[Path], str], parts: str, part: str, check: bool) -> bool:
    """Make a file's text and write it, or look whether it would change; says which."""
    print(f"{path.stem:32}", end="", flush=True)
    started = time.perf_counter()
    text = make(path)
    seconds = time.perf_counter() - started
    same = path.read_bytes() == text.encode("utf-8")
    if not same and not check:
        path.write_text(text, encoding="utf-8", newline="\n")
    said = "unchanged" if same else f"would change {relative(path)}" if check else "changed"
    print(f"{text.count(part):4d} {parts:10} {seconds:6.1f} s  {said}", flush=True)
    return same or not check


if __name__ == "__main__":
    raise SystemExit(main())
