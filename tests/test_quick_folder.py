"""Temporary folders lie in memory where there is room, and nothing is left there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import quick_folder
from tests.quick_folder import MEMORY, NAME


def test_a_folder_without_room_or_that_there_is_not_does_not_fit(tmp_path: Path) -> None:
    assert quick_folder.fits(tmp_path, room=0) or os.statvfs(tmp_path).f_flag & os.ST_NOEXEC
    assert not quick_folder.fits(tmp_path, room=1 << 60)
    assert not quick_folder.fits(tmp_path / "not there", room=0)


ASKS = """
import multiprocessing.util, tempfile
from tests.quick_folder import pytest_configure
pytest_configure()
print(tempfile.mkdtemp())
print(multiprocessing.util.get_temp_dir())
"""


@pytest.mark.skipif(not quick_folder.fits(MEMORY), reason="no room in memory")
def test_it_is_removed_with_all_that_is_in_it_and_what_a_killed_run_has_left_goes_too() -> None:
    left = MEMORY / f"{NAME}{_ended()}"
    left.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, env=env)
    folders = [Path(line) for line in done.stdout.splitlines()]
    assert [folder.parts[:3] for folder in folders] == [MEMORY.parts] * 2
    assert not any(folder.parent.exists() for folder in folders)
    assert not left.exists()
    assert done.stderr == ""


def _ended() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid
