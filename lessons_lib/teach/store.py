"""The progress file: what was answered, tried and accepted, safe against a kill at any moment.

One JSON file in the reader's folder. Every change takes a file lock, reads the file, writes the new
text to a file beside it, forces that to the disk and puts it in place in one move: whoever looks,
at whatever moment, finds the old state or the new one, and two kernels never undo each other.
What cannot be written is kept in memory, said once, and written with the next change that can be.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from lessons_lib.teach.course import ROOT

VERSION = 1
WRITE_SECONDS = 5.0
READ_SECONDS = 1.0

Made = TypeVar("Made", "Answered", "Tried")


@dataclass(frozen=True)
class Answered:
    """The letters of the first option chosen and of the last."""

    first: str
    last: str


@dataclass(frozen=True)
class Tried:
    """How often an exercise was tried, whether it was accepted, and the accepted source."""

    tries: int = 0
    accepted: bool = False
    source: str = ""


@dataclass(frozen=True)
class Record:
    """All that is remembered about a reader."""

    questions: Mapping[str, Answered] = field(default_factory=dict)
    exercises: Mapping[str, Tried] = field(default_factory=dict)

    def answer(self, id: str, letter: str) -> Record:
        """The record after an option was chosen: the first choice stays, the last is replaced.

        >>> Record().answer("02.x", "b").answer("02.x", "c").questions["02.x"]
        Answered(first='b', last='c')
        """
        before = self.questions.get(id)
        after = Answered(before.first if before else letter, letter)
        return replace(self, questions={**self.questions, id: after})

    def attempt(self, id: str, accepted: bool, source: str) -> Record:
        """The record after a try; what was accepted once stays accepted.

        >>> record = Record().attempt("02.x", True, "def f(): ...").attempt("02.x", False, "def")
        >>> record.exercises["02.x"]
        Tried(tries=2, accepted=True, source='def f(): ...')
        """
        before = self.exercises.get(id, Tried())
        kept = source if accepted else before.source
        after = Tried(before.tries + 1, before.accepted or accepted, kept)
        return replace(self, exercises={**self.exercises, id: after})

    def merge(self, other: Record) -> Record:
        """This record with what only the other has; nothing that is here is lost.

        >>> mine, other = Record().answer("02.x", "a"), Record().answer("02.x", "b")
        >>> mine.merge(other).questions["02.x"].first
        'a'
        """
        exercises = dict(self.exercises)
        for id, theirs in other.exercises.items():
            mine = exercises.get(id, Tried())
            exercises[id] = Tried(
                max(mine.tries, theirs.tries),
                mine.accepted or theirs.accepted,
                mine.source or theirs.source,
            )
        return Record({**other.questions, **self.questions}, exercises)


class Store:
    """The progress of one folder; made once for a folder and a process by `store()`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "progress.json"
        self._waiting: list[Callable[[Record], Record]] = []
        self._said: set[str] = set()
        self._to_say: list[str] = []
        self._guard = RLock()

    def read(self) -> Record:
        """What is stored, and what waits in memory to be stored."""
        with self._guard:
            return self._with_waiting(self._stored())

    def update(self, change: Callable[[Record], Record]) -> None:
        """Store a change; once this has returned without a notice, a kill cannot undo it."""
        with self._guard:
            self._waiting.append(change)
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                self._locked(self._save, WRITE_SECONDS)
            except OSError as problem:
                self._say(self._why_not(problem))
            else:
                self._waiting.clear()

    def notices(self) -> tuple[str, ...]:
        """What the reader must be told, each sentence once for a process."""
        with self._guard:
            said, self._to_say = tuple(self._to_say), []
        return said

    def _stored(self) -> Record:
        if not self.path.exists():
            return Record()
        try:
            return self._locked(self._load, READ_SECONDS)
        except OSError:  # no lock to be had: a read alone does no harm
            return self._load(set_aside=False)

    def _locked(self, work: Callable[[], Record], seconds: float) -> Record:
        from filelock import FileLock

        try:
            with FileLock(self.home / ".progress.lock", timeout=seconds, poll_interval=0.01):
                return work()
        except NotImplementedError as problem:  # a file system without locks
            raise OSError(f"no file locks: {problem}") from None

    def _save(self) -> Record:
        record = self._with_waiting(self._load())
        _put_in_place(self.path, to_json(record))
        return record

    def _load(self, set_aside: bool = True) -> Record:
        try:
            return from_json(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return Record()
        except OSError:
            if set_aside:
                raise
        except ValueError:
            if set_aside:
                self._say(
                    "The progress file could not be read. It was kept as "
                    f"{_set_aside(self.path)}, and progress starts afresh; a code copied from "
                    "progress() brings back what it holds."
                )
                return Record()
        self._say(f"The progress file in {self.home} could not be read; it was left as it is.")
        return Record()

    def _with_waiting(self, record: Record) -> Record:
        for change in self._waiting:
            record = change(record)
        return record

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._to_say.append(sentence)

    def _why_not(self, problem: OSError) -> str:
        if isinstance(problem, TimeoutError):
            return (
                f"Another program has kept the progress file busy for {WRITE_SECONDS:.0f} seconds; "
                "this is held in memory and will be written with your next answer."
            )
        return (
            f"Progress cannot be written to {self.home} ({problem.strerror or problem}). It is "
            "held in memory until this kernel ends: copy the code that progress() shows."
        )


def home() -> Path:
    """The folder of the progress file: `LESSONS_HOME`, else `my` in the course's folder."""
    chosen = os.environ.get("LESSONS_HOME")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "my"


def store() -> Store:
    """The store of the present home."""
    return _store(home())


def to_json(record: Record) -> str:
    """The record as the text of the progress file.

    >>> from_json(to_json(Record().answer("02.x", "b"))).questions
    {'02.x': Answered(first='b', last='b')}
    """
    data = {
        "version": VERSION,
        "questions": {id: vars(answered) for id, answered in sorted(record.questions.items())},
        "exercises": {id: vars(tried) for id, tried in sorted(record.exercises.items())},
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Record:
    """The record in a progress file's text; raises `ValueError` for anything else.

    >>> from_json('{"version": 1, "quest')
    Traceback (most recent call last):
    ValueError: not a progress file
    """
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError
        questions = {id: _made(Answered, one) for id, one in data["questions"].items()}
        exercises = {id: _made(Tried, one) for id, one in data["exercises"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("not a progress file") from None
    return Record(questions, exercises)


@cache
def _store(home: Path) -> Store:
    return Store(home)


def _made(kind: type[Made], fields: dict[str, Any]) -> Made:
    """An entry from its fields, each of the very type that the class says."""
    if {name: type(value).__name__ for name, value in fields.items()} != kind.__annotations__:
        raise TypeError
    return kind(**fields)


def _put_in_place(path: Path, text: str) -> None:
    """Replace a file's text so that a kill leaves the old text or the new, never a torn one."""
    aside = path.with_name(path.name + ".new")  # one name is enough: we hold the lock
    with open(aside, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def _set_aside(path: Path) -> str:
    """Move a file to a name that is free; the name."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.corrupt-{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, aside)
    return aside.name
