"""The companion package of *From Refcounts to Checkpoints*.

Each room imports only from those below it; CONTRIBUTING.md draws the house. From the ground up:
``database`` keeps a Postgres, ``observe`` looks without changing what it looks at, ``crash_lab``
kills, ``memories`` is what the lessons compare, ``exam`` and ``saver_exam`` put them to the test,
``teach`` asks and judges and knows no lesson, ``lessons`` has what belongs to each, ``site`` writes
pages to be read. ``launch`` stands beside them and turns a fresh machine into a ready environment.
Importing this package loads none of them.
"""
