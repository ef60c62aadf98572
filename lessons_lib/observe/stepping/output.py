"""What a snippet prints, kept apart from what other threads print meanwhile."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


class _Stream:
    """Stands where `sys.stdout` stood: what the threads print that ran before goes there still."""

    def __init__(self, was: Any, kept: Any, others: set[int]) -> None:
        self._was, self._kept, self._others = was, kept, others

    def __getattr__(self, name: str) -> Any:
        return getattr(self._was if threading.get_ident() in self._others else self._kept, name)


_never_freed: list[_Stream] = []
"""Up to CPython 3.12 `print` uses the stream it finds without holding it, so none may go."""


@contextmanager
def output_kept_in(kept: io.StringIO) -> Iterator[None]:
    """Keep what this thread prints, and those that it starts; all is put back afterwards."""
    others = set(sys._current_frames()) - {threading.get_ident()}
    out, err = (_Stream(was, kept, others) for was in (sys.stdout, sys.stderr))
    _never_freed.extend((out, err))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        out._kept, err._kept = out._was, err._was
