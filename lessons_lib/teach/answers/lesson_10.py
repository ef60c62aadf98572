"""Lesson 10, threads and checkpoints: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import operator
import string
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import product
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

from lessons_lib.memories import reply
from lessons_lib.teach.answers.afresh import another_hash, salted
from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "10.recall-last",
        "From lesson 02. `state` is the only name that leads to a dict. `del state`, with the "
        "collector off. When does the dict die?",
        (
            Option(
                "When the collector is switched on again",
                "No. The collector is for cycles. Here the last reference went.",
            ),
            Option("At the `del`", "Right. Its last reference went, so it is freed.", right=True),
            Option(
                "When the function or the notebook ends",
                "No. Names are not what keeps the time; references are.",
            ),
        ),
    ),
    Question(
        "10.recall-journal",
        "From lesson 08. `journal.put('ada', 2, state)` has returned, and the process is killed. "
        "What does a new process need to find this state?",
        (
            Option(
                "The `Journal` object",
                "No. It died with its process, and held nothing but a path.",
            ),
            Option("The folder and the id `ada`", "Right. A place, and a key in it.", right=True),
            Option(
                "The folder; `get` returns the newest line of all",
                "No. Each thread has a file of its own, and `get` asks for its id.",
            ),
        ),
    ),
    Question(
        "10.count",
        "A graph of one node, a checkpointer, one turn. How many checkpoints has the thread now?",
        (
            Option(
                "None: they are written when the graph is closed",
                "No. A graph is never closed. It writes as it goes.",
            ),
            Option(
                "1: the state at the end",
                "No. That is what `exit` does, and it is not the default.",
            ),
            Option(
                "2: before the node, and after it",
                "No, but close. One was written even before the input had become state.",
            ),
            Option(
                "3",
                "Right. The input as it came, the state it was made into, the state after the node.",
                right=True,
            ),
        ),
    ),
    Question(
        "10.del-state",
        "`state` is all that `invoke` gave you. You say `del state; gc.collect()`, and then ask the "
        "bot for your name. What does it say?",
        (
            Option(
                "That you have not told it",
                "No. You deleted what you were given. That was not what the saver has.",
            ),
            Option(
                "Your name",
                "Right. The saver has bytes of its own, under the thread's id.",
                right=True,
            ),
            Option(
                "Your name, but only until the collector runs again",
                "No. It has run. What the saver keeps is reachable, so it is no garbage.",
            ),
            Option(
                "An error: the state is gone",
                "No. At each turn the graph makes the state anew, from what the saver has.",
            ),
        ),
    ),
    Question(
        "10.del-saver",
        "Now `del graph, saver`, with the collector switched off. Is the conversation gone?",
        (
            Option(
                "No: kept unless erased, and nobody erased it",
                "No. That holds as long as the saver does, and this saver is an object of yours.",
            ),
            Option(
                "Not before the collector runs: a graph is full of cycles",
                "No. It could be so, and is not: nothing that the graph holds leads back to the graph.",
            ),
            Option(
                "Yes, at once",
                "Right. The last references to the saver went, and it took its bytes along.",
                right=True,
            ),
        ),
    ),
    Question(
        "10.ids",
        "Five customers come with the ids `None`, `None`, `''`, `1` and `'1'`. How many are refused, "
        "and how many conversations are there?",
        (
            Option(
                "Two refused, `None` both times; three conversations",
                "No. `None` is a value like any other. Refused is only who brings *no* id.",
            ),
            Option(
                "None refused, five conversations",
                "No. Two of them bring the same id, and two more come to the same text.",
            ),
            Option(
                "None refused, three conversations",
                "Right. Both `None` share one, `1` and `'1'` share another.",
                right=True,
            ),
            Option(
                "Three refused, `None`, `None` and `''`; one conversation",
                "No. An empty text is an id, too.",
            ),
        ),
    ),
    Question(
        "10.mutated",
        "A node appends its answer to the list in place and returns nothing. `invoke` gives you the "
        "answer. Then the thread is read again from the saver. Is the answer in it?",
        (
            Option(
                "Yes: you have seen it", "No. You saw the object of the run, not the saved one."
            ),
            Option("No: nothing was returned", "No. One of two savers has it all the same."),
            Option(
                "That depends on the saver",
                "Right. One writes what was returned, the other all that is there.",
                right=True,
            ),
        ),
    ),
    Question(
        "10.writers",
        "Ten writers on one thread, each with a message. All ten have read the thread before the "
        "first writes. The saver writes to a file. How many of the ten messages has it then?",
        (
            Option(
                "10: a database takes one write after another",
                "No. It did, and each of the ten was a whole state without the nine others.",
            ),
            Option("1", "Right. The newest checkpoint wins, and it has one writer.", right=True),
            Option("None: nine get an error, and the thread is locked", "No. Nobody is told."),
            Option(
                "10: the reducer joins them",
                "No. A reducer joins what is written in one run. These are ten runs.",
            ),
        ),
    ),
    Question(
        "10.delete",
        "`delete_thread('ada')` has returned. The connection is open. Is what Ada said still in the "
        "files of the database?",
        (
            Option("No: the rows are gone", "No. A row is what SQL shows, and not the bytes."),
            Option("Yes", "Right. In the log beside the file, until that is emptied.", right=True),
            Option(
                "Yes, and `get_state` still finds it",
                "No. For LangGraph the thread is empty. That is what makes it easy to be content.",
            ),
        ),
    ),
    Question(
        "10.subgraph",
        "A helper graph counts its own calls in its state. Three turns in one thread; the helper was "
        "compiled without a word about a checkpointer. What does it count?",
        (
            Option(
                "1, 2, 3: the parent has a checkpointer",
                "No. The helper's steps are saved there, but every call begins afresh.",
            ),
            Option(
                "1, 1, 1",
                "Right. By default a subgraph's memory lasts for one call.",
                right=True,
            ),
            Option(
                "An error: it needs a checkpointer of its own",
                "No. It uses that of its parent, for the time of the call.",
            ),
        ),
    ),
    Question(
        "10.exam",
        "Two columns. `GraphBot` calls `invoke`, and `delete_thread` to forget. `CarefulBot` takes a "
        "lock for each turn, and empties the file and its log as well. What does the exam say?",
        (
            Option(
                "Both pass both: a database is under each",
                "No. A database keeps each write whole. It does not see that two of them are turns.",
            ),
            Option(
                "GraphBot: no, and in part. CarefulBot: yes, and yes",
                "Right. One turn was lost, and the bytes outlived the rows.",
                right=True,
            ),
            Option(
                "GraphBot: no, and yes. CarefulBot: yes, and yes",
                "No. The exam looks into the files, too. After `delete_thread` the words are there.",
            ),
        ),
    ),
)


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


def _key(*body: str, first: str = "") -> str:
    return f"{first}def thread_for(user, conversation):\n" + "".join(f"    {one}\n" for one in body)


_REFUSE = (
    "for part in (user, conversation):",
    "    if not isinstance(part, str) or not part:",
    '        raise ValueError(f"{part!r} is no id: a text is expected")',
)

KEY = Exercise(
    id="10.thread-for",
    name="thread_for",
    task="Make the thread id of a user's conversation: one that nobody else can come to.",
    stub=_key("return conversation"),
    solution=_key(*_REFUSE, "return json.dumps([user, conversation])", first="import json\n\n\n"),
    alternatives=(
        _key(*_REFUSE, 'return f"{len(user)}:{user}{conversation}"'),
        _key(
            *_REFUSE,
            "text = repr((str(user), str(conversation)))",
            "return hashlib.sha256(text.encode()).hexdigest()",
            first="import hashlib\n\n\n",
        ),
        _key(
            *_REFUSE,
            'return f"{quote(user, safe=str())}/{quote(conversation, safe=str())}"',
            first="from urllib.parse import quote\n\n\n",
        ),
    ),
    near_misses=(
        NearMiss(_key(*_REFUSE, "return user"), "One user has many conversations"),
        NearMiss(_key(*_REFUSE, "return user + conversation"), "Glued together"),
        NearMiss(_key(*_REFUSE, 'return f"{user}:{conversation}"'), "A separator separates only"),
        NearMiss(
            _key(*_REFUSE, "return uuid.uuid4().hex", first="import uuid\n\n\n"),
            "asked twice for the same",
        ),
        NearMiss(_key(*_REFUSE, "return str(hash((user, conversation)))"), "`hash` of a text"),
        NearMiss(
            _key(
                *_REFUSE,
                "parts = [part.replace(':', '_') for part in (user, conversation)]",
                "return ':'.join(parts)",
            ),
            "something was left out, swapped, or written alike",
        ),
        NearMiss(
            _key(
                *_REFUSE,
                "return str(KEYS.setdefault((user, conversation), len(KEYS)))",
                first="KEYS = {}\n\n\n",
            ),
            "a dict or a cache",
        ),
        NearMiss(
            _key("return json.dumps([user, conversation])", first="import json\n\n\n"),
            "Everybody who comes without an id",
        ),
        NearMiss(
            _key(
                "if user is None or conversation is None:",
                '    raise ValueError("no id")',
                "return json.dumps([user, conversation])",
                first="import json\n\n\n",
            ),
            "An empty text is no id",
        ),
        NearMiss(
            _key(
                "if not user or not conversation:",
                '    raise ValueError("no id")',
                "return json.dumps([str(user), str(conversation)])",
                first="import json\n\n\n",
            ),
            "A number and its text",
        ),
    ),
    hints=(
        "Who may read a conversation? Then who that is must be in its key, and not only its name.",
        "`ada` + `11` and `ada1` + `1` must differ, and so must any two pairs, whatever signs are in "
        "them. Which way of writing two texts down can always be taken apart again?",
        "Refuse first what is no text or an empty one; then `json.dumps([user, conversation])`.",
    ),
    check=check_key,
)


# --- Exercise 2: a budget of four checkpoints ------------------------------------------------

MOST_CHECKPOINTS = 4
LOOKS = ("profile", "file", "feedback")
TEXT = "Ada; printer.pdf; liked it"


class Case(TypedDict):
    """The state of the exercise: what was found, by name, and the answer made of it."""

    found: Annotated[dict[str, str], operator.or_]
    answer: str


def profile(state: Case) -> dict[str, Any]:
    """Look up who the customer is."""
    return {"found": {"profile": "Ada"}}


def file(state: Case) -> dict[str, Any]:
    """Look up the file she has sent."""
    return {"found": {"file": "printer.pdf"}}


def feedback(state: Case) -> dict[str, Any]:
    """Look up what she thought of the last answer."""
    return {"found": {"feedback": "liked it"}}


def advise(state: Case) -> dict[str, Any]:
    """Answer from what was found."""
    found = state["found"]
    return {"answer": "; ".join(found[name] for name in LOOKS if name in found)}


_CASE = code("""
    import operator
    from typing import Annotated, TypedDict

    from langgraph.graph import START, StateGraph

    class Case(TypedDict):
        found: Annotated[dict, operator.or_]
        answer: str


    def profile(state):
        return {"found": {"profile": "Ada"}}


    def file(state):
        return {"found": {"file": "printer.pdf"}}


    def feedback(state):
        return {"found": {"feedback": "liked it"}}


    def advise(state):
        found = state["found"]
        return {"answer": "; ".join(found[name] for name in ["profile", "file", "feedback"] if name in found)}
    """)

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


def _assistant(*body: str, end: str = "builder.compile(checkpointer=saver)") -> str:
    lines = ["builder = StateGraph(Case)", *body, f"return {end}"]
    return "def assistant(saver):\n" + "".join(f"    {line}\n" for line in lines)


_NODES = (
    "for node in [profile, file, feedback, advise]:",
    "    builder.add_node(node.__name__, node)",
)
_SIDE_BY_SIDE = (
    'for name in ["profile", "file", "feedback"]:',
    "    builder.add_edge(START, name)",
    '    builder.add_edge(name, "advise")',
)

BUDGET = Exercise(
    id="10.budget",
    name="assistant",
    task="At most four checkpoints for a turn; each look-up stays a node of its own.",
    given=_CASE,
    stub=_assistant(
        "builder.add_sequence([profile, file, feedback, advise])",
        'builder.add_edge(START, "profile")',
    ),
    solution=_assistant(*_NODES, *_SIDE_BY_SIDE),
    alternatives=(
        _assistant(
            *_NODES,
            'builder.add_edge(START, "profile")',
            'builder.add_edge(START, "file")',
            'builder.add_edge(START, "feedback")',
            'builder.add_edge(["profile", "file", "feedback"], "advise")',
        ),
    ),
    near_misses=(
        NearMiss(
            _assistant(
                "def all_in_one(state):",
                "    found = {}",
                "    for look in [profile, file, feedback]:",
                '        found |= look(state)["found"]',
                '    return {"found": found} | advise({"found": found})',
                'builder.add_node("all_in_one", all_in_one)',
                'builder.add_edge(START, "all_in_one")',
            ),
            "retried together",
        ),
        NearMiss(
            _assistant(*_NODES, *_SIDE_BY_SIDE, end="builder.compile()"),
            "compiled without the saver",
        ),
        NearMiss(
            _assistant(
                *_NODES,
                "for node in [profile, file, feedback, advise]:",
                "    builder.add_edge(START, node.__name__)",
            ),
            "before the look-ups were done",
        ),
        NearMiss(
            _assistant(*_NODES, *_SIDE_BY_SIDE[:2]),
            "no edge from what ran leads to it",
        ),
        NearMiss(
            _assistant(
                *_NODES,
                'builder.add_edge(START, "profile")',
                'builder.add_edge("profile", "file")',
                'builder.add_edge(START, "feedback")',
                'builder.add_edge(["file", "feedback"], "advise")',
            ),
            "which of them must wait",
        ),
        NearMiss(
            _assistant(
                *_NODES,
                'builder.add_edge(START, "profile")',
                'builder.add_edge("profile", "file")',
                'builder.add_edge(START, "feedback")',
                'builder.add_edge("file", "advise")',
                'builder.add_edge("feedback", "advise")',
            ),
            "paths of different length",
        ),
        NearMiss(
            _assistant(*_NODES, *_SIDE_BY_SIDE).replace(
                "    builder = StateGraph(Case)",
                "    class Plain(TypedDict):\n        found: dict\n        answer: str\n\n"
                "    builder = StateGraph(Plain)",
            ),
            "Keep the reducer",
        ),
    ),
    hints=(
        "A turn writes a checkpoint for its input, one for the state that becomes of it, and one for "
        "each super-step. How many super-steps does the sequence have?",
        "None of the three look-ups needs what another one found. Nodes at the ends of edges from "
        "one place run in *one* super-step.",
        "Lead an edge from START to each look-up, and from each look-up to `advise`. The reducer "
        "`operator.or_` joins what the three return.",
    ),
    check=check_assistant,
)


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


def _speak(*body: str, first: str = "") -> str:
    given = 'config = {"configurable": {"thread_id": thread_id}}'
    message = '{"messages": [{"role": "user", "content": text}]}'
    lines = [given, f"turn = {message}", *body]
    return f"{first}def speak(graph, thread_id, text, lock):\n" + "".join(
        f"    {line}\n" for line in lines
    )


SPEAK = Exercise(
    id="10.speak",
    name="speak",
    task="Two messages at once in one thread are both kept; other threads do not wait.",
    stub=_speak("return graph.invoke(turn, config)"),
    solution=_speak("with lock(thread_id):", "    return graph.invoke(turn, config)"),
    alternatives=(
        _speak(
            'with lock(f"thread-{thread_id}"):',
            "    state = graph.invoke(turn, config)",
            'return state["messages"][-1]["content"]',
        ),
    ),
    near_misses=(
        NearMiss(
            _speak("with lock:", "    return graph.invoke(turn, config)"), "a turn raised TypeError"
        ),
        NearMiss(
            _speak("with lock(thread_id):", "    return graph.stream(turn, config)"),
            "nothing called `invoke` to the end",
        ),
        NearMiss(
            _speak('with lock("all"):', "    return graph.invoke(turn, config)"),
            "had to wait until Ada's turn was over",
        ),
        NearMiss(
            _speak('with lock(f"{thread_id} {text}"):', "    return graph.invoke(turn, config)"),
            "a lock of its own",
        ),
        NearMiss(
            _speak(
                "with lock(thread_id):",
                "    graph.get_state(config)",
                "return graph.invoke(turn, config)",
            ),
            "given back before the turn was over",
        ),
    ),
    hints=(
        "Two turns lose one another's message when both have read the thread before one has saved. "
        "What has to be one piece?",
        "`lock(name)` gives a lock to be used in a `with`. Two turns keep each other out if they name "
        "the same lock. Whom should Ada's turn keep out, and whom not?",
        "`with lock(thread_id):` around the whole `invoke`.",
    ),
    check=check_speak,
)

EXERCISES = (KEY, BUDGET, SPEAK)

CATCH_UP = CatchUp(
    say=(
        "A journal keeps the state after every step, under a thread's id: put, get, history.",
        "An object dies at its last reference; only cycles wait for the collector.",
        "A node returns an update, and a reducer says how it joins the state.",
        "A thread that runs code and a thread of messages under an id are two things.",
    ),
    source="""import operator
import sqlite3
import tempfile
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from lessons_lib.memories import reply


class Conversation(TypedDict):
    messages: Annotated[list, operator.add]


def answer(state):
    return {"messages": [{"role": "assistant", "content": reply(state["messages"])}]}


def bot(saver, node=answer):
    builder = StateGraph(Conversation)
    builder.add_node("answer", node)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def thread(thread_id):
    return {"configurable": {"thread_id": thread_id}}


def say(graph, thread_id, text, **how):
    message = {"role": "user", "content": text}
    state = graph.invoke({"messages": [message]}, thread(thread_id), **how)
    return state["messages"][-1]["content"]


scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def on_disk(name):
    path = Path(scratch.name) / name
    return SqliteSaver(sqlite3.connect(path, check_same_thread=False))
""",
    names=("Conversation", "answer", "bot", "thread", "say", "on_disk", "InMemorySaver"),
)
