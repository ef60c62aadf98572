"""From a fresh machine to an open course, with the standard library alone.

``commands`` is what the reader types. For it ``environment`` finds, makes and mends ``.venv``
(``needs`` and ``machine`` say what it must have, and whether there can be one), ``copies`` lays out
the reader's notebooks, ``lab`` starts JupyterLab, which takes ``saving`` along, ``doctor`` tells
what is missing, and ``lock`` renews the pins. Below lie ``project`` (where things are), ``files``
(written whole, one set-up at a time), ``tell`` (words, other programs) and ``trouble`` (what can go
wrong, a sentence for each).
"""

from lessons_lib.launch.project import binder_url, repository

__all__ = ["binder_url", "repository"]
