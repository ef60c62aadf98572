# Lesson 13, Long-term memory I: its answers, which are read and never imported.

# %% 13.home: solution
def home_of(user):
    return ("users", user.encode().hex())


# %% 13.home: alternative
import hashlib


def home_of(user):
    return ("users", hashlib.sha256(user.encode()).hexdigest())


# %% 13.home: alternative
from urllib.parse import quote


def home_of(user):
    return ("users", quote(user, safe="").replace(".", "%2E"))


# %% 13.home: alternative
def home_of(user):
    return ("users", user.replace("~", "~~").replace(".", "~d"), "memories")


# %% 13.home: near miss: share a home
def home_of(user):
    return ("users", user.replace(".", "_"))


# %% 13.home: near miss: one namespace begins with the other
def home_of(user):
    return ("users", *[part or "-" for part in user.split(".")])


# %% 13.home: near miss: every user has the same home
def home_of(user):
    return ("users",)


# %% 13.home: near miss: started afresh
def home_of(user):
    return ("users", str(hash(user)))


# %% 13.home: near miss: two homes
import uuid


def home_of(user):
    return ("users", uuid.uuid4().hex)


# %% 13.home: near miss: single letters
def home_of(user):
    return f"users/{user.encode().hex()}"


# %% 13.home: near miss: refuses the home of
def home_of(user):
    return ("users", "@".join(user.split("@")[:1]))


# %% 13.note-facts: solution
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    old = item.value if item else {}
    new = {**old, **facts}
    if new != old:
        store.put(home, "profile", new)


# %% 13.note-facts: alternative
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    old = item.value if item else {}
    if not facts.items() <= old.items():
        store.put(home, "profile", old | facts)


# %% 13.note-facts: near miss: wrote what the store had known before
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    if facts:
        store.put(home, "profile", {**item.value, **facts} if item else facts)


# %% 13.note-facts: near miss: nothing was heard
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    store.put(home, "profile", {**item.value, **facts} if item else facts)


# %% 13.note-facts: near miss: the same code passed
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    if item is None:
        store.put(home, "profile", facts)
    else:
        item.value.update(facts)


# %% 13.note-facts: near miss: is still 'Zeta 3'
def note_facts(store, home, facts):
    item = store.get(home, "profile")
    old = item.value if item else {}
    new = {**facts, **old}
    if new != old:
        store.put(home, "profile", new)


# %% 13.note-facts: near miss: An item for each fact
def note_facts(store, home, facts):
    for what, fact in facts.items():
        store.put(home, what, {"fact": fact})


# %% 13.note-facts: near miss: Whose facts are these?
def note_facts(store, home, facts):
    item = store.get(home[:1], "profile")
    old = item.value if item else {}
    if {**old, **facts} != old:
        store.put(home[:1], "profile", {**old, **facts})


# %% 13.note-facts: near miss: in a variable
profiles = {}


def note_facts(store, home, facts):
    old = profiles.get(home, {})
    if {**old, **facts} != old:
        profiles[home] = {**old, **facts}
        store.put(home, "profile", profiles[home])


# %% 13.note-facts: near miss: ada's name is lost
def note_facts(store, home, facts):
    if facts:
        store.put(home, "profile", facts)
