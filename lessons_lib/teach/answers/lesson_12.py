"""Lesson 12, interrupts and time travel: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

from lessons_lib.memories import Crash, crash, moment
from lessons_lib.teach.answers.kills import say_if_failed
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "12.recall-redo",
        "From lesson 11. A process is killed in the middle of a node, and another one resumes the "
        "thread. Where does that node go on?",
        (
            Option(
                "Where it was cut off",
                "No. The middle of a function is a frame, and frames die with their process.",
            ),
            Option(
                "At its first line",
                "Right. Whatever the node had done until then, it does again.",
                right=True,
            ),
            Option(
                "Not at all; the next node begins",
                "No. A node counts as done when a checkpoint says so, and there was none.",
            ),
        ),
    ),
    Question(
        "12.recall-key",
        "From lessons 08 and 11. A step opens a ticket and may run twice. What makes it *one* "
        "ticket?",
        (
            Option(
                "A flag in the state",
                "No. The flag is written at the end of the step, and dies with it.",
            ),
            Option(
                "The strictest durability, `sync`",
                "No. It says when the state is written, and the ticket is not in the state.",
            ),
            Option(
                "A key that is the same both times, given to a desk that knows it again",
                "Right. An idempotency key: it belongs to the work, and not to the attempt.",
                right=True,
            ),
        ),
    ),
    Question(
        "12.waits",
        "`review` has called `interrupt`, and the person is on holiday for two weeks. What waits "
        "for her?",
        (
            Option(
                "The process, inside the call of `interrupt`",
                "No. It would have to live for two weeks, and it will be killed in a minute.",
            ),
            Option(
                "The frame of `review`, saved to the file",
                "No. Python cannot save a frame in the middle, and LangGraph does not try.",
            ),
            Option(
                "Nothing: the run is over, and a checkpoint lies in the file with the question",
                "Right. `interrupt` ends the run. An answer begins another one.",
                right=True,
            ),
            Option(
                "A background thread, which asks the file now and then",
                "No. Nobody looks. Somebody must come with the thread's id and an answer.",
            ),
        ),
    ),
    Question(
        "12.twice",
        "The node sends a mail, then asks. Nobody is killed; there is one question and one answer. "
        "How many mails went out?",
        (
            Option("None", "No. The mail stands before the question, so it was sent before it."),
            Option(
                "One",
                "No. That would hold if `interrupt` waited. It raises, and the node starts again.",
            ),
            Option(
                "Two",
                "Right. One before the question was asked, one on the way to its answer.",
                right=True,
            ),
            Option(
                "It depends on durability",
                "No. Nothing was lost here. The node is run again by design, in every mode.",
            ),
        ),
    ),
    Question(
        "12.replay",
        "Back to the checkpoint before `write`, and `invoke(None, …)` from there. How many paid "
        "calls does the replay make?",
        (
            Option(
                "None: the results of that run are in the history",
                "No. They are, and a replay does not use what comes after its checkpoint.",
            ),
            Option(
                "One: `write`",
                "Right. `look_up` is before the checkpoint, `write` and `post` are run again.",
                right=True,
            ),
            Option(
                "Two: the case starts over",
                "No. It starts from the checkpoint, and that one has the result of `look_up`.",
            ),
            Option(
                "An error: the thread is finished",
                "No. A thread can go on from any of its checkpoints, as often as you like.",
            ),
        ),
    ),
    Question(
        "12.branches",
        "One run, then a replay, then a fork, in one thread. What is left of the first run?",
        (
            Option(
                "Its checkpoints up to the place where we went back",
                "No. That is what the new branches share with it. The rest was not touched.",
            ),
            Option(
                "All of it",
                "Right. A checkpoint is never changed. New ones name it as their parent.",
                right=True,
            ),
            Option(
                "Nothing: the thread was replaced",
                "No. Going back replaces nothing and deletes nothing. It adds.",
            ),
        ),
    ),
    Question(
        "12.exam",
        "Which of the three passes *go back*: the dict of lesson 00, the journal of lesson 08, the "
        "graph?",
        (
            Option(
                "The graph alone: the others have no checkpoints",
                "No. The journal keeps the state after every step, and that is what is needed.",
            ),
            Option(
                "The journal and the graph",
                "Right. Both keep what was. The dict keeps what is.",
                right=True,
            ),
            Option(
                "All three: one can take messages off a list",
                "No. One could, as long as the list only grows. The dict bot has no method for it.",
            ),
        ),
    ),
    Question(
        "12.update",
        "The list is `['look up', 'draft 1', 'posted']`, and `update_state` is given "
        "`['tidied']`. What is the list then?",
        (
            Option(
                "`['tidied']`",
                "No. That would be an assignment. An update goes through the reducer.",
            ),
            Option(
                "`['look up', 'draft 1', 'posted', 'tidied']`",
                "Right. It is treated as what a node returned, and this reducer appends.",
                right=True,
            ),
            Option(
                "`['look up', 'draft 1', 'tidied']`",
                "No. `as_node` says whose result it stands for. It takes no earlier one away.",
            ),
        ),
    ),
    Question(
        "12.store",
        "The tone was noted as formal, then as casual; then the thread goes back behind the second "
        "note. What do the state and the store say?",
        (
            Option(
                "Both say formal",
                "No. The store has no checkpoints, so there is nothing in it to go back to.",
            ),
            Option(
                "The state says formal, the store casual",
                "Right. One thread travelled. The store belongs to all of them, and stayed.",
                right=True,
            ),
            Option(
                "Both say casual",
                "No. The thread did go back: its newest checkpoint is the fork.",
            ),
        ),
    ),
    Question(
        "12.renamed",
        "A question waits in the node `review`. The new version has no such node. What happens when "
        "the answer comes?",
        (
            Option(
                "An error that names the missing node",
                "No, and it would be better. The graph asks which of its *own* nodes are due: none.",
            ),
            Option(
                "`approve` takes the answer: it stands in the same place",
                "No. A task is found by its node's name, and the place says nothing.",
            ),
            Option(
                "No error, and nothing runs",
                "Right. No node of the new graph is due, and so the run is over at once.",
                right=True,
            ),
            Option(
                "The case starts over",
                "No. This thread has checkpoints, so the graph goes on from them and finds nothing "
                "due. Only on a thread that has none does an answer start the case.",
            ),
        ),
    ),
)

THREAD = {"configurable": {"thread_id": "case 17"}}

# --- Exercise 1: one mail for each question --------------------------------------------------

Refund = Callable[[Any, Callable[[str, str], None], str], Any]
Sent = dict[str, int]
CASE = "case 17"
STORIES = (("no",), ("hm", "not today", "yes"))


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


def on_disk(folder: Path) -> Any:
    """A SQLite saver on a file in `folder`."""
    import sqlite3

    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver(sqlite3.connect(folder / "memory.db", check_same_thread=False))


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
        from langgraph.types import Command

        return [seen(folder, Command(resume=answer)) for answer in answers]

    return crash(ask, then=reply)


def killed_at_a_mail(refund: Refund, to: str) -> Sent:
    """What was sent in the end when the process was killed as a mail was out; Eve says yes."""

    def live(folder: Path) -> Sent:
        from langgraph.types import Command

        office = Office(folder)
        graph = refund(on_disk(folder), office.mail, CASE)
        if not graph.get_state(THREAD).values:
            graph.invoke({"done": []}, THREAD, durability="sync")
        for _ in range(10):
            if not (snapshot := graph.get_state(THREAD)).tasks:
                break
            graph.invoke(Command(resume="yes") if snapshot.interrupts else None, THREAD)
        return office.sent()

    report = crash(live, at=f"mail to {to}")
    say_if_failed(report)
    sent: Sent = report.value  # type: ignore[assignment]
    return sent


def keys_of(refund: Refund, case: str, *answers: str) -> list[tuple[str, str]]:
    """Whom a case mails, and under which keys, in one process on a saver in memory."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    sent: list[tuple[str, str]] = []
    saver = InMemorySaver()
    for given in ({"done": []}, *(Command(resume=answer) for answer in answers)):
        graph = refund(saver, lambda to, key: sent.append((to, str(key))), case)
        graph.invoke(given, THREAD)
    return sent


def judge_graph(refund: Refund) -> None:
    """Raise NotYet unless `refund` makes a graph with the saver it is given, and sends nothing yet."""
    from langgraph.checkpoint.memory import InMemorySaver

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
    """Raise NotYet unless Eve is asked, has been told before, and Ada has heard nothing yet."""
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
    """Raise NotYet unless each question brings Eve one mail, and Ada gets hers after a yes alone."""
    report = asked_and_answered(refund, answers)
    say_if_failed(report)
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
    """Raise NotYet unless Eve has as many mails as she was asked questions."""
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
    """Raise NotYet unless Ada has one mail after a yes, and none after anything else."""
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
    """Raise NotYet when a kill, at a mail that is out, brings somebody one more."""
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
    import langgraph.checkpoint.sqlite  # noqa: F401  # what is loaded here, no child has to load

    judge_graph(refund)
    for answers in STORIES:
        judge_story(refund, answers)
    judge_kills(refund)
    if set(keys_of(refund, CASE, "yes")) & set(keys_of(refund, "case 18", "yes")):
        raise NotYet(
            "the next case, 'case 18', asks under a key that 'case 17' has used, and the post office "
            "sends nothing. The key does not name the case."
        )
    return "asked, asked again, killed at each mail: one mail for each question, Ada's only on yes."


_BUILD = """import operator
import uuid
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class Case(TypedDict):
    done: Annotated[list[str], operator.add]


def build(saver, *nodes):
    builder = StateGraph(Case)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    return builder.compile(checkpointer=saver)
"""


def _refund(body: str, first: str = "") -> str:
    return f"{first}def refund(saver, mail, case):\n" + indent(code(body), "    ")


_STUB = _refund("""
            def review(state):
                answer = None
                while answer not in ("yes", "no"):
                    mail("Eve", key=uuid.uuid4().hex)
                    answer = interrupt("Refund 30 euros to Ada: yes or no?")
                if answer == "yes":
                    mail("Ada", key=uuid.uuid4().hex)
                return {"done": [answer]}

            return build(saver, review)
            """)
_SOLUTION = _refund("""
            def review(state):
                number, answer = 0, None
                while answer not in ("yes", "no"):
                    number += 1
                    mail("Eve", key=f"{case}, question {number}")
                    answer = interrupt("Refund 30 euros to Ada: yes or no?")
                if answer == "yes":
                    mail("Ada", key=f"{case}, refunded")
                return {"done": [answer]}

            return build(saver, review)
            """)
_LOOP = """
            def tell(state):
                mail("Eve", key=EVES_KEY)

            def review(state):
                return {"done": [interrupt("Refund 30 euros to Ada: yes or no?")]}

            def inform(state):
                if state["done"][-1] == "yes":
                    mail("Ada", key=f"{case}, refunded")

            def way(state):
                return "inform" if state["done"][-1] in ("yes", "no") else "tell"

            builder = StateGraph(Case)
            builder.add_sequence([tell, review]).add_edge(START, "tell")
            builder.add_node(inform).add_conditional_edges("review", way, ["inform", "tell"])
            return builder.compile(checkpointer=saver)
            """

ONE_MAIL = Exercise(
    id="12.one-mail",
    name="refund",
    task="One mail to Eve for each question, and Ada's only after a yes, whenever it is killed.",
    given=_BUILD,
    stub=_STUB,
    solution=_SOLUTION,
    alternatives=(
        _refund(_LOOP.replace("EVES_KEY", "f\"{case}, question {len(state['done'])}\"")),
    ),
    near_misses=(
        NearMiss(
            _SOLUTION.replace('f"{case}, question {number}"', 'f"{case}, please review"'),
            "came under a key that the post office knew",
        ),
        NearMiss(
            _SOLUTION.replace("{case}, question {number}", "question {number}"),
            "does not name the case",
        ),
        NearMiss(_refund(_LOOP.replace("EVES_KEY", "uuid.uuid4().hex")), "the mail to Eve was out"),
        NearMiss(
            _SOLUTION.replace('f"{case}, refunded"', "uuid.uuid4().hex"), "the mail to Ada was out"
        ),
        NearMiss(
            _refund(
                """
            def review(state):
                number, answer = 0, None
                while answer not in ("yes", "no"):
                    number += 1
                    if number not in told:
                        told.add(number)
                        mail("Eve", key=uuid.uuid4().hex)
                    answer = interrupt("Refund 30 euros to Ada: yes or no?")
                if answer == "yes":
                    mail("Ada", key=f"{case}, refunded")
                return {"done": [answer]}

            return build(saver, review)
            """,
                first="told = set()\n\n\n",
            ),
            "it died with its process",
        ),
        NearMiss(
            _refund("""
            def review(state):
                mail("Eve", key=case)
                answer = interrupt("Refund 30 euros to Ada: yes or no?")
                if answer == "yes":
                    mail("Ada", key=f"{case}, refunded")
                return {"done": [answer]}

            return build(saver, review)
            """),
            "she was not asked again",
        ),
        NearMiss(
            _refund("""
            def review(state):
                answer = interrupt("Refund 30 euros to Ada: yes or no?")
                mail("Eve", key=case)
                if answer == "yes":
                    mail("Ada", key=f"{case}, refunded")
                return {"done": [answer]}

            return build(saver, review)
            """),
            "nobody has told her",
        ),
        NearMiss(
            _refund("""
            def review(state):
                mail("Eve", key=case)
                try:
                    answer = interrupt("Refund 30 euros to Ada: yes or no?")
                except Exception:
                    answer = "no"
                return {"done": [answer]}

            return build(saver, review)
            """),
            "kept it from getting there",
        ),
        NearMiss(
            _refund("""
            def tell(state):
                mail("Eve", key=case)
                mail("Ada", key=f"{case}, refunded")

            def review(state):
                return {"done": [interrupt("Refund 30 euros to Ada: yes or no?")]}

            return build(saver, tell, review)
            """),
            "before anybody had decided",
        ),
        NearMiss(
            _SOLUTION.replace(
                '        if answer == "yes":\n            mail(',
                "        if answer:\n            mail(",
            ),
            "look at it before it sends",
        ),
    ),
    hints=(
        "When an answer comes, which lines of `review` run again, and under which keys?",
        "The key must be the same when the node runs again, another for the next question, and "
        "another for the next case. What in the node says, each time anew, which question it is?",
        "Count the questions in the loop, and name the case: "
        '`f"{case}, question {number}"`. The count begins again with each run of the node, and so '
        "do the questions.",
    ),
    check=check_one_mail,
)


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


def _change(*body: str) -> str:
    return "def change_mind(graph, config, answer):\n" + "".join(f"    {line}\n" for line in body)


_ASKED = "asked = next(s for s in graph.get_state_history(config) if s.interrupts)"
_RESUME = "graph.invoke(Command(resume=answer), config)"

CHANGE_MIND = Exercise(
    id="12.change-mind",
    name="change_mind",
    task="Give an old question another answer, without paying for what came before it.",
    given=_BUILD,
    stub=_change(_ASKED, "graph.invoke(Command(resume=answer), asked.config)"),
    solution=_change(_ASKED, "graph.invoke(None, asked.config)", _RESUME),
    alternatives=(
        _change(
            _ASKED,
            'fork = graph.update_state(asked.config, {"done": [answer]}, as_node="review")',
            "graph.invoke(None, fork)",
        ),
        _change(
            "now = graph.get_state(config)",
            "while not now.interrupts:",
            "    now = graph.get_state(now.parent_config)",
            'graph.update_state(now.config, {"done": [answer]}, as_node="review")',
            "graph.invoke(None, config)",
        ),
    ),
    near_misses=(
        NearMiss(_change(_ASKED, "graph.invoke(None, asked.config)"), "the question is open again"),
        NearMiss(
            _change(
                "first = list(graph.get_state_history(config))[-1]",
                "graph.invoke(None, first.config)",
                _RESUME,
            ),
            "once more: look_up, write",
        ),
        NearMiss(
            _change(
                "drafting = next(",
                '    s for s in graph.get_state_history(config) if s.next == ("write",)',
                ")",
                "graph.invoke(None, drafting.config)",
                _RESUME,
            ),
            "once more: write",
        ),
        NearMiss(
            _change(
                'graph.update_state(config, {"done": [answer]}, as_node="review")',
                "graph.invoke(None, config)",
            ),
            "both answers are in it",
        ),
        NearMiss(
            "from langgraph.types import Overwrite\n\n\n"
            + _change(
                'done = graph.get_state(config).values["done"][:2]',
                'done = Overwrite([*done, answer, f"acted on {answer}"])',
                'graph.update_state(config, {"done": done}, as_node="act")',
            ),
            "nothing was done about it",
        ),
        NearMiss(
            _change(_ASKED, 'graph.update_state(asked.config, {"done": [answer]}, "review")'),
            "tasks that nobody runs",
        ),
        NearMiss(
            _change(
                'graph.checkpointer.delete_thread(config["configurable"]["thread_id"])',
                'graph.update_state(config, {"done": ["looked up", "draft"]}, as_node="write")',
                "graph.invoke(None, config)",
                _RESUME,
            ),
            "the earlier branch is gone",
        ),
    ),
    hints=(
        "Which checkpoint has paid for everything and knows no answer yet? What does a replay do "
        "with a node that asks?",
        "A replay from there runs `review` again, which asks *again*. The new question takes an "
        "answer.",
        "Two invocations: `None` with the old config, then `Command(resume=answer)` with `config`. "
        "Or one fork with `as_node`, and one invocation.",
    ),
    check=check_change_mind,
)

EXERCISES = (ONE_MAIL, CHANGE_MIND)

CATCH_UP = CatchUp(
    say=(
        "A checkpoint is the state of a thread after a super-step, kept by a saver under the "
        "thread's id.",
        "`get_state` reads the newest checkpoint, `get_state_history` all of them, newest first.",
        "A step that was cut off begins again at its first line.",
        "What is done outside the state is done again, unless a key makes it once.",
    ),
    source="""import operator
import sqlite3
import tempfile
import uuid
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from lessons_lib.memories import crash, moment


class Case(TypedDict):
    done: Annotated[list[str], operator.add]


def build(saver, *nodes):
    builder = StateGraph(Case)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    return builder.compile(checkpointer=saver)


THREAD = {"configurable": {"thread_id": "case 17"}}


def on_disk(folder):
    return SqliteSaver(sqlite3.connect(folder / "memory.db", check_same_thread=False))


def draft(state):
    moment("draft")
    return {"done": ["draft"]}


def review(state):
    moment("review")
    answer = interrupt("Send this answer to Ada?")
    return {"done": [f"review: {answer}"]}


def send(state):
    moment("send")
    return {"done": ["send"]}
""",
    names=("Case", "build", "THREAD", "on_disk", "draft", "review", "send"),
)
