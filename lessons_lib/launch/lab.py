"""Starting JupyterLab on lesson 00, without a question asked of the network.

``python -m lessons_lib.launch.lab`` runs inside the environment, prints the address that
JupyterLab really got, and serves until Ctrl-C. What JupyterLab is told beside its command line
lies in the folder ``jupyter``, from where Binder takes it too.
"""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path

from lessons_lib.launch.environment import Environment, joined
from lessons_lib.launch.project import HERE, START, Project
from lessons_lib.launch.trouble import Trouble

SETTINGS = Path(__file__).with_name("jupyter")
"""A folder in which Jupyter looks for its configuration, after the reader's own."""


def options(arguments: "Sequence[str]", project: Project = HERE) -> "list[str]":
    """JupyterLab's command line: our folder and lesson, Ctrl-C that stops without a question.

    ``--no-browser`` and ``--port N`` are looked at; other options go to JupyterLab as they are.
    """
    flags = [
        f"--ServerApp.root_dir={project.root}",
        f"--LabApp.default_url=/lab/tree/my/{START}.ipynb",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.answer_yes=True",
        "--log-level=WARN",
        "--LabApp.log_level=WARN",
    ]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        flags.append("--allow-root")
    return flags + _asked(arguments)


def _asked(arguments: "Sequence[str]") -> "list[str]":
    """What was asked of ``open``, and where there is no screen, that no browser be opened."""
    browser, port, flags = not headless(), 0, []
    words = iter(arguments)
    for word in words:
        if word == "--no-browser":
            browser = False
        elif word == "--port" or word.startswith("--port="):
            port = _free_port(word.partition("=")[2] or next(words, ""))
        elif word.startswith("-"):
            flags.append(word)
        else:
            raise Trouble(f"`open` takes no {word!r}: see `python3 -m lessons_lib help`.", 2)
    if port:
        flags += [f"--port={port}", "--ServerApp.port_retries=0"]
    if browser and not browser_reads_files():
        flags.append("--ServerApp.use_redirect_file=False")
    return flags if browser else [*flags, "--no-browser"]


def _free_port(word: str) -> int:
    """The port that a word names; raises Trouble if it names none, or something answers there."""
    if not (word.isdigit() and 0 < int(word) < 65536):
        raise Trouble(f"--port takes a number from 1 to 65535, not {word!r}.", 2)
    with socket.socket() as probe:
        if os.name != "nt":
            # As JupyterLab itself does; on Windows this would let two share a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(word)))
        except OSError:
            raise Trouble(
                f"Port {word} is in use: name another, or leave --port out and a free one is taken."
            ) from None
    return int(word)


def headless(environ: "Mapping[str, str]" = os.environ, system: str = sys.platform) -> bool:
    """Whether there is no screen to open a browser on: CI, over ssh, or Linux with no display.

    >>> headless({"SSH_CONNECTION": "…"}, "darwin")
    True
    """
    if environ.get("CI") or environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return True
    return system == "linux" and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def browser_reads_files() -> bool:
    """Whether the browser can open a file in a hidden folder of the home.

    JupyterLab hands its browser such a file, so that the token stays off the command line. A
    browser from a snap may not read it, and one on the Windows side of WSL does not see it.
    """
    on_windows = "microsoft" in platform.release().lower()
    return not (sys.platform == "linux" and (on_windows or Path("/snap").is_dir()))


def variables(
    environment: Environment, environ: "Mapping[str, str]", project: Project = HERE
) -> "dict[str, str]":
    """The variables that JupyterLab and its kernels see.

    The environment's own kernel goes before one of the same name in the reader's home.
    """
    env = environment.variables(environ, project)
    shared = str(environment.prefix / "share" / "jupyter")
    return {
        **env,
        "JUPYTER_PATH": joined(shared, env.get("JUPYTER_PATH")),
        "JUPYTER_CONFIG_PATH": joined(env.get("JUPYTER_CONFIG_PATH"), str(SETTINGS)),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def start(environment: Environment, options: "list[str]", project: Project = HERE) -> int:
    """Serve the course until the reader stops it; returns JupyterLab's exit code.

    This process becomes JupyterLab, so that a signal reaches it; Windows has no such thing.
    """
    command = [str(environment.python), "-m", "lessons_lib.launch.lab", *options]
    env = variables(environment, os.environ, project)
    os.chdir(project.root)
    if sys.platform != "win32":
        # Until `main` there can say it in one line; the mask outlives the change of program.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.execve(command[0], command, env)
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached JupyterLab too, which is putting its kernels away.
            continue


def running(root: Path) -> "str | None":
    """The address of a server that already serves this course and answers, if there is one."""
    import urllib.request  # takes a while, and the commands do without

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
