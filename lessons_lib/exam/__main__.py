"""The command: `python3 -m lessons_lib exam [names]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

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
    tell = None if live else partial(print, file=sys.stderr, flush=True)
    report = exam(named=makes, tell=tell)
    if live:
        print("\r\033[K", end="", file=sys.stderr)
    print(report, report.measured(), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
