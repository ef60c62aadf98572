"""The words of a lesson, read from its `lesson.toml`; a mistake there is told with its line.

A question has its options under their letters, each a text and the reason why it is right or
wrong, and names the right one. The lines of a long text are joined as in Markdown: an empty line
begins a paragraph, and what is fenced stays as it is.

    [[question]]
    id = "02.last-reference"
    text = "When does the upload die?"
    a = ["when the function returns", "No. The list still holds it."]
    b = ["at `errors.clear()`", "Right. Nothing else leads to it."]
    right = "b"

    [[exercise]]
    id = "02.remember"
    name = "remember"
    hints = ["…", "…", "…"]

    [catch_up]
    say = ["A name leads to an object."]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from lessons_lib.teach.course import ROOT
from lessons_lib.teach.model import Exercise, LessonError, Option, Question, Words

ID = re.compile(r"(\d\d)\.([a-z0-9][a-z0-9-]*)")
_FENCED = re.compile(r"(^```\w*\n.*?^```$)", re.MULTILINE | re.DOTALL)
_OPTION = "an option needs a text and the reason why it is right or wrong: ['…', '…']"


def read_words(number: str, path: Path) -> Words:
    """The words in a file, parsed once for each state of it; raises `LessonError`."""
    return _parsed(number, path, path.stat().st_mtime_ns)


def mistake(path: Path, line: int, words: str) -> LessonError:
    """What is wrong with a lesson's file, in one sentence that begins with its place."""
    shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    return LessonError(f"{shown}, line {line}: {words}{'' if words.endswith('?') else '.'}")


def folded(text: str) -> str:
    r"""A text with the lines of each paragraph joined.

    >>> folded("One\nline.\n\nTwo:\n```\na\nb\n```\n")
    'One line.\n\nTwo:\n```\na\nb\n```'
    """
    parts = _FENCED.split(text.strip())
    parts[::2] = [re.sub(r"(?<=[^\n])\n *(?=[^\n ])", " ", part) for part in parts[::2]]
    return "".join(parts)


class _Table:
    """One table of the file, such as the third `[[question]]`: its values, and their lines."""

    def __init__(self, path: Path, lines: list[str], kind: str, nth: int, values: Any) -> None:
        self.path, self.lines, self.kind, self.values = path, lines, kind, values
        # tomllib says no lines of what it has read, so they are looked for again in the text.
        named = (f"[[{kind}]]", f"[{kind}]")
        heads = [at for at, line in enumerate(lines) if line.strip() in named]
        self.head = heads[nth] if nth < len(heads) else 0

    def fault(self, words: str, key: str = "") -> LessonError:
        """A mistake at a key of this table, or at its head."""
        line, here = self.head, re.compile(rf"\[*{re.escape(key or '[')}\]*\s*(=|$)")
        for at in range(self.head + 1, len(self.lines)):
            if here.match(self.lines[at]):
                line = at
                break
            if self.kind and self.lines[at].startswith("["):
                break
        name = self.values.get("id")
        return mistake(self.path, line + 1, f"{self.kind} {name}: {words}" if name else words)

    def refuse_unknown(self, known: Collection[str]) -> None:
        for key in self.values:
            if key not in known:
                raise self.fault(f"unknown key {key!r}; there are {', '.join(known)}", key)

    def tables(self, kind: str) -> list[_Table]:
        """The tables of a kind that stand in this one."""
        found = self.values.get(kind, [])
        tables = found if isinstance(found, list) else [found]
        if not all(isinstance(one, dict) for one in tables):
            raise self.fault(f"{kind} is a table with keys of its own", kind)
        return [_Table(self.path, self.lines, kind, *one) for one in enumerate(tables)]

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"{key} needs a text", key)
        return folded(value)

    def texts(self, key: str, need: str, count: int = 0) -> tuple[str, ...]:
        value = self.values.get(key)
        texts = value if isinstance(value, list) else []
        filled = [folded(text) for text in texts if isinstance(text, str) and text.strip()]
        if not filled or not len(filled) == len(texts) == (count or len(texts)):
            raise self.fault(need, key)
        return tuple(filled)

    def id(self, number: str) -> str:
        id = self.text("id")
        if not ID.fullmatch(id) or not id.startswith(f"{number}."):
            raise self.fault(f"an id is {number}, a dot, and a name in small letters", "id")
        return id


@cache
def _parsed(number: str, path: Path, _state: int) -> Words:
    text = path.read_text("utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = re.search(r"line (\d+)", str(error))
        line = int(told[1]) if told else len(text.splitlines())
        raise mistake(path, line, f"this is no TOML: {error}") from None
    whole = _Table(path, text.splitlines(), "", 0, data)
    whole.refuse_unknown(("question", "exercise", "catch_up"))
    questions, exercises = whole.tables("question"), whole.tables("exercise")
    ids = set()
    for table in questions + exercises:
        if (id := table.id(number)) in ids:
            raise table.fault("another one has this id", "id")
        ids.add(id)
    say = [sentence for table in whole.tables("catch_up") for sentence in _say(table)]
    return Words(tuple(map(_question, questions)), tuple(map(_exercise, exercises)), tuple(say))


def _say(table: _Table) -> tuple[str, ...]:
    table.refuse_unknown(("say",))
    return table.texts("say", "say needs the sentences that one can say by now")


def _question(table: _Table) -> Question:
    letters = [key for key in table.values if len(key) == 1]
    expected = ascii_lowercase[: max(2, len(letters))]
    table.refuse_unknown(("id", "text", *expected, "right"))
    right = table.values.get("right")
    if right not in letters:
        raise table.fault(
            f"right is {right!r}; it names the one right option by its letter", "right"
        )
    options = {}
    for letter in expected:
        text, why = table.texts(letter, f"{letter}: {_OPTION}", 2)
        options[letter] = Option(text, why, letter == right)
    return Question(table.text("id"), table.text("text"), options)


def _exercise(table: _Table) -> Exercise:
    table.refuse_unknown(("id", "name", "hints"))
    hints = table.texts("hints", "an exercise has three hints", 3)
    return Exercise(table.text("id"), table.text("name"), hints)
