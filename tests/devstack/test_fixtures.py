import asyncpg
import pytest

from devstack.rented import Database, RentedStack

pytestmark = pytest.mark.stack


async def test_database_is_migrated_and_empty(database: Database):
    connection = await asyncpg.connect(database.worker.replace("+asyncpg", ""))

    entries = await connection.fetchval("SELECT count(*) FROM journal_entries")
    assets = await connection.fetchval("SELECT count(*) FROM assets")

    await connection.close()
    assert entries == 0
    assert assets == 3


def test_servers_are_healthy_once_required(stack: RentedStack):
    stack.require("valkey", "roto")

    assert stack.is_healthy("valkey")
    assert stack.is_healthy("roto")
