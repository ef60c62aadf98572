"""Renewing the pins, for maintainers: ``binder/requirements.txt`` and what the tests add to it."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lessons_lib.launch.environment import uv_here
from lessons_lib.launch.files import write_whole
from lessons_lib.launch.project import HERE, Project
from lessons_lib.launch.trouble import Trouble

# With their extras: pip takes a package that another wants with extras for unpinned without.
COMPILE = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-strip-extras"),
    *("--no-header", "--no-emit-index-url", "--no-annotate", "--quiet"),
)


def renew(arguments: "Sequence[str]", project: Project = HERE) -> "list[str]":
    """Compile both locks, keeping the pins there are unless ``--upgrade`` is given.

    Returns the names of the files that changed; the same input twice changes no byte.
    """
    unknown = [word for word in arguments if word != "--upgrade"]
    if unknown:
        raise Trouble(f"`lock` takes --upgrade and nothing else, not {unknown[0]!r}.", 2)
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder)
        main = _compile(
            project.lock,
            ["pyproject.toml", "--group", "build", "--group", "lock"],
            arguments,
            aside,
        )
        (aside / "main.txt").write_text(main, encoding="utf-8")
        group = ["--group", "pyproject.toml:test", "-c", str(aside / "main.txt")]
        tests = difference(_compile(project.test_lock, group, arguments, aside), main)
    texts = {project.lock: main, project.test_lock: tests}
    return [str(path.relative_to(project.root)) for path, text in texts.items() if _put(path, text)]


def _put(path: Path, text: str) -> bool:
    data = text.encode("utf-8")
    if path.exists() and path.read_bytes() == data:
        return False
    write_whole(path, data)
    return True


def _compile(lock: Path, what: "list[str]", upgrade: "Sequence[str]", folder: Path) -> str:
    """Run the resolver on a copy of ``lock``, whose pins it keeps."""
    uv = uv_here()
    if uv is None:
        raise Trouble("`lock` needs uv: install it, or run the set-up, which fetches it.")
    copy = folder / f"{lock.parent.name}.txt"
    copy.write_bytes(lock.read_bytes() if lock.exists() else b"")
    command = [str(uv), "pip", "compile", *what, *COMPILE, *upgrade, "-o", str(copy)]
    ended = subprocess.run(command, cwd=lock.parents[1], capture_output=True, text=True)
    if ended.returncode:
        raise Trouble(f"uv could not resolve {lock.name}: {' '.join(ended.stderr.split())}")
    return copy.read_text(encoding="utf-8")


def pins(text: str) -> "dict[str, str]":
    """Split a lock into packages: name → its whole entry, several if a marker splits it.

    >>> list(pins("six==1.17.0 --hash=sha256:0\\n"))
    ['six']
    """
    entries: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if re.match(r"[A-Za-z0-9]", line):
            name = re.split(r"[=\[]", line)[0].strip()
        entries[name] = entries.get(name, "") + line
    return entries


def difference(larger: str, smaller: str) -> str:
    """The entries of one lock whose packages another does not have."""
    have = pins(smaller)
    return "".join(entry for name, entry in pins(larger).items() if name not in have)
