"""Real nodes, Postgres, KMS and Temporal for custody's tests."""

import os
from collections.abc import AsyncIterator

import pytest

from devstack.rented import Database, RentedStack
from tests.chains.conftest import aws, seeded
from tests.custody.addresses import Addresses, prepare
from tests.custody.house import House, connected, follow_chains, opened, working
from tests.histories.recording import record_when_asked

__all__ = ["aws", "seeded"]

CRASH_MODES = 4


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each arrow dies in one way, in turn; `make test-all` kills every arrow in every way."""
    if os.environ.get("RIALTO_TEST_ALL") or config.option.keyword:
        return
    crashes = [item for item in items if item.path.name == "test_crashes.py"]
    left_out = {
        item
        for number, item in enumerate(crashes)
        if number % CRASH_MODES != number // CRASH_MODES % CRASH_MODES
    }
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture(scope="module")
async def addresses(stack: RentedStack, database: Database, aws: None) -> Addresses:
    stack.require("bitcoind", "anvil", "temporal")
    found = Addresses.of(stack, database)
    await prepare(found)
    return found


@pytest.fixture(scope="module")
async def idle_house(addresses: Addresses) -> AsyncIterator[House]:
    """A funded house on both chains that follows them; nobody works in it."""
    async with opened(addresses) as house:
        await follow_chains(house)
        client = await connected(house, addresses)
        yield house
        await record_when_asked(client)


@pytest.fixture(scope="module")
async def house(idle_house: House) -> AsyncIterator[House]:
    """A funded house whose workers run."""
    async with working(idle_house) as house:
        yield house
