"""Servers and databases for tests. They start when the first test asks for them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from devstack.rented import Database, RentedStack
from storage.migrate import migrate
from tests.browser import open_browser

HERE = Path(__file__).resolve().parent
ON_ONE_CHAIN = {"chains", "custody", "workers"}
"""Their modules share hot wallets on the nodes of their stack, and use them in this order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the tests out by file, so that fixtures of a module are made once."""
    for item in items:
        place = item.path.relative_to(HERE)
        group = "chain" if place.parts[0] in ON_ONE_CHAIN else str(place)
        if place.parts[0] == "dialect":
            group = "dialect"  # They share one running exchange.
        item.add_marker(pytest.mark.xdist_group(group))


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
