"""What judges the exercises of lesson 16, Inside a server."""

import asyncio
import operator
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from lessons_lib.lessons.shared import apart, in_a_row, new_folder, new_objects, thread
from lessons_lib.memories import reply
from lessons_lib.memories.serving import Gate, Server, sent, serving
from lessons_lib.teach.model import NotYet

# Time is counted in other requests, each a trip through the server's loop, a thread and the disk:
# on a slow machine they are slow, too. What has not come after so many does not come; and no less
# than so many seconds, for TCP has timers of its own.
OTHERS, AT_LEAST = 30, 0.25
PATIENCE = 10.0  # seconds; only an answer that blocks the whole loop waits for so long


def with_others(app: Any, folder: Path) -> Any:
    """The application, and beside it the path at which the check's other requests are answered."""
    from starlette.responses import PlainTextResponse

    def write() -> None:
        with (folder / "another request").open("wb") as file:
            file.write(b"*")
            file.flush()
            os.fsync(file.fileno())

    async def either(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/another request":
            await app(scope, receive, send)
            return
        await asyncio.to_thread(write)
        await PlainTextResponse("")(scope, receive, send)

    return either


@asynccontextmanager
async def served(app: Any, folder: Path, gates: list[Gate]) -> AsyncIterator[Any]:
    """The application in a real server; yields the server and a client. Its gates open at the end."""
    context = serving(with_others(app, folder))
    server = context.__enter__()
    try:
        async with server.client() as client:
            client.timeout = PATIENCE
            yield server, client
    finally:
        for gate in gates:
            gate.open()
        await asyncio.to_thread(context.__exit__, None, None, None)


async def comes(client: Any, happened: Callable[[], bool]) -> bool:
    """Whether something happens before enough other requests have been answered."""
    from httpx import HTTPError

    others, until = 0, time.monotonic() + AT_LEAST
    with suppress(HTTPError):  # the loop stands still, and answers nobody
        while not happened() and (others < OTHERS or time.monotonic() < until):
            await client.get("/another request")
            others += 1
    return happened()


async def soon(client: Any, awaitable: Awaitable[Any], otherwise: str) -> Any:
    """The result of what has to come, or NotYet."""
    task = asyncio.ensure_future(awaitable)
    if not await comes(client, task.done):
        raise NotYet(otherwise)
    return await task


# --- Exercise 1: three complaints -----------------------------------------------------------

MakeApp = Callable[[str, Callable[[Any], str]], Any]


class Model:
    """A model that blocks: it stops at the gate of the text it is asked to answer, if there is one."""

    def __init__(self, *texts: str) -> None:
        self.gates = {text: Gate() for text in texts}
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
        async with served(app, path.parent, list(model.gates.values())) as both:
            yield both
    except RuntimeError as error:
        raise NotYet(f"{error}.".replace("..", ".")) from None


ALONE = "a request got no answer at all, though nobody else was there."
TOGETHER = (
    "two messages of one conversation came at once, and from then on nobody was answered: what "
    "waits for a lock in a coroutine waits with `await`, or it holds the thread of the loop."
)


async def told(server: Server, client: Any, answer: Awaitable[Any], otherwise: str = ALONE) -> str:
    """The text of an answer, or NotYet with what the server says of its error."""
    from httpx import TimeoutException

    try:
        response = await answer
    except TimeoutException:
        raise NotYet(otherwise) from None
    if response.status_code != 200:
        # The answer is sent before the error is noted.
        await comes(client, lambda: bool(server.errors))
        why = server.errors[-1].splitlines()[0] if server.errors else response.text
        if "no active connection" in why or "only be started once" in why:
            why += ". The block around the saver was left too early: it belongs around the `yield`."
        raise NotYet(f"a request was answered with {response.status_code}. In the server: {why}")
    text: str = response.text
    return text


async def judge_memory(make_app: MakeApp, path: Path) -> None:
    async with running(make_app, path, Model()) as (server, client):
        await told(server, client, client.post("/ada", content="My name is Ada."))
        heard = await told(server, client, client.post("/ada", content="What is my name?"))
        if "Ada" not in heard:
            raise NotYet(
                f"Ada told her name, asked for it in the next request, and heard {heard!r} "
                "What is made inside a request ends with it."
            )
    async with running(make_app, path, Model()) as (server, client):
        heard = await told(server, client, client.post("/ada", content="What is my name?"))
        if "Ada" not in heard:
            raise NotYet(
                f"it knows her until the server is started again; then she heard {heard!r} "
                "`path` is a file that outlives the server."
            )


async def judge_served(make_app: MakeApp, path: Path) -> None:
    """Judge all that can be seen while one server is up, and what it leaves behind."""
    model = Model("Hold me.", "Hold me, too.", "My printer smokes.", "And it is hot.")
    before = connections()
    with new_objects() as alive:
        async with running(make_app, path, model) as (server, client):
            await judge_waiting(server, client, model, alive)
            await judge_at_once(server, client, model)
            locks = alive(asyncio.Lock)
            for number in range(8):
                await told(server, client, client.post(f"/number {number}", content="Hello"))
            locks = alive(asyncio.Lock) - locks
    left = connections() - before
    for worker in left:
        worker.join(0.5)  # it may be closing
    if any(worker.is_alive() for worker in left):
        raise NotYet(
            "the server has stopped, and its connection is open: the thread behind it would keep "
            "the process from ending. What the lifespan opens, it closes: use `async with`."
        )
    if locks >= 8:
        raise NotYet(
            f"8 conversations came and were answered, and {locks} more locks are alive. "
            "Something leads to each, though nobody waits for it."
        )


async def judge_waiting(
    server: Server, client: Any, model: Model, alive: Callable[..., int]
) -> None:
    one, other = model.gates["Hold me."], model.gates["Hold me, too."]
    first = await sent(client, "/first", "Hold me.")
    await one.come()
    if one.holds is server.thread:
        raise NotYet(
            "while one customer waited for the model, `think` blocked the thread of the "
            "server's loop, and nobody else could be answered."
        )
    second = await sent(client, "/second", "Hold me, too.")
    if not await comes(client, other.reached.is_set):
        raise NotYet(
            "one customer waited for the model, and another, in another conversation, got "
            "no answer: they wait for the same lock."
        )
    savers = alive(BaseCheckpointSaver)
    if savers > 1:
        raise NotYet(
            f"two requests are under way, and {savers} savers are alive: each opened the "
            "file for itself. One is enough, for the life of the server."
        )
    for gate, answer in (one, first), (other, second):
        gate.open()
        await told(server, client, answer)


async def judge_at_once(server: Server, client: Any, model: Model) -> None:
    """Three messages of one conversation: the third comes while the second, which waited, is in."""
    one, other = model.gates["My printer smokes."], model.gates["And it is hot."]
    first = await sent(client, "/cleo", "My printer smokes.")
    await one.come()
    second = await sent(client, "/cleo", "And it is hot.")
    await others_are_answered(server, client)
    at_once = other.reached.is_set()
    one.open()
    await told(server, client, first, TOGETHER)
    if not await comes(client, other.reached.is_set):
        await told(server, client, second, TOGETHER)
    third = await sent(client, "/cleo", "Are you there?")
    await others_are_answered(server, client)
    other.open()
    for answer in (second, third, client.post("/cleo", content="Hello")):
        await told(server, client, answer)
    if model.sent == 7:
        return
    if at_once:
        raise NotYet(
            f"three messages of one conversation came at once and were answered, and of these 6 "
            f"the next turn was sent {model.sent - 1}: one turn began before the other was "
            "written. Between reading and writing, the other has to wait."
        )
    raise NotYet(
        "the first of three messages was answered, the second had waited and was at the model, and "
        "the third did not wait for it: a lock was thrown away while somebody waited for it, and "
        "the next one made another."
    )


async def others_are_answered(server: Server, client: Any) -> None:
    """By then a message that was sent before has come to where it waits."""
    for number in range(3):
        answer = client.post(f"/other {number}", content="Hello")
        await told(server, client, answer, TOGETHER)


def connections() -> set[threading.Thread]:
    """The threads of the open aiosqlite connections."""
    return {thread for thread in threading.enumerate() if "_connection_worker" in thread.name}


async def close_connections(left: set[threading.Thread]) -> None:
    """Close what an answer has left open, which would keep the reader's kernel from ending."""
    import gc

    import aiosqlite

    for thing in gc.get_objects() if left else ():
        if isinstance(thing, aiosqlite.Connection) and thing._thread in left:
            await thing.close()


def check_complaints(make_app: MakeApp) -> str:
    """Prove with real requests that the three complaints are met, and nothing is left over."""
    before = connections()
    with new_folder() as folder:
        try:
            for judge in (judge_memory, judge_served):
                apart(partial(judge, make_app, folder / f"{judge.__name__}.db"))
        finally:
            apart(lambda: close_connections(connections() - before))
    return (
        "she is known after a restart, others are answered meanwhile, no turn is lost; "
        "one saver, no lock left, and no connection that keeps the process from ending."
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

        return in_a_row(Turn, {name: step(name) for name in STEPS}, InMemorySaver())

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
            turns.append(self.answer(self.graph().astream({"done": []}, thread("ada"))))
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
async def opened(shop: Shop, folder: Path) -> AsyncIterator[Any]:
    """The shop's server with a turn that was started; yields a client."""
    async with served(shop.app(), folder, [shop.gate]) as (server, client):
        response = await client.get("/start")
        if response.status_code != 200:
            raise NotYet(f"making an Answer in the server raised {server.errors[-1]}")
        yield client


async def judge_nobody(answer: Any, folder: Path) -> None:
    shop = Shop(answer)
    shop.gate.open()
    async with opened(shop, folder) as client:
        if not await comes(client, shop.settled.is_set):
            raise NotYet(
                "a turn was started, nobody followed it, and its steps did not run. "
                "What runs when nobody awaits it?"
            )


async def judge_hang_up(answer: Any, folder: Path) -> None:
    shop = Shop(answer)
    async with opened(shop, folder) as client:
        async with client.stream("GET", "/0") as response:
            await shop.gate.come()
            late = "'look up' was done, 'draft' at work, and the client was told nothing so far."
            line = await soon(client, anext(response.aiter_lines()), late)
            if line != "look up":
                raise NotYet(f"the first piece was {line!r}, expected 'look up'.")
        await comes(client, shop.left.is_set)
        back = asyncio.create_task(client.get("/1"))
        shop.gate.open()
        if not await comes(client, shop.settled.is_set) or "send" not in shop.ran:
            raise NotYet(
                "the client hung up, and the turn was cancelled with it: 'send' was never run. "
                "The turn must belong to the server; a follower waits for news of it."
            )
        await judge_pieces(client, back)
        if shop.ran != STEPS:
            raise NotYet(f"the steps that ran are {shop.ran}: each should run once.")


async def judge_pieces(client: Any, back: Awaitable[Any]) -> None:
    """The client who came back, and one who comes when all is over, get what they asked for."""
    stuck = "the turn is over, and a client who follows it waits for its end for ever."
    lines = (await soon(client, back, stuck)).text.splitlines()
    if lines != STEPS[1:]:
        raise NotYet(
            f"the client came back for the pieces from number 1 on and got {lines}, "
            f"expected {STEPS[1:]}."
        )
    lines = (await soon(client, client.get("/0"), stuck)).text.splitlines()
    if lines != STEPS:
        raise NotYet(
            f"another client came when all was over and got {lines}, expected {STEPS}. "
            "What one has taken must be there for the next."
        )


async def judge_failure(answer: Any, folder: Path) -> None:
    shop = Shop(answer, fails=True)
    async with opened(shop, folder) as client:
        request = asyncio.create_task(client.get("/0"))
        await shop.gate.come()
        shop.gate.open()
        for after in range(2):
            waits = "a step raised an exception, and a client waits for ever."
            lines = (await soon(client, request, waits)).text.splitlines()
            if lines[-1:] != ["ValueError: the model is gone"]:
                raise NotYet(
                    f"a step raised ValueError, and a client was told {lines}, as if all were well."
                )
            request = asyncio.create_task(client.get(f"/{after}"))


def check_follow(answer: Any) -> str:
    """Prove in a real server that a turn runs to its end, whoever follows it."""
    if not isinstance(answer, type):
        raise NotYet(f"Answer is {answer!r}, expected a class.")
    with new_folder() as folder:
        for judge in (judge_hang_up, judge_nobody, judge_failure):
            apart(partial(judge, answer, folder))
    return (
        "the turn ran once, with a client who hung up and came back, with a late one, and with nobody; "
        "and its failure was told."
    )


CHECKS = {
    "16.complaints": check_complaints,
    "16.follow": check_follow,
}
