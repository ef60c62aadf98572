"""What judges the exercises of lesson 05, State in variables."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar
from typing import Any

from lessons_lib.lessons.shared import Reader, Upload, counted_collections
from lessons_lib.teach.model import NotYet

# --- Exercise 1: whichever worker serves her ------------------------------------------------

TELL, ASK = "My name is {}.", "What is my name?"


class Office:
    """Two workers, each a pool of one; every request runs in a context of its own."""

    def __init__(self) -> None:
        self.workers = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.shutdown()

    def serve(self, worker: int, say: Callable[[Any, str], Any], session: Any, text: str) -> str:
        """One request, served by worker 1 or 2."""
        return str(self.workers[worker - 1].submit(Context().run, say, session, text).result())


def judge_apart(office: Office, say: Callable[[Any, str], Any]) -> None:
    if "Ada" in office.serve(2, say, "s-bob", ASK):
        raise NotYet(
            "worker 1 served Ada, worker 2 served Bob, and Bob was told her name. "
            "There is one history for everybody."
        )
    if "Ada" in office.serve(1, say, "s-eve", ASK):
        raise NotYet(
            "worker 1 served Ada and then Eve, and Eve was told Ada's name. "
            "Your history follows the worker. What came with the request was `session`."
        )


def judge_known(office: Office, say: Callable[[Any, str], Any]) -> None:
    known = ["Ada" in office.serve(worker, say, "s-ada", ASK) for worker in (1, 2)]
    if not known[0]:
        raise NotYet(
            "Ada is forgotten by the very worker that served her. Was her history stored under her "
            "session, and left there when others came? A copy, or a value set in the request's "
            "context, ends with the request."
        )
    if not known[1]:
        raise NotYet(
            "Ada is known to worker 1 and a stranger to worker 2. "
            "A history must not depend on who serves her."
        )


def judge_keyless(office: Office, say: Callable[[Any, str], Any]) -> None:
    for nobody in (None, ""):
        try:
            office.serve(1, say, nobody, TELL.format("Dan"))
        except ValueError:
            continue
        except Exception as error:
            raise NotYet(
                f"the session {nobody!r} was refused with {type(error).__name__}; the task asks for "
                "ValueError."
            ) from None
        if "Dan" in office.serve(1, say, nobody, ASK):
            raise NotYet(
                f"two visitors with the session {nobody!r} share one conversation. "
                "Refuse a missing key with a ValueError; do not fill it in."
            )
        raise NotYet(f"the session {nobody!r} was accepted; refuse it with a ValueError.")


def check_conversations(conversations: Callable[[], Any]) -> str:
    """Prove that a history belongs to a session, whichever worker serves it."""
    with Office() as office:
        say = conversations().say
        greeting = office.serve(1, say, "s-ada", TELL.format("Ada"))
        if "Ada" not in greeting:
            raise NotYet(f"`say` returned {greeting!r}, expected the bot's answer to Ada.")
        judge_apart(office, say)
        judge_known(office, say)
        judge_keyless(office, say)
        if "Ada" in office.serve(1, conversations().say, "s-ada", ASK):
            raise NotYet(
                "a second Conversations object, made afresh, knew Ada. What is made in the body of "
                "the class, in a default value or at the top of the module is made once; make it "
                "in `__init__`."
            )
    return "two workers, four users: each heard their own words, and no key, no answer."


# --- Exercise 2: a budget of no uploads -----------------------------------------------------


class Refused(Exception):
    """What a job raises that cannot read its upload."""


Serve = Callable[[ContextVar[Any], Upload, Callable[[], Any]], Any]


class Bench:
    """A reader's `serve` with its context variable, and the uploads it was given."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.current: ContextVar[Any] = ContextVar("current")
        self.user: ContextVar[str] = ContextVar("user", default="nobody")
        self.reader = Reader()

    def left(self) -> int:
        """How many uploads live."""
        return len(self.reader.alive)

    def seen(self) -> str:
        """The name of the upload that a job finds; empty when it finds none."""
        return getattr(self.current.get(None), "name", "")

    def plain(self, name: str) -> Any:
        """Serve a job that reads its upload's name."""
        return self.serve(self.current, self.reader.read(name), self.seen)

    def refused(self) -> bool:
        """Serve a job that raises; whether what it raised came through."""

        def fail() -> None:
            raise Refused

        try:
            self.serve(self.current, self.reader.read("broken.pdf"), fail)
        except Refused:
            return True
        return False

    def nested(self) -> Any:
        """Serve a mail whose job serves an attachment: what the two found, in order."""

        def mail() -> list[Any]:
            inner = self.plain("attachment.pdf")
            return [inner, self.seen()]

        return self.serve(self.current, self.reader.read("mail.txt"), mail)

    def as_ada(self) -> Any:
        """Serve a job that asks for another context variable, set by its caller."""
        self.user.set("ada")
        return self.serve(self.current, self.reader.read("cv.pdf"), self.user.get)


def judge_job(bench: Bench, worker: ThreadPoolExecutor) -> None:
    result = worker.submit(bench.plain, "cv.pdf").result()
    if result == "":
        raise NotYet(
            "the job asked `current` for its upload and did not find it: is the upload itself set, "
            "while the job runs?"
        )
    if result != "cv.pdf":
        raise NotYet(f"serve returned {result!r}, expected what the job returned, 'cv.pdf'.")


def judge_hundred(bench: Bench) -> None:
    in_fours = threading.Barrier(4)

    def job(number: int) -> None:
        in_fours.wait()
        bench.plain(f"{number}.pdf")

    with ThreadPoolExecutor(4) as pool, counted_collections() as asked:
        try:
            list(pool.map(job, range(100)))
        except BaseException:
            in_fours.abort()  # the others would wait for the one that fell out
            raise
        left = bench.left()
    if left and asked():
        raise NotYet(
            f"{left} uploads are alive after 100 jobs, and the collections you asked for freed "
            "nothing: each worker's context still leads to one."
        )
    if left:
        raise NotYet(
            f"{left} uploads are alive after 100 jobs: one for each worker. "
            "The job is over, and the context variable still leads to its upload."
        )


def judge_hard_jobs(bench: Bench, worker: ThreadPoolExecutor) -> None:
    if not worker.submit(bench.refused).result():
        raise NotYet("a job raised, and the caller was not told. Let the exception through.")
    if bench.left():
        raise NotYet(
            "a job raised, and its upload is still alive: either the line that tidies up was never "
            "reached, or somebody keeps the exception."
        )
    found = worker.submit(bench.nested).result()
    if found != ["attachment.pdf", "mail.txt"]:
        raise NotYet(
            f"a mail was served, and its attachment inside it. They found {found!r}, expected "
            "['attachment.pdf', 'mail.txt']. Put back what was there before, which is not nothing."
        )
    if worker.submit(bench.as_ada).result() != "ada":
        raise NotYet(
            "the job no longer knows the user, whom its caller had set in another context "
            "variable: a new context is empty. A copied one begins with what is there."
        )


def check_serve(serve: Serve) -> str:
    """Prove that jobs find their upload and leave none behind in a worker.

    Each with a bench of its own: from Python 3.14 on a worker's context outlives the worker, for as
    long as anyone has its Thread, and so do the uploads in it.
    """
    with ThreadPoolExecutor(1) as worker:
        judge_job(Bench(serve), worker)
    judge_hundred(Bench(serve))
    bench = Bench(serve)
    with ThreadPoolExecutor(1) as worker, counted_collections():
        judge_hard_jobs(bench, worker)
        if bench.left():
            raise NotYet(f"{bench.left()} uploads are alive after the mail was served.")
    return "a hundred jobs, one that raised, one inside another: no upload was left in any worker."


# --- Exercise 3: a bot for each -------------------------------------------------------------

USERS = ["Ada", "Bob", "Eve"]


def judge_names(bots: Any) -> None:
    if not isinstance(bots, dict) or list(bots) != USERS:
        raise NotYet(
            f"bots_for({USERS!r}) returned {type(bots).__name__}, "
            "expected a dict with a `say` for each user."
        )
    told = {user: bots[user](ASK) for user in USERS}
    for user, answer in told.items():
        if not isinstance(answer, str):
            raise NotYet(f"the bot of {user} returned {answer!r}, expected what `turn` returns.")
    if not any(user in answer for user in USERS for answer in told.values()):
        raise NotYet(
            f"the bot of Ada answers {told['Ada']!r}. Has any bot been told the name of its user?"
        )
    if len(set(told.values())) == 1:
        raise NotYet(
            f"every bot answers {told['Ada']!r}, so all of them lead to one list. Is it made only "
            "once? Or do the functions look `history` up when they are *called*, after the loop "
            "has bound it to the last one?"
        )
    for user in USERS:
        if user not in told[user]:
            raise NotYet(f"the bot of {user} answered {told[user]!r}.")
    for user in USERS:
        first = str(bots[user]("What did I say first?"))
        if user not in first:
            raise NotYet(
                f"{user} asked the bot what was said to it first, and heard {first!r}: "
                "its history began with the words of another."
            )


def judge_histories(bots: Any) -> None:
    bots["Ada"]("My name is Lovelace.")
    if "Lovelace" not in str(bots["Ada"](ASK)):
        raise NotYet(
            "Ada gave her bot another name, and at the next turn it had forgotten: "
            "each call begins with a new history."
        )
    if "Lovelace" in str(bots["Bob"](ASK)):
        raise NotYet("Ada told her bot something, and Bob's bot knows it: they share one list.")


def check_bots_for(bots_for: Callable[[list[str]], Any]) -> str:
    """Prove that each user's bot has a memory of its own."""
    bots = bots_for(list(USERS))
    judge_names(bots)
    judge_histories(bots)
    return f"{len(USERS)} bots, and each has a memory of its own."


CHECKS = {
    "05.conversations": check_conversations,
    "05.serve": check_serve,
    "05.bots-for": check_bots_for,
}
