# Lesson 01, Names and objects: its answers, which are read and never imported.

# %% 01.say: solution
def say(text, history=None):
    if history is None:
        history = []
    history.append(text)
    return history


# %% 01.say: alternative
NEW = object()


def say(text, history=NEW):
    history = [] if history is NEW else history
    history += [text]
    return history


# %% 01.say: alternative
def say(text, *given):
    history = given[0] if given else []
    history.append(text)
    return history


# %% 01.say: near miss: is made once
def say(text, history=list()):
    history.append(text)
    return history


# %% 01.say: near miss: counts as false
def say(text, history=None):
    history = history or []
    history.append(text)
    return history


# %% 01.say: near miss: another list that looks like it
def say(text, history=[]):
    return history + [text]


# %% 01.say: near miss: left aside
def say(text, history=None):
    history = []
    history.append(text)
    return history


# %% 01.say: near miss: a new conversation came back as None
def say(text, history=None):
    history = [] if history is None else history
    return history.append(text)


# %% 01.snapshot: given
class Upload:
    def __init__(self, name):
        self.name = name


# %% 01.snapshot: solution
def snapshot(conversation):
    return [{**message, "feedback": list(message["feedback"])} for message in conversation]


# %% 01.snapshot: alternative
import copy


def snapshot(conversation):
    files = [message["file"] for message in conversation]
    return copy.deepcopy(conversation, {id(file): file for file in files})


# %% 01.snapshot: alternative
import copy


def snapshot(conversation):
    kept = []
    for message in conversation:
        others = {key: value for key, value in message.items() if key != "file"}
        kept.append({**copy.deepcopy(others), "file": message["file"]})
    return kept


# %% 01.snapshot: alternative
def snapshot(conversation):
    return [{**message, "feedback": tuple(message["feedback"])} for message in conversation]


# %% 01.snapshot: near miss: the very same dicts
def snapshot(conversation):
    return list(conversation)


# %% 01.snapshot: near miss: is still shared
def snapshot(conversation):
    return [dict(message) for message in conversation]


# %% 01.snapshot: near miss: the budget is 0
import copy


def snapshot(conversation):
    return copy.deepcopy(conversation)


# %% 01.snapshot: near miss: the budget is 0
import copy


def snapshot(conversation):
    kept = copy.deepcopy(conversation)
    for mine, message in zip(kept, conversation):
        mine["file"] = message["file"]
    return kept


# %% 01.snapshot: near miss: changed the conversation itself
import copy


def snapshot(conversation):
    for message in conversation:
        message["file"] = None
    return copy.deepcopy(conversation)


# %% 01.snapshot: near miss: has lost its file
def snapshot(conversation):
    return [
        {"text": message["text"], "feedback": list(message["feedback"])} for message in conversation
    ]


# %% 01.snapshot: near miss: not JSON serializable
import json


def snapshot(conversation):
    return json.loads(json.dumps(conversation))


# %% 01.greeters: solution
def greeter(user):
    return lambda: f"Hello, {user}!"


def greeters(users):
    return [greeter(user) for user in users]


# %% 01.greeters: alternative
def greeters(users):
    return [lambda user=user: f"Hello, {user}!" for user in users]


# %% 01.greeters: alternative
from functools import partial


def greeters(users):
    return [partial("Hello, {}!".format, user) for user in users]


# %% 01.greeters: near miss: is no scope of its own
def greeters(users):
    made = []
    for user in users:

        def greet():
            return f"Hello, {user}!"

        made.append(greet)
    return made


# %% 01.greeters: near miss: to be called later
def greeters(users):
    return [f"Hello, {user}!" for user in users]


# %% 01.greeters: near miss: the way to the user
def greeters(users):
    return [lambda n=n: f"Hello, {users[n]}!" for n in range(len(users))]


# %% 01.greeters: near miss: missing 1 required positional argument
def greeters(users):
    return [lambda user: f"Hello, {user}!" for user in users]


# %% 01.greeters: near miss: expected 'Hello, Ada!' from the first
def greeters(users):
    copy = list(users)
    return [lambda: f"Hello, {copy.pop(0)}!" for _ in users]
