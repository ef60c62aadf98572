# Lesson 07, State on disk: its answers, which are read and never imported.

# %% 07.save: given
import os


# %% 07.save: solution
def save(path, text):
    aside = path.with_name(path.name + ".aside")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


# %% 07.save: alternative
def save(path, text):
    aside = path.with_suffix(".new")
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


# %% 07.save: alternative
import tempfile


def save(path, text):
    for litter in path.parent.glob("*.aside"):
        litter.unlink()
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".aside")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


# %% 07.save: near miss: no file at all
def save(path, text):
    aside = path.with_name("aside")
    aside.write_text(text, encoding="utf-8")
    path.unlink()
    aside.rename(path)


# %% 07.save: near miss: where no reader looks
import shutil


def save(path, text):
    shutil.copy(path, path.with_name("backup"))
    path.write_text(text, encoding="utf-8")


# %% 07.save: near miss: still in the buffer
def save(path, text):
    aside = path.with_name("aside")
    file = open(aside, "w", encoding="utf-8")
    file.write(text)
    os.replace(aside, path)
    file.close()


# %% 07.save: near miss: litter for each kill
import uuid


def save(path, text):
    aside = path.with_name(uuid.uuid4().hex)
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


# %% 07.save: near miss: can be on another disk
import tempfile


def save(path, text):
    aside = os.path.join(tempfile.gettempdir(), path.name)
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


# %% 07.save: near miss: neither the old text nor the new one
def save(path, text):
    with open(path, "r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()


# %% 07.save: near miss: Begin that file anew each time
def save(path, text):
    aside = path.with_name(path.name + ".aside")
    with open(aside, "a", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


# %% 07.save: near miss: neither the old text nor the new one
def save(path, text):
    os.write(os.open(path, os.O_WRONLY | os.O_TRUNC), text.encode())


# %% 07.load: given
import pickle


# %% 07.load: solution
import io


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}")


def load(data):
    return Plain(io.BytesIO(data)).load()


# %% 07.load: alternative
import pickletools


def load(data):
    for code, argument, place in pickletools.genops(data):
        if code.name in {"GLOBAL", "STACK_GLOBAL", "INST"}:
            raise ValueError("the file asks for a function")
    return pickle.loads(data)


# %% 07.load: near miss: comes too late
def load(data):
    state = pickle.loads(data)
    if not isinstance(state, dict):
        raise ValueError("no conversations")
    for messages in state.values():
        if not all(isinstance(message, str) for message in messages):
            raise ValueError("no conversations")
    return state


# %% 07.load: near miss: nothing around `loads` can stop it
def load(data):
    try:
        return pickle.loads(data)
    except Exception as error:
        raise ValueError("refused") from error


# %% 07.load: near miss: these ran: exec.
class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        if module != "builtins":
            raise pickle.UnpicklingError("refused")
        return super().find_class(module, name)


def load(data):
    return Plain(io.BytesIO(data)).load()


# %% 07.load: near miss: UnicodeDecodeError
import json


def load(data):
    return json.loads(data)


# %% 07.load: near miss: a forbidden word
def load(data):
    if b"exec" in data or b"lesson" in data:
        raise ValueError("a forbidden word")
    return pickle.loads(data)


# %% 07.load: near miss: these ran: a function of a module, exec, hidden
import pickletools


def load(data):
    if any(code.name == "GLOBAL" for code, argument, place in pickletools.genops(data)):
        raise ValueError("the file asks for a function")
    return pickle.loads(data)


# %% 07.load: near miss: Refuse it.
class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        return str


def load(data):
    return Plain(io.BytesIO(data)).load()


# %% 07.load: near miss: these ran: another old opcode
import pickletools


def load(data):
    if any(op.name in ("REDUCE", "INST") for op, _, _ in pickletools.genops(data)):
        raise pickle.UnpicklingError("the file calls something")
    return pickle.loads(data)


# %% 07.load: near miss: a file that *names* a function
import pickletools

CALLS = {"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}


def load(data):
    if any(op.name in CALLS for op, _, _ in pickletools.genops(data)):
        raise pickle.UnpicklingError("the file calls something")
    return pickle.loads(data)
