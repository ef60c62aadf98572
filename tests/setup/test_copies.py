"""The reader's copies: theirs once they saved, followed until then, never lost."""

import json
import os
from pathlib import Path

import pytest

from lessons_lib.launch import copies
from lessons_lib.launch.project import Project
from lessons_lib.launch.trouble import Trouble
from tests.setup.fake import notebook

NAMES = ("00_start_here.ipynb", "02_reference_counting.ipynb")
RENEWED = "Renewed in my/, where you had changed nothing: 00."
MOVED_ON = (
    "Lesson {0} has a newer version than the copy you work in: `python3 -m lessons_lib fresh {0}` "
    "lays it out and keeps yours."
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.lessons.mkdir()
    for name in NAMES:
        (project.lessons / name).write_bytes(notebook(name))
    (project.lessons / "TEACHING.md").write_text("for teachers")
    return project


def test_the_first_time_lays_everything_out(project: Project) -> None:
    assert copies.lay_out(project) == ["Your copies are in my/: 2 laid out."]
    assert {path.name for path in project.copies.iterdir()} == {*NAMES, copies.MANIFEST}
    for name in NAMES:
        assert (project.copies / name).read_bytes() == (project.lessons / name).read_bytes()
    assert copies.lay_out(project) == []


def test_a_copy_begins_without_outputs_and_numbers(project: Project) -> None:
    ran = json.loads(notebook("ran"))
    output = {"output_type": "stream", "name": "stdout", "text": ["the answer"]}
    cell = {"cell_type": "code", "id": "b", "metadata": {"tags": ["x"]}, "source": ["1"]}
    ran["cells"].append({**cell, "execution_count": 7, "outputs": [output]})
    (project.lessons / NAMES[0]).write_text(json.dumps(ran))
    copies.lay_out(project)
    copies.fresh("00", project)
    laid = json.loads((project.copies / NAMES[0]).read_text())
    assert laid["cells"][1] == {**cell, "execution_count": None, "outputs": []}
    (project.lessons / NAMES[0]).write_text("no notebook")
    with pytest.raises(Trouble, match=r"00_start_here.ipynb is no notebook"):
        copies.fresh("00", project)


@pytest.mark.parametrize("lesson", copies.lessons(), ids=lambda path: path.stem)
def test_every_lesson_begins_with_nothing_run(lesson: Path) -> None:
    cells = json.loads(copies.not_yet_run(lesson))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_a_copy_that_the_reader_changed_is_never_touched(project: Project) -> None:
    copies.lay_out(project)
    mine = project.copies / NAMES[1]
    mine.write_bytes(notebook("mine"))
    assert copies.lay_out(project) == []
    (project.lessons / NAMES[1]).write_bytes(notebook("newer"))
    (said,) = copies.lay_out(project)
    assert said == MOVED_ON.format("02")
    assert mine.read_bytes() == notebook("mine")
    # Said again at each start until it is dealt with.
    assert copies.lay_out(project) == [said]


def test_an_untouched_copy_follows_a_newer_lesson(project: Project) -> None:
    copies.lay_out(project)
    (project.lessons / NAMES[0]).write_bytes(notebook("newer"))
    assert copies.lay_out(project) == [RENEWED]
    assert (project.copies / NAMES[0]).read_bytes() == notebook("newer")


def test_a_deleted_copy_comes_back(project: Project) -> None:
    copies.lay_out(project)
    (project.copies / NAMES[0]).unlink()
    assert copies.lay_out(project) == ["Your copies are in my/: 1 laid out."]


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"laid_out": 3}'])
def test_without_a_manifest_every_change_counts_as_the_readers(
    project: Project, manifest: str
) -> None:
    copies.lay_out(project)
    (project.copies / NAMES[0]).write_bytes(notebook("mine"))
    (project.copies / copies.MANIFEST).write_text(manifest)
    assert copies.lay_out(project) == [MOVED_ON.format("00")]
    assert (project.copies / NAMES[0]).read_bytes() == notebook("mine")
    assert json.loads((project.copies / copies.MANIFEST).read_text())["laid_out"].keys() == {
        NAMES[1]
    }


def test_a_kill_before_the_new_bytes_are_in_place_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.lay_out(project)
    (project.lessons / NAMES[0]).write_bytes(notebook("newer"))

    def killed(*_: object) -> None:
        # As after SIGKILL: what was written aside stays, since nobody is left to clear it away.
        os._exit(9)

    child = os.fork() if hasattr(os, "fork") else pytest.skip("there is no fork here")
    if child == 0:
        monkeypatch.setattr("lessons_lib.launch.files.os.replace", killed)
        copies.lay_out(project)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (project.copies / NAMES[0]).read_bytes() == notebook(NAMES[0])
    assert any(path.name.endswith(".aside") for path in project.copies.iterdir())
    assert copies.lay_out(project) == [RENEWED]
    assert {path.name for path in project.copies.iterdir()} == {*NAMES, copies.MANIFEST}


def test_a_kill_before_the_manifest_is_no_change_of_the_readers(project: Project) -> None:
    copies.lay_out(project)
    old = (project.copies / copies.MANIFEST).read_bytes()
    (project.lessons / NAMES[0]).write_bytes(notebook("newer"))
    copies.lay_out(project)
    (project.copies / copies.MANIFEST).write_bytes(old)
    assert copies.lay_out(project) == []
    (project.lessons / NAMES[0]).write_bytes(notebook("newest"))
    assert copies.lay_out(project) == [RENEWED]


@pytest.mark.parametrize("which", ["2", "02", "02_reference_counting", NAMES[1]])
def test_fresh_keeps_the_readers_copy_under_the_next_free_name(
    project: Project, which: str
) -> None:
    copies.lay_out(project)
    for number in (1, 2):
        (project.copies / NAMES[1]).write_bytes(notebook(f"try {number}"))
        said = copies.fresh(which, project)
        assert f"02_reference_counting.kept-{number}.ipynb" in said
    for number in (1, 2):
        kept = project.copies / f"02_reference_counting.kept-{number}.ipynb"
        assert kept.read_bytes() == notebook(f"try {number}")
    assert (project.copies / NAMES[1]).read_bytes() == notebook(NAMES[1])
    assert copies.lay_out(project) == []


def test_fresh_keeps_no_copy_of_what_was_not_changed(project: Project) -> None:
    copies.lay_out(project)
    assert copies.fresh("00", project).startswith("my/00_start_here.ipynb is fresh. If it is open")
    assert {path.name for path in project.copies.iterdir()} == {*NAMES, copies.MANIFEST}


def test_a_lesson_that_there_is_not_is_named(project: Project) -> None:
    with pytest.raises(Trouble, match=r"no lesson '77': name one by its number \(00, 02\)"):
        copies.find_lesson("77", project)
