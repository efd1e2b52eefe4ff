"""The drill of docs/operations/disaster-recovery.md: PostgreSQL is lost and comes back."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from devstack.postgres import admin_url
from devstack.rented import Database, RentedStack
from domain.ids import EntryId
from storage.migrate import migrate
from tests.recovery.replica import RECEIVER, Replica
from tests.storage.world import BTC, World, deposit, new_customer, opened, pay

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Iterator[RentedStack]:
    """A server of this module's own: it is killed and replaced."""
    own = RentedStack()
    yield own
    own.close()


@pytest.fixture(scope="module")
def database(stack: RentedStack) -> Database:
    return stack.new_database(migrate)


async def the_log_is_kept(database: Database) -> None:
    """Else the base backup's checkpoint may remove what the receiver's new slot still needs."""
    connection = await asyncpg.connect(admin_url(database.site))
    try:
        await connection.execute("ALTER SYSTEM SET wal_keep_size = '1GB'")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute("CHECKPOINT")  # Whoever makes it has read the setting.
    finally:
        await connection.close()


async def commits_wait_for_the_receiver(database: Database) -> None:
    connection = await asyncpg.connect(admin_url(database.site))
    try:
        await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{RECEIVER}'")
        await connection.execute("SELECT pg_reload_conf()")
        waits = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        async with asyncio.timeout(60):
            while not await connection.fetchval(waits):
                await connection.execute("SELECT pg_sleep(0.05)")
    finally:
        await connection.close()


async def acknowledged_payments(world: World, stack: RentedStack, count: int) -> set[EntryId]:
    """Payments that were answered, of a stream in the middle of which the server is killed."""
    alice, bob = new_customer(), new_customer()
    await world.ledger.post(deposit(alice, BTC, 10**8))
    payments = [pay(alice, bob, 1, name=f"drill:{number}") for number in range(2 * count)]
    answered: set[EntryId] = set()
    for number, payment in enumerate(payments):
        if number == count:
            stack.kill("postgres")
        try:
            async with asyncio.timeout(2):
                await world.ledger.post(payment)
        except Exception:  # noqa: BLE001 - Whatever a killed server makes of it: not answered.
            return answered
        answered.add(payment.id)
    return answered


async def test_every_acknowledged_entry_survives_the_loss_of_the_server(
    stack: RentedStack, database: Database
):
    replica = Replica.of(stack.site)
    await the_log_is_kept(database)
    with replica.receiving():
        replica.take_base_backup()
        await commits_wait_for_the_receiver(database)
        async with opened(database) as world:
            answered = await acknowledged_payments(world, stack, 100)

    with replica.restored(database) as copy:
        async with opened(copy) as world:
            await world.assert_conserved()
            async with world.as_owner() as owner:
                rows = await owner.fetch("SELECT id FROM journal_entries")

    assert len(answered) >= 100
    assert answered <= {row["id"] for row in rows}
