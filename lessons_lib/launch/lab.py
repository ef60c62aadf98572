"""Starting JupyterLab on lesson 00, without a question asked of the network.

``python -m lessons_lib.launch.lab`` runs inside the environment, prints the address that
JupyterLab really got, and serves until Ctrl-C. What JupyterLab is told beside its command line
lies in the folder ``jupyter``, from where Binder takes it too.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lessons_lib.launch.environment import Environment
from lessons_lib.launch.machine import browser_reads_files, headless
from lessons_lib.launch.project import HERE, START, Project
from lessons_lib.launch.trouble import Trouble

SETTINGS = Path(__file__).with_name("jupyter")
"""A folder in which Jupyter looks for its configuration, after the reader's own."""


class Wishes(NamedTuple):
    """What the reader asked of ``open``; ``rest`` goes to JupyterLab as it is."""

    browser: bool
    port: "int | None"
    rest: "tuple[str, ...]"


def read_wishes(arguments: "Sequence[str]") -> Wishes:
    """Read ``--no-browser`` and ``--port N``; the rest is JupyterLab's.

    >>> read_wishes(["--port=9000", "--ip=0.0.0.0"]).rest
    ('--ip=0.0.0.0',)
    """
    browser, port, rest = True, None, []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--no-browser":
            browser = False
        elif argument == "--port" or argument.startswith("--port="):
            port = _port(argument.partition("=")[2] or next(waiting, ""))
        elif argument.startswith("-"):
            rest.append(argument)
        else:
            raise Trouble(f"`open` takes no {argument!r}: see `python3 -m lessons_lib help`.", 2)
    return Wishes(browser, port, tuple(rest))


def _port(word: str) -> int:
    if word.isdigit() and 0 < int(word) < 65536:
        return int(word)
    raise Trouble(f"--port takes a number from 1 to 65535, not {word!r}.", 2)


def must_be_free(port: int) -> None:
    """Raise Trouble if something else answers on a port that the reader asked for."""
    with socket.socket() as probe:
        if os.name != "nt":
            # As JupyterLab itself does; on Windows this would let two share a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Trouble(
                f"Port {port} is in use: name another, or leave --port out and a free one is taken."
            ) from None


def options(wishes: Wishes, browser: bool, project: Project = HERE) -> "list[str]":
    """JupyterLab's command line: our folder and lesson, Ctrl-C that stops without a question."""
    flags = [
        f"--ServerApp.root_dir={project.root}",
        f"--LabApp.default_url=/lab/tree/my/{START}.ipynb",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.answer_yes=True",
        "--log-level=WARN",
        "--LabApp.log_level=WARN",
    ]
    if not browser:
        flags.append("--no-browser")
    elif not browser_reads_files():
        flags.append("--ServerApp.use_redirect_file=False")
    if wishes.port is not None:
        flags += [f"--port={wishes.port}", "--ServerApp.port_retries=0"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        flags.append("--allow-root")
    return [*flags, *wishes.rest]


def variables(
    environment: Environment, environ: "Mapping[str, str]", project: Project = HERE
) -> "dict[str, str]":
    """The variables that JupyterLab and its kernels see.

    The environment's own kernel goes before one of the same name in the reader's home.
    """
    env = environment.variables(environ, project)
    shared = str(environment.prefix / "share" / "jupyter")
    env["JUPYTER_PATH"] = os.pathsep.join(filter(None, [shared, env.get("JUPYTER_PATH")]))
    env["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [env.get("JUPYTER_CONFIG_PATH"), str(SETTINGS)])
    )
    env["JUPYTER_PREFER_ENV_PATH"] = "1"
    return env


def start(environment: Environment, wishes: Wishes, project: Project = HERE) -> int:
    """Serve the course until the reader stops it; returns JupyterLab's exit code."""
    browser = wishes.browser and not headless()
    command = [str(environment.python), "-m", "lessons_lib.launch.lab"]
    command += options(wishes, browser, project)
    if sys.platform != "win32":
        # Until `main` there can say it in one line; the mask outlives the change of program.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    return hand_over(command, variables(environment, os.environ, project), project.root)


def hand_over(command: "list[str]", env: "Mapping[str, str]", folder: Path) -> int:
    """Become another program where that is possible; on Windows wait for it, Ctrl-C included."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    if os.name != "nt":
        os.execve(command[0], command, dict(env))
    process = subprocess.Popen(command, env=dict(env))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached JupyterLab too, which is putting its kernels away.
            continue


def running(root: Path) -> "str | None":
    """The address of a server that already serves this course and answers, if there is one."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        if Path(server["root_dir"]).resolve() != root.resolve():
            continue
        status = f"{server['url']}api/status?token={server['token']}"
        try:
            with urllib.request.urlopen(status, timeout=3) as answer:
                json.load(answer)
        except (OSError, ValueError):  # it has ended, and its file is still there
            continue
        return f"{server['url']}lab/tree/my/{START}.ipynb?token={server['token']}"
    return None


def serve(argv: "list[str]") -> None:
    """Run JupyterLab in this process, saying where it is once its port is certain."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    address = running(Path.cwd())
    if address:
        print(f"The course is open already, at {address}\nStop it where you started it.")
        if "--no-browser" not in argv:
            webbrowser.open(address)
        return
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    server = LabApp.initialize_server(argv=argv)
    words = f"The course is open at {server.public_url}\nStop it with Ctrl-C."
    # Said by the loop once it runs: the port is listened on by then.
    server.io_loop.add_callback(print, words, flush=True)
    # Else JupyterLab would now print the address again, in its own longer way.
    server.identity_provider.token_generated = False
    server.start()


def main(argv: "list[str]") -> int:
    """Serve, and end on Ctrl-C in one line however early it comes."""
    try:
        serve(argv)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
