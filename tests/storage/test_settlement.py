import asyncio
from dataclasses import replace

import pytest

from domain.market import Side
from engine import commands, events
from ledger.settlement import Poisoned
from storage.orders import OrderStatus
from storage.settlement import NotItsTurn, StaleEpoch
from tests.storage.world import BTC, BTC_USDT, USDT, World, limit

pytestmark = pytest.mark.stack

BUY, SELL = Side.BUY, Side.SELL
LOT = BTC_USDT.lot_units


async def crossed(world: World, price: int = 1000, lots: int = 100):
    """Alice buys what Bob sells: their orders, not settled yet."""
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker = await world.resting(bob, SELL, price, lots)
    taker = await world.resting(alice, BUY, price, lots)
    return alice, bob, maker, taker


async def test_a_trade_settles_whole(world: World):
    alice, bob, maker, taker = await crossed(world)

    settled = await world.settle(
        (events.RESTED, maker, bob, 0, 1000, 100),
        (events.ACCEPTED, taker, alice, 1, 1000, 100),
        await world.filled(maker, taker, 1000, 100),
    )

    assert (settled.trades, settled.entries, settled.replayed) == (1, 1, False)
    assert settled.customers == (alice, bob)
    assert await world.balance(alice, USDT) == (900_000, 0)
    assert await world.balance(alice, BTC) == (100 * LOT - 2_000, 0)
    assert await world.balance(bob, USDT) == (100_000 - 100, 0)
    assert await world.balance(bob, BTC) == (10**8 - 100 * LOT, 0)
    order = await world.orders.find(taker)
    assert order
    assert (order.status, order.filled_lots, order.fee_units) == (OrderStatus.FILLED, 100, 2_000)
    assert order.average_price_units(BTC_USDT) == 1000 * BTC_USDT.tick_units
    [trade] = await world.orders.trades(alice, BTC_USDT.id)
    assert (trade.maker_order_id, trade.taker_order_id, trade.taker_side) == (maker, taker, BUY)
    assert (trade.maker_fee_units, trade.taker_fee_units) == (100, 2_000)
    assert await world.orders.trades(bob, BTC_USDT.id, order_id=maker) == [trade]
    assert (await world.orders.market_trades(BTC_USDT.id))[0] == trade


async def test_partial_fills_at_better_prices(world: World):
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    cheap, dear = await world.resting(bob, SELL, 900, 30), await world.resting(bob, SELL, 950, 30)
    taker = await world.resting(alice, BUY, 1000, 100)

    await world.settle(await world.filled(cheap, taker, 900, 30))
    await world.settle(await world.filled(dear, taker, 950, 30))

    # 60 lots for 55,500; 40 more at 1000 still held.
    assert await world.balance(alice, USDT) == (10**6 - 55_500 - 40_000, 40_000)
    order = await world.orders.find(taker)
    assert order
    assert (order.status, order.open_lots) == (OrderStatus.OPEN, 40)
    assert order.average_price_units(BTC_USDT) == 925 * BTC_USDT.tick_units

    await world.settle((events.CANCELED, taker, alice, 1, 1000, 40, 40, events.BY_OWNER))
    assert await world.balance(alice, USDT) == (10**6 - 55_500, 0)
    order = await world.orders.find(taker)
    assert order
    assert (order.status, order.filled_lots, order.reason) == (
        OrderStatus.CANCELED,
        60,
        events.BY_OWNER,
    )


async def test_ends_and_changes_of_orders(world: World):
    alice = await world.customer(USDT=10**6)
    names = ("expired", "rejected", "shrunk", "waiting", "spent")
    order = {name: await world.resting(alice, BUY, 100, 10) for name in names}

    await world.settle(
        (events.EXPIRED, order["expired"], alice, 1, 100, 10, 0, events.IOC_REMAINDER),
        (events.REJECTED, order["rejected"], alice, 1, events.WOULD_TAKE),
        (events.REDUCED, order["shrunk"], alice, 1, 100, 7, 3, 7, 0),
        (events.WAITING, order["waiting"], alice, 1, 99, 10),
        (events.TRIGGERED, order["waiting"], alice, 1, 99, 98),
        (events.EXPIRED, order["spent"], alice, 1, 100, 10, 0, events.BUDGET_SPENT),
    )

    found = {name: await world.orders.find(number) for name, number in order.items()}
    assert {name: str(o.status) for name, o in found.items() if o} == {
        "expired": "expired",
        "rejected": "rejected",
        "shrunk": "open",
        "waiting": "open",
        "spent": "filled",
    }
    assert found["shrunk"]
    assert found["shrunk"].lots == 3
    assert await world.balance(alice, USDT) == (10**6 - 300 - 1_000, 1_300)


async def test_a_run_settles_once_however_often_it_comes(world: World):
    alice, _, maker, taker = await crossed(world)
    batch = await world.batch(await world.filled(maker, taker, 1000, 100))

    first = await world.settlements.settle(batch)
    again = await world.settlements.settle(batch)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.next_sequence == first.next_sequence
    assert await world.balance(alice, USDT) == (900_000, 0)


async def test_a_run_that_comes_many_times_at_once_settles_once(world: World):
    alice, _, maker, taker = await crossed(world)
    batch = await world.batch(await world.filled(maker, taker, 1000, 100))

    answers = await asyncio.gather(*(world.settlements.settle(batch) for _ in range(5)))

    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 4
    assert await world.balance(alice, USDT) == (900_000, 0)


async def test_a_run_waits_for_the_one_before(world: World):
    alice, _, maker, taker = await crossed(world)
    early = await world.batch(
        (events.ACCEPTED, taker, alice, 1, 1000, 100), await world.filled(maker, taker, 1000, 100)
    )
    [first, second] = [
        event.removeprefix("[").removesuffix("]") for event in early.events.split("], [")
    ]
    middle = early.first_sequence + 1
    head = replace(early, last_sequence=middle - 1, events=f"[[{first.removeprefix('[')}]]")
    tail = replace(early, first_sequence=middle, events=f"[[{second.removesuffix(']')}]]")

    with pytest.raises(NotItsTurn):
        await world.settlements.settle(tail)
    await world.settlements.settle(head)
    settled = await world.settlements.settle(tail)

    assert settled.trades == 1


async def test_of_an_overlapping_run_only_the_new_part_settles(world: World):
    alice, bob, maker, taker = await crossed(world)
    whole = await world.batch(
        (events.RESTED, maker, bob, 0, 1000, 100),
        (events.ACCEPTED, taker, alice, 1, 1000, 100),
        await world.filled(maker, taker, 1000, 100),
    )
    await world.settle((events.RESTED, maker, bob, 0, 1000, 100))

    settled = await world.settlements.settle(whole)

    assert (settled.trades, settled.next_sequence) == (1, whole.last_sequence + 1)


async def test_an_old_engines_run_never_follows_a_new_ones(world: World):
    _, bob, maker, _ = await crossed(world)
    rested = (events.RESTED, maker, bob, 0, 1000, 100)
    await world.settle(rested, epoch=7)

    with pytest.raises(StaleEpoch):
        await world.settle(rested, epoch=6)

    await world.settle(rested, epoch=8)
    async with world.as_owner() as owner:
        await owner.execute("UPDATE settlement_cursors SET epoch = 1")


async def test_a_poisoned_run_changes_nothing_and_can_be_retried(world: World):
    alice, _, maker, taker = await crossed(world)
    good = await world.filled(maker, taker, 1000, 100)
    poisoned = await world.batch(good, (events.ACCEPTED, 5, alice, 1, 1000, 100))
    before = await world.settlements.next_sequence(BTC_USDT.id)

    with pytest.raises(Poisoned, match="no order 5"):
        await world.settlements.settle(poisoned)

    assert await world.settlements.next_sequence(BTC_USDT.id) == before
    assert await world.balance(alice, USDT) == (900_000, 100_000)
    await world.settle(good)
    assert await world.balance(alice, USDT) == (900_000, 0)


@pytest.mark.parametrize(
    "happened",
    [
        (events.PREVENTED, 1, 2, 3, 4, 5, 6),
        (events.STATE_CHANGED, 0, 1, 0),
    ],
)
async def test_events_that_settle_nothing_do_not_belong_in_a_run(world: World, happened):
    with pytest.raises(Poisoned):
        await world.settle(happened)


async def test_events_out_of_order_are_refused(world: World):
    alice, _, _, taker = await crossed(world)
    accepted = (events.ACCEPTED, taker, alice, 1, 1000, 100)
    batch = await world.batch(accepted, accepted)
    backwards = replace(batch, events=str([list(e) for e in reversed(_events(batch))]))

    with pytest.raises(Poisoned, match="out of order"):
        await world.settlements.settle(backwards)


def _events(batch):
    import json

    return json.loads(batch.events)


async def test_a_market_without_a_cursor_is_refused(world: World):
    batch = await world.batch((events.ACCEPTED, 1, 1, 1, 1, 1))

    with pytest.raises(Poisoned, match="no settlement cursor"):
        await world.settlements.settle(replace(batch, market="XYZ-USDT"))


async def test_a_pairs_legs_settle_under_their_one_hold(world: World):
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker = await world.resting(bob, SELL, 90, 10)
    entry, stop = limit(alice, BUY, 90, 10), limit(alice, BUY, 110, 10, trigger=105)
    first, second = await world.orders.place_pair(entry, stop)

    await world.settle(
        (events.RESTED, first.order_id, alice, 1, 90, 10),
        (events.WAITING, second.order_id, alice, 1, 105, 10),
        await world.filled(maker, first.order_id, 90, 10),
        (events.EXPIRED, second.order_id, alice, 1, 110, 10, 0, events.OTHER_LEG),
    )

    assert await world.balance(alice, USDT) == (10**6 - 900, 0)


async def test_traded_volume_is_counted_for_both_sides(world: World):
    alice, bob, maker, taker = await crossed(world)
    await world.settle(await world.filled(maker, taker, 1000, 60))
    await world.settle(await world.filled(maker, taker, 1000, 40))

    rows = await world.ledger.pool.fetch(
        "SELECT customer_id, sum(quote_units) AS units FROM trading_volumes"
        " WHERE customer_id = ANY($1) GROUP BY 1 ORDER BY 1",
        [alice, bob],
    )
    assert [(row[0], int(row[1])) for row in rows] == [(alice, 100_000), (bob, 100_000)]


async def test_a_market_is_halted_and_reopened_once_each_with_its_command(world: World):
    market = BTC_USDT.id
    before = await world.ledger.pool.fetchval("SELECT max(id) FROM order_commands")

    assert [await world.settlements.reopen(market) for _ in range(2)] == [False, False]
    assert [await world.settlements.halt(market) for _ in range(2)] == [True, False]
    assert [await world.settlements.reopen(market) for _ in range(2)] == [True, False]

    rows = await world.ledger.pool.fetch(
        "SELECT id, owner, command FROM order_commands WHERE market = $1 AND owner = 0"
        " AND id > coalesce($2, 0) ORDER BY id",
        market,
        before,
    )
    assert [tuple(row["command"]) for row in rows] == [
        commands.set_state(command_id=row["id"], state=state)
        for row, state in zip(rows, (commands.HALTED, commands.TRADING), strict=True)
    ]
