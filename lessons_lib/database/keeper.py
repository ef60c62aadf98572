"""The process that keeps a Postgres for another one, and ends it when that one is gone.

It is started by `server.py` with a pipe, alone and with the standard library only. It makes a
folder, puts a database cluster into it, and starts the program `postgres` as its own child. Then it
reads its pipe, line by line, until the end: which comes when the other closes it, ends, or is
killed, since the system closes the files of a dead process. Nothing is left then: no process, no
folder. Only who kills this process, too, leaves something behind.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

PATIENCE = 30.0  # seconds for a start, or an end
LONGEST_SOCKET = 90  # bytes of a folder's path; the system allows 107 with the socket's name
OURS = "lessons-postgres-"
PORT = 5432  # only a name here: the socket lies in a folder of its own
SETTINGS = {
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # in the cluster's folder, so that nothing else is left
    "listen_addresses": "",
    "max_connections": "60",
    "jit": "off",
}
if sys.platform == "linux":  # after a kill: all the disk has not, at once, not file by file
    SETTINGS["recovery_init_sync_method"] = "syncfs"


class Failed(Exception):
    """Postgres does not start; the sentence says why."""


class Cluster:
    """A database cluster in a folder of its own, and the server on it."""

    def __init__(self, package: Path) -> None:
        self.folders = [Path(tempfile.mkdtemp(prefix=OURS))]
        self.data = self.folders[0] / "data"
        self.log = self.folders[0] / "log"
        self.bin = package / "pginstall18" / "bin"
        self.user: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        if os.name != "nt" and os.geteuid() == 0:
            self._step_down(package)
        self.door = self._door()
        self._run(self._program("initdb"), "-D", str(self.data), *self._initially())

    def start(self) -> dict[str, Any]:
        """Start the server, and say where it is when it can be asked."""
        command = [self._program("postgres"), "-D", str(self.data), *self._options()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._manners()
            )
        end = time.monotonic() + PATIENCE
        while not self._ready(self.process.pid):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(_last_line(self.log))
            time.sleep(0.005)
        return {"pid": self.process.pid, "data": str(self.data), "uri": self.address()}

    def address(self) -> str:
        """What a client connects to."""
        secret = f":{self.door['password']}" if "password" in self.door else ""
        where = f"host={quote(self.door['host'], safe='')}&port={self.door['port']}"
        return f"postgresql://postgres{secret}@/postgres?{where}"

    def wait(self) -> dict[str, Any]:
        """Wait for a server that was killed: until then, it cannot be started again."""
        if self.process:
            self.process.wait(PATIENCE)
        return {}

    def end(self) -> None:
        """Stop the server without ceremony, and remove the folder."""
        if self.process and self.process.poll() is None:
            if os.name == "nt":
                self._run(self._program("pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop")
            else:
                self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _program(self, name: str) -> str:
        return str(self.bin / (f"{name}.exe" if os.name == "nt" else name))

    def _step_down(self, package: Path) -> None:
        """Root may not run Postgres: `nobody` does it, and no folder is opened to him."""
        import pwd

        nobody = pwd.getpwnam("nobody")
        if not _open_to_all(self.folders[0].parent):
            self.folders.append(Path(tempfile.mkdtemp(prefix=OURS, dir="/tmp")))
            self.data = self.folders[-1] / "data"
        home = self.data.parent
        if not _open_to_all(package):
            _lay_out(package, home / package.name)
            beside = package.with_name(f"{package.name}.libs")
            if beside.is_dir():
                _lay_out(beside, home / beside.name)
            self.bin = home / package.name / "pginstall18" / "bin"
        self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.data.mkdir(mode=0o700)
        home.chmod(0o711)  # a folder that is ours; what is in it stays shut
        os.chown(self.data, nobody.pw_uid, nobody.pw_gid)

    def _door(self) -> dict[str, Any]:
        """Where to knock: a socket in a folder that is shut to others; on Windows a port."""
        if os.name == "nt":
            import secrets
            import socket

            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            return {"host": "127.0.0.1", "port": port, "password": secrets.token_urlsafe(16)}
        folder = self.data
        # to a client, a comma ends the first of several hosts
        if len(os.fsencode(folder)) > LONGEST_SOCKET or "," in str(folder):
            folder = Path(tempfile.mkdtemp(prefix=OURS, dir="/tmp"))
            self.folders.append(folder)
            if self.user:
                os.chown(folder, self.user["user"], self.user["group"])
        return {"host": str(folder), "port": PORT}

    def _initially(self) -> list[str]:
        said = [
            "--username=postgres",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "--wal-segsize=1",
        ]
        if "password" not in self.door:
            return [*said, "--auth=trust"]
        secret = self.folders[0] / "password"
        secret.write_text(self.door["password"], encoding="utf-8")
        return [*said, "--auth=scram-sha-256", f"--pwfile={secret}"]

    def _options(self) -> list[str]:
        settings = dict(SETTINGS)
        if "password" in self.door:
            settings["listen_addresses"] = self.door["host"]
        else:
            # quoted, since a comma or a space would end it
            settings["unix_socket_directories"] = '"' + self.door["host"].replace('"', '""') + '"'
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return ["-p", str(self.door["port"]), *chosen]

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _manners(self) -> dict[str, Any]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {"cwd": self.data.parent, "env": env, **self.user}

    def _run(self, *command: str) -> None:
        how = {**self._manners(), "stdin": subprocess.DEVNULL, "timeout": PATIENCE}
        ended = subprocess.run(command, capture_output=True, check=False, **how)
        if ended.returncode:
            lines = ended.stderr.decode(errors="replace").split("\n")
            raise Failed(next((line for line in lines if "error:" in line), lines[0]))


class Standby(Cluster):
    """A copy of a running cluster, in the same folder, whose server is told every change."""

    def __init__(self, first: Cluster) -> None:
        self.data = first.data.with_name("standby")
        self.folders = [self.data]
        self.log = first.log.with_name("log of the standby")
        self.bin, self.user, self.process = first.bin, first.user, None
        self.data.mkdir(mode=0o700)
        if self.user:
            os.chown(self.data, self.user["user"], self.user["group"])
        self.door = self._door()
        if "password" in first.door:  # it is in the copy
            self.door["password"] = first.door["password"]
        how = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        where = ["--dbname", first.address(), "-D", str(self.data)]
        self._run(self._program("pg_basebackup"), *how, *where)
        for lock in self.data.glob(".s.PGSQL.*"):  # the first one's, copied with the rest
            lock.unlink()


class Guest:
    """A database of our own on somebody's server, dropped at the end."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self.name = name

    def start(self) -> dict[str, Any]:
        """Make the database."""
        from psycopg.conninfo import make_conninfo

        self._do("CREATE DATABASE {}")
        return {"uri": make_conninfo(self.address, dbname=self.name)}

    def end(self) -> None:
        """Drop it, whoever is still in it."""
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(self.address, autocommit=True, connect_timeout=10) as connection:
                connection.execute(sql.SQL(statement).format(sql.Identifier(self.name)))
        except psycopg.Error as error:
            raise Failed(str(error).splitlines()[0]) from None


def _open_to_all(path: Path) -> bool:
    """Whether anybody may pass through to a path."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


def _lay_out(package: Path, target: Path) -> None:
    """Put the programs where anybody may run them: as links, which take no room, or as copies."""
    leave_out = shutil.ignore_patterns("include", "*.a", "pginstall", "__pycache__")
    shutil.copytree(package, target, ignore=leave_out, copy_function=_link)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)


def _link(source: str, target: str) -> None:
    mode = os.stat(source).st_mode
    try:
        if mode & stat.S_IROTH:
            os.link(source, target)
            return
    except OSError:  # another disk
        pass
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if mode & stat.S_IXUSR else 0o644)


def _last_line(log: Path) -> str:
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in said if "FATAL" in line), said[-1] if said else "it said nothing")


def _answer(ask: Callable[[], dict[str, Any]]) -> None:
    try:
        told = ask()
    except (Failed, OSError, KeyError, subprocess.SubprocessError) as error:
        told = {"failed": str(error).strip() or type(error).__name__}
    print(json.dumps(told), flush=True)


def main(kind: str, *words: str) -> None:
    """Keep a server until standard input ends; each line of it asks for something."""
    if os.name != "nt":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    kept: list[Cluster | Guest] = []

    def start() -> dict[str, Any]:
        if not kept:
            kept.append(Cluster(Path(words[0])) if kind == "cluster" else Guest(*words))
        return kept[0].start()

    def standby() -> dict[str, Any]:
        first = kept[0]
        assert isinstance(first, Cluster)
        while kept[1:]:
            kept.pop().end()
        kept.append(Standby(first))
        return kept[-1].start()

    asks = {
        "start": start,
        "wait": lambda: kept[0].wait(),  # type: ignore[union-attr]
        "standby": standby,
    }
    try:
        for line in sys.stdin:
            _answer(asks[line.strip()])
    except BrokenPipeError:
        pass
    finally:
        for one in reversed(kept):
            one.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
