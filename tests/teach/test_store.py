"""The progress file: killed in the middle of writes, corrupt, locked, read-only, written by two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from lessons_lib.teach import store as module
from lessons_lib.teach.store import Answered, Record, Store, Tried, from_json, home

# A writer in a process of its own, told what to do in one line. It acknowledges each answer on its
# output once update() has returned. Asked for a place inside its last write, it says so when it has
# come there and waits to be killed: no kill is a matter of luck. Where there is fork, each line is
# done by a fork of the process, so that a kill costs a few milliseconds.
WRITER = """
import filelock, os, sys, threading
from pathlib import Path
import lessons_lib.teach.store as module

def wait_to_be_killed(*_, **__):
    print("at the gate", os.getpid(), flush=True)
    threading.Event().wait()

class Torn:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, text):
        self.file.write(text[:len(text) // 2])
        self.file.flush()
        wait_to_be_killed()

def live(folder, place, first, last):
    store = module.Store(Path(folder))
    for number in range(int(first), int(last)):
        if number == int(last) - 1 and place == "half":
            module.open = lambda *args, **rest: Torn(open(*args, **rest))
        elif number == int(last) - 1 and place != "nowhere":
            setattr(os, place, wait_to_be_killed)
        store.update(lambda record: record.answer(f"13.q{number}", "a"))
        print(number, flush=True)

for line in sys.stdin:
    if hasattr(os, "fork") and (pid := os.fork()):
        os.waitpid(pid, 0)
        print("dead", flush=True)
        continue
    live(*line.rstrip().split("|"))
    break
"""


def writer() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tell(child: subprocess.Popen[str], *plan: object) -> None:
    assert child.stdin
    child.stdin.write("|".join(map(str, plan)) + "\n")
    child.stdin.flush()


def heard(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def test_no_kill_inside_a_write_loses_what_was_acknowledged(home: Path) -> None:
    told: set[str] = set()
    child, forks = writer(), hasattr(os, "fork")
    for first, place in enumerate(["half", "fsync", "replace"] * (3 if forks else 1)):
        tell(child, home, place, first * 3, first * 3 + 3)
        while not (line := heard(child)).startswith("at the gate"):
            told.add(f"13.q{line}")
        os.kill(int(line.split()[-1]), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        if forks:
            assert heard(child) == "dead"
        else:
            child.communicate()
            child = writer()
        assert set(Store(home).read().questions) == told, place
    child.communicate()
    names = {path.name for path in home.iterdir()}
    assert names <= {"progress.json", "progress.json.new", ".progress.lock"}
    assert len(told) == (18 if forks else 6)


def test_two_processes_at_once_keep_both_sets(home: Path) -> None:
    children = [writer(), writer()]
    for at, child in enumerate(children):  # both are writing before either is waited for
        tell(child, home, "nowhere", at * 25, at * 25 + 25)
    for child in children:
        child.communicate()
    assert set(Store(home).read().questions) == {f"13.q{number}" for number in range(50)}


def test_a_corrupt_file_is_kept_aside_and_said_once(home: Path) -> None:
    home.mkdir()
    for number, text in enumerate(["{torn", '{"version": 2}', '{"version": 1}', "[]", ""], 1):
        (home / "progress.json").write_text(text)
        store = Store(home)
        assert store.read() == Record()
        aside = home / f"progress.corrupt-{number}.json"
        assert aside.read_text() == text
        (notice,) = store.notices()
        assert f"kept as {aside.name}" in notice
        assert (store.read(), store.notices()) == (Record(), ())


@pytest.mark.parametrize(
    "damage",
    [
        {"questions": {"13.x": {"first": 1, "last": "a"}}},
        {"questions": {"13.x": {"first": "a"}}},
        {"questions": ["13.x"]},
        {"exercises": {"13.x": {"tries": "1", "accepted": True, "source": ""}}},
        {"exercises": {"13.x": {"tries": 1, "accepted": 1, "source": ""}}},
        {"exercises": {"13.x": {"tries": 1, "accepted": True, "source": None}}},
    ],
)
def test_what_is_json_but_no_progress_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a progress file"):
        from_json(json.dumps({"version": 1, "questions": {}, "exercises": {}} | damage))


def test_a_home_that_cannot_be_written_works_in_memory_and_says_so_once(home: Path) -> None:
    assert Store(home).read() == Record()
    assert not home.exists()  # reading makes no folder
    home.write_text("a file where the folder should be")
    store = Store(home)
    store.update(lambda record: record.answer("13.x", "a"))
    store.update(lambda record: record.answer("13.x", "b"))
    assert store.read().questions["13.x"] == Answered("a", "b")
    (notice,) = store.notices()
    assert "Progress cannot be written" in notice
    assert "copy the code that progress() shows" in notice
    home.unlink()
    store.update(lambda record: record.attempt("13.y", True, "def é(): ...\n"))
    assert Store(home).read() == store.read()


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_read_only_home_is_read_without_a_lock(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(home).update(lambda record: record.answer("13.x", "a"))
    monkeypatch.setattr(FileLock, "acquire", refuse)
    store = Store(home)
    assert store.read().questions["13.x"].first == "a"
    store.update(lambda record: record.answer("13.y", "b"))
    assert set(store.read().questions) == {"13.x", "13.y"}
    assert "Permission denied" in store.notices()[0]
    (home / "progress.json").write_text("{torn")
    assert set(store.read().questions) == {"13.y"}
    assert "it was left as it is" in store.notices()[0]


def test_a_lock_that_stays_busy_is_said_and_the_answer_written_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(module, "READ_SECONDS", 0.0)
    store = Store(home)
    store.update(lambda record: record.answer("13.w", "a"))
    with FileLock(home / ".progress.lock"):
        store.update(lambda record: record.answer("13.x", "a"))
        assert set(store.read().questions) == {"13.w", "13.x"}
    assert "kept the progress file busy" in store.notices()[0]
    store.update(lambda record: record.answer("13.y", "a"))
    assert set(Store(home).read().questions) == {"13.w", "13.x", "13.y"}


def test_merging_loses_nothing() -> None:
    here = Record({"q": Answered("a", "b")}, {"e": Tried(3, False), "f": Tried(1, True, "mine")})
    there = Record({"q": Answered("c", "c"), "r": Answered("a", "a")}, {"e": Tried(1, True, "x")})
    assert here.merge(there) == Record(
        {"q": Answered("a", "b"), "r": Answered("a", "a")},
        {"e": Tried(3, True, "x"), "f": Tried(1, True, "mine")},
    )


def test_the_home_is_the_readers_folder_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LESSONS_HOME")
    assert home() == Path(module.__file__).parents[2] / "my"
