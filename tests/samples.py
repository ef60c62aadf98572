"""Small notebooks made for the tests of the tools; none is ever written to ``notebooks/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def code(source: str, *outputs: dict[str, Any], count: int | None = None, **more: Any) -> Cell:
    """A code cell; `count` is its execution count, and `tags` may be given."""
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": more.pop("id", f"cell-{abs(hash(source)) % 10**8}"),
        "metadata": more,
        "outputs": list(outputs),
        "source": source,
    }


def markdown(source: str, cell_id: str = "prose") -> Cell:
    """A markdown cell."""
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source}


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """What a cell wrote to a stream."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(count: int | None = None, **data: str) -> dict[str, Any]:
    """A displayed object: `plain`, `html`; the cell's result when a count is given."""
    mimes = {"plain": "text/plain", "html": "text/html", "svg": "image/svg+xml", "png": "image/png"}
    output: dict[str, Any] = {
        "output_type": "display_data",
        "data": {mimes[key]: value for key, value in data.items()},
        "metadata": {},
    }
    if count is not None:
        output |= {"output_type": "execute_result", "execution_count": count}
    return output


def notebook(*cells: Cell) -> dict[str, Any]:
    """A notebook of these cells."""
    return {
        "cells": list(cells),
        "metadata": {
            "kernelspec": {"display_name": "Mine", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": "3.11.7"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(path: Path, *cells: Cell) -> Path:
    """Write a notebook of these cells and return its path."""
    for position, cell in enumerate(cells):
        cell["id"] = f"{position}-{cell['id']}"
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8", newline="\n")
    return path
