"""The lock and the project file say the same, and the lock is what pip, uv and Binder can read."""

import re
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lessons_lib.launch import lock
from lessons_lib.launch.project import HERE, Project, requirements
from lessons_lib.launch.trouble import Trouble

MAIN = HERE.lock.read_text(encoding="utf-8")
TESTS = HERE.test_lock.read_text(encoding="utf-8")
LINE = re.compile(r"^(?P<requirement>[a-z0-9][^\\]*?==[^\\]*?) \\$")


def pinned(text: str) -> dict[str, list[Requirement]]:
    """Each package of a lock with its pins (several where a marker splits it)."""
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if not line.startswith("    "):
            match = LINE.match(line)
            assert match, line
            pin = Requirement(match["requirement"])
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


@pytest.mark.parametrize("asked", [*requirements(), *requirements("build"), *requirements("lock")])
def test_what_the_project_asks_for_is_pinned_in_its_range(asked: str) -> None:
    wanted = Requirement(asked)
    pins = pinned(MAIN)[canonicalize_name(wanted.name)]
    assert all(wanted.specifier.contains(version(pin)) for pin in pins)


@pytest.mark.parametrize("asked", requirements("test"))
def test_what_the_tests_ask_for_is_pinned_in_its_range(asked: str) -> None:
    wanted = Requirement(asked)
    pins = {**pinned(MAIN), **pinned(TESTS)}[canonicalize_name(wanted.name)]
    assert all(wanted.specifier.contains(version(pin)) for pin in pins)


def test_what_another_wants_with_extras_is_pinned_with_them() -> None:
    """Else pip would try a newer one as soon as there is one, and say that it has no hash."""
    pins = pinned(MAIN)
    for name in pins:
        with suppress(PackageNotFoundError):  # one for another system
            for asked in map(Requirement, requires(name) or ()):
                if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                    assert asked.extras <= pins[canonicalize_name(asked.name)][0].extras, name


@pytest.mark.parametrize("text", [MAIN, TESTS], ids=["course", "tests"])
def test_every_pin_is_hashed_and_nothing_has_an_address(text: str) -> None:
    for name, entry in lock.pins(text).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), name
    assert not re.search(r"://|--index|--find-links|^-", text, re.MULTILINE)
    assert re.fullmatch(r"([a-z0-9].* \\\n(    --hash=sha256:\w{64}( \\)?\n)+)+", text)


def test_the_tests_lock_holds_only_what_the_course_has_not() -> None:
    assert not pinned(MAIN).keys() & pinned(TESTS).keys()


def test_the_build_backend_is_in_the_lock() -> None:
    from lessons_lib.launch.project import pyproject

    for asked in pyproject()["build-system"]["requires"]:
        wanted = Requirement(asked)
        assert wanted.specifier.contains(version(pinned(MAIN)[wanted.name][0]))


def test_the_difference_keeps_whole_entries() -> None:
    larger = "a==1 \\\n    --hash=sha256:0\nb==1 \\\n    --hash=sha256:1\n"
    assert lock.difference(larger, "a==2 \\\n    --hash=sha256:2\n") == larger[larger.index("b") :]


def _resolver(monkeypatch: pytest.MonkeyPatch, fails: bool = False) -> list[list[str]]:
    """Stand in for uv: pins what it is asked for, keeping the file that is there."""
    asked: list[list[str]] = []

    def resolve(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        if fails:
            return subprocess.CompletedProcess(command, 1, "", "no way\nto do it")
        text = "a==1 \\\n    --hash=sha256:0\n"
        if "pyproject.toml:test" in command:
            text += "b==1 \\\n    --hash=sha256:1\n"
        Path(command[-1]).write_text(text)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(lock, "uv_here", lambda: Path("uv"))
    monkeypatch.setattr(subprocess, "run", resolve)
    return asked


def test_renewing_twice_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    project.lock.parent.mkdir()
    project.test_lock.parent.mkdir()
    asked = _resolver(monkeypatch)
    assert len(lock.renew([], project)) == 2
    assert project.test_lock.read_text() == "b==1 \\\n    --hash=sha256:1\n"
    assert lock.renew([], project) == []
    assert not any("--upgrade" in command for command in asked)
    lock.renew(["--upgrade"], project)
    assert all("--upgrade" in command for command in asked[-2:])


def test_what_cannot_be_resolved_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    project.lock.parent.mkdir()
    project.lock.write_text("as it was")
    _resolver(monkeypatch, fails=True)
    with pytest.raises(Trouble, match="no way to do it"):
        lock.renew([], project)
    assert project.lock.read_text() == "as it was"
