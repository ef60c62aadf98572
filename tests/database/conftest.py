"""Where no Postgres can be started, these tests are skipped, in the words that a reader gets."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from lessons_lib.database import NoPostgres, Postgres, postgres


@pytest.fixture(scope="session")
def ours() -> Postgres:
    """This process's Postgres."""
    try:
        return postgres()
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def _only_where_it_starts(ours: Postgres) -> None:
    """Every test here needs it."""


@pytest.fixture
def uri(ours: Postgres) -> Iterator[str]:
    """A database of its own for a test."""
    with psycopg.connect(ours.uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE of_a_test")
        yield ours.uri.replace("/postgres?", "/of_a_test?")
        connection.execute("DROP DATABASE of_a_test WITH (FORCE)")
