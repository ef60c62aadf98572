# Lesson 15, Ready-made agents: its answers, which are read and never imported.

# %% 15.mend: given
from langchain_core.messages import HumanMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES


def unanswered(messages):
    answered = {m.tool_call_id for m in messages if m.type == "tool"}
    calls = [call for m in messages if m.type == "ai" for call in m.tool_calls]
    return [call for call in calls if call["id"] not in answered]


# %% 15.mend: solution
def mend(agent, config, desk):
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


# %% 15.mend: alternative
def mend(agent, config, desk):
    messages = list(agent.get_state(config).values["messages"])
    for call in unanswered(messages):
        told = ToolMessage(desk.status(call["id"]), tool_call_id=call["id"])
        asked = [call in getattr(message, "tool_calls", []) for message in messages]
        messages.insert(asked.index(True) + 1, told)
    messages.insert(0, RemoveMessage(REMOVE_ALL_MESSAGES))
    agent.update_state(config, {"messages": messages}, as_node="model")


# %% 15.mend: near miss: stands at the end
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    told = [
        ToolMessage(desk.status(call["id"]), tool_call_id=call["id"])
        for call in unanswered(messages)
    ]
    agent.update_state(config, {"messages": told}, as_node="model")


# %% 15.mend: near miss: the call itself was removed
def mend(agent, config, desk):
    for message in agent.get_state(config).values["messages"]:
        if unanswered([message]):
            update = {"messages": [RemoveMessage(message.id)]}
            agent.update_state(config, update, as_node="model")


# %% 15.mend: near miss: Only the desk knows
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        mended.append(message)
        for call in getattr(message, "tool_calls", []):
            if call["id"] in left:
                mended.append(ToolMessage("the ticket is open", tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="model")


# %% 15.mend: near miss: the tool ran again
def mend(agent, config, desk):
    past = agent.get_state_history(config)
    waiting = next((s for s in past if s.next == ("tools",)), None)
    if waiting:
        agent.invoke(None, waiting.config)


# %% 15.mend: near miss: calls have no answer
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        mended.append(message)
        for call in getattr(message, "tool_calls", [])[:1]:
            if call["id"] in left:
                mended.append(ToolMessage(desk.status(call["id"]), tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="model")


# %% 15.mend: near miss: the thread has a task now
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        mended.append(message)
        for call in getattr(message, "tool_calls", []):
            if call["id"] in left:
                mended.append(ToolMessage(desk.status(call["id"]), tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="tools")


# %% 15.mend: near miss: two answers
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        mended.append(message)
        for call in getattr(message, "tool_calls", []):
            if True:
                mended.append(ToolMessage(desk.status(call["id"]), tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="model")


# %% 15.mend: near miss: a copy with another id
def mend(agent, config, desk):
    messages = agent.get_state(config).values["messages"]
    left = [call["id"] for call in unanswered(messages)]
    mended = []
    for message in messages:
        if message.type == "human":
            message = HumanMessage(message.text)
        mended.append(message)
        for call in getattr(message, "tool_calls", []):
            if call["id"] in left:
                mended.append(ToolMessage(desk.status(call["id"]), tool_call_id=call["id"]))
    update = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *mended]}
    agent.update_state(config, update, as_node="model")


# %% 15.bounded: given
from langchain_core.messages import HumanMessage, trim_messages


# %% 15.bounded: solution
def bounded(request, handler):
    messages = request.messages
    told = [m for m in messages if m.type == "human" and "my name is" in m.text.lower()]
    recent = trim_messages(messages, max_tokens=11, token_counter=len, start_on="human")
    first = [m for m in told[-1:] if m not in recent]
    return handler(request.override(messages=first + recent))


# %% 15.bounded: alternative
def bounded(request, handler):
    messages = request.messages
    starts = [i for i, m in enumerate(messages) if m.type == "human" and len(messages) - i <= 11]
    told = [m for m in messages[: starts[0]] if m.type == "human" and "My name is" in m.text]
    return handler(request.override(messages=told[-1:] + messages[starts[0] :]))


# %% 15.bounded: near miss: were parted
def bounded(request, handler):
    return handler(request.override(messages=request.messages[-12:]))


# %% 15.bounded: near miss: She told it in her third message
def bounded(request, handler):
    messages = request.messages
    recent = trim_messages(messages, max_tokens=11, token_counter=len, start_on="human")
    return handler(request.override(messages=recent))


# %% 15.bounded: near miss: is called again
def bounded(request, handler):
    said = [m for m in request.messages if m.type == "human" or m.text and m.type == "ai"]
    return handler(request.override(messages=said[-12:]))


# %% 15.bounded: near miss: said a moment ago
def bounded(request, handler):
    messages = request.messages
    starts = [i for i, m in enumerate(messages) if m.type == "human"]
    told = [m for m in messages[: starts[-1]] if m.type == "human" and "My name is" in m.text]
    return handler(request.override(messages=told[-1:] + messages[starts[-1] :]))


# %% 15.bounded: near miss: take it from her own message
def bounded(request, handler):
    messages = request.messages
    recent = trim_messages(messages, max_tokens=11, token_counter=len, start_on="human")
    return handler(request.override(messages=[HumanMessage("My name is Ada."), *recent]))


# %% 15.bounded: near miss: for good
def bounded(request, handler):
    del request.messages[:-11]
    return handler(request)


# %% 15.bounded: near miss: it returned None
def bounded(request, handler):
    handler(request.override(messages=request.messages[-1:]))


# %% 15.bounded: near miss: a paid call
def bounded(request, handler):
    handler(request.override(messages=request.messages[-1:]))
    return handler(request.override(messages=request.messages[-1:]))
