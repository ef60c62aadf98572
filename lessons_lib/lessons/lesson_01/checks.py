"""What judges the exercises of lesson 01, Names and objects."""

from collections.abc import Callable
from typing import Any, ClassVar

from lessons_lib.lessons.shared import Upload
from lessons_lib.teach.model import NotYet

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


# --- Exercise 2: a snapshot with a budget -------------------------------------------------------


class CountedUpload(Upload):
    """An upload that counts how many were ever made, by a call or as a copy."""

    made: ClassVar[int] = 0

    def __new__(cls, *_args: object) -> "CountedUpload":
        """Count one more: copying and unpickling come by here as well."""
        cls.made += 1
        return super().__new__(cls)


def a_conversation() -> list[dict[str, Any]]:
    """Three messages, two of them with a file."""
    return [
        {"text": "I am Ada.", "feedback": [], "file": None},
        {"text": "My CV.", "feedback": ["helpful"], "file": CountedUpload("cv.pdf")},
        {"text": "My photo.", "feedback": [], "file": CountedUpload("photo.png")},
    ]


def edit(conversation: list[dict[str, Any]]) -> None:
    """All that can happen to a conversation later."""
    conversation.append({"text": "Bye.", "feedback": [], "file": None})
    conversation[0]["text"] = "(removed)"
    conversation[1]["feedback"].append("too long")


def check_snapshot(snapshot: Callable[[list[dict[str, Any]]], Any]) -> str:
    """Prove that a snapshot stays as it was, and that no upload was copied for it."""
    conversation = a_conversation()
    was = [{**m, "feedback": list(m["feedback"])} for m in conversation]
    before = CountedUpload.made
    kept = snapshot(conversation)
    copied = CountedUpload.made - before
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


CHECKS = {
    "01.say": check_say,
    "01.snapshot": check_snapshot,
    "01.greeters": check_greeters,
}
