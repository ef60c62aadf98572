"""What judges the exercises of lesson 17, The price of memory."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.message import add_messages

from lessons_lib.lessons.shared import in_a_row, new_folder, on_disk, thread
from lessons_lib.memories import reply
from lessons_lib.memories.scripted_model import as_ours
from lessons_lib.teach.model import NotYet


def fault(error: Exception) -> str:
    """An error in one line."""
    first, *_ = [*str(error).splitlines(), ""]
    return f"{type(error).__name__}: {first.rstrip('.')}."


# --- Exercise 1: a budget -------------------------------------------------------------------

BUDGET = 300 * 1024
LARGE = 15_000  # bytes, on average: checkpoints with no more than a few messages are far below
TOLD = ["My name is Ada.", "Here is my file."]
FILE = ("cv.pdf", "Ada, engineer")

TakeTurn = Callable[[SqliteSaver, HumanMessage], Any]


def line(number: int) -> HumanMessage:
    """What the customer says: her name, her file, and the weather ever after."""
    text = TOLD[number] if number < len(TOLD) else f"It rains, day {number}."
    return HumanMessage(f"{text:<1000}", additional_kwargs={"file": FILE} if number == 1 else {})


def said(take_turn: TakeTurn, saver: SqliteSaver, message: HumanMessage) -> str:
    """The answer's text, or NotYet."""
    answer = take_turn(saver, message)
    text = getattr(answer, "content", answer)
    if not isinstance(text, str):
        raise NotYet(f"take_turn returned {type(answer).__name__}, expected the bot's answer.")
    return text.strip()


def weigh(saver: SqliteSaver, path: Path, turns: int) -> None:
    """Raise NotYet when the budget is spent, with what it was spent on."""
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if path.stat().st_size <= BUDGET:
        return
    asked = "SELECT count(*), avg(length(checkpoint)) FROM checkpoints"
    many, average = saver.conn.execute(asked).fetchone()
    spent = f"after {turns} turns the file is larger than 300 KiB already"
    if many < 10:
        raise NotYet(
            f"{spent}. It has {many} checkpoints, and holds the pages of what was deleted: "
            "they are used again, and given back by nothing but `VACUUM`."
        )
    if average > LARGE:
        raise NotYet(f"{spent}: it has {many} checkpoints, each with the whole conversation.")
    raise NotYet(f"{spent}: its {many} checkpoints are small, and they are many.")


def judge_turns(take_turn: TakeTurn, folder: Path) -> None:
    for turns in (range(50), range(50, 100)):
        saver = on_disk(folder)
        with closing(saver.conn):
            for number in turns:
                said(take_turn, saver, line(number))
                if number % 20 == 19:
                    weigh(saver, folder / "memory.db", number + 1)


def judge_known(take_turn: TakeTurn, folder: Path) -> None:
    saver = on_disk(folder)
    with closing(saver.conn):
        for question, expected in (("What is my name?", "Ada."), ("What is in my file?", FILE[1])):
            heard = said(take_turn, saver, HumanMessage(question))
            if expected not in heard:
                raise NotYet(f"it fits, and forgets. Asked “{question}”, the bot says: {heard}")


def judge_unknown(take_turn: TakeTurn, folder: Path) -> None:
    saver = on_disk(folder)
    with closing(saver.conn):
        heard = said(take_turn, saver, HumanMessage("What is my name?"))
    if "Ada" in heard:
        raise NotYet(
            f"a saver on another, empty file was asked for the name, and heard {heard!r} "
            "It is held by your process: the next one will not know it."
        )


def check_budget(take_turn: TakeTurn) -> str:
    """Prove that 100 turns fit into 300 KiB, and that the two facts are known from the file."""
    with new_folder() as folder:
        judge_turns(take_turn, folder)
        judge_known(take_turn, folder)
    with new_folder() as folder:
        judge_unknown(take_turn, folder)
    return "100 turns, two restarts, at no time more than 300 KiB; the name and the file are known."


# --- Exercise 2: erase ----------------------------------------------------------------------

SECRET = "7 Harbour Street"  # not the address in the notebook, which looks for its own
Erase = Callable[[SqliteSaver, str], object]


class Conversation(TypedDict):
    """What was said."""

    messages: Annotated[list[Any], add_messages]


def bot(saver: SqliteSaver) -> Any:
    """The lesson's bot."""

    def answer(state: Conversation) -> dict[str, Any]:
        return {"messages": [AIMessage(reply(as_ours(state["messages"])))]}

    return in_a_row(Conversation, {"answer": answer}, saver)


def say(saver: SqliteSaver, who: str, text: str) -> int:
    """Take a turn; returns how many messages the thread has."""
    return len(bot(saver).invoke({"messages": [HumanMessage(text)]}, thread(who))["messages"])


def told(saver: SqliteSaver, secure: str) -> None:
    """Two conversations, in the file and in its log."""
    saver.conn.execute(f"PRAGMA secure_delete = {secure}").fetchall()
    for number in range(8):
        say(saver, "ada", f"I live at {SECRET}.")
        say(saver, "adam", "It rains.")
        if number == 5:
            saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def judge_rows(other: sqlite3.Connection) -> None:
    """Raise NotYet when a table still has rows of the thread."""
    for table in ("checkpoints", "writes"):
        asked = f"SELECT count(*) FROM {table} WHERE thread_id = 'ada'"
        if other.execute(asked).fetchone()[0]:
            raise NotYet(f"there are rows of 'ada' left in {table}.")


def where_left(path: Path) -> list[str]:
    """Where the words can still be read."""
    files = {"the file": path, "the log": Path(f"{path}-wal")}
    return [
        name for name, one in files.items() if one.exists() and SECRET.encode() in one.read_bytes()
    ]


def judge_bytes(path: Path, secure: str, saver: SqliteSaver) -> None:
    """Raise NotYet when the words are anywhere in the file or its log."""
    log = Path(f"{path}-wal")
    if not (left := where_left(path)):
        return
    there = f"with secure_delete {secure}, “{SECRET}” can still be read in {' and in '.join(left)}"
    if log.exists() and log.stat().st_size:
        raise NotYet(f"{there}: the log beside the file was not written back and emptied.")
    if secure == "OFF" and saver.conn.execute("PRAGMA secure_delete").fetchone()[0]:
        raise NotYet(f"{there}: switched on, it wipes what is freed from then on, and no more.")
    raise NotYet(f"{there}: in pages that the deleted rows have left, and nobody has used since.")


def judge_others(saver: SqliteSaver, other: sqlite3.Connection) -> None:
    """Raise NotYet when the other conversation is hurt, or a connection does not work any more."""
    try:
        many = say(saver, "adam", "Still there?")
    except Exception as error:
        raise NotYet(
            f"the next turn raised {fault(error)} The database is in use, and stays so."
        ) from None
    if many != 18:
        raise NotYet(f"Adam's conversation had 16 messages, and goes on with {many - 2}.")
    asked = "SELECT count(DISTINCT thread_id) FROM checkpoints"
    try:
        seen = other.execute(asked).fetchone()[0]
    except sqlite3.Error as error:
        raise NotYet(f"another connection, which was open, raised {fault(error)}") from None
    if seen != 1:
        raise NotYet(
            f"another connection, which was open, sees {seen} threads, expected Adam's alone: it "
            "looks at a file that is not the one in use."
        )


@contextmanager
def reading(saver: SqliteSaver, path: Path) -> Iterator[None]:
    """Another connection is in the middle of a read, and leaves at the fortieth try to empty the log.

    So an answer that tries again until it can is right, too, and comes to its end.
    """
    saver.conn.execute("PRAGMA busy_timeout = 1")  # a millisecond, for each try
    attempts = count(1)
    with closing(sqlite3.connect(path, check_same_thread=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM checkpoints").fetchone()

        def note(statement: str) -> None:
            if "wal_checkpoint" in statement and next(attempts) == 40:
                reader.rollback()

        saver.conn.set_trace_callback(note)
        yield


def judge_busy(erase: Erase, folder: Path) -> None:
    """Raise NotYet when the words are left because somebody reads, and erase is silent on it."""
    path, saver = folder / "memory.db", on_disk(folder)
    with closing(saver.conn):
        told(saver, "OFF")
        with reading(saver, path):
            try:
                erase(saver, "ada")
            except Exception:
                return  # whoever called knows that it has not been done
            left = where_left(path)
    if left:
        raise NotYet(
            f"another connection was in the middle of a read, “{SECRET}” is still in "
            f"{' and in '.join(left)}, and nobody was told: look at the row that TRUNCATE returns."
        )


def check_erase(erase: Erase) -> str:
    """Prove that a thread is gone to the last byte, and that all others go on."""
    for secure in ("OFF", "ON"):
        with new_folder() as folder:
            path, saver = folder / "memory.db", on_disk(folder)
            with closing(saver.conn), closing(sqlite3.connect(path)) as other:
                told(saver, secure)
                other.execute("SELECT count(*) FROM checkpoints").fetchone()
                erase(saver, "ada")
                judge_rows(other)
                judge_bytes(path, secure, saver)
                judge_others(saver, other)
    with new_folder() as folder:
        judge_busy(erase, folder)
    return (
        "no byte of the thread is left, with secure_delete on and off; the others work on; and "
        "while somebody reads, it does not end as if all were done."
    )


CHECKS = {
    "17.budget": check_budget,
    "17.erase": check_erase,
}
