"""Lesson 00, start here: its questions, exercises and their checks."""

import atexit
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.memories import Crash, Life, Message, crash, moment, reply
from lessons_lib.teach.model import Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "00.model",
        "The model is called with “My name is Ada.” A second call sends only “What is my name?” "
        "What does it answer?",
        (
            Option(
                "“Ada”: it was told a moment ago",
                "No. The two calls have nothing in common but the function that runs.",
            ),
            Option(
                "It does not know",
                "Right. The second call was sent one message, and no name is in it.",
                right=True,
            ),
            Option(
                "It depends on how much time has passed",
                "No. Time plays no part. A model knows what it is sent and nothing else.",
            ),
        ),
    ),
    Question(
        "00.kill-dict",
        "The bot on a dict is told a name, and its process is killed. A new process makes a new "
        "bot and asks. What does it know?",
        (
            Option(
                "The name: the dict was not deleted",
                "No. Nobody needs to delete it. The process was where it lived.",
            ),
            Option(
                "Nothing",
                "Right. A dict is held by its process and shares its fate.",
                right=True,
            ),
            Option(
                "The name, if the process had time to clean up",
                "No. `kill -9` gives no time, and a clean-up that saves nothing would not help.",
            ),
        ),
    ),
    Question(
        "00.kill-graph",
        "The same with the bot on a checkpointed graph. The new process is handed the question and "
        "the thread id `ada`. What does it know?",
        (
            Option(
                "Nothing: the graph object died too",
                "No. The graph object did die. The checkpoints are in a file and did not.",
            ),
            Option(
                "The name, because the model learned it",
                "No. The model learned nothing. The graph read the messages and sent them again.",
            ),
            Option(
                "The name, read from the file under the thread id",
                "Right. The file and the key survived the process.",
                right=True,
            ),
        ),
    ),
    Question(
        "00.exam",
        "Three questions: recall within a conversation, two conversations apart, survive a kill "
        "between turns. Which of them does the bot on a dict pass?",
        (
            Option(
                "All three",
                "No. You have seen it die: it does not survive the kill of its process.",
            ),
            Option(
                "The first two",
                "Right. Within one process the dict is a good memory, and the keys keep "
                "conversations apart.",
                right=True,
            ),
            Option(
                "Only the first",
                "No. Each conversation has its own list under its own key, so they stay apart.",
            ),
        ),
    ),
)


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
    """Raise NotYet when the history is no longer what it was before."""
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
    """Raise NotYet unless `sent` is a right choice from a history."""
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
    """Raise NotYet unless the bot knew the customer's name from what it was sent."""
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


TO_SEND = Exercise(
    id="00.to-send",
    name="to_send",
    task="Send at most four messages, and keep the name among them.",
    stub=code("""
            def to_send(history):
                return history
            """),
    solution=code("""
            def to_send(history):
                if len(history) <= 4:
                    return history
                return history[:1] + history[-3:]
            """),
    alternatives=(
        code("""
            def to_send(history):
                names = [m for m in history[:-1] if 'name is' in m['content']]
                return names[:1] + history[-1:]
            """),
        code("""
            def to_send(history):
                return history[0], history[-1]
            """),
        code("""
            def to_send(history):
                kind = {"role": "system", "content": "Be kind."}
                return [kind, *history[:-1][:1], history[-1]]
            """),
        code("""
            def to_send(history):
                name = history[0]["content"].removeprefix("My name is ").rstrip(".")
                return [{"role": "user", "content": f"My name is {name}"}, history[-1]]
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def to_send(history):
                return history[-4:]
            """),
            "did not send it",
        ),
        NearMiss(
            code("""
            def to_send(history):
                return history[:4]
            """),
            "nobody answers it",
        ),
        NearMiss(
            code("""
            def to_send(history):
                name = history[0]["content"].removeprefix("My name is ").rstrip(".")
                return [{"role": "system", "content": f"The customer is {name}."}, history[-1]]
            """),
            "not as our model by rules reads it",
        ),
        NearMiss(
            code("""
            def to_send(history):
                return history[:1] + history[-4:]
            """),
            "5 messages were sent",
        ),
        NearMiss(
            code("""
            def to_send(history):
                del history[1:-3]
                return history
            """),
            "the history itself has changed",
        ),
        NearMiss(
            code("""
            def to_send(history):
                return history[:1] + history[-3:]
            """),
            "sent twice",
        ),
        NearMiss(
            code("""
            def to_send(history):
                told = " ".join(m["content"] for m in history[:-1])
                return [{"role": "user", "content": told}, history[-1]]
            """),
            "in a longer message",
        ),
        NearMiss(
            code("""
            def to_send(history):
                for message in history[1:-1]:
                    history[0]["content"] += " " + message["content"]
                return [history[0], history[-1]]
            """),
            "was rewritten",
        ),
        NearMiss(
            code("""
            def to_send(history):
                return [{"role": "user", "content": "My name is Ada."}, history[-1]]
            """),
            "the customer is Linus",
        ),
    ),
    hints=(
        "Which two messages can the bot not do without?",
        "The first message holds the name and the last one the question. Slices make new lists: "
        "`history[:1]`, `history[-3:]`.",
        "Add the two slices. Then think of a conversation that has only begun: do they overlap?",
    ),
    check=check_to_send,
)


# --- Exercise 2: survive without a graph ----------------------------------------------------

ENTRIES = ["My name is Ada.", "My printer smokes.", "It is off now."]
WRITTEN = "three entries added"
LATER = "It smokes again."
COUNTS_ON_EXIT = "something is registered to run at exit"


class Found(NamedTuple):
    """What a new process found: the entries, the files left, and how it went on from there.

    `same` and `later` are read after one more entry, by the diary that added it and by another.
    """

    read: Any
    left: dict[str, bytes]
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
        left = {file.name: file.read_bytes() for file in folder.iterdir()}
        read = diary(folder).read()
        if read != ENTRIES:
            return Found(read, left)
        mine = diary(folder)
        mine.add(LATER)
        return Found(read, left, mine.read(), diary(folder).read(), first_page(diary, folder))

    return crash(tell, WRITTEN, then=ask)


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
        raise NotYet("the new process read nothing. " + why_nothing(first, found.left))
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
        return f"That is a {type(read).__name__}, expected a list."
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
    """Raise NotYet unless the new process could add to the diary, and an empty one can be read."""
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
    if isinstance(found.empty, list) and found.empty:
        raise NotYet(
            "a diary in another folder reads the entries of this one. Write into the folder that "
            "you are given."
        )
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


def why_nothing(first: Life, left: dict[str, bytes]) -> str:
    """The likeliest reason why a new process read nothing, from what the first one left."""
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
    return "There is a file with something in it, but read() found no entry there."


DIARY = Exercise(
    id="00.diary",
    name="Diary",
    task="Make every entry survive a kill of the process.",
    stub=code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"
                    self.entries = []

                def add(self, text):
                    self.entries.append(text)

                def read(self):
                    return self.entries
            """),
    solution=code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    if not self.file.exists():
                        return []
                    return self.file.read_text(encoding="utf-8").splitlines()
            """),
    alternatives=(
        code("""
            import json


            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.json"
                    self.entries = json.loads(self.file.read_text()) if self.file.exists() else []

                def add(self, text):
                    self.entries.append(text)
                    self.file.write_text(json.dumps(self.entries))

                def read(self):
                    return self.entries
            """),
        code("""
            import sqlite3


            class Diary:
                def __init__(self, folder):
                    self.db = sqlite3.connect(folder / "diary.db")
                    self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

                def add(self, text):
                    with self.db:
                        self.db.execute("INSERT INTO diary VALUES (?)", [text])

                def read(self):
                    rows = self.db.execute("SELECT entry FROM diary ORDER BY rowid")
                    return [entry for (entry,) in rows]
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("w", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.file.read_text(encoding="utf-8").splitlines()
            """),
            "mode 'w' throws away",
        ),
        NearMiss(
            code("""
            import atexit


            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"
                    self.entries = []
                    atexit.register(self.save)

                def add(self, text):
                    self.entries.append(text)

                def save(self):
                    self.file.write_text("\\n".join(self.entries), encoding="utf-8")

                def read(self):
                    return self.file.read_text().splitlines() if self.file.exists() else []
            """),
            "a killed process has no exit",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.path = folder / "diary.txt"
                    self.file = self.path.open("a", encoding="utf-8")

                def add(self, text):
                    self.file.write(text + "\\n")

                def read(self):
                    return self.path.read_text(encoding="utf-8").splitlines()
            """),
            "still in the process's buffer",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"
                    self.entries = []

                def add(self, text):
                    self.entries.append(text)
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.entries
            """),
            "read() found no entry there",
        ),
        NearMiss(
            code("""
            import sqlite3


            class Diary:
                def __init__(self, folder):
                    self.db = sqlite3.connect(folder / "diary.db")
                    self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

                def add(self, text):
                    self.db.execute("INSERT INTO diary VALUES (?)", [text])

                def read(self):
                    return [entry for (entry,) in self.db.execute("SELECT entry FROM diary")]
            """),
            "what was not committed is taken back",
        ),
        NearMiss(
            code("""
            import sqlite3


            class Diary:
                def __init__(self, folder):
                    self.db = sqlite3.connect(folder / "diary.db")
                    self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

                def add(self, text):
                    with self.db:
                        self.db.execute("INSERT INTO diary VALUES (?)", [text])

                def read(self):
                    return self.db.execute("SELECT entry FROM diary").fetchall()
            """),
            "take it out",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.file.open(encoding="utf-8").readlines()
            """),
            "line ends that belong to the file",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text)

                def read(self):
                    return self.file.read_text(encoding="utf-8").splitlines()
            """),
            "ran together",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.file.read_text(encoding="utf-8")
            """),
            "That is one string",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.file.read_text(encoding="utf-8").splitlines()
            """),
            "On the first day",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"
                    self.entries = []

                def add(self, text):
                    self.entries.append(text)
                    self.file.write_text("\\n".join(self.entries))

                def read(self):
                    return self.file.read_text().splitlines() if self.file.exists() else []
            """),
            "the three were gone",
        ),
        NearMiss(
            code("""
            class Diary:
                def __init__(self, folder):
                    self.file = folder / "diary.txt"
                    self.entries = []
                    if self.file.exists():
                        self.entries = self.file.read_text().splitlines()

                def add(self, text):
                    with self.file.open("a", encoding="utf-8") as file:
                        file.write(text + "\\n")

                def read(self):
                    return self.entries
            """),
            "what is stored by now",
        ),
    ),
    hints=(
        "What does `read` return in a new process, before anything was added to it?",
        "Write each entry to `self.file` when it is added, and read the file in `read`.",
        "Open with mode `'a'` inside a `with` block, so that the file is closed after each entry. "
        "A file that does not exist yet has no entries.",
    ),
    check=check_diary,
)

EXERCISES = (TO_SEND, DIARY)
CATCH_UP = None
