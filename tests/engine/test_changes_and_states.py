"""The second half of the table "How things meet": changes of orders, the band, market states."""

import pytest

from engine import commands as c
from engine.rules import Rules
from tests.engine.desk import ALICE, BOB, CAROL, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


# Changes.


def test_an_amendment_keeps_the_place_in_the_queue(desk: Desk):
    desk.sell(1, 100, 5)
    desk.sell(2, 100, 5)
    desk.amend(1, 2)

    assert desk.buy(9, 100, 3)[1:] == [
        "filled maker 1 taker 9: 2 at 100",
        "filled maker 2 taker 9: 1 at 100",
    ]


def test_an_amendment_may_only_shrink(desk: Desk):
    desk.sell(1, 100, 5)

    assert desk.amend(1, 5) == ["refused 1 (not_smaller)"]
    assert desk.amend(1, 6) == ["refused 1 (not_smaller)"]
    assert desk.amend(1, 4) == ["reduced 1: -1 to 4 (by_owner)"]


def test_an_amendment_to_what_was_filled_cancels_the_rest(desk: Desk):
    desk.sell(1, 100, 5)
    desk.buy(2, 100, 3)

    assert desk.amend(1, 3) == ["canceled 1: 2 (by_owner)"]


def test_a_cancel_replace_of_a_gone_order_is_rejected_unless_allowed(desk: Desk):
    strict = desk.replace(1, 2, 100, 5, terms=c.SELL)
    allowed = desk.replace(1, 3, 100, 5, terms=c.SELL, mode=c.ALLOW_FAILURE)

    assert strict == ["refused 1 (unknown_order)", "rejected 2 (cancel_failed)"]
    assert allowed == ["rested 3: 5 at 100"]


def test_cancel_all_ends_one_owners_orders_of_one_side(desk: Desk):
    desk.sell(11, 110, 1, owner=ALICE)
    desk.buy(12, 90, 1, owner=ALICE)
    desk.buy(21, 90, 1, owner=BOB)

    assert desk.cancel_all(ALICE, c.ONLY_BUYS) == ["canceled 12: 1 (by_owner)", "canceled_all 1"]
    assert desk.cancel_all(ALICE) == ["canceled 11: 1 (by_owner)", "canceled_all 1"]
    assert desk.cancel(21, owner=BOB) == ["canceled 21: 1 (by_owner)"]


def test_nobody_changes_an_order_of_somebody_else(desk: Desk):
    desk.sell(11, 110, 5, owner=ALICE)

    assert desk.cancel(11, owner=BOB) == ["refused 11 (unknown_order)"]
    assert desk.amend(11, 1, owner=CAROL) == ["refused 11 (unknown_order)"]


# The band, and states of the market.


def test_the_band_bounds_what_buyers_pay_and_sellers_get_and_nothing_else():
    desk = Desk(Rules(band_bps=1_000))
    desk.trade_at(100)
    desk.later(1)

    assert desk.buy(1, 110, 1) == ["rested 1: 1 at 110"]
    desk.cancel(1)
    assert desk.buy(2, 111, 1) == ["rejected 2 (price_out_of_band)"]
    assert desk.buy(3, 1, 1) == ["rested 3: 1 at 1"]
    assert desk.sell(4, 89, 1) == ["rejected 4 (price_out_of_band)"]
    assert desk.sell(5, 90, 1) == ["rested 5: 1 at 90"]
    assert desk.sell(6, 100_000, 1) == ["rested 6: 1 at 100000"]


def test_a_halted_market_does_nothing_for_customers_and_time_expires_nothing(desk: Desk):
    desk.special(1, c.SELL | c.GTD, 100, 5, expires_us=10)
    desk.state(c.HALTED)

    assert desk.sell(2, 100, 1) == ["rejected 2 (market_halted)"]
    assert desk.cancel(1) == ["refused 1 (market_halted)"]
    assert desk.amend(1, 1) == ["refused 1 (market_halted)"]
    assert desk.later(20) == []
    desk.state(c.TRADING)
    assert desk.later(1) == ["expired 1: 5 (time_passed)"]


def test_a_cancel_only_market_takes_cancels_and_amendments(desk: Desk):
    desk.sell(1, 100, 5)
    desk.state(c.CANCEL_ONLY)

    assert desk.sell(2, 100, 1) == ["rejected 2 (market_cancel_only)"]
    assert desk.amend(1, 3) == ["reduced 1: -2 to 3 (by_owner)"]
    assert desk.cancel(1) == ["canceled 1: 3 (by_owner)"]


def test_a_date_is_kept_to_the_microsecond(desk: Desk):
    desk.special(1, c.SELL | c.GTD, 100, 5, expires_us=10)

    assert desk.later(9) == []
    assert desk.later(1) == ["expired 1: 5 (time_passed)"]
    assert desk.special(2, c.SELL | c.GTD, 100, 5, expires_us=10) == [
        "rejected 2 (already_expired)"
    ]
