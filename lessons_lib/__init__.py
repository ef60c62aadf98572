"""The companion package of *From Refcounts to Checkpoints*.

Four floors, each importing only from those below it: ``teach`` knows the lessons, ``memories`` is
what they compare, ``observe`` looks without changing what it looks at, and ``launch`` turns a fresh
machine into a ready environment. Importing this package loads none of them.
"""
