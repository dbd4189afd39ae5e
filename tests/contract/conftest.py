"""A real PostgreSQL server for the run."""

from collections.abc import Iterator

import pytest

from tests.support.postgres_process import PostgresProcess, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    """Started once; every test makes a database of its own."""
    with postgres_server() as server:
        yield server
