"""`where_is(fact, *places)`: every place in which a text or an object lives now.

It reads and never changes what it reads: the objects of this process, the blobs of savers, the
items of stores, the bytes of files. No connection of its own is made to a database file; one is
made to a Postgres server, which reads alone.
"""

from __future__ import annotations

import gc
import sys

from ..holding.search import collector_off, roots_of
from ..pictures.waiting import waiting
from .fact import checked
from .finds import Whereabouts
from .keepers import search_keeper
from .live import copies_of
from .places import checked_places, search_places

_TYPED = "The notebook has it too, in its record of the cells you ran and of what they showed."


def where_is(fact: str | bytes, *places: object) -> Whereabouts:
    """Find every place in which a text lives now.

    A text is looked for in all strings and bytes of this process, in the blobs and items of every
    InMemorySaver and InMemoryStore in it and in the `places`: savers, stores, caches, compiled
    graphs, paths of database files, of other files or of folders. A place that cannot be read is
    said first, with why; an asynchronous saver of somebody's that waits for the caller's own loop
    is searched by `await asyncio.to_thread(where_is, …)`. LangGraph's own need no such thing.

    What an object written in C keeps for itself (the buffer of a `BytesIO`) is not seen, nor what
    is compressed. What the caller passes is no place, nor is the text of a program: code, the cells
    of a notebook. That the notebook keeps what was typed and shown is said in one note below.

    >>> def conversation():
    ...     note = {"text": "My dog is called Wuffina."}
    ...     notes = [note]
    ...     return where_is("called Wuffina")
    >>> [find] = conversation()
    >>> find.what
    "str 'My dog is called Wuffina.'"
    >>> find.held_by
    "conversation() → note → ['text'], conversation() → notes → [0] → ['text']"
    >>> find.erased_by
    'the return of conversation()'
    >>> print(where_is("called Wuffina"))
    'called Wuffina' was found nowhere.
    """
    text = checked(fact)
    checked_places(places)
    roots = roots_of(sys._getframe(1))
    with collector_off(), waiting("looking at all objects"):
        found = copies_of(text, gc.get_objects(), roots.found, (fact, *places))
    for keeper, held_by in found.keepers:
        here = search_keeper(keeper, text, held_by)
        found.finds += here.finds
        found.unread += here.unread
    found.add(search_places(places, text))
    found.notes += [_TYPED] if found.typed and _in_notebook() else []
    found.unread += [roots.unread] if roots.unread else []
    return Whereabouts(text.said, tuple(found.finds), tuple(found.notes), tuple(found.unread))


def _in_notebook() -> bool:
    """Whether a notebook (or IPython) runs this, and not a script or a test."""
    notebook = sys.modules.get("IPython")
    return notebook is not None and notebook.get_ipython() is not None
