# Lesson 08, The journal: its answers, which are read and never imported.

# %% 08.run-rarely: solution
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
    return state


# %% 08.run-rarely: alternative
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for start in range(done, len(steps), 3):
        for step in steps[start : start + 3]:
            state = step(state)
        journal.put(thread_id, min(start + 3, len(steps)), state)
    return state


# %% 08.run-rarely: near miss: the same in every life
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], 1):
        state = step(state)
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
    return state


# %% 08.run-rarely: near miss: steps were done again; the budget
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
    journal.put(thread_id, len(steps), state)
    return state


# %% 08.run-rarely: near miss: the last step needs its put
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
        if number % 3 == 0:
            journal.put(thread_id, number, state)
    return state


# %% 08.run-rarely: near miss: the number of the last step
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], done):
        state = step(state)
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
    return state


# %% 08.run-rarely: near miss: before it was done
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps[done:], done + 1):
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
        state = step(state)
    return state


# %% 08.run-rarely: near miss: is missing. The journal gives you
def run_rarely(journal, thread_id, steps, state):
    entry = journal.get(thread_id)
    done = entry.step if entry else 0
    for number, step in enumerate(steps[done:], done + 1):
        state = step(state)
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
    return state


# %% 08.run-rarely: near miss: once more on top of it
def run_rarely(journal, thread_id, steps, state):
    done, state = journal.get(thread_id) or (0, state)
    for number, step in enumerate(steps, 1):
        state = step(state)
        if number % 3 == 0 or number == len(steps):
            journal.put(thread_id, number, state)
    return state


# %% 08.coupon: given
import secrets


# %% 08.coupon: solution
def coupon_steps(shop):
    def draw(state):
        return {**state, "code": secrets.token_hex(4)}

    def give(state):
        shop.issue(state["code"])
        return state

    return [draw, give]


# %% 08.coupon: alternative
import uuid


def coupon_steps(shop):
    def give(state):
        shop.issue(state["code"])
        return {**state, "given": True}

    return [lambda state: {**state, "code": str(uuid.uuid4())}, give]


# %% 08.coupon: alternative
def coupon_steps(shop):
    def draw(state):
        return {**state, "code": secrets.randbelow(10**12)}

    def give(state):
        shop.issue(state["code"])
        return state

    return draw, give


# %% 08.coupon: near miss: follows from the order
import hashlib


def coupon_steps(shop):
    def give(state):
        code = hashlib.sha256(state["order"].encode()).hexdigest()[:8]
        shop.issue(code)
        return {**state, "code": code}

    return [give]


# %% 08.coupon: near miss: written when the step has ended
def coupon_steps(shop):
    def give(state):
        if "code" in state:
            return state
        code = secrets.token_hex(4)
        shop.issue(code)
        return {**state, "code": code}

    return [give]


# %% 08.coupon: near miss: once for each *process*
def coupon_steps(shop):
    code = secrets.token_hex(4)

    def give(state):
        shop.issue(code)
        return {**state, "code": code}

    return [give]


# %% 08.coupon: near miss: a coupon that the shop does not know
def coupon_steps(shop):
    def draw(state):
        return {**state, "code": secrets.token_hex(4)}

    def give(state):
        shop.issue(secrets.token_hex(4))
        return state

    return [draw, give]


# %% 08.coupon: near miss: a process raised KeyError
def coupon_steps(shop):
    drawn = {}

    def draw(state):
        drawn["code"] = secrets.token_hex(4)
        return {**state, **drawn}

    def give(state):
        shop.issue(drawn["code"])
        return state

    return [draw, give]


# %% 08.coupon: near miss: done again drew again
def coupon_steps(shop):
    def give(state):
        code = secrets.token_hex(4)
        shop.issue(code)
        return {**state, "code": code}

    def note(state):
        return {**state, "given": True}

    return [give, note]


# %% 08.coupon: near miss: follows from the order
CODE = secrets.token_hex(4)


def coupon_steps(shop):
    def give(state):
        shop.issue(CODE)
        return {**state, "code": CODE}

    return [give]
