"""What can go wrong during the set-up, each as one sentence that says what to do."""

import errno
import re
import sys
from pathlib import Path

ENVIRONMENT_MB = 420
"""What the environment takes; while it is made, the packages lie there a second time in part."""
NEEDED_MB = 600
NEEDED_FOR_TESTS_MB = 900


class Trouble(Exception):
    """One sentence for the reader; ``code`` is the exit code that goes with it."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


# By kind: how it shows in an installer's output, and what the reader is told. The first sign that
# is there decides: a full disk also breaks connections, and offline pip also says "no matching".
KINDS = {
    "room": (
        r"No space left|os error 28\b|not enough space|Disk quota exceeded|os error 112\b",
        "There is no room for the course's environment in {where}{free}, and making it takes "
        "about {needed} MB. Make room there, then start again.",
    ),
    "hash": (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "A package that came over the network is not the one that the course was tested with: "
        "start again, and if that says the same, ask whoever runs your package mirror.",
    ),
    "write": (
        r"Read-only file system|Permission denied|os error 13\b|os error 30\b",
        "{where} cannot be written to: copy the course to a folder of your own and start it there.",
    ),
    "network": (
        r"NewConnectionError|ConnectionError|ConnectTimeout|Name or service not known|timed out"
        r"|Temporary failure in name resolution|getaddrinfo failed|dns error|[Pp]roxyError"
        r"|error sending request|Network is unreachable|nodename nor servname|Failed to fetch"
        r"|ReadTimeoutError|Network connectivity is disabled|SSLError|CERTIFICATE_VERIFY_FAILED"
        r"|Connection refused|Could not connect",
        "The packages could not be fetched: the package index did not answer. The first set-up "
        "needs the network once; check the connection (or pip's proxy setting), then start again.",
    ),
    # Debian and its kin ship Python without the part that makes environments.
    "venv": (
        r"ensurepip",
        "This Python {python} cannot make environments (venv or ensurepip is missing). On Debian "
        "or Ubuntu: sudo apt install python{python}-venv. Then start again.",
    ),
    "wheel": (
        r"No matching distribution|no wheels? |has no usable wheels|Failed building wheel"
        r"|Failed to build|requires a different Python",
        "A package has no ready-made build for this machine: use an ordinary 64-bit CPython 3.11, "
        "3.12, 3.13 or 3.14.",
    ),
}


def of_kind(kind: str, where: Path, free: str = "", needed_mb: int = NEEDED_MB) -> Trouble:
    """The trouble of a kind, with the folder in which it came up."""
    python = "{}.{}".format(*sys.version_info)
    _, sentence = KINDS[kind]
    return Trouble(sentence.format(where=where, free=free, needed=needed_mb, python=python))


def kind_of(output: str) -> str:
    """Recognise in an installer's output what went wrong; the empty string means unknown.

    >>> kind_of("OSError: [Errno 28] No space left on device")
    'room'
    >>> kind_of("something new")
    ''
    """
    return next((kind for kind, (sign, _) in KINDS.items() if re.search(sign, output)), "")


def from_output(output: str, root: Path, log: Path) -> Trouble:
    """Turn an installer's output into one sentence; ``log`` is named where nothing is known."""
    kind = kind_of(output)
    if kind:
        return of_kind(kind, root)
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "nothing")
    return Trouble(f"The set-up stopped, and the last it said was: {last} (all of it is in {log}).")


def from_os_error(error: OSError, root: Path) -> Trouble:
    """Turn an error of the file system into one sentence."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return of_kind("room", root)
    where = Path(error.filename) if isinstance(error.filename, str) else root
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return of_kind("write", where)
    return Trouble(f"{where}: {error.strerror or error}.")
