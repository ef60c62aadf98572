"""The journal: what was acknowledged is there, wherever it is killed or cut off."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons_lib.memories.journal import Damaged, Entry, Journal, JournalBot, StepTaken

STATES = st.dictionaries(st.text(max_size=8), st.text(max_size=300) | st.integers(), max_size=4)


@settings(max_examples=15, deadline=None)
@given(st.lists(STATES, min_size=1, max_size=6), st.data())
def test_cut_off_anywhere_nothing_acknowledged_is_lost(
    states: list[dict[str, Any]], data: st.DataObject
) -> None:
    """The last line is cut at any byte, as a kill inside its write does."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder)
        for step, state in enumerate(states, 1):
            journal.put("t", step, state)
        (path,) = Path(folder).glob("*.journal")
        written = path.read_bytes()
        acknowledged = written.rfind(b"\n", 0, -1) + 1
        cut = data.draw(st.integers(acknowledged, len(written) - 1))
        path.write_bytes(written[:cut])
        before = [Entry(step, state) for step, state in enumerate(states[:-1], 1)]
        assert Journal(folder).history("t") == before
        assert Journal(folder).get("t") == (before[-1] if before else None)
        Journal(folder).put("t", len(states), states[-1])
        assert path.read_bytes() == written, "half a line was overwritten by the whole one"


def test_only_one_writer_gets_a_step(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put("t", 1, {"by": "one"})
    with pytest.raises(StepTaken, match="step 1 of 't' is taken: the journal is at step 1"):
        Journal(tmp_path).put("t", 1, {"by": "two"})
    journal.put("t", 2, {"by": "one"})
    assert Journal(tmp_path).get("t") == (2, {"by": "one"})


def test_what_was_changed_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put("t", 1, {"name": "Ada"})
    (path,) = tmp_path.glob("*.journal")
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve"))
    with pytest.raises(Damaged, match="is not what was put: its checksum differs"):
        journal.get("t")
    path.write_bytes(b"\x80\x04 something else")
    with pytest.raises(Damaged, match="which nobody began to put"):
        journal.get("t")


def test_threads_have_files_of_their_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    names = ["a", "A", "a/b", "..", "ä", "%41"]
    for number, name in enumerate(names):
        journal.put(name, 1, {"n": number})
    assert [entry.state["n"] for name in names if (entry := journal.get(name))] == list(range(6))
    assert len({path.name.lower() for path in tmp_path.glob("*.journal")}) == 6
    journal.forget("a/b")
    assert journal.get("a/b") is None


@pytest.mark.parametrize(
    ("thread", "step", "state", "says"),
    [
        ("t", 2, {}, "step 2 of 't' would leave one out: put 1 next"),
        ("t", 1, {"x": object()}, "the state of step 1 is not JSON"),
        ("", 1, {}, "the conversation is '': give its id"),
    ],
)
def test_bad_puts(tmp_path: Path, thread: str, step: int, state: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Journal(tmp_path).put(thread, step, state)
    assert os.listdir(tmp_path) == [] or Journal(tmp_path).get("t") is None


def test_back_and_back_again(tmp_path: Path) -> None:
    bot = JournalBot(tmp_path)
    for name in ("Ada", "Bob", "Eve"):
        bot.say(f"My name is {name}.")
    bot.back()
    bot.back()
    assert [message["content"] for message in bot.messages()] == ["My name is Ada.", "Hello, Ada."]
    assert len(bot.journal.history("c1")) == 8, "nothing that was taken back is lost"
    with pytest.raises(ValueError, match="turns is 2: give how many of the 1 to take back"):
        bot.back(2)
