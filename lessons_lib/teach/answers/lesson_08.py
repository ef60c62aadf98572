"""Lesson 08, the journal: its questions, exercises and their checks."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.memories import Crash, crash, moment
from lessons_lib.teach.answers.kills import one_life, say_if_failed
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "08.recall-aside",
        "From lesson 07. A save writes aside and replaces. It is killed somewhere. "
        "What does the next reader find?",
        (
            Option(
                "The old state or the new one",
                "Right. Only a name changes hands, and that happens or does not.",
                right=True,
            ),
            Option(
                "Half of the new state",
                "No. Half of it may lie in the file beside it, which nobody reads.",
            ),
            Option(
                "The old state, always",
                "No. Killed after the replacement, it is the new one.",
            ),
        ),
    ),
    Question(
        "08.recall-cost",
        "From lesson 07. Every turn writes the whole conversation to a file anew. The conversation "
        "becomes twice as long. How many bytes have been written by then?",
        (
            Option("Twice as many", "No. Each turn is one more write, and a longer one."),
            Option(
                "About four times as many",
                "Right. Twice as many writes, and on average each is twice as long.",
                right=True,
            ),
            Option(
                "As many as before: the file is replaced",
                "No. The file is as large as one state. What was written is all of them.",
            ),
        ),
    ),
    Question(
        "08.half-a-line",
        "The line of step 2 is half written when the process is killed. What does `get` return "
        "in a new process?",
        (
            Option(
                "An error: the file is torn",
                "No. Only its last line is, and `history` leaves out what has no newline.",
            ),
            Option(
                "Step 1",
                "Right. The half line counts as no line.",
                right=True,
            ),
            Option(
                "Step 2, as far as it was written",
                "No. Half a state is worth nothing, and nobody could tell where it ends.",
            ),
            Option(
                "None: the journal was killed in the middle",
                "No. Nothing before the last line was touched.",
            ),
        ),
    ),
    Question(
        "08.after-torn",
        "The new process puts step 2 again: `put` adds a line at the end of the file, where half a "
        "line stands. What does `get` return then?",
        (
            Option(
                "Step 2",
                "No. It would, if the line had a line to itself.",
            ),
            Option(
                "Step 1",
                "No. The file now ends in a newline, so its last line is taken at its word.",
            ),
            Option(
                "It raises an error",
                "Right. The half and the whole stand on one line, and together they are no JSON.",
                right=True,
            ),
        ),
    ),
    Question(
        "08.resume",
        "Killed in the third of five steps. A new process calls `run` with the same five steps. "
        "Which of them does it do?",
        (
            Option("All five", "No. `run` asks the journal, which has the state after step 2."),
            Option(
                "The third, fourth and fifth",
                "Right. The third had begun, but it had no line.",
                right=True,
            ),
            Option(
                "The fourth and fifth",
                "No. The third was never put. Its half-done work died with its frame.",
            ),
            Option(
                "None, until somebody calls a resume function",
                "No. There is none. To run the thread again is to resume it.",
            ),
        ),
    ),
    Question(
        "08.ticket",
        "The step opens a ticket under a random key, and the process is killed before the step's "
        "line is written. After the second life, how many tickets are there?",
        (
            Option("None", "No. The ticket is in the world outside. No kill takes it back."),
            Option("One", "No. The second life knows nothing of the first one's ticket."),
            Option(
                "Two",
                "Right. The step had no line, so it is done again, with another key.",
                right=True,
            ),
        ),
    ),
    Question(
        "08.deploy",
        "Version 1 was killed in its third and last step, `send the mail`. Version 2 has a new "
        "step before all others. What does it do when it resumes?",
        (
            Option(
                "An error: the steps do not match",
                "No. The journal knows the number 2 and a dict. There is nothing to compare.",
            ),
            Option(
                "It sends the mail, and that is all",
                "No. It skips *two steps*, and its third one is `draft the answer`.",
            ),
            Option(
                "It drafts the answer once more, and sends the mail",
                "Right. The first two of the *new* list are skipped, one of them the new step.",
                right=True,
            ),
            Option(
                "It checks the stock, and then sends the mail",
                "No. Nothing tells it that this step is new.",
            ),
        ),
    ),
    Question(
        "08.weight",
        "The state of a conversation is the list of its messages, and each turn puts one line. The "
        "conversation becomes twice as long. How large is its file?",
        (
            Option(
                "Twice as large: twice as many lines",
                "No. There are twice as many, and the new ones are longer.",
            ),
            Option(
                "About four times as large",
                "Right. Every line holds the whole state after its step.",
                right=True,
            ),
            Option(
                "As large as before: the old lines are not needed",
                "No. Nobody takes them away. They are the history.",
            ),
        ),
    ),
    Question(
        "08.exam",
        "Of the ten questions of the memory exam, which one will the bot on a journal fail?",
        (
            Option(
                "A half-done turn, resumed without redoing its finished steps",
                "No. That is what the journal was built for.",
            ),
            Option(
                "Two writers on one conversation",
                "No. A step can be put once; the second writer is refused and takes the next.",
            ),
            Option(
                "The same user's facts, in a new conversation",
                "Right. The key is the conversation, and no key leads from the user to it.",
                right=True,
            ),
            Option(
                "Refusing a damaged file",
                "No. Every line of the finished journal carries a checksum.",
            ),
        ),
    ),
)

State = dict[str, Any]


class Entry(NamedTuple):
    """A line of the journal: the state after a step."""

    step: int
    state: State


class Journal:
    """The lesson's journal, with a gate before every put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, thread_id: str) -> Path:
        """The file of a thread."""
        return self.folder / f"{thread_id}.journal"

    def put(self, thread_id: str, step: int, state: State) -> None:
        """Write down the state after a step."""
        line = json.dumps([step, state]) + "\n"
        moment("put")
        with self.path(thread_id).open("a", encoding="utf-8") as file:
            file.write(line)

    def history(self, thread_id: str) -> list[Entry]:
        """Every entry of a thread, oldest first."""
        path = self.path(thread_id)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [Entry(*json.loads(line)) for line in lines]

    def get(self, thread_id: str) -> Entry | None:
        """The newest entry of a thread, or None."""
        entries = self.history(thread_id)
        return entries[-1] if entries else None


Step = Callable[[State], State]
Run = Callable[[Journal, str, list[Step], State], State]


# --- Exercise 1: a budget of three puts -----------------------------------------------------

NAMES = [f"step {number}" for number in range(1, 8)]
MOST_PUTS = 3
MOST_REDONE = 3


def work(name: str) -> Step:
    """A step that passes a moment and notes its name."""

    def step(state: State) -> State:
        moment(name)
        return {**state, "done": [*state["done"], name]}

    return step


def seven_steps(run: Run) -> Callable[[Path], tuple[State, Entry | None]]:
    """One life: the seven steps through the reader's `run`; what it returned, and the journal."""

    def life(folder: Path) -> tuple[State, Entry | None]:
        journal = Journal(folder)
        return run(journal, "ada", [work(name) for name in NAMES], {"done": []}), journal.get("ada")

    return life


def judge_undisturbed(report: Crash) -> None:
    """Raise NotYet unless a run that nobody killed did all, put little, and put the end."""
    say_if_failed(report)
    passed, (state, entry) = report.lives[0].passed, _pair(report.lives[0].value)
    puts = passed.count("put")
    if state != {"done": NAMES}:
        raise NotYet(
            f"not killed at all, `run_rarely` returned {state!r}, expected all seven steps."
        )
    if puts > MOST_PUTS:
        raise NotYet(f"{puts} puts for {len(NAMES)} steps; the budget is {MOST_PUTS}.")
    if entry is None or entry.step != len(NAMES):
        at = f"step {entry.step}" if entry else "no step at all"
        raise NotYet(
            f"the run has finished, and the journal stands at {at}. "
            "Anyone who asks tomorrow will do the rest again: the last step needs its put, too."
        )
    if entry.state != state:
        raise NotYet(
            f"the journal's entry {entry.step} holds the state {entry.state!r}: "
            "the step was written down as done before it was done."
        )


def _pair(value: Any) -> tuple[State, Entry | None]:
    return value if isinstance(value, tuple) else ({}, None)


def judge_resumed(report: Crash, where: str) -> None:
    """Raise NotYet unless the second life did what was left, and little more."""
    say_if_failed(report)
    state, entry = _pair(report.value)
    done = state.get("done", [])
    if sorted(set(done)) != sorted(NAMES):
        raise NotYet(
            f"killed {where} and resumed, the state says {done!r}: what was done before the kill "
            "is missing. The journal gives you a number *and* a state."
        )
    if done != NAMES:
        raise NotYet(
            f"killed {where} and resumed, the state says {done!r}: steps that the journal has "
            "were done once more on top of it."
        )
    redone = [name for name in report.redone if name in NAMES]
    if len(redone) > MOST_REDONE:
        raise NotYet(
            f"killed {where}, {len(redone)} steps were done again; the budget is {MOST_REDONE}."
        )
    if entry != (len(NAMES), state):
        at = f"step {entry.step}, with {len(entry.state['done'])} done" if entry else "no step"
        raise NotYet(
            f"killed {where} and resumed to the end, the journal stands at {at}. "
            "The number of a step is the same in every life."
        )


def check_run(run: Run) -> str:
    """Prove by kills before every put, and after the last, that both budgets hold.

    A second life knows what the journal says. So each thing that it can say is tried, with as much
    done since as ever can be: a put is about to begin.
    """
    life = seven_steps(run)
    whole = crash(life)
    judge_undisturbed(whole)
    judge_resumed(whole, "after the end")
    puts = whole.lives[0].passed.count("put")
    for nth in range(1, puts + 1):
        judge_resumed(crash(life, at="put", nth=nth), f"before put {nth}")
    return (
        f"{puts} puts; killed before each, when most had been done since the last, "
        f"and never more than {MOST_REDONE} steps again."
    )


def _run(*body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body)
    return f"def run_rarely(journal, thread_id, steps, state):\n{lines}    return state\n"


_GET = "done, state = journal.get(thread_id) or (0, state)"
_FOR = "for number, step in enumerate(steps[done:], done + 1):"
_STEP = "    state = step(state)"
_THIRD = "    if number % 3 == 0 or number == len(steps):"
_PUT = "journal.put(thread_id, number, state)"

RUN = Exercise(
    id="08.run-rarely",
    name="run_rarely",
    task="At most three puts for seven steps, and at most three steps done again after a kill.",
    stub=_run(_GET, _FOR, _STEP, f"    {_PUT}"),
    solution=_run(_GET, _FOR, _STEP, _THIRD, f"        {_PUT}"),
    alternatives=(
        _run(
            _GET,
            "for start in range(done, len(steps), 3):",
            "    for step in steps[start : start + 3]:",
            "        state = step(state)",
            "    journal.put(thread_id, min(start + 3, len(steps)), state)",
        ),
    ),
    near_misses=(
        NearMiss(
            _run(
                _GET,
                "for number, step in enumerate(steps[done:], 1):",
                *(_STEP, _THIRD, f"        {_PUT}"),
            ),
            "the same in every life",
        ),
        NearMiss(
            _run(_GET, _FOR, _STEP, "journal.put(thread_id, len(steps), state)"),
            "steps were done again; the budget",
        ),
        NearMiss(
            _run(_GET, _FOR, _STEP, "    if number % 3 == 0:", f"        {_PUT}"),
            "the last step needs its put",
        ),
        NearMiss(_run(_GET, _FOR, _THIRD, f"        {_PUT}", _STEP), "before it was done"),
        NearMiss(
            _run(
                "entry = journal.get(thread_id)",
                "done = entry.step if entry else 0",
                *(_FOR, _STEP, _THIRD, f"        {_PUT}"),
            ),
            "is missing. The journal gives you",
        ),
        NearMiss(
            _run(
                _GET, "for number, step in enumerate(steps, 1):", _STEP, _THIRD, f"        {_PUT}"
            ),
            "once more on top of it",
        ),
    ),
    hints=(
        "Seven steps and three puts: after which steps would you put?",
        "After every third, and after the last. `number` tells you where you are.",
        "`if number % 3 == 0 or number == len(steps):` stands before the put.",
    ),
    check=check_run,
)


# --- Exercise 2: one coupon, which nobody can guess -----------------------------------------


class Shop:
    """The world outside: each code is one coupon, and issuing it again makes no second one."""

    def __init__(self, folder: Path) -> None:
        self.coupons = folder / "coupons"
        self.coupons.mkdir(exist_ok=True)

    def issue(self, code: str) -> None:
        """Make a coupon with this code, if there is none."""
        moment("at the shop")
        (self.coupons / str(code).encode().hex()).touch()
        moment("coupon issued")

    def issued(self) -> list[str]:
        """The codes of all coupons."""
        return sorted(bytes.fromhex(one.name).decode() for one in self.coupons.iterdir())


CouponSteps = Callable[[Shop], list[Step]]
Given = tuple[list[str], object]


def go_through(journal: Journal, thread_id: str, steps: list[Step], state: State) -> State:
    """The lesson's `run`: a put after every step."""
    done, state = journal.get(thread_id) or Entry(0, state)
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
        if not isinstance(state, dict):
            raise TypeError(f"step {number} returned {state!r}, expected the next state, a dict")
        journal.put(thread_id, number, state)
    return state


def giving(coupon_steps: CouponSteps) -> Callable[[Path], Given]:
    """One life: the order's coupon, step by step; the codes issued, and the one in the state."""

    def life(folder: Path) -> Given:
        shop = Shop(folder)
        steps = coupon_steps(shop)
        if not isinstance(steps, (list, tuple)):
            raise TypeError(f"coupon_steps returned a {type(steps).__name__}, not a list of steps")
        state = go_through(Journal(folder), "ada", steps, {"order": "A-1"})
        code = state.get("code")
        return shop.issued(), None if code is None else str(code)

    return life


class Counter(Shop):
    """A shop that issues nothing and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def issue(self, code: str) -> None:
        """Note the code."""
        self.asked.append(code)


def why_two(coupon_steps: CouponSteps) -> str:
    """The likeliest reason why two lives issued two coupons."""

    def asked(steps: list[Step], shop: Counter, **more: object) -> list[str]:
        shop.asked = []
        state: State = {"order": "A-1", **more}
        for step in steps:
            state = step(state)
        return shop.asked

    shop = Counter()
    steps = coupon_steps(shop)
    if not asked(steps, shop, code="x"):
        return "A look into the state does not help: the note is written when the step has ended."
    if asked(steps, shop) == asked(steps, shop):
        return "The code was drawn once for each *process*, in a variable that died with it."
    return "The step that was done again drew again."


def judge_coupon(given: Any, where: str, coupon_steps: CouponSteps) -> None:
    """Raise NotYet unless there is one coupon, and the state knows its code."""
    issued, code_in_state = given
    if len(issued) > 1:
        why = why_two(coupon_steps)
        raise NotYet(f"{where}: {len(issued)} coupons for one order. {why}")
    if not issued:
        raise NotYet(f"{where}: no coupon was issued at all.")
    if code_in_state != issued[0]:
        raise NotYet(
            f"{where}: the state's code is {'another' if code_in_state else 'missing'}, "
            "so the customer is told of a coupon that the shop does not know."
        )


def check_coupon(coupon_steps: CouponSteps) -> str:
    """Prove by kills at every gate that one coupon is issued, with a code that was drawn.

    The last gate comes first: there most has been done that could be done twice.
    """
    life = giving(coupon_steps)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        whole = one_life(life, Path(folder))
    judge_coupon(whole.value, "not killed at all", coupon_steps)
    for position, gate in reversed(list(enumerate(whole.passed))):
        nth = whole.passed[: position + 1].count(gate)
        report = crash(life, at=gate, nth=nth)
        say_if_failed(report)
        where = f"killed before put {nth}" if gate == "put" else f"killed at {gate!r}"
        judge_coupon(report.value, where, coupon_steps)
        judge_drawn(report.value, whole.value)
    kills = len(whole.passed)
    return f"killed at {kills} points: one coupon each time, under a code drawn at random."


def judge_drawn(given: Any, before: Any) -> None:
    """Raise NotYet when two shops were given the same code."""
    if given == before:
        raise NotYet(
            "another customer was given the same code: it was not drawn for this piece of work. "
            "Either it follows from the order, and anyone who knows the rule can print coupons, or "
            "it was drawn once for the whole program."
        )


COUPON = Exercise(
    id="08.coupon",
    name="coupon_steps",
    task="Issue exactly one coupon with a random code, wherever the work is killed.",
    given=code("""
            import secrets
            """),
    stub=code("""
            def coupon_steps(shop):
                def give(state):
                    code = secrets.token_hex(4)
                    shop.issue(code)
                    return {**state, "code": code}

                return [give]
            """),
    solution=code("""
            def coupon_steps(shop):
                def draw(state):
                    return {**state, "code": secrets.token_hex(4)}

                def give(state):
                    shop.issue(state["code"])
                    return state

                return [draw, give]
            """),
    alternatives=(
        code("""
            import uuid


            def coupon_steps(shop):
                def give(state):
                    shop.issue(state["code"])
                    return {**state, "given": True}

                return [lambda state: {**state, "code": str(uuid.uuid4())}, give]
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            import hashlib


            def coupon_steps(shop):
                def give(state):
                    code = hashlib.sha256(state["order"].encode()).hexdigest()[:8]
                    shop.issue(code)
                    return {**state, "code": code}

                return [give]
            """),
            "follows from the order",
        ),
        NearMiss(
            code("""
            def coupon_steps(shop):
                def give(state):
                    if "code" in state:
                        return state
                    code = secrets.token_hex(4)
                    shop.issue(code)
                    return {**state, "code": code}

                return [give]
            """),
            "written when the step has ended",
        ),
        NearMiss(
            code("""
            def coupon_steps(shop):
                code = secrets.token_hex(4)

                def give(state):
                    shop.issue(code)
                    return {**state, "code": code}

                return [give]
            """),
            "once for each *process*",
        ),
        NearMiss(
            code("""
            def coupon_steps(shop):
                def draw(state):
                    return {**state, "code": secrets.token_hex(4)}

                def give(state):
                    shop.issue(secrets.token_hex(4))
                    return state

                return [draw, give]
            """),
            "a coupon that the shop does not know",
        ),
        NearMiss(
            code("""
            def coupon_steps(shop):
                def give(state):
                    code = secrets.token_hex(4)
                    shop.issue(code)
                    return {**state, "code": code}

                def note(state):
                    return {**state, "given": True}

                return [give, note]
            """),
            "done again drew again",
        ),
    ),
    hints=(
        "When `give` is done again, where could it find the code of the first time?",
        "In the state, if the code had a line in the journal before it was used.",
        "Return two steps: the first draws the code and puts it into the state, the second issues "
        'the code that it finds there, `state["code"]`.',
    ),
    check=check_coupon,
)

EXERCISES = (RUN, COUPON)

CATCH_UP = CatchUp(
    say=(
        "A write is several acts, and a kill between two of them leaves a torn file.",
        "Written aside and replaced, a file is the old or the new one, whole; each save writes all.",
        "JSON gives back strings, numbers, lists and dicts with strings as keys.",
        "A kill is no power cut: what fsync is for, no kill can show.",
    ),
    source="""import inspect
import json
import secrets
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from lessons_lib.memories import crash, moment


class Entry(NamedTuple):
    step: int
    state: dict


def write(file, line):
    half = len(line) // 2
    for part, name in [(line[:half], "half a line"), (line[half:], "a whole line")]:
        file.write(part)
        file.flush()
        moment(name)
""",
    names=("Entry", "write"),
)
