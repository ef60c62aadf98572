"""What judges the exercises of lesson 16, Inside a server."""

import asyncio
import gc
import operator
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from lessons_lib.memories import reply
from lessons_lib.memories.serving import Gate, Server, sent, serving
from lessons_lib.observe import survivors
from lessons_lib.teach.model import NotYet


def apart(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine in a thread and loop of its own; a notebook's thread has a loop already."""

    async def quietly() -> Any:
        # A client that was not awaited since the check has ended is no news.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        return await main()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(quietly())).result()


PATIENCE = 4.0  # seconds; only a wrong answer waits for so long


async def soon(awaitable: Awaitable[Any], otherwise: str) -> Any:
    """The result of what has to come, or NotYet."""
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except TimeoutError:
        raise NotYet(otherwise) from None


# --- Exercise 1: three complaints -----------------------------------------------------------

MakeApp = Callable[[str, Callable[[Any], str]], Any]


class Model:
    """A model that blocks: it stops at the gate of the text it is asked to answer, if there is one."""

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}
        self.sent = 0

    def think(self, messages: Any) -> str:
        """Answer the last message, when its gate has been opened."""
        gate = self.gates.get(messages[-1]["content"])
        if gate:
            gate.stop()
        self.sent = len(messages)
        return reply(messages)


@asynccontextmanager
async def running(make_app: MakeApp, path: Path, model: Model) -> AsyncIterator[Any]:
    """The reader's application in a real server; yields the server and a client."""
    app = make_app(str(path), model.think)
    if not callable(app):
        raise NotYet(
            f"make_app returned {type(app).__name__}, expected an application: "
            "end it with `return web(say, lifespan)`."
        )
    try:
        context = serving(app)
        server = context.__enter__()
    except RuntimeError as error:
        raise NotYet(f"{error}.".replace("..", ".")) from None
    try:
        async with server.client() as client:
            yield server, client
    finally:
        for gate in model.gates.values():
            gate.open()
        await asyncio.to_thread(context.__exit__, None, None, None)


async def told(server: Server, answer: Awaitable[Any]) -> str:
    """The text of an answer, or NotYet with what the server says of its error."""
    response = await soon(answer, "a request got no answer at all, though nobody else was there.")
    if response.status_code != 200:
        for _ in range(500):  # the answer is sent before the error is noted
            if not server.errors:
                await asyncio.sleep(0.002)
        why = server.errors[-1].splitlines()[0] if server.errors else response.text
        if "no active connection" in why or "only be started once" in why:
            why += ". The block around the saver was left too early: it belongs around the `yield`."
        raise NotYet(f"a request was answered with {response.status_code}. In the server: {why}")
    text: str = response.text
    return text


async def judge_memory(make_app: MakeApp, path: Path) -> None:
    """Raise NotYet when the bot forgets, in the next request or after a restart."""
    async with running(make_app, path, Model()) as (server, client):
        await told(server, client.post("/ada", content="My name is Ada."))
        heard = await told(server, client.post("/ada", content="What is my name?"))
        if "Ada" not in heard:
            raise NotYet(
                f"Ada told her name, asked for it in the next request, and heard {heard!r} "
                "What is made inside a request ends with it."
            )
    async with running(make_app, path, Model()) as (server, client):
        heard = await told(server, client.post("/ada", content="What is my name?"))
        if "Ada" not in heard:
            raise NotYet(
                f"it knows her until the server is started again; then she heard {heard!r} "
                "`path` is a file that outlives the server."
            )


async def judge_waiting(make_app: MakeApp, path: Path) -> None:
    """Raise NotYet when somebody waits for another, or each request has a saver."""
    model = Model()
    model.gates = {"Hold me.": Gate(), "Hold me, too.": Gate()}
    gc.collect()
    before = survivors(BaseCheckpointSaver)
    async with running(make_app, path, model) as (server, client):
        first = await sent(client, "/first", "Hold me.")
        await model.gates["Hold me."].come()
        if model.gates["Hold me."].holds is server.thread:
            raise NotYet(
                "while one customer waited for the model, `think` blocked the thread of the "
                "server's loop, and nobody else could be answered."
            )
        second = await sent(client, "/second", "Hold me, too.")
        alone = (
            "one customer waited for the model, and another, in another conversation, got no "
            "answer: they wait for the same lock."
        )
        await soon(asyncio.to_thread(model.gates["Hold me, too."].reached.wait, PATIENCE), alone)
        if not model.gates["Hold me, too."].reached.is_set():
            raise NotYet(alone)
        gc.collect()
        savers = survivors(BaseCheckpointSaver) - before
        if savers > 1:
            raise NotYet(
                f"two requests are under way, and {savers} savers are alive: each opened the file "
                "for itself. One is enough, for the life of the server."
            )
        for gate in model.gates.values():
            gate.open()
        await told(server, first)
        await told(server, second)


async def judge_two_at_once(make_app: MakeApp, path: Path) -> None:
    """Raise NotYet when a turn is lost that came while another was under way."""
    model = Model()
    gate = model.gates["My printer smokes."] = Gate()
    async with running(make_app, path, model) as (server, client):
        first = await sent(client, "/cleo", "My printer smokes.")
        await gate.come()
        second = await sent(client, "/cleo", "And it is hot.")
        for number in range(3):  # by then the second one has come to where it waits
            await told(server, client.post(f"/other {number}", content="Hello"))
        gate.open()
        await told(server, first)
        await told(server, second)
        await told(server, client.post("/cleo", content="Hello"))
        if model.sent != 5:
            raise NotYet(
                f"two messages of one conversation came at once and were answered, and of these 4 "
                f"the next turn was sent {model.sent - 1}: one turn began before the other was "
                "written. Between reading and writing, the other has to wait."
            )


async def judge_left_over(make_app: MakeApp, path: Path) -> None:
    """Raise NotYet when locks pile up, or a connection is open after the server has stopped."""
    import aiosqlite

    connections_before = workers()
    async with running(make_app, path, Model()) as (server, client):
        await told(server, client.post("/first", content="Hello"))
        gc.collect()
        before = survivors(asyncio.Lock)
        for number in range(8):
            await told(server, client.post(f"/number {number}", content="Hello"))
        gc.collect()
        locks = survivors(asyncio.Lock) - before
    left = workers() - connections_before
    for worker in left:
        worker.join(0.5)  # it may be closing
    if any(worker.is_alive() for worker in left):
        for thing in gc.get_objects():
            if isinstance(thing, aiosqlite.Connection) and thing._thread in left:
                await thing.close()
        raise NotYet(
            "the server has stopped, and its connection is open: the thread behind it would keep "
            "the process from ending. What the lifespan opens, it closes: use `async with`."
        )
    if locks >= 8:
        raise NotYet(
            f"8 conversations came and were answered, and {locks} more locks are alive. "
            "Something leads to each, though nobody waits for it."
        )


def workers() -> set[threading.Thread]:
    """The threads of the open aiosqlite connections."""
    return {thread for thread in threading.enumerate() if "_connection_worker" in thread.name}


def check_complaints(make_app: MakeApp) -> str:
    """Prove with real requests that the three complaints are met, and nothing is left over."""
    judges = (judge_memory, judge_waiting, judge_two_at_once, judge_left_over)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for judge in judges:
            path = Path(folder) / f"{judge.__name__}.db"
            apart(partial(judge, make_app, path))
    return (
        "she is known after a restart, others are answered meanwhile, no turn is lost; "
        "one saver, no lock left, and the connection is closed."
    )


# --- Exercise 2: the client who comes back --------------------------------------------------


class Turn(TypedDict):
    """What has been done."""

    done: Annotated[list[str], operator.add]


STEPS = ["look up", "draft", "send"]


class Shop:
    """A server whose turns are followed through the reader's class: start one, follow it."""

    def __init__(self, answer: Callable[[Any], Any], *, fails: bool = False) -> None:
        self.answer = answer
        self.fails = fails
        self.gate, self.ran = Gate(), list[str]()
        self.settled, self.left = threading.Event(), threading.Event()

    def graph(self) -> Any:
        """Three steps, the second held at the gate."""

        def step(name: str) -> Any:
            async def node(state: Turn) -> Turn:
                self.ran.append(name)
                if name == "draft":
                    await self.draft()
                if name == "send":
                    self.settled.set()
                return {"done": [name]}

            return node

        builder = StateGraph(Turn)
        builder.add_sequence([(name, step(name)) for name in STEPS])
        builder.add_edge(START, "look up")
        return builder.compile(checkpointer=InMemorySaver())

    async def draft(self) -> None:
        """Wait at the gate; then fail, if that is asked for."""
        try:
            await self.gate.pause()
        except asyncio.CancelledError:
            self.settled.set()
            raise
        if self.fails:
            raise ValueError("the model is gone")

    def app(self) -> Any:
        """The application: /start makes the turn, /{after} follows it from that piece on."""
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse, StreamingResponse
        from starlette.routing import Route

        turns: list[Any] = []

        async def start(request: Any) -> PlainTextResponse:
            thread: Any = {"configurable": {"thread_id": "ada"}}
            turns.append(self.answer(self.graph().astream({"done": []}, thread)))
            return PlainTextResponse("")

        async def lines(after: int) -> AsyncIterator[str]:
            try:
                async for piece in turns[0].follow(after):
                    yield f"{', '.join(piece)}\n"
            except Exception as error:
                yield f"{type(error).__name__}: {error}\n"
            finally:
                self.left.set()

        async def follow(request: Any) -> StreamingResponse:
            return StreamingResponse(lines(int(request.path_params["after"])))

        return Starlette(routes=[Route("/start", start), Route("/{after:int}", follow)])


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[Any]:
    """The shop's server with a turn that was started; yields a client."""
    context = serving(shop.app())
    server = context.__enter__()
    try:
        async with server.client() as client:
            response = await client.get("/start")
            if response.status_code != 200:
                raise NotYet(f"making an Answer in the server raised {server.errors[-1]}")
            yield client
    finally:
        shop.gate.open()
        await asyncio.to_thread(context.__exit__, None, None, None)


async def judge_nobody(answer: Any) -> None:
    """Raise NotYet when a turn that nobody follows is not run."""
    shop = Shop(answer)
    shop.gate.open()
    async with opened(shop):
        if not await asyncio.to_thread(shop.settled.wait, PATIENCE):
            raise NotYet(
                "a turn was started, nobody followed it, and its steps did not run. "
                "What runs when nobody awaits it?"
            )


async def judge_hang_up(answer: Any) -> None:
    """Raise NotYet when a client who hangs up stops the turn, or cannot come back."""
    shop = Shop(answer)
    async with opened(shop) as client:
        async with client.stream("GET", "/0") as response:
            await shop.gate.come()
            late = "'look up' was done, 'draft' at work, and the client was told nothing so far."
            line = await soon(anext(response.aiter_lines()), late)
            if line != "look up":
                raise NotYet(f"the first piece was {line!r}, expected 'look up'.")
        await asyncio.to_thread(shop.left.wait, PATIENCE)
        back = asyncio.create_task(client.get("/1"))
        shop.gate.open()
        if not await asyncio.to_thread(shop.settled.wait, PATIENCE) or "send" not in shop.ran:
            raise NotYet(
                "the client hung up, and the turn was cancelled with it: 'send' was never run. "
                "The turn must belong to the server; a follower waits for news of it."
            )
        stuck = "the turn is over, and a client who follows it waits for its end for ever."
        lines = (await soon(back, stuck)).text.splitlines()
        if lines != STEPS[1:]:
            raise NotYet(
                f"the client came back for the pieces from number 1 on and got {lines}, "
                f"expected {STEPS[1:]}."
            )
        lines = (await soon(client.get("/0"), stuck)).text.splitlines()
        if lines != STEPS:
            raise NotYet(
                f"another client came when all was over and got {lines}, expected {STEPS}. "
                "What one has taken must be there for the next."
            )
        if shop.ran != STEPS:
            raise NotYet(f"the steps that ran are {shop.ran}: each should run once.")


async def judge_failure(answer: Any) -> None:
    """Raise NotYet when a follower does not learn that the turn has failed."""
    shop = Shop(answer, fails=True)
    async with opened(shop) as client:
        request = asyncio.create_task(client.get("/0"))
        await shop.gate.come()
        shop.gate.open()
        for after in range(2):
            waits = "a step raised an exception, and a client waits for ever."
            lines = (await soon(request, waits)).text.splitlines()
            if lines[-1:] != ["ValueError: the model is gone"]:
                raise NotYet(
                    f"a step raised ValueError, and a client was told {lines}, as if all were well."
                )
            request = asyncio.create_task(client.get(f"/{after}"))


def check_follow(answer: Any) -> str:
    """Prove in a real server that a turn runs to its end, whoever follows it."""
    if not isinstance(answer, type):
        raise NotYet(f"Answer is {answer!r}, expected a class.")
    for judge in (judge_hang_up, judge_nobody, judge_failure):
        apart(partial(judge, answer))
    return (
        "the turn ran once, with a client who hung up and came back, with a late one, and with nobody; "
        "and its failure was told."
    )


CHECKS = {
    "16.complaints": check_complaints,
    "16.follow": check_follow,
}
