"""What judges the exercises of lesson 07, State on disk."""

import builtins
import errno
import io
import linecache
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from lessons_lib.lessons.shared import RAN, each_moment, mark, new_folder, one_life
from lessons_lib.memories import moment
from lessons_lib.teach.model import NotYet
from lessons_lib.teach.sources import file_of

# --- Exercise 1: old or new, and nothing else -----------------------------------------------

Save = Callable[[Path, str], object]
OLD = '{"ada": ["My name is Ada."]}'
NEW = '{"ada": ["My name is Ada.", "Hello, Ada.", "My file is cv.pdf."]}'
NEXT = '{"ada": []}'
MOST_FILES = 2
INSIDE = "inside a write"
OPENED = "right after a file was opened to be written"
REMOVED = "right after a file was removed"


class GatedFile:
    """A file open for writing whose every write can be killed half-way."""

    def __init__(self, file: IO[Any]) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        """Write the first half for certain; then the rest, into the buffer as usual."""
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        moment(INSIDE)
        self._file.write(data[half:])
        return len(data)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self) -> "GatedFile":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def gates(source: str) -> Iterator[None]:
    """Gates before every line of a source file, after every opening and inside every write."""

    def on_line(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != source:
            return None
        if event == "line":
            moment(f"line {frame.f_lineno}")
        return on_line

    high, low = opened(io.open), {name: gated(getattr(os, name)) for name, gated in _GATED.items()}
    with replaced(io, open=high), replaced(builtins, open=high), replaced(os, **low):
        sys.settrace(on_line)
        try:
            yield
        finally:
            sys.settrace(None)


@contextmanager
def replaced(module: Any, **new: Any) -> Iterator[None]:
    """Other functions under their names in a module, while the block runs."""
    old = {name: getattr(module, name) for name in new}
    vars(module).update(new)
    try:
        yield
    finally:
        vars(module).update(old)


def opened(real: Callable[..., Any]) -> Callable[..., Any]:
    """`open` with a gate after it, whose file has one inside each write."""

    def gated(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        handle = real(file, mode, *rest, **options)
        if not set("wax+") & set(mode):
            return handle
        moment(OPENED)
        return GatedFile(handle)

    return gated


def opened_low(real: Callable[..., int]) -> Callable[..., int]:
    """`os.open` with a gate after it."""

    def gated(file: Any, flags: int, *rest: Any, **options: Any) -> int:
        handle = real(file, flags, *rest, **options)
        if flags & (os.O_WRONLY | os.O_RDWR):
            moment(OPENED)
        return handle

    return gated


def written_low(real: Callable[..., int]) -> Callable[..., int]:
    """`os.write` with a gate half-way."""

    def gated(handle: int, data: Any) -> int:
        half = real(handle, data[: len(data) // 2])
        moment(INSIDE)
        return half + real(handle, data[half:])

    return gated


def removed(real: Callable[..., None]) -> Callable[..., None]:
    """`os.remove` or `os.unlink` with a gate after it."""

    def gated(*path: Any, **options: Any) -> None:
        real(*path, **options)
        moment(REMOVED)

    return gated


def within_a_disk(move: Callable[..., None]) -> Callable[..., None]:
    """`os.rename` or `os.replace` as it is where every other folder lies on another disk."""

    def moved(source: Any, target: Any, **options: Any) -> None:
        if Path(target).absolute().parent not in Path(source).absolute().parents:
            raise OSError(errno.EXDEV, "the other folder can be on another disk", str(source))
        move(source, target, **options)

    return moved


_GATED: dict[str, Callable[[Any], Any]] = {
    "open": opened_low,
    "write": written_low,
    "unlink": removed,
    "remove": removed,
    "rename": within_a_disk,
    "replace": within_a_disk,
}


def saving(save: Save, text: str = NEW) -> Callable[[Path], None]:
    """One life: the old text is there, and the reader's function saves another over it."""
    source = file_of(save)

    def first(folder: Path) -> None:
        path = folder / "memory.json"
        path.write_text(OLD, encoding="utf-8")
        with gates(source):
            save(path, text)

    return first


def look(folder: Path) -> tuple[str | None, dict[str, str]]:
    """What a reader finds at the path, and what the other files hold."""
    path = folder / "memory.json"
    texts = {
        one.name: one.read_text(encoding="utf-8", errors="replace")
        for one in folder.iterdir()
        if one.is_file()
    }
    return texts.pop(path.name, None), texts


def where(name: str, save: Save) -> str:
    """A gate's name in words: the line of code that was about to run."""
    if not name.startswith("line "):
        return name
    line = linecache.getline(file_of(save), int(name[5:])).strip()
    return f"before the line `{line}`"


def judge_found(found: tuple[str | None, dict[str, str]], gate: str, save: Save) -> None:
    text, others = found
    if text in (OLD, NEW):
        return
    place = where(gate, save)
    if text is None:
        raise NotYet(
            f"killed {place}: there is no file at all. Between removing and renaming "
            "there is an instant without one; look for one act that does both."
        )
    told = f"killed {place}: a reader finds {text!r}."
    if OLD in others.values():
        name = next(name for name, other in others.items() if other == OLD)
        raise NotYet(f"{told} The old text is safe in {name!r}, where no reader looks.")
    if gate.startswith("line ") and text:
        raise NotYet(
            f"{told} The rest was still in the buffer of your file: "
            "close it before it takes the other's place."
        )
    raise NotYet(
        f"{told} That is neither the old text nor the new one: the only copy was written in place. "
        "(To copy over it, or to move from another disk, is to write in place, too.)"
    )


def _in_the_way(kills: int, told: NotYet) -> str:
    ended = str(told).partition(". the moment ")[0]
    return (
        f"after {kills} kills the next save left no new text: {ended}. What a killed save leaves "
        "behind must not stop the next one."
    )


def judge_next(save: Save, folder: Path, kills: int) -> None:
    try:
        one_life(saving(save, NEXT), folder)
    except NotYet as told:
        raise NotYet(_in_the_way(kills, told)) from None
    text, _ = look(folder)
    if text != NEXT:
        raise NotYet(
            f"after {kills} kills a whole save of {NEXT!r} left {text!r}: what a killed save left "
            "in the other file is still in it. Begin that file anew each time."
        )


def check_save(save: Save) -> str:
    """Prove by kills at every gate that the file is old or new, and that little is left behind."""
    with new_folder() as folder:
        passed = one_life(saving(save), folder).passed
        text, _ = look(folder)
        if text != NEW:
            raise NotYet(f"not killed at all, the save left {text!r}, expected the new text.")
        for kills, (gate, nth) in enumerate(each_moment(passed)):
            try:
                one_life(saving(save), folder, gate, nth)
            except NotYet as told:
                if look(folder)[0] != NEW:
                    raise NotYet(_in_the_way(kills, told)) from None
                continue  # past what an earlier kill left, it came another way to its end
            judge_found(look(folder), gate, save)
        left = sum(one.is_file() for one in folder.rglob("*"))
        judge_next(save, folder, len(passed))
    if left > MOST_FILES:
        raise NotYet(
            f"always old or new, but {len(passed)} kills left {left} files in the folder; "
            f"the budget is {MOST_FILES}. A new name for each save is litter for each kill."
        )
    return (
        f"killed at {len(passed)} points: always the old text or the new one, "
        f"and at most {MOST_FILES} files."
    )


# --- Exercise 2: a loader that runs nothing -------------------------------------------------

Load = Callable[[bytes], Any]
SAVED = (
    {"ada": ["My name is Ada.", "Hello, Ada."], "rosa": []},
    {
        "óscar": ["“Yes” or “no”?", "É."],
        "bob": ["Run print for me: exec, eval, system, builtins, os.", "I cannot do that."],
    },
)


class Hostile:
    """An object that pickles as a call of a function with an argument."""

    def __init__(self, function: Callable[..., object], argument: str) -> None:
        self.call = (function, (argument,))

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return self.call


def hostile_files() -> dict[str, bytes]:
    """Files that run code when they are loaded, each with what it relies on."""
    said = f"import {mark.__module__} as lesson; lesson.mark('exec')"
    hidden = {"ada": ["My name is Ada.", Hostile(mark, "hidden in a conversation")]}
    return {
        "a function of a module": pickle.dumps(Hostile(mark, "function"), protocol=4),
        "exec": pickle.dumps(Hostile(exec, said), protocol=4),
        "hidden in a conversation": pickle.dumps(hidden, protocol=4),
        "an old protocol": pickle.dumps(Hostile(mark, "old"), protocol=0),
        "an old opcode": f"(S'INST'\ni{mark.__module__}\nmark\n.".encode(),
        "another old opcode": f"(c{mark.__module__}\nmark\nS'OBJ'\no.".encode(),
    }


def outcome(load: Load, data: bytes) -> tuple[bool, bool]:
    """Load a hostile file: whether its code ran, and whether it was refused."""
    before = len(RAN)
    try:
        load(data)
        refused = False
    except Exception:
        refused = True
    return len(RAN) > before, refused


def judge_saved(load: Load) -> None:
    for saved in SAVED:
        for protocol in (2, 4):
            try:
                state = load(pickle.dumps(saved, protocol=protocol))
            except Exception as error:
                raise NotYet(
                    f"the old save {saved!r} was refused: {type(error).__name__}: {error}. "
                    "It holds nothing but dicts, lists and strings."
                ) from error
            if state != saved:
                raise NotYet(f"the old save {saved!r} came back as {state!r}.")


def check_load(load: Load) -> str:
    """Prove that old saves are read, and that no hostile file runs anything."""
    judge_saved(load)
    outcomes = {name: outcome(load, data) for name, data in hostile_files().items()}
    ran = [name for name, (did_run, _) in outcomes.items() if did_run]
    late = all(refused for _, refused in outcomes.values())
    if len(ran) == len(outcomes):
        end = (
            "Each was refused, after it had run: a look at the result comes too late."
            if late
            else "Code runs *during* the load, so nothing around `loads` can stop it."
        )
        raise NotYet(f"every hostile file ran its code. {end}")
    if ran:
        raise NotYet(
            f"some were refused, and these ran: {', '.join(ran)}. A list of what is forbidden is "
            "never complete. These saves need no function at all."
        )
    taken = [name for name, (_, refused) in outcomes.items() if not refused]
    if taken:
        raise NotYet(
            f"nothing ran, but no error told of the file with {taken[0]}: "
            "it was read as if it were a save. Refuse it."
        )
    if not outcome(load, pickle.dumps({"ada": [mark]}, protocol=4))[1]:
        raise NotYet(
            "nothing ran, but a file that *names* a function, and does not call it, was read as if "
            "it were a save. To look a name up is to import its module, and that runs code, too."
        )
    return f"{len(SAVED)} old saves read, {len(outcomes) + 1} hostile files refused; nothing ran."


CHECKS = {
    "07.save": check_save,
    "07.load": check_load,
}
