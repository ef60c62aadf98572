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


# %% 14.three-facts: near miss: every kind but one
def facts_for(store, user, question):
    found = store.search(("users", user), query=question, filter={"kind": "profile"}, limit=3)
    return [item.value["text"] for item in found]


# %% 14.living: solution
def living(store, user):
    store.sweep_ttl()
    found = store.search(("users", user), limit=1000, refresh_ttl=False)
    return [item.value["text"] for item in found]


# %% 14.living: alternative
def living(store, user):
    store.sweep_ttl()
    found = []
    while page := store.search(("users", user), offset=len(found), refresh_ttl=False):
        found += page
    return [item.value["text"] for item in found]


# %% 14.living: near miss: nobody has swept
def living(store, user):
    found = store.search(("users", user), limit=1000, refresh_ttl=False)
    return [item.value["text"] for item in found]


# %% 14.living: near miss: swept when you had read it already
def living(store, user):
    found = store.search(("users", user), limit=1000, refresh_ttl=False)
    store.sweep_ttl()
    return [item.value["text"] for item in found]


# %% 14.living: near miss: it lives again
def living(store, user):
    found = store.search(("users", user), limit=1000)
    store.sweep_ttl()
    return [item.value["text"] for item in found]


# %% 14.living: near miss: ten, or as many as `limit` says
def living(store, user):
    store.sweep_ttl()
    found = store.search(("users", user), refresh_ttl=False)
    return [item.value["text"] for item in found]


# %% 14.living: near miss: told not to refresh
def living(store, user):
    store.sweep_ttl()
    found = store.search(("users", user), limit=1000)
    return [item.value["text"] for item in found]


# %% 14.living: near miss: a fact of Bob's
def living(store, user):
    store.sweep_ttl()
    found = store.search(("users",), limit=1000, refresh_ttl=False)
    return [item.value["text"] for item in found]


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


# %% 14.forget: near miss: part by part
def forget(store, user):
    store.conn.execute("DELETE FROM store WHERE prefix LIKE ?", [f"users.{user}%"])
    store.conn.execute("VACUUM")


# %% 14.forget: near miss: free, and not empty
def forget(store, user):
    for item in store.search(("users", user), limit=1000):
        store.delete(item.namespace, item.key)
