import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import EntryId, HoldId
from ledger.account import available
from ledger.entry import CaptureHold, EntryReason, JournalEntry, PlaceHold
from storage.hold_expiry import expire_holds
from tests.storage.world import BTC, World, unique

pytestmark = pytest.mark.stack

PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime.now(UTC) + timedelta(days=1)


async def held(world: World, expires_at: datetime | None):
    alice = await world.customer(BTC=100)
    hold = HoldId(unique("h"))
    place = PlaceHold(hold, alice, BTC, 40, expires_at)
    await world.ledger.post(
        JournalEntry(EntryId(unique("e")), EntryReason.HOLD, "test", (), (place,))
    )
    return alice, hold


async def test_an_expired_hold_goes_back_once(world: World):
    alice, hold = await held(world, PAST)

    assert hold in await expire_holds(world.ledger)
    assert hold not in await expire_holds(world.ledger)
    assert await world.balance(alice, BTC) == (100, 0)


@pytest.mark.parametrize("expires_at", [None, FUTURE])
async def test_a_hold_is_kept_until_its_time(world: World, expires_at):
    alice, hold = await held(world, expires_at)

    assert hold not in await expire_holds(world.ledger)
    assert await world.balance(alice, BTC) == (60, 40)


async def test_what_was_captured_before_stays_captured(world: World):
    alice, hold = await held(world, PAST)
    bob = await world.customer()
    capture = CaptureHold(hold, alice, available(bob, BTC), 30)
    await world.ledger.post(
        JournalEntry(EntryId(unique("e")), EntryReason.RELEASE, "test", (), (capture,))
    )

    await expire_holds(world.ledger)

    assert await world.balance(alice, BTC) == (70, 0)
    assert await world.balance(bob, BTC) == (30, 0)


async def test_a_hold_whose_expiry_is_lifted_is_kept(world: World):
    alice, hold = await held(world, PAST)
    await world.ledger.pool.execute("UPDATE holds SET expires_at = NULL WHERE id = $1", hold)

    await expire_holds(world.ledger)

    assert await world.balance(alice, BTC) == (60, 40)


async def test_many_expiries_at_once_expire_each_hold_once(world: World):
    expected = {(await held(world, PAST))[1] for _ in range(10)}

    answers = await asyncio.gather(*(expire_holds(world.ledger) for _ in range(5)))

    expired = [hold for answer in answers for hold in answer]
    assert sorted(expired) == sorted(expected)
