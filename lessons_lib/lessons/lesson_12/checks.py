"""What judges the exercises of lesson 12, Interrupts and time travel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lessons_lib.lessons.shared import on_disk, say_if_failed
from lessons_lib.memories import Crash, crash, moment
from lessons_lib.teach.model import NotYet

THREAD = {"configurable": {"thread_id": "case 17"}}


# --- Exercise 1: one mail -------------------------------------------------------------------

Refund = Callable[[Any, Callable[[str], None]], Any]
Sent = dict[str, int]


class Office:
    """The world outside: each mail is one more letter in a file, in whichever process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mail(self, to: str) -> None:
        """Send a mail."""
        with (self.folder / "sent.txt").open("a", encoding="utf-8") as file:
            file.write(f"{to}\n")
        moment(f"mail to {to}")

    def sent(self) -> Sent:
        """How many mails each of the two has got."""
        file = self.folder / "sent.txt"
        lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
        return {to: lines.count(to) for to in ("Eve", "Ada")}


def checked_graph(graph: Any, function: str) -> Any:
    """The reader's graph; raises NotYet when it is none, or cannot keep a question."""
    if not hasattr(graph, "invoke"):
        raise NotYet(
            f"{function} returned {type(graph).__name__}, expected a compiled graph: "
            "end it with `return build(saver, …)`."
        )
    if not graph.checkpointer:
        raise NotYet("the graph is compiled without the saver, so no question can wait in it.")
    return graph


def asked_and_answered(refund: Refund, answer: str) -> Crash:
    """One process asks and is killed; a new one answers. Each life returns what it saw."""

    def ask(folder: Path) -> tuple[int, Sent]:
        office = Office(folder)
        graph = checked_graph(refund(on_disk(folder), office.mail), "refund")
        state = graph.invoke({"done": []}, THREAD)
        return len(state.get("__interrupt__", ())), office.sent()

    def reply(folder: Path) -> tuple[int, Sent]:
        from langgraph.types import Command

        office = Office(folder)
        graph = refund(on_disk(folder), office.mail)
        state = graph.invoke(Command(resume=answer), THREAD)
        return len(state.get("__interrupt__", ())), office.sent()

    return crash(ask, then=reply)


def why_twice(refund: Refund) -> str:
    """The likeliest reason why Eve got two mails: what a second run in the same process does."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    sent: list[str] = []
    saver = InMemorySaver()
    refund(saver, sent.append).invoke({"done": []}, THREAD)
    refund(saver, sent.append).invoke(Command(resume="no"), THREAD)
    if sent.count("Eve") < 2:
        return "What remembers that she was told is a variable, and it died with its process."
    return (
        "The node began again at its first line when the answer came. What it notes in the state "
        "is written when it returns, and before the answer it had not returned."
    )


def judge_graph(refund: Refund) -> None:
    """Raise NotYet unless `refund` makes a graph with the saver it is given, and sends nothing yet."""
    from langgraph.checkpoint.memory import InMemorySaver

    sent: list[str] = []
    saver = InMemorySaver()
    graph = checked_graph(refund(saver, sent.append), "refund")
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


def judge_question(questions: int, sent: Sent) -> None:
    """Raise NotYet unless Eve is asked, has been told before, and Ada has heard nothing yet."""
    if questions == 0:
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


def judge_mails(sent: Sent, answer: str, refund: Refund) -> None:
    """Raise NotYet unless Eve has one mail in the end, and Ada one after a yes and none else."""
    if sent["Eve"] != 1:
        raise NotYet(f"Eve got {sent['Eve']} mails for one question. {why_twice(refund)}")
    expected = 1 if answer == "yes" else 0
    if sent["Ada"] != expected:
        raise NotYet(
            f"Eve said {answer!r}, and Ada got {sent['Ada']} mails, expected {expected}. "
            + _why_not(sent["Ada"], expected)
        )


def _why_not(got: int, expected: int) -> str:
    if not expected:
        return "The node that knows the answer has to look at it before it sends."
    return "More than one node, or line, sends it." if got else "No node sends it after a yes."


def check_one_mail(refund: Refund) -> str:
    """Prove in two processes, for two answers, that each mail goes out once and in time."""
    import langgraph.checkpoint.sqlite  # noqa: F401  # what is loaded here, no child has to load

    judge_graph(refund)
    for answer in ("yes", "not today"):
        report = asked_and_answered(refund, answer)
        say_if_failed(report)
        asking, answering = (_seen(life.value) for life in report.lives)
        judge_question(*asking)
        if answering[0]:
            raise NotYet(f"Eve said {answer!r}, and the run ended with one more question to her.")
        judge_mails(answering[1], answer, refund)
    return "asked in one process, answered in another: one mail to Eve, and Ada's only on yes."


def _seen(value: Any) -> tuple[int, Sent]:
    seen: tuple[int, Sent] = value
    return seen


# --- Exercise 2: change your mind without paying again --------------------------------------

ChangeMind = Callable[[Any, Any, str], None]


class Desk:
    """A finished case whose question was answered with yes; what was paid and done is counted."""

    def __init__(self) -> None:
        from langgraph.checkpoint.memory import InMemorySaver

        self.paid: list[str] = []
        self.acted: list[str] = []
        self.saver = InMemorySaver()
        self.graph = self._graph()
        self.graph.invoke({"done": []}, THREAD)
        self.answer("yes")

    def _graph(self) -> Any:
        import operator
        from typing import Annotated, TypedDict

        from langgraph.graph import START, StateGraph
        from langgraph.types import interrupt

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

        builder = StateGraph(Case)
        builder.add_sequence([look_up, write, review, act])
        builder.add_edge(START, "look_up")
        return builder.compile(checkpointer=self.saver)

    def answer(self, answer: str) -> None:
        """Answer the open question."""
        from langgraph.types import Command

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
    """Raise NotYet unless the thread now is as if `answer` had been given, at no paid call."""
    if not set(before) <= set(desk.history()):
        raise NotYet(
            "the earlier branch is gone from the history. Who asks tomorrow why Ada was told one "
            "thing and then another will not find out: add a branch, delete nothing."
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
    """Raise NotYet unless the list and the deeds are those of `answer`."""
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
