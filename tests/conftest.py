"""Servers and databases for tests. They start when the first test asks for them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from devstack.rented import Database, RentedStack
from storage.migrate import migrate
from tests.browser import open_browser


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


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium for the session; each test opens contexts of its own."""
    async with open_browser() as opened:
        yield opened
