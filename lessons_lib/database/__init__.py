"""A real Postgres for the lessons that need one, without an installation.

>>> from lessons_lib.database import postgres
>>> postgres().uri  # doctest: +SKIP
'postgresql://postgres@/postgres?host=…'
"""

from lessons_lib.database.server import NoPostgres, Postgres, postgres

__all__ = ["NoPostgres", "Postgres", "postgres"]
