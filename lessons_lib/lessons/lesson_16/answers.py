# Lesson 16, Inside a server: its answers, which are read and never imported.

# %% 16.complaints: given
import asyncio
import operator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


class Conversation(TypedDict):
    messages: Annotated[list, operator.add]


def bot(saver, node):
    builder = StateGraph(Conversation)
    builder.add_node("answer", node)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


async def asked(request):
    message = {"role": "user", "content": (await request.body()).decode()}
    thread = {"configurable": {"thread_id": request.path_params["who"]}}
    return {"messages": [message]}, thread


def last(state):
    return PlainTextResponse(state["messages"][-1]["content"])


def web(say, lifespan=None):
    return Starlette(routes=[Route("/{who}", say, methods=["POST"])], lifespan=lifespan)


# %% 16.complaints: solution
from weakref import WeakValueDictionary


def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: alternative
import sqlite3
from weakref import WeakValueDictionary

from langgraph.checkpoint.sqlite import SqliteSaver


def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        with SqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            turn = await asked(request)
            return last(await asyncio.to_thread(request.app.state.graph.invoke, *turn))

    return web(say, lifespan)


# %% 16.complaints: near miss: started again; then
def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        if saver := InMemorySaver():
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: `think` blocked the thread of the server's loop
def make_app(path, think):
    locks = WeakValueDictionary()

    async def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: they wait for the same lock
def make_app(path, think):
    only_one = asyncio.Lock()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with only_one:
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: 2 savers are alive
def make_app(path, think):
    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    async def say(request):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            return last(await bot(saver, ask).ainvoke(*await asked(request)))

    return web(say)


# %% 16.complaints: near miss: the other has to wait
def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with asyncio.Lock():
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: 8 more locks
def make_app(path, think):
    locks = {}

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: thrown away while somebody waited
def make_app(path, think):
    locks = {}

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        who = request.path_params["who"]
        async with locks.setdefault(who, asyncio.Lock()):
            state = await request.app.state.graph.ainvoke(*await asked(request))
        locks.pop(who, None)
        return last(state)

    return web(say, lifespan)


# %% 16.complaints: near miss: waits with `await`
import threading
from collections import defaultdict


def make_app(path, think):
    locks = defaultdict(threading.Lock)

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        lock = locks[request.path_params["who"]]
        # Longer than the check waits, and not for ever: the thread would outlive the check.
        if lock.acquire(timeout=12):
            try:
                return last(await request.app.state.graph.ainvoke(*await asked(request)))
            finally:
                lock.release()

    return web(say, lifespan)


# %% 16.complaints: near miss: it belongs around the `yield`
def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
        yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: NotImplementedError
import sqlite3
from weakref import WeakValueDictionary

from langgraph.checkpoint.sqlite import SqliteSaver


def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        with SqliteSaver.from_conn_string(path) as saver:
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            turn = await asked(request)
            return last(await request.app.state.graph.ainvoke(*turn))

    return web(say, lifespan)


# %% 16.complaints: near miss: its connection is open
import aiosqlite


def make_app(path, think):
    locks = WeakValueDictionary()

    def ask(state):
        return {"messages": [{"role": "assistant", "content": think(state["messages"])}]}

    @asynccontextmanager
    async def lifespan(app):
        if saver := AsyncSqliteSaver(await aiosqlite.connect(path)):
            app.state.graph = bot(saver, ask)
            yield

    async def say(request):
        async with locks.setdefault(request.path_params["who"], asyncio.Lock()):
            return last(await request.app.state.graph.ainvoke(*await asked(request)))

    return web(say, lifespan)


# %% 16.complaints: near miss: expected an application
def make_app(path, think):
    return bot(InMemorySaver(), think)


# %% 16.follow: solution
import asyncio


class Answer:
    def __init__(self, stream):
        self.pieces, self.over, self.news = [], False, asyncio.Event()
        self.task = asyncio.create_task(self.run(stream))

    async def run(self, stream):
        try:
            async for piece in stream:
                self.pieces.append(piece)
                self.tell()
        finally:
            self.over = True
            self.tell()

    def tell(self):
        self.news.set()
        self.news = asyncio.Event()

    async def follow(self, after=0):
        while True:
            news = self.news
            while after < len(self.pieces):
                yield self.pieces[after]
                after += 1
            if self.over:
                break
            await news.wait()
        await self.task  # raises what the turn has raised


# %% 16.follow: alternative
import asyncio


class Answer:
    def __init__(self, stream):
        self.pieces, self.over, self.news = [], False, asyncio.Condition()
        self.task = asyncio.create_task(self.run(stream))

    async def run(self, stream):
        try:
            async for piece in stream:
                async with self.news:
                    self.pieces.append(piece)
                    self.news.notify_all()
        finally:
            async with self.news:
                self.over = True
                self.news.notify_all()

    async def follow(self, after=0):
        while True:
            async with self.news:
                await self.news.wait_for(lambda: self.over or len(self.pieces) > after)
            if after >= len(self.pieces):
                break
            yield self.pieces[after]
            after += 1
        await self.task


# %% 16.follow: near miss: its steps did not run
class Answer(Answer):
    def __init__(self, stream):
        self.pieces, self.over, self.news = [], False, asyncio.Event()
        self.task, self.stream = None, stream

    async def follow(self, after=0):
        self.task = self.task or asyncio.create_task(self.run(self.stream))
        while True:
            news = self.news
            while after < len(self.pieces):
                yield self.pieces[after]
                after += 1
            if self.over:
                break
            await news.wait()
        await self.task  # raises what the turn has raised


# %% 16.follow: near miss: waits for its end for ever
class Answer:
    def __init__(self, stream):
        self.queue = asyncio.Queue()
        self.task = asyncio.create_task(self.run(stream))

    async def run(self, stream):
        async for piece in stream:
            await self.queue.put(piece)
        await self.queue.put(None)

    async def follow(self, after=0):
        while (piece := await self.queue.get()) is not None:
            yield piece


# %% 16.follow: near miss: was told nothing so far
class Answer(Answer):
    async def follow(self, after=0):
        await self.task
        for piece in self.pieces[after:]:
            yield piece


# %% 16.follow: near miss: 'send' was never run
class Answer(Answer):
    async def follow(self, after=0):
        try:
            while not self.over:
                news = self.news
                for piece in self.pieces[after:]:
                    after += 1
                    yield piece
                await news.wait()
        finally:
            self.task.cancel()


# %% 16.follow: near miss: from number 1 on and got
class Answer(Answer):
    async def follow(self, after=0):
        after = 0
        while True:
            news = self.news
            while after < len(self.pieces):
                yield self.pieces[after]
                after += 1
            if self.over:
                break
            await news.wait()
        await self.task  # raises what the turn has raised


# %% 16.follow: near miss: as if all were well
import asyncio


class Answer:
    def __init__(self, stream):
        self.pieces, self.over, self.news = [], False, asyncio.Event()
        self.task = asyncio.create_task(self.run(stream))

    async def run(self, stream):
        try:
            async for piece in stream:
                self.pieces.append(piece)
                self.tell()
        finally:
            self.over = True
            self.tell()

    def tell(self):
        self.news.set()
        self.news = asyncio.Event()

    async def follow(self, after=0):
        while True:
            news = self.news
            while after < len(self.pieces):
                yield self.pieces[after]
                after += 1
            if self.over:
                break
            await news.wait()
        #  # raises what the turn has raised


# %% 16.follow: near miss: a client waits for ever
class Answer(Answer):
    async def run(self, stream):
        if True:
            async for piece in stream:
                self.pieces.append(piece)
                self.tell()
        if True:
            self.over = True
            self.tell()
