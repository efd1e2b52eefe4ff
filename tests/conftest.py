"""Servers and databases for tests. They start when the first test asks for them."""

from collections.abc import Iterator

import pytest

from devstack.rented import Database, RentedStack
from storage.migrate import migrate


@pytest.fixture(scope="session")
def stack() -> Iterator[RentedStack]:
    """One stack for the session: `stack.require("postgres", "valkey")` starts what is missing."""
    rented = RentedStack()
    yield rented
    rented.close()


@pytest.fixture(scope="module")
def database(stack: RentedStack) -> Iterator[Database]:
    """A fresh migrated database: `database.owner`, `.api`, `.worker` and `.signer` are its URLs."""
    fresh = stack.new_database(migrate)
    yield fresh
    stack.drop_database(fresh)
