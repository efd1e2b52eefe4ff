"""A crash at every await on the database: what was asked happens exactly once all the same."""

from contextlib import suppress

import asyncpg
import pytest

from domain.ids import HoldId
from domain.market import Side
from engine import events
from ledger.entry import EntryReason, JournalEntry, PlaceHold
from storage.group_commit import GroupCommit
from storage.ledger import Ledger
from storage.orders import Orders
from storage.settlement import Settlements
from tests.storage.crashing import Crash, CrashingPool
from tests.storage.world import BTC, MARKETS, USDT, World, limit, pay, unique

pytestmark = pytest.mark.stack

POINTS = [(at, after) for at in range(1, 16) for after in (False, True)]


def crashing_ledger(world: World, crash: Crash) -> Ledger:
    """The same ledger, on connections that die."""
    ledger = Ledger.__new__(Ledger)
    ledger.__dict__.update(world.ledger.__dict__)
    ledger.pool = CrashingPool(world.ledger.pool, crash)
    ledger._group = GroupCommit(ledger.pool, ledger._commit)
    return ledger


async def close(ledger: Ledger) -> None:
    """Its committers only: the pool is the world's."""
    await ledger._group.close()


@pytest.mark.parametrize(("at", "after"), POINTS)
async def test_settlement(world: World, at: int, after: bool):
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    resting = await world.resting(bob, Side.SELL, 900, 100)
    taker = await world.resting(alice, Side.BUY, 1000, 60)
    gone = await world.resting(alice, Side.BUY, 500, 10)
    batch = await world.batch(
        (events.RESTED, resting, bob, 0, 900, 100),
        (events.CANCELED, gone, alice, 1, 500, 10, 10, events.BY_OWNER),
        await world.filled(resting, taker, 900, 60),
    )
    crash = Crash(at, after=after)
    ledger = crashing_ledger(world, crash)

    with suppress(asyncpg.ConnectionDoesNotExistError):
        await Settlements(ledger, MARKETS).settle(batch)
    await world.assert_conserved()
    await close(ledger)
    settled = await world.settlements.settle(batch)

    assert settled.next_sequence == batch.last_sequence + 1
    assert crash.happened or crash.awaits < at
    assert await world.balance(alice, USDT) == (10**6 - 54_000, 0)
    assert await world.balance(bob, BTC) == (10**8 - 100 * 10**4, 40 * 10**4)
    assert len(await world.orders.trades(alice, batch.market)) == 1


@pytest.mark.parametrize(("at", "after"), POINTS[:20])
async def test_posting(world: World, at: int, after: bool):
    alice, bob = await world.customer(BTC=100), await world.customer(BTC=1)
    crash = Crash(at, after=after)
    ledger = crashing_ledger(world, crash)
    place = PlaceHold(HoldId(unique("h")), alice, BTC, 20)

    await ledger.post(pay(alice, bob, 30))
    await ledger.post(JournalEntry(unique("e"), EntryReason.HOLD, "test", (), (place,)))
    await close(ledger)

    assert await world.balance(alice, BTC) == (50, 20)
    assert await world.balance(bob, BTC) == (31, 0)


@pytest.mark.parametrize(("at", "after"), POINTS[:20])
async def test_placing(world: World, at: int, after: bool):
    alice = await world.customer(USDT=10_000)
    crash = Crash(at, after=after)
    ledger = crashing_ledger(world, crash)
    orders = Orders(ledger)

    [placed] = await orders.place([limit(alice, Side.BUY, 100, 30, client_order_id=unique("c"))])
    cancel = await orders.request_cancel(alice, placed.order_id)
    await orders.close()
    await close(ledger)

    assert not placed.replayed
    assert await world.balance(alice, USDT) == (7_000, 3_000)
    assert [order.id for order in await world.orders.history(alice)] == [placed.order_id]
    rows = await world.ledger.pool.fetch(
        "SELECT id FROM order_commands WHERE order_id = $1 ORDER BY id", placed.order_id
    )
    assert [row["id"] for row in rows] == [placed.command_id, cancel.command_id]
