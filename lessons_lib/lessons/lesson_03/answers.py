# Lesson 03, Cycles and the collector: its answers, which are read and never imported.

# %% 03.message: solution
import weakref


class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self._parent = None if parent is None else weakref.ref(parent)
        self.replies = []
        if parent is not None:
            parent.replies.append(self)

    @property
    def parent(self):
        return None if self._parent is None else self._parent()


# %% 03.message: alternative
import weakref


class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.replies = []
        self._parents = weakref.WeakSet()
        if parent is not None:
            self._parents.add(parent)
            parent.replies.append(self)

    @property
    def parent(self):
        return next(iter(self._parents), None)


# %% 03.message: near miss: is a weak reference
class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent and weakref.ref(parent)
        self.replies = []
        if parent is not None:
            parent.replies.append(self)


# %% 03.message: near miss: the parent owns its replies
class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent
        self.replies = weakref.WeakSet()
        if parent is not None:
            parent.replies.add(self)


# %% 03.message: near miss: is a proxy
class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent and weakref.proxy(parent)
        self.replies = []
        if parent is not None:
            parent.replies.append(self)


# %% 03.message: near miss: `__del__` cannot help
class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent
        self.replies = []
        if parent is not None:
            parent.replies.append(self)

    def __del__(self):
        self.parent = None
        self.replies.clear()


# %% 03.message: near miss: does not know its parent
class Message:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = None
        self.replies = []
        if parent is not None:
            parent.replies.append(self)


# %% 03.handle: solution
def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = str(error)
    return f"failed: {problem}" if problem else "ok"


# %% 03.handle: alternative
def handle(name, read, parse):
    try:
        parse(read(name))
    except ValueError as error:
        return f"failed: {error}"
    return "ok"


# %% 03.handle: alternative
def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = error
    try:
        return f"failed: {problem}" if problem else "ok"
    finally:
        del problem


# %% 03.handle: alternative
def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = error.with_traceback(None)
    return f"failed: {problem}" if problem else "ok"


# %% 03.handle: near miss: no garbage
import gc


def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = error
    gc.collect()
    return f"failed: {problem}" if problem else "ok"


# %% 03.handle: near miss: make no cycle
import gc


def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = str(error)
    gc.collect()
    return f"failed: {problem}" if problem else "ok"


# %% 03.handle: near miss: and of `handle`, with the local name
def handle(name, read, parse):
    problem = None
    upload = read(name)
    try:
        parse(upload)
    except ValueError as error:
        problem = error
    finally:
        del upload
    return f"failed: {problem}" if problem else "ok"


# %% 03.handle: near miss: returned 'failed'
def handle(name, read, parse):
    try:
        parse(read(name))
    except ValueError:
        return "failed"
    return "ok"


# %% 03.handle: near miss: the customer expects an answer
def handle(name, read, parse):
    parse(read(name))
    return "ok"


# %% 03.handle: near miss: take no weak reference
import weakref


def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        problem = weakref.ref(error)
    return f"failed: {problem()}" if problem else "ok"


# %% 03.handle: near miss: and they add up
import traceback


def handle(name, read, parse):
    problem = None
    try:
        parse(read(name))
    except ValueError as error:
        traceback.clear_frames(error.__traceback__)
        problem = error
    return f"failed: {problem}" if problem else "ok"


# %% 03.garbage: given
from collections import Counter

references, leads_to = {}, {}


# %% 03.garbage: solution
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)
    to_visit = [one for one in references if references[one] > inside[one]]
    kept = set()
    while to_visit:
        one = to_visit.pop()
        if one not in kept:
            kept.add(one)
            to_visit.extend(leads_to[one])
    return set(references) - kept


# %% 03.garbage: alternative
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)
    kept = {one for one in references if references[one] > inside[one]}
    while more := {t for one in kept for t in leads_to[one]} - kept:
        kept |= more
    return references.keys() - kept


# %% 03.garbage: near miss: by a chain of more than one step
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)
    kept = {one for one in references if references[one] > inside[one]}
    kept |= {target for one in kept for target in leads_to[one]}
    return set(references) - kept


# %% 03.garbage: near miss: these are the names to *keep*
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)
    kept = {one for one in references if references[one] > inside[one]}
    while more := {t for one in kept for t in leads_to[one]} - kept:
        kept |= more
    return kept


# %% 03.garbage: near miss: Being in no cycle
def garbage(references, leads_to):
    def comes_back(one):
        seen, to_visit = set(), list(leads_to[one])
        while to_visit:
            here = to_visit.pop()
            if here not in seen:
                seen.add(here)
                to_visit.extend(leads_to[here])
        return one in seen

    def held(one):
        inside = Counter(t for targets in leads_to.values() for t in targets)
        return references[one] > inside[one] or any(
            references[other] > inside[other] for other in references if one in leads_to[other]
        )

    return {one for one in references if comes_back(one) and not held(one)}


# %% 03.garbage: near miss: round for ever
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)
    to_visit = [one for one in references if references[one] > inside[one]]
    kept = set()
    while to_visit:
        one = to_visit.pop()
        kept.add(one)
        to_visit.extend(leads_to[one])
    return set(references) - kept


# %% 03.garbage: near miss: round for ever
def garbage(references, leads_to):
    inside = Counter(target for targets in leads_to.values() for target in targets)

    def keep(one):
        return {one}.union(*(keep(target) for target in leads_to[one]))

    held = [one for one in references if references[one] > inside[one]]
    return set(references).difference(*map(keep, held))


# %% 03.garbage: near miss: expected the set of names
def garbage(references, leads_to):
    return [one for one in references if not leads_to[one]]


# %% 03.garbage: near miss: by a chain of more than one step
def garbage(counts, leads_to):
    inside = [target for targets in leads_to.values() for target in targets]
    kept = {name for name in counts if counts[name] > inside.count(name)}
    for name in leads_to:
        if name in kept:
            kept |= set(leads_to[name])
    return set(counts) - kept
