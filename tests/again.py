"""Run lessons again and again against their stored outputs: is a cell a matter of luck?

    python -m tests.again 20               # every lesson, twenty times
    python -m tests.again 100 04 05        # these

Two run at once, each in a process of its own with a kernel of its own. What differed is told by
cell, and how often; the exit code is 1 if anything did.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.project import ROOT, notebooks

AT_ONCE = 2
TIMEOUT = 900.0  # seconds for one lesson
_DIFFERED = re.compile(r"^(?:FAILED|ERROR) \S*?(\w+\.ipynb(?:::[\w ]+\w)?)", re.MULTILINE)


def run(lesson: Path) -> list[str]:
    """Run a lesson once; the cells that differed, or the lesson if it did not come to its end."""
    command = [sys.executable, "-m", "pytest", str(lesson), "-q", "-rfE", "--color=no"]
    command += ["--disable-plugin-autoload", "-p", "tests.front_end", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        print(f"{lesson.name} was stopped after {TIMEOUT:.0f} s", flush=True)
        return [f"{lesson.name} (stopped)"]
    if done.returncode == 0:
        return []
    print(done.stdout[-4000:] + done.stderr[-2000:], flush=True)
    return _DIFFERED.findall(done.stdout) or [f"{lesson.name} (did not run)"]


def chosen(names: Sequence[str]) -> list[Path]:
    """The lessons whose file begins with one of the names; all, if there are none."""
    return [path for path in notebooks() if not names or path.name.startswith(tuple(names))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lessons so many times; 0 when no run differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.again")
    parser.add_argument("times", type=int, help="how often each lesson is run")
    parser.add_argument("lessons", nargs="*", help="such as 04 (default: all)")
    options = parser.parse_args(arguments)
    lessons = chosen(options.lessons)
    if options.times < 1 or not lessons:
        parser.error("nothing to run: give a number from 1 up, and lessons that there are")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(run, lessons * options.times))
    cells = Counter(cell for differed in found for cell in differed)
    differing = sum(map(bool, found))
    print(f"{len(found)} runs of {len(lessons)} lessons, {AT_ONCE} at once: {differing} differed.")
    for cell, often in cells.most_common():
        print(f"  {cell}: {often} of {options.times}")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
