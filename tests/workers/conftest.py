"""The listener's tests use the nodes of the chains' tests."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from devstack.rented import Database
from storage.engine import create_engine
from tests.chains.conftest import aws, bitcoin, ethereum, seeded

__all__ = ["aws", "bitcoin", "ethereum", "owner", "seeded", "worker"]


@pytest.fixture(scope="module")
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.owner)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
async def worker(database: Database) -> AsyncIterator[AsyncEngine]:
    """As the role that workers have."""
    engine = create_engine(database.worker)
    yield engine
    await engine.dispose()
