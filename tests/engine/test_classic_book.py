"""What exchange-core's published order-book scenarios ask of a book, as tests of ours.

One standing book: asks 50 @ 1010 in two orders, 20 @ 1020, 300 @ 1100 in two orders; bids 40 @ 990,
30 @ 980 in two orders, 500 @ 900. Each scenario does one thing to it and looks at all levels.
"""

import pytest

from engine import commands as c
from engine.order import is_vacant, queue
from tests.engine.desk import ALICE, BOB, Desk

ASKS = {1010: [30, 20], 1020: [20], 1100: [100, 200]}
BIDS = {990: [40], 980: [10, 20], 900: [500]}


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    number = 100
    for price, sizes in ASKS.items():
        for lots in sizes:
            desk.sell(number, price, lots)
            number += 1
    number = 200
    for price, sizes in BIDS.items():
        for lots in sizes:
            desk.buy(number, price, lots)
            number += 1
    return desk


def asks(desk: Desk) -> dict[int, list[int]]:
    return {
        price: [o.lots for o in queue(level)]
        for price, level in sorted(desk.book.asks.items())
        if not is_vacant(level)
    }


def bids(desk: Desk) -> dict[int, list[int]]:
    return {
        price: [o.lots for o in queue(level)]
        for price, level in sorted(desk.book.bids.items(), reverse=True)
        if not is_vacant(level)
    }


def test_a_new_book_is_empty():
    assert asks(Desk()) == bids(Desk()) == {}


def test_resting_orders_stand_by_price_and_time(desk: Desk):
    assert asks(desk) == ASKS
    assert bids(desk) == BIDS


def test_an_order_id_that_is_open_is_not_taken_again(desk: Desk):
    assert desk.sell(100, 1200, 1) == ["rejected 100 (duplicate_order)"]
    assert asks(desk) == ASKS


def test_removing_an_order_leaves_the_rest_of_its_level(desk: Desk):
    assert desk.cancel(201) == ["canceled 201: 10 (by_owner)"]
    assert bids(desk) == BIDS | {980: [20]}


def test_removing_the_last_order_removes_the_level(desk: Desk):
    desk.cancel(102)
    assert list(asks(desk)) == [1010, 1100]


def test_removing_the_best_level_uncovers_the_next(desk: Desk):
    desk.cancel(200)
    assert desk.sell(1, 980, 15)[1:] == [
        "filled maker 201 taker 1: 10 at 980",
        "filled maker 202 taker 1: 5 at 980",
    ]


def test_reducing_an_order_keeps_its_place(desk: Desk):
    desk.amend(100, 5)
    assert asks(desk)[1010] == [5, 20]


def test_unknown_orders_cannot_be_removed_moved_or_reduced(desk: Desk):
    assert desk.cancel(5_291) == ["refused 5291 (unknown_order)"]
    assert desk.amend(5_291, 1) == ["refused 5291 (unknown_order)"]
    assert desk.replace(5_291, 5_292, 1, 1, terms=c.BUY) == [
        "refused 5291 (unknown_order)",
        "rejected 5292 (cancel_failed)",
    ]


def test_orders_of_another_owner_cannot_be_removed(desk: Desk):
    assert desk.cancel(100, owner=BOB) == ["refused 100 (unknown_order)"]
    assert asks(desk) == ASKS


def test_a_moved_order_joins_the_end_of_an_existing_level(desk: Desk):
    desk.replace(102, 1, 1010, 20, terms=c.SELL)
    assert asks(desk) == {1010: [30, 20, 20], 1100: [100, 200]}


def test_a_moved_order_may_open_a_new_level(desk: Desk):
    desk.replace(200, 1, 985, 40, terms=c.BUY)
    assert bids(desk) == {985: [40], 980: [10, 20], 900: [500]}


def test_a_moved_order_that_is_marketable_trades(desk: Desk):
    said = desk.replace(200, 1, 1010, 40, terms=c.BUY)
    assert said == [
        "canceled 200: 40 (replaced)",
        "accepted 1",
        "filled maker 100 taker 1: 30 at 1010",
        "filled maker 101 taker 1: 10 at 1010",
    ]
    assert asks(desk)[1010] == [10]


@pytest.mark.parametrize(
    ("lots", "left"),
    [
        (10, {1010: [20, 20], 1020: [20]}),  # Part of the best order.
        (30, {1010: [20], 1020: [20]}),  # All of it.
        (50, {1020: [20]}),  # The whole best level.
        (60, {1020: [10]}),  # And part of the next.
        (70, {}),  # Both.
    ],
)
def test_an_immediate_order_takes_price_by_price_oldest_first(desk: Desk, lots: int, left):
    said = desk.buy(1, 1_050, lots, terms=c.IOC)

    assert "expired" not in said[-1]
    assert asks(desk) == left | {1100: [100, 200]}


def test_an_immediate_order_drops_what_it_cannot_fill(desk: Desk):
    assert desk.buy(1, 1_050, 100, terms=c.IOC)[-1] == "expired 1: 30 (ioc_remainder)"
    assert asks(desk) == {1100: [100, 200]}
    assert bids(desk) == BIDS


def test_an_immediate_order_takes_the_whole_side_and_no_more(desk: Desk):
    assert desk.buy(1, 5_000, 371, terms=c.IOC)[-1] == "expired 1: 1 (ioc_remainder)"
    assert asks(desk) == {}


def test_fill_or_kill_at_a_limit_fills_whole_or_not_at_all(desk: Desk):
    assert desk.buy(1, 1_020, 71, terms=c.FOK) == ["accepted 1", "expired 1: 71 (fok_unfilled)"]
    assert asks(desk) == ASKS
    assert "expired" not in desk.buy(2, 1_020, 70, terms=c.FOK)[-1]
    assert asks(desk) == {1100: [100, 200]}


def test_a_budget_that_pays_exactly_fills_exactly(desk: Desk):
    budget = 50 * 1010 + 20 * 1020 + 30 * 1100
    said = desk.special(1, c.BUY | c.MARKET, 5_000, 100, budget=budget)

    assert [event for event in said if "expired" in event] == []
    assert asks(desk) == {1100: [70, 200]}


def test_a_budget_one_short_leaves_one_lot(desk: Desk):
    budget = 50 * 1010 + 20 * 1020 + 30 * 1100 - 1
    desk.special(1, c.BUY | c.MARKET, 5_000, 100, budget=budget)

    assert asks(desk) == {1100: [71, 200]}


def test_a_marketable_order_that_fills_whole_never_rests(desk: Desk):
    desk.sell(1, 990, 1)
    assert (asks(desk), bids(desk)) == (ASKS, BIDS | {990: [39]})


def test_a_marketable_order_rests_with_what_is_left(desk: Desk):
    assert desk.sell(1, 990, 41)[-1] == "rested 1: 1 at 990"
    assert asks(desk) == {990: [1]} | ASKS
    assert 990 not in bids(desk)


def test_a_marketable_order_crosses_two_prices_and_rests_at_its_own(desk: Desk):
    said = desk.buy(1, 1_020, 71)
    assert [event for event in said if event.startswith("filled")] == [
        "filled maker 100 taker 1: 30 at 1010",
        "filled maker 101 taker 1: 20 at 1010",
        "filled maker 102 taker 1: 20 at 1020",
    ]
    assert bids(desk) == {1020: [1]} | BIDS


def test_an_owner_may_have_orders_on_both_sides(desk: Desk):
    desk.buy(11, 985, 1, owner=ALICE)
    desk.sell(12, 1015, 1, owner=ALICE)
    assert (985 in bids(desk), 1015 in asks(desk)) == (True, True)
