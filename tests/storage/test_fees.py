from datetime import UTC, datetime

import pytest

from domain.market import MarketId, Side
from ledger.fees import DEFAULT_RATES, FeeRates
from storage.fees import FeeSchedule
from tests.storage.world import BTC_USDT, World, new_customer

pytestmark = pytest.mark.stack


async def add_rate(world: World, maker: int, taker: int, **changes: object) -> None:
    values = {"market": None, "customer_id": None, "volume_min_units": 0} | changes
    await world.ledger.pool.execute(
        "INSERT INTO fee_rates (market, customer_id, volume_min_units, maker_fee_ppm,"
        " taker_fee_ppm) VALUES ($1, $2, $3, $4, $5)",
        *values.values(),
        maker,
        taker,
    )


async def test_without_a_schedule_the_default_rates_hold(world: World):
    assert await FeeSchedule(world.engine).rates(new_customer(), BTC_USDT.id) == DEFAULT_RATES


async def test_rates_follow_the_volume_of_thirty_days(world: World):
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    market = MarketId("BTC-USDT")
    await add_rate(world, 700, 1500, market=market, volume_min_units=50_000)
    maker = await world.resting(bob, Side.SELL, 1000, 50)
    taker = await world.resting(alice, Side.BUY, 1000, 50)
    assert await FeeSchedule(world.engine).rates(alice, market) == DEFAULT_RATES

    await world.settle(await world.filled(maker, taker, 1000, 50))

    schedule = FeeSchedule(world.engine)
    assert await schedule.volume_units(alice, market, datetime.now(UTC)) == 50_000
    assert await schedule.rates(alice, market) == FeeRates(700, 1500)
    assert await schedule.rates(new_customer(), market) == DEFAULT_RATES
    assert await schedule.rates(alice, MarketId("ETH-BTC")) == DEFAULT_RATES


async def test_volume_older_than_thirty_days_does_not_count(world: World):
    alice = new_customer()
    await world.ledger.pool.execute(
        "INSERT INTO trading_volumes VALUES ($1, 'BTC-USDT', '2026-01-01', 5),"
        " ($1, 'BTC-USDT', '2026-01-02', 7)",
        alice,
    )
    schedule = FeeSchedule(world.engine)

    at = [datetime(2026, 1, day, tzinfo=UTC) for day in (30, 31)] + [
        datetime(2026, 2, 1, tzinfo=UTC)
    ]

    assert [await schedule.volume_units(alice, BTC_USDT.id, day) for day in at] == [12, 7, 0]


async def test_a_promotion_is_for_its_customer(world: World):
    alice = new_customer()
    await add_rate(world, 0, 0, customer_id=alice)

    schedule = FeeSchedule(world.engine)

    assert await schedule.rates(alice, BTC_USDT.id) == FeeRates(0, 0)
    assert await schedule.rates(alice, BTC_USDT.id) == FeeRates(0, 0)  # Remembered.
    assert await schedule.rates(new_customer(), BTC_USDT.id) == DEFAULT_RATES
