# Lesson 04, Finding leaks: its answers, which are read and never imported.

# %% 04.bus: solution
import weakref


class Bus:
    def __init__(self):
        self.callbacks = []

    def subscribe(self, callback):
        self.callbacks.append(weakref.WeakMethod(callback))

    def publish(self, news):
        self.callbacks = [known for known in self.callbacks if known() is not None]
        for known in self.callbacks:
            callback = known()
            if callback is not None:
                callback(news)


# %% 04.bus: alternative
import weakref


class Bus:
    def __init__(self):
        self.callbacks = []

    def subscribe(self, callback):
        self.callbacks.append(weakref.WeakMethod(callback, self.callbacks.remove))

    def publish(self, news):
        for known in list(self.callbacks):
            callback = known()
            if callback is not None:
                callback(news)


# %% 04.bus: alternative
import weakref


class Bus:
    def __init__(self):
        self.methods = weakref.WeakKeyDictionary()

    def subscribe(self, callback):
        self.methods.setdefault(callback.__self__, []).append(callback.__func__)

    def publish(self, news):
        for window, methods in list(self.methods.items()):
            for method in methods:
                method(window, news)


# %% 04.bus: near miss: A key that two subscribers share
class Bus:
    def __init__(self):
        self.methods = weakref.WeakKeyDictionary()

    def subscribe(self, callback):
        self.methods[callback.__self__] = callback.__func__

    def publish(self, news):
        for window, method in list(self.methods.items()):
            method(window, news)


# %% 04.bus: near miss: is dead at once
class Bus(Bus):
    def subscribe(self, callback):
        self.callbacks.append(weakref.ref(callback))

    def publish(self, news):
        self.callbacks = [known for known in self.callbacks if known() is not None]
        for known in self.callbacks:
            known()(news)


# %% 04.bus: near miss: gives None, and `publish` called
class Bus(Bus):
    def publish(self, news):
        for known in self.callbacks:
            known()(news)


# %% 04.bus: near miss: A small leak is a leak
class Bus(Bus):
    def publish(self, news):
        for known in self.callbacks:
            callback = known()
            if callback is not None:
                callback(news)


# %% 04.bus: near miss: subscribed with `note`
class Bus:
    def __init__(self):
        self.windows = weakref.WeakSet()

    def subscribe(self, callback):
        self.windows.add(callback.__self__)

    def publish(self, news):
        for window in list(self.windows):
            window.show(news)


# %% 04.bus: near miss: A collection frees what no
import gc


class Bus(Bus):
    def subscribe(self, callback):
        self.callbacks.append(callback)

    def publish(self, news):
        gc.collect()
        for callback in self.callbacks:
            callback(news)


# %% 04.bus: near miss: A small leak is a leak
class Bus(Bus):
    def subscribe(self, callback):
        known = weakref.WeakMethod(callback)

        def tell(news):
            method = known()
            if method is not None:
                method(news)

        self.callbacks.append(tell)

    def publish(self, news):
        for tell in self.callbacks:
            tell(news)


# %% 04.words: given
from functools import cache


# %% 04.words: solution
from functools import cached_property


class Upload:
    def __init__(self, name, text):
        self.name = name
        self.text = text

    @cached_property
    def words(self):
        return len(self.text.split())


# %% 04.words: alternative
class Upload:
    def __init__(self, name, text):
        self.name = name
        self.text = text
        self._words = None

    @property
    def words(self):
        if self._words is None:
            self._words = len(self.text.split())
        return self._words


# %% 04.words: alternative
import weakref

known = weakref.WeakKeyDictionary()


class Upload:
    def __init__(self, name, text):
        self.name = name
        self.text = text

    @property
    def words(self):
        if self not in known:
            known[self] = len(self.text.split())
        return known[self]


# %% 04.words: near miss: keeps the last 100
from functools import lru_cache


class Upload(Upload):
    @property
    @lru_cache(maxsize=100)
    def words(self):
        return len(self.text.split())


# %% 04.words: near miss: asked for twice and the text split 2 times
class Upload(Upload):
    @property
    def words(self):
        return len(self.text.split())


# %% 04.words: near miss: A name is no identity
class Upload(Upload):
    known = {}

    @property
    def words(self):
        if self.name not in self.known:
            self.known[self.name] = len(self.text.split())
        return self.known[self.name]


# %% 04.words: near miss: and its text did not
@cache
def count_words(text):
    return len(text.split())


class Upload(Upload):
    @property
    def words(self):
        return count_words(self.text)


# %% 04.words: near miss: when the upload was made
class Upload:
    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.words = len(text.split())


# %% 04.words: near miss: a cache of 1 keeps the last upload
from functools import lru_cache


class Upload:
    def __init__(self, name, text):
        self.name, self.text = name, text

    @property
    @lru_cache(maxsize=1)
    def words(self):
        return len(self.text.split())


# %% 04.words: near miss: is a property already
from functools import cached_property


class Upload(Upload):
    @property
    @cached_property
    def words(self):
        return len(self.text.split())


# %% 04.lab-desk: given
import weakref


def pages(upload):
    for number in range(1, 4):
        yield f"{upload.name}, page {number}"


# %% 04.lab-desk: solution
class Desk:
    def __init__(self):
        self.reminders = []
        self.previews = []
        self.notes = weakref.WeakKeyDictionary()

    def remind(self, upload):
        self.reminders.append(lambda name=upload.name: f"{name} is ready")

    def bundle(self, upload, files=None):
        files = [] if files is None else files
        files.append(upload)
        return [file.name for file in files]

    def preview(self, upload):
        lines = pages(upload)
        self.previews.append(lines)
        page = next(lines)
        lines.close()
        return page

    def annotate(self, upload):
        self.notes[upload] = {"text": "read"}


# %% 04.lab-desk: alternative
class Desk:
    def __init__(self):
        self.reminders = []
        self.previews = 0
        self.notes = weakref.WeakKeyDictionary()

    def remind(self, upload):
        self.reminders.append(f"{upload.name} is ready".format)

    def bundle(self, upload, files=()):
        if isinstance(files, list):
            files.append(upload)
            return [file.name for file in files]
        return [upload.name]

    def preview(self, upload):
        self.previews += 1
        return next(pages(upload))

    def annotate(self, upload):
        self.notes[upload] = {"about": weakref.ref(upload), "text": "read"}


# %% 04.lab-desk: near miss: a default argument is a reference too
class Desk(Desk):
    def remind(self, upload):
        self.reminders.append(lambda upload=upload: f"{upload.name} is ready")


# %% 04.lab-desk: near miss: the weak reference leads nowhere
class Desk(Desk):
    def remind(self, upload):
        mine = weakref.proxy(upload)
        self.reminders.append(lambda: f"{mine.name} is ready")


# %% 04.lab-desk: near miss: the weak reference leads nowhere
class Desk(Desk):
    def remind(self, upload):
        seen = weakref.ref(upload)
        self.reminders.append(lambda: f"{seen().name} is ready")


# %% 04.lab-desk: near miss: or emptied
class Desk(Desk):
    def bundle(self, upload, files=[]):
        files.append(upload)
        names = [file.name for file in files]
        files.clear()
        return names


# %% 04.lab-desk: near miss: is only one of two references
class Desk(Desk):
    def preview(self, upload):
        lines = pages(upload)
        self.previews.append(lines)
        page = next(lines)
        del lines
        return page


# %% 04.lab-desk: near miss: the value leads back to its key
class Desk(Desk):
    def annotate(self, upload):
        self.notes[upload] = {"about": lambda: upload, "text": "read"}


# %% 04.lab-worker: given
import asyncio
import logging
import threading
from contextvars import ContextVar

HERE = threading.local()
CURRENT = ContextVar("current")


def header():
    return f"from {HERE.upload.name}"


def footer():
    return f"about {CURRENT.get().name}"


class Report(logging.Handler):
    def __init__(self, upload):
        super().__init__()
        self.upload = upload

    def emit(self, record):
        self.upload.log.append(record.getMessage())


async def parse(upload):
    await asyncio.sleep(0)
    return upload


# %% 04.lab-worker: solution
class Worker:
    def __init__(self):
        self.logger = logging.Logger("bot")
        self.tasks = set()

    def greet(self, upload):
        HERE.upload = upload
        try:
            return header()
        finally:
            del HERE.upload

    def sign(self, upload):
        token = CURRENT.set(upload)
        try:
            return footer()
        finally:
            CURRENT.reset(token)

    def log(self, upload):
        report = Report(upload)
        self.logger.addHandler(report)
        try:
            self.logger.warning("read %s", upload.name)
        finally:
            self.logger.removeHandler(report)
            report.close()

    async def index(self, upload):
        task = asyncio.create_task(parse(upload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


# %% 04.lab-worker: alternative
from contextvars import copy_context


class Worker:
    def __init__(self):
        self.logger = logging.Logger("bot")
        self.tasks = set()

    def greet(self, upload):
        try:
            HERE.upload = upload
            return header()
        finally:
            HERE.__dict__.clear()

    def sign(self, upload):
        def inside():
            CURRENT.set(upload)
            return footer()

        return copy_context().run(inside)

    def log(self, upload):
        report = Report(upload)
        self.logger.addHandler(report)
        try:
            self.logger.warning("read %s", upload.name)
        finally:
            self.logger.removeHandler(report)
            report.close()

    async def index(self, upload):
        task = asyncio.create_task(parse(upload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


# %% 04.lab-worker: near miss: after the line that raised
class Worker(Worker):
    def greet(self, upload):
        HERE.upload = upload
        said = header()
        del HERE.upload
        return said


# %% 04.lab-worker: near miss: brings it back
class Worker(Worker):
    def sign(self, upload):
        CURRENT.set(upload)
        try:
            return footer()
        finally:
            CURRENT.set(None)


# %% 04.lab-worker: near miss: thrown out with the one
class Worker(Worker):
    def log(self, upload):
        self.logger.addHandler(Report(upload))
        self.logger.warning("read %s", upload.name)
        self.logger.handlers.clear()


# %% 04.lab-worker: near miss: Closing is not removing
class Worker(Worker):
    def log(self, upload):
        report = Report(upload)
        self.logger.addHandler(report)
        self.logger.warning("read %s", upload.name)
        report.close()


# %% 04.lab-worker: near miss: nobody holds it
class Worker(Worker):
    async def index(self, upload):
        asyncio.create_task(parse(upload))


# %% 04.lab-worker: near miss: nobody holds it
import weakref


class Worker(Worker):
    def __init__(self):
        super().__init__()
        self.tasks = weakref.WeakSet()

    async def index(self, upload):
        self.tasks.add(asyncio.create_task(parse(upload)))
