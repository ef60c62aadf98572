"""Lesson 09, state, channels, reducers: its questions, exercises and their checks.

LangGraph is imported inside the functions that need it, so that reading this module (as the
overview of a reader's progress does) stays light.
"""

import copy
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "09.recall-alias",
        "From lesson 01. A function does `messages.append(text)` with its parameter, and returns "
        "nothing. The caller passed in its own list. What does the caller's list hold afterwards?",
        (
            Option(
                "What it held before: the function returned nothing",
                "No. `append` changes the object, and the parameter was one more name for it.",
            ),
            Option(
                "The text, too",
                "Right. One list with two names: a change through one is seen through the other.",
                right=True,
            ),
            Option(
                "The text, until the function's frame goes",
                "No. The frame takes the name `messages` along. The list stays as it is.",
            ),
        ),
    ),
    Question(
        "09.recall-journal",
        "From lesson 08. A step of the journal's work is a function from a state to the next state. "
        "Killed in the middle of the third step, what does the next process know of it?",
        (
            Option(
                "The values of its locals so far",
                "No. They were in a frame, and the frame died with its process.",
            ),
            Option(
                "Nothing: it has the state after the second",
                "Right. Only what a step returned was put, and the third had returned nothing.",
                right=True,
            ),
            Option(
                "That it had begun",
                "No. The line is written after the step, so a begun step leaves no trace.",
            ),
        ),
    ),
    Question(
        "09.side-by-side",
        "`hear` and `look` run side by side, and `look` waits until `hear` has the name. "
        "Whose file does `look` say it is?",
        (
            Option(
                "Ada's: it waited for the name",
                "No. `look` had its state before it began to wait, and that state does not move.",
            ),
            Option(
                "Nobody's",
                "Right. Both were given the state as it was before the step, without a name.",
                right=True,
            ),
            Option(
                "Either, it is a race",
                "No. Their states were made before either began. No race can change that.",
            ),
            Option(
                "An error: two nodes run at the same time",
                "No. They write different channels, so nothing is in dispute.",
            ),
        ),
    ),
    Question(
        "09.in-place",
        "Three nodes add an answer: one returns a new list, one appends in place, one rebinds "
        "`state['messages']` to a new list. After which of them does the next node see the answer?",
        (
            Option(
                "After the one that returns, only",
                "No. That is how it should be. But look at what append does to a shared list.",
            ),
            Option(
                "After returning and after appending",
                "Right. One tells the channel, the other changes the object that the channel has.",
                right=True,
            ),
            Option(
                "After all three",
                "No. Rebinding a key changes the node's own dictionary, which nobody else has.",
            ),
            Option(
                "After returning and after rebinding",
                "No. It is the other way round: the dictionary is new, the list in it is not.",
            ),
        ),
    ),
    Question(
        "09.two-writers",
        "Two nodes in one super-step return a value for the channel `messages`, a plain `list`. "
        "What does the channel hold afterwards?",
        (
            Option(
                "The value of the node that ended last",
                "No. That holds for a variable, in lesson 06. A channel counts its writers.",
            ),
            Option(
                "Both, one after the other",
                "No. Nothing has told the graph that these two should be added.",
            ),
            Option(
                "Nothing: the graph raises an error",
                "Right. A plain channel takes one value a super-step, and says so.",
                right=True,
            ),
        ),
    ),
    Question(
        "09.whole-list",
        "The channel adds, and the node returns `[*state['messages'], 'an answer']`. The input had "
        "one question. How many messages are there in the result?",
        (
            Option(
                "Two",
                "No. That is what the node returned. The channel then *added* it.",
            ),
            Option(
                "Three",
                "Right. One that was there, and two that were added: the question twice.",
                right=True,
            ),
            Option(
                "One: the reducer finds nothing new",
                "No. `operator.add` does not compare. It puts two lists end to end.",
            ),
        ),
    ),
    Question(
        "09.no-channel",
        "The node returns an upload under the key `uplaod`, which the state's class does not have. "
        "How many uploads are alive after the run?",
        (
            Option(
                "None, and no error",
                "Right. There is no such channel. The value was dropped, and nobody was told.",
                right=True,
            ),
            Option(
                "None: the run raises an error",
                "No. An error would be kind. Keys that have no channel are passed over.",
            ),
            Option(
                "One, in the result under `uplaod`",
                "No. The result is read from the channels, and there is none of that name.",
            ),
            Option(
                "One, held by the graph",
                "No. The graph holds its nodes. The frame in which the upload lived is gone.",
            ),
        ),
    ),
    Question(
        "09.untracked",
        "The password came with the input, its channel is an `UntrackedValue`, and the thread's "
        "state does not have it. Are its bytes in the saver?",
        (
            Option(
                "No: an untracked value is left out of every checkpoint",
                "No. The *channel* is left out. Look at how the password came to the channel.",
            ),
            Option(
                "Yes, where the input was kept",
                "Right. The input is saved as it came, before any channel is filled from it.",
                right=True,
            ),
            Option(
                "Only while the run lasts",
                "No. A saver keeps what it was given. Nothing comes and takes it out.",
            ),
        ),
    ),
    Question(
        "09.overwrite",
        "`summarise` returns an `Overwrite`, and `listen`, in the same super-step, an ordinary "
        "update. What does the channel hold afterwards?",
        (
            Option(
                "The summary, and then what the customer said",
                "No. That is so when `listen` runs in the *next* super-step.",
            ),
            Option(
                "The summary alone",
                "Right. An `Overwrite` counts for the whole super-step: what others returned for "
                "that channel is passed over, without an error.",
                right=True,
            ),
            Option(
                "It depends on which of the two returns first",
                "No. The clock decides nothing in a super-step, and here the order of the names "
                "does not, either.",
            ),
            Option(
                "Nothing: the graph raises an error",
                "No. Two `Overwrite` are an error. One, and an ordinary update, are not.",
            ),
        ),
    ),
    Question(
        "09.private",
        "The channel `draft` is in neither the result nor the graph's main state class. After the "
        "run, who can read the draft?",
        (
            Option(
                "Nobody: it went with the run",
                "No. That is so for untracked values, and this is an ordinary channel.",
            ),
            Option(
                "The two nodes only",
                "No. Only they are *given* it. The saver is given all channels.",
            ),
            Option(
                "Anyone who can read the thread, or streams the run",
                "Right. It is in the checkpoint and in the stream, as every channel is.",
                right=True,
            ),
        ),
    ),
)


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


def one_node(node: Node) -> Any:
    """A graph of one node, the reader's."""
    from langgraph.graph import START, StateGraph

    builder: Any = StateGraph(Case)
    builder.add_node("answer", node)
    return builder.add_edge(START, "answer").compile()


def check_no_alias(node: Node) -> str:
    """Run the node in a graph and look at the result, then at what was changed in place."""
    from langgraph.errors import InvalidUpdateError

    from lessons_lib.observe import aliases

    graph = one_node(node)
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
    """Raise NotYet when changes made in place are all there is: the graph was told nothing."""
    if not changed or result["user"]["turns"] != GIVEN["user"]["turns"]:  # type: ignore[index]
        return
    raise NotYet(
        f"`{changed[0]}` was changed in the node's own dictionary, which went with the node: "
        "after the run the user has as many turns as before. Return what you change."
    )


def judge_messages(messages: list[Any]) -> None:
    """Raise NotYet unless the reply was added once."""
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
    """Raise NotYet unless the user has one turn and one file more, and all that it had."""
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


NO_ALIAS = Exercise(
    id="09.no-alias",
    name="answer",
    task="Say the same by returning: nothing may be changed in place.",
    stub=code("""
            def answer(state):
                state["messages"].append("I have your file.")
                state["user"]["turns"] += 1
                state["user"]["files"].append(state["file"])
            """),
    solution=code("""
            def answer(state):
                user = state["user"]
                return {
                    "messages": ["I have your file."],
                    "user": {
                        **user,
                        "turns": user["turns"] + 1,
                        "files": [*user["files"], state["file"]],
                    },
                }
            """),
    alternatives=(
        code("""
            import copy


            def answer(state):
                user = copy.deepcopy(state["user"])
                user["turns"] += 1
                user["files"].append(state["file"])
                return {"messages": ["I have your file."], "user": user}
            """),
        code("""
            def answer(state):
                user = state["user"]
                files = [*user["files"], state["file"]]
                state["user"] = {**user, "turns": user["turns"] + 1, "files": files}
                return {"messages": ["I have your file."], "user": state["user"]}
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def answer(state):
                state["messages"].append("I have your file.")
                state["user"]["turns"] += 1
                state["user"]["files"].append(state["file"])
                return state
            """),
            "`messages` has a reducer that adds",
        ),
        NearMiss(
            code("""
            def answer(state):
                user = dict(state["user"])
                user["turns"] += 1
                user["files"].append(state["file"])
                return {"messages": ["I have your file."], "user": user}
            """),
            "A copy of a dictionary holds the same list",
        ),
        NearMiss(
            code("""
            def answer(state):
                user = state["user"]
                files = [*user["files"], state["file"]]
                return {
                    "messages": ["I have your file."],
                    "user": {"turns": user["turns"] + 1, "files": files},
                }
            """),
            "name is gone: `user` has no reducer",
        ),
        NearMiss(
            code("""
            def answer(state):
                user = state["user"]
                files = [*user["files"], state["file"]]
                state["messages"].append("I have your file.")
                return {
                    "messages": ["I have your file."],
                    "user": {**user, "turns": user["turns"] + 1, "files": files},
                }
            """),
            "appended in place, and the reducer added",
        ),
        NearMiss(
            code("""
            def answer(state):
                user = state["user"]
                files = [*user["files"], state["file"]]
                state["user"] = {**user, "turns": user["turns"] + 1, "files": files}
                return {"messages": ["I have your file."]}
            """),
            "which went with the node",
        ),
        NearMiss(
            code("""
            def answer(state):
                user = state["user"]
                user["turns"] += 1
                user["files"].append(state["file"])
                return {"messages": ["I have your file."], "user": user}
            """),
            "Make a new one with the change in it",
        ),
    ),
    hints=(
        "Three changes, two channels. What must be returned for a channel that adds, and what for "
        "one that is replaced?",
        '`{**user, "turns": user["turns"] + 1}` is a new dictionary, with all that the old one had.',
        'The list in it is still the old one: `"files": [*user["files"], state["file"]]` makes that '
        "new, too.",
    ),
    check=check_no_alias,
)


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
    """Raise NotYet unless the channel holds the first message and the newest three."""
    after = f"after {', '.join(said)}" if said else "before anything was said"
    if len(kept) > BUDGET:
        more = f", when an update brought {len(update)} at once" if len(update) > 1 else ""
        raise NotYet(
            f"{after} the channel held {len(kept)} messages{more}; the budget is {BUDGET}."
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
    from langgraph.graph import START, StateGraph

    chat: Any = TypedDict("chat", {"messages": Annotated[list[Any], keep]})
    builder = StateGraph(chat)
    builder.add_node("a", lambda state: {"messages": ["m4", "m5"]}).add_edge(START, "a")
    builder.add_node("b", lambda state: {"messages": ["m6", "m7"]}).add_edge(START, "b")
    builder.add_node("c", lambda state: {"messages": ["m8"]}).add_edge(["a", "b"], "c")
    kept: list[Any] = builder.compile().invoke({"messages": ["m1", "m2", "m3"]})["messages"]
    return kept


def _keep(*body: str) -> str:
    return "def keep(old, new):\n" + "".join(f"    {line}\n" for line in body)


KEEP_FOUR = Exercise(
    id="09.keep-four",
    name="keep",
    task="A channel of at most four messages: the first, and the three newest.",
    stub=_keep("return old + new"),
    solution=_keep(
        "messages = old + new",
        "return messages if len(messages) <= 4 else [messages[0], *messages[-3:]]",
    ),
    alternatives=(_keep("messages = old + new", "return messages[:1] + messages[1:][-3:]"),),
    near_misses=(
        NearMiss(_keep("return (old + new)[-4:]"), "the first message is gone"),
        NearMiss(_keep("return (old + new)[:4]"), "the newest message is gone"),
        NearMiss(
            _keep("messages = old + new", "return [messages[0], *messages[-3:]]"),
            "is there twice",
        ),
        NearMiss(
            _keep("return [old[0], *(old[1:] + new)[-3:]]"), "A channel begins with an empty list"
        ),
        NearMiss(
            _keep("old += new", "return old if len(old) <= 4 else [old[0], *old[-3:]]"),
            "changed `old` in place",
        ),
        NearMiss(
            _keep("if len(old) < 4:", "    return old + new", "return [old[0], *(old + new)[-3:]]"),
            "at once; the budget is 4",
        ),
    ),
    hints=(
        "Put the two lists together first, in a new list. What is too much is easier to see then.",
        "With four or fewer there is nothing to do.",
        "With more: `[messages[0], *messages[-3:]]`.",
    ),
    check=check_keep_four,
)


# --- Exercise 3: a secret that leaves no trace ------------------------------------------------

ShopNodes = Callable[[Callable[[], str], Callable[[str], str]], list[Node]]
PASSWORD = "hunter2"
ANSWER = "it is on its way"
THREAD = {"configurable": {"thread_id": "ada"}}


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


def session_class() -> Any:
    """The state of the exercise's graph."""
    from langgraph.channels import EphemeralValue, UntrackedValue

    class Session(TypedDict, total=False):
        question: str
        answer: str
        note: Annotated[Any, EphemeralValue]
        password: Annotated[Any, UntrackedValue]

    return Session


def shop_graph(nodes: list[Node], saver: Any) -> Any:
    """The reader's nodes in a row, stopping after each."""
    from langgraph.graph import START, StateGraph

    builder: Any = StateGraph(session_class())
    names = [f"node {number}" for number in range(1, len(nodes) + 1)]
    builder.add_sequence(list(zip(names, nodes, strict=True)))
    builder.add_edge(START, names[0])
    return builder.compile(checkpointer=saver, interrupt_after=names)


def check_no_trace(shop_nodes: ShopNodes) -> str:
    """Run the nodes one at a time, each in a graph of its own on one saver; then search it."""
    from langgraph.checkpoint.memory import InMemorySaver

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
        return f"{what} An untracked value is gone by then."
    return f"{what} What the node before left in a variable was in another process."


def judge_asked(asked: list[Any]) -> None:
    """Raise NotYet unless the shop was asked, with the password."""
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
    """Raise NotYet when the password's bytes are in the saver."""
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


def _shop(*body: str) -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in body)
    return f"def shop_nodes(fetch, ask):\n{lines}"


def _two(first: str, second: str, *before: str) -> str:
    return _shop(
        *before,
        *("def log_in(state):", f"    {first}", ""),
        *("def order(state):", f"    {second}", ""),
        "return [log_in, order]",
    )


NO_TRACE = Exercise(
    id="09.no-trace",
    name="shop_nodes",
    task="Ask the shop with the password, whenever the run is cut, and leave no trace of it.",
    stub=_two('return {"password": fetch()}', 'return {"answer": ask(state["password"])}'),
    solution=_shop(
        *("def order(state):", '    return {"answer": ask(fetch())}', "", "return [order]")
    ),
    alternatives=(
        _two(
            'return {"note": "logged in"}', 'password = fetch(); return {"answer": ask(password)}'
        ),
    ),
    near_misses=(
        NearMiss(
            _two('return {"answer": fetch()}', 'return {"answer": ask(state["answer"])}'),
            "in the channel `answer`: a channel is saved",
        ),
        NearMiss(
            _two('return {"note": fetch()}', 'return {"answer": ask(state["note"])}'),
            "in the channel `note`",
        ),
        NearMiss(
            _two("kept.append(fetch())", 'return {"answer": ask(kept[0])}', *("kept = []", "")),
            "was in another process",
        ),
        NearMiss(
            _two('return {"password": fetch()}', 'return {"answer": ask(state.get("password"))}'),
            "Untracked values and a node's variables",
        ),
        NearMiss(
            _shop("def order(state):", "    ask(fetch())", "", "return [order]"),
            "the channel `answer` holds None",
        ),
    ),
    hints=(
        "Which values of a node are never saved, whatever the state's class says?",
        "Section 4: its locals.",
        "The node that needs the password fetches it: `ask(fetch())`.",
    ),
    check=check_no_trace,
)

EXERCISES = (NO_ALIAS, KEEP_FOUR, NO_TRACE)

CATCH_UP = CatchUp(
    say=(
        "A parameter is one more name for the caller's object; rebinding it changes nothing.",
        "`append` changes an object for everybody who has it; `[*old, new]` makes another.",
        "A frame's locals die when the function returns, unless something else leads to them.",
        "A journal keeps the state after each step, and only what a step returned is in it.",
    ),
    source="""import operator
import threading
from typing import Annotated, TypedDict

from langgraph.errors import InvalidUpdateError
from langgraph.graph import START, StateGraph


class Chat(TypedDict):
    messages: list


class Log(TypedDict):
    messages: Annotated[list, operator.add]


class Upload:
    def __init__(self, name):
        self.name = name
""",
    names=("Chat", "Log", "Upload"),
)
