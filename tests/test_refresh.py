"""The refresh command: a second run changes no byte, and what cannot be stored is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests import refresh, samples
from tests.samples import code, markdown, shown

WIDGET = """
import ipywidgets

class Slider(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **kinds):
        return super()._repr_mimebundle_(**kinds) | {"text/html": "<p>3</p>", "text/plain": "3"}

Slider(value=3)
"""


def test_a_second_run_changes_no_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = samples.write(
        tmp_path / "02_sample.ipynb",
        markdown("# A question?\n\nProse."),
        code("import sys\nfor n in range(30):\n    print(n, flush=True)\n6 * 7"),
        code(WIDGET),
        code("1 / 0", tags=["raises-exception"], collapsed=True),
        code("'quiet';"),
        code("len(Out), '1 and 2'"),
    )
    assert refresh.main([str(path)]) == 0
    first = path.read_bytes()
    assert refresh.main([str(path), "--check"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("  changed")
    assert told[1].endswith("  unchanged")
    assert b"\r" not in first
    assert first.endswith(b"}\n")
    _look_at(json.loads(first))


def _look_at(notebook: dict[str, Any]) -> None:
    title, counting, widget, error, quiet, held = notebook["cells"]
    assert "".join(title["source"]).startswith("# A question?\n\n[Open this lesson on Binder](http")
    assert counting["outputs"][0]["text"][-1] == "29\n"
    assert len(counting["outputs"]) == 2  # however the stream was cut, it is one
    assert set(widget["outputs"][0]["data"]) == {"text/html", "text/plain"}
    assert error["metadata"] == {"tags": ["raises-exception"]}
    assert error["outputs"][0]["ename"] == "ZeroDivisionError"
    assert quiet["outputs"] == []
    assert held["execution_count"] == 5
    assert held["outputs"][0]["data"]["text/plain"] == ["(2, '1 and 2')"]
    assert "version" not in notebook["metadata"]["language_info"]
    assert "widgets" not in notebook["metadata"]


def test_a_failing_cell_stops_the_command_and_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = samples.write(tmp_path / "03_sample.ipynb", markdown("# T"), code("{}['absent']"))
    before = path.read_bytes()
    assert refresh.main([str(path)]) == 1
    told = capsys.readouterr().err
    assert "03_sample" in told
    assert "{}['absent']" in told
    assert "KeyError" in told
    assert path.read_bytes() == before


def test_check_names_the_file_that_would_change_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = samples.write(tmp_path / "04_sample.ipynb", markdown("# T"))
    before = path.read_bytes()
    monkeypatch.setattr(refresh, "refresh", lambda _: "another text")
    assert refresh.main([str(path), "--check"]) == 1
    assert f"would change {path.as_posix()}" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_names_are_found_or_refused(tmp_path: Path) -> None:
    written = [tmp_path / "00_start_here.ipynb", tmp_path / "02_reference_counting.ipynb"]
    assert refresh.chosen(["02"], written) == written[1:]
    assert refresh.chosen(["00_start_here"], written) == written[:1]
    assert refresh.chosen([], written) == written
    with pytest.raises(refresh.RefreshError, match="no notebook is called '07'; there are: 00_st"):
        refresh.chosen(["07"], written)


def test_ids_are_kept_when_chosen_and_made_when_random() -> None:
    ids = ["kept", "0a1b2c3d", "kept", "02-003", "9e107d9d-372b-4b68-9a51-1a2b3c4d5e6f"]
    notebook = nbformat.from_dict(samples.notebook(*(markdown("x", name) for name in ids)))
    refresh.set_ids(notebook, "02_sample")
    made = [cell.id for cell in notebook.cells]
    assert made == ["kept", "02-001", "02-002", "02-003", "02-004"]
    refresh.set_ids(notebook, "02_sample")
    assert [cell.id for cell in notebook.cells] == made


def test_the_binder_link_is_put_once_and_brought_up_to_date() -> None:
    title = markdown("# T\n[Open this lesson on Binder](http://old)\nWords.")
    notebook = nbformat.from_dict(samples.notebook(title))
    refresh.set_binder_link(notebook, "02_reference_counting")
    source = notebook.cells[0].source
    assert "http://old" not in source
    assert source.startswith("# T\n\n[Open this lesson on Binder](https://mybinder.org/v2/gh/")
    assert source.endswith(")\n\nWords.")
    refresh.set_binder_link(notebook, "02_reference_counting")
    assert notebook.cells[0].source == source


def test_what_cannot_be_stored_is_refused() -> None:
    bare = code("w", {**shown(plain="W"), "data": {refresh.WIDGET_VIEW: {}, "text/plain": "W"}})
    notebook = nbformat.from_dict(samples.notebook(markdown("# T"), bare))
    with pytest.raises(refresh.RefreshError, match="no text/html to stand for it"):
        refresh.normalise(notebook, "02_sample")
    with pytest.raises(refresh.RefreshError, match="empty code cell"):
        refresh.execute(nbformat.from_dict(samples.notebook(code(" "))), Path("02_sample.ipynb"))
    with pytest.raises(refresh.RefreshError, match="starts with '# title'"):
        refresh.set_binder_link(nbformat.from_dict(samples.notebook(markdown("words"))), "02_s")
