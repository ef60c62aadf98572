"""How long the set-up takes, for ``tests/bench.py``: ratios from one run, nothing asserted."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from lessons_lib.launch.environment import Maker, clean
from lessons_lib.launch.lab import options, read_wishes
from lessons_lib.launch.project import HERE, ROOT, Project, interpreter
from lessons_lib.launch.tell import Teller


class Pair(NamedTuple):
    """Seconds of ours and of what it is measured against."""

    ours: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.floor / self.ours

    @property
    def added(self) -> float:
        """The seconds that ours adds."""
        return self.ours - self.floor


def timed(action: Callable[[], object]) -> float:
    """The seconds that one call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def import_milliseconds(rounds: int = 15) -> Pair:
    """``import lessons_lib`` against a bare Python, in milliseconds: the medians of some rounds."""

    def start(code: str) -> float:
        return 1000 * timed(lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT))

    pairs = [(start("import lessons_lib"), start("")) for _ in range(rounds)]
    return Pair(median(ours for ours, _ in pairs), median(bare for _, bare in pairs))


def second_start(rounds: int = 3) -> Pair:
    """Until the address is printed: a second ``python3 -m lessons_lib`` against ``jupyter lab``.

    Both from the Python that runs this, so that is where the course must be set up.
    """
    base = [sys.executable, "-m"]
    mine = [*base, "lessons_lib", "--no-browser"]
    flags = options(read_wishes([]), browser=False)
    plain = [*base, "jupyterlab", *(f for f in flags if "log" not in f)]
    pairs = [(_until_open(mine), _until_open(plain)) for _ in range(rounds)]
    return Pair(median(ours for ours, _ in pairs), median(lab for _, lab in pairs))


def _until_open(command: Sequence[str]) -> float:
    """Start a JupyterLab, stop it as soon as it prints where it is; the seconds until then."""
    began = time.perf_counter()
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean(os.environ),
    )
    assert server.stdout is not None
    try:
        if not any("http://" in line for line in server.stdout):
            raise RuntimeError(f"{' '.join(command)} ended before it printed an address")
        return time.perf_counter() - began
    finally:
        server.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
        server.stdout.read()
        server.wait()


@contextmanager
def _fresh_course() -> Iterator[Project]:
    """A copy of what the set-up needs of the course, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "course")
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "lessons_lib", project.root / "lessons_lib", ignore=skip)
        shutil.copytree(ROOT / "binder", project.root / "binder")
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, project.root)
        yield project


def from_nothing(cold: bool = False) -> Pair:
    """The whole set-up with uv (fetched by pip) against ``pip install`` of the same pins.

    ``cold`` turns both caches off, as on a machine that never saw the packages. Needs the network.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    caches = {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"} if cold else {}
    with _fresh_course() as project, open(os.devnull, "w") as nowhere:
        maker = Maker(project, Teller(nowhere))
        maker.env.update(caches)
        ours = timed(lambda: maker.make(tests=False))
    with tempfile.TemporaryDirectory() as folder:
        floor = timed(lambda: _with_pip(Path(folder) / "venv", {**clean(os.environ), **caches}))
    return Pair(ours, floor)


def _with_pip(venv: Path, env: dict[str, str]) -> None:
    """What a reader would do by hand: an environment, and pip over the lock."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([base, "-m", "venv", str(venv)], check=True)
    pip = [str(interpreter(venv)), "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "-r", str(HERE.lock)], env=env, check=True, capture_output=True)


def environment_megabytes(prefix: Path = HERE.venv) -> float:
    """The size of an environment on disk, links counted once."""
    seen: dict[tuple[int, int], int] = {}
    for path in prefix.rglob("*"):
        status = path.lstat()
        seen[(status.st_dev, status.st_ino)] = status.st_size
    return sum(seen.values()) / 1_000_000


if __name__ == "__main__":
    print("import, ms:", import_milliseconds())
    print("second start, s:", second_start())
    for cold in (False, True):
        pair = from_nothing(cold)
        print("from nothing,", "cold:" if cold else "warm:", pair, f"{pair.ratio:.1f} x")
