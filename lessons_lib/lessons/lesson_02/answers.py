# Lesson 02, Reference counting: its answers, which are read and never imported.

# %% 02.remember: solution
import traceback


def remember(error):
    return traceback.TracebackException.from_exception(error)


# %% 02.remember: alternative
import traceback


def remember(error):
    return "".join(traceback.format_exception(error))


# %% 02.remember: alternative
import traceback


def remember(error):
    return traceback.format_exception(error)


# %% 02.remember: alternative
import traceback


def remember(error):
    place = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": repr(error), "in": place.name, "line": place.lineno}


# %% 02.remember: alternative
from traceback import extract_tb


class Report:
    __slots__ = ("words", "where")

    def __init__(self, error):
        self.words, self.where = str(error), extract_tb(error.__traceback__)[-1].name


def remember(error):
    return Report(error)


# %% 02.remember: near miss: what no name can reach
import gc


def remember(error):
    gc.collect()
    return error


# %% 02.remember: near miss: does not name `parse`
def remember(error):
    return str(error)


# %% 02.remember: near miss: without its traceback
def remember(error):
    return error.with_traceback(None)


# %% 02.remember: near miss: take no weak references
import weakref


def remember(error):
    return weakref.ref(error)


# %% 02.remember: near miss: as it found it
def remember(error):
    traceback.clear_frames(error.__traceback__)
    return error


# %% 02.remember: near miss: leads to a traceback
def remember(error):
    return error.__traceback__


# %% 02.remember: near miss: whatever has failed
def remember(error):
    return f"parse: {error}"


# %% 02.remember: near miss: returned None
def remember(error):
    report = f"in parse: {error}"


# %% 02.one-at-a-time: solution
def total_size(names, read):
    total = 0
    for name in names:
        upload = read(name)
        total += upload.size
        del upload
    return total


# %% 02.one-at-a-time: alternative
def total_size(names, read):
    return sum(read(name).size for name in names)


# %% 02.one-at-a-time: alternative
def total_size(names, read):
    def size(name):
        upload = read(name)
        return upload.size

    return sum(map(size, names))


# %% 02.one-at-a-time: near miss: Rebinding lets go too late
def total_size(names, read):
    total = 0
    for name in names:
        upload = read(name)
        total += upload.size
    return total


# %% 02.one-at-a-time: near miss: freed nothing
import gc


def total_size(names, read):
    total = 0
    for name in names:
        upload = read(name)
        total += upload.size
        gc.collect()
    return total


# %% 02.one-at-a-time: near miss: the budget is 1
def total_size(names, read):
    uploads = [read(name) for name in names]
    total = sum(upload.size for upload in uploads)
    del uploads
    return total


# %% 02.one-at-a-time: near miss: every upload counts once
def total_size(names, read):
    return read(names[0]).size


# %% 02.one-at-a-time: near miss: Reading is the slow part
def total_size(names, read):
    return sum(read(name).size for name in names if read(name))


# %% 02.callback: solution
def ready_message(upload):
    name = upload.name
    return lambda: f"{name} is ready"


# %% 02.callback: alternative
def ready_message(upload):
    return lambda name=upload.name: f"{name} is ready"


# %% 02.callback: alternative
def ready_message(upload):
    return f"{upload.name} is ready".format


# %% 02.callback: near miss: __defaults__
def ready_message(upload):
    return lambda upload=upload: f"{upload.name} is ready"


# %% 02.callback: near miss: a weak reference gives None
import weakref


def ready_message(upload):
    seen = weakref.ref(upload)
    return lambda: f"{seen().name} is ready"


# %% 02.callback: near miss: expected a function
def ready_message(upload):
    return f"{upload.name} is ready"


# %% 02.callback: near miss: the callback holds it
import functools


def ready_message(upload):
    return functools.partial(lambda u: f"{u.name} is ready", upload)


# %% 02.callback: near miss: holds a copy of it
import copy


def ready_message(upload):
    mine = copy.copy(upload)
    return lambda: f"{mine.name} is ready"


# %% 02.callback: near miss: holds a copy of it
def ready_message(upload):
    fields = vars(upload)
    return lambda: f"{fields['name']} is ready"
