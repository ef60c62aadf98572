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
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

from tests.project import ROOT, notebooks

AT_ONCE = 2
TIMEOUT = 900.0  # seconds for one lesson
WIDTH = 76
# Without the plugins that only the course's own tests need.
_PYTEST = ("-m", "pytest", "-q", "-o", "addopts=--disable-plugin-autoload")
_PLUGINS = ("-p", "tests.front_end", "-p", "no:cacheprovider")
_COLOURS = re.compile(r"(?:#x1B|\x1b)\[[0-9;]*m")

Differing = dict[str, list[str]]
"""The cells that were not as stored, and for each what it was and is now."""


def run(
    lesson: Path,
    python: Path = Path(sys.executable),
    more: Sequence[str] = (),
    env: dict[str, str] | None = None,
) -> Differing:
    """Run a lesson once; in place of cells it tells why the lesson did not come to its end."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        seen = Path(folder) / "seen.xml"
        command = [str(python), *_PYTEST, *_PLUGINS, *more, f"--junitxml={seen}", str(lesson)]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=env,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return {f"stopped after {TIMEOUT:.0f} s": []}
        found = dict(_differing(ElementTree.parse(seen).getroot())) if seen.exists() else {}
    if done.returncode and not found:
        return {f"did not run: {_last(done.stdout + done.stderr)}": []}
    return found


def _differing(suite: ElementTree.Element) -> Iterator[tuple[str, list[str]]]:
    """Each cell that did not pass, from what pytest noted down."""
    for case in suite.iter("testcase"):
        said = next((one for one in case if one.tag in ("failure", "error")), None)
        if said is None:
            continue
        noted = {one.get("name"): one.get("value", "") for one in case.iter("property")}
        told = [f"now: {_last(said.text or '')}"]
        if "stored" in noted:
            old, new = where_it_differs(noted["stored"], noted["now"])
            told = [f"was: {old}", f"now: {new}"]
        yield case.get("name", ""), told


def where_it_differs(old: str, new: str) -> tuple[str, str]:
    """The first line that two outputs do not share, each cut to a screen's width.

    >>> where_it_differs("1\\n2\\n", "1\\n3\\n")
    ('2', '3')
    """
    for pair in zip_longest(old.splitlines(), new.splitlines(), fillvalue="(no line)"):
        if pair[0] != pair[1]:
            break
    else:
        return "(blanks)", "(blanks)"
    at = next((n for n, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
    start = max(0, at - WIDTH // 3) if max(map(len, pair)) > WIDTH else 0
    cut = [("…" if start else "") + line[start : start + WIDTH] for line in pair]
    return cut[0], cut[1]


def _last(text: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", text).splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing was said"


def told(found: Differing) -> str:
    """The cells that differed, a few lines for each."""
    lines = [[f"  {cell}", *(f"    {line}" for line in what)] for cell, what in found.items()]
    return "\n".join(line for cell in lines for line in cell)


def lesson(word: str) -> Path:
    """The lesson whose file begins with a word of the command line."""
    for path in notebooks():
        if path.name.startswith(word):
            return path
    raise argparse.ArgumentTypeError(
        f"there is no lesson {word!r}: name one by its number, such as 09"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lessons so many times; 0 when no run differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.again")
    parser.add_argument("times", type=int, help="how often each lesson is run")
    parser.add_argument("lessons", nargs="*", type=lesson, help="such as 04 (default: all)")
    options = parser.parse_args(arguments)
    if options.times < 1:
        parser.error("nothing to run: give a number from 1 up")
    lessons = options.lessons or notebooks()
    cells: Counter[str] = Counter()
    differing = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = lessons * options.times
        for path, found in zip(runs, pool.map(run, runs), strict=True):
            cells.update(f"{path.name}::{cell}" for cell in found)
            differing += bool(found)
            if found:
                print(path.name, told(found), sep="\n", flush=True)
    print(f"{len(runs)} runs of {len(lessons)} lessons, {AT_ONCE} at once: {differing} differed.")
    for cell, often in cells.most_common():
        print(f"  {cell}: {often} of {options.times}")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
