import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import (
    IdempotencyBodyDiffers,
    InsufficientAvailable,
    UnknownOrder,
    WrongState,
)
from domain.ids import ClientOrderId, OrderId
from domain.market import Side
from engine import commands, events
from ledger.fees import FeeRates
from storage.orders import OrderStatus, PlacedOrder
from storage.pool import LedgerConnection
from tests.storage.world import BTC, BTC_USDT, USDT, World, limit, unique

pytestmark = pytest.mark.stack

BUY, SELL = Side.BUY, Side.SELL
NOW = timedelta(0)


async def unsent(world: World) -> dict[int, tuple[int, ...]]:
    return {c.command_id: c.command for c in await world.orders.unsent(10_000, older_than=NOW)}


async def test_a_placed_order_is_held_stored_and_queued(world: World):
    alice = await world.customer(USDT=100_000)

    placed = await world.place(limit(alice, BUY, 1000, 70, fees=FeeRates(5, 6), options={"a": 1}))

    assert await world.balance(alice, USDT) == (30_000, 70_000)
    order = await world.orders.find(placed.order_id)
    assert order
    assert (order.status, order.price_ticks, order.lots) == (OrderStatus.PLACED, 1000, 70)
    assert (order.maker_fee_ppm, order.taker_fee_ppm, order.options) == (5, 6, {"a": 1})
    assert (order.open_lots, order.average_price_units(BTC_USDT)) == (70, None)
    assert placed.command == commands.place(
        command_id=placed.command_id,
        owner=alice,
        order_id=placed.order_id,
        terms=commands.BUY,
        price=1000,
        lots=70,
    )
    assert (await unsent(world))[placed.command_id] == placed.command


async def test_a_sell_holds_the_base_asset(world: World):
    alice = await world.customer(BTC=10**6)

    await world.place(limit(alice, SELL, 1000, 100))

    assert await world.balance(alice, BTC) == (0, 10**6)


async def test_an_order_that_cannot_be_held_leaves_nothing(world: World):
    alice = await world.customer(USDT=99)
    before = await unsent(world)

    [refused] = await world.orders.place([limit(alice, BUY, 10, 10)])

    assert isinstance(refused, InsufficientAvailable)
    assert await world.orders.history(alice) == []
    assert await unsent(world) == before


async def test_each_order_of_a_call_stands_alone(world: World):
    alice = await world.customer(USDT=250)

    answers = await world.orders.place([limit(alice, BUY, 10, 10) for _ in range(4)])

    assert [isinstance(answer, PlacedOrder) for answer in answers] == [True, True, False, False]
    assert await world.balance(alice, USDT) == (50, 200)


async def test_a_market_buy_holds_its_budget(world: World):
    alice = await world.customer(USDT=500)

    placed = await world.place(
        limit(alice, BUY, 10**6, 10**9, kind="market", terms=commands.MARKET, budget=400)
    )

    assert await world.balance(alice, USDT) == (100, 400)
    assert placed.command[0] == commands.PLACE_SPECIAL
    assert placed.command[10] == 400


async def test_special_orders_reach_the_engine_whole(world: World):
    alice = await world.customer(BTC=10**8)

    placed = await world.place(
        limit(
            alice,
            SELL,
            900,
            50,
            kind="stop_limit",
            terms=commands.GTD,
            trigger_kind=commands.STOP,
            trigger=950,
            display_lots=5,
            expires_us=7,
        )
    )

    assert placed.command == (
        commands.PLACE_SPECIAL, placed.command_id, alice, placed.order_id,
        commands.SELL | commands.GTD, 900, 50, commands.STOP, 950, 5, 0, 7,
    )  # fmt: skip
    order = await world.orders.find(placed.order_id)
    assert order
    assert (order.trigger_kind, order.trigger, order.display_lots) == (commands.STOP, 950, 5)


async def test_the_same_client_order_id_is_the_same_order(world: World):
    alice = await world.customer(USDT=1000)
    order = limit(alice, BUY, 10, 10, client_order_id=ClientOrderId(unique("c")))

    first, second = await world.place(order), await world.place(order)

    assert (first.replayed, second.replayed) == (False, True)
    assert (second.order_id, second.command_id) == (first.order_id, first.command_id)
    assert await world.balance(alice, USDT) == (900, 100)


async def test_a_client_order_id_belongs_to_one_customer(world: World):
    alice, bob = await world.customer(USDT=100), await world.customer(USDT=100)
    name = ClientOrderId(unique("c"))

    first = await world.place(limit(alice, BUY, 10, 10, client_order_id=name))
    second = await world.place(limit(bob, BUY, 10, 10, client_order_id=name))

    assert first.order_id != second.order_id
    found = await world.orders.find_by_client_id(bob, name)
    assert found
    assert found.id == second.order_id


@pytest.mark.parametrize("changes", [{"trigger": 11}, {"budget": 9}, {"kind": "other"}])
async def test_the_same_client_order_id_with_another_order_is_refused(world: World, changes):
    alice = await world.customer(USDT=1000)
    name = ClientOrderId(unique("c"))
    await world.place(limit(alice, BUY, 10, 10, client_order_id=name))

    with pytest.raises(IdempotencyBodyDiffers):
        await world.place(limit(alice, BUY, 10, 10, client_order_id=name, **changes))


async def test_a_repeated_market_order_may_come_with_another_worst_price(world: World):
    alice = await world.customer(USDT=1000)
    name = ClientOrderId(unique("c"))
    order = limit(alice, BUY, 10, 10, client_order_id=name, terms=commands.MARKET)
    first = await world.place(order)

    again = limit(alice, BUY, 12, 10, client_order_id=name, terms=commands.MARKET)

    assert (await world.place(again)).order_id == first.order_id


async def test_many_of_the_same_client_order_id_at_once_make_one_order(world: World):
    alice = await world.customer(USDT=10_000)
    order = limit(alice, BUY, 10, 10, client_order_id=ClientOrderId(unique("c")))

    answers = await asyncio.gather(*(world.place(order) for _ in range(20)), return_exceptions=True)

    placed = [answer for answer in answers if isinstance(answer, PlacedOrder)]
    assert len({answer.order_id for answer in placed}) == 1
    assert [type(answer) for answer in answers if answer not in placed] == [WrongState] * (
        20 - len(placed)
    )
    assert await world.balance(alice, USDT) == (9_900, 100)


async def test_a_cancel_is_queued_for_an_open_order_of_its_owner(world: World):
    alice, bob = await world.customer(USDT=1000), await world.customer()
    placed = await world.place(limit(alice, BUY, 10, 10))
    await world.orders.mark_sent([placed.command_id])

    queued = await world.orders.request_cancel(alice, placed.order_id)

    assert queued.command == (commands.CANCEL, queued.command_id, alice, placed.order_id)
    assert not queued.relayed
    assert queued.command_id in await unsent(world)
    with pytest.raises(UnknownOrder):
        await world.orders.request_cancel(bob, placed.order_id)
    with pytest.raises(UnknownOrder):
        await world.orders.request_cancel(alice, OrderId(1))


async def test_a_cancel_never_overtakes_its_order(world: World):
    alice = await world.customer(USDT=1000)
    placed = await world.place(limit(alice, BUY, 10, 10))

    queued = await world.orders.request_cancel(alice, placed.order_id)

    assert queued.relayed
    mine = [c for c in await unsent(world) if c in (placed.command_id, queued.command_id)]
    assert mine == [placed.command_id, queued.command_id]


async def test_nothing_is_asked_of_an_order_that_ended(world: World):
    alice = await world.customer(USDT=1000)
    order = await world.resting(alice, BUY, 10, 10)
    await world.settle((events.CANCELED, order, alice, 1, 10, 10, 10, events.BY_OWNER))

    with pytest.raises(WrongState):
        await world.orders.request_cancel(alice, order)
    with pytest.raises(WrongState):
        await world.orders.request_amend(alice, order, total_lots=5)


async def test_commands_about_many_orders(world: World):
    alice = await world.customer(USDT=1000)
    order = await world.resting(alice, BUY, 10, 10)

    amend = await world.orders.request_amend(alice, order, total_lots=5)
    cancel_all = await world.orders.request_cancel_all(alice, BTC_USDT.id, BUY)
    halt = await world.orders.request_state(BTC_USDT.id, commands.HALTED)

    queued = await unsent(world)
    assert queued[amend.command_id] == (commands.AMEND, amend.command_id, alice, order, 5)
    assert queued[cancel_all.command_id][3] == commands.ONLY_BUYS
    assert queued[halt.command_id] == (commands.SET_STATE, halt.command_id, 0, commands.HALTED)


async def test_what_was_sent_is_not_sent_again(world: World):
    alice = await world.customer(USDT=1000)
    placed = await world.place(limit(alice, BUY, 10, 10))

    await world.orders.mark_sent([placed.command_id])

    assert placed.command_id not in await unsent(world)


async def test_what_was_just_written_is_left_to_its_writer(world: World):
    alice = await world.customer(USDT=1000)
    placed = await world.place(limit(alice, BUY, 10, 10))

    waiting = await world.orders.unsent(10_000, older_than=timedelta(hours=1))

    assert placed.command_id not in [command.command_id for command in waiting]


async def test_a_pair_stands_under_one_hold(world: World):
    alice = await world.customer(USDT=10_000)
    entry = limit(alice, BUY, 90, 10)
    stop = limit(alice, BUY, 110, 10, kind="stop_limit", trigger_kind=commands.STOP, trigger=105)

    first, second = await world.orders.place_pair(entry, stop)

    assert await world.balance(alice, USDT) == (10_000 - 1_100, 1_100)
    assert first.command == second.command == commands.oco(
        command_id=first.command_id, owner=alice, limit_order_id=first.order_id,
        stop_order_id=second.order_id, limit_terms=commands.BUY, limit_price=90, lots=10,
        stop_terms=commands.BUY, trigger=105, stop_price=110,
    )  # fmt: skip
    leg = await world.orders.find(second.order_id)
    assert leg
    assert leg.hold_order_id == first.order_id


async def test_a_replacing_order_has_a_hold_of_its_own(world: World):
    alice = await world.customer(USDT=1000)
    old = await world.resting(alice, BUY, 10, 10)

    new = await world.orders.replace(old, limit(alice, BUY, 11, 10))

    assert new.command[:5] == (commands.REPLACE, new.command_id, alice, old, 0)
    assert await world.balance(alice, USDT) == (1000 - 210, 210)


async def test_orders_are_listed_newest_first_and_open_ones_oldest_first(world: World):
    alice = await world.customer(USDT=1000)
    first, second, third = [await world.resting(alice, BUY, 10, 10) for _ in range(3)]
    await world.settle((events.CANCELED, second, alice, 1, 10, 10, 10, events.BY_OWNER))

    assert [order.id for order in await world.orders.open_orders(alice)] == [first, third]
    history = await world.orders.history(alice, BTC_USDT.id)
    assert [order.id for order in history] == [third, second, first]
    page = await world.orders.history(alice, before=third, limit=1)
    assert [order.id for order in page] == [second]


@pytest.mark.parametrize("few", [0, 8], ids=["by copy", "in one statement"])
async def test_rows_are_the_same_however_many_are_written(
    world: World, monkeypatch: pytest.MonkeyPatch, few: int
):
    """Small batches go in one statement, large ones by COPY."""
    monkeypatch.setattr("storage.row_writing.FEW", few)
    copied = []
    copy = LedgerConnection.copy_records_to_table

    def recorded(self: LedgerConnection, table: str, **rest: Any) -> Any:
        copied.append(table)
        return copy(self, table, **rest)

    monkeypatch.setattr(LedgerConnection, "copy_records_to_table", recorded)
    alice = await world.customer(USDT=10**30, BTC=10**8)
    copied.clear()

    placed = await world.place(
        limit(
            alice, BUY, 2**40, 10**6, kind='it"s, {odd}', client_order_id=ClientOrderId("ä\\'1"),
            fees=FeeRates(5, 6), options={"a": None, "b": ["\\", {"c": 1}]}, display_lots=7,
            expires_us=9, terms=commands.GTD | commands.POST_ONLY,
        )
    )  # fmt: skip

    order = await world.orders.find(placed.order_id)
    assert order
    assert (order.kind, order.client_order_id) == ('it"s, {odd}', "ä\\'1")
    assert (order.price_ticks, order.lots, order.display_lots) == (2**40, 10**6, 7)
    assert order.options == {"a": None, "b": ["\\", {"c": 1}]}
    assert (order.status, order.last_sequence, order.closed_at) == (OrderStatus.PLACED, 0, None)
    assert order.placed_at == order.updated_at == placed.placed_at
    assert (await unsent(world))[placed.command_id] == placed.command
    assert await world.balance(alice, USDT) == (10**30 - 2**40 * 10**6, 2**40 * 10**6)
    await world.assert_conserved()
    assert bool(copied) == (few == 0)
