# Lesson 14, Long-term memory II: its answers, which are read and never imported.

# %% 14.three-facts: solution
def facts_for(store, user, question):
    found = store.search(
        ("users", user), query=question, filter={"kind": {"$ne": "internal"}}, limit=3
    )
    return [item.value["text"] for item in found]


# %% 14.three-facts: alternative
def facts_for(store, user, question):
    found = store.search(("users", user), query=question, filter={"kind": {"$ne": "internal"}})[:3]
    return [item.value["text"] for item in found]


# %% 14.three-facts: alternative
def facts_for(store, user, question):
    kinds = ["profile", "file", "feedback"]
    found = [
        i
        for k in kinds
        for i in store.search(("users", user), query=question, filter={"kind": k}, limit=3)
    ]
    return [item.value["text"] for item in sorted(found, key=lambda i: -i.score)[:3]]


# %% 14.three-facts: near miss: does not depend on the question
def facts_for(store, user, question):
    found = store.search(("users", user), filter={"kind": {"$ne": "internal"}}, limit=3)
    return [item.value["text"] for item in found]


# %% 14.three-facts: near miss: a note of the staff was sent
def facts_for(store, user, question):
    found = store.search(("users", user), query=question, limit=3)
    return [item.value["text"] for item in found]


# %% 14.three-facts: near miss: taken all the places
def facts_for(store, user, question):
    found = store.search(("users", user), query=question)
    return [item.value["text"] for item in found if item.value["kind"] != "internal"][:3]


# %% 14.three-facts: near miss: Bob's fact was sent
def facts_for(store, user, question):
    found = store.search(("users",), query=question, filter={"kind": {"$ne": "internal"}}, limit=3)
    return [item.value["text"] for item in found]


# %% 14.three-facts: near miss: facts were read from the store
def facts_for(store, user, question):
    words = set(question.lower().split())
    found = store.search(("users", user), filter={"kind": {"$ne": "internal"}}, limit=1000)
    return [
        item.value["text"]
        for item in sorted(found, key=lambda i: -len(words & set(i.value["text"].lower().split())))[
            :3
        ]
    ]


# %% 14.three-facts: near miss: it came second
def facts_for(store, user, question):
    found = store.search(
        ("users", user), query=question, filter={"kind": {"$ne": "internal"}}, limit=1
    )
    return [item.value["text"] for item in found]


# %% 14.three-facts: near miss: no fact was found at all
def facts_for(store, user, question):
    found = store.search(
        ("users", user, "facts"), query=question, filter={"kind": {"$ne": "internal"}}, limit=3
    )
    return [item.value["text"] for item in found]


# %% 14.three-facts: near miss: every kind but one
def facts_for(store, user, question):
    found = store.search(("users", user), query=question, filter={"kind": "profile"}, limit=3)
    return [item.value["text"] for item in found]


# %% 14.living: solution
class Facts:
    def __init__(self, store, clock):
        self.store, self.clock = store, clock

    def keep(self, user, key, text, minutes=None):
        until = 10**12 if minutes is None else self.clock() + minutes
        self.store.put(("users", user), key, {"text": text, "until": until})

    def living(self, user):
        # Both stores compare numbers here. Postgres would compare text: there, filter in Python.
        found, condition = [], {"until": {"$gt": self.clock()}}
        while page := self.store.search(("users", user), filter=condition, offset=len(found)):
            found += page
        return [item.value["text"] for item in found]


# %% 14.living: alternative
class Facts:
    def __init__(self, store, clock):
        self.store, self.clock = store, clock

    def keep(self, user, key, text, minutes=None):
        until = None if minutes is None else self.clock() + minutes
        self.store.put(("users", user), key, {"text": text, "until": until})

    def living(self, user):
        found, now = [], self.clock()
        while page := self.store.search(("users", user), limit=20, offset=len(found)):
            found += page
        alive = [i.value for i in found if i.value["until"] is None or i.value["until"] > now]
        return [value["text"] for value in alive]


# %% 14.living: near miss: who looks at the time
class Facts(Facts):
    def keep(self, user, key, text, minutes=None):
        self.store.put(("users", user), key, {"text": text})

    def living(self, user):
        found, now = [], self.clock()
        while page := self.store.search(("users", user), limit=20, offset=len(found)):
            found += page
        alive = [i.value for i in found]
        return [value["text"] for value in alive]


# %% 14.living: near miss: `living` raised TypeError
class Facts(Facts):
    def keep(self, user, key, text, minutes=None):
        until = None if minutes is None else self.clock() + minutes
        self.store.put(("users", user), key, {"text": text, "until": until})


# %% 14.living: near miss: is it a number in JSON, too?
class Facts(Facts):
    def keep(self, user, key, text, minutes=None):
        until = float("inf") if minutes is None else self.clock() + minutes
        self.store.put(("users", user), key, {"text": text, "until": until})


# %% 14.living: near miss: A search returns a page
class Facts(Facts):
    def living(self, user):
        condition = {"until": {"$gt": self.clock()}}
        found = self.store.search(("users", user), filter=condition)
        return [item.value["text"] for item in found]


# %% 14.living: near miss: one search asked for 1000 items
class Facts(Facts):
    def living(self, user):
        condition = {"until": {"$gt": self.clock()}}
        found = self.store.search(("users", user), filter=condition, limit=1000)
        return [item.value["text"] for item in found]


# %% 14.living: near miss: no longer *at* it
class Facts(Facts):
    def living(self, user):
        found, condition = [], {"until": {"$gte": self.clock()}}
        while page := self.store.search(("users", user), filter=condition, offset=len(found)):
            found += page
        return [item.value["text"] for item in found]


# %% 14.living: near miss: no end was in sight
class Facts(Facts):
    def living(self, user):
        texts = []
        while page := self.store.search(("users", user), limit=20, offset=len(texts)):
            texts += [i.value["text"] for i in page if i.value["until"] > self.clock()]
        return texts


# %% 14.living: near miss: as after a restart
class Facts:
    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.ends = {}

    def keep(self, user, key, text, minutes=None):
        self.ends[key] = 10**12 if minutes is None else self.clock() + minutes
        self.store.put(("users", user), key, {"text": text})

    def living(self, user):
        found = []
        while page := self.store.search(("users", user), offset=len(found)):
            found += page
        now = self.clock()
        return [i.value["text"] for i in found if self.ends.get(i.key, 0) > now]


# %% 14.living: near miss: counted from when a fact is put
class Facts(Facts):
    def keep(self, user, key, text, minutes=None):
        until = 10**12 if minutes is None else minutes
        self.store.put(("users", user), key, {"text": text, "until": until})


# %% 14.living: near miss: a fact of Bob's
class Facts(Facts):
    def living(self, user):
        found, condition = [], {"until": {"$gt": self.clock()}}
        while page := self.store.search(("users",), filter=condition, offset=len(found)):
            found += page
        return [item.value["text"] for item in found]


# %% 14.living: near miss: It only looks
class Facts(Facts):
    def living(self, user):
        found = []
        while page := self.store.search(("users", user), offset=len(found)):
            found += page
        for item in found:
            if item.value["until"] <= self.clock():
                self.store.delete(item.namespace, item.key)
        return [i.value["text"] for i in found if i.value["until"] > self.clock()]


# %% 14.forget: solution
def forget(store, user):
    while page := store.search(("users", user)):
        for item in page:
            store.delete(item.namespace, item.key)
    store.conn.execute("VACUUM")


# %% 14.forget: alternative
def forget(store, user):
    for item in store.search(("users", user), limit=1000):
        store.delete(item.namespace, item.key)
    store.conn.execute("VACUUM")


# %% 14.forget: alternative
def forget(store, user):
    store.conn.execute("PRAGMA secure_delete = on")
    for item in store.search(("users", user), limit=1000):
        store.delete(item.namespace, item.key)


# %% 14.forget: near miss: A search returns a page
def forget(store, user):
    for item in store.search(("users", user)):
        store.delete(item.namespace, item.key)
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: under *its* namespace
def forget(store, user):
    for item in store.search(("users", user), limit=1000):
        store.delete(("users", user), item.key)
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: under *its* namespace
def forget(store, user):
    while page := store.search(("users", user)):
        for item in page:
            store.delete(("users", user), item.key)
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: skips as many that are not
def forget(store, user):
    offset = 0
    while page := store.search(("users", user), offset=offset):
        for item in page:
            store.delete(item.namespace, item.key)
        offset += len(page)
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: part by part
def forget(store, user):
    store.conn.execute("DELETE FROM store WHERE prefix LIKE ?", [f"users.{user}%"])
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: free, and not empty
def forget(store, user):
    for item in store.search(("users", user), limit=1000):
        store.delete(item.namespace, item.key)
