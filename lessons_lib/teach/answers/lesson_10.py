"""Lesson 10, threads and checkpoints: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import operator
import string
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
                "No. It is references that count, and not names or functions.",
            ),
        ),
    ),
    Question(
        "10.recall-sent",
        "From lesson 00. A bot on a checkpointed graph, in its fifth turn. What does the model get?",
        (
            Option(
                "The new message: the checkpointer has the rest",
                "No. A model knows what it is sent, and it cannot read a checkpointer.",
            ),
            Option(
                "The whole conversation, as in each turn",
                "Right. A checkpointer changes what is stored, and not what is sent.",
                right=True,
            ),
            Option(
                "The new message and a thread id, by which it finds the rest",
                "No. The id is for the graph. No model ever sees it.",
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
                "No. It writes on the way, too: before the node runs, and even before that.",
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
                "No. `None` is a value like any other. Only to bring *no* id is refused.",
            ),
            Option(
                "None refused, five conversations",
                "No. Two of them bring the same id, and two more come to the same string.",
            ),
            Option(
                "None refused, three conversations",
                "Right. Both `None` share one, `1` and `'1'` share another.",
                right=True,
            ),
            Option(
                "Three refused, `None`, `None` and `''`; one conversation",
                "No. An empty string is an id, too.",
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
                "No. For LangGraph the thread is empty. That is why one is easily content with it.",
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
    """The reader's key, which must be a string."""
    key = thread_for(user, conversation)
    if not isinstance(key, str):
        raise NotYet(f"thread_for({user!r}, {conversation!r}) returned {key!r}, expected a string.")
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
            "`hash` of a string is another number in every process, so the key is lost with a restart."
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
    """Raise NotYet unless what is no string, or an empty one, is refused on both sides."""
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


def _key(*body: str, first: str = "") -> str:
    return f"{first}def thread_for(user, conversation):\n" + "".join(f"    {one}\n" for one in body)


_REFUSE = (
    "for part in (user, conversation):",
    "    if not isinstance(part, str) or not part:",
    '        raise ValueError(f"{part!r} is no id: a string is expected")',
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
        NearMiss(_key(*_REFUSE, "return str(hash((user, conversation)))"), "`hash` of a string"),
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
            "An empty string is no id",
        ),
        NearMiss(
            _key(
                "if not user or not conversation:",
                '    raise ValueError("no id")',
                "return json.dumps([str(user), str(conversation)])",
                first="import json\n\n\n",
            ),
            "A number and its digits",
        ),
    ),
    hints=(
        "Who may read a conversation? That user must be in its key, and not only the conversation's name.",
        "`ada` + `11` and `ada1` + `1` must differ, and so must any two pairs, whatever characters are "
        "in them. Which way of writing two strings down can always be taken apart again?",
        "First refuse what is no string, or an empty one; then `json.dumps([user, conversation])`.",
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


# --- Exercise 3: late ------------------------------------------------------------------------

Locks = Callable[[str], AbstractContextManager[Any]]
Speak = Callable[[Any, str, str, str | None, Locks], Any]


class Windows:
    """Ada's windows on one thread: turns through the reader's function, one after the other.

    What another window does meanwhile is done at the two moments that matter, as a lock is taken
    and as it is given back; so nothing here depends on time.
    """

    def __init__(self, speak: Speak) -> None:
        from langgraph.checkpoint.memory import InMemorySaver

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
        try:
            return self.speak(bot(self.saver, self.watch), thread_id, text, seen, self.lock)
        except NotYet:
            raise
        except Exception as error:
            if type(error).__name__ == "Late":
                return type(error)
            raise NotYet(f"a turn raised {error!r}.") from None

    def elsewhere(self, text: str) -> None:
        """A turn of Ada's in another window, which does all that is right."""
        say(bot(self.saver), "ada", text)

    def newest(self, thread_id: str = "ada") -> str | None:
        """The id of a thread's newest checkpoint."""
        config = {"configurable": {"thread_id": thread_id}}
        found: str | None = bot(self.saver).get_state(config).config["configurable"].get(_ID)
        return found

    def said(self, thread_id: str = "ada") -> list[str]:
        """What users have said in a thread, as it is saved."""
        config = {"configurable": {"thread_id": thread_id}}
        messages = bot(self.saver).get_state(config).values.get("messages", [])
        return [one["content"] for one in messages if one["role"] == "user"]


_ID = "checkpoint_id"


def judge_turn(windows: Windows, thread_id: str, text: str, seen: str | None) -> str | None:
    """Raise NotYet unless a turn in a window that is up to date is taken; the id it returned."""
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
    """Raise NotYet unless a message from a window that is out of date is refused, and not sent."""
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
    judge_late(
        windows,
        two,
        "while this window waited for the lock, another one took its turn: this one was late when it "
        "came in",
    )
    if windows.taken is not None:
        raise NotYet("this turn took no lock, and the one before did.")
    judge_returned(windows)
    before = set(windows.names)
    judge_turn(windows, "bob", "My toner is empty.", None)
    if windows.names[-1] in before:
        raise NotYet(
            "nothing was lost, but Bob has to wait until Ada's turn is over. A model takes seconds: "
            "one lock for all makes the whole service wait for one customer."
        )
    return "a late message is refused, also when it became late while it waited; Bob never waits."


def judge_returned(windows: Windows) -> None:
    """Raise NotYet unless a turn returns its own checkpoint, whoever comes after it."""
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


def _speak(*body: str) -> str:
    lines = ['config = {"configurable": {"thread_id": thread_id}}', f"turn = {_TURN}", *body]
    return "def speak(graph, thread_id, text, seen, lock):\n" + "".join(
        f"    {line}\n" for line in lines
    )


_TURN = '{"messages": [{"role": "user", "content": text}]}'
_GIVEN = code("""
    class Late(Exception):
        pass


    def newest(graph, config):
        return graph.get_state(config).config["configurable"].get("checkpoint_id")
    """)
_LOOK = ("if newest(graph, config) != seen:", '    raise Late("the conversation has gone on")')
_SEND = ("graph.invoke(turn, config)", "return newest(graph, config)")


def _within(*body: str, name: str = "thread_id") -> tuple[str, ...]:
    return (f"with lock({name}):", *(f"    {line}" for line in body))


SPEAK = Exercise(
    id="10.speak",
    name="speak",
    task="Refuse a message from a window that has not seen the newest checkpoint; lose none.",
    given=_GIVEN,
    stub=_speak(*_SEND),
    solution=_speak(*_within(*_LOOK, *_SEND)),
    alternatives=(
        _speak(
            *_within(
                "now = graph.get_state(config).config['configurable'].get('checkpoint_id')",
                "if now == seen:",
                *(f"    {line}" for line in _SEND),
                name='f"thread-{thread_id}"',
            ),
            "raise Late",
        ),
    ),
    near_misses=(
        NearMiss(_speak(*_within(*_SEND)), "as it was a turn ago"),
        NearMiss(_speak(*_LOOK, *_within(*_SEND)), "late when it came in"),
        NearMiss(_speak(*_within(*_LOOK), *_SEND), "while no lock was held"),
        NearMiss(_speak(*_within(*_LOOK, _SEND[0]), _SEND[1]), "the checkpoint of the other"),
        NearMiss(
            _speak(*_within("if seen and newest(graph, config) != seen:", *_LOOK[1:], *_SEND)),
            "showed an empty thread",
        ),
        NearMiss(_speak(*_within(_LOOK[0], "    return None", *_SEND)), "Raise `Late`"),
        NearMiss(_speak(*_within(*_LOOK, *_SEND, name='"all"')), "Bob has to wait"),
        NearMiss(_speak(*_within(*_LOOK, *_SEND, name='f"{thread_id} {text}"')), "took two locks"),
        NearMiss(_speak(*_within(*_LOOK, _SEND[0])), "what it shows"),
        NearMiss(
            _speak("with lock:", *(f"    {line}" for line in _SEND)), "a turn raised TypeError"
        ),
        NearMiss(
            _speak(*_within(*_LOOK, "return graph.stream(turn, config)")), "`invoke` to the end"
        ),
    ),
    hints=(
        "When must it be known what the newest checkpoint is? And what may happen between looking "
        "and sending?",
        "Looking, sending and noting what the window shows now are one piece, inside one lock. Whom "
        "should Ada's turn keep out, and whom not?",
        "`with lock(thread_id):`, and in it: `if newest(graph, config) != seen: raise Late`, then "
        "`invoke`, then `return newest(graph, config)`.",
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
