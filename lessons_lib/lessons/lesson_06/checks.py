"""What judges the exercises of lesson 06, State under pressure."""

import asyncio
import inspect
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from lessons_lib.lessons.shared import apart, new_objects
from lessons_lib.teach.model import NotYet

_ROUNDS_OF_THE_LOOP = 40  # more than any turn here needs from one gate to the next
STANDS_STILL = (
    "everything stands still. What waits without `await`, a `threading.Lock` for one, "
    "stops the only thread there is, and with it the turn that holds the lock."
)


async def until_all_wait() -> None:
    """Let the other tasks run until none of them can go on."""
    for _ in range(_ROUNDS_OF_THE_LOOP):
        await asyncio.sleep(0)


def judge_finished(tasks: list[asyncio.Task[Any]]) -> None:
    """Raise what a finished task raised, so that the reader sees it."""
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error


async def dismiss(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel what is still waiting."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# --- Exercise 1: five rounds ----------------------------------------------------------------

MESSAGES = [f"message {number}" for number in range(1, 6)]
BUDGET = 5


class ModelDown(Exception):
    """What the model raises when it is asked something it cannot answer."""


class Rounds:
    """A model that answers in rounds: in each, everyone who is waiting when it begins."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []
        self.sent: list[list[str]] = []
        self.rounds = 0

    async def model(self, messages: list[str]) -> str:
        """Answer the last message in the next round."""
        self.sent.append(list(messages))
        answered = asyncio.get_running_loop().create_future()
        self.waiting.append(answered)
        await answered
        if messages[-1] == "bad":
            raise ModelDown
        return f"answer to {messages[-1]}"

    async def play(self, tasks: list[asyncio.Task[Any]]) -> bool:
        """Answer in rounds until nobody is waiting; whether all tasks have finished."""
        await until_all_wait()
        while self.waiting:
            self.rounds += 1
            answered, self.waiting = self.waiting, []
            for one in answered:
                one.set_result(None)
            await until_all_wait()
        return all(task.done() for task in tasks)


async def ten_turns(chat: Any, rounds: Rounds) -> None:
    """Five messages of each of two users, all at once."""
    tasks = [
        asyncio.create_task(chat.turn(user, f"{user}'s {message}", rounds.model))
        for user in ("ada", "bob")
        for message in MESSAGES
    ]
    finished = await rounds.play(tasks)
    await dismiss(tasks)
    judge_finished(tasks)
    if not finished:
        raise NotYet("some turns wait for a lock that nobody holds any more, and never end.")


def judge_shape(chat: Any) -> None:
    if not inspect.iscoroutinefunction(getattr(chat, "turn", None)):
        raise NotYet("`turn` is no coroutine any more; it has to be `async def turn(…)`.")
    if not isinstance(getattr(chat, "saved", None), dict):
        raise NotYet("a chat keeps its messages in `self.saved`, a dict by user; it has none.")


def judge_kept(saved: dict[str, list[str]], rounds: Rounds) -> None:
    kept = sum(text in saved.get(text[:3], []) for text in all_texts())
    if kept == len(all_texts()):
        return
    if not kept:
        raise NotYet(
            "`saved` has none of the ten messages: each text belongs, as it came, into the list of "
            "its user."
        )
    lost = f"{len(all_texts()) - kept} of {len(all_texts())} messages are lost"
    if rounds.rounds > 1:
        raise NotYet(
            f"{lost}, though the model was asked in {rounds.rounds} rounds: there is a lock, and "
            "what a turn writes back had been read before the turn took it."
        )
    raise NotYet(
        f"{lost}: all turns were with the model at once, and each wrote back what it had read "
        "before the others wrote."
    )


def all_texts() -> list[str]:
    return [f"{user}'s {message}" for user in ("ada", "bob") for message in MESSAGES]


def judge_sent(rounds: Rounds) -> None:
    if not rounds.sent:
        raise NotYet("the model was never asked: a call of `model` does nothing until its `await`.")
    longest = max(sum(text in sent for text in all_texts()) for sent in rounds.sent)
    if longest < len(MESSAGES):
        raise NotYet(
            f"nothing is lost, but the model was never sent more than {longest} of a user's "
            f"{len(MESSAGES)} messages. It knows what it is sent: read before you ask, "
            "and only when the user's turn before this one has written."
        )
    if any("ada" in "".join(sent) and "bob" in "".join(sent) for sent in rounds.sent):
        raise NotYet("the model was sent words of both users in one call.")


async def judge_after_error(chat: Any) -> None:
    rounds = Rounds()
    bad = asyncio.create_task(chat.turn("eve", "bad", rounds.model))
    good = asyncio.create_task(chat.turn("eve", "good", rounds.model))
    finished = await rounds.play([bad, good])
    await dismiss([bad, good])
    if not finished:
        raise NotYet(
            "the model raised in one turn, and the user's next turn waits for ever: "
            "the lock was taken and never given back."
        )


def check_five_rounds(chat: Callable[[], Any]) -> str:
    """Prove that ten turns at once lose nothing, within five rounds of the model."""

    async def main() -> str:
        one, rounds = chat(), Rounds()
        judge_shape(one)
        await ten_turns(one, rounds)
        judge_kept(one.saved, rounds)
        judge_sent(rounds)
        if rounds.rounds > BUDGET:
            raise NotYet(
                f"nothing is lost, and it took {rounds.rounds} rounds; the budget is {BUDGET}. "
                "Bob waits for Ada, although their conversations have nothing in common."
            )
        await judge_after_error(one)
        took = "one round" if rounds.rounds == 1 else f"{rounds.rounds} rounds"
        return f"ten turns at once, nothing lost, in {took} of the model."

    return apart(main, STANDS_STILL)


# --- Exercise 2: a hundred bytes ------------------------------------------------------------


class Text(str):
    """A string whose life the check can watch."""


class Scale:
    """Puts strings of ten bytes into a reader's sessions and weighs those that are alive."""

    def __init__(self, sessions: Callable[[int], Any], budget: int) -> None:
        self.sessions = sessions(budget)
        self.budget = budget
        self.made: list[weakref.ref[Text]] = []

    def add(self, user: str, number: int = 1) -> None:
        """Ten bytes more of a user's, such as 'ada     #1'."""
        self.add_text(user, f"{user:<7}#{number:>2}")

    def add_text(self, user: str, words: str) -> None:
        """A text of a user's, watched and not held."""
        text = Text(words)
        self.made.append(weakref.ref(text))
        self.sessions.add(user, text)

    def alive(self) -> int:
        """Bytes of the texts that something still leads to."""
        return sum(len(text.encode()) for one in self.made if (text := one()) is not None)

    def read(self, user: str) -> list[str]:
        """The user's messages by number: '#1' and so on."""
        texts = self.sessions.read(user)
        if not isinstance(texts, (list, tuple)):
            raise NotYet(f"`read` returned {type(texts).__name__}, expected a list of strings.")
        return [str(text)[7:].replace(" ", "") for text in texts]


def judge_room(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 100)
    users = ["ada", "bob", "eve", "dan", "fay"]
    for user in users:
        scale.add(user)
    forgotten = [user for user in users if scale.read(user) != ["#1"]]
    if forgotten == users:
        raise NotYet("five users said ten bytes each, and none of them found their message.")
    if forgotten:
        raise NotYet(
            f"five sessions of ten bytes fit into 100, and yet {', '.join(forgotten)} did not find "
            "their message. A bound on the number of sessions is no bound on bytes."
        )


def judge_bytes(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 100)
    users = [f"user {number}" for number in range(10)]
    for number in range(1, 6):
        for user in users:
            scale.add(user, number)
    alive, shown = scale.alive(), sum(10 * len(scale.read(user)) for user in users)
    if max(alive, shown) <= scale.budget:
        return
    if shown <= scale.budget:
        raise NotYet(
            f"`read` shows {shown} bytes, and {alive} are alive; the budget is {scale.budget}. "
            "What is hidden is not forgotten."
        )
    caches = [one for one in vars(scale.sessions).values() if hasattr(one, "currsize")]
    if caches and caches[0].currsize <= scale.budget:
        raise NotYet(
            f"{alive} bytes are alive, and your cache has counted {caches[0].currsize}: "
            + _how_it_weighs(caches[0])
        )
    raise NotYet(f"{alive} bytes are alive, and the budget is {scale.budget}. Nothing is dropped.")


def _how_it_weighs(cache: Any) -> str:
    if cache.currsize == sum(map(cache.getsizeof, cache.values())):
        return "it counts something else than bytes. What does `getsizeof` tell it to count?"
    return "it weighs a session when it is put in, and not when the list changes."


def judge_large(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 40)
    for user in ("ada", "bob", "eve", "dan"):
        scale.add(user)
    scale.add_text("fay", "x" * 30)
    if scale.alive() > scale.budget:
        raise NotYet(
            "four users said ten bytes each and a fifth thirty, with room for 40, and "
            f"{scale.alive()} bytes are alive. One message may need the room of several: go on "
            "until it fits."
        )
    scale.add_text("fay", "y" * 50)
    if scale.alive() > scale.budget:
        raise NotYet(
            f"one message of 50 bytes came, with room for 40, and {scale.alive()} bytes are "
            "alive. What does not fit alone is not kept."
        )


def judge_letters(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 40)
    for user in ("ada", "bob", "eve", "dan", "fay"):
        scale.add_text(user, "äöüß?!")
    if scale.alive() > scale.budget:
        raise NotYet(
            f"five users wrote 'äöüß?!', and {scale.alive()} bytes are alive, with room for "
            f"{scale.budget}. That is 6 letters and 10 bytes: `weigh` encodes a text before it "
            "counts."
        )


def judge_order(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 40)
    for user, number in [("ada", 1), ("bob", 1), ("eve", 1), ("ada", 2), ("dan", 1)]:
        scale.add(user, number)
    kept = {user: scale.read(user) for user in ("ada", "bob", "eve", "dan")}
    if kept["ada"] != ["#1", "#2"]:
        raise NotYet(
            "Ada was the first to come and had spoken again a moment ago, yet she lost messages "
            "when Dan came. Bob is the one who spoke longest ago."
        )
    if kept != {"ada": ["#1", "#2"], "bob": [], "eve": ["#1"], "dan": ["#1"]}:
        raise NotYet(
            "Ada, Bob, Eve, Ada and Dan each said ten bytes, with room for 40. "
            f"Bob alone should be forgotten; kept is {kept!r}."
        )


def judge_long(sessions: Callable[[int], Any]) -> None:
    scale = Scale(sessions, 40)
    for number in range(1, 8):
        scale.add("ada", number)
    kept = scale.read("ada")
    if kept != ["#4", "#5", "#6", "#7"]:
        raise NotYet(
            f"Ada said seven things of ten bytes, with room for 40. Kept is {kept!r}, "
            "expected the newest four: ['#4', '#5', '#6', '#7']."
        )
    if scale.alive() > scale.budget:
        raise NotYet(f"of one long session {scale.alive()} bytes are alive, with room for 40.")


def check_hundred_bytes(sessions: Callable[[int], Any]) -> str:
    """Prove a bound in bytes by what is alive, and that the right ones are forgotten."""
    judge_room(sessions)
    judge_bytes(sessions)
    judge_letters(sessions)
    judge_order(sessions)
    judge_long(sessions)
    judge_large(sessions)
    return "never more alive than the budget, and who spoke longest ago was forgotten first."


# --- Exercise 3: locks that do not leak -----------------------------------------------------


class Door:
    """Turns that go in through a reader's `alone` and come out when they are called."""

    def __init__(self, locks: Any) -> None:
        self.locks = locks
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.calls: dict[str, asyncio.Event] = {}

    async def enter(self, name: str, user: str) -> None:
        """Begin a turn of a user, and let it come as far as it can."""
        self.calls[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._turn(name, user))
        await until_all_wait()
        judge_finished(list(self.tasks.values()))

    async def leave(self, name: str) -> None:
        self.calls[name].set()
        await until_all_wait()
        judge_finished(list(self.tasks.values()))
        if not self.tasks[name].done():
            raise NotYet(f"{name} should be able to go in and come out, and is still waiting.")
        del self.tasks[name], self.calls[name]

    async def break_down(self, name: str) -> None:
        """Let a turn end as one does whose model does not answer."""
        await dismiss([self.tasks.pop(name)])
        del self.calls[name]
        await until_all_wait()
        judge_finished(list(self.tasks.values()))

    async def _turn(self, name: str, user: str) -> None:
        async with self.locks.alone(user):
            self.inside.append(name)
            try:
                await self.calls[name].wait()
            finally:
                self.inside.remove(name)


@asynccontextmanager
async def door(locks: Callable[[], Any]) -> AsyncIterator[Door]:
    """A door on new locks; a turn that is still waiting at the end is sent away."""
    one = Door(locks())
    if not isinstance(one.locks.alone("nobody"), AbstractAsyncContextManager):
        raise NotYet("`alone` cannot be used with `async with`; keep `@asynccontextmanager`.")
    try:
        yield one
    finally:
        await dismiss(list(one.tasks.values()))


async def judge_users_apart(locks: Callable[[], Any]) -> None:
    async with door(locks) as turns:
        await turns.enter("Ada's first turn", "ada")
        await turns.enter("Bob's turn", "bob")
        if "Bob's turn" not in turns.inside:
            raise NotYet("Bob waits for Ada: there is one lock for everybody.")
        await turns.enter("Ada's second turn", "ada")
        if "Ada's second turn" in turns.inside:
            raise NotYet("two turns of Ada's are inside at once: nothing makes the second wait.")


async def judge_waiting(locks: Callable[[], Any]) -> None:
    async with door(locks) as turns:
        for name in ("first", "second"):
            await turns.enter(name, "ada")
        await turns.leave("first")
        await turns.enter("third", "ada")
        if len(turns.inside) > 1:
            raise NotYet(
                "the second turn was waiting when the first dropped the lock; then a third came, "
                "made a new lock, and two were inside. A lock that somebody waits for must stay."
            )
        for name in ("second", "third"):
            await turns.leave(name)


async def judge_crowd(locks: Callable[[], Any]) -> None:
    async with door(locks) as turns:
        await turns.enter("first", "ada")
        for number in range(200):
            await turns.enter("other", f"user {number}")
            await turns.leave("other")
        await turns.enter("second", "ada")
        if len(turns.inside) > 1:
            raise NotYet(
                "while a turn of Ada's was inside, 200 others came and went, and then her second "
                "turn came in as well: a lock in use was evicted."
            )
        await turns.leave("first")
        await turns.leave("second")


async def judge_broken(locks: Callable[[], Any]) -> None:
    async with door(locks) as turns:
        with new_objects() as alive:
            for name in ("first", "second", "third"):
                await turns.enter(name, "ada")
            await turns.break_down("second")
            await turns.break_down("first")
            if "third" not in turns.inside:
                raise NotYet(
                    "a turn was cancelled inside, and the user's next turn waits for ever: "
                    "what comes after a `yield` is not reached then, unless in a `finally`."
                )
            await turns.leave("third")
            if alive(*KINDS_OF_LOCK):
                raise NotYet(
                    "several turns of Ada's came at once, one of them was cancelled while it "
                    "waited, and after the last of them her lock is still alive. The last to leave "
                    "has to let it go, however the others left."
                )


async def judge_left_over(locks: Callable[[], Any]) -> None:
    with new_objects() as alive:
        async with door(locks) as turns:
            for number in range(100):
                await turns.enter("turn", f"user {number}")
                await turns.leave("turn")
            if left := alive(*KINDS_OF_LOCK):
                raise NotYet(
                    f"100 users came and went, and {left} locks are alive; the budget is 0. "
                    "Something leads to each of them, though nobody uses it; and none may be alive "
                    "when nobody is inside, not even one for all."
                )


KINDS_OF_LOCK = (asyncio.Lock, asyncio.Semaphore, asyncio.Condition, asyncio.Event, asyncio.Queue)
"""Locks, and what one can use in place of them."""


def check_locks(locks: Callable[[], Any]) -> str:
    """Prove that a user's turns exclude each other and that no lock is left over."""

    async def main() -> str:
        await judge_users_apart(locks)
        await judge_waiting(locks)
        await judge_crowd(locks)
        await judge_left_over(locks)
        await judge_broken(locks)
        return "never two turns of one user inside, and no lock alive after the last."

    return apart(main, STANDS_STILL)


CHECKS = {
    "06.five-rounds": check_five_rounds,
    "06.hundred-bytes": check_hundred_bytes,
    "06.locks": check_locks,
}
