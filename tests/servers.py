"""The fixtures over `tests.services`: asking for one starts the real server, if none runs yet."""

from collections.abc import Iterator

import pytest

from tests import services


@pytest.fixture(scope="session")
def postgresql() -> services.PostgreSQL:
    """A real PostgreSQL; take a database of it with ``with postgresql.database() as url``."""
    return services.postgresql()


@pytest.fixture(scope="session")
def valkey() -> services.Valkey:
    """A real Valkey that all tests share; don't harm it."""
    return services.valkey()


@pytest.fixture
def own_valkey() -> Iterator[services.Valkey]:
    """A real Valkey for this test alone, to be frozen and killed."""
    with services.own_valkey() as server:
        yield server
