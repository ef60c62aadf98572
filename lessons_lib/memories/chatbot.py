"""The support chatbot: a model by rules, and what every memory around it has in common.

The model is a pure function of the messages it is *sent*. It holds nothing between two calls, as no
language model does: whatever it seems to remember, a memory has sent to it again.

Every memory takes a turn with `say`, shows a conversation with `messages` (the oldest first), and
lets go of files and connections with `close`: what was written stays. Who speaks (`user`) makes no
difference, unless a memory says so. Some can do more, under the same name wherever it is found, and
there only what is special about it is said:

- `resume(conversation)` finishes a turn that was cut off, and returns its answer
- `work(steps, conversation=…)` takes a turn of several named steps, in order, and returns what
  those done now have said; called again after a kill, it does those that were not done yet
- `back(turns, conversation=…)` takes the last turns back
- `forget(conversation)` forgets a conversation

Where there is no turn to finish, or no step to do, they raise ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NotRequired, TypedDict


class File(TypedDict):
    """A file the user uploaded, as text."""

    name: str
    content: str


class Message(TypedDict):
    """One message of a conversation: plain data, so that it can be stored anywhere."""

    role: Literal["user", "assistant", "system"]
    content: str
    file: NotRequired[File]


Upload = tuple[str, str]
"""A file that comes with a turn: its name and its text."""
Model = Callable[[Sequence[Message]], str]
Step = Callable[[], str]
"""A step of a longer turn: does something in the world, and says what it did."""


def reply(messages: Sequence[Message]) -> str:
    """Answer the last message from nothing but the messages given.

    >>> told = heard("My name is Ada.")
    >>> reply([told, heard("What is my name?")])
    'Your name is Ada.'
    >>> reply([heard("What is my name?")])
    'You have not told me your name.'

    A system message is what a memory knows of the user from elsewhere:

    >>> reply([known("My name is Ada."), heard("What is my name?")])
    'Your name is Ada.'

    Raises ValueError when there is no message to answer.
    """
    if _ear is not None:
        _ear(messages)
    if not messages or messages[-1]["role"] != "user":
        raise ValueError("there is no message to answer: the last one sent must be the user's")
    # What it said itself tells it nothing: it would take its own words for the user's.
    *before, last = [message for message in messages if message["role"] != "assistant"]
    for asked, answer in _ANSWERS:
        if re.search(asked, last["content"], re.IGNORECASE):
            return answer(before)
    return _acknowledge(last, sum(message["role"] == "user" for message in messages))


_ear: Callable[[Sequence[Message]], None] | None = None


def overhear(ear: Callable[[Sequence[Message]], None] | None) -> None:
    """Have `ear` called with whatever this process sends to `reply`, before it answers.

    This is how the memory exam sees what a memory sends, and stops it in the middle of a turn.

    >>> overhear(lambda messages: print(len(messages), "sent"))
    >>> reply([heard("Hello")])
    1 sent
    'I see. That was your message number 1.'
    >>> overhear(None)
    """
    global _ear
    _ear = ear


def _said_first(before: Sequence[Message]) -> str:
    said = [message["content"] for message in before if message["role"] == "user"]
    return f"You said: {said[0]}" if said else "You have not said anything yet."


def _name(before: Sequence[Message]) -> str:
    names = [found[1] for message in before if (found := _NAME.search(message["content"]))]
    return f"Your name is {names[-1]}." if names else "You have not told me your name."


def _file(before: Sequence[Message]) -> str:
    files = [message["file"] for message in before if "file" in message]
    if not files:
        return "You have not sent me a file."
    return f"Your file {files[-1]['name']} says: {files[-1]['content']}"


def _feedback(before: Sequence[Message]) -> str:
    given = [found for message in before if (found := _FEEDBACK.search(message["content"]))]
    if not given:
        return "You have not told me."
    return "You said it was not helpful." if given[-1]["not"] else "You said it was helpful."


def _acknowledge(message: Message, number: int) -> str:
    if "file" in message:
        return f"I have read {message['file']['name']}."
    if told := _NAME.search(message["content"]):
        return f"Hello, {told[1]}."
    if _FEEDBACK.search(message["content"]):
        return "Thank you for telling me."
    return f"I see. That was your message number {number}."


_NAME = re.compile(r"\bmy name is (\w[\w'-]*)", re.IGNORECASE)
_FEEDBACK = re.compile(r"\bthat was (?P<not>not )?helpful", re.IGNORECASE)

_ANSWERS: tuple[tuple[str, Callable[[Sequence[Message]], str]], ...] = (
    (r"what(?:'s| is) my name", _name),
    (r"what did i say first", _said_first),
    (r"what (?:was|is) in my file", _file),
    (r"was that helpful", _feedback),
)


def heard(text: str, file: Upload | None = None) -> Message:
    """Make the message of a user's turn.

    >>> heard("Here it is.", ("cv.pdf", "Ada, engineer"))["file"]
    {'name': 'cv.pdf', 'content': 'Ada, engineer'}

    Raises ValueError when the text is empty or the file is not a pair of texts.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the text is {text!r}: say something, as in bot.say('Hello')")
    message = Message(role="user", content=text)
    if file is not None:
        pair = tuple(file) if isinstance(file, (tuple, list)) else ()
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair) or not pair[0]:
            raise ValueError(
                f"the file is {file!r}: give its name and its text, as in ('cv.pdf', 'Ada, "
                "engineer')"
            )
        message["file"] = File(name=pair[0], content=pair[1])
    return message


def answered(text: str) -> Message:
    """Make the message of the chatbot's turn."""
    return Message(role="assistant", content=text)


def known(text: str) -> Message:
    """Make the message with which a memory tells the model what it knows from elsewhere."""
    return Message(role="system", content=text)


def lasting(text: str) -> bool:
    """Whether a text tells something about the user that outlasts a conversation: the name.

    >>> lasting("My name is Ada."), lasting("My printer smokes.")
    (True, False)
    """
    return _NAME.search(text) is not None


def take_turn(messages: list[Message], text: str, file: Upload | None, model: Model) -> str:
    """Add the user's message and the model's answer to a conversation; return the answer.

    >>> conversation: list[Message] = []
    >>> take_turn(conversation, "My name is Ada.", None, reply)
    'Hello, Ada.'
    >>> [message["role"] for message in conversation]
    ['user', 'assistant']
    """
    messages.append(heard(text, file))
    answer = model(list(messages))  # a copy: another turn may add to them while the model thinks
    messages.append(answered(answer))
    return answer


def step_due(name: str, steps: Mapping[str, Step] | None) -> Step:
    """Return the step of a longer turn that is due, or raise ValueError when it was not given."""
    if not steps or name not in steps:
        given = ", ".join(steps or ()) or "none"
        raise ValueError(f"step {name!r} is left to do, the steps given are {given}: give it")
    return steps[name]


def checked_folder(folder: Path | str) -> Path:
    """Return a folder, made if it is missing, or raise ValueError when it can be none."""
    try:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
    except (TypeError, ValueError, FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"the folder is {folder!r}, which can be none ({error}): give the path of a folder"
        ) from None
    return path


def checked_user(user: str) -> str:
    """Return a user's name, or raise ValueError when it is no non-empty text."""
    if not isinstance(user, str) or not user:
        raise ValueError(f"the user is {user!r}: give their name or id, as in 'ada'")
    return user


def checked_id(conversation: str) -> str:
    """Return a conversation's id, or raise ValueError when it is no non-empty text."""
    if not isinstance(conversation, str) or not conversation:
        raise ValueError(f"the conversation is {conversation!r}: give its id, as in 'c1'")
    return conversation
