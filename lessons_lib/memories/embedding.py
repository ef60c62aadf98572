"""Texts as vectors, for a store that searches: a lexical embedder, or a real model by one setting.

The lexical embedder needs no model and no network, and gives the same vectors in every process.
It compares letters and knows no meanings: *computer* and *laptop* have nothing in common for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from langgraph.store.base import IndexConfig

SETTING = "LESSONS_EMBEDDER"
"""The environment variable that may name a real embedder, as in `my_module:embed`."""
DIMS = 2048

Vector = list[float]
Embed = Callable[[Sequence[str]], list[Vector]]


def lexical(texts: Sequence[str]) -> list[Vector]:
    """Count every text's pieces of three letters, each in one of `DIMS` places.

    The place comes from `crc32`: the built-in `hash` of a text differs from process to process.
    Two pieces may share a place, which is rare enough among the short texts of a lesson.

    >>> here, again = lexical(["Paper jam", "paper jam"])
    >>> here == again, sum(here)
    (True, 9.0)
    """
    vectors = []
    for text in texts:
        vector, padded = [0.0] * DIMS, f" {text.lower()} "
        for start in range(len(padded) - 2):
            vector[crc32(padded[start : start + 3].encode()) % DIMS] += 1
        vectors.append(vector)
    return vectors


def embedder(setting: str | None = None) -> Any:
    """Return the embedder that a setting `module:name` names; without one, the lexical embedder.

    `setting` is the environment's `LESSONS_EMBEDDER` when it is not given. The name may be a
    function from texts to vectors, an embeddings object (with `embed_documents`), or a class that
    makes one when it is called without arguments. Raises ValueError when it leads to none of these.

    >>> embedder("") is lexical
    True
    """
    words = os.environ.get(SETTING, "") if setting is None else setting
    if not words:
        return lexical
    module, _, name = words.partition(":")
    if not module or not name:
        raise ValueError(
            f"{SETTING} is {words!r}: name a module and what is in it, as in 'm:embed'"
        )
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        raise ValueError(
            f"{SETTING} is {words!r}, and the module cannot be imported ({error}): "
            "install it, or unset the variable to use the lexical embedder"
        ) from error
    except AttributeError as error:
        raise ValueError(
            f"{SETTING} is {words!r}, and {module} has no {name!r}: name a function from texts to "
            "vectors, or an embeddings object"
        ) from error
    made = found() if isinstance(found, type) else found
    if hasattr(made, "embed_documents") or callable(made):
        return made
    raise ValueError(
        f"{SETTING} is {words!r}, a {type(made).__name__}: it must name a function from texts to "
        "vectors, or an embeddings object"
    )


def search_index(fields: Sequence[str] = ("text",), setting: str | None = None) -> IndexConfig:
    """Return the `index` of a store that searches these fields, with the embedder of the setting.

    The number of dimensions is asked of the embedder, with one short text.

    >>> search_index()["dims"], search_index()["fields"]
    (2048, ['text'])
    """
    if isinstance(fields, str):
        raise ValueError(f"the fields are {fields!r}: give a list of names, as in [{fields!r}]")
    embed = embedder(setting)
    vectors = getattr(embed, "embed_documents", embed)(["How long is a vector?"])
    return {"dims": len(vectors[0]), "embed": embed, "fields": list(fields)}
