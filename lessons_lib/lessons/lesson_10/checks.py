"""What judges the exercises of lesson 10, Threads and checkpoints."""

import operator
import string
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import product
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import InvalidUpdateError

from lessons_lib.lessons.shared import another_hash, in_a_row, require_graph, salted, thread
from lessons_lib.memories import reply
from lessons_lib.teach.model import NotYet

# --- Exercise 1: a key that nobody can borrow ------------------------------------------------

Key = Callable[[Any, Any], Any]


class Conversation(TypedDict):
    """The lesson's state: messages are added to the end."""

    messages: Annotated[list[Any], operator.add]


def bot(saver: Any, before: Callable[[], object] = lambda: None) -> Any:
    """The lesson's bot; `before` is called in its node, before it answers."""

    def answer(state: Conversation) -> dict[str, list[Any]]:
        before()
        return {"messages": [{"role": "assistant", "content": reply(state["messages"])}]}

    return in_a_row(Conversation, {"answer": answer}, saver)


def say(graph: Any, thread_id: str, text: str) -> str:
    """A turn in a thread; the bot's answer."""
    state = graph.invoke({"messages": [{"role": "user", "content": text}]}, thread(thread_id))
    answer: str = state["messages"][-1]["content"]
    return answer


def key_of(thread_for: Key, user: str, conversation: str) -> str:
    """The reader's key, which must be a string."""
    try:
        key = thread_for(user, conversation)
    except ValueError:
        raise NotYet(
            f"thread_for({user!r}, {conversation!r}) raised ValueError. Both are strings with "
            "something in them, so they get a key, whatever the characters."
        ) from None
    if not isinstance(key, str):
        raise NotYet(f"thread_for({user!r}, {conversation!r}) returned {key!r}, expected a string.")
    return key


def judge_same(thread_for: Key) -> None:
    key = key_of(thread_for, "ada", "printer")
    if key_of(thread_for, "ada", "printer") != key:
        raise NotYet(
            "asked twice for the same user and conversation, it gave two keys. Under a new key "
            "the graph finds an empty thread: the conversation is there, and nothing leads to it."
        )
    with another_hash(thread_for):
        hashed = key_of(thread_for, "ada", "printer") != key
    if hashed:
        raise NotYet(
            "`hash` of a string is another number in every process, so the key is lost with a restart."
        )
    # A dict or a cache finds a text by its hash: for it, these are two.
    try:
        one, other = (thread_for(salted("ada", n), salted("printer", n)) for n in (1, 2))
    except Exception:  # `type(user) is not str` refuses them
        return
    if one != other:
        raise NotYet(
            "the key hangs on something that this process holds, a dict or a cache, and is lost "
            "with a restart."
        )


def judge_refused(thread_for: Key) -> None:
    for user, conversation in ((None, "c"), ("", "c"), (7, "c"), ("u", None), ("u", ""), ("u", 7)):
        try:
            key = thread_for(user, conversation)
        except ValueError:
            continue
        except Exception as error:
            raise NotYet(
                f"thread_for({user!r}, {conversation!r}) raised {type(error).__name__}, "
                "expected a ValueError."
            ) from None
        bad = user if conversation == "c" else conversation
        raise NotYet(_not_refused(bad, user, conversation, key))


def _not_refused(bad: object, user: object, conversation: object, key: object) -> str:
    call = f"thread_for({user!r}, {conversation!r}) gave the key {key!r}"
    if bad is None:
        return f"{call}. Everybody who comes without an id gets it, and reads what the others said."
    if bad == "":
        return f"{call}. An empty string is no id, and all who bring one would share a thread."
    return (
        f"{call}. A number and its digits come to one key: ask for a string, and refuse the rest."
    )


def judge_apart(thread_for: Key) -> None:
    for (user, conversation), (eve, hers), why in _pairs(thread_for):
        key, other = key_of(thread_for, user, conversation), key_of(thread_for, eve, hers)
        if key == other:
            graph = bot(InMemorySaver())
            say(graph, key, "My name is Ada.")
            told = say(graph, other, "What is my name?")
            raise NotYet(f"user {eve!r} asked in conversation {hers!r} and was told {told!r} {why}")
    for mark in {_mark(thread_for), ":"}:
        judge_all_apart(thread_for, mark)


def judge_all_apart(thread_for: Key, mark: str) -> None:
    owner: dict[str, tuple[str, str]] = {}
    texts = _tricky(mark)
    for user, conversation in product(texts, texts):
        other = owner.setdefault(key_of(thread_for, user, conversation), (user, conversation))
        if other != (user, conversation):
            raise NotYet(
                f"user {user!r} in conversation {conversation!r} comes to the key of user "
                f"{other[0]!r} in conversation {other[1]!r}: something was left out, swapped, or "
                "written alike."
            )


def _tricky(mark: str) -> list[str]:
    """Texts that come to be alike when a mark is doubled, escaped, replaced or taken off."""
    forms = (mark, mark * 2, f"\\{mark}", quote(mark, safe=""), "_", "-")
    marked = [f"{a}{form}{b}" for form in forms for a in ("", "ada") for b in ("", "x")]
    plain = ["ada", "x", "adax", "Ada", "ada ", " ada", "ad", "adä"]
    return [text for text in dict.fromkeys([*marked, *plain]) if text]


def _pairs(thread_for: Key) -> Iterator[tuple[tuple[str, str], tuple[str, str], str]]:
    owner = "The id comes from the browser, and anyone can write one. Who is logged in must count."
    yield ("ada", "printer"), ("eve", "printer"), owner
    yield (
        ("ada", "printer"),
        ("ada", "screen"),
        "One user has many conversations; this was another.",
    )
    glued = "Glued together, {0!r} + {1!r} and {2!r} + {3!r} are one string."
    yield ("ada", "11"), ("ada1", "1"), glued.format("ada", "11", "ada1", "1")
    for mark in _marks(thread_for):
        one, other = (f"ada{mark}x", "y"), ("ada", f"x{mark}y")
        why = f"A separator separates only what cannot contain it, and {mark!r} may be in a name."
        yield one, other, why


def _marks(thread_for: Key) -> list[str]:
    """What may stand between the two parts of a key: seen in one, and every sign there is."""
    middle = _mark(thread_for)
    signs = [*string.punctuation, " ", "\n", "\t", "\x00", "\x1f"]
    return ([middle] if middle else []) + signs


def _mark(thread_for: Key) -> str:
    """What stands between the two parts of a key, or nothing where they cannot be seen in it."""
    return key_of(thread_for, "Qq", "Zz").partition("Qq")[2].partition("Zz")[0]


def check_key(thread_for: Key) -> str:
    """Prove that a key is the same for the same two, another for others, and never empty."""
    judge_same(thread_for)
    judge_apart(thread_for)
    judge_refused(thread_for)
    return (
        "the same key for the same two, also after a restart; nobody else comes to it, "
        "whatever is in the names; and to bring no id is refused."
    )


# --- Exercise 3: a budget of four checkpoints ------------------------------------------------

MOST_CHECKPOINTS = 4
LOOKS = ("profile", "file", "feedback")
TEXT = "Ada; printer.pdf; liked it"

Build = Callable[[Any], Any]


def turn(graph: Any, saver: Any) -> tuple[list[str], str, int]:
    """One turn in a thread of its own: the nodes that ran, the answer, the checkpoints."""
    config = thread("t")
    before = len(list(saver.list(config)))
    try:
        updates = list(graph.stream({"found": {}}, config, stream_mode="updates"))
    except InvalidUpdateError:
        raise NotYet(
            "two nodes wrote one key of the state in one super-step, and nothing says how the two "
            "are joined. Keep the reducer of `Case`."
        ) from None
    ran = [name for update in updates for name in update if not name.startswith("__")]
    told = [part["answer"] for one in updates for part in one.values() if part and "answer" in part]
    return ran, (told[-1] if told else ""), len(list(saver.list(config))) - before


def judge_nodes(ran: list[str], nodes: Collection[str]) -> None:
    for name in (*LOOKS, "advise"):
        if name not in ran and name in nodes:
            raise NotYet(
                f"the node {name!r} is in the graph and did not run, only "
                f"{', '.join(ran) or 'none'}: no edge from what ran leads to it."
            )
        if name not in ran:
            raise NotYet(
                f"no node {name!r} ran, only {', '.join(ran) or 'none'}. In one node the look-ups "
                "can only be watched together, and retried together."
            )
        if ran.count(name) > 1:
            raise NotYet(
                f"{name!r} ran {ran.count(name)} times in one turn: paths of different length lead "
                "to it, and it runs whenever one of them arrives."
            )


def check_assistant(assistant: Build) -> str:
    """Prove that each look-up is a node, the answer knows all three, and the budget holds."""
    saver = InMemorySaver()
    graph = assistant(saver)
    require_graph(graph, "assistant", "return builder.compile(checkpointer=saver)")
    for nth in ("first", "second"):
        ran, told, written = turn(graph, saver)
        if not written:
            raise NotYet(
                "no checkpoint was written at all: the graph was compiled without the saver, and "
                "the turn is forgotten."
            )
        judge_nodes(ran, graph.nodes)
        if told != TEXT:
            raise NotYet(
                f"the answer of the {nth} turn is {told!r}, expected {TEXT!r}. "
                "It was given before the look-ups were done."
            )
        if written > MOST_CHECKPOINTS:
            raise NotYet(
                f"{written} checkpoints for a turn; the budget is {MOST_CHECKPOINTS}. "
                f"{written - 2} super-steps were one after another: which of them must wait?"
            )
    return f"{written} checkpoints a turn, four nodes, and the answer knows what all three found."


# --- Exercise 2: late ------------------------------------------------------------------------

Locks = Callable[[str], AbstractContextManager[Any]]
Speak = Callable[[Any, str, str, str | None, Locks], Any]


class Windows:
    """Ada's windows on one thread: turns through the reader's function, one after the other.

    What another window does meanwhile is done at the two moments that matter, as a lock is taken
    and as it is given back; so nothing here depends on time.
    """

    def __init__(self, speak: Speak) -> None:
        self.speak, self.saver = speak, InMemorySaver()
        self.held: list[str] = []
        self.names: list[str] = []
        self.unlocked = False
        self.taken: Callable[[], object] | None = None
        self.given_back: Callable[[], object] | None = None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """A lock by name; as it is taken and given back, another window may have its turn."""
        if str(name) in self.held:
            raise NotYet("a turn waits for the lock that it holds itself.")
        self.names.append(str(name))
        first, self.taken = self.taken, None
        if first:
            first()
        self.held.append(str(name))
        try:
            yield
        finally:
            self.held.remove(str(name))
            last, self.given_back = self.given_back, None
            if last:
                last()

    def watch(self) -> None:
        """Note it when the graph runs and no lock is held."""
        self.unlocked = self.unlocked or not self.held

    def send(self, thread_id: str, text: str, seen: str | None) -> Any:
        """A turn through the reader's function: what it returned, or `Late` when it said so."""
        seen = seen and seen[:1] + seen[1:]  # what a browser sends back is another string
        try:
            return self.speak(bot(self.saver, self.watch), thread_id, text, seen, self.lock)
        except Exception as error:
            if type(error).__name__ != "Late":
                raise
            return type(error)

    def elsewhere(self, text: str) -> None:
        """A turn of Ada's in another window, which does all that is right."""
        say(bot(self.saver), "ada", text)

    def newest(self) -> str | None:
        """The id of the newest checkpoint of Ada's thread."""
        state = bot(self.saver).get_state(thread("ada"))
        found: str | None = state.config["configurable"].get("checkpoint_id")
        return found

    def said(self, thread_id: str = "ada") -> list[str]:
        """What users have said in a thread, as it is saved."""
        messages = bot(self.saver).get_state(thread(thread_id)).values.get("messages", [])
        return [one["content"] for one in messages if one["role"] == "user"]


def judge_turn(windows: Windows, thread_id: str, text: str, seen: str | None) -> str | None:
    before = windows.said(thread_id)
    returned = windows.send(thread_id, text, seen)
    if isinstance(returned, type):
        raise NotYet(
            f"{text!r} came from a window that showed the newest checkpoint, {seen!r}, and was "
            "refused as late."
        )
    if windows.said(thread_id) != [*before, text]:
        raise NotYet(
            f"{text!r} was sent, and the thread has {windows.said(thread_id)!r}: nothing called "
            "`invoke` to the end."
        )
    if not windows.names:
        raise NotYet(
            "no turn was inside a lock: `lock(name)` makes one, and `with` takes it. Without one, "
            "two windows find the thread as they know it, and both send."
        )
    if windows.unlocked:
        raise NotYet(
            "the graph ran while no lock was held. What must not be parted is looking, answering "
            "and saving: all of `invoke`."
        )
    return str(returned)


def judge_late(windows: Windows, seen: str | None, why: str) -> None:
    late = windows.send("ada", "So it is mended?", seen)
    sent = "So it is mended?" in windows.said()
    if sent and isinstance(late, type):
        raise NotYet("`Late` was raised, and the message was sent all the same.")
    if sent:
        raise NotYet(f"{why}, and its message was taken as if it were not.")
    if not isinstance(late, type):
        raise NotYet(f"a late message was not sent, and {late!r} returned. Raise `Late`.")


def check_speak(speak: Speak) -> str:
    """Prove that what a window did not see is noticed, also while it waited for its turn."""
    windows = Windows(speak)
    judge_ada(windows)
    judge_returned(windows)
    judge_bob(windows)
    return "a late message is refused, also when it became late while it waited; Bob never waits."


def judge_ada(windows: Windows) -> None:
    """Two turns of hers, and messages that come too late for them."""
    one = judge_turn(windows, "ada", "My printer smokes.", None)
    if one != windows.newest():
        raise NotYet(
            f"a turn returned {one!r}, and the newest checkpoint is {windows.newest()!r}: the window "
            "would not know what it shows."
        )
    two = judge_turn(windows, "ada", "It is off now.", one)
    if len(set(windows.names)) > 1:
        raise NotYet(
            "two turns in one thread took two locks: a lock keeps out only those who ask for the "
            "same one."
        )
    judge_late(windows, one, "a window still showed the thread as it was a turn ago")
    judge_late(windows, None, "a window showed an empty thread, and two turns had been taken in it")
    windows.taken = lambda: windows.elsewhere("It smokes again!")
    waited = "while this window waited for the lock, another one took its turn"
    judge_late(windows, two, f"{waited}: this one was late when it came in")
    if windows.taken is not None:
        raise NotYet("this turn took no lock, and the one before did.")


def judge_bob(windows: Windows) -> None:
    """A turn in another thread does not wait for hers."""
    before = set(windows.names)
    judge_turn(windows, "bob", "My toner is empty.", None)
    if windows.names[-1] in before:
        raise NotYet(
            "nothing was lost, but Bob has to wait until Ada's turn is over. A model takes seconds: "
            "one lock for all makes the whole service wait for one customer."
        )


def judge_returned(windows: Windows) -> None:
    own: list[str | None] = []

    def right_after() -> None:
        own.append(windows.newest())
        windows.elsewhere("Is anybody there?")

    windows.given_back = right_after
    returned = windows.send("ada", "I see flames.", windows.newest())
    if [returned] != own:
        raise NotYet(
            "another window took its turn right after this one, and this one returned the "
            "checkpoint of the other. It would never know what it has not seen."
        )


CHECKS = {
    "10.thread-for": check_key,
    "10.budget": check_assistant,
    "10.speak": check_speak,
}
