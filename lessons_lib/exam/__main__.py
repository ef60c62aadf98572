"""The command: `python3 -m lessons_lib exam [names]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from lessons_lib.exam import exam
from lessons_lib.exam.candidates import ALL, candidates


def main(names: Sequence[str]) -> int:
    """Put the exam to the memories named (or all there are), saying how far it is."""
    left_out: list[str] = []
    try:
        makes = candidates(names or ALL, tell=left_out.append)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not makes:
        print(*left_out, file=sys.stderr)
        return 1
    # At a terminal one line is renewed, in a log each question has its own.
    tell = None if sys.stderr.isatty() else partial(print, file=sys.stderr, flush=True)
    report = exam(named=makes, tell=tell)
    print(report, report.measured(), *left_out, sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
