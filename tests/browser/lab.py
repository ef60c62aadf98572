"""A real JupyterLab in a real browser, started for a test and ended with it.

Nothing here sleeps: the server is ready when it says so, the page when JupyterLab's own promises
are kept, a cell when the kernel has answered.
"""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
from playwright.sync_api import Locator, Page, ViewportSize, sync_playwright

from lessons_lib.launch.lab import SETTINGS
from tests.kernels import Place
from tests.project import ROOT, notebooks

WIDE = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
START_TIMEOUT = 60.0  # seconds until the server must have said where it is
PAGE_TIMEOUT = 30_000.0  # milliseconds for anything the page is asked to do

_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# As `python -m jupyterlab`, a second sooner: tests/__init__.py says what is left out, and why.
_START = "import tests; from jupyterlab.labapp import main; main()"
# Only what is in view is drawn: drawing all the cells of a lesson costs the page seconds.
_SETTINGS = {"notebook-extension/tracker": {"windowingMode": "full"}}
# What a lesson's page does without: it would be loaded anew for every browser.
_OFF = (
    "completer", "console", "csvviewer", "debugger", "extensionmanager", "fileeditor", "help",
    "htmlviewer", "hub", "imageviewer", "inspector", "javascript", "json", "launcher",
    "logconsole", "lsp", "markdownviewer", "mermaid", "pdf", "running", "terminal", "toc",
    "tooltip", "vega5",
)  # fmt: skip


def find_browser() -> str | None:
    """A browser of Chromium's kind on this machine, or nothing."""
    found = [shutil.which(name) for name in _BROWSERS]
    found += [place for place in _BROWSER_PLACES if Path(place).is_file()]
    return next((browser for browser in found if browser), None)


@dataclass(frozen=True)
class Server:
    """A JupyterLab that is running: where it is, and what it was started in."""

    url: str
    token: str
    folder: Path
    home: Path
    process: subprocess.Popen[str]

    def page_of(self, notebook: str) -> str:
        """The address of a notebook in a fresh workspace."""
        return f"{self.url}lab/tree/{notebook}?reset&token={self.token}"


@contextmanager
def jupyterlab(place: Place) -> Iterator[Server]:
    """Start JupyterLab on copies of the notebooks; end it, and its kernels, whatever happens.

    Copies that are there already stay as they are, as on a second day.
    """
    folder = place.folder / "my"
    if not folder.exists():
        folder.mkdir()
        for path in notebooks():
            shutil.copy(path, folder)
    token = secrets.token_hex(16)
    process = subprocess.Popen(
        _command(folder, token),
        cwd=ROOT,
        env=_environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield Server(_said_url(process), token, folder, place.home, process)
    finally:
        _end(process)


def _command(folder: Path, token: str) -> list[str]:
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        sys.executable,
        "-c",
        _START,
        "--no-browser",
        "--expose-app-in-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={8899 + os.getpid() % 1000}",  # the next free one is taken if in use
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}",
        *(["--allow-root"] if as_root else []),
    ]


def _environment(place: Place) -> dict[str, str]:
    """A reader's environment, with the settings of no one in particular."""
    settings = place.folder / "settings"
    for name, setting in _SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting), encoding="utf-8")
    labconfig = place.folder / "config" / "labconfig" / "page_config.json"
    labconfig.parent.mkdir(parents=True, exist_ok=True)
    off = {f"@jupyterlab/{name}-extension": True for name in _OFF}
    labconfig.write_text(json.dumps({"disabledExtensions": off}), encoding="utf-8")
    return place.environment() | {
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(place.folder / "workspaces"),
        "JUPYTER_CONFIG_PATH": str(SETTINGS),
        "JUPYTER_CONFIG_DIR": str(place.folder / "config"),
        "JUPYTER_DATA_DIR": str(place.folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(place.folder / "run"),
    }


def _said_url(process: subprocess.Popen[str]) -> str:
    """Wait for the line in which the server says where it runs; go on reading what it says."""
    assert process.stderr is not None
    said: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stderr, said), daemon=True).start()
    lines: list[str] = []
    while True:
        try:
            line = said.get(timeout=START_TIMEOUT)
        except queue.Empty:
            line = None
        if line is None:
            raise RuntimeError("JupyterLab did not start; it said:\n" + "".join(lines[-30:]))
        lines.append(line)
        if "http://127.0.0.1:" in line:
            return "http://127.0.0.1:" + line.split("http://127.0.0.1:")[1].split("/")[0] + "/"


def _read(stream: IO[str], said: queue.Queue[str | None]) -> None:
    for line in stream:
        said.put(line)
    said.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the server to end, which ends its kernels; then end, by their ids, what is left."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


@contextmanager
def browser_page(executable: str) -> Iterator[Page]:
    """A page of a browser without a window."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"] if as_root else []
        )
        try:
            page = browser.new_page(viewport=WIDE)
            page.set_default_timeout(PAGE_TIMEOUT)
            yield page
        finally:
            browser.close()


# What the page is asked, in its own language; `notebook` is JupyterLab's notebook panel.
_READY = """async (path) => {
    await window.jupyterapp.restored;
    const shell = window.jupyterapp.shell;
    while (shell.currentWidget?.context?.path !== path) {
        await new Promise(done => shell.currentChanged.connect(() => done()));
    }
    const context = shell.currentWidget.context;
    await context.ready;
    await context.sessionContext.ready;
    const session = context.sessionContext;
    while (session.session?.kernel?.status !== 'idle') {
        await new Promise(done => session.statusChanged.connect(() => done()));
    }
}"""
_OPEN = """path => {
    window.jupyterapp.commands.execute('docmanager:open', { path });
}"""
_CLOSE = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.sessionContext.shutdown();
    panel.dispose();
}"""
_CELLS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => {
    const { cell_type, source, execution_count, outputs } = cell.toJSON();
    return { cell_type, source, execution_count, outputs };
})"""
_SOURCES = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(
    cell => cell.type === 'code' ? cell.sharedModel.getSource() : null
)"""
_SHOW = """async (index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'start');
    const { node } = notebook.widgets[index];
    return node.isConnected && node.getBoundingClientRect().height > 0;
}"""
_WRITE = """([index, source]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    notebook.model.cells.get(index).sharedModel.setSource(source);
}"""
_PICTURES = """async (index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const node = notebook.widgets[index].node;
    const images = [...node.querySelectorAll('img')];
    const drawn = [...images, ...node.querySelectorAll('table')];
    await Promise.allSettled(images.map(image => image.decode()));
    const room = node.querySelector('.jp-OutputArea-output')?.clientWidth ?? node.clientWidth;
    const box = one => {
        let around = one.parentElement;
        while (around !== node && !['auto', 'scroll'].includes(getComputedStyle(around).overflowX))
            around = around.parentElement;
        return around;
    };
    return drawn.map(one => ({
        alt: one.alt ?? 'a table', loaded: !images.includes(one) || one.naturalWidth > 0, room,
        width: Math.floor(one.getBoundingClientRect().width), box: box(one).clientWidth,
        own: !/\\bjp-/.test(box(one).className),
    }));
}"""
_HIDE_SIDEBARS = """() => {
    window.jupyterapp.shell.collapseLeft();
    window.jupyterapp.shell.collapseRight();
}"""
_COMMAND = "name => window.jupyterapp.commands.execute(name)"


@dataclass(frozen=True)
class Lesson:
    """A lesson that is open in the browser."""

    page: Page

    @classmethod
    def open(cls, page: Page, server: Server, notebook: str) -> Lesson:
        """Open a notebook, in the JupyterLab that the page shows if it shows one already.

        Returns when its kernel is idle. Close a lesson before opening the next.
        """
        if page.url.startswith(server.url):
            page.evaluate(_OPEN, notebook)
        else:
            page.goto(server.page_of(notebook))
            page.wait_for_function("() => window.jupyterapp")
        page.evaluate(_READY, notebook)
        return cls(page)

    def close(self) -> None:
        """End the lesson's kernel and close its notebook; nothing is saved."""
        self.page.evaluate(_CLOSE)

    def run_all(self) -> None:
        """Run all cells; returns when the kernel has answered the last."""
        self.page.evaluate(_COMMAND, "notebook:run-all-cells")

    def save(self) -> None:
        """Save the notebook, as Ctrl-S does."""
        self.page.evaluate(_COMMAND, "docmanager:save")

    def cells(self) -> list[dict[str, Any]]:
        """Every cell as the page holds it now."""
        found: list[dict[str, Any]] = self.page.evaluate(_CELLS)
        return found

    def code(self) -> dict[int, str]:
        """The source of every code cell, by its index among all cells."""
        found: list[str | None] = self.page.evaluate(_SOURCES)
        return {index: source for index, source in enumerate(found) if source is not None}

    def find(self, text: str) -> int:
        """The index of the first code cell whose source contains a text."""
        for index, source in self.code().items():
            if text in source:
                return index
        raise LookupError(f"no code cell contains {text!r}")

    def starting(self, *beginnings: str) -> list[int]:
        """The code cells that begin with one of some texts; every text begins one at least."""
        code = self.code()
        for text in beginnings:
            assert any(source.startswith(text) for source in code.values()), f"no cell: {text}"
        return [index for index, source in code.items() if source.startswith(beginnings)]

    def show(self, index: int) -> Locator:
        """Scroll a cell into view and return it; again, if the page was still being laid out."""
        self.page.wait_for_function(_SHOW, arg=index)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def run(self, index: int, source: str | None = None) -> Locator:
        """Run one cell, with another source if one is given; returns the cell."""
        cell = self.show(index)
        if source is not None:
            self.page.evaluate(_WRITE, [index, source])
        self.page.evaluate(_COMMAND, "notebook:run-cell")
        return cell

    def pictures(self, index: int) -> list[dict[str, Any]]:
        """Every picture and table of a cell that is in view: whether it loaded, how wide it is.

        `room` is the width of the cell's output, `box` that of what the picture scrolls in; that
        is its `own` when it is none of JupyterLab's.
        """
        found: list[dict[str, Any]] = self.page.evaluate(_PICTURES, index)
        return found

    def hide_sidebars(self) -> None:
        """Leave the page to the notebook, as on a narrow screen."""
        self.page.evaluate(_HIDE_SIDEBARS)

    def is_wider_than_the_window(self) -> bool:
        """Whether the page itself would have to be scrolled sideways."""
        wider: bool = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wider


def words(markdown: str) -> str:
    """A stretch of a text that has no marks in it: the screen does not show those."""
    return max(re.split(r"[`*_]|\n", markdown), key=len).strip()
