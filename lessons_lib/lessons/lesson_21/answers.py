# Lesson 21, The verdict: its answers, which are read and never imported.

# %% 21.script: given
from lessons_lib.memories import GraphBot


# %% 21.script: solution
from lessons_lib.memories import JsonBot


class ScriptBot(JsonBot):
    pass


# %% 21.script: alternative
from lessons_lib.memories import SqliteBot


class ScriptBot(SqliteBot):
    pass


# %% 21.script: alternative
import json

from lessons_lib.memories import reply


class ScriptBot:
    def __init__(self, folder):
        self.file = folder / "turns.jsonl"

    def rows(self):
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def say(self, text, *, conversation="c1", user="ada", file=None):
        heard = {"role": "user", "content": text}
        if file:
            heard["file"] = {"name": file[0], "content": file[1]}
        before = [row["message"] for row in self.rows() if row["key"] == conversation]
        said = {"role": "assistant", "content": reply([*before, heard])}
        with self.file.open("a") as out:
            for message in (heard, said):
                out.write(json.dumps({"key": conversation, "message": message}) + "\n")
        return said["content"]

    def forget(self, conversation="c1"):
        left = [json.dumps(row) + "\n" for row in self.rows() if row["key"] != conversation]
        self.file.write_text("".join(left))


# %% 21.script: near miss: Survive: kill -9*: no
from lessons_lib.memories import DictBot


class ScriptBot(DictBot):
    pass


# %% 21.script: near miss: code hidden: ran the code
from lessons_lib.memories import PickleBot


class ScriptBot(PickleBot):
    pass


# %% 21.script: near miss: to be installed are filelock, and
from lessons_lib.memories import JournalBot


class ScriptBot(JournalBot):
    pass


# %% 21.script: near miss: langgraph, langgraph-checkpoint-sqlite, and
class ScriptBot(GraphBot):
    def forget(self, conversation="c1"):
        super().forget(conversation)


# %% 21.script: near miss: times the budget of 1 KiB
import json

from lessons_lib.memories import reply


class ScriptBot:
    def __init__(self, folder):
        self.folder = folder

    def say(self, text, *, conversation="c1", user="ada", file=None):
        states = sorted(self.folder.glob(f"{conversation}-*.json"))
        messages = json.loads(states[-1].read_text()) if states else []
        messages.append({"role": "user", "content": text})
        if file:
            messages[-1]["file"] = {"name": file[0], "content": file[1]}
        messages.append({"role": "assistant", "content": reply(messages)})
        state = self.folder / f"{conversation}-{len(messages):06}.json"
        state.write_text(json.dumps(messages))
        return messages[-1]["content"]


# %% 21.script: near miss: Control: forget*: does not apply
class ScriptBot(JsonBot):
    forget = None


# %% 21.team: given
from lessons_lib.memories import StoreBot


# %% 21.team: solution
from lessons_lib.memories.graph_store import forget_facts


class TeamBot(StoreBot):
    def __init__(self, folder):
        super().__init__(folder, durability="sync")

    def forget(self, conversation="c1"):
        super().forget(conversation)
        forget_facts(self.graph.store, conversation)
        with self.graph.checkpointer.cursor(transaction=False) as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# %% 21.team: alternative
class TeamBot(StoreBot):
    def __init__(self, folder):
        super().__init__(folder, durability="sync")

    def forget(self, conversation="c1"):
        super().forget(conversation)
        self._facts.execute("DELETE FROM store WHERE prefix LIKE ?", [f"%.{conversation}"])
        self._facts.execute("VACUUM")
        self._facts.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# %% 21.team: near miss: Control: forget*: in part
from lessons_lib.memories.graph_store import forget_facts


class TeamBot(StoreBot):
    def __init__(self, folder):
        super().__init__(folder, durability="sync")

    def forget(self, conversation="c1"):
        super().forget(conversation)
        forget_facts(self.graph.store, conversation)


# %% 21.team: near miss: it was asked to forget, and still told it
class TeamBot(StoreBot):
    def __init__(self, folder):
        super().__init__(folder, durability="sync")

    def forget(self, conversation="c1"):
        super().forget(conversation)
        with self.graph.checkpointer.cursor(transaction=False) as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# %% 21.team: near miss: it forgot another conversation as well
class TeamBot(TeamBot):
    def forget(self, conversation="c1"):
        for table in ["checkpoints", "writes", "store"]:
            self._facts.execute(f"DELETE FROM {table}")
        self._facts.execute("VACUUM")
        self._facts.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# %% 21.team: near miss: to be installed are filelock, langgraph
from lessons_lib.memories import MendedBot


class TeamBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=b"a key that is long enough: 32 by")


# %% 21.team: near miss: Survive: half a turn*: no
class TeamBot(TeamBot):
    def __init__(self, folder):
        StoreBot.__init__(self, folder, durability="exit")


# %% 21.team: near miss: Survive: half a turn*: in part
from lessons_lib.memories import SqliteBot


class TeamBot(SqliteBot):
    pass


# %% 21.product: given
from lessons_lib.memories import MendedBot

KEY = bytes(32)


# %% 21.product: solution
NEWEST = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
OLDER = f"thread_id = ? AND checkpoint_id < ({NEWEST})"


class ProductBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=KEY)

    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        with self._alone(conversation), self.graph.checkpointer.cursor() as cursor:
            for table in ["writes", "checkpoints"]:
                cursor.execute(f"DELETE FROM {table} WHERE {OLDER}", [conversation, conversation])
        return answer


# %% 21.product: alternative
class ProductBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=KEY)

    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        saver = self.graph.checkpointer
        with self._alone(conversation):
            newest = saver.get_tuple({"configurable": {"thread_id": conversation}})
            number = newest.config["configurable"]["checkpoint_id"]
            with saver.cursor() as cursor:
                for table in ["writes", "checkpoints"]:
                    cursor.execute(
                        f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id <> ?",
                        [conversation, number],
                    )
        return answer


# %% 21.product: near miss: more than the budget of 5 KiB
class ProductBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=KEY, durability="exit")


# %% 21.product: near miss: more than 4 times the budget of 5 KiB
class ProductBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=KEY)

    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        self._erase()
        return answer


# %% 21.product: near miss: another one had lost its first words
class ProductBot(MendedBot):
    def __init__(self, folder):
        super().__init__(folder, key=KEY)

    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        older = "checkpoint_id < (SELECT max(checkpoint_id) FROM checkpoints)"
        with self._alone(conversation), self.graph.checkpointer.cursor() as cursor:
            for table in ["writes", "checkpoints"]:
                cursor.execute(f"DELETE FROM {table} WHERE {older}")
        return answer


# %% 21.product: near miss: had lost its beginning
from langgraph.types import Overwrite


class ProductBot(ProductBot):
    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        thread = {"configurable": {"thread_id": conversation}}
        with self._alone(conversation):
            last = Overwrite(self.messages(conversation)[-10:])
            self.graph.update_state(thread, {"messages": last}, as_node="answer")
        return answer


# %% 21.product: near miss: both turns were answered, and
from lessons_lib.memories import StoreBot


class ProductBot(StoreBot):
    def __init__(self, folder):
        super().__init__(folder, durability="sync")

    def say(self, text, *, conversation="c1", **rest):
        answer = super().say(text, conversation=conversation, **rest)
        with self.graph.checkpointer.cursor() as cursor:
            for table in ["writes", "checkpoints"]:
                cursor.execute(f"DELETE FROM {table} WHERE {OLDER}", [conversation, conversation])
        return answer


# %% 21.product: near miss: Survive: half a turn*: no
class ProductBot(ProductBot):
    def __init__(self, folder):
        MendedBot.__init__(self, folder, key=KEY, durability="exit")


# %% 21.product: near miss: a turn takes more than 5 times as long
import time


class ProductBot(ProductBot):
    def say(self, text, **rest):
        time.sleep(0.2)  # so that the others have finished by then
        return super().say(text, **rest)
