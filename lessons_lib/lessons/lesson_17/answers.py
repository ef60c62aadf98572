# Lesson 17, The price of memory: its answers, which are read and never imported.

# %% 17.budget: given
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage, RemoveMessage
from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages

from lessons_lib.memories import reply
from lessons_lib.memories.scripted_model import as_ours

ADA = {"configurable": {"thread_id": "ada"}}


class Conversation(TypedDict):
    messages: Annotated[list, add_messages]


def model(messages):
    return AIMessage(f"{reply(as_ours(messages)):<1000}")


def answer(state):
    return {"messages": [model(state["messages"])]}


def bot(saver, node=answer, state=Conversation):
    builder = StateGraph(state).add_node("answer", node).add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


NEWEST = "SELECT max(checkpoint_id) FROM checkpoints GROUP BY thread_id, checkpoint_ns"


def keep_latest(saver):
    with saver.cursor() as cursor:
        for table in ["checkpoints", "writes"]:
            cursor.execute(f"DELETE FROM {table} WHERE checkpoint_id NOT IN ({NEWEST})")


# %% 17.budget: solution
def matters(message):
    return "My name is" in message.content or message.additional_kwargs


def keeps_facts(state):
    *before, last = state["messages"]
    gone = [RemoveMessage(m.id) for m in before if not matters(m)]
    return {"messages": [*gone, model(state["messages"])]}


def take_turn(saver, message):
    graph = bot(saver, keeps_facts)
    state = graph.invoke({"messages": [message]}, ADA, durability="exit")
    keep_latest(saver)
    return state["messages"][-1]


# %% 17.budget: alternative
def take_turn(saver, message):
    state = bot(saver).invoke({"messages": [message]}, ADA, durability="exit")
    keep_latest(saver)
    saver.conn.execute("VACUUM")
    return state["messages"][-1]


# %% 17.budget: near miss: each with the whole conversation
def trim(state):
    return {"messages": [model(state["messages"][-8:])]}


def take_turn(saver, message):
    return bot(saver, trim).invoke({"messages": [message]}, ADA)["messages"][-1]


# %% 17.budget: near miss: small, and they are many
def matters(message):
    return "My name is" in message.content or message.additional_kwargs


def keeps_facts(state):
    *before, last = state["messages"]
    gone = [RemoveMessage(m.id) for m in before if not matters(m)]
    return {"messages": [*gone, model(state["messages"])]}


def take_turn(saver, message):
    state = bot(saver, keeps_facts).invoke({"messages": [message]}, ADA, durability="exit")
    return state["messages"][-1]


# %% 17.budget: near miss: small, and they are many
def appended(state, writes):
    for write in writes:
        state = add_messages(state or [], write)
    return state


class Delta(TypedDict):
    messages: Annotated[list, DeltaChannel(appended)]


def take_turn(saver, message):
    state = bot(saver, state=Delta).invoke({"messages": [message]}, ADA, durability="exit")
    return state["messages"][-1]


# %% 17.budget: near miss: holds the pages of what was deleted
def take_turn(saver, message):
    state = bot(saver).invoke({"messages": [message]}, ADA)
    keep_latest(saver)
    return state["messages"][-1]


# %% 17.budget: near miss: What is in my file?
def names_only(state):
    *before, last = state["messages"]
    gone = [RemoveMessage(m.id) for m in before if "My name is" not in m.content]
    return {"messages": [*gone, model(state["messages"])]}


def take_turn(saver, message):
    graph = bot(saver, names_only)
    state = graph.invoke({"messages": [message]}, ADA, durability="exit")
    keep_latest(saver)
    return state["messages"][-1]


# %% 17.budget: near miss: What is my name?
def appended(state, writes):
    for write in writes:
        state = add_messages(state or [], write)
    return state


class Delta(TypedDict):
    messages: Annotated[list, DeltaChannel(appended)]


def take_turn(saver, message):
    state = bot(saver, state=Delta).invoke({"messages": [message]}, ADA, durability="exit")
    keep_latest(saver)
    return state["messages"][-1]


# %% 17.budget: near miss: another, empty file
history = []


def take_turn(saver, message):
    history.append(message)
    said = model(history)
    history.append(said)
    return said


# %% 17.erase: solution
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM").fetchall()
    [(busy, _, _)] = saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise TimeoutError("somebody is reading: the log could not be emptied")


# %% 17.erase: alternative: it tries again, until nobody reads
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM").fetchall()
    while saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]:
        pass


# %% 17.erase: near miss: nobody was told
def erase(saver, thread):
    saver.delete_thread(thread)
    for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]:
        saver.conn.execute(statement).fetchall()


# %% 17.erase: near miss: nobody was told
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM").fetchall()
    for _ in range(5):  # tries again, and never looks
        saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


# %% 17.erase: near miss: what is freed from then on
def erase(saver, thread):
    saver.conn.execute("PRAGMA secure_delete = ON").fetchall()
    saver.delete_thread(thread)
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


# %% 17.erase: near miss: was not written back and emptied
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM")


# %% 17.erase: near miss: pages that the deleted rows have left
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


# %% 17.erase: near miss: was not written back and emptied
def erase(saver, thread):
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM")


# %% 17.erase: near miss: rows of 'ada' left in writes
def erase(saver, thread):
    with saver.cursor() as cursor:
        cursor.execute("DELETE FROM checkpoints WHERE thread_id = ?", (thread,))
    for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]:
        saver.conn.execute(statement).fetchall()


# %% 17.erase: near miss: Adam's conversation
def erase(saver, thread):
    with saver.cursor() as cursor:
        for table in ["checkpoints", "writes"]:
            cursor.execute(f"DELETE FROM {table} WHERE thread_id LIKE ?", (f"{thread}%",))
    for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]:
        saver.conn.execute(statement).fetchall()


# %% 17.erase: near miss: the next turn raised
def erase(saver, thread):
    saver.delete_thread(thread)
    saver.conn.execute("VACUUM")
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    saver.conn.close()
