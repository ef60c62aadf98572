"""Run lessons against their stored outputs, and say of each cell that moved what it was and is.

    python -m tests.newest                     # every lesson
    python -m tests.newest 09 12               # these

`python3 -m lessons_lib newest` runs this in an environment of the newest releases. Two lessons run
at once. The exit code is 1 if a cell moved.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from tests.again import AT_ONCE, TIMEOUT, chosen
from tests.project import ROOT

WIDTH = 76
_COLOURS = re.compile(r"(?:#x1B|\x1b)\[[0-9;]*m")


def run(lesson: Path) -> list[str]:
    """Run a lesson once; a few lines for each cell that moved, none if all is as it was."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        seen = Path(folder) / "seen.xml"
        command = [sys.executable, "-m", "pytest", str(lesson), "-q", f"--junitxml={seen}"]
        # Running it again in one kernel is a matter of the lesson, and not of a release.
        command += ["-p", "tests.front_end", "-p", "no:cacheprovider", "-k", "not again"]
        # Without the plugins that only the course's own tests need.
        command += ["-o", "addopts=--disable-plugin-autoload"]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return [f"  stopped after {TIMEOUT:.0f} s"]
        found = list(moved(ElementTree.parse(seen).getroot())) if seen.exists() else []
    if done.returncode and not found:
        return [f"  did not run: {_last(done.stdout + done.stderr)}"]
    return found


def moved(suite: ElementTree.Element) -> Iterator[str]:
    """The lines for each cell that did not pass, from what pytest noted down."""
    for case in suite.iter("testcase"):
        said = next((one for one in case if one.tag in ("failure", "error")), None)
        if said is None:
            continue
        noted = {one.get("name"): one.get("value", "") for one in case.iter("property")}
        yield f"  {case.get('name')}"
        if "stored" in noted:
            old, new = where_it_differs(noted["stored"], noted["now"])
            yield f"    was: {old}"
            yield f"    now: {new}"
        else:
            yield f"    now: {_last(said.text or '')}"


def where_it_differs(old: str, new: str) -> tuple[str, str]:
    """The first line that two outputs do not share, each cut to a screen's width.

    >>> where_it_differs("1\\n2\\n", "1\\n3\\n")
    ('2', '3')
    """
    pair = _first_difference(old.splitlines(), new.splitlines())
    at = next((n for n, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
    start = max(0, at - WIDTH // 3) if max(map(len, pair)) > WIDTH else 0
    cut = [("…" if start else "") + line[start : start + WIDTH] for line in pair]
    return cut[0], cut[1]


def _first_difference(old: list[str], new: list[str]) -> tuple[str, str]:
    longer = max(len(old), len(new))
    lines = [side + ["(no line)"] * (longer - len(side)) for side in (old, new)]
    return next(
        (pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]), ("(blanks)", "(blanks)")
    )


def _last(text: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", text).splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing was said"


def main(arguments: Sequence[str]) -> int:
    """Run the lessons named, or all; 0 when no cell moved."""
    lessons = chosen(arguments)
    print(f"Running {len(lessons)} lessons, {AT_ONCE} at once …", flush=True)
    differed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for lesson, found in zip(lessons, pool.map(run, lessons), strict=True):
            differed += bool(found)
            print(f"{lesson.stem:32}{'not the same' if found else 'the same'}", flush=True)
            print(*found, sep="\n", end="\n" if found else "", flush=True)
    print(f"{len(lessons) - differed} of {len(lessons)} lessons are the same.")
    return 1 if differed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
