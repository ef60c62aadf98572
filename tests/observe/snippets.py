"""Snippets that every CPython must tell in the same words; run as a script, it tells them.

Only the standard library and the recorder are needed, so any Python on the machine can run this.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

SNIPPETS = {
    "last reference": """
        a = Upload("cv.pdf")
        b = a
        del a
        b = None
    """,
    "return": """
        def words(text):
            upload = Upload(text)
            pair = [upload, upload]
            return len(pair)
        n = words("local")
    """,
    "kept exception": """
        errors = []
        try:
            parse(Upload("cv.pdf"))
        except ValueError as error:
            errors.append(error)
        gc.collect()
        errors.clear()
    """,
    "kept in its own frame": """
        upload = Upload("cv.pdf")
        keep_own_error(upload)
        del upload
        gc.collect()
    """,
    "cycle": """
        a = Upload("a")
        b = Upload("b")
        a.other, b.other = b, a
        del a, b
        gc.collect()
    """,
    "closure and generator": """
        def make():
            kept = Upload("kept")
            loose = Upload("loose")
            def read():
                return kept
            return read
        read = make()
        del read
        def lines():
            opened = Upload("opened")
            yield 1
            yield 2
        source = lines()
        first = next(source)
        source.close()
    """,
    "weak": """
        import weakref
        a = Upload("a")
        w = weakref.ref(a)
        table = weakref.WeakValueDictionary()
        table["a"] = a
        del a
        print(w() is None, len(table))
    """,
    "containers": """
        box = []
        box.append(box)
        pair = (Upload("in a tuple"), 1)
        table = {"pair": pair, "n": 1}
        del pair
        table.clear()
        del box
        gc.collect()
    """,
    "changes in place": """
        history = []
        history.append("x")
        history.append({"role": "user", "text": "hello"})
        history[1]["text"] = "bye"
        history.reverse()
        upload = Upload("cv.pdf")
        upload.name = "letter.pdf"
        upload.size = 3
        seen = {1, 2}
        seen.add(3)
        history.clear()
    """,
    "loop": """
        for name in ["a", "b", "c"]:
            upload = Upload(name)
        del upload
    """,
    "method": """
        upload = Upload("bound")
        call = upload.close
        del upload
        del call
    """,
    "finalizer in a cycle": """
        class Noisy:
            def __del__(self):
                print("bye")
        n = Noisy()
        n.me = n
        del n
        gc.collect()
    """,
    "uncaught": """
        upload = Upload("here")
        parse(upload)
        print("never")
    """,
    "recursion": """
        def count(n):
            part = Upload(str(n))
            return 0 if n == 0 else 1 + count(n - 1)
        total = count(2)
    """,
    "with and finally": """
        with Upload("managed") as m:
            inner = Upload("inner")
        del m
        try:
            x = Upload("x")
        finally:
            del x
    """,
}


class Upload:
    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        pass

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *details: object) -> None:
        pass


def parse(upload: Upload) -> None:
    raise ValueError("no text")


def keep_own_error(upload: Upload) -> None:
    try:
        parse(upload)
    except ValueError as error:
        kept = error  # noqa: F841


def told() -> str:
    """All snippets, told as tables."""
    from textwrap import dedent

    from lessons_lib.observe.stepping.stepper import record
    from lessons_lib.observe.stepping.story import Story

    parts = []
    for title, snippet in SNIPPETS.items():
        names = {"Upload": Upload, "parse": parse, "gc": gc, "keep_own_error": keep_own_error}
        recording = record(dedent(snippet).strip(), names)
        parts.append(f"== {title}\n{Story(recording).table()}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(told())
