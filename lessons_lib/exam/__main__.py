"""The command: `python3 -m lessons_lib exam [names]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lessons_lib.exam import exam
from lessons_lib.exam.candidates import ALL, candidates


def main(names: Sequence[str]) -> int:
    """Put the exam to the memories named (or all there are), saying how far it is."""
    try:
        makes = candidates(names or ALL)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    live = sys.stderr.isatty()
    report = exam(named=makes, tell=None if live else _line)
    if live:
        print("\r\033[K", end="", file=sys.stderr)
    print(report, report.measured(), sep="\n\n")
    return 0


def _line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
