"""The memory exam: ten questions, each with the experiment that answers it.

An experiment gets a lab, with which it starts workers (processes that serve the memory), talks to
them, holds them in the middle of a turn and kills them. It returns what it found.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from lessons_lib.exam.damage import DAMAGES
from lessons_lib.exam.serving import note
from lessons_lib.exam.worker import Lab, Late, Trouble, Turn, Worker

Mark = Literal["yes", "in part", "no", "does not apply", "not examined"]
SYMBOLS: dict[Mark, str] = {
    "yes": "●", "in part": "◐", "no": "○", "does not apply": "–", "not examined": "?",
}  # fmt: skip
GRACE, TURNS = 0.4, 15
"""Seconds that a turn beside another is given, and turns of a third that it is given then."""


Finding = tuple[Mark, str]
"""How an experiment came out: the mark, and what was seen."""
Experiment = Callable[[Lab], Finding]


@dataclass(frozen=True)
class Question:
    """A question of the exam: what it asks, what is done to find out, what mends a bad answer."""

    key: str
    asks: str
    did: str
    mends: str
    experiment: Experiment

    def put_to(self, lab: Lab) -> Answer:
        """Do the experiment; a memory that raises an error in it has failed the question.

        Of one that does not come back nothing can be said: the machine may have been too slow.
        """
        try:
            mark, saw = self.experiment(lab)
        except Trouble as trouble:
            mark, saw = "no", f"it raised {trouble}"[:300]
        except Late as late:
            mark, saw = "not examined", str(late)
        return Answer(self, mark, saw)


@dataclass(frozen=True)
class Answer:
    """The answer to one question: the mark, and what was seen."""

    question: Question
    mark: Mark
    saw: str

    def __str__(self) -> str:
        return f"{SYMBOLS[self.mark]} {self.mark}"

    @property
    def mends(self) -> str:
        """What would make it a yes; empty when it is one, or when no one knows."""
        return "" if self.mark in ("yes", "not examined") else self.question.mends


QUESTIONS: dict[str, Question] = {}


def question(key: str, asks: str, *, did: str, mends: str) -> Callable[[Experiment], Experiment]:
    """Make an experiment a question of the exam."""

    def add(experiment: Experiment) -> Experiment:
        QUESTIONS[key] = Question(key, asks, did, mends, experiment)
        return experiment

    return add


@question(
    "recall",
    "Recall: in a conversation",
    did="told it a name, a file and whether it was helpful, then asked for all three",
    mends="keep the messages under the conversation's id, where every thread finds them, and send "
    "them with every turn",
)
def recall(lab: Lab) -> Finding:
    """Are words, file and feedback of a conversation known in its later turns?"""
    bot = lab.worker()
    _tell_three(bot)
    return _known_of_three(bot, "recalled", "of what was said in the same conversation")


@question(
    "facts",
    "Recall: the user's facts",
    did="told it a name; asked for it in a new conversation, as the same user and as others",
    mends="keep what is true of a user in all conversations under the user's whole id, and send it "
    "along",
)
def facts(lab: Lab) -> Finding:
    """Does it know the user in a new conversation, and nobody else?"""
    bot = lab.worker()
    bot.say("My name is Ada.", conversation="c1", user="ada")
    known = bot.ask(conversation="c2", user="ada").tells("Ada")
    for number, other in enumerate(("bob", "ad", "ada2")):
        if bot.ask(conversation=f"c{3 + number}", user=other).tells("Ada"):
            return "no", f"it told user {other!r} what user 'ada' had said"
    if known:
        return "yes", "it knew the user in a new conversation, and told nobody else"
    return "no", "in a new conversation it did not know the user"


@question(
    "apart",
    "Apart: two at once",
    did="stopped a turn while the model answered, took turns of two other conversations on another "
    "thread, let it go on, and looked at what each conversation sends",
    mends="no variable that two conversations share: find the messages by the conversation's id",
)
def apart(lab: Lab) -> Finding:
    """Do conversations that go on at once stay apart?"""
    bot = lab.worker()
    ada = _held(bot, "My name is Ada.")
    bob = bot.begin("My name is Bob.", conversation="c2", user="bob")
    _let_pass(lab, bob)
    ada.let_go()
    ada.reply()
    bob.reply()
    asked = {
        "Ada": bot.ask(conversation="c2", user="bob"),
        "Bob": bot.ask(conversation="c1", user="ada"),
    }
    bot.say("The printer smokes.", conversation="c3", user="ada")
    asked["printer"] = bot.ask(conversation="c1", user="ada")
    for words, reply in asked.items():
        if reply.tells(words):
            return "no", f"{words!r}, said in one conversation, turned up in another"
    return "yes", "nothing that was said in one turned up in another"


@question(
    "kill",
    "Survive: kill -9",
    did="told it three things, killed the process as soon as it had answered, and asked in a new "
    "process",
    mends="write the turn to a file or a database before it is answered",
)
def kill(lab: Lab) -> Finding:
    """Is what was answered still known after the process was killed?"""
    bot = lab.worker()
    _tell_three(bot)
    bot.kill()
    return _known_of_three(lab.worker(), "kept", "when the process was killed")


@question(
    "half-done",
    "Survive: half a turn",
    did="killed it while the model answered, and in the second of three steps of a longer turn; "
    "then had a new process finish",
    mends="write down what was heard before the model is asked, and each step when it is done; a "
    "new process then begins after the last step that is written down",
)
def half_done(lab: Lab) -> Finding:
    """Can a half-done turn be finished, without doing its finished steps again?"""
    kept, finished = _cut_off_while_answering(lab)
    if not kept:
        return "no", "what the user had said in the turn that was cut off was gone"
    words = "what the user had said was kept" + (" and then answered" if finished else "")
    if "work" not in lab.workers[-1].can:
        return "in part", f"{words}; it has no steps: no work(steps, conversation=…)"
    traces = _cut_off_between_steps(lab)
    counted = ", ".join(f"{name} ×{traces.count(name)}" for name in dict.fromkeys(traces))
    if traces.count("ticket") > 1:
        return "in part", f"{words}; a finished step was done again: {counted}"
    if not {"ticket", "mail", "note"} <= set(traces):
        return "in part", f"{words}; steps were left out: {counted}"
    if finished:
        return "yes", f"{words}; finished steps were not done again: {counted}"
    return "in part", f"{words}, but not answered: no resume(conversation)"


def _cut_off_while_answering(lab: Lab) -> tuple[bool, bool]:
    """Whether the words of a turn killed in its middle are kept, and whether it can be finished."""
    said = "My name is Ada."
    _held(lab.worker(), said)
    lab.workers[-1].kill()
    bot = lab.worker()
    trouble: Trouble | None = None
    finished = False
    if "resume" in bot.can:
        try:
            finished = bot.call("resume", lab.conversation).value() == "Hello, Ada."
        except Trouble as raised:
            trouble = raised
    sent = bot.ask().sent
    if trouble and said in sent:  # where nothing is left there is nothing to resume
        raise trouble
    if sent.count(said) > 1:
        raise Trouble("nothing, but sends what was said in the turn twice")
    return said in sent, finished


def _cut_off_between_steps(lab: Lab) -> list[str]:
    """The traces of a turn of three steps, killed in the second and finished by another process."""
    steps = {name: partial(note, str(lab.world), name) for name in ("ticket", "mail", "note")}
    held = {**steps, "mail": partial(note, str(lab.world), "mail", wait=True)}
    bot = lab.worker()
    bot.call("work", held, conversation=lab.conversation).reach_gate()
    bot.kill()
    lab.worker().call("work", steps, conversation=lab.conversation).value()
    return lab.world.read_text(encoding="utf-8").split()


@question(
    "writers",
    "Share: two writers",
    did="two processes took a turn of one conversation: the first was stopped while the model "
    "answered, the second took its whole turn, then the first went on",
    mends="when you write, add to what is there (or lock it for the whole turn); never write back "
    "what you had read before",
)
def writers(lab: Lab) -> Finding:
    """Do two writers on one conversation keep both turns?"""
    one, two = lab.worker(), lab.worker()
    one.say("Hello there.")
    if two.ask().tells("Hello there."):
        return _overlap(lab, one, two, lab.worker)
    if not one.ask().tells("Hello there."):
        return "does not apply", "no two writers meet: it keeps no conversation for a turn"
    found = _overlap(lab, one, one, lambda: one)
    if found[0] != "yes":
        return found
    return "in part", "two threads lose nothing; two processes have nothing in common"


def _overlap(lab: Lab, one: Worker, two: Worker, reader: Callable[[], Worker]) -> Finding:
    """Have two turns overlap, and look for both afterwards."""
    texts = ("The printer smokes.", "The screen flickers.")
    first = _held(one, texts[0])
    second = two.begin(texts[1])
    _let_pass(lab, second)
    first.let_go()
    refused = []
    for turn in (first, second):
        try:
            turn.reply()
        except Trouble as trouble:
            refused.append(str(trouble))
    later = reader().ask()
    lost = [text for text in texts if not later.tells(text)]
    if len(lost) > len(refused):  # what was refused may be gone: whoever said it was told
        return "no", f"both turns were answered, and {' and '.join(lost)!r} was lost"
    if refused:
        return "in part", f"one of the two was refused, which it said: {refused[0]}"
    return "yes", "both turns were kept"


@question(
    "workers",
    "Share: any worker",
    did="told one process; asked a new one, and one that was already running; told that one, and "
    "asked the first; killed the first in the middle of a turn, and asked the other",
    mends="keep it where every process looks, and look there at every turn",
)
def workers(lab: Lab) -> Finding:
    """Can any of several workers go on with a conversation?"""
    one, two = lab.worker(), lab.worker()
    one.say("My name is Ada.")
    started_later = lab.worker().ask().tells("Ada")
    running = two.ask().tells("Ada")
    if not running and not started_later:
        return "no", "another process knew nothing of the conversation"
    two.say("My name is Eve.")
    if not running or one.ask().answer != "Your name is Eve.":
        return "in part", "a process that was running already did not see what another wrote"
    _held(one, "The printer smokes.")
    one.kill()
    if two.ask().answer != "Your name is Eve.":
        return "in part", "when one was killed in a turn, another that was running did not go on"
    return "yes", "each knew what the other was told, and went on when that was killed"


@question(
    "back",
    "Control: go back",
    did="said one name, then another, took the last turn back, and asked",
    mends="keep the state after every turn, so that there is something to go back to",
)
def back(lab: Lab) -> Finding:
    """Can the last turn be taken back?"""
    bot = lab.worker()
    if "back" not in bot.can:
        return "does not apply", "it has no back(turns, conversation=…)"
    bot.say("My name is Ada.")
    bot.say("My name is Eve.")
    bot.call("back", 1, conversation=lab.conversation).value()
    reply = bot.ask()
    if reply.tells("Eve"):
        return "no", "what was taken back was still sent"
    if not reply.tells("Ada"):
        return "no", "more was taken back than the last turn"
    return "yes", "the turn before was the last one again"


@question(
    "forget",
    "Control: forget",
    did="told it a secret, had it forget the conversation, asked for it, and searched the process "
    "and every byte of its files",
    mends="delete the bytes as well: write the file anew, or VACUUM and truncate the log",
)
def forget(lab: Lab) -> Finding:
    """Is what it was asked to forget gone, and nothing else?"""
    bot = lab.worker()
    if "forget" not in bot.can:
        return "does not apply", "it has no forget(conversation)"
    # Another one each time: memories that share a server share its log.
    name = f"Zephyrine-{secrets.token_hex(4)}"
    bot.say(f"My name is {name}.", conversation="c1")
    bot.say("Here it is.", conversation="c1", file=("secret.txt", f"{name} was here"))
    bot.say("The printer smokes.", conversation="c2")
    before = _left(lab, bot, name)
    bot.call("forget", lab.conversation).value()
    left = _left(lab, bot, name)
    if any(bot.ask(conversation=other).tells(name) for other in ("c1", "c2")):
        return "no", "it was asked to forget, and still told it"
    if not bot.ask(conversation="c2").tells("printer"):
        return "no", "it forgot another conversation as well"
    bot.close()
    left += [place for place in lab.keeping.found(lab.memory, name) if place not in left]
    if left:
        return "in part", f"it tells nothing more; the bytes are still in {', '.join(left)}"
    if unseen := _ELSEWHERE if lab.elsewhere else lab.keeping.unseen:
        return "not examined", f"it tells nothing more; but {unseen}"
    if not before:
        return "not examined", (
            "it tells nothing more; but neither its files nor its process had the words as they "
            "were said, so whether they are gone cannot be seen"
        )
    return "yes", "it tells nothing more, and the bytes are gone"


_ELSEWHERE = (
    "it keeps its bytes outside the folder it was given (it knew them in an empty one): ask where"
)


def _left(lab: Lab, bot: Worker, secret: str) -> list[str]:
    """Where the secret is found: names of files, and the process."""
    in_the_process = bot.call("held", secret).value()
    found = lab.keeping.found(lab.memory, secret)
    return [*found, *(["the process"] if in_the_process else [])]


@question(
    "hostile",
    "Control: refuse bad files",
    did="cut its files in half; changed a name in them; hid code in them that leaves a mark; and "
    "asked a new process each time",
    mends="store plain data, never a pickle; add a checksum against accidents, and against forgers "
    "a signature with a key that they do not have",
)
def hostile(lab: Lab) -> Finding:
    """Does it refuse stored state that is corrupt or hostile?"""
    bot = lab.worker()
    bot.say("My name is Ada.")
    bot.close()
    if lab.elsewhere:
        return "not examined", _ELSEWHERE
    if not lab.keeping.size(lab.memory):
        return "does not apply", "it stores nothing that could be changed"
    if _fate("nothing", lab) != "answered well":
        return "does not apply", "it does not know what it stored, even undamaged"
    seen = {damage: _fate(damage, lab) for damage in DAMAGES}
    saw = lab.keeping.says + "; ".join(f"{damage}: {fate}" for damage, fate in seen.items())
    if seen["code hidden"] == "ran the code" or seen["cut in half"] == "began anew, without a word":
        return "no", saw
    if "nothing was there to be changed" in seen.values():
        return "not examined", saw
    good = {"refused", "not believed", "answered well"}
    return ("yes" if good.issuperset(seen.values()) else "in part"), saw


def _fate(damage: str, lab: Lab) -> str:
    """Damage a copy of what the memory keeps (or do nothing to it), ask a new worker for the name,
    and say what it did.
    """
    folder, mark = lab.folder / damage, lab.folder / f"{damage}.mark"
    lab.keeping.copy(lab.memory, folder)
    changed = damage in DAMAGES and lab.keeping.damage(damage, folder, mark)
    if damage == "a name changed" and not changed:
        return "nothing was there to be changed"
    try:
        answer = lab.worker(folder).ask().answer
    except Trouble:
        return "ran the code" if mark.exists() else "refused"
    if mark.exists():
        return "ran the code"
    if answer == "Your name is Ada.":
        return "not believed" if damage == "a name changed" else "answered well"
    return "believed it" if answer == "Your name is Eve." else "began anew, without a word"


def _held(bot: Worker, text: str) -> Turn:
    """Begin a turn, and hold it while the model answers."""
    turn = bot.begin(text, hold=True)
    turn.reach_gate()
    return turn


def _let_pass(lab: Lab, turn: Turn) -> None:
    """Wait for a turn beside one that is held, unless it waits for that one's lock.

    It does when it stands still while turns of a third process, begun after it, come to their end
    beside it, one after another: a slow machine is slow for both.
    """
    if turn.is_over(GRACE):
        return
    try:
        third = lab.worker(lab.folder / "third")
        for number in range(TURNS):
            third.say("Hello.", conversation=f"third {number}")
            if turn.is_over(0):
                return
    except Late:  # one lock for all that there is
        return


def _tell_three(bot: Worker) -> None:
    bot.say("My name is Ada.")
    bot.say("Here is my file.", file=("cv.pdf", "Ada, engineer"))
    bot.say("That was helpful.")


def _known_of_three(bot: Worker, verb: str, when: str) -> Finding:
    """Ask for the words, the file and the feedback: yes when all is known, in part when some is."""
    good: list[str] = []
    bad: list[str] = []
    for name, asked, answer in (
        ("the words", "What did I say first?", "You said: My name is Ada."),
        ("the file", "What was in my file?", "Your file cv.pdf says: Ada, engineer"),
        ("the feedback", "Was that helpful?", "You said it was helpful."),
    ):
        (good if bot.say(asked).answer == answer else bad).append(name)
    if not bad:
        return "yes", f"{verb} {', '.join(good)}"
    if not good:
        return "no", f"{verb} nothing {when}"
    return "in part", f"{verb} {', '.join(good)}; not {', '.join(bad)}"
