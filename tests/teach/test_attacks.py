"""Answers that are in no exercise's lists: wrong ones that once passed, right ones once refused.

Each wrong one is told a fault that it has.
"""

from __future__ import annotations

from textwrap import dedent

import pytest

from lessons_lib.teach import answers
from lessons_lib.teach.proof import verdict

REFUSED = [
    (
        "01.greeters",
        """
        def greeters(users):
            copy = list(users)
            return [lambda: f"Hello, {copy.pop(0)}!" for _ in users]
        """,
        "expected 'Hello, Ada!' from the first",
    ),
    (
        "01.say",
        """
        def say(text, history=None):
            history = [] if history is None else history
            return history.append(text)
        """,
        "a new conversation came back as None",
    ),
    (
        "02.callback",
        """
        def ready_message(upload):
            fields = vars(upload)
            return lambda: f"{fields['name']} is ready"
        """,
        "all that was in it",
    ),
    (
        "03.garbage",
        """
        def garbage(counts, leads_to):
            inside = [target for targets in leads_to.values() for target in targets]
            kept = {name for name in counts if counts[name] > inside.count(name)}
            for name in leads_to:
                if name in kept:
                    kept |= set(leads_to[name])
            return set(counts) - kept
        """,
        "by a chain of more than one step",
    ),
    (
        "04.words",
        """
        from functools import lru_cache

        class Upload:
            def __init__(self, name, text):
                self.name, self.text = name, text

            @property
            @lru_cache(maxsize=1)
            def words(self):
                return len(self.text.split())
        """,
        "a cache of 1 keeps the last upload",
    ),
    (
        "04.bus",
        """
        import weakref

        class Bus:
            def __init__(self):
                self.callbacks = []

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
        """,
        "still has 51 weak references",
    ),
    (
        "06.five-rounds",
        """
        class Chat:
            def __init__(self):
                self.saved, self.two = {}, asyncio.Semaphore(2)

            async def turn(self, user, text, model):
                async with self.two:
                    messages = self.saved.get(user, [])
                    answer = await model([*messages, text])
                    self.saved[user] = [*messages, text, answer]
        """,
        "messages are lost",
    ),
    (
        "06.hundred-bytes",
        """
        class Sessions:
            def __init__(self, budget):
                self.cache = LRUCache(budget)

            def add(self, user, text):
                self.cache[user] = [*self.cache.pop(user, []), text]

            def read(self, user):
                return self.cache.get(user, [])
        """,
        "it counts something else than bytes",
    ),
    (
        "07.save",
        """
        def save(path, text):
            aside = path.with_name(path.name + ".aside")
            with open(aside, "a", encoding="utf-8") as file:
                file.write(text)
            os.replace(aside, path)
        """,
        "Begin that file anew each time",
    ),
    (
        "07.save",
        """
        def save(path, text):
            os.write(os.open(path, os.O_WRONLY | os.O_TRUNC), text.encode())
        """,
        "the only copy was written in place",
    ),
    (
        "07.load",
        """
        import pickletools

        def load(data):
            if any(op.name == "REDUCE" for op, _, _ in pickletools.genops(data)):
                raise pickle.UnpicklingError("the file calls something")
            return pickle.loads(data)
        """,
        "an old opcode",
    ),
    (
        "08.coupon",
        """
        CODE = secrets.token_hex(4)

        def coupon_steps(shop):
            def give(state):
                shop.issue(CODE)
                return {**state, "code": CODE}

            return [give]
        """,
        "drawn once for the whole program",
    ),
    (
        "09.keep-four",
        """
        def keep(old, new):
            messages = old + new
            return messages if len(messages) <= 4 else list(
                dict.fromkeys([messages[0], *messages[-3:]])
            )
        """,
        "expected ['n1', 'yes', 'yes', 'n5']",
    ),
    (
        "09.no-trace",
        """
        KEPT = {}

        def shop_nodes(fetch, ask):
            def log_in(state):
                KEPT["password"] = fetch()

            def order(state):
                return {"answer": ask(KEPT["password"])}

            return [log_in, order]
        """,
        "in a variable or in disguise",
    ),
    (
        "10.thread-for",
        """
        def thread_for(user, conversation):
            for part in (user, conversation):
                if not isinstance(part, str) or not part:
                    raise ValueError(part)
            return f"{user.lower()}/{len(user)}/{conversation.lower()}"
        """,
        "written alike",
    ),
    (
        "10.speak",
        """
        def speak(graph, thread_id, text, seen, lock):
            lock(thread_id)
            config = {"configurable": {"thread_id": thread_id}}
            if newest(graph, config) != seen:
                raise Late
            graph.invoke({"messages": [{"role": "user", "content": text}]}, config)
            return newest(graph, config)
        """,
        "no turn was inside a lock",
    ),
]

ACCEPTED = [
    (
        "08.coupon",
        """
        def coupon_steps(shop):
            def draw(state):
                return {**state, "code": secrets.randbelow(10**12)}

            def give(state):
                shop.issue(state["code"])
                return state

            return draw, give
        """,
    ),
    (
        "01.snapshot",
        """
        def snapshot(conversation):
            return [{**message, "feedback": tuple(message["feedback"])} for message in conversation]
        """,
    ),
    (
        "02.remember",
        """
        from traceback import extract_tb

        class Report:
            def __init__(self, error):
                self.words, self.where = str(error), extract_tb(error.__traceback__)[-1].name

        def remember(error):
            return Report(error)
        """,
    ),
    (
        "00.to-send",
        """
        def to_send(history):
            return [{"role": "system", "content": "Be kind."}, *history[:-1][:1], history[-1]]
        """,
    ),
]


@pytest.mark.parametrize(("id", "source", "says"), REFUSED, ids=[id for id, *_ in REFUSED])
def test_a_wrong_answer_is_told_its_fault(id: str, source: str, says: str) -> None:
    told = verdict(answers.exercise(id), dedent(source))
    assert not told.right
    assert says in told.text


@pytest.mark.parametrize(("id", "source"), ACCEPTED, ids=[id for id, _ in ACCEPTED])
def test_a_right_answer_of_another_kind_is_accepted(id: str, source: str) -> None:
    told = verdict(answers.exercise(id), dedent(source))
    assert told.right, told.text
