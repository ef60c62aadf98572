"""A small, complete lesson that only the tests ask: two questions, three exercises, a catch-up."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from lessons_lib.teach.model import CatchUp, Exercise, NearMiss, NotYet, Option, Question


def module(number: str) -> ModuleType:
    """The module of answers for a lesson, with ids that begin with its number."""
    made: Any = ModuleType(f"lessons_lib.teach.answers.lesson_{number}")
    made.QUESTIONS = (last_reference(number), printed(number))
    made.EXERCISES = (double(number), bag(number), answer(number))
    made.CATCH_UP = CATCH_UP
    return made  # type: ignore[no-any-return]


def last_reference(number: str) -> Question:
    """A question of three options with code in them."""
    return Question(
        f"{number}.last-reference",
        "When does the `Upload` die?",
        (
            Option("when the function *returns*", "its frame goes, but the list still holds it."),
            Option("at `errors.clear()`", "nothing else leads to it.", right=True),
            Option("at `gc.collect()`", "there is **no** cycle in `a < b`."),
        ),
    )


def printed(number: str) -> Question:
    """A question with a block of code, whose options are long."""
    return Question(
        f"{number}.printed",
        "What is printed?\n\n```python\nx = [1]\nprint(x)\n```",
        (
            Option(
                "`[1]`, because a list that has been made is printed " + "long " * 30, "yes", True
            ),
            Option("nothing", "it is printed."),
        ),
    )


def _check_double(function: Any) -> str:
    if function(3) == 9:
        raise NotYet("`double(3)` is 9: that is the square. Add the number to itself.")
    for number in (0, 3, -2):
        if function(number) != 2 * number:
            raise NotYet(f"`double({number})` gave `{function(number)!r}`.")
    return "`double` doubles 0, 3 and -2."


def double(number: str) -> Exercise:
    """Write a function."""
    return Exercise(
        f"{number}.double",
        name="double",
        task="Make `double(n)` give twice its number.",
        stub="def double(number):\n    ...\n",
        solution="def double(number):\n    return number + number\n",
        alternatives=("def double(number):\n    return helper(number)\n",),
        near_misses=(
            NearMiss("def double(number):\n    return number * number\n", "the square"),
            NearMiss("def double(number):\n    return number.twice\n", "AttributeError"),
        ),
        hints=("What is twice?", "A sum of two.", "`number + number`"),
        check=_check_double,
        given="def helper(number):\n    return 2 * number\n",
    )


def _check_bag(cls: Any) -> str:
    if cls().items:
        raise NotYet("a new bag is not empty.")
    return "a new bag is empty."


def bag(number: str) -> Exercise:
    """Write a class."""
    return Exercise(
        f"{number}.bag",
        name="Bag",
        task="Make a new bag empty.",
        stub="class Bag:\n    def __init__(self):\n        self.items = [1]\n",
        solution="class Bag:\n    def __init__(self):\n        self.items = []\n",
        near_misses=(NearMiss("class Bag:\n    items = (1,)\n", "not empty"),),
        hints=("Look at `items`.", "What is in it?", "`[]`"),
        check=_check_bag,
    )


def _check_answer(value: Any) -> str:
    if value != 42:
        raise NotYet("it is the other number.")
    return "it is 42."


def answer(number: str) -> Exercise:
    """Give a value."""
    return Exercise(
        f"{number}.answer",
        name="answer",
        task="Set `answer`.",
        stub="answer = 0\n",
        solution="answer = 42\n",
        near_misses=(NearMiss("answer = 41\n", "other number"),),
        hints=("Two digits.", "The first is 4.", "42"),
        check=_check_answer,
    )


CATCH_UP = CatchUp(
    say=("A name leads to an object.", "`del` cuts a reference."),
    source="import gc\n\n\n"
    "class Upload:\n    def __init__(self, name):\n        self.name = name\n\n\n"
    "def parse(upload):\n    return Upload(upload.name)\n\n\nlimit = 3\n",
    names=("Upload", "parse", "limit"),
)
