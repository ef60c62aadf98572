"""What judges the exercises of lesson 15, Ready-made agents."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from langgraph.checkpoint.memory import InMemorySaver

from lessons_lib.lessons import shared
from lessons_lib.lessons.shared import new_folder, on_disk, one_life, thread, when
from lessons_lib.teach.model import NotYet

THREAD = thread("ada")
OPEN, NONE = "the ticket is open", "no ticket was opened"


# --- Exercise 1: answer the call ------------------------------------------------------------

Mend = Callable[[Any, Any, Any], object]


class Desk(shared.Desk):
    """A desk that can say whether it opened a ticket, and knows whether it was asked to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[str] = []
        """The keys that this process has asked to open."""

    def open(self, key: str) -> None:
        """Open the ticket of this key, and note that it was asked for."""
        self.asked.append(key)
        super().open(key)

    def status(self, call_id: str) -> str:
        """What the desk says about the ticket of a call."""
        return OPEN if call_id in self.keys() else NONE


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


def send(agent: Any, text: str) -> None:
    """A turn of the customer."""
    agent.invoke({"messages": [("user", text)]}, THREAD, durability="sync")


def first_life(folder: Path) -> None:
    """The life that is killed in the tool."""
    send(agent_on(on_disk(folder), Desk(folder)), "My printer smokes.")


def saved(agent: Any) -> list[Any]:
    """The messages in the newest state of the thread."""
    messages: list[Any] = agent.get_state(THREAD).values.get("messages", [])
    return messages


def judge_mended(agent: Any, desk: Desk, before: list[Any]) -> None:
    if desk.asked:
        raise NotYet(
            "the tool ran again. Ask the desk what it knows, with `desk.status(call_id)`; "
            "nothing has to run for that."
        )
    after = saved(agent)
    judge_kept(before, after)
    judge_answers(before, after, desk)
    if tasks := [task.name for task in agent.get_state(THREAD).tasks]:
        raise NotYet(
            f"the thread has a task now, {tasks[0]!r}, and looks half done. `as_node` says "
            "whose step the update stands for, and so what comes next; the turn ended with `model`."
        )


def judge_answers(before: list[Any], after: list[Any], desk: Desk) -> None:
    from lessons_lib.memories.scripted_model import unanswered

    calls, left = unanswered(before), unanswered(after)
    if left and len(left) == len(calls):
        raise NotYet(
            "the call is as unanswered as before. The new message began a new turn, so the old "
            "task is not due, and `invoke(None, …)` finds nothing to do. And a list that "
            "`get_state` has given is a copy: `update_state` writes into the thread."
        )
    if left:
        raise NotYet(
            f"{len(left)} of {len(calls)} calls have no answer. A message can hold several "
            "calls, and a thread several such messages."
        )
    known = {message.id for message in before}
    added = [message for message in after if message.id not in known]
    judge_added(added, after, len(calls))
    for message in added:
        if message.text != desk.status(message.tool_call_id):
            raise NotYet(
                f"the thread says {message.text!r}, and the desk says "
                f"{desk.status(message.tool_call_id)!r}. Only the desk knows."
            )


def judge_added(added: list[Any], after: list[Any], calls: int) -> None:
    """One answer for each unanswered call, and each right behind its call."""
    from lessons_lib.memories.scripted_model import refuse

    answered = [message.tool_call_id for message in after if message.type == "tool"]
    if len(answered) != len(set(answered)):
        raise NotYet("a call has two answers. Answer only those that have none.")
    if len(added) != calls:
        raise NotYet(
            f"the thread got {len(added)} messages, expected {calls}: an answer for "
            "each unanswered call, and nothing else."
        )
    try:
        refuse(after)
    except ValueError:
        raise NotYet(
            "the answer stands at the end, and not right behind its call: `add_messages` "
            "appends what is new. To put something in between, take all away and give the whole "
            "list anew."
        ) from None


def judge_kept(before: list[Any], after: list[Any]) -> None:
    there = [message.id for message in after]
    for message in before:
        if message.id in there:
            continue
        if message.type == "ai" and message.tool_calls:
            raise NotYet(
                "the call itself was removed. A provider takes the rest, and nothing in "
                "the thread says any more what was asked of the desk."
            )
        raise NotYet(
            f"her message {message.text!r} is gone, or it is a copy with another id. "
            "Everything else stays as it is."
        )
    kept = [id for id in there if id in {message.id for message in before}]
    if kept != [message.id for message in before]:
        raise NotYet("the messages stand in another order than before.")


def mended(mend: Mend, agent: Any, desk: Desk, moment: str) -> None:
    """Have the reader's function mend the thread, and judge what it did."""
    desk.asked.clear()
    before = saved(agent)
    mend(agent, THREAD, desk)
    with when(moment):
        judge_mended(agent, desk, before)


def mend_after_a_kill(mend: Mend, at: str) -> None:
    """Kill the tool at a moment, let the customer write, mend twice."""
    with new_folder() as folder:
        one_life(first_life, folder, at)
        saver, desk = on_disk(folder), Desk(folder)
        with closing(saver.conn):
            agent = agent_on(saver, desk)
            send(agent, "Are you there?")
            mended(mend, agent, desk, f"killed at {at!r}")
            mended(mend, agent, desk, "mended once more")


def mend_in_memory(mend: Mend) -> None:
    """A whole thread, and one with three unanswered calls in two messages, one of them done."""
    from lessons_lib.memories.scripted_model import unanswered

    with new_folder() as folder:
        desk = Desk(folder)
        agent = agent_on(InMemorySaver(), desk)
        send(agent, "My printer smokes.")
        mended(mend, agent, desk, "a thread in which every call was answered")

        agent = agent_on(InMemorySaver(), desk)
        for text in ("Printer and lamp: the printer smokes, the lamp too.", "The lamp smokes."):
            # It ends before its tools run, as if it had been killed there.
            agent.invoke({"messages": [("user", text)]}, THREAD, interrupt_before=["tools"])
            send(agent, "Are you there?")
        desk.open(unanswered(saved(agent))[0]["id"] or "")
        mended(mend, agent, desk, "three calls in two messages")


def check_mend(mend: Mend) -> str:
    """Prove by kills that a dangling call is answered, in its place and truthfully."""
    import langchain.agents  # noqa: F401  # what is loaded here, no child has to load

    for at in ("ticket opened", "at the desk"):
        mend_after_a_kill(mend, at)
    mend_in_memory(mend)
    return "2 kills and 3 calls more: each has one true answer behind it, and no tool ran again."


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


def agent_with(listener: Listener) -> Any:
    """An agent with one tool, whose calls of the model go through the reader's middleware."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import wrap_model_call

    from lessons_lib.memories.scripted_model import ScriptedModel

    def open_ticket(about: str) -> str:
        """Open a ticket at the help desk."""
        return OPEN

    return create_agent(
        ScriptedModel(wants=smokes, strict=True),
        [open_ticket],
        middleware=[wrap_model_call(listener.watch)],
        checkpointer=InMemorySaver(),
    )


def thirty_turns(listener: Listener, name: str) -> None:
    """Talk for thirty turns; raise NotYet when the thread or the name is lost."""
    agent, expected = agent_with(listener), 0
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
    judge_name(kept[-1].text, name)


def judge_name(said: str, name: str) -> None:
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


CHECKS = {
    "15.mend": check_mend,
    "15.bounded": check_bounded,
}
