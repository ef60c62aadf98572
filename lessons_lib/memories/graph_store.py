"""The chatbot on a graph with a store: what is true of a user is known in all conversations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.sqlite import SqliteStore

from lessons_lib.memories.chatbot import (
    Message,
    Model,
    Upload,
    answered,
    checked_user,
    known,
    lasting,
    reply,
)
from lessons_lib.memories.graph import (
    Conversation,
    Durability,
    Graph,
    OnGraph,
    checked_mode,
    compiled,
    connect,
)

MOST = 1000
"""Facts of a user that are sent along; a store's search returns ten unless it is told otherwise."""


def namespace(user: str, conversation: str = "") -> tuple[str, ...]:
    """Where the facts of a user are, or those told in one conversation.

    A search matches whole labels, so that user "ad" does not find what "ada" told. A label must not
    contain a dot.

    >>> namespace("ada@example.com", "c1")
    ('facts', 'ada@example%2ecom', 'c1')
    """
    return ("facts", *(label(part) for part in (user, conversation) if part))


def label(text: str) -> str:
    """Make a text a label of a namespace: another one for every text."""
    return text.replace("%", "%25").replace(".", "%2e")


def build_with_store(
    checkpointer: BaseCheckpointSaver[Any], store: BaseStore, model: Model
) -> Graph:
    """Compile the graph: its node puts what is lasting into the store, and sends what is there."""

    def answer(state: Conversation, runtime: Runtime[Any]) -> dict[str, list[Message]]:
        assert runtime.store is not None
        assert runtime.execution_info is not None
        here = namespace(state["user"], runtime.execution_info.thread_id or "")
        remember(runtime.store, here, state["messages"])
        facts = [known(text) for text in told_elsewhere(runtime.store, here)]
        return {"messages": [answered(model([*facts, *state["messages"]]))]}

    return compiled(answer, checkpointer, store)


def remember(store: BaseStore, here: tuple[str, ...], messages: list[Message]) -> None:
    """Put the last message into the store if it tells something lasting.

    Its place in the conversation is the key: a node that is run again puts the same item again.
    """
    text = messages[-1]["content"]
    if lasting(text):
        # A store's own times are whole seconds: what was told later could not be seen from them.
        store.put(here, f"{len(messages):06}", {"text": text, "at": time.time()})


def told_elsewhere(store: BaseStore, here: tuple[str, ...]) -> Iterator[str]:
    """Yield what the same user told in other conversations, oldest first."""
    items = store.search(here[:2], limit=MOST)
    for item in sorted(items, key=lambda item: float(item.value["at"])):
        if item.namespace != here:
            yield item.value["text"]


def forget_facts(store: BaseStore | None, conversation: str, after: int = 0) -> None:
    """Delete the facts told in a conversation after so many messages."""
    assert store is not None
    for place in store.list_namespaces(suffix=(label(conversation),), limit=MOST):
        # A search gives the newest, and no more than it is asked for: until there is none.
        while told := [it for it in store.search(place, limit=MOST) if int(it.key) > after]:
            for item in told:
                store.delete(place, item.key)


class StoreBot(OnGraph):
    """The chatbot on checkpoints and a store, both in `graph.db`.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> bot = StoreBot(folder.name)
    >>> bot.say("My name is Ada.", conversation="c1", user="ada")
    'Hello, Ada.'
    >>> bot.forget("c1")  # a store has no part in what LangGraph does to a thread
    >>> bot.say("What is my name?", conversation="c2", user="ada")
    'Your name is Ada.'
    >>> bot.close(); folder.cleanup()
    """

    def __init__(
        self, folder: Path | str, *, model: Model = reply, durability: Durability = "async"
    ) -> None:
        checked_mode(durability)
        self._saved = connect(folder)
        self._facts = connect(folder, isolation_level=None)  # a store makes its own transactions
        saver, store = self._open()
        store.setup()
        super().__init__(build_with_store(saver, store, model), durability)

    def say(
        self, text: str, *, conversation: str = "c1", user: str = "ada", file: Upload | None = None
    ) -> str:
        """Take a turn; whose facts are sent along depends on who speaks (`user`)."""
        # An empty label would be left out, and the conversation's id be taken for the user's.
        checked_user(user)
        return super().say(text, conversation=conversation, user=user, file=file)

    def close(self) -> None:
        self._facts.close()
        self._saved.close()

    def _open(self) -> tuple[SqliteSaver, SqliteStore]:
        return SqliteSaver(self._saved), SqliteStore(self._facts)
