"""The opening call: orders gather, then all that can trade does at one price."""

import pytest

from engine import commands as c
from tests.engine.desk import ALICE, Desk


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.state(c.AUCTION)
    return desk


def test_orders_gather_without_trading(desk: Desk):
    desk.sell(1, 90, 5)

    assert desk.buy(2, 100, 5) == ["rested 2: 5 at 100"]
    assert desk.book.best_bid.price > desk.book.best_ask.price


@pytest.mark.parametrize("terms", [c.IOC, c.FOK, c.MARKET])
def test_orders_that_must_trade_at_once_are_rejected(desk: Desk, terms: int):
    assert desk.buy(2, 100, 5, terms=terms) == ["rejected 2 (not_in_auction)"]


def test_everybody_trades_at_one_price_in_price_time_order(desk: Desk):
    desk.sell(1, 90, 5)
    desk.sell(2, 95, 5)
    desk.buy(3, 100, 4)
    desk.buy(4, 97, 3)

    said = desk.state(c.TRADING)

    assert said == [
        "state 3 to 0",
        "filled maker 1 taker 3: 4 at 95",
        "filled maker 1 taker 4: 1 at 95",
        "filled maker 2 taker 4: 2 at 95",
        "uncrossed 7 at 95",
    ]


@pytest.mark.parametrize(
    ("bids", "asks", "price", "lots"),
    [
        ([(100, 10)], [(90, 10)], 95, 10),  # Balanced, no last price: the middle.
        ([(100, 10)], [(90, 5)], 100, 5),  # Buyers left over: the highest.
        ([(100, 5)], [(90, 10)], 90, 5),  # Sellers left over: the lowest.
        ([(100, 5), (95, 5)], [(90, 5), (95, 5)], 95, 10),  # Most lots win.
        ([(100, 7), (98, 1)], [(97, 3), (99, 5)], 99, 7),
    ],
)
def test_the_clearing_price_trades_most_then_leaves_least(desk: Desk, bids, asks, price, lots):
    for number, (at, size) in enumerate(bids):
        desk.buy(100 + number, at, size)
    for number, (at, size) in enumerate(asks):
        desk.sell(200 + number, at, size)

    said = desk.state(c.TRADING)

    assert said[-1] == f"uncrossed {lots} at {price}"
    assert all(event.endswith(f"at {price}") for event in said[1:-1])


def test_an_iceberg_trades_with_its_hidden_lots(desk: Desk):
    desk.special(1, c.SELL, 90, 9, display_lots=2)
    desk.buy(2, 90, 9)

    assert desk.state(c.TRADING)[-1] == "uncrossed 9 at 90"


def test_own_orders_that_meet_shrink_by_the_smaller(desk: Desk):
    desk.sell(11, 90, 5, owner=ALICE)
    desk.buy(12, 100, 3, owner=ALICE)
    desk.buy(3, 90, 2)

    said = desk.state(c.TRADING)

    assert said[1:4] == [
        "prevented 12 with 11: 3",
        "expired 12: 3 (self_trade)",
        "reduced 11: -3 to 2 (self_trade)",
    ]
    assert "filled maker 11 taker 3: 2 at 90" in said


def test_an_uncrossed_book_opens_quietly(desk: Desk):
    desk.sell(1, 100, 5)
    desk.buy(2, 90, 5)

    assert desk.state(c.TRADING) == ["state 3 to 0"]


def test_the_clearing_price_sets_off_stops():
    desk = Desk()
    desk.trade_at(100)
    desk.special(5, c.BUY, 200, 1, trigger_kind=c.STOP, trigger=110)
    desk.state(c.AUCTION)
    desk.sell(1, 120, 5)
    desk.buy(2, 120, 4)

    said = desk.state(c.TRADING)

    assert said[-3:] == ["triggered 5", "accepted 5", "filled maker 1 taker 5: 1 at 120"]
