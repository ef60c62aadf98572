"""A kernel as a reader has it, with everything it may write kept in a folder of its own.

Used by the notebook tests, the refresh command, the bench and the browser tests, so that all of
them see the same thing: this interpreter's own ipykernel, no personal IPython profile, no history
file, none of the ``PYTHON*`` settings of whoever started the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel

from tests.project import ROOT

KERNEL_NAME = "python3"

# Cells must behave the same whoever starts the tests, so these settings do not reach a kernel.
_NOT_A_READERS = (
    *("PYTHON", "IPYTHON", "JPY_", "PYTEST_", "COVERAGE_"),
    *("LESSONS_", "LANGGRAPH_", "LANGSMITH_", "LANGCHAIN_"),
)


class OwnKernelSpecs(KernelSpecManager):
    """Answers every name with the ipykernel of this interpreter, whatever else is installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of this environment's Python kernel."""
        del kernel_name
        return self.kernel_spec_class(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


@dataclass(frozen=True)
class Place:
    """The folders a kernel of the tests may write to.

    Attributes:
        folder: Holds the others; short, since a socket's path must stay under about 100 characters.
    """

    folder: Path

    @property
    def home(self) -> Path:
        """Where progress is kept: ``LESSONS_HOME``."""
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        """The kernel's temporary folder; empty again when a lesson leaves nothing behind."""
        return self.folder / "t"

    @classmethod
    def make(cls) -> Place:
        """Make the folders, empty."""
        place = cls(Path(tempfile.mkdtemp(prefix="rc-")))
        place.home.mkdir()
        place.temporary.mkdir()
        return place

    def environment(self) -> dict[str, str]:
        """The environment of a process that works here as a reader's would."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(_NOT_A_READERS)
        }
        ours = {
            "LANGSMITH_TRACING": "false",  # as the course's own start has it
            "LESSONS_HOME": str(self.home),
            "IPYTHONDIR": str(self.folder / "ipython"),
        }
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.temporary))
        return {**kept, **_path_to_the_course(), **ours, **temporary}

    def remove(self) -> None:
        """Remove the folders and what is in them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _path_to_the_course() -> dict[str, str]:
    """What leads a kernel to the course where it is not installed, as the course's start does."""
    try:
        distribution("lessons_lib")
    except PackageNotFoundError:
        return {"PYTHONPATH": str(ROOT)}
    return {}


class FrontEndKernel(RunningKernel):  # type: ignore[misc]
    """A running kernel that treats a cell as a front end does.

    nbval sends cells with ``store_history=False``; then a closing ``;`` hushes nothing and ``Out``
    holds nothing, which is not what a reader sees. JupyterLab sends ``True``, and so does this.
    """

    def __init__(self, cwd: Path, place: Place, startup_timeout: float = 60) -> None:
        self.km = KernelManager(kernel_name=KERNEL_NAME, kernel_spec_manager=OwnKernelSpecs())
        # By default five seconds, then it is killed: on a busy machine while a Postgres still ends.
        self.km.shutdown_wait_time = 60.0
        self.km.start_kernel(
            cwd=str(cwd),
            env=place.environment(),
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
            stderr=subprocess.DEVNULL,
        )
        self.kc = self.km.client()
        self.kc.start_channels()
        try:
            self.kc.wait_for_ready(timeout=startup_timeout)
            self._ensure_iopub_up()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        return int(self.km.provisioner.pid)  # type: ignore[union-attr]

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> Any:
        """Send a cell as a front end does and return the id of the message."""
        return self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )

    def get_message(self, stream: str, timeout: float | None = None) -> Any:
        """The next message of a channel; nbval formats each one for a log that nobody reads."""
        channel = {"iopub": self.kc.get_iopub_msg, "shell": self.kc.get_shell_msg}[stream]
        return channel(timeout=timeout)

    def end(self) -> None:
        """Shut the kernel down the way JupyterLab does: asked, so that it can clean up."""
        self.kc.stop_channels()
        self.km.shutdown_kernel(now=False)
