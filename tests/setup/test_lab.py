"""JupyterLab as the course starts it: one real start, and what it is started with."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.launch import lab
from lessons_lib.launch.environment import Environment
from lessons_lib.launch.lab import headless
from lessons_lib.launch.project import Project
from lessons_lib.launch.saving import WIDGET
from lessons_lib.launch.trouble import Trouble
from tests.setup.fake import notebook

HERE = Environment(Path(sys.executable), Path(sys.prefix), own=True)


def test_a_browser_is_opened_where_there_is_a_screen() -> None:
    assert headless({}, "linux")
    assert headless({"CI": "true", "DISPLAY": ":0"}, "linux")
    assert headless({"SSH_CONNECTION": "x", "DISPLAY": ":0"}, "linux")
    assert not headless({"DISPLAY": ":0"}, "linux")
    assert not headless({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not headless({}, "darwin")
    assert not headless({}, "win32")


def test_what_the_reader_asked_for() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for asked in (["--port", str(port)], [f"--port={port}"]):
        flags = lab.options(["--no-browser", *asked, "--ip=::1"])
        named = {"--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--ip=::1"}
        assert named <= set(flags)
    for wrong in (["--port=x"], ["--port"], ["--port=0"], ["notebook"]):
        with pytest.raises(Trouble):
            lab.options(wrong)


def test_nothing_is_traced_and_our_kernel_goes_first(tmp_path: Path) -> None:
    given = {"LANGSMITH_TRACING": "true", "JUPYTER_PATH": "/theirs", "PYTHONPATH": "/x"}
    given["JUPYTER_CONFIG_PATH"] = "/own"
    ours = lab.variables(Environment(Path("p"), Path("/e"), own=False), given)
    assert ours["LANGSMITH_TRACING"] == ours["LANGCHAIN_TRACING_V2"] == "false"
    shared = str(Path("/e/share/jupyter"))
    assert ours["JUPYTER_PATH"] == os.pathsep.join([shared, "/theirs"])
    assert "PYTHONPATH" not in ours
    assert ours["JUPYTER_CONFIG_PATH"] == os.pathsep.join(["/own", str(lab.SETTINGS)])
    own = lab.variables(Environment(Path("p"), Path("/e"), own=True), given, Project(tmp_path))
    assert own["PYTHONPATH"] == os.pathsep.join([str(tmp_path), "/x"])


def _shadow(home: Path) -> None:
    """A kernel of the reader's, under the name of ours, that leads nowhere."""
    spec = home / "data" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/nowhere/python", "{connection_file}"]
    words = {"argv": argv, "display_name": "Theirs", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(words))


def _ask(base: str, token: str, what: str, **given: object) -> dict[str, Any]:
    data = json.dumps(given).encode() if given else None
    method = "PUT" if given else "GET"
    request = urllib.request.Request(f"{base}/{what}?token={token}", data, method=method)
    answered: dict[str, Any] = json.load(urllib.request.urlopen(request))
    return answered


def _saves_no_widget(base: str, token: str) -> None:
    """A saved notebook keeps the static form of a widget, and a widget that has none."""
    page = _ask(base, token, "api/contents/my/00_start_here.ipynb")
    shown = [{WIDGET: {"model_id": "1"}, "text/html": "still"}, {WIDGET: {"model_id": "2"}}]
    page["content"]["cells"] = [
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "1",
            "execution_count": 1,
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": d} for d in shown],
        }
    ]
    _ask(base, token, "api/contents/my/00_start_here.ipynb", **page)
    kept = _ask(base, token, "api/contents/my/00_start_here.ipynb")["content"]["cells"][0]
    assert [set(one["data"]) for one in kept["outputs"]] == [{"text/html"}, {WIDGET}]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_it_opens_on_lesson_00_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    project = Project(tmp_path / "course")
    project.copies.mkdir(parents=True)
    (project.copies / "00_start_here.ipynb").write_bytes(notebook("hello"))
    _shadow(tmp_path)
    own = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    own["JUPYTER_DATA_DIR"] = str(tmp_path / "data")
    env = {**lab.variables(HERE, os.environ, project), **own}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    flags = lab.options(["--no-browser"], project)
    server = subprocess.Popen(
        [sys.executable, "-m", "lessons_lib.launch.lab", *flags],
        env=env,
        cwd=project.root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        found = re.search(r"(http://\S+)/lab/tree/my/00_start_here\.ipynb\?token=(\w+)", said)
        assert found, said
        base, token = found.groups()
        specs = _ask(base, token, "api/kernelspecs")
        kernel = specs["kernelspecs"][specs["default"]]["spec"]
        assert kernel["argv"][0] != "/nowhere/python"
        assert server.stdout.readline() == "Stop it with Ctrl-C.\n"
        news = _ask(base, token, "lab/api/settings/@jupyterlab/apputils-extension:notification")
        fetch = news["schema"]["properties"]["fetchNews"]["default"]
        assert fetch == "false"  # not the question, which is "none"
        _saves_no_widget(base, token)
        command = [sys.executable, "-m", "lessons_lib.launch.lab", *flags]
        again = subprocess.run(command, env=env, cwd=project.root, capture_output=True, text=True)
        assert again.stdout.startswith(f"The course is open already, at {base}/lab/tree/my/00_")
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0
        assert server.stdout.read() == ""
    finally:
        server.kill()
        server.wait()
