"""Servers and databases for tests. They start when the first test asks for them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from xdist.scheduler import LoadScopeScheduling

from devstack.rented import Database, RentedStack
from storage.migrate import migrate
from tests.browser import open_browser

ON_ONE_CHAIN = {"chains", "custody", "workers"}
"""Their modules share hot wallets on the nodes of their stack, and use them in this order."""


class ByFile(LoadScopeScheduling):
    """Shares the tests out by file, so that the fixtures of a module are made once."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0]
        return "chain" if place.split("/")[1] in ON_ONE_CHAIN else place


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


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
