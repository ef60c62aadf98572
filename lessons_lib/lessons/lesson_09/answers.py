# Lesson 09, State, channels, reducers: its answers, which are read and never imported.

# %% 09.no-alias: solution
def answer(state):
    user = state["user"]
    return {
        "messages": ["I have your file."],
        "user": {
            **user,
            "turns": user["turns"] + 1,
            "files": [*user["files"], state["file"]],
        },
    }


# %% 09.no-alias: alternative
import copy


def answer(state):
    user = copy.deepcopy(state["user"])
    user["turns"] += 1
    user["files"].append(state["file"])
    return {"messages": ["I have your file."], "user": user}


# %% 09.no-alias: alternative
def answer(state):
    user = state["user"]
    files = [*user["files"], state["file"]]
    state["user"] = {**user, "turns": user["turns"] + 1, "files": files}
    return {"messages": ["I have your file."], "user": state["user"]}


# %% 09.no-alias: near miss: `messages` has a reducer that adds
def answer(state):
    state["messages"].append("I have your file.")
    state["user"]["turns"] += 1
    state["user"]["files"].append(state["file"])
    return state


# %% 09.no-alias: near miss: A copy of a dictionary holds the same list
def answer(state):
    user = dict(state["user"])
    user["turns"] += 1
    user["files"].append(state["file"])
    return {"messages": ["I have your file."], "user": user}


# %% 09.no-alias: near miss: name is gone: `user` has no reducer
def answer(state):
    user = state["user"]
    files = [*user["files"], state["file"]]
    return {
        "messages": ["I have your file."],
        "user": {"turns": user["turns"] + 1, "files": files},
    }


# %% 09.no-alias: near miss: appended in place, and the reducer added
def answer(state):
    user = state["user"]
    files = [*user["files"], state["file"]]
    state["messages"].append("I have your file.")
    return {
        "messages": ["I have your file."],
        "user": {**user, "turns": user["turns"] + 1, "files": files},
    }


# %% 09.no-alias: near miss: which went with the node
def answer(state):
    user = state["user"]
    files = [*user["files"], state["file"]]
    state["user"] = {**user, "turns": user["turns"] + 1, "files": files}
    return {"messages": ["I have your file."]}


# %% 09.no-alias: near miss: Make a new one with the change in it
def answer(state):
    user = state["user"]
    user["turns"] += 1
    user["files"].append(state["file"])
    return {"messages": ["I have your file."], "user": user}


# %% 09.keep-four: solution
def keep(old, new):
    messages = old + new
    return messages if len(messages) <= 4 else [messages[0], *messages[-3:]]


# %% 09.keep-four: alternative
def keep(old, new):
    messages = old + new
    return messages[:1] + messages[1:][-3:]


# %% 09.keep-four: near miss: the first message is gone
def keep(old, new):
    return (old + new)[-4:]


# %% 09.keep-four: near miss: the newest message is gone
def keep(old, new):
    return (old + new)[:4]


# %% 09.keep-four: near miss: is there twice
def keep(old, new):
    messages = old + new
    return [messages[0], *messages[-3:]]


# %% 09.keep-four: near miss: not all of these are messages
def keep(old, new):
    messages = [*old, new]
    return messages if len(messages) <= 4 else [messages[0], *messages[-3:]]


# %% 09.keep-four: near miss: A channel begins with an empty list
def keep(old, new):
    return [old[0], *(old[1:] + new)[-3:]]


# %% 09.keep-four: near miss: changed `old` in place
def keep(old, new):
    old += new
    return old if len(old) <= 4 else [old[0], *old[-3:]]


# %% 09.keep-four: near miss: at once; the budget is 4
def keep(old, new):
    if len(old) < 4:
        return old + new
    return [old[0], *(old + new)[-3:]]


# %% 09.keep-four: near miss: expected ['n1', 'yes', 'yes', 'n5']
def keep(old, new):
    messages = old + new
    return messages if len(messages) <= 4 else list(dict.fromkeys([messages[0], *messages[-3:]]))


# %% 09.no-trace: solution
def shop_nodes(fetch, ask):
    def order(state):
        return {"answer": ask(fetch())}

    return [order]


# %% 09.no-trace: alternative
def shop_nodes(fetch, ask):
    def log_in(state):
        return {"note": "logged in"}

    def order(state):
        password = fetch()
        return {"answer": ask(password)}

    return [log_in, order]


# %% 09.no-trace: near miss: in the channel `answer`: a channel is saved
def shop_nodes(fetch, ask):
    def log_in(state):
        return {"answer": fetch()}

    def order(state):
        return {"answer": ask(state["answer"])}

    return [log_in, order]


# %% 09.no-trace: near miss: in the channel `note`
def shop_nodes(fetch, ask):
    def log_in(state):
        return {"note": fetch()}

    def order(state):
        return {"answer": ask(state["note"])}

    return [log_in, order]


# %% 09.no-trace: near miss: was in another process
def shop_nodes(fetch, ask):
    kept = []

    def log_in(state):
        kept.append(fetch())

    def order(state):
        return {"answer": ask(kept[0])}

    return [log_in, order]


# %% 09.no-trace: near miss: Untracked values and a node's variables
def shop_nodes(fetch, ask):
    def log_in(state):
        return {"password": fetch()}

    def order(state):
        return {"answer": ask(state.get("password"))}

    return [log_in, order]


# %% 09.no-trace: near miss: the channel `answer` holds None
def shop_nodes(fetch, ask):
    def order(state):
        ask(fetch())

    return [order]


# %% 09.no-trace: near miss: in a variable or in disguise
KEPT = {}


def shop_nodes(fetch, ask):
    def log_in(state):
        KEPT["password"] = fetch()

    def order(state):
        return {"answer": ask(KEPT["password"])}

    return [log_in, order]
