"""What judges the exercises of lesson 21, The verdict: three briefs, each a bot under a budget."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons_lib.exam import exam
from lessons_lib.exam.questions import Mark
from lessons_lib.exam.source import packages, used
from lessons_lib.observe.pictures.waiting import waiting
from lessons_lib.teach.model import NotYet

Make = Callable[[Path], Any]

TURNS, CHARACTERS = 40, 200
"""A conversation whose bytes are weighed: so many turns, each with a message so long."""
ROUNDS = 5
"""A turn is timed so many times, in turn with the one that it is compared with."""
FIRST = "My name is Ada."


@dataclass(frozen=True)
class Brief:
    """What a bot must do, and what it may cost.

    - `needs`: the exam's questions by their keys, the one that decides first; "in part" where that
      is enough
    - `kib`: KiB in its folder for each turn of a conversation of forty
    - `times`: how many times as long as a turn of the course's `GraphBot` a turn may take
    """

    needs: Mapping[str, Mark]
    packages: int
    kib: int
    times: int


SCRIPT = Brief(
    {"kill": "yes", "hostile": "in part", "recall": "yes", "workers": "yes", "forget": "yes"},
    packages=0, kib=1, times=2,
)  # fmt: skip
TEAM = Brief(
    dict.fromkeys(("forget", "half-done", "facts", "recall", "apart", "kill"), "yes"),
    packages=2, kib=32, times=5,
)  # fmt: skip
PRODUCT = Brief(
    dict.fromkeys(("writers", "half-done", "recall", "facts", "apart", "kill", "workers"), "yes"),
    packages=4, kib=5, times=5,
)  # fmt: skip


def judge(brief: Brief, make: Make) -> str:
    """Prove that a bot does what a brief asks, within its budget; the cheapest proofs come first."""
    needed = _packages(brief, make)
    _time(brief, make)
    _bytes(brief, make)
    with waiting("the exam of your bot") as tell:
        _questions(brief, make, tell)
    needs = f"on {', '.join(needed)}" if needed else "without a package, and without a graph"
    return (
        f"{len(brief.needs)} questions passed, {needs}. A turn adds at most {brief.kib} KiB to its "
        f"folder, and takes at most {brief.times} times as long as one of `GraphBot`."
    )


def _packages(brief: Brief, make: Make) -> tuple[str, ...]:
    """The packages it needs, found in its source; none that the budget has no room for."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bot = make(Path(folder))
        needed = packages(used(type(bot))[0])
        _close(bot)
    if len(needed) > brief.packages:
        raise NotYet(
            f"the price: to be installed are {', '.join(needed)}, and the budget has room for "
            f"{brief.packages or 'none'}. Each has to be kept up to date, and trusted."
        )
    return needed


def _bytes(brief: Brief, make: Make) -> None:
    """A long conversation, weighed; and afterwards neither it nor another one has lost its start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        bot = make(folder)
        bot.say(FIRST, conversation="c0", user="ada")
        for turn in range(TURNS):
            bot.say(f"{turn:3}: {'x' * (CHARACTERS - 5)}", conversation="c1", user="bob")
        _close(bot)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        bot = make(folder)
        firsts = {one: bot.say("What did I say first?", conversation=one) for one in ("c0", "c1")}
        _close(bot)
    over = size / TURNS / 1024 / brief.kib
    if over > 1:
        most = next(times for times in (16, 8, 4, 2, 1) if over > times)
        times = f"more than {most} times the budget" if most > 1 else "more than the budget"
        raise NotYet(
            f"the price: after {TURNS} turns its folder has {times} of {brief.kib} KiB a turn. "
            "What is stored anew with each turn that was stored before?"
        )
    if _knows_nothing(make):
        return  # it keeps no file: which question that fails is for the exam to say
    if FIRST not in firsts["c0"]:
        raise NotYet(
            f"after {TURNS} turns of one conversation another one had lost its first words: asked "
            f"for them, the bot said {firsts['c0']!r}. Whose rows were those?"
        )
    if "0: xxx" not in firsts["c1"]:
        raise NotYet(
            f"after {TURNS} turns the conversation had lost its beginning. Keep all that was said, "
            "and fewer copies of it."
        )


def _knows_nothing(make: Make) -> bool:
    """Whether a second bot on the same folder knows nothing of what the first was told."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        first = make(Path(folder))
        first.say(FIRST, conversation="c0")
        _close(first)
        second = make(Path(folder))
        known = FIRST in second.say("What did I say first?", conversation="c0")
        _close(second)
    return not known


def _questions(brief: Brief, make: Make, tell: Callable[[str], None]) -> None:
    """The brief's questions of the exam; the two that decide are asked by themselves, at first."""
    first, second, *rest = brief.needs
    for keys in ([first], [second], rest):
        report = exam(named={"yours": make}, only=keys, costs=False, tell=tell)
        for answer in report["yours"].answers.values():
            if answer.mark not in ("yes", brief.needs[answer.question.key]):
                raise NotYet(f"*{answer.question.asks}*: {answer.mark}. Seen: {answer.saw}.")


def _time(brief: Brief, make: Make) -> None:
    """A turn, beside one of the course's graph on a file: both in turn, the shortest of each."""
    from lessons_lib.memories import GraphBot

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        mine, theirs = make(_made(Path(name, "mine"))), GraphBot(Path(name, "theirs"))
        pairs = [(_seconds(mine, n), _seconds(theirs, n)) for n in range(ROUNDS)]
        _close(mine)
        theirs.close()
    mine_at_best, theirs_at_best = (min(times) for times in zip(*pairs, strict=True))
    if mine_at_best > brief.times * theirs_at_best:
        raise NotYet(
            f"the price: a turn takes more than {brief.times} times as long as that of `GraphBot` "
            "beside it, on this disk. What does it wait for?"
        )


def _seconds(bot: Any, turn: int) -> float:
    began = time.perf_counter()
    bot.say("Hello", conversation=f"c{turn}")
    return time.perf_counter() - began


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _close(bot: Any) -> None:
    if callable(ends := getattr(bot, "close", None)):
        ends()


def check_script(bot: Make) -> str:
    """Prove that a bot serves a script on one machine, without a package."""
    return judge(SCRIPT, bot)


def check_team(bot: Make) -> str:
    """Prove that a bot serves a team: half-done turns are finished, forgetting reaches the bytes."""
    return judge(TEAM, bot)


def check_product(bot: Make) -> str:
    """Prove that a bot serves several workers, and that its file grows by a few KiB a turn."""
    return judge(PRODUCT, bot)


CHECKS = {
    "21.script": check_script,
    "21.team": check_team,
    "21.product": check_product,
}
