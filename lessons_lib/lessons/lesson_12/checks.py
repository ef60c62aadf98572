"""What judges the exercises of lesson 12, Interrupts and time travel."""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import langgraph.checkpoint.sqlite  # noqa: F401 what is loaded here, no child has to load
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from lessons_lib.lessons.shared import (
    another_hash,
    crashed,
    in_a_row,
    on_disk,
    require_graph,
    thread,
)
from lessons_lib.memories import Crash, moment
from lessons_lib.teach.model import NotYet

THREAD = thread("case 17")


# --- Exercise 1: one mail for each question --------------------------------------------------

Refund = Callable[[Any, Callable[[str, str], None], str], Any]
Sent = dict[str, int]
CASE = "case 17"
STORIES = (("no",), ("hm", "hm", "yes"))


class Office:
    """The world outside: a mail under a known key is not sent again, in whichever process."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        self.keys.mkdir(exist_ok=True)

    def mail(self, to: str, key: str) -> None:
        """Send a mail, unless one was sent under this key."""
        known = self.keys / str(key).encode().hex()
        if not known.exists():
            known.write_text(to, encoding="utf-8")
        moment(f"mail to {to}")

    def sent(self) -> Sent:
        """How many mails each of the two has got."""
        names = [one.read_text(encoding="utf-8") for one in self.keys.iterdir()]
        return {to: names.count(to) for to in ("Eve", "Ada")}


def checked_graph(graph: Any, function: str) -> Any:
    """The reader's graph; raises NotYet when it is none, or cannot keep a question."""
    require_graph(graph, function, "return build(saver, …)")
    if not graph.checkpointer:
        raise NotYet("the graph is compiled without the saver, so no question can wait in it.")
    return graph


def asked_and_answered(refund: Refund, answers: tuple[str, ...]) -> Crash:
    """One process asks and is killed; a new one gives the answers, each to a graph made anew.

    Each life returns what it saw after every step: how many questions are open, and what was sent.
    """

    def seen(folder: Path, given: Any) -> tuple[int, Sent]:
        office = Office(folder)
        graph = checked_graph(refund(on_disk(folder), office.mail, CASE), "refund")
        state = graph.invoke(given, THREAD)
        return len(state.get("__interrupt__", ())), office.sent()

    def ask(folder: Path) -> list[tuple[int, Sent]]:
        return [seen(folder, {"done": []})]

    def reply(folder: Path) -> list[tuple[int, Sent]]:
        return [seen(folder, Command(resume=answer)) for answer in answers]

    return crashed(ask, then=reply)


def killed_at_a_mail(refund: Refund, to: str) -> Sent:
    """What was sent in the end when the process was killed as a mail was out; Eve says yes."""

    def live(folder: Path) -> Sent:
        office = Office(folder)
        graph = refund(on_disk(folder), office.mail, CASE)
        if not graph.get_state(THREAD).values:
            graph.invoke({"done": []}, THREAD, durability="sync")
        for _ in range(10):
            if not (snapshot := graph.get_state(THREAD)).tasks:
                break
            graph.invoke(Command(resume="yes") if snapshot.interrupts else None, THREAD)
        return office.sent()

    sent: Sent = crashed(live, at=f"mail to {to}").value  # type: ignore[assignment]
    return sent


def keys_of(refund: Refund, case: str, *answers: str) -> list[tuple[str, str]]:
    """Whom a case mails, and under which keys, in one process on a saver in memory."""
    sent: list[tuple[str, str]] = []
    saver = InMemorySaver()
    for given in ({"done": []}, *(Command(resume=answer) for answer in answers)):
        graph = refund(saver, lambda to, key: sent.append((to, str(key))), case)
        graph.invoke(given, THREAD)
    return sent


def judge_graph(refund: Refund) -> None:
    sent: list[str] = []
    saver = InMemorySaver()
    graph = checked_graph(refund(saver, lambda to, key: sent.append(to), CASE), "refund")
    if sent:
        raise NotYet(
            f"{sent[0]} got a mail while the graph was being made, and each process makes one. "
            "Mail from within a node."
        )
    if graph.checkpointer is not saver:
        raise NotYet(
            "the graph has a saver of its own. The question is in it, and the next process has "
            "another: compile with the `saver` that is given."
        )


def judge_question(open_questions: int, sent: Sent) -> None:
    if open_questions == 0:
        raise NotYet(
            "the first run ended without a question. `interrupt` asks by raising an exception that "
            "LangGraph must see: something kept it from getting there, or it was never called."
        )
    if sent["Ada"]:
        raise NotYet("Ada was told of a refund before anybody had decided on it.")
    if not sent["Eve"]:
        raise NotYet(
            "Eve was asked, and nobody has told her: her mail comes after the question, so it goes "
            "out when she has answered."
        )


def judge_story(refund: Refund, answers: tuple[str, ...]) -> None:
    report = asked_and_answered(refund, answers)
    steps: list[Any] = [step for life in report.lives for step in life.value]  # type: ignore[attr-defined]
    judge_question(*steps[0])
    for number, (answer, (questions, sent)) in enumerate(zip(answers, steps[1:], strict=True), 1):
        over = answer in ("yes", "no")
        if over and questions:
            raise NotYet(f"Eve said {answer!r}, and the run ended with one more question to her.")
        if not over and not questions:
            raise NotYet(f"Eve said {answer!r}, which is neither, and she was not asked again.")
        judge_eve(sent["Eve"], number if over else number + 1, refund)
        judge_ada(sent["Ada"], answer)


def judge_eve(mails: int, questions: int, refund: Refund) -> None:
    told = f"Eve was asked {questions} question{'s' if questions > 1 else ''} and got {mails} mail"
    if mails < questions:
        raise NotYet(
            f"{told}{'s' if mails != 1 else ''}. The new question came under a key that the post "
            "office knew already, so it sent nothing."
        )
    if mails > questions:
        in_one_process = {key for to, key in keys_of(refund, CASE, "hm") if to == "Eve"}
        raise NotYet(
            f"{told}s. "
            + (
                "What remembers that she was told is a variable, and it died with its process."
                if len(in_one_process) == 2
                else "The node began again at its first line with each answer, and what it does "
                "there it does again: the same question under a new key is a new mail."
            )
        )


def judge_ada(mails: int, answer: str) -> None:
    expected = 1 if answer == "yes" else 0
    if mails > expected:
        raise NotYet(
            f"Eve said {answer!r}, and Ada got {mails} mails, expected {expected}. The node that "
            "knows the answer has to look at it before it sends."
        )
    if mails < expected:
        raise NotYet(
            "Eve said 'yes', and Ada got no mail. No node sends it, or its key was used before."
        )


def judge_kills(refund: Refund) -> None:
    for to in ("Eve", "Ada"):
        sent = killed_at_a_mail(refund, to)
        if sent[to] != 1:
            raise NotYet(
                f"killed when the mail to {to} was out and the node had not returned: {to} got "
                f"{sent[to]} mails. Only the post office knows that it is out. Which key would "
                "let it know the mail again?"
            )


def check_one_mail(refund: Refund) -> str:
    """Prove in several processes that each question brings one mail, whenever a process is killed."""
    judge_graph(refund)
    for answers in STORIES:
        judge_story(refund, answers)
    judge_kills(refund)
    keys = keys_of(refund, CASE, "yes")
    if set(keys) & set(keys_of(refund, "case 18", "yes")):
        raise NotYet(
            "the next case, 'case 18', mails under a key that 'case 17' has used, and the post "
            "office sends nothing. The key does not name the case."
        )
    with another_hash(refund):
        other = keys_of(refund, CASE, "yes")
    if keys == keys_of(refund, CASE, "yes") != other:
        raise NotYet(
            "`hash()` of a string is another number in every Python that is started afresh, and so "
            "is your key: the process that takes the answer would mail again."
        )
    return "asked, asked again, killed at each mail: one mail for each question, Ada's only on yes."


# --- Exercise 2: change your mind without paying again --------------------------------------

ChangeMind = Callable[[Any, Any, str], None]


class Desk:
    """A finished case whose question was answered with yes; what was paid and done is counted."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.acted: list[str] = []
        self.saver = InMemorySaver()
        self.graph = self._graph()
        self.graph.invoke({"done": []}, THREAD)
        self.answer("yes")

    def _graph(self) -> Any:
        class Case(TypedDict):
            done: Annotated[list[str], operator.add]

        def look_up(state: Any) -> dict[str, list[str]]:
            self.paid.append("look_up")
            return {"done": ["looked up"]}

        def write(state: Any) -> dict[str, list[str]]:
            self.paid.append("write")
            return {"done": ["draft"]}

        def review(state: Any) -> dict[str, list[str]]:
            return {"done": [interrupt("Refund?")]}

        def act(state: Any) -> dict[str, list[str]]:
            self.acted.append(state["done"][-1])
            return {"done": [f"acted on {state['done'][-1]}"]}

        nodes = {"look_up": look_up, "write": write, "review": review, "act": act}
        return in_a_row(Case, nodes, self.saver)

    def answer(self, answer: str) -> None:
        self.graph.invoke(Command(resume=answer), THREAD)

    def history(self) -> list[str]:
        """The ids of all checkpoints of the thread."""
        return [
            snapshot.config["configurable"]["checkpoint_id"]
            for snapshot in self.graph.get_state_history(THREAD)
        ]


def changed(answer: str) -> list[str]:
    """What the thread should have done in the end."""
    return ["looked up", "draft", answer, f"acted on {answer}"]


def judge_change(desk: Desk, before: list[str], answer: str) -> None:
    if not set(before) <= set(desk.history()):
        raise NotYet(
            "the earlier branch is gone from the history. Somebody who asks tomorrow why Ada was "
            "told one thing and then another will not find out: add a branch, delete nothing."
        )
    if desk.paid:
        raise NotYet(
            f"paid for once more: {', '.join(desk.paid)}; the budget is none. Whatever comes after "
            "the place from which you go on is run again, and an input goes on from START."
        )
    if set(desk.history()) == set(before):
        raise NotYet(
            "nothing was added to the thread of `config`. Its newest checkpoint asks nothing, so an "
            "answer given to it is ignored: go back to the one that asked."
        )
    judge_newest(desk, answer)


def judge_newest(desk: Desk, answer: str) -> None:
    snapshot = desk.graph.get_state(THREAD)
    if snapshot.interrupts:
        raise NotYet(
            "the question is open again, and nobody answers it. That is half of the way: the "
            "thread now waits for an answer."
        )
    if snapshot.tasks:
        raise NotYet(
            "the thread's newest checkpoint has tasks that nobody runs. `update_state` runs "
            "nothing; somebody has to invoke."
        )
    judge_values(snapshot.values.get("done"), answer, desk)


def judge_values(done: Any, answer: str, desk: Desk) -> None:
    if done == changed("no" if answer == "yes" else "yes"):
        raise NotYet(
            f"she now says {answer!r}, and the thread still says {done[-2]!r}. That checkpoint has "
            "its answer: it is stored beside the question, and a second one is ignored, without "
            "an error. A *new* question takes a new answer."
        )
    if isinstance(done, list) and len(done) > len(changed(answer)):
        raise NotYet(
            f"the state is now {done!r}: both answers are in it. What you gave went through the "
            "reducer, on top of the branch that you wanted to leave."
        )
    if desk.acted[-1:] != [answer]:
        raise NotYet(
            f"the state says {done!r}, and `act` has not run for {answer!r}. The words were "
            "changed, and nothing was done about it."
        )
    if done != changed(answer):
        raise NotYet(f"the state is {done!r}, expected {changed(answer)!r}.")


def check_change_mind(change_mind: ChangeMind) -> str:
    """Prove that an answer can be changed, and changed back, without one paid call."""
    desk = Desk()
    desk.paid.clear()
    for answer in ("no", "yes", "no"):
        before = desk.history()
        desk.acted.clear()
        change_mind(desk.graph, THREAD, answer)
        judge_change(desk, before, answer)
        if len(desk.acted) > 1:
            raise NotYet(f"`act` ran {len(desk.acted)} times for one change of mind.")
    return "changed three times, no call paid, every branch still in the history."


CHECKS = {
    "12.one-mail": check_one_mail,
    "12.change-mind": check_change_mind,
}
