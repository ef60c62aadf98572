"""Start a Postgres, end it, and say what came of it: what `doctor` asks."""

import sys

from lessons_lib.database import NoPostgres, postgres


def main() -> int:
    """Print the server's version, or why there is none; exit code 1 then."""
    try:
        import psycopg

        with psycopg.connect(postgres().uri) as connection:
            found = connection.execute("SHOW server_version").fetchone()
        print(f"{found[0] if found else '?'} starts")
    except (NoPostgres, ImportError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
