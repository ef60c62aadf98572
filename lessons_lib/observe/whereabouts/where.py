"""`where_is(fact, *places)`: every place in which a text or an object lives now.

It reads and never changes what it reads: the objects of this process, the blobs of savers, the
items of stores, the bytes of files. No connection of its own is made to a database file.
"""

from __future__ import annotations

import gc
import sys

from ..holding.holders import who_holds
from ..holding.search import Root, roots_of
from ..pictures.waiting import waiting
from .fact import Text, checked
from .finds import Find, Whereabouts
from .keepers import search_keeper
from .live import Seen, copies_of, erasers, is_readable, said
from .places import checked_places, search_places

_TYPED = "The notebook has it too, in its record of the cells you ran and of what they showed."
_COPIES = (
    "Savers, stores and files were not searched: what gets there is a copy of an object, not the "
    "object. Give a text of it."
)
_UNNAMED = "No name leads to it; who_holds(…) tells whether a cycle or C code keeps it."


def where_is(fact: object, *places: object) -> Whereabouts:
    """Find every place in which a text, or an object, lives now.

    A text is looked for in all strings and bytes of this process, in the blobs and items of every
    InMemorySaver and InMemoryStore in it and in the `places`: savers, stores, compiled graphs,
    paths of database files, of other files or of folders. A place that cannot be read is said
    first, with why; an asynchronous saver that waits for the caller's own loop is searched by
    `await asyncio.to_thread(where_is, …)`. An object is looked for by identity,
    in this process alone: what leaves it is a copy.

    What an object written in C keeps for itself (the buffer of a `BytesIO`) is not seen. What the
    caller passes is no place, nor is the text of a program: code, the cells of a
    notebook. That the notebook keeps what was typed and shown is said in one note below.

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
    if text is None:
        return _object(fact, places)
    roots = roots_of(sys._getframe(1))
    found = _looked(text, roots.found, (fact, *places))
    for keeper, held_by in found.keepers:
        if is_readable(keeper):
            here = search_keeper(keeper, held_by, text)
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


def _object(thing: object, places: tuple[object, ...]) -> Whereabouts:
    """Who holds an object in this process, as one find: it is one object, wherever it is held."""
    holders = who_holds(thing)
    notes = [_COPIES] if places else []
    unread = (holders.unseen,) if holders.unseen else ()
    if not holders.chains:
        return Whereabouts(holders.label, (), (*notes, _UNNAMED), unread)
    held_by = said(holders.chains, holders.more, holders.at_least)
    erased_by = erasers(holders.chains)
    find = Find("this process", "live object", holders.label, held_by, erased_by)
    return Whereabouts(holders.label, (find,), tuple(notes), unread)


def _looked(text: Text, roots: list[Root], call: tuple[object, ...]) -> Seen:
    """The live copies; the collector rests meanwhile, so that it makes and unmakes nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        with waiting("looking at all objects"):
            return copies_of(text, gc.get_objects(), roots, call)
    finally:
        if was_on:
            gc.enable()
