"""The course's commands: ``python3 -m lessons_lib`` opens it, ``help`` lists the others.

Written for any Python, 2.7 too, so that an old one gets a sentence and not a ``SyntaxError``: no
f-string, types in comments, and nothing of the course is imported before the version is looked at.
"""
# ruff: noqa: UP031

import sys

OLDEST = (3, 11)
NEWEST = (3, 14)


def misfit(version):
    # type: (tuple[int, int]) -> str
    """Say why the course cannot run on this Python version; the empty string means that it can.

    >>> misfit((3, 12))
    ''
    >>> print(misfit((3, 8)))
    Python 3.8 is too old for this course: use Python 3.11, 3.12, 3.13 or 3.14.
    """
    if OLDEST <= version <= NEWEST:
        return ""
    why = "too old for this course"
    if version > NEWEST:
        why = "too new for this course (the packages it stands on have no builds for it yet)"
    found = "%d.%d" % version
    return "Python %s is %s: use Python 3.11, 3.12, 3.13 or 3.14." % (found, why)


def main():
    # type: () -> int
    """Run the command named on the command line and return its exit code."""
    problem = misfit(sys.version_info[:2])
    if problem:
        sys.stderr.write(problem + "\n")
        return 2
    try:
        from lessons_lib.launch.commands import main as run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Start it again with the same command.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
