"""Lesson 05, state in variables: its questions, exercises and their checks."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any

from lessons_lib.teach.model import (
    CatchUp,
    Exercise,
    NearMiss,
    NotYet,
    Option,
    Question,
    code,
)

QUESTIONS = (
    Question(
        "05.recall-alias",
        "From lesson 01. `a = [1]`, then `b = a`, then `b = b + [2]`. What is `a`?",
        (
            Option(
                "[1, 2]",
                "No. `b + [2]` makes a new list, and `b` is bound to it. Only a change in place, "
                "such as `b.append(2)`, would be seen through `a`.",
            ),
            Option("[1]", "Right. `b` leads to a new list now, `a` to the old one.", right=True),
            Option("Nothing: `a` was moved to `b`", "No. Assignment moves nothing."),
        ),
    ),
    Question(
        "05.recall-kept",
        "From lesson 02. An upload that is in no cycle was a local of a function that has "
        "returned, and it is still alive. What do you know?",
        (
            Option(
                "The collector has not run yet",
                "No. Without a cycle the collector is not needed, and a return frees at once.",
            ),
            Option(
                "Something that is still there leads to it",
                "Right. A container, a closure, a kept exception, an attribute: find it.",
                right=True,
            ),
            Option(
                "The function was called twice",
                "No. Each call has locals of its own, and they go at its return.",
            ),
        ),
    ),
    Question(
        "05.global",
        "`history` is a list at the top of the module. Ada says *My name is Ada.* Then Bob, from "
        "another browser, asks *What is my name?* What is he told?",
        (
            Option(
                "That he has not told his name",
                "No. The code never looks at who is asking. There is one history.",
            ),
            Option("Ada", "Right. One name, one list, two users.", right=True),
            Option(
                "It depends on which thread serves him",
                "No. A module's names are the same for all threads of a process.",
            ),
        ),
    ),
    Question(
        "05.no-key",
        "Eve has switched cookies off and says *My name is Eve.* Then Dan, also without cookies, "
        "asks for his name. What happens?",
        (
            Option(
                "A KeyError: there is no session",
                "No. `cookies.get` returns None, and None is a key that a dict accepts.",
            ),
            Option(
                "Each of them gets a new, empty session",
                "No. Both bring the same key, None, so both arrive at the same list.",
            ),
            Option(
                "Dan is told that his name is Eve",
                "Right. Everyone without a session shares the session None.",
                right=True,
            ),
        ),
    ),
    Question(
        "05.worker",
        "History in a `threading.local`. Worker 1 serves Ada, who gives her name. Then worker 1 "
        "serves Bob and worker 2 serves Ada; both ask for their name. Who gets the right answer?",
        (
            Option(
                "Both: each user has a history of their own",
                "No. Each *worker* has one. Nothing in the code knows who the user is.",
            ),
            Option(
                "Only Ada: it is her second request",
                "No. Worker 2 has a drawer of its own, and it is empty.",
            ),
            Option(
                "Neither",
                "Right. Bob finds Ada's words at worker 1, and Ada finds nothing at worker 2.",
                right=True,
            ),
        ),
    ),
    Question(
        "05.leak",
        "A pool of 4 workers runs 100 jobs. Each job puts a new upload into its worker's drawer "
        "and ends. How many uploads are alive while the pool waits for more?",
        (
            Option(
                "0: every job has returned",
                "No. A job's locals go at its return. The drawer belongs to the thread, and stays.",
            ),
            Option("4", "Right. One in each drawer: the last that was put there.", right=True),
            Option(
                "100: one for each job",
                "No. There is one drawer for each worker, and each job binds the same name in it "
                "anew.",
            ),
            Option(
                "1: they share the name `here.upload`",
                "No. The name is shared and the value is not: each thread has its own.",
            ),
        ),
    ),
    Question(
        "05.await",
        "Two requests on one thread: ada writes her name in all three places and waits; bob does "
        "the same; both look again. Which place still says *ada* in Ada's request?",
        (
            Option(
                "All three: each request wrote its own",
                "No. The dict is one for all, and Bob wrote to it last.",
            ),
            Option(
                "`threading.local` and the context variable",
                "No. Both requests run on one thread, so both have the same drawer.",
            ),
            Option(
                "Only the context variable",
                "Right. Each task has a context of its own, whatever thread it runs on.",
                right=True,
            ),
        ),
    ),
    Question(
        "05.copy",
        "A context variable with `default=[]`. Ada's task appends to the list that it gets, and "
        "ends. Then Bob's task asks for his name. What is he told?",
        (
            Option(
                "Nothing of Ada's: his task has a context of its own",
                "No. Two contexts, but nothing was *set* in either: both give the default.",
            ),
            Option(
                "Ada: both contexts lead to the same list",
                "Right. Neither context has a value of its own, and the variable has one default.",
                right=True,
            ),
            Option(
                "Nothing: a context variable is emptied when a task ends",
                "No. The task's context goes. The default list belongs to the variable.",
            ),
        ),
    ),
    Question(
        "05.default",
        "`def __init__(self, history=[])`. Two bots are made, and one message is appended to "
        "`ada.history`. What does `bob.history` hold?",
        (
            Option(
                "Nothing: each call makes a new list",
                "No. The default is made once, when `def` runs, and every call gets that one.",
            ),
            Option(
                "The message",
                "Right. Both attributes lead to the one default list.",
                right=True,
            ),
            Option(
                "Nothing: attributes belong to one instance",
                "No. The attribute does. The list behind it is another matter.",
            ),
        ),
    ),
    Question(
        "05.crossing",
        "`current.set('ada')`. Then a function that reads `current` runs on another thread, in one "
        "of three ways: by `pool.submit`, by `pool.submit` with `copy_context().run`, or by "
        "`asyncio.to_thread`. Which of them let it see *ada*?",
        (
            Option(
                "`submit`, a copied context, and `to_thread`",
                "No. `submit` hands over a function and no context.",
            ),
            Option(
                "A copied context, and `to_thread`",
                "Right. With a copy you carry the context across yourself; `to_thread` does it for "
                "you.",
                right=True,
            ),
            Option(
                "None: a context belongs to one thread",
                "No. A copy of a context can be run on any thread.",
            ),
        ),
    ),
)

GIVEN = code("""
            import contextvars
            import threading
            from contextvars import ContextVar, copy_context

            from lessons_lib.memories import reply


            def turn(history, text):
                history.append({"role": "user", "content": text})
                history.append({"role": "assistant", "content": reply(history)})
                return history[-1]["content"]
            """)


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
    """Raise NotYet when a session hears what was said in another."""
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
    """Raise NotYet when Ada is forgotten by either worker."""
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
    """Raise NotYet unless a request without a session is refused with a ValueError."""
    for nobody in (None, ""):
        try:
            office.serve(1, say, nobody, TELL.format("Dan"))
        except ValueError:
            continue
        except Exception as error:
            raise NotYet(
                f"the session {nobody!r} was refused with a {type(error).__name__}; the task asks "
                "for a ValueError."
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


def _conversations(key: str, *before: str) -> str:
    checks = "".join(f"        {line}\n" for line in before)
    return (
        "class Conversations:\n"
        "    def __init__(self):\n"
        "        self.sessions = {}\n\n"
        "    def say(self, session, text):\n"
        f"{checks}"
        f"        return turn(self.sessions.setdefault({key}, []), text)\n"
    )


REFUSE = ("if not session:", '    raise ValueError("a request without a session")')

CONVERSATIONS = Exercise(
    id="05.conversations",
    name="Conversations",
    task="Keep a history for each session, whichever worker serves it.",
    given=GIVEN,
    stub=code("""
            class Conversations:
                def __init__(self):
                    self.here = threading.local()

                def say(self, session, text):
                    if not hasattr(self.here, "history"):
                        self.here.history = []
                    return turn(self.here.history, text)
            """),
    solution=_conversations("session", *REFUSE),
    alternatives=(
        code("""
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
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            class Conversations:
                def __init__(self):
                    self.history = []

                def say(self, session, text):
                    return turn(self.history, text)
            """),
            "one history for everybody",
        ),
        NearMiss(_conversations("threading.get_ident()", *REFUSE), "follows the worker"),
        NearMiss(
            _conversations("(session, threading.get_ident())", *REFUSE), "stranger to worker 2"
        ),
        NearMiss(
            code("""
            class Conversations:
                def __init__(self):
                    self.history = ContextVar("history", default=())

                def say(self, session, text):
                    messages = list(self.history.get())
                    answer = turn(messages, text)
                    self.history.set(tuple(messages))
                    return answer
            """),
            "ends with the request",
        ),
        NearMiss(_conversations('session or "guest"'), "share one conversation"),
        NearMiss(
            _conversations("session", *REFUSE).replace(
                "    def __init__(self):\n        self.sessions = {}\n", "    sessions = {}\n"
            ),
            "is made once",
        ),
    ),
    hints=(
        "What does the request bring along that is the same for Ada's first and second request?",
        "Section 2 had it: a dict, and a key. Who makes the dict, and when?",
        "`self.sessions = {}` in `__init__`, `self.sessions.setdefault(session, [])` in `say`, and "
        "before that a `raise ValueError` when the session is missing.",
    ),
    check=check_conversations,
)


# --- Exercise 2: a budget of no uploads -----------------------------------------------------


class Upload:
    """A stand-in for a user's file, whose life the check watches."""

    def __init__(self, name: str) -> None:
        self.name = name


class Refused(Exception):
    """What a job raises that cannot read its upload."""


Serve = Callable[[ContextVar[Any], Upload, Callable[[], Any]], Any]


class Bench:
    """A reader's `serve` with its context variable, and the uploads it was given."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.current: ContextVar[Any] = ContextVar("current")
        self.user: ContextVar[str] = ContextVar("user", default="nobody")
        self.given: weakref.WeakSet[Upload] = weakref.WeakSet()

    def upload(self, name: str) -> Upload:
        """Make an upload and note it, without holding it."""
        upload = Upload(name)
        self.given.add(upload)
        return upload

    def seen(self) -> str:
        """The name of the upload that a job finds; empty when it finds none."""
        return getattr(self.current.get(None), "name", "")

    def plain(self, name: str) -> Any:
        """Serve a job that reads its upload's name."""
        return self.serve(self.current, self.upload(name), self.seen)

    def refused(self) -> bool:
        """Serve a job that raises; whether what it raised came through."""

        def fail() -> None:
            raise Refused

        try:
            self.serve(self.current, self.upload("broken.pdf"), fail)
        except Refused:
            return True
        return False

    def nested(self) -> Any:
        """Serve a mail whose job serves an attachment: what the two found, in order."""

        def mail() -> list[Any]:
            inner = self.plain("attachment.pdf")
            return [inner, self.seen()]

        return self.serve(self.current, self.upload("mail.txt"), mail)

    def as_ada(self) -> Any:
        """Serve a job that asks for another context variable, set by its caller."""
        self.user.set("ada")
        return self.serve(self.current, self.upload("cv.pdf"), self.user.get)


@contextmanager
def counted_collections() -> Iterator[list[str]]:
    """Keep the collector from running by itself; yields a list that grows with each collection."""
    asked: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            asked.append(phase)

    was_on = gc.isenabled()
    gc.disable()
    gc.callbacks.append(note)
    try:
        yield asked
    finally:
        gc.callbacks.remove(note)
        if was_on:
            gc.enable()


def judge_job(bench: Bench, worker: ThreadPoolExecutor) -> None:
    """Raise NotYet unless one job finds its upload and its result comes back."""
    result = worker.submit(bench.plain, "cv.pdf").result()
    if result == "":
        raise NotYet(
            "the job asked `current` for its upload and did not find it: is the upload itself set, "
            "while the job runs?"
        )
    if result != "cv.pdf":
        raise NotYet(f"serve returned {result!r}, expected what the job returned, 'cv.pdf'.")


def judge_hundred(bench: Bench) -> None:
    """Raise NotYet when a hundred jobs on four workers leave uploads behind."""
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
        left = len(bench.given)
    if left and asked:
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
    """Raise NotYet when a job that raises, or one within another, is not served right."""
    if not worker.submit(bench.refused).result():
        raise NotYet("a job raised, and the caller was not told. Let the exception through.")
    if len(bench.given):
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
        if len(bench.given):
            raise NotYet(f"{len(bench.given)} uploads are alive after the mail was served.")
    return "a hundred jobs, one that raised, one inside another: no upload was left in any worker."


def _serve(*body: str, imports: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body)
    return f"{imports}def serve(current, upload, job):\n{lines}"


SERVE = Exercise(
    id="05.serve",
    name="serve",
    task="Run a job with its upload in a context variable, and leave nothing behind.",
    given=GIVEN,
    stub=_serve("current.set(upload)", "return job()"),
    solution=_serve(
        "token = current.set(upload)",
        "try:",
        "    return job()",
        "finally:",
        "    current.reset(token)",
    ),
    alternatives=(
        _serve(
            "context = copy_context()",
            "context.run(current.set, upload)",
            "return context.run(job)",
        ),
    ),
    near_misses=(
        NearMiss(
            _serve(
                "token = current.set(upload)",
                "result = job()",
                "current.reset(token)",
                "return result",
            ),
            "the line that tidies up",
        ),
        NearMiss(
            _serve(
                "current.set(upload)",
                "try:",
                "    return job()",
                "finally:",
                "    current.set(None)",
            ),
            "which is not nothing",
        ),
        NearMiss(
            _serve(
                "current.set(upload)",
                "try:",
                "    return job()",
                "finally:",
                "    del upload",
                "    gc.collect()",
                imports="import gc\n\n\n",
            ),
            "freed nothing",
        ),
        NearMiss(
            _serve(
                "here.upload = upload",
                "try:",
                "    return job()",
                "finally:",
                "    del here.upload",
                imports="here = threading.local()\n\n\n",
            ),
            "is the upload itself set",
        ),
        NearMiss(
            _serve(
                "context = contextvars.Context()",
                "context.run(current.set, upload)",
                "return context.run(job)",
            ),
            "a new context is empty",
        ),
    ),
    hints=(
        "What leads to the upload after the job has returned? It is not the name `upload`.",
        "`current.set` returns a token, which knows what was there before.",
        "`current.reset(token)` puts it back. Where does it stand to be reached after an error?",
    ),
    check=check_serve,
)


# --- Exercise 3: a bot for each -------------------------------------------------------------

USERS = ["Ada", "Bob", "Eve"]


def judge_names(bots: Any) -> None:
    """Raise NotYet unless each user's bot knows that user's name."""
    if not isinstance(bots, dict) or list(bots) != USERS:
        raise NotYet(
            f"bots_for({USERS!r}) returned {type(bots).__name__}, "
            "expected a dict with a `say` for each user."
        )
    told = {user: str(bots[user](ASK)) for user in USERS}
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


def judge_histories(bots: Any) -> None:
    """Raise NotYet unless a bot remembers its own words and hears no other's."""
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


def _bots_for(last: str) -> str:
    return (
        code("""
            def bots_for(users):
                bots = {}
                for user in users:
                    history = []
                    turn(history, f"My name is {user}.")
            """)
        + f"        bots[user] = {last}\n    return bots\n"
    )


BOTS_FOR = Exercise(
    id="05.bots-for",
    name="bots_for",
    task="Make a bot for each user, with a memory of its own.",
    given=GIVEN,
    stub=_bots_for("lambda text: turn(history, text)"),
    solution=code("""
            def bots_for(users):
                def bot_of(user):
                    history = []
                    turn(history, f"My name is {user}.")
                    return lambda text: turn(history, text)

                return {user: bot_of(user) for user in users}
            """),
    alternatives=(
        _bots_for("lambda text, history=history: turn(history, text)"),
        "from functools import partial\n\n\n" + _bots_for("partial(turn, history)"),
    ),
    near_misses=(
        NearMiss(
            _bots_for("lambda text, user=user: turn(history, text)"), "when they are *called*"
        ),
        NearMiss(
            code("""
            def bots_for(users):
                bots, history = {}, []
                for user in users:
                    bots[user] = lambda text, user=user: turn(
                        history, f"My name is {user}." if not history else text
                    )
                return bots
            """),
            "the bot of Bob answered",
        ),
        NearMiss(
            _bots_for("lambda text, history=history: turn(list(history), text)"),
            "begins with a new history",
        ),
        NearMiss(
            code("""
            shared = []


            def bots_for(users):
                def bot_of(user):
                    name = [{"role": "user", "content": f"My name is {user}."}]

                    def say(text):
                        shared.append({"role": "user", "content": text})
                        return reply(name + shared)

                    return say

                return {user: bot_of(user) for user in users}
            """),
            "they share one list",
        ),
    ),
    hints=(
        "How many variables called `history` does one call of `bots_for` have?",
        "A closure holds a variable, not the value it had. Each bot needs a variable of its own.",
        "A call of a function makes new locals: make the history in an inner function, "
        "called once for each user.",
    ),
    check=check_bots_for,
)

EXERCISES = (CONVERSATIONS, SERVE, BOTS_FOR)

CATCH_UP = CatchUp(
    say=(
        "A name leads to an object; two names can lead to one list, and a change in place is seen "
        "through both.",
        "An object lives while something that survives leads to it; a return removes the names of "
        "a function and nothing else.",
        "A model knows only what it is sent, so somebody has to keep the history and send it "
        "again.",
    ),
    source="""from lessons_lib.memories import reply


def turn(history, text):
    history.append({"role": "user", "content": text})
    history.append({"role": "assistant", "content": reply(history)})
    return history[-1]["content"]
""",
    names=("turn",),
)
