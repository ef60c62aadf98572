# Lesson 10, Threads and checkpoints: its answers, which are read and never imported.

# %% 10.thread-for: solution
import json


def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return json.dumps([user, conversation])


# %% 10.thread-for: alternative
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return f"{len(user)}:{user}{conversation}"


# %% 10.thread-for: alternative
import hashlib


def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    text = repr((str(user), str(conversation)))
    return hashlib.sha256(text.encode()).hexdigest()


# %% 10.thread-for: alternative
from urllib.parse import quote


def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return f"{quote(user, safe=str())}/{quote(conversation, safe=str())}"


# %% 10.thread-for: alternative
def thread_for(user, conversation):
    if type(user) is not str or type(conversation) is not str or not user or not conversation:
        raise ValueError("a string is expected")
    return f"{user!r} {conversation!r}"


# %% 10.thread-for: near miss: One user has many conversations
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return user


# %% 10.thread-for: near miss: Glued together
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return user + conversation


# %% 10.thread-for: near miss: A separator separates only
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return f"{user}:{conversation}"


# %% 10.thread-for: near miss: whatever the characters
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part or ":" in part:
            raise ValueError(f"{part!r} is no id")
    return f"{user}:{conversation}"


# %% 10.thread-for: near miss: asked twice for the same
import uuid


def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return uuid.uuid4().hex


# %% 10.thread-for: near miss: `hash` of a string
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return str(hash((user, conversation)))


# %% 10.thread-for: near miss: something was left out, swapped, or written alike
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    parts = [part.replace(":", "_") for part in (user, conversation)]
    return ":".join(parts)


# %% 10.thread-for: near miss: a dict or a cache
KEYS = {}


def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{part!r} is no id: a string is expected")
    return str(KEYS.setdefault((user, conversation), len(KEYS)))


# %% 10.thread-for: near miss: Everybody who comes without an id
def thread_for(user, conversation):
    return json.dumps([user, conversation])


# %% 10.thread-for: near miss: An empty string is no id
def thread_for(user, conversation):
    if user is None or conversation is None:
        raise ValueError("no id")
    return json.dumps([user, conversation])


# %% 10.thread-for: near miss: A number and its digits
def thread_for(user, conversation):
    if not user or not conversation:
        raise ValueError("no id")
    return json.dumps([str(user), str(conversation)])


# %% 10.thread-for: near miss: something was left out, swapped, or written alike
def thread_for(user, conversation):
    for part in (user, conversation):
        if not isinstance(part, str) or not part:
            raise ValueError(part)
    return f"{user.lower()}/{len(user)}/{conversation.lower()}"


# %% 10.budget: given
import operator
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph


class Case(TypedDict):
    found: Annotated[dict, operator.or_]
    answer: str


def profile(state):
    return {"found": {"profile": "Ada"}}


def file(state):
    return {"found": {"file": "printer.pdf"}}


def feedback(state):
    return {"found": {"feedback": "liked it"}}


def advise(state):
    found = state["found"]
    return {
        "answer": "; ".join(
            found[name] for name in ["profile", "file", "feedback"] if name in found
        )
    }


# %% 10.budget: solution
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    for name in ["profile", "file", "feedback"]:
        builder.add_edge(START, name)
        builder.add_edge(name, "advise")
    return builder.compile(checkpointer=saver)


# %% 10.budget: alternative
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "profile")
    builder.add_edge(START, "file")
    builder.add_edge(START, "feedback")
    builder.add_edge(["profile", "file", "feedback"], "advise")
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: retried together
def assistant(saver):
    builder = StateGraph(Case)

    def all_in_one(state):
        found = {}
        for look in [profile, file, feedback]:
            found |= look(state)["found"]
        return {"found": found} | advise({"found": found})

    builder.add_node("all_in_one", all_in_one)
    builder.add_edge(START, "all_in_one")
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: compiled without the saver
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    for name in ["profile", "file", "feedback"]:
        builder.add_edge(START, name)
        builder.add_edge(name, "advise")
    return builder.compile()


# %% 10.budget: near miss: before the look-ups were done
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    for node in [profile, file, feedback, advise]:
        builder.add_edge(START, node.__name__)
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: no edge from what ran leads to it
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    for name in ["profile", "file", "feedback"]:
        builder.add_edge(START, name)
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: which of them must wait
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "profile")
    builder.add_edge("profile", "file")
    builder.add_edge(START, "feedback")
    builder.add_edge(["file", "feedback"], "advise")
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: paths of different length
def assistant(saver):
    builder = StateGraph(Case)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "profile")
    builder.add_edge("profile", "file")
    builder.add_edge(START, "feedback")
    builder.add_edge("file", "advise")
    builder.add_edge("feedback", "advise")
    return builder.compile(checkpointer=saver)


# %% 10.budget: near miss: Keep the reducer
def assistant(saver):
    class Plain(TypedDict):
        found: dict
        answer: str

    builder = StateGraph(Plain)
    for node in [profile, file, feedback, advise]:
        builder.add_node(node.__name__, node)
    for name in ["profile", "file", "feedback"]:
        builder.add_edge(START, name)
        builder.add_edge(name, "advise")
    return builder.compile(checkpointer=saver)


# %% 10.speak: given
class Late(Exception):
    pass


def newest(graph, config):
    return graph.get_state(config).config["configurable"].get("checkpoint_id")


# %% 10.speak: solution
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: alternative
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(f"thread-{thread_id}"):
        now = graph.get_state(config).config["configurable"].get("checkpoint_id")
        if now == seen:
            graph.invoke(turn, config)
            return newest(graph, config)
    raise Late


# %% 10.speak: near miss: as it was a turn ago
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: late when it came in
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    if newest(graph, config) != seen:
        raise Late("the conversation has gone on")
    with lock(thread_id):
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: while no lock was held
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
    graph.invoke(turn, config)
    return newest(graph, config)


# %% 10.speak: near miss: the checkpoint of the other
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
    return newest(graph, config)


# %% 10.speak: near miss: was refused as late
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) is not seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: showed an empty thread
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if seen and newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: Raise `Late`
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            return None
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: Bob has to wait
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock("all"):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: took two locks
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(f"{thread_id} {text}"):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: what it shows
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        graph.invoke(turn, config)


# %% 10.speak: near miss: your code raised `TypeError`
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock:
        graph.invoke(turn, config)
        return newest(graph, config)


# %% 10.speak: near miss: `invoke` to the end
def speak(graph, thread_id, text, seen, lock):
    config = {"configurable": {"thread_id": thread_id}}
    turn = {"messages": [{"role": "user", "content": text}]}
    with lock(thread_id):
        if newest(graph, config) != seen:
            raise Late("the conversation has gone on")
        return graph.stream(turn, config)


# %% 10.speak: near miss: no turn was inside a lock
def speak(graph, thread_id, text, seen, lock):
    lock(thread_id)
    config = {"configurable": {"thread_id": thread_id}}
    if newest(graph, config) != seen:
        raise Late
    graph.invoke({"messages": [{"role": "user", "content": text}]}, config)
    return newest(graph, config)
