"""Servers and databases for tests. They start when the first test asks for them."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from xdist.scheduler import LoadScopeScheduling

from devstack.rented import Database, RentedStack
from storage.migrate import migrate
from tests.browser import open_browser

TESTS = Path(__file__).parent

TOGETHER = {
    "chains": "chain",
    "custody": "chain",
    "workers": "chain",
    "end_to_end": "exchange",
    "dialect": "dialect",
}
"""Folders whose tests one process takes, in their order. Those of `chain` share hot wallets on the
nodes of their stack; the others have an exchange each, started once and ended with them.
"""

LONG_FIRST = ("end_to_end", "chains", "custody", "workers", "dialect", "projections", "devstack")
"""So that the two processes have long work at once, and only short work is left for the end."""


class ByFile(LoadScopeScheduling):
    """Shares the tests out by file, so that the fixtures of a module are made once."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0]
        return TOGETHER.get(place.split("/")[1], place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False  # The tests have their order already.
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long work first, then the files with most tests."""
    sizes = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        folder = item.path.relative_to(TESTS).parts[0]
        rank = LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)
        return rank, 0 if folder in TOGETHER else -sizes[item.path]

    items.sort(key=place)


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
