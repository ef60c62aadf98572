"""Lesson 15, ready-made agents: its questions, exercises and their checks.

LangChain is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from lessons_lib.memories import moment
from lessons_lib.teach.answers.kills import one_life
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "15.recall-key",
        "From lesson 11. A step opens a ticket and is killed before its checkpoint. Which key makes "
        "it one ticket when the step runs again?",
        (
            Option(
                "A new one each time, from `uuid4`",
                "No. Then the desk cannot know that it is the same order.",
            ),
            Option(
                "One that was in the checkpoint before the step began",
                "Right. It is the same in both runs, and another order has another.",
                right=True,
            ),
            Option(
                "The number of tickets so far",
                "No. After the kill there is one more, so the second run counts another number.",
            ),
        ),
    ),
    Question(
        "15.recall-input",
        "From lesson 12. A question is open in a thread, and somebody invokes the thread with a new "
        "message. What becomes of the question?",
        (
            Option(
                "It waits until the new turn is over",
                "No. The new turn has checkpoints of its own, and the newest one counts.",
            ),
            Option(
                "It is no longer due: the input began a new turn at START",
                "Right. It lies in an earlier checkpoint, where nobody looks for it.",
                right=True,
            ),
            Option(
                "An error says that the thread is waiting",
                "No, and it would be better. LangGraph takes the message.",
            ),
        ),
    ),
    Question(
        "15.checkpoints",
        "Ada writes one message, the agent calls one tool and answers. How many checkpoints does the "
        "thread have then?",
        (
            Option("One, for the turn", "No. A checkpoint is written for each super-step."),
            Option(
                "Two: her message, and the agent's answer",
                "No. Inside the agent there are several steps, and it is a graph like any other.",
            ),
            Option(
                "Five: the input, its arrival, `model`, `tools`, `model`",
                "Right. Two at the start of each run, and one for each node that ran after it.",
                right=True,
            ),
        ),
    ),
    Question(
        "15.same-id",
        "The channel has a message with the id `1`. A node returns another message with the id `1`. "
        "What does `add_messages` do?",
        (
            Option(
                "It appends it: two messages with one id",
                "No. So would `operator.add`. This reducer looks at ids.",
            ),
            Option(
                "It puts it in the place of the first",
                "Right. The id says which message is meant, and the new one replaces it there.",
                right=True,
            ),
            Option(
                "It refuses it, since ids must be unique",
                "No. It sees to it that they are, by replacing.",
            ),
        ),
    ),
    Question(
        "15.dangling",
        "Killed when the ticket was open; nobody resumes. Ada writes “Are you there?” into the same "
        "thread. What happens to the tool call?",
        (
            Option(
                "The tool runs first, then her message is answered",
                "No. An input begins at START. What was due before is not due any more.",
            ),
            Option(
                "An error: the thread waits for a tool's answer",
                "No. Nothing in LangGraph compares calls with answers when a message comes in.",
            ),
            Option(
                "It is never answered, and the thread looks finished",
                "Right. Her message stands behind the call, and the agent answers her message.",
                right=True,
            ),
            Option(
                "The agent answers it with an error message",
                "No. It does that for a call that it cannot read, and this one it can.",
            ),
        ),
    ),
    Question(
        "15.thirty",
        "`trim` sends the last ten messages only. After thirty turns, what is in the saver, compared "
        "with an agent that sends them all?",
        (
            Option("Ten messages", "No. It changes what is sent, and nothing else."),
            Option(
                "As much as without it",
                "Right. The thread keeps every message, in every checkpoint. Only the model gets less.",
                right=True,
            ),
            Option(
                "About a third",
                "No. Nothing told the channel to take anything away.",
            ),
        ),
    ),
    Question(
        "15.rejected",
        "Eve says no. The call was made and the tool did not run. What stands behind the call in the "
        "thread?",
        (
            Option(
                "Nothing: the call dangles", "No. The middleware knows that it must be answered."
            ),
            Option(
                "The call is taken out of the thread",
                "No. The model did ask for it, and what was asked stays.",
            ),
            Option(
                "A tool's answer, written by the middleware, with her reason",
                "Right. Whoever keeps a tool from running has to answer in its place.",
                right=True,
            ),
        ),
    ),
    Question(
        "15.two-questions",
        "Two questions are open. The printer's is approved today, the lamp's is answered tomorrow, in "
        "another process. When is the printer's ticket opened?",
        (
            Option(
                "Today, and once",
                "Right. Its run ended with a result, and that waits as a pending write.",
                right=True,
            ),
            Option(
                "Tomorrow, when both are answered",
                "No. Each call is a run of its own, and it goes on when it has its answer.",
            ),
            Option(
                "Today, and again tomorrow",
                "It would, had the pending write been lost. It is on disk here, since the first "
                "process ended in good order.",
            ),
        ),
    ),
    Question(
        "15.fifty",
        "Fifty branches, each given the whole state, which holds a text of ten thousand characters. "
        "How many times does the saver hold the text?",
        (
            Option(
                "Once: they share one object", "No. In the run they do. In a saver there are bytes."
            ),
            Option("About fifty times", "Nearly. It is stored at two places."),
            Option(
                "More than a hundred times",
                "Right. Fifty as what the step before wrote, fifty in the checkpoint, and the text.",
                right=True,
            ),
        ),
    ),
    Question(
        "15.functional",
        "The same saver, a function in place of a graph. Which of these does it pass: recall, apart, "
        "`kill -9` between turns?",
        (
            Option(
                "None: there are no channels to save", "No. What is saved is one value, `previous`."
            ),
            Option("Recall and apart", "No. The value is in the file, and the file survives."),
            Option(
                "All three",
                "Right. A checkpointer and a thread id are all that they need.",
                right=True,
            ),
        ),
    ),
)

THREAD = {"configurable": {"thread_id": "ada"}}
OPEN, NONE = "the ticket is open", "no ticket was opened"


# --- Exercise 1: answer the call ------------------------------------------------------------

Mend = Callable[[Any, Any, Any], object]


class Desk:
    """The world outside: each key opens one ticket, and the desk can say whether it did."""

    def __init__(self, folder: Path) -> None:
        self.tickets = folder / "tickets"
        self.tickets.mkdir(exist_ok=True)
        self.asked: list[str] = []
        """The keys that this process has asked to open."""

    def open(self, key: str) -> None:
        """Open the ticket of this key, if it is not open."""
        self.asked.append(key)
        moment("at the desk")
        (self.tickets / key).touch()
        moment("ticket opened")

    def status(self, call_id: str) -> str:
        """What the desk says about the ticket of a call."""
        return OPEN if (self.tickets / call_id).exists() else NONE


def smokes(messages: Sequence[Any]) -> list[tuple[str, dict[str, Any]]]:
    """A call for each thing that smokes: one for the printer, two when the lamp does as well."""
    last = messages[-1]
    if last.type != "human" or "smoke" not in last.text:
        return []
    things = [thing for thing in ("printer", "lamp") if thing in last.text]
    return [("open_ticket", {"about": thing}) for thing in things]


def agent_on(saver: Any, desk: Desk) -> Any:
    """An agent with one tool, which opens a ticket under the id of its call."""
    from langchain.agents import create_agent
    from langchain.tools import InjectedToolCallId

    from lessons_lib.memories.scripted_model import ScriptedModel

    def open_ticket(about: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Open a ticket at the help desk."""
        desk.open(call_id)
        return OPEN

    return create_agent(ScriptedModel(wants=smokes), [open_ticket], checkpointer=saver)


def in_file(folder: Path) -> Any:
    """The agent on a file of the folder, and its desk."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(folder / "memory.db", check_same_thread=False)
    desk = Desk(folder)
    return agent_on(SqliteSaver(connection), desk), desk, connection


def send(agent: Any, text: str) -> None:
    """A turn of the customer."""
    agent.invoke({"messages": [("user", text)]}, THREAD, durability="sync")


def first_life(folder: Path) -> None:
    """The life that is killed in the tool."""
    send(in_file(folder)[0], "My printer smokes.")


def saved(agent: Any) -> list[Any]:
    """The messages in the newest state of the thread."""
    messages: list[Any] = agent.get_state(THREAD).values.get("messages", [])
    return messages


def judge_mended(agent: Any, desk: Desk, before: list[Any], when: str) -> None:
    """Raise NotYet unless the calls of `before` are answered, and nothing else is different."""
    from lessons_lib.memories.scripted_model import refuse, unanswered

    after, calls = saved(agent), unanswered(before)
    if desk.asked:
        raise NotYet(
            f"{when}: the tool ran again. Ask the desk what it knows, with `desk.status(call_id)`; "
            "nothing has to run for that."
        )
    _judge_kept(before, after, when)
    left = unanswered(after)
    if left and len(left) == len(calls):
        raise NotYet(
            f"{when}: the call is as unanswered as before. The new message began a new turn, so the "
            "old task is not due, and `invoke(None, …)` finds nothing to do."
        )
    if left:
        raise NotYet(
            f"{when}: {len(left)} of {len(calls)} calls have no answer. A message can hold several "
            "calls, and a thread several such messages."
        )
    known = {message.id for message in before}
    added = [message for message in after if message.id not in known]
    answered = [message.tool_call_id for message in after if message.type == "tool"]
    if len(answered) != len(set(answered)):
        raise NotYet(f"{when}: a call has two answers. Answer only those that have none.")
    if len(added) != len(calls):
        raise NotYet(
            f"{when}: the thread got {len(added)} messages, expected {len(calls)}: an answer for "
            "each unanswered call, and nothing else."
        )
    try:
        refuse(after)
    except ValueError:
        raise NotYet(
            f"{when}: the answer stands at the end, and not right behind its call: `add_messages` "
            "appends what is new. To put something in between, take all away and give the whole "
            "list anew."
        ) from None
    for message in added:
        if message.text != desk.status(message.tool_call_id):
            raise NotYet(
                f"{when}: the thread says {message.text!r}, and the desk says "
                f"{desk.status(message.tool_call_id)!r}. Only the desk knows."
            )
    if tasks := [task.name for task in agent.get_state(THREAD).tasks]:
        raise NotYet(
            f"{when}: the thread has a task now, {tasks[0]!r}, and looks half done. `as_node` says "
            "whose step the update stands for, and so what comes next; the turn ended with `model`."
        )


def _judge_kept(before: list[Any], after: list[Any], when: str) -> None:
    there = [message.id for message in after]
    for message in before:
        if message.id in there:
            continue
        if message.type == "ai" and message.tool_calls:
            raise NotYet(
                f"{when}: the call itself was removed. A provider takes the rest, and nothing in "
                "the thread says any more what was asked of the desk."
            )
        raise NotYet(
            f"{when}: her message {message.text!r} is gone, or it is a copy with another id. "
            "Everything else stays as it is."
        )
    kept = [id for id in there if id in {message.id for message in before}]
    if kept != [message.id for message in before]:
        raise NotYet(f"{when}: the messages stand in another order than before.")


def mend_after_a_kill(mend: Mend, at: str) -> None:
    """Kill the tool at a moment, let the customer write, mend twice."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        one_life(first_life, folder, at)
        agent, desk, connection = in_file(folder)
        try:
            send(agent, "Are you there?")
            before = saved(agent)
            mend(agent, THREAD, desk)
            judge_mended(agent, desk, before, f"killed at {at!r}")
            mended = saved(agent)
            mend(agent, THREAD, desk)
            judge_mended(agent, desk, mended, "mended once more")
        finally:
            connection.close()


def mend_in_memory(mend: Mend) -> None:
    """A whole thread, and one with three unanswered calls in two messages, one of them done."""
    from langgraph.checkpoint.memory import InMemorySaver

    from lessons_lib.memories.scripted_model import unanswered

    with tempfile.TemporaryDirectory() as name:
        desk = Desk(Path(name))
        agent = agent_on(InMemorySaver(), desk)
        send(agent, "My printer smokes.")
        desk.asked.clear()
        whole = saved(agent)
        mend(agent, THREAD, desk)
        judge_mended(agent, desk, whole, "a thread in which every call was answered")

        agent = agent_on(InMemorySaver(), desk)
        for text in ("Printer and lamp: the printer smokes, the lamp too.", "The lamp smokes."):
            _stopped(agent, text)
            send(agent, "Are you there?")
        desk.open(unanswered(saved(agent))[0]["id"] or "")
        desk.asked.clear()
        before = saved(agent)
        mend(agent, THREAD, desk)
        judge_mended(agent, desk, before, "three calls in two messages")


def _stopped(agent: Any, text: str) -> None:
    """A turn that ends before its tools run, as if it had been killed there."""
    agent.invoke({"messages": [("user", text)]}, THREAD, interrupt_before=["tools"])


def check_mend(mend: Mend) -> str:
    """Prove by kills that a dangling call is answered, in its place and truthfully."""
    import langchain.agents  # noqa: F401  # what is loaded here, no child has to load

    for at in ("ticket opened", "at the desk"):
        mend_after_a_kill(mend, at)
    mend_in_memory(mend)
    return "2 kills and 3 calls more: each has one true answer behind it, and no tool ran again."


def _mend(body: str) -> str:
    return "def mend(agent, config, desk):\n" + "".join(
        f"    {line}\n" if line else "\n" for line in code(body).splitlines()
    )


_SOLUTION = _mend("""
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        mended.append(message)
        for call in getattr(message, "tool_calls", []):
            if call["id"] in left:
                mended.append(ToolMessage(desk.status(call["id"]), tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="model")
    """)

UNANSWERED = """def unanswered(messages):
    answered = {m.tool_call_id for m in messages if m.type == "tool"}
    calls = [call for m in messages if m.type == "ai" for call in m.tool_calls]
    return [call for call in calls if call["id"] not in answered]
"""

MEND = Exercise(
    id="15.mend",
    name="mend",
    task="Answer the calls that nobody answered, in their place, and run no tool.",
    given=code("""
        from langchain_core.messages import HumanMessage, RemoveMessage, ToolMessage
        from langgraph.graph.message import REMOVE_ALL_MESSAGES
        """)
    + "\n\n"
    + UNANSWERED,
    stub=_mend("""
        agent.invoke(None, config)
        """),
    solution=_SOLUTION,
    alternatives=(
        _mend("""
            messages = list(agent.get_state(config).values["messages"])
            for call in unanswered(messages):
                told = ToolMessage(desk.status(call["id"]), tool_call_id=call["id"])
                asked = [call in getattr(message, "tool_calls", []) for message in messages]
                messages.insert(asked.index(True) + 1, told)
            messages.insert(0, RemoveMessage(REMOVE_ALL_MESSAGES))
            agent.update_state(config, {"messages": messages}, as_node="model")
            """),
    ),
    near_misses=(
        NearMiss(
            _mend("""
                messages = agent.get_state(config).values["messages"]
                told = [
                    ToolMessage(desk.status(call["id"]), tool_call_id=call["id"])
                    for call in unanswered(messages)
                ]
                agent.update_state(config, {"messages": told}, as_node="model")
                """),
            "stands at the end",
        ),
        NearMiss(
            _mend("""
                for message in agent.get_state(config).values["messages"]:
                    if unanswered([message]):
                        update = {"messages": [RemoveMessage(message.id)]}
                        agent.update_state(config, update, as_node="model")
                """),
            "the call itself was removed",
        ),
        NearMiss(
            _SOLUTION.replace('desk.status(call["id"])', '"the ticket is open"'),
            "Only the desk knows",
        ),
        NearMiss(
            _mend("""
                past = agent.get_state_history(config)
                waiting = next((s for s in past if s.next == ("tools",)), None)
                if waiting:
                    agent.invoke(None, waiting.config)
                """),
            "the tool ran again",
        ),
        NearMiss(
            _SOLUTION.replace(
                'getattr(message, "tool_calls", [])', 'getattr(message, "tool_calls", [])[:1]'
            ),
            "calls have no answer",
        ),
        NearMiss(
            _SOLUTION.replace('as_node="model"', 'as_node="tools"'), "the thread has a task now"
        ),
        NearMiss(_SOLUTION.replace('if call["id"] in left:', "if True:"), "two answers"),
        NearMiss(
            _SOLUTION.replace(
                "        mended.append(message)\n",
                '        if message.type == "human":\n'
                "            message = HumanMessage(message.text)\n"
                "        mended.append(message)\n",
            ),
            "a copy with another id",
        ),
    ),
    hints=(
        "`unanswered` tells which calls. Where must an answer stand, and what does `add_messages` "
        "do with a message that is new?",
        "A list can be given anew: `RemoveMessage(REMOVE_ALL_MESSAGES)` first, and then every "
        "message in its order, with its id.",
        "Go through the messages; behind one with unanswered calls put "
        "`ToolMessage(desk.status(call_id), tool_call_id=call_id)` for each. Hand the list to "
        '`agent.update_state(config, …, as_node="model")`.',
    ),
    check=check_mend,
)


# --- Exercise 2: a budget of twelve messages ------------------------------------------------

BUDGET, NEWEST = 12, 6
Bounded = Callable[[Any, Callable[[Any], Any]], Any]


class Listener:
    """Sees what goes into a middleware and what comes out of it, and stops what is wrong."""

    def __init__(self, bounded: Bounded) -> None:
        self.bounded = bounded
        self.most = 0

    def watch(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call the reader's middleware as the agent would, with a handler that listens."""
        newest, calls = list(request.messages[-NEWEST:]), []

        def listen(inner: Any) -> Any:
            calls.append(inner)
            self._judge(inner.messages, newest)
            return handler(inner)

        response = self.bounded(request, listen)
        if len(calls) != 1:
            raise NotYet(
                f"the model was called {len(calls)} times for one request, expected once: each "
                "`handler(…)` is a paid call."
            )
        if response is None:
            raise NotYet("it returned None: return what `handler` returns.")
        return response

    def _judge(self, messages: Sequence[Any], newest: list[Any]) -> None:
        from lessons_lib.memories.scripted_model import refuse

        self.most = max(self.most, len(messages))
        if len(messages) > BUDGET:
            raise NotYet(
                f"{len(messages)} messages went to the model, and the budget is {BUDGET}. "
                "`request.override(messages=…)` makes a request with others."
            )
        if not messages or messages[-1].id != newest[-1].id:
            raise NotYet(
                f"the newest message, of type {newest[-1].type!r}, was not sent last: the model answers "
                "something else, and a tool whose answer it never sees is called again."
            )
        try:
            refuse(messages)
        except ValueError as error:
            raise NotYet(
                f"a call and its answer were parted: {error}. A piece may begin at a message of the "
                "customer, and not anywhere."
            ) from None
        sent = sum(message in messages for message in newest)
        if sent < len(newest):
            raise NotYet(
                f"of the {len(newest)} newest messages {sent} were sent: the bot no longer knows "
                "what was said a moment ago."
            )


def talk(name: str) -> list[str]:
    """What she says in thirty turns: her name early on, and tickets on some days."""
    smoke, rain = "The printer smokes, and the lamp.", "It rains today."
    days = [smoke if day % 4 == 0 else rain for day in range(26)]
    return ["Good morning.", rain, f"My name is {name}.", *days, "What is my name?"]


def thirty_turns(listener: Listener, name: str) -> None:
    """Talk for thirty turns; raise NotYet when the thread or the name is lost."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import wrap_model_call
    from langgraph.checkpoint.memory import InMemorySaver

    from lessons_lib.memories.scripted_model import ScriptedModel

    def open_ticket(about: str) -> str:
        """Open a ticket at the help desk."""
        return OPEN

    agent = create_agent(
        ScriptedModel(wants=smokes, strict=True),
        [open_ticket],
        middleware=[wrap_model_call(listener.watch)],
        checkpointer=InMemorySaver(),
    )
    expected = 0
    for text in talk(name):
        send(agent, text)
        expected += 5 if "smoke" in text else 2
        kept = saved(agent)
        if len(kept) != expected:
            raise NotYet(
                f"the thread has {len(kept)} messages, and {expected} were said: it has lost some "
                "for good. Changing `request.messages` in place reaches the thread; `override` "
                "does not."
            )
    said = kept[-1].text
    if said.startswith("Your name is") and name not in said:
        raise NotYet(
            f"her name is {name}, and the bot said {said!r}: take it from her own message."
        )
    if name not in said:
        raise NotYet(
            f"asked for her name at the end, the bot said {said!r}. She told it in her third "
            "message: find it in `request.messages` and send it along."
        )


def check_bounded(bounded: Bounded) -> str:
    """Prove by thirty turns, twice, that the budget holds and neither name nor pair is lost."""
    listener = Listener(bounded)
    for name in ("Ada", "Eve"):
        thirty_turns(listener, name)
    return f"30 turns, never more than {listener.most} messages sent; name, pairs and thread are whole."


def _bounded(body: str) -> str:
    return "def bounded(request, handler):\n" + "".join(
        f"    {line}\n" for line in code(body).splitlines()
    )


_RECENT = 'trim_messages(\n    messages, max_tokens=11, token_counter=len, start_on="human"\n)'

BOUNDED = Exercise(
    id="15.bounded",
    name="bounded",
    task="Send at most twelve messages, and lose neither the name nor a pair of call and answer.",
    given=code("""
        from langchain_core.messages import HumanMessage, trim_messages
        """),
    stub=_bounded("return handler(request)"),
    solution=_bounded(f"""
messages = request.messages
told = [m for m in messages if m.type == "human" and "my name is" in m.text.lower()]
recent = {_RECENT}
first = [m for m in told[-1:] if m not in recent]
return handler(request.override(messages=first + recent))
"""),
    alternatives=(
        _bounded("""
messages = request.messages
starts = [i for i, m in enumerate(messages) if m.type == "human" and len(messages) - i <= 11]
told = [m for m in messages[: starts[0]] if m.type == "human" and "My name is" in m.text]
return handler(request.override(messages=told[-1:] + messages[starts[0] :]))
"""),
    ),
    near_misses=(
        NearMiss(
            _bounded("return handler(request.override(messages=request.messages[-12:]))"),
            "were parted",
        ),
        NearMiss(
            _bounded(f"""
messages = request.messages
recent = {_RECENT}
return handler(request.override(messages=recent))
"""),
            "She told it in her third message",
        ),
        NearMiss(
            _bounded("""
said = [m for m in request.messages if m.type == "human" or m.text and m.type == "ai"]
return handler(request.override(messages=said[-12:]))
"""),
            "is called again",
        ),
        NearMiss(
            _bounded("""
messages = request.messages
starts = [i for i, m in enumerate(messages) if m.type == "human"]
told = [m for m in messages[: starts[-1]] if m.type == "human" and "My name is" in m.text]
return handler(request.override(messages=told[-1:] + messages[starts[-1] :]))
"""),
            "said a moment ago",
        ),
        NearMiss(
            _bounded(f"""
messages = request.messages
recent = {_RECENT}
return handler(request.override(messages=[HumanMessage("My name is Ada."), *recent]))
"""),
            "take it from her own message",
        ),
        NearMiss(
            _bounded("""
del request.messages[:-11]
return handler(request)
"""),
            "for good",
        ),
        NearMiss(
            _bounded("""
handler(request.override(messages=request.messages[-1:]))
"""),
            "it returned None",
        ),
        NearMiss(
            _bounded("""
handler(request.override(messages=request.messages[-1:]))
return handler(request.override(messages=request.messages[-1:]))
"""),
            "a paid call",
        ),
    ),
    hints=(
        "What is sent need not be one piece of the list. Which message has the name, and where may "
        "a piece begin?",
        '`trim_messages(messages, max_tokens=11, token_counter=len, start_on="human")` gives the '
        "newest messages, at most eleven of them, beginning with one of hers.",
        "Find her last message with “my name is”, put it in front unless it is among them, and send "
        "the list with `request.override(messages=…)`.",
    ),
    check=check_bounded,
)

EXERCISES = (MEND, BOUNDED)

CATCH_UP = CatchUp(
    say=(
        "A ready-made agent is a compiled graph: nodes, channels, checkpoints, threads.",
        "A run that is killed in a step does that step again when it is resumed with None.",
        "An input begins a new turn, and what was due before is no longer due.",
        "A side effect happens once only under a key that is the same in both runs.",
    ),
    source='''import sqlite3
import uuid
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
    before_model,
    wrap_model_call,
)
from langchain.tools import InjectedToolCallId
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES, add_messages
from langgraph.types import Command

from lessons_lib.memories import crash, held, moment, reply
from lessons_lib.memories.scripted_model import as_ours, refuse
from lessons_lib.observe import Table, aliases, storage, time_machine


def answer(messages):
    last = messages[-1]
    if last.type == "tool":
        return AIMessage(f"Done: {last.text}")
    calls = [
        {"name": "open_ticket", "args": {"about": line}, "id": uuid.uuid4().hex}
        for line in last.text.splitlines()
        if "smokes" in line
    ]
    if calls:
        return AIMessage("", tool_calls=calls)
    return AIMessage(reply(as_ours(messages)))


class ScriptedModel(GenericFakeChatModel):
    messages: Any = ()  # its parent reads its answers from here; we make ours

    def bind_tools(self, tools, **options):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **options):
        return ChatResult(generations=[ChatGeneration(message=answer(messages))])


def lines(messages):
    return [f"{m.type}: {m.text or 'calls ' + m.tool_calls[0]['name']}" for m in messages]


ADA = {"configurable": {"thread_id": "ada"}}


class Desk:
    """The world outside: each key opens one ticket, and opening it again changes nothing."""

    def __init__(self, folder):
        self.tickets = folder / "tickets"
        self.tickets.mkdir(exist_ok=True)

    def open(self, key):
        (self.tickets / key).touch()
        moment("ticket opened")

    def count(self):
        return len(list(self.tickets.iterdir()))


def new_key(call_id):
    return uuid.uuid4().hex


def agent_on(folder, model=ScriptedModel, key=new_key, middleware=()):
    def open_ticket(about: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Open a ticket at the help desk."""
        Desk(folder).open(key(call_id))
        return "the ticket is open"

    saver = SqliteSaver(sqlite3.connect(folder / "memory.db", check_same_thread=False))
    return create_agent(model(), [open_ticket], checkpointer=saver, middleware=middleware)


def say(agent, text):
    return agent.invoke({"messages": [("user", text)]}, ADA, durability="sync")["messages"]


def start(folder):
    say(agent_on(folder), "My printer smokes.")


def found(folder):
    snapshot = agent_on(folder).get_state(ADA)
    told = [f"next: {snapshot.next}", *lines(snapshot.values["messages"])]
    return [*told, f"tickets: {Desk(folder).count()}"]


def unanswered(messages):
    answered = {m.tool_call_id for m in messages if m.type == "tool"}
    calls = [call for m in messages if m.type == "ai" for call in m.tool_calls]
    return [call for call in calls if call["id"] not in answered]
''',
    names=(
        "answer",
        "ScriptedModel",
        "Desk",
        "new_key",
        "agent_on",
        "lines",
        "ADA",
        "say",
        "start",
        "found",
        "unanswered",
    ),
)
