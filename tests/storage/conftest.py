from collections.abc import AsyncIterator

import pytest

from devstack.rented import Database
from tests.storage.world import World, opened


@pytest.fixture(scope="module")
async def shared_world(database: Database) -> AsyncIterator[World]:
    async with opened(database) as world:
        yield world


@pytest.fixture
async def world(shared_world: World) -> AsyncIterator[World]:
    """A ledger on a database that the module's tests share; conserved after each of them."""
    yield shared_world
    await shared_world.assert_conserved()
