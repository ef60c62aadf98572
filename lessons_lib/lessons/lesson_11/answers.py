# Lesson 11, Crash and resume: its answers, which are read and never imported.

# %% 11.one-ticket: given
import uuid


# %% 11.one-ticket: solution
def open_ticket(state, config, desk):
    desk.open(key=state["order"])
    return {"done": ["ticket"]}


# %% 11.one-ticket: alternative
def open_ticket(state, config, desk):
    desk.open(key=config["configurable"]["thread_id"] + "/" + state["order"])
    return {"done": ["ticket"]}


# %% 11.one-ticket: alternative
def open_ticket(state, config, desk):
    desk.open(key=uuid.uuid5(uuid.NAMESPACE_URL, state["order"]).hex)
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: it died with the step
def open_ticket(state, config, desk):
    if "ticket" not in state["done"]:
        desk.open(key=uuid.uuid4().hex)
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: marked as done before it was done
def open_ticket(state, config, desk):
    mark = desk.tickets.parent / state["order"]
    if not mark.exists():
        mark.touch()
        desk.open(key=uuid.uuid4().hex)
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: the second order in the same thread got 0
def open_ticket(state, config, desk):
    desk.open(key=config["configurable"]["thread_id"])
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: the second order in the same thread got 0
def open_ticket(state, config, desk):
    if not desk.count():
        desk.open(key=uuid.uuid4().hex)
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: names the *attempt*
def open_ticket(state, config, desk):
    desk.open(key=config["configurable"]["checkpoint_ns"])
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: mark is made after the ticket
def open_ticket(state, config, desk):
    mark = desk.tickets.parent / state["order"]
    if not mark.exists():
        desk.open(key=uuid.uuid4().hex)
        mark.touch()
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: within its own thread
def open_ticket(state, config, desk):
    desk.open(key=str(len(state["done"])))
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: started afresh
def open_ticket(state, config, desk):
    desk.open(key=hash(f"ticket {state['order']}"))
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: changes with what the thread has done
def open_ticket(state, config, desk):
    thread = config["configurable"]["thread_id"]
    desk.open(key=thread + str(len(state["done"])))
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: held by the process
KEYS = {}


def open_ticket(state, config, desk):
    desk.open(key=KEYS.setdefault(state["order"], uuid.uuid4().hex))
    return {"done": ["ticket"]}


# %% 11.one-ticket: near miss: nothing called `desk.open`
def open_ticket(state, config, desk):
    pass
    return {"done": ["ticket"]}


# %% 11.paid-calls: given
import operator
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph


class Order(TypedDict):
    done: Annotated[list[str], operator.add]


# %% 11.paid-calls: solution
def assistant(saver, pay):
    def call(name):
        return lambda state: {"done": [pay(name)]}

    builder = StateGraph(Order)
    builder.add_sequence([(name, call(name)) for name in ["look up", "draft", "review"]])
    builder.add_edge(START, "look up")
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: alternative
def assistant(saver, pay):
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


# %% 11.paid-calls: near miss: side by side are one super-step
def assistant(saver, pay):
    builder = StateGraph(Order)
    for name in ["look up", "draft", "review"]:
        builder.add_node(name, lambda state, name=name: {"done": [pay(name)]})
        builder.add_edge(START, name)
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: near miss: not saved by every saver
def assistant(saver, pay):
    def call(name):
        return lambda state: state["done"].append(pay(name))

    builder = StateGraph(Order)
    builder.add_sequence([(name, call(name)) for name in ["look up", "draft", "review"]])
    builder.add_edge(START, "look up")
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: near miss: 2 paid calls were made twice
def assistant(saver, pay):
    def prepare(state):
        return {"done": [pay("look up"), pay("draft")]}

    def finish(state):
        return {"done": [pay("review")]}

    builder = StateGraph(Order)
    builder.add_sequence([("prepare", prepare), ("finish", finish)])
    builder.add_edge(START, "prepare")
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: near miss: 3 paid calls were made twice
paid = {}


def assistant(saver, pay):
    def answer(state):
        for name in ["look up", "draft", "review"]:
            if name not in paid:
                paid[name] = pay(name)
        return {"done": [paid.pop(n) for n in ["look up", "draft", "review"]]}

    builder = StateGraph(Order)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: near miss: compiled without the saver
def assistant(saver, pay):
    def call(name):
        return lambda state: {"done": [pay(name)]}

    builder = StateGraph(Order)
    builder.add_sequence([(name, call(name)) for name in ["look up", "draft", "review"]])
    builder.add_edge(START, "look up")
    return builder.compile()


# %% 11.paid-calls: near miss: a saver of its own
from langgraph.checkpoint.memory import InMemorySaver


def assistant(saver, pay):
    def call(name):
        return lambda state: {"done": [pay(name)]}

    builder = StateGraph(Order)
    builder.add_sequence([(name, call(name)) for name in ["look up", "draft", "review"]])
    builder.add_edge(START, "look up")
    return builder.compile(checkpointer=InMemorySaver())


# %% 11.paid-calls: near miss: before any run
def assistant(saver, pay):
    paid = {name: pay(name) for name in ["look up", "draft", "review"]}
    builder = StateGraph(Order)
    builder.add_sequence([(name, lambda state, name=name: {"done": [paid[name]]}) for name in paid])
    builder.add_edge(START, "look up")
    return builder.compile(checkpointer=saver)


# %% 11.paid-calls: near miss: expected ['look up', 'draft', 'review'] in both
def assistant(saver, pay):
    def call(name):
        return lambda state: {"done": [pay(name)]}

    builder = StateGraph(Order)
    builder.add_sequence([(name, call(name)) for name in ["look up", "draft"]])
    builder.add_edge(START, "look up")
    return builder.compile(checkpointer=saver)
