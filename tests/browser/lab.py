"""A real JupyterLab in a real browser, started for a test and ended with it.

Nothing here sleeps: the server is ready when it says so, the page when JupyterLab's own promises
are kept, a cell when the kernel has answered.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright

from lessons_lib.launch.lab import SETTINGS, options
from lessons_lib.launch.project import Project
from lessons_lib.teach import loader
from tests.kernels import Place
from tests.project import ROOT, notebooks

WIDE = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
PAGE_TIMEOUT = 30_000.0  # milliseconds for anything the page is asked to do

_BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "msedge"),
)
_BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# As the course starts it, a second sooner: tests/__init__.py says what is left out, and why.
_START = "import sys, tests; from lessons_lib.launch.lab import main; main(sys.argv[1:])"
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

    def progress(self) -> dict[str, Any]:
        """What is kept of the reader's progress."""
        kept: dict[str, Any] = json.loads((self.home / "progress.json").read_text("utf-8"))
        return kept

    def page_of(self, notebook: str) -> str:
        """The address of a notebook in a fresh workspace."""
        return f"{self.url}lab/tree/{notebook}?reset&token={self.token}"


@contextmanager
def jupyterlab(place: Place) -> Iterator[Server]:
    """Start JupyterLab on copies of the notebooks; end it, and its kernels, whatever happens."""
    folder = place.folder / "my"
    folder.mkdir()
    for path in notebooks():
        shutil.copy(path, folder)
    said = place.folder / "said"
    flags = options(["--no-browser", "--expose-app-in-browser"], Project(folder))
    with said.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *flags],
            cwd=ROOT,
            env=_environment(place),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        found = re.search(r"(http://\S+/)lab\S*\?token=(\w+)", process.stdout.readline())
        assert found, f"JupyterLab did not start; it said:\n{said.read_text()}"
        yield Server(found[1], found[2], folder, place.home, process)
    finally:
        _end(process)


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


# What the page is asked, in its own language.
_READY = """async (path) => {
    await window.jupyterapp.restored;
    const shell = window.jupyterapp.shell;
    shell.collapseLeft();
    shell.collapseRight();
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
    node.dataset.at = index;
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
_SESSION = "window.jupyterapp.shell.currentWidget.context.sessionContext"
_SHUT_DOWN = f"() => {_SESSION}.shutdown()"
_START_AGAIN = f"""async () => {{
    await {_SESSION}.startKernel();
    while ({_SESSION}.session?.kernel?.status !== 'idle') {{
        await new Promise(done => {_SESSION}.statusChanged.connect(() => done()));
    }}
}}"""
_COMMAND = "name => window.jupyterapp.commands.execute(name)"


@dataclass(frozen=True)
class Lesson:
    """A lesson that is open in the browser."""

    page: Page

    @classmethod
    @contextmanager
    def open(cls, page: Page, server: Server, notebook: str) -> Iterator[Lesson]:
        """Open a notebook, in the JupyterLab that the page shows if it shows one already.

        Its kernel is idle then. At the end the kernel is ended and the notebook closed; nothing is
        saved.
        """
        if page.url.startswith(server.url):
            page.evaluate(_OPEN, notebook)
        else:
            page.goto(server.page_of(notebook))
            page.wait_for_function("() => window.jupyterapp")
        page.evaluate(_READY, notebook)
        try:
            yield cls(page)
        finally:
            page.evaluate(_CLOSE)

    def run_those(self, *beginnings: str) -> None:
        """Run the code cells that begin with one of some texts."""
        for index in self.starting(*beginnings):
            self.run(index)

    def run_all(self) -> None:
        """Run all cells; returns when the kernel has answered the last."""
        self.page.evaluate(_COMMAND, "notebook:run-all-cells")

    def save(self) -> None:
        """Save the notebook, as Ctrl-S does."""
        self.page.evaluate(_COMMAND, "docmanager:save")

    def shut_down(self) -> None:
        """End the kernel, as the menu *Kernel* does."""
        self.page.evaluate(_SHUT_DOWN)

    def start_again(self) -> None:
        """Start another kernel after one was shut down."""
        self.page.evaluate(_START_AGAIN)

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
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-at="{index}"]')

    def run(self, index: int, source: str | None = None) -> Locator:
        """Run one cell, with another source if one is given; returns the cell."""
        cell = self.show(index)
        if source is not None:
            self.page.evaluate(_WRITE, [index, source])
        self.page.evaluate(_COMMAND, "notebook:run-cell")
        return cell

    def nothing_is_cut_off(self, index: int) -> None:
        """A cell's pictures and tables are loaded; each fits, or scrolls in a box that does.

        So letters stay large enough to read, and the page itself need not be scrolled sideways.
        """
        self.show(index)
        for one in self.page.evaluate(_PICTURES, index):
            assert one["loaded"], f"cell {index}: {one}"
            fits = one["width"] <= one["room"] or (one["own"] and one["box"] <= one["room"])
            assert fits, f"cell {index}: {one}"
        wider = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wider, f"cell {index}"

    def solves(self, id: str) -> None:
        """An exercise: a near miss is told what it misses, the solution is right, and shown."""
        answers, check = loader.answers(id), self.find(f'check("{id}"')
        near_miss = answers.near_misses[0]
        self.run(check - 1, answers.solution)  # of which a near miss may say only what differs
        self.run(check - 1, near_miss.source)
        expect(self.run(check)).to_contain_text(words(near_miss.says))
        self.run(check - 1, answers.solution)
        expect(self.run(check)).to_contain_text("Right:")
        shown = self.run(self.find(f'solution("{id}"'))
        expect(shown).to_contain_text("One right answer")


def is_answered(cell: Locator, id: str) -> None:
    """A question of a cell: a wrong answer by keyboard, the right one by mouse; read why."""
    asked, question = cell.locator(".rc-ask").first, loader.question(id)
    letters = dict(question.lettered())
    wrong = next(letter for letter in letters if letter != question.right)
    for letter, word in ((wrong, "wrong"), (question.right, "right")):
        button = asked.get_by_role("button", name=re.compile(rf"^{letter}\)"))
        button.press("Enter") if letter == wrong else button.click()
        expect(button).to_contain_text(word)
        expect(asked.get_by_role("status")).to_contain_text(words(letters[letter].why))


def words(markdown: str) -> str:
    """A stretch of a text that has no marks in it: the screen does not show those."""
    return max(re.split(r"[`*_]|\n", markdown), key=len).strip()
