"""Finding the environment that the course runs in, and making or mending ``.venv``.

An environment of the reader's own that has everything is used as it is. Otherwise ``.venv`` is
made from the lock. Its stamp is written first as *being made* and last as *made*: one without a
finished stamp was left half done and is made anew.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.launch import machine, tell
from lessons_lib.launch.files import alone, digest, write_whole
from lessons_lib.launch.needs import satisfied
from lessons_lib.launch.project import HERE, Project
from lessons_lib.launch.trouble import (
    ENVIRONMENT_MB,
    NEEDED_FOR_TESTS_MB,
    NEEDED_MB,
    Trouble,
    from_output,
    kind_of,
    of_kind,
)

# What the set-up fetches beside the lock; a newer major version may speak otherwise.
UV = "uv>=0.9,<1"
ANEW = f"Setting the course up in .venv (about {ENVIRONMENT_MB} MB, once; it needs the network)."
BEGINS = {
    "none": ANEW,
    "foreign": ANEW,
    "broken": "The environment in .venv is broken or half made: making it anew.",
    "made": "Bringing the environment in .venv up to date.",
}
"""What the reader is told first, by what ``.venv`` is now."""
LINKED = (
    "{} is a link to {}, which lacks something that the course needs: remove the link, then start "
    "again."
)
INSIDE = (
    "The Python that you run is that of {}, which has to be made anew: type `deactivate`, then "
    "start again."
)


class Environment(NamedTuple):
    """A Python that has what the course needs; ``own`` if it is the reader's own."""

    python: Path
    prefix: Path
    own: bool

    def variables(self, environ: "Mapping[str, str]", project: Project = HERE) -> "dict[str, str]":
        """The variables that it runs with: nothing is traced to a service, whatever the reader has.

        The reader's own environment need not have the course installed, so it is led there.
        """
        env = dict(environ) if self.own else clean(environ)
        if self.own:
            env["PYTHONPATH"] = joined(str(project.root), env.get("PYTHONPATH"))
        return {**env, "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}


def joined(*paths: "str | None") -> str:
    """A list of paths as a variable holds it, without those that there are not."""
    return os.pathsep.join(path for path in paths if path)


def ensure(tests: bool, project: Project = HERE) -> Environment:
    """Find the environment to run in, making or mending ``.venv`` if there is none."""
    found = find(tests, project)
    if found is None:
        with alone(project.root):
            # Another set-up may have made it meanwhile.
            found = find(tests, project) or Maker(project).make(tests)
    return found


def find(tests: bool, project: Project = HERE) -> "Environment | None":
    """The environment that is ready for use as it is, if there is one."""
    stamp = read_stamp(project)
    ours = inside(project) and stamp
    if not ours and satisfied(tests, project.root) and not machine.misbuilt():
        return Environment(Path(sys.executable), Path(sys.prefix), own=True)
    covered = wanted(project, tests).items() <= stamp.items()
    if covered and state(project) == "made":
        return Environment(project.python, project.venv, own=False)
    return None


def inside(project: Project) -> bool:
    """Whether the Python that runs this is that of ``.venv``."""
    return Path(sys.prefix).resolve() == project.venv.resolve()


def wanted(project: Project, tests: bool) -> "dict[str, str]":
    """What the stamp of a ready environment holds: its place, the digests of the pins in it."""
    stamp = {"root": str(project.root), "lock": digest(project.lock.read_bytes())}
    if tests:
        stamp["tests"] = digest(project.test_lock.read_bytes())
    return stamp


def read_stamp(project: Project) -> "dict[str, Any]":
    """The stamp in ``.venv``; empty if there is none that can be read.

    One that is reached through a link is about another folder's environment.
    """
    if project.venv.is_symlink():
        return {}
    try:
        stamp = json.loads(project.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def state(project: Project = HERE) -> str:
    """Tell what ``.venv`` is: *none*, *made*, *broken* (to be made anew), *foreign* or a *link*.

    What a link leads to is used, and never replaced: somebody else may live there.
    """
    if not os.path.lexists(project.venv):
        return "none"
    if project.venv.is_symlink():
        return "link"
    stamp = read_stamp(project)
    if not stamp:
        # A set-up of ours may have been killed between the folder and its stamp.
        names = os.listdir(project.venv) if project.venv.is_dir() else ["a file"]
        return "broken" if all(name.endswith(".aside") for name in names) else "foreign"
    here = stamp.get("root") == str(project.root)
    # An update that was stopped before it changed anything leaves what was there before.
    whole = stamp.get("made") or stamp.get("touched") == contents(project)
    return "made" if here and whole and alive(project) else "broken"


def contents(project: Project) -> "list[str]":
    """What is installed in ``.venv`` beside the installers, with versions."""
    found = project.venv.glob("[Ll]ib/**/site-packages/*.dist-info")
    names = sorted(folder.name for folder in found)
    return [name for name in names if not name.startswith(("pip-", "setuptools-", "uv-"))]


def alive(project: Project) -> bool:
    """Whether the environment's Python starts and finds the course and JupyterLab in it."""
    names = ("lessons_lib", "jupyterlab")
    look = f"from importlib.util import find_spec; [find_spec(n).origin for n in {names}]"
    return _succeeds([str(project.python), "-I", "-c", look])


def _succeeds(command: "list[str]", **given: Any) -> bool:
    """Whether a program can be started and ends well within a minute."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60, **given).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def clean(environ: "Mapping[str, str]") -> "dict[str, str]":
    """The reader's variables without those that would lead packages past ``.venv``.

    Bytecode is written whatever the reader's setting, as uv leaves that to the first import: the
    folder is the course's own, and without it each start compiles JupyterLab once more (3 s).
    And an `assert` asserts: lessons 04 and 20 show what one finds.
    """
    past = (
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE"),
        *("PIP_TARGET", "PIP_PREFIX"),
    )
    kept = {name: value for name, value in environ.items() if name.upper() not in past}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def uv_here(project: Project = HERE) -> "Path | None":
    """The reader's own ``uv``, or the one that the set-up has fetched."""
    found = shutil.which("uv") or shutil.which("uv", path=project.python.parent)
    return Path(found) if found else None


class Maker:
    """Makes ``.venv``, or brings a finished one up to date, telling each step."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.env = clean(os.environ)
        python = str(project.python)
        # The running Python's pip can work on another environment. It spares the new one a pip of
        # its own, which takes as long to put there as all the rest. But a Python that runs in
        # `.venv` itself loses its pip when that is put aside.
        self.outer_pip = machine.has_module("pip") and not inside(project)
        self.pip = [sys.executable, "-m", "pip", "--python", python]
        if not self.outer_pip:
            self.pip = [python, "-m", "pip"]

    def make(self, tests: bool) -> Environment:
        """Make or mend the environment and stamp it; raises Trouble with ``.venv`` unfinished."""
        before, venv = state(self.project), self.project.venv
        if before in ("foreign", "link") and self._has_it(tests):
            return Environment(self.project.python, venv, own=True)
        if before == "link":
            raise Trouble(LINKED.format(venv, os.readlink(venv)))
        if before == "made":
            old = read_stamp(self.project)
            tests = tests or "tests" in old
            tell.say(BEGINS[before])
            self._stamp({**old, "made": False, "touched": contents(self.project)})
            self._install(tests)
        else:
            self._must_be_possible(tests)
            tell.say(BEGINS[before])
            self._make_anew(before, tests)
        self._stamp({**wanted(self.project, tests), "made": True})
        return Environment(self.project.python, venv, own=False)

    def _has_it(self, tests: bool) -> bool:
        """Whether the Python at ``.venv`` has everything, by the same look as at our own."""
        look = [str(self.project.python), "-m", "lessons_lib.launch.needs"]
        return _succeeds(look + ["test"] * tests, cwd=self.project.root, env=self.env)

    def _must_be_possible(self, tests: bool) -> None:
        """Raise Trouble for what stands in the way, before anything is made."""
        if sys.platform == "win32" and inside(self.project):  # it lets no program in use be moved
            raise Trouble(INSIDE.format(self.project.venv))
        machine.must_fit(self.project.root, NEEDED_FOR_TESTS_MB if tests else NEEDED_MB)
        needed = ["venv"] if self.outer_pip else ["venv", "ensurepip"]
        if not all(map(machine.has_module, needed)):
            raise of_kind("venv", self.project.root)

    def _stamp(self, stamp: "dict[str, Any]") -> None:
        data = json.dumps(stamp, indent=1, sort_keys=True) + "\n"
        write_whole(self.project.stamp, data.encode())

    def _make_anew(self, before: str, tests: bool) -> None:
        """Clear the place, mark it as being made, and fill it."""
        self._clear(before)
        tell.say("Making .venv with Python {}.{} …".format(*sys.version_info))
        self.project.venv.mkdir()
        self._stamp({"root": str(self.project.root), "made": False})
        base = getattr(sys, "_base_executable", None) or sys.executable
        bare = ["--without-pip"] if self.outer_pip else []
        self._must([base, "-m", "venv", *bare, str(self.project.venv)])
        self._install(tests)
        self._add_course()

    def _clear(self, before: str) -> None:
        """Remove an environment of ours that is broken; put one that is not ours aside."""
        venv = self.project.venv
        if before == "broken":
            os.replace(venv, venv.with_name(f".venv.old-{os.getpid()}"))
        for doomed in self.project.root.glob(".venv.old-*"):
            shutil.rmtree(doomed, ignore_errors=True)
        if before == "foreign":
            names = (venv.with_name(f".venv.aside-{number}") for number in count(1))
            aside = next(name for name in names if not os.path.lexists(name))
            os.replace(venv, aside)
            tell.say(f"There was a .venv that the course had not made: kept as {aside.name}.")

    def _install(self, tests: bool) -> None:
        """Install the pins: with uv, and where that cannot be had or fails, with pip."""
        pins = [self.project.lock] + [self.project.test_lock] * tests
        files = [part for path in pins for part in ("-r", str(path))]
        total = sum(path.read_text(encoding="utf-8").count("==") for path in pins)
        uv = uv_here(self.project) or self._fetch_uv()
        tell.say(f"Installing up to {total} packages …")
        if uv is not None:
            to = ["--python", str(self.project.python), "--require-hashes"]
            # A fresh .venv adds no settings of its own, and pip would start twice to look there.
            env = uv_variables(self.pip[:3], self.env)
            ended = self._run([str(uv), "pip", "install", *to, *files], env)
            if ended.code == 0:
                return
            if kind_of(ended.output) in ("room", "hash", "write"):
                raise self._trouble(ended)
            tell.say("Installing them with pip, which takes longer …")
        bar = ["--progress-bar", "off", "--retries", "1", "--require-hashes"]
        self._must([*self.pip, "install", *bar, *files])

    def _fetch_uv(self) -> "Path | None":
        """Get ``uv`` into the environment; without it pip does the work, more slowly."""
        tell.say("Fetching uv, the fast installer …")
        self._run([*self.pip, "install", "--retries", "1", "--quiet", UV])
        return uv_here(self.project)

    def _add_course(self) -> None:
        """Lead the environment to the course, and draw one picture.

        The drawing program is compiled once per machine, and this is it. A course without pictures
        can still be read, so what goes wrong here is for `doctor`.
        """
        base = {"base": str(self.project.venv), "platbase": str(self.project.venv)}
        site = Path(sysconfig.get_path("purelib", "venv", base))
        write_whole(site / "lessons_lib.pth", f"{self.project.root}\n".encode())
        tell.say("Preparing the pictures …")
        home = "lessons_lib.observe.pictures.graphviz"
        draw = f"from {home} import render; render('digraph {{ a -> b }}')"
        self._run([str(self.project.python), "-c", draw])

    def _run(self, command: "list[str]", env: "dict[str, str] | None" = None) -> tell.Finished:
        ended = tell.run(command, env or self.env, self.project.root)
        with self.project.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{ended.output}\n")
        return ended

    def _must(self, command: "list[str]") -> None:
        """Run what the set-up cannot go on without."""
        ended = self._run(command)
        if ended.code:
            raise self._trouble(ended)

    def _trouble(self, ended: tell.Finished) -> Trouble:
        return from_output(ended.output, self.project.root, self.project.log)


def uv_variables(pip: "Sequence[str]", env: "dict[str, str]") -> "dict[str, str]":
    """What pip is told about indexes and certificates holds for uv, which does not ask pip."""
    asked = [*pip, "config", "list"]
    told = pip_settings(subprocess.run(asked, capture_output=True, text=True, env=env).stdout)
    pairs = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
    named = {name: told[setting] for name, setting in pairs.items() if setting in told}
    return {**named, **env}


def pip_settings(listed: str) -> "dict[str, str]":
    """Read ``pip config list``; what the environment says goes before what a file says.

    >>> pip_settings("global.index-url='https://mirror.example/simple'")
    {'index-url': 'https://mirror.example/simple'}
    """
    lines = sorted(listed.splitlines(), key=lambda line: line.startswith(":env:"))
    found = [re.match(r"(?:global|install|:env:)\.([\w-]+)=(.+)", line) for line in lines]
    return {match[1]: str(ast.literal_eval(match[2])) for match in found if match}
