# Lesson 06, State under pressure: its answers, which are read and never imported.

# %% 06.five-rounds: given
import asyncio
from collections import defaultdict


# %% 06.five-rounds: solution
class Chat:
    def __init__(self):
        self.saved = {}
        self.locks = {}

    async def turn(self, user, text, model):
        async with self.locks.setdefault(user, asyncio.Lock()):
            messages = self.saved.get(user, [])
            answer = await model([*messages, text])
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: alternative
class Chat:
    def __init__(self):
        self.saved = {}
        self.locks = defaultdict(asyncio.Lock)

    async def turn(self, user, text, model):
        async with self.locks[user]:
            messages = self.saved.get(user, [])
            answer = await model([*messages, text])
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: alternative
class Chat:
    def __init__(self):
        self.saved = {}

    async def turn(self, user, text, model):
        messages = self.saved.setdefault(user, [])
        messages.append(text)
        messages.append(await model(list(messages)))


# %% 06.five-rounds: near miss: 10 rounds; the budget is 5
class Chat:
    def __init__(self):
        self.saved = {}
        self.lock = asyncio.Lock()

    async def turn(self, user, text, model):
        async with self.lock:
            messages = self.saved.get(user, [])
            answer = await model([*messages, text])
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: near miss: all turns were with the model at once
class Chat(Chat):
    async def turn(self, user, text, model):
        messages = self.saved.get(user, [])
        answer = await model([*messages, text])
        async with self.locks.setdefault(user, asyncio.Lock()):
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: near miss: there is a lock
class Chat(Chat):
    async def turn(self, user, text, model):
        messages = self.saved.get(user, [])
        async with self.locks.setdefault(user, asyncio.Lock()):
            answer = await model([*messages, text])
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: near miss: It knows what it is sent
class Chat:
    def __init__(self):
        self.saved = {}

    async def turn(self, user, text, model):
        answer = await model([text])
        self.saved.setdefault(user, []).extend([text, answer])


# %% 06.five-rounds: near miss: never given back
class Chat(Chat):
    async def turn(self, user, text, model):
        lock = self.locks.setdefault(user, asyncio.Lock())
        await lock.acquire()
        messages = self.saved.get(user, [])
        answer = await model([*messages, text])
        self.saved[user] = [*messages, text, answer]
        lock.release()


# %% 06.five-rounds: near miss: there is a lock
class Chat:
    def __init__(self):
        self.saved, self.two = {}, asyncio.Semaphore(2)

    async def turn(self, user, text, model):
        async with self.two:
            messages = self.saved.get(user, [])
            answer = await model([*messages, text])
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: near miss: does nothing until its `await`
class Chat(Chat):
    async def turn(self, user, text, model):
        async with self.locks.setdefault(user, asyncio.Lock()):
            messages = self.saved.get(user, [])
            answer = model([*messages, text])
            answer.close()  # or Python warns, at some time, that nobody has awaited it
            self.saved[user] = [*messages, text, answer]


# %% 06.five-rounds: near miss: none of the ten messages
class Chat(Chat):
    async def turn(self, user, text, model):
        async with self.locks.setdefault(user, asyncio.Lock()):
            messages = self.saved.get(user, [])
            answer = await model([*messages, text])
            self.saved[user] = [*messages, answer]


# %% 06.hundred-bytes: given
from cachetools import LRUCache


def weigh(messages):
    return sum(len(text.encode()) for text in messages)


# %% 06.hundred-bytes: solution
class Sessions:
    def __init__(self, budget):
        self.cache = LRUCache(budget, getsizeof=weigh)

    def add(self, user, text):
        messages = [*self.cache.pop(user, []), text]
        while weigh(messages) > self.cache.maxsize:
            messages.pop(0)
        self.cache[user] = messages

    def read(self, user):
        return list(self.cache.get(user, []))


# %% 06.hundred-bytes: alternative
class Sessions:
    def __init__(self, budget):
        self.budget = budget
        self.sessions = {}

    def add(self, user, text):
        self.sessions[user] = [*self.sessions.pop(user, []), text]
        while sum(map(weigh, self.sessions.values())) > self.budget:
            oldest = next(iter(self.sessions))
            if oldest == user:
                self.sessions[user].pop(0)
            else:
                del self.sessions[oldest]

    def read(self, user):
        return list(self.sessions.get(user, []))


# %% 06.hundred-bytes: near miss: no bound on bytes
class Sessions(Sessions):
    def __init__(self, budget):
        self.cache = LRUCache(4)

    def add(self, user, text):
        self.cache[user] = [*self.cache.get(user, []), text]


# %% 06.hundred-bytes: near miss: not when the list changes
class Sessions(Sessions):
    def add(self, user, text):
        self.cache.setdefault(user, []).append(text)


# %% 06.hundred-bytes: near miss: hidden is not forgotten
class Sessions:
    def __init__(self, budget):
        self.budget = budget
        self.sessions = {}

    def add(self, user, text):
        self.sessions.setdefault(user, []).append(text)

    def read(self, user):
        return self.sessions.get(user, [])[-1:]


# %% 06.hundred-bytes: near miss: lost messages when Dan came
class Sessions:
    def __init__(self, budget):
        self.budget = budget
        self.sessions = {}

    def add(self, user, text):
        self.sessions[user] = [*self.sessions.get(user, []), text]
        while sum(map(weigh, self.sessions.values())) > self.budget:
            oldest = next(iter(self.sessions))
            if oldest == user:
                self.sessions[user].pop(0)
            else:
                del self.sessions[oldest]

    def read(self, user):
        return list(self.sessions.get(user, []))


# %% 06.hundred-bytes: near miss: encodes a text before it counts
class Sessions:
    def __init__(self, budget):
        self.budget = budget
        self.sessions = {}

    def add(self, user, text):
        self.sessions[user] = [*self.sessions.pop(user, []), text]
        while sum(len(text) for texts in self.sessions.values() for text in texts) > self.budget:
            oldest = next(iter(self.sessions))
            if oldest == user:
                self.sessions[user].pop(0)
            else:
                del self.sessions[oldest]

    def read(self, user):
        return list(self.sessions.get(user, []))


# %% 06.hundred-bytes: near miss: value too large
class Sessions(Sessions):
    def add(self, user, text):
        self.cache[user] = [*self.cache.get(user, []), text]


# %% 06.hundred-bytes: near miss: expected the newest four
class Sessions(Sessions):
    def add(self, user, text):
        messages = [*self.cache.pop(user, []), text]
        if weigh(messages) > self.cache.maxsize:
            messages = [text]
        self.cache[user] = messages


# %% 06.hundred-bytes: near miss: it counts something else than bytes
class Sessions:
    def __init__(self, budget):
        self.cache = LRUCache(budget)

    def add(self, user, text):
        self.cache[user] = [*self.cache.pop(user, []), text]

    def read(self, user):
        return self.cache.get(user, [])


# %% 06.locks: given
import asyncio


# %% 06.locks: solution
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Locks:
    def __init__(self):
        self.locks = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, user):
        async with self.locks.setdefault(user, asyncio.Lock()):
            yield


# %% 06.locks: alternative
from contextlib import asynccontextmanager
from collections import Counter


class Locks:
    def __init__(self):
        self.locks, self.users = {}, Counter()

    @asynccontextmanager
    async def alone(self, user):
        lock = self.locks.setdefault(user, asyncio.Lock())
        self.users[user] += 1
        try:
            async with lock:
                yield
        finally:
            self.users[user] -= 1
            if not self.users[user]:
                del self.locks[user], self.users[user]


# %% 06.locks: near miss: A lock that somebody waits for
class Locks:
    def __init__(self):
        self.locks = {}

    @asynccontextmanager
    async def alone(self, user):
        async with self.locks.setdefault(user, asyncio.Lock()):
            try:
                yield
            finally:
                self.locks.pop(user, None)


# %% 06.locks: near miss: a lock in use was evicted
from cachetools import LRUCache


class Locks:
    def __init__(self):
        self.locks = LRUCache(100)

    @asynccontextmanager
    async def alone(self, user):
        if user not in self.locks:
            self.locks[user] = asyncio.Lock()
        async with self.locks[user]:
            yield


# %% 06.locks: near miss: Bob waits for Ada
class Locks:
    def __init__(self):
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def alone(self, user):
        async with self.lock:
            yield


# %% 06.locks: near miss: nothing makes the second wait
class Locks:
    def __init__(self):
        pass

    @asynccontextmanager
    async def alone(self, user):
        async with asyncio.Lock():
            yield


# %% 06.locks: near miss: locks are alive; the budget is 0
class Locks:
    def __init__(self):
        self.locks = {}

    @asynccontextmanager
    async def alone(self, user):
        async with self.locks.setdefault(user, asyncio.Lock()):
            yield
        if len(self.locks) > 50:
            self.locks = {u: one for u, one in self.locks.items() if one.locked()}


# %% 06.locks: near miss: unless in a `finally`
class Locks(Locks):
    @asynccontextmanager
    async def alone(self, user):
        lock = self.locks.setdefault(user, asyncio.Lock())
        await lock.acquire()
        yield
        lock.release()
