"""The companion package of *From Refcounts to Checkpoints*.

Five floors, each importing only from those below it: ``launch`` turns a fresh machine into a ready
environment, ``lessons`` has what belongs to each lesson, ``teach`` asks and judges and knows no
lesson, ``memories`` is what the lessons compare, and ``observe`` looks without changing what it
looks at. Importing this package loads none of them.
"""
