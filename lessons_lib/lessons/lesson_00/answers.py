# Lesson 00, Start here: its answers, which are read and never imported.

# %% 00.to-send: solution
def to_send(history):
    if len(history) <= 4:
        return history
    return history[:1] + history[-3:]


# %% 00.to-send: alternative
def to_send(history):
    names = [m for m in history[:-1] if "name is" in m["content"]]
    return names[:1] + history[-1:]


# %% 00.to-send: alternative
def to_send(history):
    return history[0], history[-1]


# %% 00.to-send: alternative
def to_send(history):
    kind = {"role": "system", "content": "Be kind."}
    return [kind, *history[:-1][:1], history[-1]]


# %% 00.to-send: alternative
def to_send(history):
    name = history[0]["content"].removeprefix("My name is ").rstrip(".")
    return [{"role": "user", "content": f"My name is {name}"}, history[-1]]


# %% 00.to-send: alternative
def to_send(history):
    return [{"role": "system", "content": "Be kind."}, *history[:-1][:1], history[-1]]


# %% 00.to-send: near miss: did not send it
def to_send(history):
    return history[-4:]


# %% 00.to-send: near miss: nobody answers it
def to_send(history):
    return history[:4]


# %% 00.to-send: near miss: not as our model by rules reads it
def to_send(history):
    name = history[0]["content"].removeprefix("My name is ").rstrip(".")
    return [{"role": "system", "content": f"The customer is {name}."}, history[-1]]


# %% 00.to-send: near miss: 5 messages were sent
def to_send(history):
    return history[:1] + history[-4:]


# %% 00.to-send: near miss: the history itself has changed
def to_send(history):
    del history[1:-3]
    return history


# %% 00.to-send: near miss: sent twice
def to_send(history):
    return history[:1] + history[-3:]


# %% 00.to-send: near miss: in a longer message
def to_send(history):
    told = " ".join(m["content"] for m in history[:-1])
    return [{"role": "user", "content": told}, history[-1]]


# %% 00.to-send: near miss: was rewritten
def to_send(history):
    for message in history[1:-1]:
        history[0]["content"] += " " + message["content"]
    return [history[0], history[-1]]


# %% 00.to-send: near miss: the customer is Linus
def to_send(history):
    return [{"role": "user", "content": "My name is Ada."}, history[-1]]


# %% 00.diary: solution
class Diary:
    def __init__(self, folder):
        self.file = folder / "diary.txt"

    def add(self, text):
        with self.file.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self):
        if not self.file.exists():
            return []
        return self.file.read_text(encoding="utf-8").splitlines()


# %% 00.diary: alternative
import json


class Diary:
    def __init__(self, folder):
        self.file = folder / "diary.json"
        self.entries = json.loads(self.file.read_text()) if self.file.exists() else []

    def add(self, text):
        self.entries.append(text)
        self.file.write_text(json.dumps(self.entries))

    def read(self):
        return self.entries


# %% 00.diary: alternative
import sqlite3


class Diary:
    def __init__(self, folder):
        self.db = sqlite3.connect(folder / "diary.db")
        self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

    def add(self, text):
        with self.db:
            self.db.execute("INSERT INTO diary VALUES (?)", [text])

    def read(self):
        rows = self.db.execute("SELECT entry FROM diary ORDER BY rowid")
        return [entry for (entry,) in rows]


# %% 00.diary: alternative
class Diary:
    def __init__(self, folder):
        self.folder = folder / "entries"
        self.folder.mkdir(exist_ok=True)

    def add(self, text):
        (self.folder / f"{len(self.read()):05}").write_text(text)

    def read(self):
        return [file.read_text() for file in sorted(self.folder.iterdir())]


# %% 00.diary: near miss: mode 'w' throws away
class Diary(Diary):
    def add(self, text):
        with self.file.open("w", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self):
        return self.file.read_text(encoding="utf-8").splitlines()


# %% 00.diary: near miss: a killed process has no exit
import atexit


class Diary:
    def __init__(self, folder):
        self.file = folder / "diary.txt"
        self.entries = []
        atexit.register(self.save)

    def add(self, text):
        self.entries.append(text)

    def save(self):
        self.file.write_text("\n".join(self.entries), encoding="utf-8")

    def read(self):
        return self.file.read_text().splitlines() if self.file.exists() else []


# %% 00.diary: near miss: still in the process's buffer
class Diary:
    def __init__(self, folder):
        self.path = folder / "diary.txt"
        self.file = self.path.open("a", encoding="utf-8")

    def add(self, text):
        self.file.write(text + "\n")

    def read(self):
        return self.path.read_text(encoding="utf-8").splitlines()


# %% 00.diary: near miss: read() found no entry there
class Diary:
    def __init__(self, folder):
        self.file = folder / "diary.txt"
        self.entries = []

    def add(self, text):
        self.entries.append(text)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self):
        return self.entries


# %% 00.diary: near miss: what was not committed is taken back
import sqlite3


class Diary:
    def __init__(self, folder):
        self.db = sqlite3.connect(folder / "diary.db")
        self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

    def add(self, text):
        self.db.execute("INSERT INTO diary VALUES (?)", [text])

    def read(self):
        return [entry for (entry,) in self.db.execute("SELECT entry FROM diary")]


# %% 00.diary: near miss: take it out
import sqlite3


class Diary:
    def __init__(self, folder):
        self.db = sqlite3.connect(folder / "diary.db")
        self.db.execute("CREATE TABLE IF NOT EXISTS diary (entry TEXT)")

    def add(self, text):
        with self.db:
            self.db.execute("INSERT INTO diary VALUES (?)", [text])

    def read(self):
        return self.db.execute("SELECT entry FROM diary").fetchall()


# %% 00.diary: near miss: line ends that belong to the file
class Diary(Diary):
    def read(self):
        return self.file.open(encoding="utf-8").readlines()


# %% 00.diary: near miss: ran together
class Diary(Diary):
    def add(self, text):
        with self.file.open("a", encoding="utf-8") as file:
            file.write(text)

    def read(self):
        return self.file.read_text(encoding="utf-8").splitlines()


# %% 00.diary: near miss: That is one string
class Diary(Diary):
    def read(self):
        return self.file.read_text(encoding="utf-8")


# %% 00.diary: near miss: On the first day
class Diary(Diary):
    def read(self):
        return self.file.read_text(encoding="utf-8").splitlines()


# %% 00.diary: near miss: the three were gone
class Diary:
    def __init__(self, folder):
        self.file = folder / "diary.txt"
        self.entries = []

    def add(self, text):
        self.entries.append(text)
        self.file.write_text("\n".join(self.entries))

    def read(self):
        return self.file.read_text().splitlines() if self.file.exists() else []


# %% 00.diary: near miss: what is stored by now
class Diary(Diary):
    def __init__(self, folder):
        self.file = folder / "diary.txt"
        self.entries = []
        if self.file.exists():
            self.entries = self.file.read_text().splitlines()

    def read(self):
        return self.entries


# %% 00.diary: near miss: which emptied it
class Diary(Diary):
    def __init__(self, folder):
        self.file = folder / "diary.txt"
        self.file.write_text("")


# %% 00.diary: near miss: returned None
class Diary(Diary):
    def read(self):
        self.file.read_text(encoding="utf-8").splitlines()


# %% 00.diary: near miss: return them in a list
class Diary(Diary):
    def read(self):
        with self.file.open(encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")


# %% 00.diary: near miss: Write there
import tempfile
from pathlib import Path


class Diary(Diary):
    def __init__(self, folder):
        self.file = Path(tempfile.gettempdir()) / f"{folder.name}.txt"
