"""Orders count against their customer's tier: what was traded, and what is promised."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from compliance.tiers import LIMITS, Flow, Tier
from domain.errors import LimitExceeded
from domain.ids import CustomerId
from domain.market import Side
from engine import events
from storage.order_batch import commit_orders
from storage.orders import NewOrder, Orders, PlacedOrder
from storage.tier_usage import read_tier_usage
from storage.trade_limits import TradeLimits
from tests.storage.world import TIME_US, World, limit, opened, unique

pytestmark = pytest.mark.stack

BUY, SELL = Side.BUY, Side.SELL
PRICE, LOTS = 10_000_000, 10_000
"""One bitcoin for 100,000 USDT: ten of them are what tier 1 may trade in 24 hours."""
TENTH = PRICE * LOTS
BITCOIN_AT_REFERENCE = 60_000 * 10**6


@pytest.fixture(scope="module")
async def limited(shared_world: World) -> AsyncIterator[Orders]:
    """Orders as the API takes them, by its own rights."""
    async with opened(shared_world.database, role="rialto_api") as api:
        orders = Orders(api.ledger, TradeLimits())
        yield orders
        await orders.close()


async def customer(world: World, tier: int, **units: int) -> CustomerId:
    found = await world.customer(**(units or {"USDT": 100 * TENTH, "BTC": 10**12}))
    async with world.as_owner() as owner:
        await owner.execute(
            "INSERT INTO customers (id, email, kyc_tier) OVERRIDING SYSTEM VALUE"
            " VALUES ($1, $2, $3)",
            found, unique("trader"), tier,
        )  # fmt: skip
    return found


async def set_tier(world: World, who: CustomerId, tier: int) -> None:
    await world.ledger.pool.execute("UPDATE customers SET kyc_tier = $2 WHERE id = $1", who, tier)


async def answer(orders: Orders, *new: NewOrder) -> list[str]:
    """`placed`, or the code of the refusal, for each."""
    return [
        "placed" if isinstance(each, PlacedOrder) else each.code for each in await orders.place(new)
    ]


def tenth(who: CustomerId, side: Side = BUY, lots: int = LOTS) -> NewOrder:
    return limit(who, side, PRICE, lots)


async def cancel(world: World, order_id: int, who: CustomerId) -> None:
    await world.settle((events.CANCELED, order_id, who, 1, PRICE, LOTS, LOTS, events.BY_OWNER))


async def test_without_verification_nobody_trades(world: World, limited: Orders):
    unverified, unknown = await customer(world, Tier.NONE), await world.customer(USDT=10**9)

    assert await answer(limited, limit(unverified, BUY, 1000, 100)) == ["tier_too_low"]
    assert await answer(limited, limit(unknown, BUY, 1000, 100)) == ["tier_too_low"]


async def test_open_orders_count_up_to_the_limit_and_no_further(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)

    assert await answer(limited, *[tenth(alice)] * 10) == ["placed"] * 10
    [refused] = await limited.place([tenth(alice, lots=1)])

    assert isinstance(refused, LimitExceeded)
    assert refused.fields == {
        "limit": "1000000", "left": "0", "needed": "10", "asset": "USDT",
    }  # fmt: skip
    used = (await read_tier_usage(world.engine, alice)).used[Flow.TRADE]
    assert used.day_units == used.month_units == LIMITS[Tier.BASIC][Flow.TRADE].day_units


async def test_one_batch_cannot_pass_the_limit(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)

    answers = await answer(limited, *[tenth(alice)] * 12)

    assert answers == ["placed"] * 10 + ["limit_exceeded"] * 2


async def test_nor_can_two_processes_at_the_same_moment(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)
    other = Orders(world.ledger, TradeLimits())

    answers = await asyncio.gather(
        *(answer(orders, tenth(alice)) for orders in (limited, other) * 10)
    )
    await other.close()

    assert [each[0] for each in answers].count("placed") == 10


async def test_a_sale_counts_what_its_coins_are_worth(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)

    assert await answer(limited, tenth(alice, SELL, 2 * LOTS)) == ["placed"]

    used = (await read_tier_usage(world.engine, alice)).used[Flow.TRADE]
    assert used.day_units == 2 * BITCOIN_AT_REFERENCE


async def test_what_was_canceled_is_given_back(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)
    placed = await limited.place([tenth(alice)] * 10)
    assert await answer(limited, tenth(alice)) == ["limit_exceeded"]
    assert isinstance(placed[0], PlacedOrder)

    await cancel(world, placed[0].order_id, alice)

    assert await answer(limited, tenth(alice), tenth(alice)) == ["placed", "limit_exceeded"]


async def test_trades_count_for_24_hours_and_for_30_days(world: World, limited: Orders):
    alice, bob = await customer(world, Tier.BASIC), await customer(world, Tier.ENHANCED)
    maker = await world.resting(bob, SELL, PRICE, 10 * LOTS)
    [taker] = await limited.place([tenth(alice, lots=10 * LOTS)])
    assert isinstance(taker, PlacedOrder)
    await world.settle(await world.filled(maker, taker.order_id, PRICE, 10 * LOTS))

    assert await answer(limited, tenth(alice, lots=1)) == ["limit_exceeded"]
    await age(world, alice, hours=26)
    assert await answer(limited, tenth(alice, lots=1)) == ["placed"]
    usage = await read_tier_usage(world.engine, alice)
    assert usage.used[Flow.TRADE].day_units == PRICE
    assert usage.used[Flow.TRADE].month_units == 10 * TENTH + PRICE
    await age(world, alice, hours=31 * 24)
    assert (await read_tier_usage(world.engine, alice)).used[Flow.TRADE].month_units == PRICE


async def age(world: World, who: CustomerId, hours: int) -> None:
    async with world.as_owner() as owner:
        await owner.execute(
            "UPDATE traded_values SET hour = hour - make_interval(hours => $2)"
            " WHERE customer_id = $1",
            who, hours,
        )  # fmt: skip


async def test_both_sides_of_a_trade_count_by_its_hour(world: World):
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker, taker = (
        await world.resting(bob, SELL, 1000, 100),
        await world.resting(alice, BUY, 1000, 100),
    )
    await world.settle(await world.filled(maker, taker, 1000, 60))
    await world.settle(await world.filled(maker, taker, 1000, 40))

    rows = await world.ledger.pool.fetch(
        "SELECT customer_id, hour, value_units FROM traded_values"
        " WHERE customer_id = ANY($1) ORDER BY 1",
        [alice, bob],
    )

    assert [(row[0], int(row[2])) for row in rows] == [(alice, 100_000), (bob, 100_000)]
    moment = datetime.fromtimestamp(TIME_US / 10**6, tz=rows[0][1].tzinfo)
    assert rows[0][1] == moment.replace(minute=0, second=0, microsecond=0)


async def test_a_lowered_tier_counts_for_the_very_next_order(world: World, limited: Orders):
    alice = await customer(world, Tier.FULL)
    assert await answer(limited, tenth(alice, lots=11 * LOTS)) == ["placed"]

    await set_tier(world, alice, Tier.BASIC)
    assert await answer(limited, limit(alice, BUY, 1000, 100)) == ["limit_exceeded"]
    await set_tier(world, alice, Tier.NONE)
    assert await answer(limited, limit(alice, BUY, 1000, 100)) == ["tier_too_low"]
    await set_tier(world, alice, Tier.ENHANCED)
    assert await answer(limited, tenth(alice, lots=50 * LOTS)) == ["placed"]


async def test_a_refusal_leaves_no_trace(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)
    before = await world.balances(alice)

    assert await answer(limited, tenth(alice, lots=11 * LOTS)) == ["limit_exceeded"]

    assert await world.balances(alice) == before
    assert await world.orders.open_orders(alice, None) == []


async def test_a_pair_counts_once(world: World, limited: Orders):
    alice = await customer(world, Tier.BASIC)
    stop = limit(alice, BUY, PRICE, 5 * LOTS, kind="stop_limit", trigger_kind=1, trigger=PRICE)

    await limited.place_pair(tenth(alice, lots=5 * LOTS), stop)

    assert await answer(limited, tenth(alice, lots=5 * LOTS), tenth(alice, lots=1)) == [
        "placed", "limit_exceeded",
    ]  # fmt: skip


async def test_a_batch_repeated_after_a_lost_connection_is_not_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The first run was committed and its answer lost: its own holds must not count against it."""
    alice, seen = await customer(world, Tier.BASIC), list[list[object]]()

    async def twice(connection: object, poster: object, works: object, limits: object) -> object:
        for _ in range(2):
            seen.append(list(await commit_orders(connection, poster, works, limits)))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr("storage.orders.commit_orders", twice)
    orders = Orders(world.ledger, TradeLimits())
    answers = await answer(orders, *[tenth(alice)] * 6)
    await orders.close()

    assert answers == ["placed"] * 6
    assert len(await world.orders.open_orders(alice, None)) == 6
    assert all(isinstance(each, PlacedOrder) for batch in seen for each in batch)


async def test_every_listed_asset_has_a_price_to_be_valued_by(world: World):
    unpriced = await world.ledger.pool.fetch(
        "SELECT code FROM assets WHERE code IN (SELECT base FROM markets UNION"
        " SELECT quote FROM markets) AND code NOT IN (SELECT asset FROM reference_prices)"
    )

    assert unpriced == []
