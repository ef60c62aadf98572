"""The reader's copies of the lessons, in ``my/``: laid out, kept, never overwritten.

A copy begins without outputs and numbers: the answer to a prediction is the reader's to find, and
no cell looks as if it had run. A manifest holds the digest of what was laid out. A copy that still
has it follows a newer lesson; one that the reader saved is theirs.
"""

import json
import os
import platform
from itertools import count
from pathlib import Path

from lessons_lib.launch.files import alone, digest, sweep, write_whole
from lessons_lib.launch.project import HERE, Project
from lessons_lib.launch.trouble import Trouble

MANIFEST = ".lessons.json"


def lessons(project: Project = HERE) -> "tuple[Path, ...]":
    """The lessons that are written, in order."""
    return tuple(sorted(project.lessons.glob("[0-9][0-9]_*.ipynb")))


def find_lesson(which: str, project: Project = HERE) -> Path:
    """The lesson that the reader means by its number or name; raises Trouble if there is none."""
    stem = which.strip().removesuffix(".ipynb")
    wanted = stem.zfill(2) if stem.isdigit() else stem
    for lesson in lessons(project):
        if wanted in (lesson.stem[:2], lesson.stem):
            return lesson
    written = ", ".join(lesson.stem[:2] for lesson in lessons(project)) or "none yet"
    raise Trouble(f"There is no lesson {which!r}: name one by its number ({written}).", 2)


def not_yet_run(lesson: Path) -> bytes:
    """A lesson as a reader first meets it: no output, no execution number.

    It names this Python, as JupyterLab would on opening it: else it looked modified at once.
    """
    try:
        notebook = json.loads(lesson.read_bytes())
        if "language_info" in notebook["metadata"]:
            notebook["metadata"]["language_info"]["version"] = platform.python_version()
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
    except (ValueError, TypeError, KeyError) as error:
        raise Trouble(
            f"{lesson} is no notebook ({type(error).__name__}): take it again from where you got "
            "the course."
        ) from None
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def read_manifest(project: Project = HERE) -> "dict[str, str]":
    """What was laid out, by name; empty if that cannot be read (then every change counts)."""
    try:
        manifest = json.loads((project.copies / MANIFEST).read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in manifest["laid_out"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write_manifest(laid_out: "dict[str, str]", project: Project) -> None:
    data = json.dumps({"laid_out": laid_out}, indent=1, sort_keys=True) + "\n"
    write_whole(project.copies / MANIFEST, data.encode())


def lay_out(project: Project = HERE) -> "list[str]":
    """Give the reader a copy of each lesson, touching none that they have changed.

    Returns the lines for the reader; none where nothing happened.
    """
    with alone(project.root):
        project.copies.mkdir(exist_ok=True)
        sweep(project.copies)
        before = read_manifest(project)
        after, did = dict(before), dict[str, str]()
        for lesson in lessons(project):
            name, data = lesson.name, not_yet_run(lesson)
            did[name] = _what_to_do(project.copies / name, digest(data), before.get(name))
            if did[name] in ("new", "renewed"):
                write_whole(project.copies / name, data)
            if did[name] in ("new", "renewed", "same"):
                after[name] = digest(data)
        if after != before:
            _write_manifest(after, project)
    return _words(did)


def _what_to_do(copy: Path, lesson: str, laid_out: "str | None") -> str:
    """Decide on one copy from the digests of the lesson now and as it was laid out."""
    if not copy.exists():
        return "new"
    mine = digest(copy.read_bytes())
    if mine == lesson:
        return "same"
    if mine == laid_out:
        return "renewed"
    return "keep" if laid_out == lesson else "moved on"


def _words(did: "dict[str, str]") -> "list[str]":
    """What was done with each lesson, as lines for the reader."""
    numbers = {kind: [name[:2] for name in did if did[name] == kind] for kind in did.values()}
    lines = []
    if "new" in numbers:
        lines.append(f"Your copies are in my/: {len(numbers['new'])} laid out.")
    if "renewed" in numbers:
        renewed = ", ".join(numbers["renewed"])
        lines.append(f"Renewed in my/, where you had changed nothing: {renewed}.")
    for number in numbers.get("moved on", ()):
        lines.append(
            f"Lesson {number} has a newer version than the copy you work in: "
            f"`python3 -m lessons_lib fresh {number}` lays it out and keeps yours."
        )
    return lines


def fresh(which: str, project: Project = HERE) -> str:
    """Lay one lesson out afresh, keeping the reader's copy aside; returns what to tell them."""
    lesson = find_lesson(which, project)
    copy, data = project.copies / lesson.name, not_yet_run(lesson)
    aside = ""
    with alone(project.root):
        project.copies.mkdir(exist_ok=True)
        laid_out = read_manifest(project)
        if _what_to_do(copy, digest(data), laid_out.get(lesson.name)) in ("keep", "moved on"):
            aside = f"; your own is kept as my/{keep_aside(copy).name}"
        write_whole(copy, data)
        _write_manifest({**laid_out, lesson.name: digest(data)}, project)
    return (
        f"my/{copy.name} is fresh{aside}. If it is open, load the page again before you save there."
    )


def keep_aside(copy: Path) -> Path:
    """Keep a copy under the next free name; the copy itself stays until it is replaced."""
    names = (copy.with_name(f"{copy.stem}.kept-{number}.ipynb") for number in count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    write_whole(kept, copy.read_bytes())
    return kept
