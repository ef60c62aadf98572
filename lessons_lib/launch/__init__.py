"""From a fresh machine to an open course, with the standard library alone.

``project`` knows where things lie, ``machine`` whether they can work, ``environment`` makes and
mends ``.venv``, ``copies`` lays out the reader's notebooks, ``lab`` starts JupyterLab, ``doctor``
tells what is missing, ``lock`` renews the pins, and ``commands`` is what the reader types.
"""

from lessons_lib.launch.project import binder_url, repository

__all__ = ["binder_url", "repository"]
