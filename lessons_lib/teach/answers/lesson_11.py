"""Lesson 11, crash and resume: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import operator
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, TypedDict

from lessons_lib.memories import Crash, crash, moment
from lessons_lib.teach.answers.afresh import another_hash, salted
from lessons_lib.teach.answers.kills import say_if_failed
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "11.recall-thread",
        "From lessons 00 and 10. A new process wants to go on with a saved conversation. "
        "What does it need?",
        (
            Option(
                "The graph object of the old process",
                "No. Objects die with their process. Any graph compiled alike will do.",
            ),
            Option(
                "The file and the thread id",
                "Right. What was stored, and the key under which it was stored.",
                right=True,
            ),
            Option(
                "The file; the newest thread in it is taken",
                "No. A saver keeps many threads and never guesses which one is meant.",
            ),
        ),
    ),
    Question(
        "11.recall-finalizer",
        "From lesson 02. A process with open files and finalizers is killed with `kill -9`. "
        "Which of its clean-up code runs?",
        (
            Option(
                "`with` blocks, but no finalizers",
                "No. A `with` block is code of the process too, and no code of it runs again.",
            ),
            Option(
                "Finalizers, since the objects die",
                "No. The objects are not freed one by one; the whole memory is taken away.",
            ),
            Option(
                "None of it",
                "Right. The operating system takes the process away and does not ask it.",
                right=True,
            ),
        ),
    ),
    Question(
        "11.killed-in-step",
        "Killed inside step 3, under `sync`, and resumed in a new process. Which steps run there?",
        (
            Option("All five", "No. The checkpoints of steps 1 and 2 are in the file."),
            Option(
                "Steps 3, 4 and 5",
                "Right. The step that died runs again, from its first line, and the rest follows.",
                right=True,
            ),
            Option(
                "Steps 4 and 5: step 3 had begun",
                "No. A step counts when its checkpoint is written, and not when it begins.",
            ),
            Option(
                "The rest of step 3, then 4 and 5",
                "No. The middle of a function is a frame, and frames die with their process.",
            ),
        ),
    ),
    Question(
        "11.durability",
        "Durability `async`, and a disk that no longer answers after the input was written. Killed "
        "inside step 4. How many steps are redone?",
        (
            Option(
                "One, as with `sync`",
                "No. `sync` would have waited for the disk. `async` did not.",
            ),
            Option(
                "At most two: one running, one being written",
                "No. Writes wait in a queue, and nothing bounds its length.",
            ),
            Option(
                "Four",
                "Right. The run went on, the disk did not, and everything since the input is redone.",
                right=True,
            ),
            Option(
                "None: this graph does not use asyncio",
                "No. The mode's name has nothing to do with asyncio.",
            ),
        ),
    ),
    Question(
        "11.branches",
        "Two branches side by side, durability `sync`. The invoice is finished, the parcel is "
        "killed half-way. Is the invoice made again on resume?",
        (
            Option(
                "Never: it was finished, and the mode is sync",
                "No. `sync` promises a checkpoint for each super-step, and this one had none yet.",
            ),
            Option(
                "Always: the super-step was not finished",
                "No. There is a safety net, and sometimes it holds.",
            ),
            Option(
                "Only if its result had not reached the disk yet",
                "Right. A finished branch is saved as a pending write, in the background.",
                right=True,
            ),
        ),
    ),
    Question(
        "11.ticket",
        "Killed after the ticket was opened and before the node returned; then resumed. "
        "How many tickets are there?",
        (
            Option("None", "No. A checkpoint brings back your state. It does not undo the world."),
            Option("One", "No. The frame died, so the node starts again, at its first line."),
            Option("Two", "Right. The node runs again and opens another one.", right=True),
            Option(
                "An error: the thread is broken",
                "No. The thread is whole. It stands at the last checkpoint, as designed.",
            ),
        ),
    ),
    Question(
        "11.drain",
        "SIGTERM arrives in the middle of step 3 and the handler asks the run to drain; the mode is "
        "`exit`. Which steps does the next process run?",
        (
            Option(
                "All of them: `exit` had written nothing",
                "No. `exit` writes when the run ends, and draining is an orderly end.",
            ),
            Option("3, 4 and 5", "No. Draining lets the step in hand finish."),
            Option(
                "4 and 5",
                "Right. Step 3 was finished and written before the run stopped.",
                right=True,
            ),
        ),
    ),
    Question(
        "11.join",
        "The second order in a thread: `post` waits for both branches, the disk is late, and the "
        "process is killed in `post`. A new process resumes. What has the second order got?",
        (
            Option(
                "`invoice`, `parcel` and `post`: what died is done again",
                "So it should be, and so it is in `sync`. In `async` the disk was handed something "
                "that was still changing.",
            ),
            Option(
                "An error: what the disk has does not fit together",
                "No error at all, which is the worst of it.",
            ),
            Option(
                "`invoice` and `parcel`, and never `post`",
                "Right. The file says that the branches have already come, so their coming again "
                "is no news, and nothing starts `post`.",
                right=True,
            ),
        ),
    ),
    Question(
        "11.raises",
        "Two branches side by side, durability `exit`. The invoice has finished; then the parcel "
        "*raises an exception*. You mend the cause and call `invoke(None, …)`. Which of them run?",
        (
            Option(
                "Both: `exit` had written nothing",
                "No. An exception is an end of the run, and at its end `exit` writes.",
            ),
            Option(
                "Both: the super-step was not finished",
                "No. After a kill it can be so. Here the process lived, and wrote what it had.",
            ),
            Option(
                "The parcel only",
                "Right. The invoice's result was saved before the exception reached you.",
                right=True,
            ),
            Option(
                "Neither: the thread is broken",
                "No. The thread stands at its last checkpoint, and beside it lies the error.",
            ),
        ),
    ),
)

THREAD = {"configurable": {"thread_id": "order 17"}}
OTHER_THREAD = {"configurable": {"thread_id": "order 18"}}
STUCK = "the disk is stuck"  # as lessons_lib.memories.slow_disk says it, which loads LangGraph


def on_disk(folder: Path, slow: bool = False) -> Any:
    """A SQLite saver on a file in `folder`; a slow one is stuck after it has saved the input."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from lessons_lib.memories.slow_disk import SlowDisk

    connection = sqlite3.connect(folder / "memory.db", check_same_thread=False)
    return SlowDisk(connection) if slow else SqliteSaver(connection)


# --- Exercise 1: one ticket per order -------------------------------------------------------

Node = Callable[[Any, Any, Any], dict[str, Any]]


class TicketState(TypedDict):
    """The order in hand, and what has been done in this thread."""

    order: str
    done: Annotated[list[str], operator.add]


class Desk:
    """The world outside: each key opens one ticket, and opening it again changes nothing."""

    def __init__(self, folder: Path) -> None:
        self.tickets = folder / "tickets"
        self.tickets.mkdir(exist_ok=True)

    def open(self, key: str) -> None:
        """Open the ticket of this key, if it is not open."""
        moment("at the desk")
        (self.tickets / str(key).encode().hex()).touch()
        moment("ticket opened")

    def count(self) -> int:
        """How many tickets have been opened."""
        return len(list(self.tickets.iterdir()))


def ticket_graph(node: Node, folder: Path, slow: bool) -> Any:
    """A graph of one node, the reader's, on a file in `folder`."""
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph import START, StateGraph

    def open_ticket(state: TicketState, config: RunnableConfig) -> dict[str, Any]:
        return node(state, config, Desk(folder))

    builder = StateGraph(TicketState)
    builder.add_node("open_ticket", open_ticket)
    builder.add_edge(START, "open_ticket")
    return builder.compile(checkpointer=on_disk(folder, slow))


def two_orders(node: Node, at: str, slow: bool) -> Crash:
    """Kill the first order at a moment and resume it; one more, one elsewhere, the first again.

    The value is the number of tickets after each of the four.
    """

    def first(folder: Path) -> None:
        graph = ticket_graph(node, folder, slow)
        graph.invoke({"order": "A-1", "done": []}, THREAD, durability="async" if slow else "sync")

    def then(folder: Path) -> list[int]:
        graph, desk = ticket_graph(node, folder, slow=False), Desk(folder)
        graph.invoke(None, THREAD)
        counts = [desk.count()]
        for order, thread in ("B-2", THREAD), ("C-3", OTHER_THREAD), ("A-1", THREAD):
            graph.invoke({"order": order, "done": []}, thread)
            counts.append(desk.count())
        return counts

    return crash(first, at, after=STUCK if slow else (), then=then)


class Probe:
    """A desk that opens nothing and notes the keys it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.keys: list[str] = []
        self.tickets = folder / "tickets"

    def open(self, key: str) -> None:
        """Note the key."""
        self.keys.append(str(key))

    def count(self) -> int:
        """How many keys were noted."""
        return len(self.keys)


def asked_keys(
    node: Node, folder: Path, *, done: tuple[str, ...] = (), attempt: int = 1, salt: int = 1
) -> list[str]:
    """The keys that one run of the node asks the desk for; none when it needs more than is here."""
    order, probe = salted("A-1", salt), Probe(folder)
    names = {"thread_id": "t", "checkpoint_ns": f"n:{attempt}", "checkpoint_id": str(attempt)}
    config = {"configurable": names, "metadata": {"thread_id": "t", "langgraph_step": attempt}}
    try:
        node({"order": order, "done": list(done)}, config, probe)
    except Exception:  # in the graph it gets all that LangGraph gives, and is judged there
        return []
    return probe.keys


def fresh_keys(node: Node, **run: Any) -> list[str]:
    """The keys that a run asks for in a folder of its own, where nothing has been noted yet."""
    with tempfile.TemporaryDirectory() as folder:
        return asked_keys(node, Path(folder), **run)


def why_twice(node: Node) -> str:
    """The likeliest reason why two runs of a node opened two tickets."""
    if fresh_keys(node) == fresh_keys(node) != fresh_keys(node, salt=2):
        return (
            "The key is held by the process, in a name or a cache, and died with it: the next "
            "process chose another."
        )
    with tempfile.TemporaryDirectory() as folder:
        if asked_keys(node, Path(folder)) and not asked_keys(node, Path(folder)):
            return "The mark is made after the ticket, and the kill came between the two."
    if fresh_keys(node) and not fresh_keys(node, done=("ticket",)):
        return "A note in the state is written at the end of the step, so it died with the step."
    if fresh_keys(node) == fresh_keys(node) != fresh_keys(node, attempt=2):
        return "The checkpoint namespace names the *attempt*: a retry from an older checkpoint has another."
    return "Each run of the node chose a new key, so the desk could not know that it was the same order."


def judge_tickets(tickets: list[int], node: Node, when: str) -> None:
    """Raise NotYet unless each of three orders got one ticket."""
    first, second, third = tickets[0], tickets[1] - tickets[0], tickets[2] - tickets[1]
    if first == 0:
        raise NotYet(
            f"{when}: no ticket was opened at all. The order was marked as done before it was done."
        )
    if first > 1:
        raise NotYet(f"{when}: {first} tickets for one order. {why_twice(node)}")
    if second != 1:
        raise NotYet(
            f"the second order in the same thread got {second} tickets, expected 1. Whatever the "
            "key is made of is the same for both, as the thread is, or the day. One customer can "
            "order twice."
        )
    if third != 1:
        raise NotYet(
            f"an order in another thread got {third} tickets, expected 1. The key counts within "
            "its own thread, and every customer has a first order."
        )


def judge_hash(node: Node) -> None:
    """Raise NotYet when the key comes from `hash()`: a kill here would not show it.

    The lab's processes have one parent and its hash seed; those of a deployment do not.
    """
    with another_hash(node):
        other = fresh_keys(node)
    if fresh_keys(node) == fresh_keys(node) != other:
        raise NotYet(
            "`hash()` of a string is another number in every Python that is started afresh, and so "
            "is your key. A kill in this lab would not show it: its processes have one parent."
        )


def check_one_ticket(open_ticket: Node) -> str:
    """Prove by kills that every order gets one ticket."""
    import langgraph.checkpoint.sqlite  # noqa: F401  # what is loaded here, no child has to load

    judge_hash(open_ticket)
    kills = 0
    for slow in (False, True):
        for at in ("ticket opened", "at the desk"):
            report = two_orders(open_ticket, at, slow)
            if len(report.lives) == 1 and report.lives[0].ended == "returned":
                raise NotYet("the node ran and opened no ticket: nothing called `desk.open`.")
            say_if_failed(report)
            kills += 1
            disk = "a slow disk" if slow else "a fast disk"
            tickets: Any = report.value
            judge_tickets(tickets, open_ticket, f"killed at {at!r}, with {disk}")
    if tickets[3] != tickets[2]:
        raise NotYet(
            "order A-1 came once more, from a sender who had not seen the answer, and got a "
            "second ticket. The key counts what the thread has done and does not name the order."
        )
    return f"{kills} kills, before and after, fast disk and slow: one ticket for every order."


def _node(*body: str, imports: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body)
    return (
        f"{imports}def open_ticket(state, config, desk):\n{lines}"
        + '    return {"done": ["ticket"]}\n'
    )


ONE_TICKET = Exercise(
    id="11.one-ticket",
    name="open_ticket",
    task="Open one ticket per order, however often the step runs.",
    given=code("""
            import uuid
            """),
    stub=_node("desk.open(key=uuid.uuid4().hex)"),
    solution=_node('desk.open(key=state["order"])'),
    alternatives=(
        _node('desk.open(key=config["configurable"]["thread_id"] + "/" + state["order"])'),
        _node('desk.open(key=uuid.uuid5(uuid.NAMESPACE_URL, state["order"]).hex)'),
    ),
    near_misses=(
        NearMiss(
            _node('if "ticket" not in state["done"]:', "    desk.open(key=uuid.uuid4().hex)"),
            "it died with the step",
        ),
        NearMiss(
            _node(
                'mark = desk.tickets.parent / state["order"]',
                "if not mark.exists():",
                "    mark.touch()",
                "    desk.open(key=uuid.uuid4().hex)",
            ),
            "marked as done before it was done",
        ),
        NearMiss(
            _node('desk.open(key=config["configurable"]["thread_id"])'),
            "the second order in the same thread got 0",
        ),
        NearMiss(
            _node('desk.open(key=config["configurable"]["checkpoint_ns"])'), "names the *attempt*"
        ),
        NearMiss(
            _node(
                'mark = desk.tickets.parent / state["order"]',
                "if not mark.exists():",
                "    desk.open(key=uuid.uuid4().hex)",
                "    mark.touch()",
            ),
            "mark is made after the ticket",
        ),
        NearMiss(_node('desk.open(key=str(len(state["done"])))'), "within its own thread"),
        NearMiss(_node("desk.open(key=hash(f\"ticket {state['order']}\"))"), "started afresh"),
        NearMiss(
            _node(
                'thread = config["configurable"]["thread_id"]',
                "desk.open(key=thread + str(len(state['done'])))",
            ),
            "does not name the order",
        ),
        NearMiss(
            _node(
                'desk.open(key=KEYS.setdefault(state["order"], uuid.uuid4().hex))',
                imports="KEYS = {}\n\n\n",
            ),
            "held by the process",
        ),
        NearMiss(_node("pass"), "nothing called `desk.open`"),
    ),
    hints=(
        "The desk opens at most one ticket for a key. When the node runs again, is the key the same?",
        "Look for something that is the same in both runs of the node, and different for two orders.",
        'It is in the state before the node begins: `state["order"]`.',
    ),
    check=check_one_ticket,
)


# --- Exercise 2: a budget of one paid call --------------------------------------------------

CALLS = ["look up", "draft", "review"]
Assistant = Callable[[Any, Callable[[str], str]], Any]


def pay(name: str) -> str:
    """Make a paid call: the lab is told, and may kill the process here."""
    moment(name)
    return name


def judge_graph(graph: Any, saver: Any) -> None:
    """Raise NotYet unless this is a compiled graph on the saver that was given."""
    if not hasattr(graph, "invoke"):
        raise NotYet(
            f"assistant returned {type(graph).__name__}, expected a compiled graph: "
            "end it with `return builder.compile(checkpointer=saver)`."
        )
    if not graph.checkpointer:
        raise NotYet("the graph is compiled without the saver, so there is nothing to resume from.")
    if graph.checkpointer is not saver:
        raise NotYet(
            "the graph is compiled with a saver of its own. Use the one that `assistant` is given: "
            "it writes to the file that the next process opens."
        )


def judge_whole_run(assistant: Assistant) -> None:
    """Raise NotYet unless an undisturbed run makes each call once, in order, a super-step each."""
    import langgraph.checkpoint.sqlite  # noqa: F401  # what is loaded here, no child has to load
    from langgraph.checkpoint.memory import InMemorySaver

    calls: list[str] = []

    def listen(name: str) -> str:
        calls.append(name)
        return name

    saver = InMemorySaver()
    graph = assistant(saver, listen)
    judge_graph(graph, saver)
    if calls:
        raise NotYet(
            f"{len(calls)} paid calls were made while the graph was built, before any run. "
            "A call belongs in the function of a node."
        )
    done = graph.invoke({"done": []}, THREAD, durability="sync")["done"]
    if any(len(snapshot.tasks) > 1 for snapshot in graph.get_state_history(THREAD)):
        raise NotYet(
            "calls side by side are one super-step, and one super-step is one unit of redo: "
            "a kill may cost all of them. Let them follow one another."
        )
    if done != CALLS or calls != CALLS:
        raise NotYet(f"the run made {calls!r} and returned {done!r}, expected {CALLS!r} in both.")
    saved = graph.get_state(THREAD).values["done"]
    if saved != CALLS:
        raise NotYet(
            f"the run returned all three, and a saver in memory has {saved!r}: a node that changes "
            "the list in place and returns nothing is not saved by every saver (lesson 10). "
            "Return what is new."
        )


def kill_in_call(assistant: Assistant, call: str) -> Crash:
    """Kill the run in one of the paid calls and resume it in a new process."""

    def first(folder: Path) -> None:
        assistant(on_disk(folder), pay).invoke({"done": []}, THREAD, durability="sync")

    def then(folder: Path) -> list[str]:
        done: list[str] = assistant(on_disk(folder), pay).invoke(None, THREAD)["done"]
        return done

    return crash(first, call, then=then)


def check_paid_calls(assistant: Assistant) -> str:
    """Prove by a kill in each call that no more than one is made twice."""
    judge_whole_run(assistant)
    reports = {call: kill_in_call(assistant, call) for call in CALLS}
    for report in reports.values():
        say_if_failed(report)
        if report.value != CALLS:
            raise NotYet(f"the resumed run returned {report.value!r}, expected {CALLS!r}.")
    call, worst = max(reports.items(), key=lambda pair: len(pair[1].redone))
    if len(worst.redone) > 1:
        raise NotYet(
            f"killed in {call!r}, {len(worst.redone)} paid calls were made twice "
            f"({', '.join(worst.redone)}); the budget is one. What stands in one node is redone together."
        )
    return f"killed in each of {len(CALLS)} calls, and never more than one was made twice."


def _assistant(body: str) -> str:
    return "def assistant(saver, pay):\n" + indent(code(body), "    ")


_STUB = _assistant("""
                def answer(state):
                    return {"done": [pay("look up"), pay("draft"), pay("review")]}

                builder = StateGraph(Order)
                builder.add_node("answer", answer)
                builder.add_edge(START, "answer")
                return builder.compile(checkpointer=saver)
            """)

_SOLUTION = _assistant("""
                def call(name):
                    return lambda state: {"done": [pay(name)]}

                builder = StateGraph(Order)
                builder.add_sequence([(name, call(name)) for name in ["look up", "draft", "review"]])
                builder.add_edge(START, "look up")
                return builder.compile(checkpointer=saver)
            """)

PAID_CALLS = Exercise(
    id="11.paid-calls",
    name="assistant",
    task="Build the graph so that a kill never costs more than one paid call.",
    given=code("""
            import operator
            from typing import Annotated, TypedDict

            from langgraph.graph import START, StateGraph


            class Order(TypedDict):
                done: Annotated[list[str], operator.add]
            """),
    stub=_STUB,
    solution=_SOLUTION,
    alternatives=(
        _assistant("""
                calls = ["look up", "draft", "review"]

                def call(state):
                    return {"done": [pay(calls[len(state["done"])])]}

                def more(state):
                    return "call" if len(state["done"]) < len(calls) else "__end__"

                builder = StateGraph(Order)
                builder.add_node("call", call)
                builder.add_edge(START, "call")
                builder.add_conditional_edges("call", more)
                return builder.compile(checkpointer=saver)
            """),
    ),
    near_misses=(
        NearMiss(
            _assistant("""
                builder = StateGraph(Order)
                for name in ["look up", "draft", "review"]:
                    builder.add_node(name, lambda state, name=name: {"done": [pay(name)]})
                    builder.add_edge(START, name)
                return builder.compile(checkpointer=saver)
            """),
            "side by side are one super-step",
        ),
        NearMiss(
            _SOLUTION.replace(
                'return lambda state: {"done": [pay(name)]}',
                'return lambda state: state["done"].append(pay(name))',
            ),
            "not saved by every saver",
        ),
        NearMiss(
            _assistant("""
                def prepare(state):
                    return {"done": [pay("look up"), pay("draft")]}

                def finish(state):
                    return {"done": [pay("review")]}

                builder = StateGraph(Order)
                builder.add_sequence([("prepare", prepare), ("finish", finish)])
                builder.add_edge(START, "prepare")
                return builder.compile(checkpointer=saver)
            """),
            "2 paid calls were made twice",
        ),
        NearMiss(
            "paid = {}\n\n\n"
            + _STUB.replace(
                '        return {"done": [pay("look up"), pay("draft"), pay("review")]}\n',
                '        for name in ["look up", "draft", "review"]:\n'
                "            if name not in paid:\n"
                "                paid[name] = pay(name)\n"
                '        return {"done": [paid.pop(n) for n in ["look up", "draft", "review"]]}\n',
            ),
            "3 paid calls were made twice",
        ),
        NearMiss(_SOLUTION.replace("checkpointer=saver", ""), "compiled without the saver"),
        NearMiss(
            "from langgraph.checkpoint.memory import InMemorySaver\n\n\n"
            + _SOLUTION.replace("checkpointer=saver", "checkpointer=InMemorySaver()"),
            "a saver of its own",
        ),
        NearMiss(
            _assistant("""
                paid = {name: pay(name) for name in ["look up", "draft", "review"]}
                builder = StateGraph(Order)
                builder.add_sequence(
                    [(name, lambda state, name=name: {"done": [paid[name]]}) for name in paid]
                )
                builder.add_edge(START, "look up")
                return builder.compile(checkpointer=saver)
            """),
            "before any run",
        ),
        NearMiss(
            _SOLUTION.replace('["look up", "draft", "review"]', '["look up", "draft"]'),
            "expected ['look up', 'draft', 'review'] in both",
        ),
    ),
    hints=(
        "What is redone after a kill: a call, a node, or something else? See sections 1 and 3.",
        "A checkpoint is written between super-steps. How many of them do three calls need?",
        "`builder.add_sequence` takes a list of (name, function) pairs and makes one node for each.",
    ),
    check=check_paid_calls,
)

EXERCISES = (ONE_TICKET, PAID_CALLS)

CATCH_UP = CatchUp(
    say=(
        "A checkpoint is the state of a thread after a super-step, kept by a saver under the "
        "thread's id.",
        "A reducer says how what a node returns is joined to the state; operator.add appends.",
        "A new process finds a conversation by the file and the thread id, and by nothing else.",
        "What a process holds dies with it, and kill -9 lets no clean-up code run.",
    ),
    source="""import operator
import sqlite3
import threading
import uuid
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from lessons_lib.memories import crash, moment


class Order(TypedDict):
    done: Annotated[list[str], operator.add]


def work(name):
    def node(state):
        moment(name)
        return {"done": [name]}

    return node


STEPS = ["step 1", "step 2", "step 3", "step 4", "step 5"]


def five_steps(saver):
    builder = StateGraph(Order)
    builder.add_sequence([(name, work(name)) for name in STEPS])
    builder.add_edge(START, "step 1")
    return builder.compile(checkpointer=saver)


THREAD = {"configurable": {"thread_id": "order 17"}}


def on_disk(folder, saver_class=SqliteSaver):
    return saver_class(sqlite3.connect(folder / "memory.db", check_same_thread=False))


def start(folder):
    return five_steps(on_disk(folder)).invoke({"done": []}, THREAD, durability="sync")["done"]


def resume(folder):
    return five_steps(on_disk(folder)).invoke(None, THREAD)["done"]
""",
    names=("Order", "work", "STEPS", "five_steps", "THREAD", "on_disk", "start", "resume"),
)
