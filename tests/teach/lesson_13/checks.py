"""What judges the sample's exercises."""

from typing import Any

from lessons_lib.teach.model import NotYet


def check_double(function: Any) -> str:
    """Write a function."""
    if function(3) == 9:
        raise NotYet("`double(3)` is 9: that is the square. Add the number to itself.")
    for number in (0, 3, -2):
        if function(number) != 2 * number:
            raise NotYet(f"`double({number})` gave `{function(number)!r}`.")
    return "`double` doubles 0, 3 and -2."


def check_bag(cls: Any) -> str:
    """Write a class."""
    if cls().items:
        raise NotYet("a new bag is not empty.")
    return "a new bag is empty."


def check_answer(value: Any) -> str:
    """Give a value."""
    if value != 42:
        raise NotYet("it is the other number.")
    return "it is 42."


CHECKS = {"13.double": check_double, "13.bag": check_bag, "13.answer": check_answer}
