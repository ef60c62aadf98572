# Lesson 18, Many workers, one memory: its answers, which are read and never imported.

# %% 18.turn: solution
def take_turn(graph, thread, order):
    if graph.get_state(thread).tasks:
        graph.invoke(None, thread, durability="sync")
    if f"{order}: send" not in graph.get_state(thread).values.get("done", []):
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: alternative
def take_turn(graph, thread, order):
    state = graph.get_state(thread)
    if state.tasks:
        state = graph.invoke(None, thread, durability="sync")
    else:
        state = state.values
    if f"{order}: send" not in state.get("done", []):
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: near miss: and was taken for done
def take_turn(graph, thread, order):
    state = graph.get_state(thread)
    if state.tasks:
        graph.invoke(None, thread, durability="sync")
    elif f"{order}: send" not in state.values.get("done", []):
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: near miss: its fresh order was not done
def take_turn(graph, thread, order):
    if graph.get_state(thread).tasks:
        graph.invoke(None, thread, durability="sync")


# %% 18.turn: near miss: was finished, and its worker died
def take_turn(graph, thread, order):
    given = None if graph.get_state(thread).tasks else {"order": order}
    graph.invoke(given, thread, durability="sync")


# %% 18.turn: near miss: what was saved is done again
def take_turn(graph, thread, order):
    if f"{order}: send" not in graph.get_state(thread).values.get("done", []):
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: near miss: the next order of the same thread
def take_turn(graph, thread, order):
    state = graph.get_state(thread)
    if state.tasks:
        graph.invoke(None, thread, durability="sync")
    elif not state.values:
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: near miss: Each `invoke` needs
def take_turn(graph, thread, order):
    if graph.get_state(thread).tasks:
        graph.invoke(None, thread)
    if f"{order}: send" not in graph.get_state(thread).values.get("done", []):
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.turn: near miss: no other one knows
begun = set()


def take_turn(graph, thread, order):
    if graph.get_state(thread).tasks:
        graph.invoke(None, thread, durability="sync")
    if order not in begun:
        begun.add(order)
        graph.invoke({"order": order}, thread, durability="sync")


# %% 18.alone: given
from contextlib import contextmanager


# %% 18.alone: solution
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        try:
            yield
        finally:
            one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


# %% 18.alone: alternative
@contextmanager
def alone(pool, name):
    with pool.connection() as one, one.transaction():
        one.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        yield


# %% 18.alone: alternative: it asks again and again
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        while not one.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone()[0]:
            one.execute("SELECT pg_sleep(0.01)")
        try:
            yield
        finally:
            one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


# %% 18.alone: alternative: it locks a row
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("CREATE TABLE IF NOT EXISTS held (name text PRIMARY KEY)")
        one.execute("INSERT INTO held VALUES (%s) ON CONFLICT DO NOTHING", [name])
        with one.transaction():
            one.execute("SELECT 1 FROM held WHERE name = %s FOR UPDATE", [name])
            yield


# %% 18.alone: near miss: two were in the block at once
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        yield


# %% 18.alone: near miss: went back to the pool with the lock
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        yield
        one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


# %% 18.alone: near miss: Postgres knows nothing of it
import threading

locks = {}


@contextmanager
def alone(pool, name):
    with locks.setdefault(name, threading.Lock()):
        yield


# %% 18.alone: near miss: is another number in each
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(%s)", [hash(name)])
        try:
            yield
        finally:
            one.execute("SELECT pg_advisory_unlock(%s)", [hash(name)])


# %% 18.alone: near miss: instead of waiting
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        if not one.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone()[0]:
            raise TimeoutError("taken")
        try:
            yield
        finally:
            one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


# %% 18.alone: near miss: kept the error to itself
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        try:
            yield
        except Exception:
            pass
        finally:
            one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


# %% 18.alone: near miss: another name waits
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(17)")
        try:
            yield
        finally:
            one.execute("SELECT pg_advisory_unlock(17)")


# %% 18.alone: near miss: can come in while its connection is with
@contextmanager
def alone(pool, name):
    with pool.connection() as one:
        one.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
    try:
        yield
    finally:
        with pool.connection() as one:
            one.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])
