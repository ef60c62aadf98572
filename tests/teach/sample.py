"""A small, complete lesson that only the tests ask, as 13; as 14 it has its words alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lessons_lib.teach import loader
from tests import samples
from tests.proof import asked
from tests.samples import code

LESSON = Path(__file__).parent / "lesson_13"
WORDS = (LESSON / "lesson.toml").read_text("utf-8")

CELLS = (
    code("import gc", tags=["catch-up"]),
    code(
        "class Upload:\n    def __init__(self, name):\n        self.name = name",
        tags=["catch-up"],
    ),
    code("print('not for a latecomer')"),
    code(
        "def parse(upload):\n    return Upload(upload.name)\n\n\nlimit = 3\nprint(limit)",
        tags=["catch-up"],
    ),
    code("def double(number):\n    ..."),
    code("check('13.double', double)"),
    code("class Bag:\n    def __init__(self):\n        self.items = [1]"),
    code('check("13.bag", Bag)'),
    code("answer = 0"),
    code("check('13.answer', answer)"),
)


def install(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Have the sample found where lessons 13 and 14 would be; what must be made is made here."""
    place.mkdir()
    samples.write(place / "13_sample.ipynb", *map(dict, CELLS))
    (place / "lesson_14").mkdir()
    words = WORDS.replace('"13.', '"14.').partition("[catch_up]")[0]
    (place / "lesson_14/lesson.toml").write_text(words, "utf-8")
    own = {"13": LESSON, "14": place / "lesson_14"}
    folder, notebook = loader.folder, loader.notebook
    patch.setattr(loader, "folder", lambda number: own.get(number) or folder(number))
    notebooks = {"13": place / "13_sample.ipynb"}
    patch.setattr(loader, "notebook", lambda number: notebooks.get(number) or notebook(number))


with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
    install(patch, Path(folder) / "sample")
    DOUBLE, BAG, ANSWER = asked("13.double"), asked("13.bag"), asked("13.answer")
