# Lesson 05, State in variables: its answers, which are read and never imported.

# %% 05.conversations: given
import contextvars
import threading
from contextvars import ContextVar, copy_context

from lessons_lib.memories import reply


def turn(history, text):
    history.append({"role": "user", "content": text})
    history.append({"role": "assistant", "content": reply(history)})
    return history[-1]["content"]


# %% 05.conversations: solution
class Conversations:
    def __init__(self):
        self.sessions = {}

    def say(self, session, text):
        if not session:
            raise ValueError("a request without a session")
        return turn(self.sessions.setdefault(session, []), text)


# %% 05.conversations: alternative
from collections import defaultdict


class Conversations:
    def __init__(self):
        self.bots = defaultdict(self.new_bot)

    def new_bot(self):
        history = []
        return lambda text: turn(history, text)

    def say(self, session, text):
        if session in (None, ""):
            raise ValueError(f"no session: {session!r}")
        return self.bots[session](text)


# %% 05.conversations: near miss: one history for everybody
class Conversations:
    def __init__(self):
        self.history = []

    def say(self, session, text):
        return turn(self.history, text)


# %% 05.conversations: near miss: follows the worker
class Conversations(Conversations):
    def say(self, session, text):
        if not session:
            raise ValueError("a request without a session")
        return turn(self.sessions.setdefault(threading.get_ident(), []), text)


# %% 05.conversations: near miss: stranger to worker 2
class Conversations(Conversations):
    def say(self, session, text):
        if not session:
            raise ValueError("a request without a session")
        return turn(self.sessions.setdefault((session, threading.get_ident()), []), text)


# %% 05.conversations: near miss: ends with the request
class Conversations:
    def __init__(self):
        self.history = ContextVar("history", default=())

    def say(self, session, text):
        messages = list(self.history.get())
        answer = turn(messages, text)
        self.history.set(tuple(messages))
        return answer


# %% 05.conversations: near miss: share one conversation
class Conversations(Conversations):
    def say(self, session, text):
        return turn(self.sessions.setdefault(session or "guest", []), text)


# %% 05.conversations: near miss: is made once
class Conversations:
    sessions = {}

    def say(self, session, text):
        if not session:
            raise ValueError("a request without a session")
        return turn(self.sessions.setdefault(session, []), text)


# %% 05.serve: given
import contextvars
import threading
from contextvars import ContextVar, copy_context

from lessons_lib.memories import reply


def turn(history, text):
    history.append({"role": "user", "content": text})
    history.append({"role": "assistant", "content": reply(history)})
    return history[-1]["content"]


# %% 05.serve: solution
def serve(current, upload, job):
    token = current.set(upload)
    try:
        return job()
    finally:
        current.reset(token)


# %% 05.serve: alternative
def serve(current, upload, job):
    context = copy_context()
    context.run(current.set, upload)
    return context.run(job)


# %% 05.serve: near miss: the line that tidies up
def serve(current, upload, job):
    token = current.set(upload)
    result = job()
    current.reset(token)
    return result


# %% 05.serve: near miss: which is not nothing
def serve(current, upload, job):
    current.set(upload)
    try:
        return job()
    finally:
        current.set(None)


# %% 05.serve: near miss: freed nothing
import gc


def serve(current, upload, job):
    current.set(upload)
    try:
        return job()
    finally:
        del upload
        gc.collect()


# %% 05.serve: near miss: is the upload itself set
here = threading.local()


def serve(current, upload, job):
    here.upload = upload
    try:
        return job()
    finally:
        del here.upload


# %% 05.serve: near miss: a new context is empty
def serve(current, upload, job):
    context = contextvars.Context()
    context.run(current.set, upload)
    return context.run(job)


# %% 05.bots-for: given
import contextvars
import threading
from contextvars import ContextVar, copy_context

from lessons_lib.memories import reply


def turn(history, text):
    history.append({"role": "user", "content": text})
    history.append({"role": "assistant", "content": reply(history)})
    return history[-1]["content"]


# %% 05.bots-for: solution
def bots_for(users):
    def bot_of(user):
        history = []
        turn(history, f"My name is {user}.")
        return lambda text: turn(history, text)

    return {user: bot_of(user) for user in users}


# %% 05.bots-for: alternative
def bots_for(users):
    bots = {}
    for user in users:
        history = []
        turn(history, f"My name is {user}.")
        bots[user] = lambda text, history=history: turn(history, text)
    return bots


# %% 05.bots-for: alternative
from functools import partial


def bots_for(users):
    bots = {}
    for user in users:
        history = []
        turn(history, f"My name is {user}.")
        bots[user] = partial(turn, history)
    return bots


# %% 05.bots-for: near miss: when they are *called*
def bots_for(users):
    bots = {}
    for user in users:
        history = []
        turn(history, f"My name is {user}.")
        bots[user] = lambda text, user=user: turn(history, text)
    return bots


# %% 05.bots-for: near miss: expected what `turn` returns
def bots_for(users):
    def bot_of(user):
        history = []
        turn(history, f"My name is {user}.")

        def say(text):
            turn(history, text)

        return say

    return {user: bot_of(user) for user in users}


# %% 05.bots-for: near miss: the bot of Bob answered
def bots_for(users):
    bots, history = {}, []
    for user in users:
        bots[user] = lambda text, user=user: turn(
            history, f"My name is {user}." if not history else text
        )
    return bots


# %% 05.bots-for: near miss: began with the words of another
def bots_for(users):
    bots, history = {}, []
    for user in users:
        turn(history, f"My name is {user}.")
        bots[user] = lambda text, own=history.copy(): turn(own, text)
    return bots


# %% 05.bots-for: near miss: begins with a new history
def bots_for(users):
    bots = {}
    for user in users:
        history = []
        turn(history, f"My name is {user}.")
        bots[user] = lambda text, history=history: turn(list(history), text)
    return bots


# %% 05.bots-for: near miss: they share one list
shared = []


def bots_for(users):
    def bot_of(user):
        name = [{"role": "user", "content": f"My name is {user}."}]

        def say(text):
            shared.append({"role": "user", "content": text})
            return reply(name + shared)

        return say

    return {user: bot_of(user) for user in users}
