"""The commands: what the reader types, and what each does."""

import difflib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from lessons_lib.launch import copies, lab
from lessons_lib.launch.doctor import examine, report
from lessons_lib.launch.environment import ensure
from lessons_lib.launch.lock import renew
from lessons_lib.launch.project import HERE
from lessons_lib.launch.tell import say
from lessons_lib.launch.trouble import Trouble, from_os_error

Arguments = Sequence[str]


def open_course(arguments: Arguments) -> int:
    """open [--no-browser] [--port N]: set up if need be, then open the course (the default)."""
    options = lab.options(arguments)  # a mistake in them is told before anything is made
    environment = ensure(tests=False)
    for line in copies.lay_out():
        say(line)
    say("Starting JupyterLab …")
    return lab.start(environment, options)


def run_tests(arguments: Arguments) -> int:
    """test [pytest's own arguments]: set up with the test pins, then run every test."""
    # Most of them wait for kernels, browsers and children: two for each core keep it busy.
    together = [] if arguments else ["-n", str(2 * (os.cpu_count() or 1))]
    return _in_environment(["-m", "pytest", *together, *arguments], tests=True)


def doctor(arguments: Arguments) -> int:
    """doctor: versions, what is missing, and what each missing thing costs you."""
    if arguments:
        raise Trouble(f"`doctor` takes nothing more, so not {arguments[0]!r}.", 2)
    findings = examine()
    print(report(findings))
    return 1 if any(finding.stops for finding in findings) else 0


def fresh(arguments: Arguments) -> int:
    """fresh NN: lay lesson NN out afresh; your own copy is kept beside it."""
    if len(arguments) != 1:
        raise Trouble("`fresh` takes the number of one lesson, such as: fresh 02", 2)
    print(copies.fresh(arguments[0]))
    return 0


def progress(arguments: Arguments) -> int:
    """progress [CODE]: show your progress; with the code of another place, bring it here first."""
    code = (
        "import sys; from lessons_lib.teach import progress, restore\n"
        "for code in sys.argv[1:]: print(restore(code))\n"
        "print(progress())"
    )
    return _in_environment(["-c", code, *arguments])


def exam(arguments: Arguments) -> int:
    """exam [MEMORY ...]: put the memory exam to the memories you name, or to all."""
    return _in_environment(["-m", "lessons_lib.exam", *arguments])


def site(arguments: Arguments) -> int:
    """site [FOLDER]: write the lessons and their slides as pages that need nothing running."""
    # The environment's Python starts in the course's folder, and the reader may be elsewhere.
    return _in_environment(["-m", "lessons_lib.site", *map(os.path.abspath, arguments or ["site"])])


def refresh(arguments: Arguments) -> int:
    """refresh: run and normalise the notebooks (maintainers)."""
    return _in_environment(["-m", "tests.refresh", *arguments], tests=True)


def lock(arguments: Arguments) -> int:
    """lock [--upgrade]: renew the pins after a change of pyproject.toml (maintainers)."""
    changed = renew(arguments)
    print("\n".join(f"{name} renewed." for name in changed) or "Both locks are as they should be.")
    return 0


def newest(arguments: Arguments) -> int:
    """newest [--keep FOLDER] [NN ...]: run lessons on the newest releases (maintainers)."""
    return _in_environment(["-m", "tests.newest", *arguments], tests=True)


def tell_help(_arguments: Arguments) -> int:
    """help: this list."""
    print("python3 -m lessons_lib COMMAND\n")
    for command in COMMANDS.values():
        use, _, what = (command.__doc__ or "").partition(": ")
        print(f"  {use:<36}{what}")
    return 0


COMMANDS: "dict[str, Callable[[Arguments], int]]" = {
    "open": open_course,
    "test": run_tests,
    "progress": progress,
    "exam": exam,
    "fresh": fresh,
    "site": site,
    "doctor": doctor,
    "help": tell_help,
    "refresh": refresh,
    "lock": lock,
    "newest": newest,
}


def _in_environment(command: "list[str]", tests: bool = False) -> int:
    """Run Python in the course's environment and folder; returns its exit code."""
    environment = ensure(tests)
    env = environment.variables(os.environ)
    process = subprocess.Popen([str(environment.python), *command], cwd=HERE.root, env=env)
    try:
        return process.wait()
    finally:
        # After Ctrl-C, which it got as well, it is ending in its own way.
        process.wait()


def choose(arguments: Arguments) -> "tuple[Callable[[Arguments], int], Arguments]":
    """Find the command that was typed; one that there is not gets the nearest suggested."""
    if not arguments:
        return open_course, ()
    name, rest = arguments[0], arguments[1:]
    if name in ("-h", "--help"):
        return tell_help, ()
    if name.startswith("-"):
        return open_course, arguments
    if name in COMMANDS:
        return COMMANDS[name], rest
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.4)
    hint = f"did you mean `{near[0]}`?" if near else "`help` lists those there are."
    raise Trouble(f"There is no command {name!r}: {hint}", 2)


def main(arguments: Arguments) -> int:
    """Run a command; what goes wrong is one line and an exit code, and Ctrl-C is the caller's."""
    try:
        command, rest = choose(arguments)
        return command(rest)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return trouble.code
    except OSError as error:
        print(from_os_error(error, HERE.root), file=sys.stderr)
        return 1
