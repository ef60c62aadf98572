"""Lesson 01, names and objects: its questions, exercises and their checks."""

import gc
from collections.abc import Callable
from typing import Any

from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question, code

QUESTIONS = (
    Question(
        "01.recall-sent",
        "From lesson 00. A bot answers “your name is Ada”. Who remembered the name?",
        (
            Option(
                "The language model",
                "No. A model is a function of what it is sent. It knows nothing between two calls.",
            ),
            Option(
                "The program that sent the earlier messages along",
                "Right. Somebody held the messages, and sent them again.",
                right=True,
            ),
            Option(
                "The name itself, which is a variable",
                "No. A variable remembers nothing either, as this lesson will show.",
            ),
        ),
    ),
    Question(
        "01.recall-killed",
        "From lesson 00. A bot keeps its conversations in a dict and is killed with `kill -9`. "
        "What is left of them?",
        (
            Option(
                "Nothing",
                "Right. The dict and all it led to were memory of the process, and went with it.",
                right=True,
            ),
            Option(
                "What was said before the last turn",
                "No. A dict has no earlier states to fall back on, and nothing wrote it down.",
            ),
            Option(
                "Everything, if the bot is started again soon",
                "No. A new process starts with empty memory, however soon it starts.",
            ),
        ),
    ),
    Question(
        "01.backup",
        'After `history = ["I am Ada."]`, `backup = history` and `history.append("I moved.")`: '
        "what is in `backup`?",
        (
            Option(
                "One message: it was made before the append",
                "No. Nothing was made. `backup = history` copies no list.",
            ),
            Option(
                "Two messages",
                "Right. There is one list. It has two names, and both show the change.",
                right=True,
            ),
            Option(
                "Nothing: the list has moved to the other name",
                "No. An assignment takes nothing away from the name on its right.",
            ),
        ),
    ),
    Question(
        "01.rebind",
        'Now with `history = history + ["I moved."]` in place of the append. What is in `backup`?',
        (
            Option(
                "One message",
                "Right. `+` made another list and `=` moved one name to it. `backup` stayed.",
                right=True,
            ),
            Option(
                "Two messages: it is the same list under two names",
                "No. It was. Then the name `history` moved to the list that `+` had made.",
            ),
            Option(
                "An error: a list cannot be assigned to itself",
                "No. The right-hand side is worked out first, and only then is the name bound.",
            ),
        ),
    ),
    Question(
        "01.argument",
        "`trim(messages)` runs `messages = messages[-2:]`. `cut(messages)` runs "
        "`del messages[:-2]`. Each is called with `history`. Which of them shortens it?",
        (
            Option(
                "Both: they were handed the list",
                "No. They were handed the list, but `trim` changes nothing about it.",
            ),
            Option(
                "Neither: a function works on its own copy",
                "No. A call copies no argument. It gives the object one more name.",
            ),
            Option(
                "Only `trim`",
                "No. It moves its own name to a new list, which goes away with the call.",
            ),
            Option(
                "Only `cut`",
                "Right. It changes the object. `trim` moves a name that nobody else can see.",
                right=True,
            ),
        ),
    ),
    Question(
        "01.copy",
        "A list holds one message, a dict. You make a shallow and a deep copy of the list. Then a "
        "second message is appended to the original, and the text of the first is replaced by "
        "`(removed)`. What does the shallow copy show?",
        (
            Option(
                "One message, as it was",
                "No. That is the deep copy. The shallow one shares the message.",
            ),
            Option(
                "One message, `(removed)`",
                "Right. The list is its own and has no second message; what is in it is shared.",
                right=True,
            ),
            Option(
                "Two messages, the first one `(removed)`",
                "No. That is the original. The copy has a list of its own.",
            ),
        ),
    ),
    Question(
        "01.scope",
        "At the top stands `turns = 0`. A function `count` runs `turns += 1`, with no declaration. "
        "What does the call do?",
        (
            Option(
                "It makes the global `turns` 1",
                "No. An assignment makes the name local, unless it is declared `global`.",
            ),
            Option(
                "It makes a local `turns` that is 1",
                "No. `+=` has to read the name first, and the local one has no value to read.",
            ),
            Option(
                "It raises `UnboundLocalError`",
                "Right. The name is local in the whole body, and is read before it has a value.",
                right=True,
            ),
        ),
    ),
    Question(
        "01.identity",
        "`a = 1000` in one cell and `b = 1000` in another. What does Python promise about `a is b`?",
        (
            Option(
                "That it is true: equal numbers are one object",
                "No. Equal means `==`. Nothing says that Python keeps one object for both.",
            ),
            Option(
                "That it is false: only small numbers are shared",
                "No. You may well see False. That CPython keeps one object for small numbers is its "
                "habit, and which numbers are small is not in the language.",
            ),
            Option(
                "Neither",
                "Right. It may change with the version and with what was compiled together.",
                right=True,
            ),
        ),
    ),
)


# --- Exercise 1: every conversation begins empty ------------------------------------------------


def check_say(say: Callable[..., Any]) -> str:
    """Prove that new conversations are apart and that a given one is continued, even when empty."""
    first, second = say("I am Ada."), say("I am Bob.")
    if not isinstance(first, list):
        raise NotYet(f"a new conversation came back as {first!r}, expected a list: {_RETURN}")
    if first is second:
        raise NotYet(_one_list_for_all(say))
    if (first, second) != (["I am Ada."], ["I am Bob."]):
        raise NotYet(
            f"two new conversations hold {first!r} and {second!r}; each should hold its own text."
        )
    _continues(say, ["I am Ada."])
    _continues(say, [])
    return "new conversations are apart, and a given one is continued, the empty one too."


def _one_list_for_all(say: Callable[..., Any]) -> str:
    kept = getattr(say, "__defaults__", None) or ()
    if any(isinstance(value, list) for value in kept):
        return (
            "two new conversations are one list. The default value is made once, when the `def` "
            "runs, whether you write `[]` or `list()` there."
        )
    return "two new conversations are one list, which something outside the call keeps."


_RETURN = "return the conversation. (`append` changes the list and returns None.)"


def _continues(say: Callable[..., Any], given: list[str]) -> None:
    """A given history gets the new text, and is what comes back."""
    before = list(given)
    got = say("I moved.", given)
    if not isinstance(got, list):
        raise NotYet(f"a history {before!r} was given, and {got!r} came back: {_RETURN}")
    if got is given and given == [*before, "I moved."]:
        return
    if got is given:
        raise NotYet(f"a history {before!r} was given, and came back as {given!r}.")
    if not before:
        raise NotYet(
            "an empty history was given and not continued. An empty list counts as false, "
            "so `or` and `if not` take it for a missing one. Ask whether it `is None`."
        )
    if got == ["I moved."]:
        raise NotYet("a history was given and left aside: every call begins a new one.")
    raise NotYet(
        "a history was given, and what came back is another list that looks like it. Anyone who "
        "holds the given one will miss the new text. Change the object, do not move the name."
    )


SAY = Exercise(
    id="01.say",
    name="say",
    task="Begin a new conversation when no history is given; continue the one that is.",
    stub=code("""
            def say(text, history=[]):
                history.append(text)
                return history
            """),
    solution=code("""
            def say(text, history=None):
                if history is None:
                    history = []
                history.append(text)
                return history
            """),
    alternatives=(
        code("""
            NEW = object()


            def say(text, history=NEW):
                history = [] if history is NEW else history
                history += [text]
                return history
            """),
        code("""
            def say(text, *given):
                history = given[0] if given else []
                history.append(text)
                return history
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def say(text, history=list()):
                history.append(text)
                return history
            """),
            "is made once",
        ),
        NearMiss(
            code("""
            def say(text, history=None):
                history = history or []
                history.append(text)
                return history
            """),
            "counts as false",
        ),
        NearMiss(
            code("""
            def say(text, history=[]):
                return history + [text]
            """),
            "another list that looks like it",
        ),
        NearMiss(
            code("""
            def say(text, history=None):
                history = []
                history.append(text)
                return history
            """),
            "left aside",
        ),
    ),
    hints=(
        "How often is the `[]` in the first line evaluated?",
        "Use a default that cannot be changed, and make the list inside the call.",
        "`if history is None: history = []`. Ask for `None` and not for emptiness.",
    ),
    check=check_say,
)


# --- Exercise 2: a snapshot with a budget -------------------------------------------------------


class Upload:
    """A stand-in for a user's file, whose copies the check counts."""

    def __init__(self, name: str) -> None:
        self.name = name


def a_conversation() -> list[dict[str, Any]]:
    """Three messages, two of them with a file."""
    return [
        {"text": "I am Ada.", "feedback": [], "file": None},
        {"text": "My CV.", "feedback": ["helpful"], "file": Upload("cv.pdf")},
        {"text": "My photo.", "feedback": [], "file": Upload("photo.png")},
    ]


def edit(conversation: list[dict[str, Any]]) -> None:
    """All that can happen to a conversation later."""
    conversation.append({"text": "Bye.", "feedback": [], "file": None})
    conversation[0]["text"] = "(removed)"
    conversation[1]["feedback"].append("too long")


def uploads() -> int:
    """How many uploads of this exercise are alive."""
    return sum(type(thing) is Upload for thing in gc.get_objects())


def check_snapshot(snapshot: Callable[[list[dict[str, Any]]], Any]) -> str:
    """Prove that a snapshot stays as it was, and that no upload was copied for it."""
    conversation = a_conversation()
    was = [{**m, "feedback": list(m["feedback"])} for m in conversation]
    alive = uploads()
    kept = snapshot(conversation)
    copied = uploads() - alive
    if conversation != was:
        raise NotYet("taking the snapshot changed the conversation itself. Look, do not touch.")
    edit(conversation)
    _unchanged(kept, was)
    if copied:
        raise NotYet(
            f"the snapshot stays as it was, but {copied} uploads were copied, and the budget is 0. "
            "A file never changes, so it can be shared."
        )
    for got, want in zip(kept, was, strict=True):
        if got["file"] is not want["file"]:
            raise NotYet(
                f"a file in the snapshot is {got['file']!r:.40}, expected the upload itself. It "
                "never changes, so it can be shared."
            )
    return "no later edit reaches the snapshot, and no upload was copied."


def _unchanged(kept: Any, was: list[dict[str, Any]]) -> None:
    """Raise with the first level on which a snapshot shares what was edited."""
    if not isinstance(kept, list | tuple):
        raise NotYet(f"the snapshot is a {type(kept).__name__}, expected a list of messages.")
    if len(kept) > len(was):
        raise NotYet(
            f"the snapshot has {len(kept)} messages, expected {len(was)}: a message that came "
            "later is in it. Is it a list of its own?"
        )
    if len(kept) < len(was):
        raise NotYet(f"of {len(was)} messages the snapshot has {len(kept)}. Keep everything.")
    for got, want in zip(kept, was, strict=True):
        _same_message(got, want)


def _same_message(got: dict[str, Any], want: dict[str, Any]) -> None:
    missing = [key for key in want if key not in got or (want[key] and got[key] is None)]
    if missing:
        raise NotYet(f"a message of the snapshot has lost its {missing[0]}. Keep everything.")
    if got["text"] != want["text"]:
        raise NotYet(
            f"a text in the snapshot changed to {got['text']!r}. The list is a copy, but the "
            "messages in it are the very same dicts."
        )
    if list(got["feedback"]) == want["feedback"]:
        return
    if "too long" not in got["feedback"]:
        raise NotYet(
            f"the feedback in the snapshot is {got['feedback']!r}, expected {want['feedback']!r}. "
            "Keep everything."
        )
    if got["feedback"] != want["feedback"]:
        raise NotYet(
            f"the feedback in the snapshot became {got['feedback']!r}. The list and the messages "
            "are copies; what is *in* a message is still shared."
        )


SNAPSHOT = Exercise(
    id="01.snapshot",
    name="snapshot",
    task="Return a copy that no later edit can reach, without copying an upload.",
    stub=code("""
            def snapshot(conversation):
                return conversation
            """),
    solution=code("""
            def snapshot(conversation):
                return [
                    {**message, "feedback": list(message["feedback"])}
                    for message in conversation
                ]
            """),
    alternatives=(
        code("""
            import copy


            def snapshot(conversation):
                files = [message["file"] for message in conversation]
                return copy.deepcopy(conversation, {id(file): file for file in files})
            """),
        code("""
            import copy


            def snapshot(conversation):
                kept = []
                for message in conversation:
                    others = {key: value for key, value in message.items() if key != "file"}
                    kept.append({**copy.deepcopy(others), "file": message["file"]})
                return kept
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def snapshot(conversation):
                return list(conversation)
            """),
            "the very same dicts",
        ),
        NearMiss(
            code("""
            def snapshot(conversation):
                return [dict(message) for message in conversation]
            """),
            "is still shared",
        ),
        NearMiss(
            code("""
            import copy


            def snapshot(conversation):
                return copy.deepcopy(conversation)
            """),
            "the budget is 0",
        ),
        NearMiss(
            code("""
            import copy


            def snapshot(conversation):
                for message in conversation:
                    message["file"] = None
                return copy.deepcopy(conversation)
            """),
            "changed the conversation itself",
        ),
        NearMiss(
            code("""
            def snapshot(conversation):
                return [
                    {"text": message["text"], "feedback": list(message["feedback"])}
                    for message in conversation
                ]
            """),
            "has lost its file",
        ),
        NearMiss(
            code("""
            import json


            def snapshot(conversation):
                return json.loads(json.dumps(conversation))
            """),
            "not JSON serializable",
        ),
    ),
    hints=(
        "Look at the table again. Which row is nearest to what you need, and what is missing?",
        "Three things get edited: the list, a message, a message's feedback. Copy these three.",
        'A message\'s copy with a feedback of its own: `{**message, "feedback": '
        'list(message["feedback"])}`.',
    ),
    check=check_snapshot,
)


# --- Exercise 3: a greeting for each user -------------------------------------------------------


def check_greeters(greeters: Callable[[list[str]], Any]) -> str:
    """Prove that each function greets its own user, after the list of users has changed."""
    users = ["Ada", "Bob", "Cy"]
    made = list(greeters(users))
    if len(made) != len(users) or not all(map(callable, made)):
        raise NotYet(
            f"greeters gave back {made!r:.60}; expected a function for each of {users}, "
            "to be called later."
        )
    users.clear()
    try:
        said = [greet() for greet in reversed(made)][::-1]
    except IndexError:
        raise NotYet(
            "the functions look into your list of users when they run, and it has changed by then. "
            "Keep the user, and not the way to the user."
        ) from None
    if said == ["Hello, Cy!"] * 3:
        raise NotYet(
            "all three greet the last user. They share one name, and look it up when they run, "
            "after the loop has ended. The body of a loop is no scope of its own."
        )
    if said != ["Hello, Ada!", "Hello, Bob!", "Hello, Cy!"]:
        raise NotYet(f"they said {said!r}; expected 'Hello, Ada!' from the first, and so on.")
    return "each function greets its own user, whatever became of the list."


GREETERS = Exercise(
    id="01.greeters",
    name="greeters",
    task="Return one function for each user, which greets that user.",
    stub=code("""
            def greeters(users):
                return [lambda: f"Hello, {user}!" for user in users]
            """),
    solution=code("""
            def greeter(user):
                return lambda: f"Hello, {user}!"


            def greeters(users):
                return [greeter(user) for user in users]
            """),
    alternatives=(
        code("""
            def greeters(users):
                return [lambda user=user: f"Hello, {user}!" for user in users]
            """),
        code("""
            from functools import partial


            def greeters(users):
                return [partial("Hello, {}!".format, user) for user in users]
            """),
    ),
    near_misses=(
        NearMiss(
            code("""
            def greeters(users):
                made = []
                for user in users:
                    def greet():
                        return f"Hello, {user}!"

                    made.append(greet)
                return made
            """),
            "is no scope of its own",
        ),
        NearMiss(
            code("""
            def greeters(users):
                return [f"Hello, {user}!" for user in users]
            """),
            "to be called later",
        ),
        NearMiss(
            code("""
            def greeters(users):
                return [lambda n=n: f"Hello, {users[n]}!" for n in range(len(users))]
            """),
            "the way to the user",
        ),
        NearMiss(
            code("""
            def greeters(users):
                return [lambda user: f"Hello, {user}!" for user in users]
            """),
            "missing 1 required positional argument",
        ),
    ),
    hints=(
        "How many names `user` are there when the functions run?",
        "Every *call* of a function makes a scope of its own. A loop makes none.",
        "Write a function `greeter(user)` that returns one greeting, and call it for each user.",
    ),
    check=check_greeters,
)

EXERCISES = (SAY, SNAPSHOT, GREETERS)
CATCH_UP = CatchUp(
    say=(
        "A model remembers nothing; it knows what it is sent, and your program keeps the messages.",
        "A conversation can be a plain list, and a message a dict.",
        "What a process holds dies with it.",
    ),
    source="""import copy
import enum
import pickle
import sys

from lessons_lib.observe import Table, step, survivors


class Upload:
    \"\"\"A file that a user sent to the bot; nobody changes it.\"\"\"

    def __init__(self, name):
        self.name = name


history = ["I am Ada."]
backup = history
""",
    names=("copy", "enum", "pickle", "sys", "Table", "step", "survivors", "Upload", "history"),
)
