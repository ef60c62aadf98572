"""What the crash lab reports: the lives of a program, and what became of its moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lessons_lib.observe.pictures.style import said_of


@dataclass(frozen=True)
class Life:
    """One run of a function in a process of its own.

    `passed` are its moments in time order. Moments of threads that ran side by side have no order
    of their own: they stand in the order in which they were asked for or an earlier life passed
    them. `value` is what the function returned, `error` one sentence on what went wrong (or empty),
    `output` what it printed.
    """

    passed: tuple[str, ...]
    ended: str
    value: object = None
    error: str = ""
    output: str = ""


@dataclass(frozen=True)
class Crash:
    """The lives of a program that was killed, and what became of its moments.

    Compared by name: *redone* was passed in an earlier life and again in the last, *kept* was not
    passed again and is named in what the last life returned, *lost* is neither.
    """

    lives: tuple[Life, ...]

    @property
    def value(self) -> object:
        """What the last life returned."""
        return self.lives[-1].value

    @property
    def error(self) -> str:
        """One sentence on what went wrong in any of the lives, or an empty text."""
        return "; ".join(life.error for life in self.lives if life.error)

    @property
    def redone(self) -> tuple[str, ...]:
        """The moments of earlier lives that the last life passed again."""
        return tuple(name for name in self._earlier() if name in self.lives[-1].passed)

    @property
    def kept(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, that the last life's value names."""
        return tuple(name for name in self._gone() if name in set(_names_in(self.value)))

    @property
    def lost(self) -> tuple[str, ...]:
        """The moments of earlier lives, not passed again, of which the last life says nothing."""
        return tuple(name for name in self._gone() if name not in self.kept)

    def _earlier(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for life in self.lives[:-1] for name in life.passed))

    def _gone(self) -> tuple[str, ...]:
        return tuple(name for name in self._earlier() if name not in self.lives[-1].passed)

    def __str__(self) -> str:
        rows = [
            (f"life {number}", counted(life.passed), ending(life))
            for number, life in enumerate(self.lives, 1)
        ]
        width = max(len(passed) for _, passed, _ in rows)
        lines = [f"{life:<10}{passed:<{width}}    {end}" for life, passed, end in rows]
        lines += [f"{word:<10}{counted(names)}" for word, names in self.fates().items()]
        if self.error:
            lines.append(f"{'but':<10}{self.error}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from lessons_lib.memories.crash_lab import (
            lives,
        )  # drawing is loaded when something is drawn

        return {"text/html": lives.html(self), "text/plain": str(self)}

    def fates(self) -> dict[str, tuple[str, ...]]:
        """The three fates by name, redone, kept, lost; none when no moment was passed before."""
        if not self._earlier():
            return {}
        return {"redone": self.redone, "kept": self.kept, "lost": self.lost}


def _names_in(value: object) -> Iterator[str]:
    """Yield every text in nested lists, tuples, sets and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _names_in(key)
            yield from _names_in(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _names_in(inner)


def counted(names: Sequence[str]) -> str:
    """Join names, a repeated one once with how often.

    >>> counted(["ticket", "ticket", "mail"])
    'ticket ×2 · mail'
    """
    counts = Counter(names)
    texts = (name if times == 1 else f"{name} ×{times}" for name, times in counts.items())
    return " · ".join(texts) or "nothing"


def ending(life: Life) -> str:
    """How a life ended, with the value where it is short.

    >>> ending(Life((), "returned", 3))
    'returned 3'
    """
    value = said_of(life.value)
    short = life.ended == "returned" and life.value is not None and len(value) <= 40
    return f"{life.ended} {value}" if short else life.ended
