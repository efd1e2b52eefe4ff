"""A database of its own: after this the market's trades cannot be settled any more."""

import pytest

from domain.market import Side
from ledger.settlement import Poisoned
from tests.storage.world import BTC_USDT, World, pay

pytestmark = pytest.mark.stack


async def test_trade_entries_posted_outside_their_run_poison_it(world: World):
    maker = await world.resting(await world.customer(BTC=10**8), Side.SELL, 1000, 100)
    taker = await world.resting(await world.customer(USDT=10**6), Side.BUY, 1000, 100)
    event = await world.filled(maker, taker, 1000, 100)
    carol = await world.customer(BTC=1)
    forged = pay(carol, await world.customer(), 1, name=f"trade:{BTC_USDT.id}:{event[1]}")
    await world.ledger.post(forged)

    with pytest.raises(Poisoned, match="another body"):
        await world.settle(event)
