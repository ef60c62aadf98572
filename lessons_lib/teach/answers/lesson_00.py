"""Lesson 00, start here: its questions, exercises and their checks."""

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def judge_sent(sent: Any, history: list[Message], length: int, name: str) -> None:
    """Raise NotYet unless `sent` is a right choice from a history that had `length` messages."""
    if not isinstance(sent, list):
        raise NotYet(f"to_send returned {type(sent).__name__}, expected a list of messages.")
    if len(history) != length:
        raise NotYet(
            f"the history itself has changed: it held {length} messages and now holds "
            f"{len(history)}. Choose what is sent, and leave alone what is held."
        )
    if len(sent) > BUDGET:
        raise NotYet(f"{len(sent)} messages were sent of {length}; the budget is {BUDGET}.")
    if not sent or sent[-1]["content"] != QUESTION:
        raise NotYet("the last message sent is not the customer's question, so nobody answers it.")
    if len(sent) > length:
        raise NotYet(
            f"a short history of {length} messages became {len(sent)}: "
            "two slices overlap, and a message was sent twice."
        )
    if name not in reply(sent):
        raise NotYet(
            f"the bot answered {reply(sent)!r}. You hold the name, but did not send it: "
            "to the model it never existed."
        )


def check_to_send(to_send: Callable[[list[Message]], list[Message]]) -> str:
    """Prove that at most four messages are sent and that the bot still knows the name."""
    for turns, name in ((20, "Ada"), (3, "Linus"), (0, "Grace")):
        history = history_of(turns, name)
        length = len(history)
        judge_sent(to_send(history), history, length, name)
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
COUNTS_ON_EXIT = "something is registered to run at exit"


def write_and_kill(diary: Callable[[Path], Any]) -> Crash:
    """Add the entries in a process that is killed, and read them in a new one.

    The last life returns what was read and the bytes that the first had left, by file name.
    """

    def tell(folder: Path) -> None:
        before = atexit._ncallbacks()
        mine = diary(folder)
        for entry in ENTRIES:
            mine.add(entry)
        if atexit._ncallbacks() > before:
            moment(COUNTS_ON_EXIT)
        moment(WRITTEN)

    def ask(folder: Path) -> tuple[list[str], dict[str, bytes]]:
        left = {file.name: file.read_bytes() for file in folder.iterdir()}
        return list(diary(folder).read()), left

    return crash(tell, WRITTEN, then=ask)


def check_diary(diary: Callable[[Path], Any]) -> str:
    """Prove that every entry is read by a new process after a kill."""
    first, second = write_and_kill(diary).lives
    if second.error or second.value is None:
        raise NotYet(f"reading in a new process failed: it {second.ended}.")
    answer: Any = second.value
    read, left = answer
    if read == ENTRIES:
        return "three entries added, the process killed, three entries read by the next one."
    if read:
        raise NotYet(
            f"the new process read {read!r}, expected all {len(ENTRIES)} entries in order. "
            "Opening a file with mode 'w' throws away what it held."
        )
    raise NotYet("the new process read nothing. " + why_nothing(first, left))


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
    return "The entries are in the file, but read() did not look there."


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
            "read() did not look there",
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
