"""What judges the exercises of lesson 09, State, channels, reducers."""

import copy
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langgraph.channels import EphemeralValue, UntrackedValue
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import InvalidUpdateError
from langgraph.graph import START, StateGraph

from lessons_lib.lessons.shared import in_a_row, thread
from lessons_lib.observe import aliases
from lessons_lib.teach.model import NotYet

# --- Exercise 1: no node changes its input ----------------------------------------------------

Node = Callable[[Any], Any]
REPLY = "I have your file."


class Case(TypedDict):
    """What the exercise's graph keeps."""

    messages: Annotated[list[Any], operator.add]
    file: str
    user: dict[str, Any]


QUESTION = "Here is my cv."
GIVEN = {
    "messages": [QUESTION],
    "file": "cv.pdf",
    "user": {"name": "Ada", "turns": 2, "files": ["letter.pdf"]},
}


def check_no_alias(node: Node) -> str:
    """Run the node in a graph and look at the result, then at what was changed in place."""
    graph = in_a_row(Case, {"answer": node})
    try:
        result = graph.invoke(copy.deepcopy(GIVEN))
    except InvalidUpdateError as error:
        raise NotYet(f"the graph refused what `answer` returned: {_first_line(error)}") from None
    found = aliases(graph, GIVEN)
    judge_untold(result, [change.path for change in found.changes])
    judge_messages(result["messages"])
    judge_user(result["user"])
    for change in found.changes:
        if change.returned and not change.seen_by:
            continue  # the node's own dictionary, and the graph was told
        seen = " and ".join(change.seen_by) or "nobody"
        raise NotYet(
            f"the result is right, and `{change.path}` was changed in place: {change.change}, "
            f"seen by {seen}. {_why(change.path)}"
        )
    return "one message, one turn and one file more, and nothing changed in place."


def judge_untold(result: Any, changed: list[str]) -> None:
    if not changed or result["user"]["turns"] != GIVEN["user"]["turns"]:  # type: ignore[index]
        return
    raise NotYet(
        f"`{changed[0]}` was changed in the node's own dictionary, which went with the node: "
        "after the run the user has as many turns as before. Return what you change."
    )


def judge_messages(messages: list[Any]) -> None:
    if messages.count(QUESTION) > 1:
        raise NotYet(
            f"the customer's words are there {messages.count(QUESTION)} times: {messages!r}. "
            "`messages` has a reducer that adds, so return the new message alone, in a list."
        )
    if messages.count(REPLY) > 1:
        raise NotYet(
            f"the reply is there {messages.count(REPLY)} times: it was appended in place, and "
            "the reducer added what was returned."
        )
    if messages != [QUESTION, REPLY]:
        raise NotYet(f"the messages are {messages!r}, expected {[QUESTION, REPLY]!r}.")


def judge_user(user: Any) -> None:
    given: Any = GIVEN["user"]
    wanted = {**given, "turns": given["turns"] + 1, "files": [*given["files"], "cv.pdf"]}
    missing = sorted(set(wanted) - set(user)) if isinstance(user, dict) else []
    if missing:
        raise NotYet(
            f"the user is {user!r}, and {', '.join(missing)} is gone: `user` has no reducer, so "
            "what you return replaces all of it."
        )
    if user != wanted:
        raise NotYet(f"the user is {user!r}, expected {wanted!r}.")


def _why(path: str) -> str:
    if path.startswith("['messages']"):
        return "Return the message instead, alone in a list: the channel adds it."
    if path.startswith("['user']['files']"):
        return "A copy of a dictionary holds the same list: make a new list, too."
    return "Make a new one with the change in it, and return that."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


# --- Exercise 2: a budget of four messages ----------------------------------------------------

Reducer = Callable[[list[Any], list[Any]], list[Any]]
BUDGET = 4
UPDATES: tuple[tuple[list[str], ...], ...] = (
    (["m1"], ["m2"], ["m3"], ["m4"], ["m5"], ["m6"]),
    (["m1", "m2"], ["m3"], [], ["m4", "m5", "m6"], ["m7"]),
    (["m1", "m2", "m3", "m4", "m5", "m6"], ["m7"]),
    ([], ["m1"], ["m2", "m3"]),
    (["n1"], ["yes"], ["yes"], ["yes"], ["n5"], ["n6"]),
)
"""What is sent to the channel, one update after another."""


def check_keep_four(keep: Reducer) -> str:
    """Feed the reducer updates one by one, looking at each result; then run it in a graph."""
    for updates in UPDATES:
        said: list[str] = []
        held: list[Any] = []
        for update in updates:
            said += update
            held = _kept(keep, held, update)
            judge_kept(held, said, update)
    from_graph = _in_a_graph(keep)
    if from_graph != ["m1", "m6", "m7", "m8"]:
        raise NotYet(f"in a graph with two branches the channel held {from_graph!r} at the end.")
    return f"never more than {BUDGET} messages, and always the first and the newest."


def _kept(keep: Reducer, held: list[Any], update: list[Any]) -> list[Any]:
    """One call of the reducer; NotYet when it raises, gives no list, or changes its arguments."""
    old, new = list(held), list(update)
    call = f"keep({old!r}, {new!r})"
    try:
        kept = keep(old, new)
    except Exception as error:
        raise NotYet(f"{call} raised {type(error).__name__}: {error}.{_empty(error)}") from error
    if not isinstance(kept, list):
        raise NotYet(f"{call} returned {kept!r}, expected a list.")
    if (old, new) != (held, update):
        which = "old" if old != held else "new"
        raise NotYet(
            f"{call} changed `{which}` in place. The nodes before were given that list, and now find "
            "it changed."
        )
    return kept


def _empty(error: Exception) -> str:
    return " A channel begins with an empty list." if isinstance(error, IndexError) else ""


def judge_kept(kept: list[Any], said: list[str], update: list[str]) -> None:
    after = f"after {', '.join(said)}" if said else "before anything was said"
    if len(kept) > BUDGET:
        more = f", when an update brought {len(update)} at once" if len(update) > 1 else ""
        raise NotYet(
            f"{after} the channel held {len(kept)} messages{more}; the budget is {BUDGET}."
        )
    if any(one not in said for one in kept):
        raise NotYet(
            f"{after} the channel held {kept!r}: not all of these are messages. "
            "`old` and `new` are two lists, and what you return is one list of their messages."
        )
    if any(kept.count(one) > said.count(one) for one in kept):
        raise NotYet(f"{after} the channel held {kept!r}: a message is there twice.")
    wanted = said if len(said) <= BUDGET else [said[0], *said[-3:]]
    if kept == wanted:
        return
    if said[0] not in kept:
        raise NotYet(f"{after} the channel held {kept!r}: the first message is gone.")
    if said[-1] not in kept:
        raise NotYet(f"{after} the channel held {kept!r}: the newest message is gone.")
    raise NotYet(f"{after} the channel held {kept!r}, expected {wanted!r}.")


def _in_a_graph(keep: Reducer) -> list[Any]:
    """What a channel with the reader's reducer holds after two branches and one more node."""
    chat: Any = TypedDict("chat", {"messages": Annotated[list[Any], keep]})
    builder = StateGraph(chat)
    builder.add_node("a", lambda state: {"messages": ["m4", "m5"]}).add_edge(START, "a")
    builder.add_node("b", lambda state: {"messages": ["m6", "m7"]}).add_edge(START, "b")
    builder.add_node("c", lambda state: {"messages": ["m8"]}).add_edge(["a", "b"], "c")
    kept: list[Any] = builder.compile().invoke({"messages": ["m1", "m2", "m3"]})["messages"]
    return kept


# --- Exercise 3: a secret that leaves no trace ------------------------------------------------

ShopNodes = Callable[[Callable[[], str], Callable[[str], str]], list[Node]]
PASSWORD = "hunter2"
ANSWER = "it is on its way"
THREAD = thread("ada")


class Shop:
    """The world outside: it gives the password, and answers those who have it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.stale: list[str] = []
        self.valid: list[str] = []

    def cut(self) -> None:
        """A process has died: what was fetched in it may not be used in the next."""
        self.stale, self.valid = self.stale + self.valid, []

    def fetch(self) -> str:
        """The password, another each time."""
        self.valid.append(f"{PASSWORD}-{len(self.stale) + len(self.valid) + 1}")
        return self.valid[-1]

    def ask(self, password: str) -> str:
        """The answer; what the shop was asked with is noted."""
        known = password in self.stale or password in self.valid
        self.asked.append("stale" if password in self.stale else PASSWORD if known else password)
        return ANSWER


class Session(TypedDict, total=False):
    """The state of the exercise's graph."""

    question: str
    answer: str
    note: Annotated[Any, EphemeralValue]
    password: Annotated[Any, UntrackedValue]


def shop_graph(nodes: list[Node], saver: Any) -> Any:
    """The reader's nodes in a row, stopping after each."""
    named = {f"node {number}": node for number, node in enumerate(nodes, 1)}
    return in_a_row(Session, named, saver, interrupt_after=list(named))


def check_no_trace(shop_nodes: ShopNodes) -> str:
    """Run the nodes one at a time, each in a graph of its own on one saver; then search it."""
    saver, shop = InMemorySaver(), Shop()
    count = len(_nodes(shop_nodes, shop))
    given: Any = {"question": "Where is it?"}
    for number in range(1, count + 1):
        shop.cut()
        graph = shop_graph(_nodes(shop_nodes, shop), saver)
        try:
            graph.invoke(given, THREAD)
        except Exception as error:
            raise NotYet(_cut(number, error)) from error
        given = None
    judge_traces(_traces(saver))
    judge_asked(shop.asked)
    answer = graph.get_state(THREAD).values.get("answer")
    if answer != ANSWER:
        raise NotYet(f"the shop said {ANSWER!r}, and the channel `answer` holds {answer!r}.")
    return "the shop was asked with the password, and no byte of it is in the saver."


def _nodes(shop_nodes: ShopNodes, shop: Shop) -> list[Node]:
    nodes = shop_nodes(shop.fetch, shop.ask)
    if not isinstance(nodes, (list, tuple)) or not nodes or not all(map(callable, nodes)):
        raise NotYet(f"`shop_nodes` returned {nodes!r}, expected a list of nodes.")
    return list(nodes)


def _cut(number: int, error: Exception) -> str:
    if number == 1:
        return f"the first node raised {type(error).__name__}: {error}."
    what = f"resumed before node {number}, it raised {type(error).__name__}: {error}."
    if isinstance(error, KeyError):
        return f"{what} An untracked value is gone by then, and what has no channel was never kept."
    return f"{what} What the node before left in a variable was in another process."


def judge_asked(asked: list[Any]) -> None:
    if not asked:
        raise NotYet("the shop was never asked.")
    wrong = next((one for one in asked if one != PASSWORD), PASSWORD)
    if wrong == "stale":
        raise NotYet(
            "the password that one node fetched reached the next one past the cut, in a variable "
            "or in disguise. A variable is gone in a new process, and a disguise can be taken off."
        )
    if callable(wrong):
        raise NotYet("the shop was asked with a function instead of the password: call `fetch()`.")
    if wrong != PASSWORD:
        raise NotYet(
            f"the shop was asked with {wrong!r} instead of the password: it was no longer where "
            "the node looked. Untracked values and a node's variables end with the process."
        )


def judge_traces(channels: list[str]) -> None:
    if "note" in channels:
        raise NotYet(
            "the password is in the saver, in the channel `note`. An ephemeral value lasts for one "
            "super-step, and each super-step has a checkpoint."
        )
    if channels:
        raise NotYet(
            f"the password is in the saver, in the channel `{channels[0]}`: a channel is saved."
        )


def _traces(saver: Any) -> list[str]:
    """The channels in whose saved values or pending writes the password is."""
    secret = PASSWORD.encode()
    kept = [key[2] for key, (_, data) in saver.blobs.items() if secret in data]
    for writes in saver.writes.values():
        kept += [write[1] for write in writes.values() if secret in write[2][1]]
    return sorted(set(kept))


CHECKS = {
    "09.no-alias": check_no_alias,
    "09.keep-four": check_keep_four,
    "09.no-trace": check_no_trace,
}
