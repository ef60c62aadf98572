"""The command: `python -m lessons_lib.site [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from lessons_lib.site.pages import build


def main(arguments: list[str]) -> int:
    """Write the pages into the folder, and say where to begin."""
    if len(arguments) > 1:
        print(f"`site` takes one folder, so not {arguments[1]!r} too.", file=sys.stderr)
        return 2
    folder = Path(arguments[0] if arguments else "site")
    try:
        pages = build(folder, lambda name: print(f"  {name}", flush=True))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(pages)} pages. Begin with {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
