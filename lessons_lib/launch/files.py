"""Files that a kill at any moment leaves whole: written aside, then put in place."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that others see the old bytes or the new ones, never a part."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def sweep(folder: Path) -> None:
    """Remove what a killed ``write_whole`` left behind."""
    for aside in folder.glob(".*.aside"):
        with suppress(OSError):
            aside.unlink()
