"""Finding the environment that the course runs in, and making or mending ``.venv``.

An environment of the reader's own that has everything is used as it is. Otherwise ``.venv`` is
made from the lock. Its stamp is written first as *being made* and last as *made*: one without a
finished stamp was left half done and is made anew.
"""

import ast
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.launch import machine
from lessons_lib.launch.alone import alone
from lessons_lib.launch.files import digest, write_whole
from lessons_lib.launch.needs import satisfied
from lessons_lib.launch.project import HERE, Project, python_version
from lessons_lib.launch.tell import Finished, PackageCount, Teller, Watch, nothing
from lessons_lib.launch.trouble import (
    ENVIRONMENT_MB,
    NEEDED_FOR_TESTS_MB,
    NEEDED_MB,
    Trouble,
    from_os_error,
    from_output,
    kind_of,
    no_venv,
)

# What the set-up fetches beside the lock; a newer major version may speak otherwise.
UV = "uv>=0.9,<1"
OWN_UV_FROM = (0, 5)
PIP_PYTHON_FROM = (22, 3)
FORMAT = 1


class Environment(NamedTuple):
    """A Python that has what the course needs; ``own`` if it is the reader's own."""

    python: Path
    prefix: Path
    own: bool


def ensure(tests: bool, tell: Teller, project: Project = HERE) -> Environment:
    """Find the environment to run in, making or mending ``.venv`` if there is none."""
    found = find(tests, project)
    if found is not None:
        return found
    with alone(project.root, lambda: tell.say("Another set-up is at work here: waiting for it.")):
        found = find(tests, project)
        if found is not None:
            return found
        try:
            return Maker(project, tell).make(tests)
        except OSError as error:
            raise from_os_error(error, project.root) from error


def find(tests: bool, project: Project = HERE) -> "Environment | None":
    """The environment that is ready for use as it is, if there is one."""
    inside = Path(sys.prefix).resolve() == project.venv.resolve()
    ours = inside and bool(read_stamp(project))
    if not ours and satisfied(tests, project.root) and not machine.misbuilt():
        return Environment(Path(sys.executable), Path(sys.prefix), own=True)
    if state(project) == "made" and _covers(read_stamp(project), wanted(project, tests)):
        return Environment(project.python, project.venv, own=False)
    return None


def wanted(project: Project, tests: bool) -> "dict[str, str]":
    """What the stamp of a ready environment holds: the digests of the pins installed in it."""
    stamp = {"lock": digest(project.lock.read_bytes())}
    if tests:
        stamp["tests"] = digest(project.test_lock.read_bytes())
    return stamp


def _covers(stamp: "Mapping[str, Any]", needed: "Mapping[str, str]") -> bool:
    return all(stamp.get(key) == value for key, value in needed.items())


def read_stamp(project: Project) -> "dict[str, Any]":
    """The stamp in ``.venv``; empty if there is none that can be read."""
    try:
        stamp = json.loads(project.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def state(project: Project = HERE) -> str:
    """Tell what ``.venv`` is: *none*, *made*, *broken* (ours, to be made anew) or *foreign*."""
    if not os.path.lexists(project.venv):
        return "none"
    stamp = read_stamp(project)
    if not stamp:
        return "broken" if _barely_begun(project.venv) else "foreign"
    here = stamp.get("format") == FORMAT and stamp.get("root") == str(project.root)
    # An update that was stopped before it changed anything leaves what was there before.
    whole = stamp.get("made") or stamp.get("touched") == contents(project)
    return "made" if here and whole and alive(project) else "broken"


def _barely_begun(venv: Path) -> bool:
    """Whether a set-up of ours was killed between the folder and its stamp."""
    return venv.is_dir() and all(path.name.endswith(".aside") for path in venv.iterdir())


def contents(project: Project) -> "list[str]":
    """What is installed in ``.venv`` beside the installers, with versions."""
    found = project.venv.glob("[Ll]ib/**/site-packages/*.dist-info")
    names = sorted(folder.name for folder in found)
    return [name for name in names if not name.startswith(("pip-", "setuptools-", "uv-"))]


def alive(project: Project) -> bool:
    """Whether the environment's Python starts and finds the course and JupyterLab in it."""
    names = ("lessons_lib", "jupyterlab")
    look = f"from importlib.util import find_spec; [find_spec(n).origin for n in {names}]"
    try:
        probe = subprocess.run(
            [str(project.python), "-I", "-c", look], capture_output=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def clean(environ: "Mapping[str, str]") -> "dict[str, str]":
    """The reader's variables without those that would lead packages past ``.venv``.

    Bytecode is written whatever the reader's setting, as uv leaves that to the first import: the
    folder is the course's own, and without it each start compiles JupyterLab once more (3 s).
    """
    past = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    past.add("PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in environ.items() if name.upper() not in past}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def own_uv() -> "Path | None":
    """The reader's own ``uv``, if it is on the path and not too old."""
    found = shutil.which("uv")
    if not found:
        return None
    try:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=20)
        version = tuple(int(part) for part in said.stdout.split()[1].split(".")[:2])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return Path(found) if version >= OWN_UV_FROM else None


def outer_pip(project: Project) -> "list[str] | None":
    """The running Python's own pip, if it can work on another environment.

    It spares the new one a pip of its own, which takes as long to put there as all the rest.
    """
    inside = Path(sys.prefix).resolve() == project.venv.resolve()
    if inside or not machine.has_module("pip"):
        return None
    version = importlib.metadata.version("pip").split(".")
    fits = tuple(int(part) for part in version[:2]) >= PIP_PYTHON_FROM
    return [sys.executable, "-m", "pip", "--python"] if fits else None


class Maker:
    """Makes ``.venv``, or brings a finished one up to date, telling each step."""

    def __init__(self, project: Project, tell: Teller) -> None:
        self.project = project
        self.tell = tell
        self.env = clean(os.environ)
        self.said = ""
        self.outer_pip = outer_pip(project)

    def make(self, tests: bool) -> Environment:
        """Make or mend the environment and stamp it; raises Trouble with ``.venv`` unfinished."""
        before = state(self.project)
        if before == "foreign" and self._has_it(tests):
            return Environment(self.project.python, self.project.venv, own=True)
        fresh = before != "made"
        if fresh:
            machine.must_fit(self.project.root, NEEDED_FOR_TESTS_MB if tests else NEEDED_MB)
        tests = tests or (not fresh and "tests" in read_stamp(self.project))
        self._announce(before, tests)
        uv = own_uv()
        self.tell.steps = (4 if fresh else 1) + (uv is None)
        try:
            if fresh:
                self._begin(before, with_pip=uv is None and self.outer_pip is None)
            self._fill(uv, tests, fresh)
        finally:
            self._keep_log()
        self._stamp({**self._marks(), "made": True, **wanted(self.project, tests)})
        return Environment(self.project.python, self.project.venv, own=False)

    def _announce(self, before: str, tests: bool) -> None:
        anew = (
            f"Setting the course up in .venv (about {ENVIRONMENT_MB} MB, once; it needs the "
            "network)."
        )
        what = {
            "none": anew,
            "foreign": anew,
            "broken": "The environment in .venv is broken or half made: making it anew.",
            "made": "Bringing the environment in .venv up to date"
            + (" and adding what the tests need." if tests else "."),
        }
        self.tell.say(what[before])

    def _has_it(self, tests: bool) -> bool:
        """Whether the Python at ``.venv`` has everything, by the same look as at our own."""
        command = [str(self.project.python), "-m", "lessons_lib.launch.needs"]
        try:
            look = subprocess.run(
                command + (["test"] if tests else []),
                cwd=self.project.root,
                env=self.env,
                capture_output=True,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return look.returncode == 0

    def _marks(self) -> "dict[str, Any]":
        version = ".".join(map(str, sys.version_info[:3]))
        return {"format": FORMAT, "root": str(self.project.root), "python": version}

    def _stamp(self, stamp: "Mapping[str, Any]") -> None:
        data = json.dumps(dict(stamp), indent=1, sort_keys=True) + "\n"
        write_whole(self.project.stamp, data.encode())

    def _begin(self, before: str, with_pip: bool) -> None:
        """Clear the place, mark it as being made, and put an empty environment there."""
        if not machine.has_module("venv") or (with_pip and not machine.has_module("ensurepip")):
            raise no_venv(python_version())
        self._clear(before)
        line = self.tell.step(f"Making .venv with Python {'.'.join(map(str, python_version()))}")
        self.project.venv.mkdir()
        self._stamp({**self._marks(), "made": False})
        base = getattr(sys, "_base_executable", None) or sys.executable
        command = [base, "-m", "venv"] + ([] if with_pip else ["--without-pip"])
        ended = self._run([*command, str(self.project.venv)], line)
        if ended.code:
            raise self._trouble(ended)

    def _clear(self, before: str) -> None:
        """Remove an environment of ours that is broken; put one that is not ours aside."""
        venv = self.project.venv
        if before == "broken":
            os.replace(venv, venv.with_name(f".venv.old-{os.getpid()}"))
        for doomed in self.project.root.glob(".venv.old-*"):
            shutil.rmtree(doomed, ignore_errors=True)
        if before == "foreign":
            number = 1
            while os.path.lexists(venv.with_name(f".venv.aside-{number}")):
                number += 1
            aside = venv.with_name(f".venv.aside-{number}")
            os.replace(venv, aside)
            self.tell.say(f"There was a .venv that the course had not made: kept as {aside.name}.")

    def _fill(self, uv: "Path | None", tests: bool, fresh: bool) -> None:
        """Install the pins, and into a fresh environment the course itself."""
        if uv is None:
            uv = self._fetch_uv()
        pins = [self.project.lock] + ([self.project.test_lock] if tests else [])
        if not fresh:
            touched = contents(self.project)
            self._stamp({**read_stamp(self.project), "made": False, "touched": touched})
        self._install_pins(uv, pins)
        if fresh:
            self._install_course(uv)
            self._warm_up()

    def _fetch_uv(self) -> "Path | None":
        """Get ``uv`` into the environment; without it pip does the work, more slowly."""
        line = self.tell.step("Fetching uv, the fast installer")
        uv = self.project.python.with_name("uv.exe" if os.name == "nt" else "uv")
        if uv.exists():
            self.tell.done(line, 0)
            return uv
        ended = self._run([*self._pip("install"), "--quiet", UV], line)
        return uv if ended.code == 0 and uv.exists() else None

    def _pip(self, what: str) -> "list[str]":
        """The beginning of a pip command on ``.venv``."""
        python = str(self.project.python)
        begin = [*self.outer_pip, python] if self.outer_pip else [python, "-m", "pip"]
        return [*begin, what] + (["--retries", "1"] if what == "install" else [])

    def _install_pins(self, uv: "Path | None", pins: "list[Path]") -> None:
        total = sum(count_pins(path) for path in pins)
        line = self.tell.step(f"Installing up to {total} packages")
        files = [part for path in pins for part in ("-r", str(path))]
        if uv is not None:
            python = str(self.project.python)
            command = [str(uv), "pip", "install", "--python", python, "--require-hashes", *files]
            ended = self._run(command, line, PackageCount(total), self._uv_env())
            if ended.code == 0:
                return
            if kind_of(ended.output) in ("room", "hash", "write"):
                raise self._trouble(ended)
            line += " (with pip)"
        self._need_pip()
        command = [*self._pip("install"), "--progress-bar", "off", "--require-hashes", *files]
        ended = self._run(command, line, PackageCount(total))
        if ended.code:
            raise self._trouble(ended)

    def _need_pip(self) -> None:
        """An environment made for the reader's own uv has no pip: give it one if need be."""
        python = str(self.project.python)
        if subprocess.run(self._pip("--version"), capture_output=True, env=self.env).returncode:
            self.outer_pip = None
            subprocess.run([python, "-m", "ensurepip"], capture_output=True, env=self.env)

    def _uv_env(self) -> "dict[str, str]":
        """What pip is told about indexes and certificates holds for uv, which does not ask pip."""
        env = dict(self.env)
        # A fresh .venv adds no settings of its own, and pip would start twice to look there.
        python = sys.executable if self.outer_pip else str(self.project.python)
        asked = [python, "-m", "pip", "config", "list"]
        listed = subprocess.run(asked, capture_output=True, text=True, env=self.env).stdout
        told = pip_settings(listed)
        pairs = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
        for name, setting in pairs.items():
            if told.get(setting):
                env.setdefault(name, told[setting])
        if told.get("no-index"):
            env.setdefault("UV_NO_INDEX", "1")
        if told.get("find-links"):
            env.setdefault("UV_FIND_LINKS", ",".join(told["find-links"].split()))
        return env

    def _install_course(self, uv: "Path | None") -> None:
        line = self.tell.step("Installing the course itself")
        flags = ["--no-deps", "--no-build-isolation", "-e", str(self.project.root)]
        if uv is not None:
            command = [str(uv), "pip", "install", "--python", str(self.project.python), *flags]
            command.append("--offline")
        else:
            command = [*self._pip("install"), "--no-index", *flags]
        ended = self._run(command, line)
        if ended.code:
            raise self._trouble(ended)

    def _warm_up(self) -> None:
        """Draw one picture: the drawing program is compiled once per machine, and this is it."""
        line = self.tell.step("Preparing the pictures")
        home = "lessons_lib.observe.pictures.graphviz"
        draw = f"from {home} import render; render('digraph {{ a -> b }}')"
        # A course without pictures can still be read, so what goes wrong here is for `doctor`.
        self._run([str(self.project.python), "-c", draw], line)

    def _run(
        self,
        command: "list[str]",
        line: str,
        watch: Watch = nothing,
        env: "dict[str, str] | None" = None,
    ) -> Finished:
        ended = self.tell.run(command, line, env or self.env, self.project.root, watch)
        self.said += f"$ {' '.join(command)}\n{ended.output}\n"
        return ended

    def _keep_log(self) -> None:
        """Keep what the installers said, if there is a place for it."""
        with suppress(OSError):
            write_whole(self.project.log, self.said.encode())

    def _trouble(self, ended: Finished) -> Trouble:
        return from_output(ended.output, self.project.root, python_version(), self.project.log)


def count_pins(lock: Path) -> int:
    """How many packages a lock pins."""
    return sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())


def pip_settings(listed: str) -> "dict[str, str]":
    """Read ``pip config list``; what the environment says goes before what a file says.

    >>> pip_settings("global.index-url='https://mirror.example/simple'")
    {'index-url': 'https://mirror.example/simple'}
    """
    told = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        setting = name.rpartition(".")[2]
        if value and name.startswith(("global.", "install.", "user.", "site.", ":env:")):
            told[setting] = str(ast.literal_eval(value))
    return told
