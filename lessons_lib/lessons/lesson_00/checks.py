"""What judges the exercises of lesson 00, Start here."""

import atexit
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.memories import Crash, Life, Message, crash, moment, reply
from lessons_lib.teach.model import NotYet

# --- Exercise 1: send less ------------------------------------------------------------------

BUDGET = 4
QUESTION = "What is my name?"


def history_of(turns: int, name: str) -> list[Message]:
    """A conversation that begins with a name, goes on for `turns` turns, and asks for the name."""
    messages: list[Message] = [{"role": "user", "content": f"My name is {name}."}]
    for turn in range(turns):
        messages.append({"role": "assistant", "content": f"Noted, number {turn}."})
        messages.append(
            {"role": "user", "content": f"My printer smokes again, for the {turn}th time."}
        )
    return [*messages, {"role": "user", "content": QUESTION}]


def judge_held(history: list[Message], before: list[Message]) -> None:
    if len(history) != len(before):
        raise NotYet(
            f"the history itself has changed: it held {len(before)} messages and now holds "
            f"{len(history)}. Choose what is sent, and leave alone what is held."
        )
    if history != before:
        raise NotYet(
            "a message of the history was rewritten. It is the same object as the one that is "
            "held: make a new message, and leave alone what is held."
        )


def judge_sent(sent: Any, history: list[Message], name: str) -> None:
    if not isinstance(sent, list | tuple):
        raise NotYet(f"to_send returned {type(sent).__name__}, expected a list of messages.")
    length = len(history)
    if len(sent) > BUDGET:
        raise NotYet(f"{len(sent)} messages were sent of {length}; the budget is {BUDGET}.")
    if not sent or sent[-1]["content"] != QUESTION:
        raise NotYet("the last message sent is not the customer's question, so nobody answers it.")
    if any(message in sent[:place] for place, message in enumerate(sent)):
        raise NotYet(
            f"a short history of {length} messages became {len(sent)}: "
            "two slices overlap, and a message was sent twice."
        )
    longest = max(len(message["content"]) for message in history)
    if length > BUDGET and characters(sent) > BUDGET * longest:
        raise NotYet(
            f"{len(sent)} messages with {characters(sent)} characters: the whole history is still "
            "sent, in a longer message. A model's price goes by the length of the text."
        )
    judge_answer(reply(sent), sent, name)


def judge_answer(answer: str, sent: Sequence[Message], name: str) -> None:
    if answer == reply([{"role": "user", "content": QUESTION}]):
        if any(name in message["content"] for message in sent):
            raise NotYet(
                f"the bot answered {answer!r}. The name was sent, but not as our model by rules "
                "reads it: in a message of the user or the system, in the words “My name is …”."
            )
        raise NotYet(
            f"the bot answered {answer!r}. You hold the name, but did not send it: "
            "to the model it never existed."
        )
    if name not in answer:
        raise NotYet(
            f"the bot answered {answer!r}, and the customer is {name}: take the name from the "
            "history that you were given. There is more than one customer."
        )


def characters(messages: Sequence[Message]) -> int:
    """How much text there is in some messages."""
    return sum(len(message["content"]) for message in messages)


def check_to_send(to_send: Callable[[list[Message]], list[Message]]) -> str:
    """Prove that at most four messages are sent and that the bot still knows the name."""
    for turns, name in ((20, "Ada"), (3, "Linus"), (0, "Grace")):
        history = history_of(turns, name)
        before = deepcopy(history)
        sent = to_send(history)
        judge_held(history, before)
        judge_sent(sent, before, name)
    return f"never more than {BUDGET} messages sent, and the bot knows the name after 20 turns."


# --- Exercise 2: survive without a graph ----------------------------------------------------

ENTRIES = ["My name is Ada.", "My printer smokes.", "It is off now."]
WRITTEN = "three entries added"
LATER = "It smokes again."
COUNTS_ON_EXIT = "something is registered to run at exit"


class Found(NamedTuple):
    """What a new process found: the entries, the files left, and how it went on from there.

    `same` and `later` are read after one more entry, by the diary that added it and by another.
    `emptied` says that what the files held went when the new process made a diary and read it.
    """

    read: Any
    left: dict[str, bytes]
    emptied: bool = False
    same: Any = None
    later: Any = None
    empty: Any = None


def write_and_kill(diary: Callable[[Path], Any]) -> Crash:
    """Add the entries in a process that is killed, and go on with the diary in a new one.

    The last life returns `Found`: what was read, and the bytes that the first had left.
    """

    def tell(folder: Path) -> None:
        before = atexit._ncallbacks()
        mine = diary(folder)
        for entry in ENTRIES:
            mine.add(entry)
        if atexit._ncallbacks() > before:
            moment(COUNTS_ON_EXIT)
        moment(WRITTEN)

    def ask(folder: Path) -> Found:
        left = files_in(folder)
        read = diary(folder).read()
        if isinstance(read, Iterator):
            return Found(tuple(read), left)
        if read != ENTRIES:
            return Found(read, left, not any(files_in(folder).values()))
        mine = diary(folder)
        mine.add(LATER)
        later = mine.read(), diary(folder).read(), first_page(diary, folder)
        return Found(read, left, False, *later)

    return crash(tell, WRITTEN, then=ask)


def files_in(folder: Path) -> dict[str, bytes]:
    """The bytes of each file that a diary has written."""
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def first_page(diary: Callable[[Path], Any], folder: Path) -> Any:
    """What a diary that has just been begun says, in a folder of its own."""
    empty = folder / "empty"
    empty.mkdir()
    try:
        return diary(empty).read()
    except Exception as error:
        return type(error)


def check_diary(diary: Callable[[Path], Any]) -> str:
    """Prove that every entry is read by a new process after a kill, and that it can go on."""
    first, *later = write_and_kill(diary).lives
    if not later:
        raise NotYet(f"adding three entries failed: the process {first.ended}.")
    (second,) = later
    if second.error or not isinstance(second.value, Found):
        raise NotYet(f"reading in a new process failed: it {second.ended}. {second.error}".strip())
    found = second.value
    if not found.read:
        raise NotYet("the new process read nothing. " + why_nothing(first, found))
    if not found.left:
        raise NotYet(
            "the new process read entries, and no file is in the folder that the diary was given. "
            "Write there, or all diaries are one."
        )
    if found.read != ENTRIES:
        raise NotYet(f"the new process read {shortened(found.read)}. {why_not_all(found.read)}")
    judge_going_on(found)
    return (
        "three entries added, the process killed, three entries read by the next one, which then "
        "added a fourth."
    )


def why_not_all(read: Any) -> str:
    """The likeliest reason why something was read, and not the three entries."""
    if isinstance(read, str):
        return "That is one string; read() should return a list with an entry for each `add`."
    entries = list(read)
    if entries == ENTRIES:
        return "The entries are right, and read() should return them in a list."
    if entries == [(entry,) for entry in ENTRIES]:
        return "Those are rows, each a tuple with one string in it: take it out."
    if not all(isinstance(entry, str) for entry in entries):
        return "An entry should be the string that was given to `add`."
    if [entry.strip() for entry in entries if entry.strip()] == ENTRIES:
        return (
            "The entries are all there, with line ends that belong to the file and not to them: "
            "`splitlines()` takes them off."
        )
    if entries == ["".join(ENTRIES)]:
        return "The entries ran together: write a line end after each."
    if entries == ENTRIES[-1:]:
        return "Only the last is left: opening a file with mode 'w' throws away what it held."
    return f"Expected all {len(ENTRIES)} entries, in order."


def judge_going_on(found: Found) -> None:
    if found.later == [LATER]:
        raise NotYet(
            "the new process read three entries, added one, and the three were gone: it wrote the "
            "file anew from what it *held*, and it held only its own."
        )
    if found.same != [*ENTRIES, LATER]:
        raise NotYet(
            f"the diary that added a fourth entry reads {shortened(found.same)}: it shows what it "
            "held when it was made, and not what is stored by now."
        )
    if found.later != [*ENTRIES, LATER]:
        raise NotYet(f"after a fourth entry a new diary reads {shortened(found.later)}.")
    if found.empty != []:
        error = isinstance(found.empty, type)
        told = f"raised {found.empty.__name__}" if error else f"gave {found.empty!r}"
        raise NotYet(
            f"a diary without an entry should read [], and {told}. On the first day there is no "
            "file yet."
        )


def shortened(read: Any) -> str:
    """What was read, on at most one line."""
    text = repr(read)
    return text if len(text) <= 120 else text[:117] + "…"


def why_nothing(first: Life, found: Found) -> str:
    """The likeliest reason why a new process read nothing, from what the first one left."""
    left = found.left
    if COUNTS_ON_EXIT in first.passed:
        return "You save at exit, and a killed process has no exit: `atexit` never ran."
    if not left:
        return "The entries were held by the process, and nothing was stored."
    if not any(left.values()):
        return (
            "The file is there and empty: the text was still in the process's buffer. "
            "Closing a file writes it out; so does `flush()`."
        )
    if any(data.startswith(b"SQLite format 3") for data in left.values()):
        return (
            "There is a database, and no entry in it: what was not committed is taken back when "
            "the process dies."
        )
    if found.emptied:
        return "The entries were in the file until a new diary was made, which emptied it."
    if found.read is None:
        return "The file has something in it, but read() returned None, expected a list."
    return "There is a file with something in it, but read() found no entry there."


CHECKS = {
    "00.to-send": check_to_send,
    "00.diary": check_diary,
}
