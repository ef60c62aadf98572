"""What judges the exercises of lesson 18, Many workers, one memory."""

import operator
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver

from lessons_lib.database import NoPostgres, postgres
from lessons_lib.lessons.shared import another_hash, in_a_row, thread
from lessons_lib.teach.model import NotYet

PATIENCE = 4.0  # seconds; only a wrong answer waits for so long

# --- Exercise 1: the turn of a worker -------------------------------------------------------

TakeTurn = Callable[[Any, Any, str], object]
STEPS = ["look up", "draft", "send"]
ADA = thread("ada")


class Turn(TypedDict):
    """What has been done, and the order that is being done."""

    done: Annotated[list[str], operator.add]
    order: str


class Killed(BaseException):
    """Stands for a kill: nothing in a turn may catch it."""


class Shop:
    """A graph of three steps that notes what is done, and whose worker can die in the draft."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.dies = False
        self.waits = True
        """Whether each run so far had each step on the disk before the next one began."""
        steps = {name: self._step(name) for name in STEPS}
        self.graph = in_a_row(Turn, steps, InMemorySaver())
        self.graph.stream = self._noted(self.graph.stream)  # `invoke` goes through it, too

    def _noted(self, stream: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, durability: str | None = None, **how: Any) -> Any:
            self.waits &= durability == "sync"
            return stream(*given, durability=durability, **how)

        return noted

    def _step(self, name: str) -> Any:
        def node(state: Turn) -> dict[str, list[str]]:
            what = f"{state['order']}: {name}"
            self.did.append(what)
            if name == "draft" and self.dies:
                self.dies = False
                raise Killed
            return {"done": [what]}

        return node


def given(take_turn: TakeTurn, shop: Shop, order: str) -> list[str]:
    """Give a worker the job; returns the steps that it has begun."""
    shop.did.clear()
    with suppress(Killed):
        take_turn(shop.graph, ADA, order)
    return [what.partition(": ")[2] if what.startswith(order) else what for what in shop.did]


STORY: tuple[tuple[str, bool, list[str], str], ...] = (
    ("tea", False, STEPS, "its fresh order was not done: the steps that ran are {}."),
    (
        "tea",
        False,
        [],
        "the order 'tea' was finished, and its worker died before it could say so. Given again, "
        "it ran {}: Ada gets two.",
    ),
    (
        "milk",
        True,
        STEPS[:2],
        "the next order of the same thread ran {}, expected all steps in order.",
    ),
    (
        "milk",
        False,
        STEPS[1:],
        "a worker was killed in the draft of 'milk', and the next one ran {}: expected "
        "the draft and what follows; what was saved is done again.",
    ),
    ("milk", False, [], "'milk' was half done, then finished, then given again, and ran {}."),
)
"""Orders as they come: whether the worker dies in the draft, the steps to run, what is said else."""


def check_turn(take_turn: TakeTurn) -> str:
    """Prove that a job can come thrice, and is done once."""
    shop = Shop()
    for order, dies, expected, otherwise in STORY:
        shop.dies = dies
        found = given(take_turn, shop, order)
        if found != expected:
            raise NotYet(otherwise.format(found))
    _check_after_another(take_turn, shop)
    _check_done_by_another(take_turn, shop)
    if not shop.waits:
        raise NotYet(
            "a step began before the one before it was on the disk: a worker that is killed then "
            'does both again. Each `invoke` needs `durability="sync"` (lesson 11, section 3).'
        )
    return "fresh, half done, done already: each step once, but the one in which the worker died."


def _check_after_another(take_turn: TakeTurn, shop: Shop) -> None:
    """Prove that an order is done although the one before it was given up half-way."""
    shop.dies = True
    given(take_turn, shop, "salt")
    given(take_turn, shop, "bread")
    if f"bread: {STEPS[-1]}" not in shop.graph.get_state(ADA).values["done"]:
        raise NotYet(
            "the order 'salt' was left half done, and its job did not come again. The next job, "
            "'bread', finished 'salt', and was taken for done: nobody sends the bread."
        )


def _check_done_by_another(take_turn: TakeTurn, shop: Shop) -> None:
    """Prove that an order is known as done although this process has never seen it."""
    shop.graph.invoke({"order": "rice"}, ADA, durability="sync")
    if found := given(take_turn, shop, "rice"):
        raise NotYet(
            f"another process had done the order 'rice', and yours ran {found}: what a process "
            "has noted for itself, no other one knows. Ask the thread."
        )


# --- Exercise 2: a lock that holds ----------------------------------------------------------

CONNECTIONS = 4
Alone = Callable[[Any, str], AbstractContextManager[object]]


class Visitor:
    """Somebody who goes into the block, in a thread, and stays until let go."""

    def __init__(self, hands: ThreadPoolExecutor, alone: Alone, pool: Any, name: str) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self.fails = False
        self.visit: Future[None] = hands.submit(self._go, alone, pool, name)

    def _go(self, alone: Alone, pool: Any, name: str) -> None:
        with alone(pool, name):
            self.inside.set()
            self.leave.wait(30)
            if self.fails:
                raise KeyError("in the block")

    def comes(self, otherwise: str) -> None:
        """Raise NotYet when they do not come in."""
        for _ in range(int(PATIENCE / 0.01)):
            if self.inside.wait(0.01):
                return
            if self.visit.done():
                raise NotYet(f"alone raised {self.visit.exception()!r}")
        raise NotYet(otherwise)

    def goes(self) -> None:
        """Let them leave, and wait until they have."""
        self.leave.set()
        self.visit.exception(PATIENCE)


LENT = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND application_name = 'lent'"""
"""The advisory locks of the pool's connections."""

WAITING = """SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), max(query_start)
FROM pg_stat_activity WHERE application_name IN ('lent', 'own')"""
"""How many of the exercise's connections wait for a lock, and when one last asked for anything."""


def judge_alone(alone: Alone, pool: Any, look: Any, hands: ThreadPoolExecutor) -> None:
    """Raise NotYet when two are inside at once, or somebody waits for nothing."""
    with ExitStack() as at_the_end:

        def visitor(name: str) -> Visitor:
            one = Visitor(hands, alone, pool, name)
            at_the_end.callback(one.leave.set)
            return one

        first = visitor("ada")
        first.comes("nobody else was there, and the first one did not come in.")
        if look.execute(LENT).fetchone()[0] and pool.get_stats()["pool_available"] == CONNECTIONS:
            raise NotYet(
                "the lock is held by a connection that is in the pool again: whoever borrows that "
                "one can come in while its connection is with nobody who is inside."
            )
        second = visitor("ada")
        judge_waiting(second, look, "two were in the block at once, for the same name.")
        other = visitor("adam")
        other.comes("Ada's block is taken, and another name waits for it: a lock for each name.")
        first.fails = True
        first.goes()
        if first.visit.done() and not first.visit.exception():
            raise NotYet("the first one left by an error, and `alone` kept the error to itself.")
        second.comes(
            "the first one left by an error, and its connection went back to the pool with the "
            "lock: the next one waits for ever."
        )
        with another_hash(alone):
            judge_waiting(
                visitor("ada"),
                look,
                "a second process came in: `hash` of a string is another number in each.",
            )
        second.goes()
        other.goes()


def judge_waiting(second: Visitor, look: Any, otherwise: str) -> None:
    """Raise NotYet when they come in, or wait for nothing that other processes know.

    They may wait in Postgres, or ask it again and again.
    """
    asked = set()
    for _ in range(int(PATIENCE / 0.01)):
        if second.inside.wait(0.01):
            raise NotYet(otherwise)
        if second.visit.done():
            raise NotYet(
                f"the block was taken, and the second one got {second.visit.exception()!r} "
                "instead of waiting."
            )
        waiting, at = look.execute(WAITING).fetchone()
        asked.add(at)
        if waiting or len(asked) > 9:
            return
    raise NotYet(
        "the second one waits, and Postgres knows nothing of it: a worker in another process "
        "would come in."
    )


def check_alone(alone: Alone) -> str:
    """Prove on a real Postgres that the lock holds, for its name, and is let go of."""
    import psycopg
    from psycopg_pool import ConnectionPool

    try:
        uri = postgres().uri
    except NoPostgres as error:
        raise NotYet(str(error)) from None
    kept: Any = {"autocommit": True, "application_name": "lent"}
    with (
        psycopg.connect(uri, autocommit=True) as look,
        ConnectionPool(
            f"{uri}&application_name=own", min_size=CONNECTIONS, kwargs=kept, open=True
        ) as pool,
        ThreadPoolExecutor(3) as hands,
    ):
        pool.wait(30)
        try:
            judge_alone(alone, pool, look, hands)
        finally:
            ours = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            look.execute(ours)
    return "alone in the block for its name, not for others; and free again, also after an error."


CHECKS = {
    "18.turn": check_turn,
    "18.alone": check_alone,
}
