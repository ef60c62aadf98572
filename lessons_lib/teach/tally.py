"""`progress` and `restore`: the whole course in one table, and a code that carries it elsewhere."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape

from lessons_lib.teach import look
from lessons_lib.teach.codes import CodeError, Decoded, decode, encode
from lessons_lib.teach.course import LESSONS, Lesson
from lessons_lib.teach.loader import load
from lessons_lib.teach.model import Words
from lessons_lib.teach.store import Record, store

_HEADS = ("", "Lesson", "Predictions", "Exercises")
_NO_CODE = "Nothing to carry away yet: answer a prediction, and a code appears here."


@dataclass(frozen=True)
class Line:
    """How far the reader is in one lesson; `right` counts first answers only."""

    lesson: Lesson
    questions: int
    answered: int
    right: int
    exercises: int
    accepted: int

    @property
    def done(self) -> bool:
        """Whether nothing is left to do here: every prediction made, every exercise solved."""
        return self.answered == self.questions and self.accepted == self.exercises

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line in words."""
        right = f", {self.right} right at first" if self.answered else ""
        predictions = _of(self.answered, self.questions) + right
        exercises = _of(self.accepted, self.exercises)
        return self.lesson.number, self.lesson.title, predictions, exercises


@dataclass(frozen=True)
class Progress:
    """The whole course: a line for each lesson, the code to copy, the accepted answers."""

    lines: tuple[Line, ...]
    code: str
    accepted: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    @property
    def next(self) -> Lesson | None:
        """The first lesson in which something is left to do."""
        return next((line.lesson for line in self.lines if not line.done), None)

    @property
    def download(self) -> str:
        """The accepted answers as one Python file; empty when there are none."""
        return "\n\n".join(f"# {id}\n{source.rstrip()}\n" for id, source in self.accepted)

    def __repr__(self) -> str:
        rows = [_HEADS, *(line.cells for line in self.lines)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        after = [f"Next: {self.next.number} {self.next.title}."] if self.next else []
        return "\n".join([*table, "", *after, self._code_plain(), *self.notes])

    def _repr_html_(self) -> str:
        after = f"<p>Next: {_link(self.next)}.</p>" if self.next else ""
        notes = look.small(self.notes)
        return _table(self.lines) + after + self._code_html() + self._download_html() + notes

    def _code_plain(self) -> str:
        return f'Elsewhere: restore("{self.code}")' if self.code else _NO_CODE

    def _code_html(self) -> str:
        if not self.code:
            return f"<p>{_NO_CODE}</p>"
        call = f"restore(&quot;{escape(self.code)}&quot;)"
        style = "user-select:all;overflow-wrap:anywhere;font-size:1.1em"
        return (
            "<p>To go on elsewhere, copy this (one click selects it) and run it there:<br>"
            f'<code style="{style}">{call}</code></p>'
        )

    def _download_html(self) -> str:
        if not self.accepted:
            return ""
        data = b64encode(self.download.encode()).decode()
        return (
            f'<p><a download="my_answers.py" href="data:text/x-python;base64,{data}">'
            f"Download your accepted answers ({len(self.accepted)})</a></p>"
        )


@dataclass(frozen=True, repr=False)
class Restored(look.Told):
    """What a code brought back, or why it could not be used; true when it brought something."""

    done: bool

    def __bool__(self) -> bool:
        return self.done


def progress() -> Progress:
    """How far you are in the whole course, with a code that restores it elsewhere."""
    kept = store()
    record = kept.read()
    lines = tuple(_line(lesson, load(lesson.number), record) for lesson in LESSONS)
    accepted = tuple((id, t.source) for id, t in sorted(record.exercises.items()) if t.source)
    return Progress(lines, encode(record), accepted, kept.notices())


def restore(code: str) -> Restored:
    """Add what a code from `progress()` holds to what is here; nothing that is here is lost."""
    if not isinstance(code, str) or not code.strip():
        return _restored(False, "Put the code that progress() shows between the quotes.")
    try:
        decoded = decode(code)
    except CodeError as fault:
        return _restored(False, f"Nothing was restored. {fault}")
    kept = store()
    kept.update(lambda record: record.merge(decoded.record))
    return _restored(bool(decoded.brought), _told(decoded), *kept.notices())


def _restored(done: bool, *sentences: str) -> Restored:
    html = look.panel("<br>".join(map(escape, sentences)), role="status")
    return Restored("\n".join(sentences), html, done)


def _told(decoded: Decoded) -> str:
    sentences = []
    if decoded.brought:
        answered = _count(len(decoded.record.questions), "prediction")
        accepted = sum(tried.accepted for tried in decoded.record.exercises.values())
        solved, numbers = _count(accepted, "solved exercise"), ", ".join(decoded.brought)
        sentences.append(f"Restored for lessons {numbers}: {answered}, {solved}.")
    if decoded.changed:
        one, numbers = len(decoded.changed) == 1, ", ".join(decoded.changed)
        sentences.append(
            f"{f'Lesson {numbers} has' if one else f'Lessons {numbers} have'} changed since the "
            f"code was made; what it says about {'it' if one else 'them'} was left out."
        )
    return " ".join(sentences)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _line(lesson: Lesson, words: Words, record: Record) -> Line:
    answered = [q for q in words.questions if q.id in record.questions]
    tried = [record.exercises.get(exercise.id) for exercise in words.exercises]
    return Line(
        lesson,
        questions=len(words.questions),
        answered=len(answered),
        right=sum(record.questions[q.id].first == q.right for q in answered),
        exercises=len(words.exercises),
        accepted=sum(bool(one and one.accepted) for one in tried),
    )


def _of(done: int, all: int) -> str:
    if not all:
        return "–"
    return f"{done} of {all}" + (f" {look.RIGHT}" if done == all else "")


def _link(lesson: Lesson) -> str:
    """A lesson's name as a link to the reader's copy, which lies beside the one they are in."""
    return f'<a href="{lesson.slug}.ipynb">{lesson.number} {escape(lesson.title)}</a>'


def _table(lines: tuple[Line, ...]) -> str:
    left = 'style="text-align:left'
    heads = "".join(f'<th scope="col" {left}">{head}</th>' for head in _HEADS[1:])
    rows = ""
    for line in lines:
        shown = "".join(f'<td {left}">{escape(cell)}</td>' for cell in line.cells[2:])
        name = f'<th scope="row" {left};font-weight:normal">{_link(line.lesson)}</th>'
        rows += f"<tr>{name}{shown}</tr>"
    return (
        f'<div style="overflow-x:auto"><table class="rc-progress" {left}">'
        f"<caption>Your progress</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
