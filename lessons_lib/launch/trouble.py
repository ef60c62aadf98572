"""What can go wrong during the set-up, each as one sentence that says what to do."""

import errno
import re
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


def no_room(where: Path, free_mb: "int | None" = None, needed_mb: int = NEEDED_MB) -> Trouble:
    """The disk is full, or would be."""
    left = "" if free_mb is None else f": {free_mb} MB are free"
    return Trouble(
        f"There is no room for the course's environment in {where}{left}, and making it takes "
        f"about {needed_mb} MB. Make room there, then start again."
    )


def not_writable(where: Path) -> Trouble:
    """The folder cannot be written to."""
    return Trouble(
        f"{where} cannot be written to: copy the course to a folder of your own and start it there."
    )


def no_venv(version: "tuple[int, int]") -> Trouble:
    """Debian and its kin ship Python without the part that makes environments."""
    dotted = ".".join(map(str, version))
    return Trouble(
        f"This Python {dotted} cannot make environments (venv or ensurepip is missing). On Debian "
        f"or Ubuntu: sudo apt install python{dotted}-venv. Then start again."
    )


NO_NETWORK = (
    "The packages could not be fetched: the package index did not answer. The first set-up needs "
    "the network once; check the connection (or pip's proxy setting), then start again."
)
NO_WHEEL = (
    "A package has no ready-made build for this machine: use an ordinary 64-bit CPython 3.11, "
    "3.12, 3.13 or 3.14."
)
BAD_HASH = (
    "A package that came over the network is not the one that the course was tested with: start "
    "again, and if that says the same, ask whoever runs your package mirror."
)

# In this order: a full disk also breaks connections, and offline pip also says "no matching".
_SIGNS: "tuple[tuple[str, str], ...]" = (
    (r"No space left|os error 28\b|not enough space|Disk quota exceeded|os error 112\b", "room"),
    (r"DO NOT MATCH THE HASHES|[Hh]ash mismatch", "hash"),
    (r"Read-only file system|Permission denied|os error 13\b|os error 30\b", "write"),
    (
        r"NewConnectionError|ConnectionError|ConnectTimeout|Name or service not known|timed out"
        r"|Temporary failure in name resolution|getaddrinfo failed|dns error|[Pp]roxyError"
        r"|error sending request|Network is unreachable|nodename nor servname|Failed to fetch"
        r"|ReadTimeoutError|Network connectivity is disabled|SSLError|CERTIFICATE_VERIFY_FAILED"
        r"|Connection refused|Could not connect",
        "network",
    ),
    (r"ensurepip", "venv"),
    (
        r"No matching distribution|no wheels? |has no usable wheels|Failed building wheel"
        r"|Failed to build|requires a different Python",
        "wheel",
    ),
)


def kind_of(output: str) -> str:
    """Recognise in an installer's output what went wrong; the empty string means unknown.

    >>> kind_of("OSError: [Errno 28] No space left on device")
    'room'
    >>> kind_of("something new")
    ''
    """
    return next((kind for sign, kind in _SIGNS if re.search(sign, output)), "")


def from_output(output: str, root: Path, version: "tuple[int, int]", log: Path) -> Trouble:
    """Turn an installer's output into one sentence; ``log`` is named where nothing is known."""
    kind = kind_of(output)
    if kind == "room":
        return no_room(root)
    if kind == "write":
        return not_writable(root)
    if kind == "venv":
        return no_venv(version)
    known = {"network": NO_NETWORK, "hash": BAD_HASH, "wheel": NO_WHEEL}
    if kind:
        return Trouble(known[kind])
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "nothing")
    return Trouble(f"The set-up stopped, and the last it said was: {last} (all of it is in {log}).")


def from_os_error(error: OSError, root: Path) -> Trouble:
    """Turn an error of the file system into one sentence."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return no_room(root)
    where = Path(error.filename) if isinstance(error.filename, str) else root
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return not_writable(where)
    return Trouble(f"{where}: {error.strerror or error}.")
