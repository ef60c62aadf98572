"""What judges the exercises of lesson 10, Threads and checkpoints."""

import operator
import string
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import product
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

from lessons_lib.lessons.shared import another_hash, salted
from lessons_lib.memories import reply
from lessons_lib.teach.model import NotYet

# --- Exercise 1: a key that nobody can borrow ------------------------------------------------

Key = Callable[[Any, Any], Any]


class Conversation(TypedDict):
    """The lesson's state: messages are added to the end."""

    messages: Annotated[list[Any], operator.add]


def bot(saver: Any, before: Callable[[], object] = lambda: None) -> Any:
    """The lesson's bot; `before` is called in its node, before it answers."""
    from langgraph.graph import START, StateGraph

    def answer(state: Conversation) -> dict[str, list[Any]]:
        before()
        return {"messages": [{"role": "assistant", "content": reply(state["messages"])}]}

    builder = StateGraph(Conversation)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def say(graph: Any, thread_id: str, text: str) -> str:
    """A turn in a thread; the bot's answer."""
    config = {"configurable": {"thread_id": thread_id}}
    state = graph.invoke({"messages": [{"role": "user", "content": text}]}, config)
    answer: str = state["messages"][-1]["content"]
    return answer


def key_of(thread_for: Key, user: str, conversation: str) -> str:
    """The reader's key, which must be a text that says something."""
    key = thread_for(user, conversation)
    if not isinstance(key, str):
        raise NotYet(f"thread_for({user!r}, {conversation!r}) returned {key!r}, expected a text.")
    return key


def judge_same(thread_for: Key) -> None:
    """Raise NotYet unless the same two give the same key, today and after a restart."""
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
            "`hash` of a text is another number in every process, so the key is lost with a restart."
        )
    # A dict or a cache finds a text by its hash: for it, these are two.
    one, other = (
        key_of(thread_for, salted("ada", salt), salted("printer", salt)) for salt in (1, 2)
    )
    if one != other:
        raise NotYet(
            "the key hangs on something that this process holds, a dict or a cache, and is lost "
            "with a restart."
        )


def judge_refused(thread_for: Key) -> None:
    """Raise NotYet unless what is no text, or an empty one, is refused on both sides."""
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
        return f"{call}. An empty text is no id, and all who bring one would share a thread."
    return f"{call}. A number and its text come to one key: ask for a text, and refuse the rest."


def judge_apart(thread_for: Key) -> None:
    """Raise NotYet when two different pairs come to one key, shown by what a bot then tells."""
    from langgraph.checkpoint.memory import InMemorySaver

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
    """Raise NotYet when two of many pairs of texts with a mark in them come to one key."""
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
    glued = "Glued together, {0!r} + {1!r} and {2!r} + {3!r} are one text."
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
        "whatever is in the names; and who brings no id is refused."
    )


# --- Exercise 2: a budget of four checkpoints ------------------------------------------------

MOST_CHECKPOINTS = 4
LOOKS = ("profile", "file", "feedback")
TEXT = "Ada; printer.pdf; liked it"

Build = Callable[[Any], Any]


def turn(graph: Any, saver: Any) -> tuple[list[str], str, int]:
    """One turn in a thread of its own: the nodes that ran, the answer, the checkpoints."""
    from langgraph.errors import InvalidUpdateError

    config = {"configurable": {"thread_id": "t"}}
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
    """Raise NotYet unless every look-up, and the answer, ran once as a node of its own."""
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
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    graph = assistant(saver)
    if not hasattr(graph, "invoke"):
        raise NotYet(
            f"assistant returned {type(graph).__name__}, expected a compiled graph: "
            "end it with `return builder.compile(checkpointer=saver)`."
        )
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


# --- Exercise 3: one at a time, and only where they meet --------------------------------------

Locks = Callable[[str], AbstractContextManager[Any]]
Speak = Callable[[Any, str, str, Locks], Any]
PATIENCE = 10.0  # seconds; a wait that long means that the reader's code stands still


class Watched:
    """Locks by name, which know who waits at one: so that a check needs no clock."""

    def __init__(self) -> None:
        self.change = threading.Condition()
        self.holders: dict[str, str] = {}
        self.begun: set[str] = set()
        self.waiting: set[str] = set()
        self.done: set[str] = set()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of this name; wait for it as long as another has it."""
        me = threading.current_thread().name
        with self.change:
            while str(name) in self.holders:
                if self.holders[str(name)] == me:
                    raise NotYet("a writer waits for the lock that it holds itself.")
                self.waiting.add(me)
                self.change.notify_all()
                if not self.change.wait(PATIENCE):
                    raise NotYet("a lock was never given back.")
            self.waiting.discard(me)
            self.holders[str(name)] = me
        try:
            yield
        finally:
            with self.change:
                del self.holders[str(name)]
                self.change.notify_all()

    def begin(self) -> None:
        """Note that this thread's run is in its node."""
        self.note(self.begun)

    def note(self, where: set[str]) -> None:
        """Put this thread into a set, and tell those who wait for it."""
        with self.change:
            where.add(threading.current_thread().name)
            self.change.notify_all()

    def until(self, name: str, *places: set[str]) -> None:
        """Wait until a thread is in one of the places."""
        with self.change:
            here = self.change.wait_for(lambda: any(name in one for one in places), PATIENCE)
        if not here:
            raise NotYet(
                "a turn neither waited at `lock` nor ended. Does it wait for a lock of your own?"
            )


class Meeting:
    """Ada's two messages, sent at once through two graphs, and Bob's between them."""

    def __init__(self, speak: Speak) -> None:
        from langgraph.checkpoint.memory import InMemorySaver

        self.speak, self.saver, self.watched = speak, InMemorySaver(), Watched()
        self.errors: list[BaseException] = []

    def hold(self) -> None:
        """What Ada's first run does in its node: let the others come as far as they can."""
        watched = self.watched
        for name, thread_id in (("second", "ada"), ("bob", "bob")):
            self.start(name, thread_id, lambda: watched.note(watched.begun))
            watched.until(name, watched.waiting, watched.done)

    def start(self, name: str, thread_id: str, before: Callable[[], object]) -> threading.Thread:
        """A writer in a thread of its own, with a graph of its own, as in another process."""

        def run() -> None:
            try:
                self.speak(
                    bot(self.saver, before), thread_id, f"This is {name}.", self.watched.lock
                )
            except BaseException as error:
                self.errors.append(error)
            self.watched.note(self.watched.done)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def take_place(self) -> None:
        """Let them meet; every run is over afterwards."""
        watched = self.watched
        with_bob: list[bool] = []

        def first() -> None:
            self.hold()
            with_bob.append("bob" in watched.done)

        self.start("first", "ada", first)
        watched.until("first", watched.done)
        if not with_bob:
            self.say_errors()
            raise NotYet(
                "`speak` returned, and the graph had not run: nothing called `invoke` to the end."
            )
        for name in ("second", "bob"):
            watched.until(name, watched.done)
        self.bob_waited = with_bob == [False]

    def say_errors(self) -> None:
        """Raise NotYet when a run ended in an error."""
        for error in self.errors:
            raise error if isinstance(error, NotYet) else NotYet(f"a turn raised {error!r}.")

    def said(self, thread_id: str) -> list[str]:
        """What users have said in a thread, as it is saved."""
        config = {"configurable": {"thread_id": thread_id}}
        messages = bot(self.saver).get_state(config).values.get("messages", [])
        return [one["content"] for one in messages if one["role"] == "user"]


def check_speak(speak: Speak) -> str:
    """Prove that two messages of one thread are both kept, and that another thread never waits."""
    meeting = Meeting(speak)
    meeting.take_place()
    meeting.say_errors()
    kept = sorted(meeting.said("ada"))
    if kept != ["This is first.", "This is second."]:
        raise NotYet(_why_lost(meeting, kept))
    if meeting.bob_waited:
        raise NotYet(
            "nothing was lost, but Bob had to wait until Ada's turn was over. A model takes "
            "seconds: one lock for all makes the whole service wait for one customer."
        )
    if meeting.said("bob") != ["This is bob."]:
        raise NotYet(f"Bob's thread holds {meeting.said('bob')!r}, expected his one message.")
    return "two messages at once in one thread, both kept; and a third, elsewhere, did not wait."


def _why_lost(meeting: Meeting, kept: list[str]) -> str:
    lost = f"Ada sent two messages at once, and the thread has {kept!r}."
    seen = _names_used(meeting.speak)
    if not seen:
        return f"{lost} No turn was inside a lock: `lock(name)` makes one, and `with` takes it."
    if len({name for name, _ in seen}) > 1:
        return (
            f"{lost} Each of them took a lock of its own: a lock keeps out only those who ask for "
            "the same one."
        )
    return (
        f"{lost} The lock was given back before the turn was over. What must not be parted is "
        "reading the thread, answering, and saving it: all of `invoke`."
    )


def _names_used(speak: Speak) -> list[tuple[str, str]]:
    """Which locks two messages ask for, one after the other, each with a graph of its own."""
    from langgraph.checkpoint.memory import InMemorySaver

    saver, seen = InMemorySaver(), []
    graphs = [bot(saver), bot(saver)]
    for graph, text in zip(graphs, ("one", "two"), strict=True):

        @contextmanager
        def lock(name: str, text: str = text) -> Iterator[None]:
            seen.append((str(name), text))
            yield

        speak(graph, "ada", text, lock)
    return seen


CHECKS = {
    "10.thread-for": check_key,
    "10.budget": check_assistant,
    "10.speak": check_speak,
}
