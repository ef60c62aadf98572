# Lesson 20, Write a checkpointer: its answers, which are read and never imported.

# %% 20.get-tuple: given
from langgraph.checkpoint.base import get_checkpoint_id


def place(config):
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


# %% 20.get-tuple: solution
def get_tuple(self, config):
    thread, ns = place(config)
    rows = self.rows(
        "SELECT id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND ns = ? AND id = coalesce(?, id) ORDER BY id DESC LIMIT 1",
        *(thread, ns, get_checkpoint_id(config)),
    )
    return self.read(thread, ns, *rows[0]) if rows else None


# %% 20.get-tuple: alternative
def get_tuple(self, config):
    thread, ns = place(config)
    query = "SELECT id, parent, type, body FROM checkpoints WHERE thread = ? AND ns = ?"
    asked = get_checkpoint_id(config)
    found = [row for row in self.rows(query, thread, ns) if asked in (None, row[0])]
    if not found:
        return None
    return self.read(thread, ns, *max(found, key=lambda row: row[0]))


# %% 20.get-tuple: near miss: get_tuple, namespaces
def get_tuple(self, config):
    thread, _ = place(config)
    rows = self.rows(
        "SELECT ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND id = coalesce(?, id) ORDER BY id DESC LIMIT 1",
        *(thread, get_checkpoint_id(config)),
    )
    return self.read(thread, *rows[0]) if rows else None


# %% 20.get-tuple: near miss: got the one that was put last
def get_tuple(self, config):
    thread, ns = place(config)
    rows = self.rows(
        "SELECT id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND ns = ? AND id = coalesce(?, id) ORDER BY rowid DESC LIMIT 1",
        *(thread, ns, get_checkpoint_id(config)),
    )
    return self.read(thread, ns, *rows[0]) if rows else None


# %% 20.get-tuple: near miss: got another, or none
def get_tuple(self, config):
    thread, ns = place(config)
    rows = self.rows(
        "SELECT id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND ns = ? ORDER BY id DESC LIMIT 1",
        *(thread, ns),
    )
    return self.read(thread, ns, *rows[0]) if rows else None


# %% 20.get-tuple: near miss: got one for the id
def get_tuple(self, config):
    thread, ns = place(config)
    query = "SELECT id, parent, type, body FROM checkpoints WHERE thread = ? AND ns = ?"
    found = sorted(self.rows(query, thread, ns))
    named = [row for row in found if row[0] == get_checkpoint_id(config)]
    rows = named or found[-1:]
    return self.read(thread, ns, *rows[0]) if rows else None


# %% 20.get-tuple: near miss: get_tuple raised IndexError
def get_tuple(self, config):
    thread, ns = place(config)
    rows = self.rows(
        "SELECT id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND ns = ? AND id = coalesce(?, id) ORDER BY id DESC",
        *(thread, ns, get_checkpoint_id(config)),
    )
    return self.read(thread, ns, *rows[0])


# %% 20.put-writes: given
from langgraph.checkpoint.base import WRITES_IDX_MAP, get_checkpoint_id


def place(config):
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


# %% 20.put-writes: solution
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, number)
        rows.append((*at, idx, task_path, channel, *self.serde.dumps_typed(value)))
    special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
    instead = "REPLACE" if special else "IGNORE"
    self.change(f"INSERT OR {instead} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: alternative
def put_writes(self, config, writes, task_id, task_path=""):
    thread, ns = place(config)
    rows = [
        (thread, ns, get_checkpoint_id(config), task_id, WRITES_IDX_MAP.get(channel, number),
         task_path, channel, *self.serde.dumps_typed(value))
        for number, (channel, value) in enumerate(writes)
    ]  # fmt: skip
    self.change(
        "INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (thread, ns, id, task, idx) DO UPDATE SET "
        "channel = excluded.channel, type = excluded.type, value = excluded.value WHERE idx < 0",
        rows,
    )


# %% 20.put-writes: near miss: they came sorted by the tasks' ids
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, number)
        rows.append((*at, idx, "", channel, *self.serde.dumps_typed(value)))
    special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
    instead = "REPLACE" if special else "IGNORE"
    self.change(f"INSERT OR {instead} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: near miss: they came in another order
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, str(number))
        rows.append((*at, idx, task_path, channel, *self.serde.dumps_typed(value)))
    special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
    instead = "REPLACE" if special else "IGNORE"
    self.change(f"INSERT OR {instead} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: near miss: a task that runs again
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, number)
        rows.append((*at, idx, task_path, channel, *self.serde.dumps_typed(value)))
    self.change("INSERT OR REPLACE INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: near miss: a special write that changes
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, number)
        rows.append((*at, idx, task_path, channel, *self.serde.dumps_typed(value)))
    self.change("INSERT OR IGNORE INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: near miss: a special write beside others
def put_writes(self, config, writes, task_id, task_path=""):
    at = (*place(config), get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        rows.append((*at, number, task_path, channel, *self.serde.dumps_typed(value)))
    special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
    instead = "REPLACE" if special else "IGNORE"
    self.change(f"INSERT OR {instead} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.put-writes: near miss: in the namespace 'sub'
def put_writes(self, config, writes, task_id, task_path=""):
    thread, _ = place(config)
    at = (thread, "", get_checkpoint_id(config), task_id)
    rows = []
    for number, (channel, value) in enumerate(writes):
        idx = WRITES_IDX_MAP.get(channel, number)
        rows.append((*at, idx, task_path, channel, *self.serde.dumps_typed(value)))
    special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
    instead = "REPLACE" if special else "IGNORE"
    self.change(f"INSERT OR {instead} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


# %% 20.list: given
from langgraph.checkpoint.base import get_checkpoint_id


def place(config):
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


# %% 20.list: solution
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns")),
        asked.get("checkpoint_id"),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: alternative
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    end = before and get_checkpoint_id(before)
    count = 0
    query = "SELECT thread, ns, id, parent, type, body FROM checkpoints ORDER BY id DESC"
    for row in self.rows(query):
        thread, ns, id = row[:3]
        if asked and thread != str(asked["thread_id"]):
            continue
        if ns != asked.get("checkpoint_ns", ns) or id != asked.get("checkpoint_id", id):
            continue
        if end and not id < end:
            continue
        one = self.read(*row)
        if any(one.metadata.get(key) != value for key, value in (filter or {}).items()):
            continue
        if limit is not None and count == limit:
            return
        count += 1
        yield one


# %% 20.list: near miss: list, filter before limit
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns")),
        asked.get("checkpoint_id"),
        *[before and get_checkpoint_id(before)] * 2,
        -1 if limit is None else limit,
    )
    for one in (self.read(*row) for row in rows):
        if (filter or {}).items() <= one.metadata.items():
            yield one


# %% 20.list: near miss: list(before) gave
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id <= ?) ORDER BY id DESC",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns")),
        asked.get("checkpoint_id"),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: near miss: list() gave
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns")),
        asked.get("checkpoint_id"),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: near miss: listed with the `checkpoint_id` of one
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns")),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: near miss: Where `config` is None, any thread will do
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"]
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = ? AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC",
        *(str(asked["thread_id"]), asked.get("checkpoint_ns"), asked.get("checkpoint_id")),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: near miss: any namespace will do
def listing(self, config, *, filter=None, before=None, limit=None):
    thread, ns = place(config) if config else (None, None)
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC",
        *(thread, ns, asked.get("checkpoint_id")),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.list: near miss: The empty string is the name of the graph's own namespace
def listing(self, config, *, filter=None, before=None, limit=None):
    asked = config["configurable"] if config else {}
    rows = self.rows(
        "SELECT thread, ns, id, parent, type, body FROM checkpoints "
        "WHERE thread = coalesce(?, thread) AND ns = coalesce(?, ns) AND id = coalesce(?, id) "
        "AND (? IS NULL OR id < ?) ORDER BY id DESC",
        *(str(asked["thread_id"]) if asked else None, asked.get("checkpoint_ns") or None),
        asked.get("checkpoint_id"),
        *[before and get_checkpoint_id(before)] * 2,
    )
    every = (self.read(*row) for row in rows)
    found = [one for one in every if (filter or {}).items() <= one.metadata.items()]
    yield from found[:limit]


# %% 20.copy-thread: given
def config_of(thread, ns, id):
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}


def place(config):
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


# %% 20.copy-thread: solution
def copy_thread(self, source_thread_id, target_thread_id):
    both = [(str(target_thread_id), str(source_thread_id))]
    for table, columns in [
        ("checkpoints", "ns, id, parent, type, body"),
        ("writes", "ns, id, task, idx, path, channel, type, value"),
    ]:
        self.change(f"INSERT INTO {table} SELECT ?, {columns} FROM {table} WHERE thread = ?", both)


# %% 20.copy-thread: alternative
def copy_thread(self, source_thread_id, target_thread_id):
    for table, marks in [
        ("checkpoints", "?, ?, ?, ?, ?, ?"),
        ("writes", "?, ?, ?, ?, ?, ?, ?, ?, ?"),
    ]:
        rows = self.rows(f"SELECT * FROM {table} WHERE thread = ?", source_thread_id)
        copied = [(target_thread_id, *row[1:]) for row in rows]
        self.change(f"INSERT INTO {table} VALUES ({marks})", copied)


# %% 20.copy-thread: near miss: a checkpoint or its writes differed
def copy_thread(self, source_thread_id, target_thread_id):
    self.change(
        "INSERT INTO checkpoints SELECT ?, ns, id, parent, type, body "
        "FROM checkpoints WHERE thread = ?",
        [(target_thread_id, source_thread_id)],
    )


# %% 20.copy-thread: near miss: a checkpoint or its writes differed
def copy_thread(self, source_thread_id, target_thread_id):
    for one in self.list({"configurable": {"thread_id": source_thread_id}}):
        ns = place(one.config)[1]
        parent = one.parent_config and one.parent_config["configurable"]["checkpoint_id"]
        before = config_of(target_thread_id, ns, parent)
        config = self.put(before, one.checkpoint, one.metadata, {})
        for task, channel, value in one.pending_writes:
            self.put_writes(config, [(channel, value)], task)


# %% 20.copy-thread: near miss: a third thread's checkpoint was in the copy
def copy_thread(self, source_thread_id, target_thread_id):
    for table, columns in [
        ("checkpoints", "ns, id, parent, type, body"),
        ("writes", "ns, id, task, idx, path, channel, type, value"),
    ]:
        self.change(f"INSERT INTO {table} SELECT ?, {columns} FROM {table}", [(target_thread_id,)])


# %% 20.copy-thread: near miss: the source was changed
def copy_thread(self, source_thread_id, target_thread_id):
    for table in ["checkpoints", "writes"]:
        both = [(target_thread_id, source_thread_id)]
        self.change(f"UPDATE {table} SET thread = ? WHERE thread = ?", both)


# %% 20.copy-thread: near miss: a parent differed in the copy
def copy_thread(self, source_thread_id, target_thread_id):
    for table, columns in [
        ("checkpoints", "ns, id, NULL, type, body"),
        ("writes", "ns, id, task, idx, path, channel, type, value"),
    ]:
        both = [(target_thread_id, source_thread_id)]
        self.change(f"INSERT INTO {table} SELECT ?, {columns} FROM {table} WHERE thread = ?", both)


# %% 20.copy-thread: near miss: a checkpoint was missing in the copy
def copy_thread(self, source_thread_id, target_thread_id):
    for table, columns in [
        ("checkpoints", "ns, id, parent, type, body"),
        ("writes", "ns, id, task, idx, path, channel, type, value"),
    ]:
        both = [(target_thread_id, source_thread_id)]
        self.change(
            f"INSERT INTO {table} SELECT ?, {columns} FROM {table} WHERE thread = ? AND ns = ''",
            both,
        )


# %% 20.copy-thread: near miss: a checkpoint was missing in the copy
def copy_thread(self, source_thread_id, target_thread_id):
    newest = self.get_tuple({"configurable": {"thread_id": source_thread_id}})
    here = {"configurable": {"thread_id": target_thread_id, "checkpoint_ns": ""}}
    config = self.put(here, newest.checkpoint, newest.metadata, {})
    for task, channel, value in newest.pending_writes:
        self.put_writes(config, [(channel, value)], task)


# %% 20.prune: given
def place(config):
    asked = config["configurable"]
    return str(asked["thread_id"]), asked.get("checkpoint_ns", "")


# %% 20.prune: solution
def needed(saver, one):
    """A checkpoint, and those before it that its delta channels are made of."""
    wanted = set(one.metadata.get("counters_since_delta_snapshot", ()))
    while one:
        yield one.config
        wanted -= one.checkpoint["channel_values"].keys()
        one = saver.get_tuple(one.parent_config) if wanted and one.parent_config else None


def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [config for one in latest.values() for config in needed(self, one)]
        for one in newest_first:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.prune: alternative
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        every = [*self.list({"configurable": {"thread_id": thread}})]
        for ns in {place(one.config)[1] for one in every}:
            of_ns = [one for one in every if place(one.config)[1] == ns]
            by_id = {one.checkpoint["id"]: one for one in of_ns}
            one = of_ns[0] if strategy == "keep_latest" else None
            wanted = set(one.metadata.get("counters_since_delta_snapshot", {})) if one else set()
            while one:
                by_id.pop(one.checkpoint["id"])
                wanted -= set(one.checkpoint["channel_values"])
                before = one.parent_config and one.parent_config["configurable"]["checkpoint_id"]
                one = by_id.get(before) if wanted else None
            for left in by_id.values():
                self.drop(left.config)


# %% 20.prune: near miss: the latest was harmed
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        every = [*self.list({"configurable": {"thread_id": thread}})]
        kept = [config for one in every[:1] for config in needed(self, one)]
        for one in every:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.prune: near miss: a checkpoint was still there
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [config for one in latest.values() for config in needed(self, one)]
        for one in newest_first:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.prune: near miss: its writes were left
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [config for one in latest.values() for config in needed(self, one)]
        gone = [one.config for one in newest_first if one.config not in kept]
        if strategy == "delete":
            gone = [one.config for one in newest_first]
        ids = [(thread, config["configurable"]["checkpoint_id"]) for config in gone]
        self.change("DELETE FROM checkpoints WHERE thread = ? AND id = ?", ids)


# %% 20.prune: near miss: words in the log
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [one.config for one in latest.values()]
        for one in newest_first:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.prune: near miss: Go on to the parent until the value is found
def needed(saver, one):
    yield one.config
    if "counters_since_delta_snapshot" in one.metadata:
        for _ in range(2):
            if one and one.parent_config:
                yield one.parent_config
                one = saver.get_tuple(one.parent_config)


def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [config for one in latest.values() for config in needed(self, one)]
        for one in newest_first:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.prune: near miss: Before a checkpoint comes its parent
def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        for ns in {place(one.config) for one in newest_first}:
            wanted = None
            for one in newest_first:
                if place(one.config) != ns:
                    continue
                if wanted is None:
                    wanted = set(one.metadata.get("counters_since_delta_snapshot", ()))
                elif not wanted:
                    self.drop(one.config)
                wanted -= one.checkpoint["channel_values"].keys()


# %% 20.prune: near miss: are enough
def needed(saver, one):
    delta = "counters_since_delta_snapshot" in one.metadata
    while one:
        yield one.config
        one = saver.get_tuple(one.parent_config) if delta and one.parent_config else None


def prune(self, thread_ids, *, strategy="keep_latest"):
    for thread in thread_ids:
        if strategy == "delete":
            self.delete_thread(thread)
            continue
        newest_first = [*self.list({"configurable": {"thread_id": thread}})]
        latest = {place(one.config): one for one in reversed(newest_first)}
        kept = [config for one in latest.values() for config in needed(self, one)]
        for one in newest_first:
            if one.config not in kept:
                self.drop(one.config)


# %% 20.next-version: given
import random
import secrets


# %% 20.next-version: solution
def get_next_version(self, current, channel):
    number = int(current.split(".")[0]) if current else 0
    return f"{number + 1:032}.{random.random():.16f}"


# %% 20.next-version: alternative
def get_next_version(self, current, channel):
    return int(current or 0) + 1 + random.random() / 2


# %% 20.next-version: alternative
def get_next_version(self, current, channel):
    return (current or 0) + secrets.randbelow(2**40) + 1


# %% 20.next-version: near miss: Two branches were given one version
def get_next_version(self, current, channel):
    return 1 if current is None else current + 1


# %% 20.next-version: near miss: Two branches were given one version
TAIL = random.random()


def get_next_version(self, current, channel):
    number = int(current.split(".")[0]) if current else 0
    return f"{number + 1:032}.{TAIL:.16f}"


# %% 20.next-version: near miss: only chance keeps them apart
def get_next_version(self, current, channel):
    self.given = getattr(self, "given", set())
    version = (current or 0) + 1
    while version in self.given:
        version += 1
    self.given.add(version)
    return version


# %% 20.next-version: near miss: strings by their letters
def get_next_version(self, current, channel):
    number = int(current.split(".")[0]) if current else 0
    return f"{number + 1}.{random.random():.16f}"


# %% 20.next-version: near miss: strings by their letters
def get_next_version(self, current, channel):
    return secrets.token_hex(16)


# %% 20.next-version: near miss: What comes next follows from `current`
def get_next_version(self, current, channel):
    self.count = getattr(self, "count", 0) + 1
    return f"{self.count:032}"
