"""The table "How things meet" of docs/engine.md, row by row; each answer is the reference's too."""

import pytest

from engine import commands as c
from engine.rules import Rules
from tests.engine.desk import ALICE, Desk

MODES = (c.CANCEL_MAKER, c.CANCEL_TAKER, c.CANCEL_BOTH, c.DECREMENT)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# Self-trade prevention.


@pytest.mark.parametrize(
    ("mode", "then"),
    [
        (c.CANCEL_MAKER, ["expired 11: 5 (self_trade)", "filled maker 2 taker 12: 3 at 101"]),
        (c.CANCEL_TAKER, ["expired 12: 8 (self_trade)"]),
        (c.CANCEL_BOTH, ["expired 11: 5 (self_trade)", "expired 12: 8 (self_trade)"]),
        (c.DECREMENT, ["expired 11: 5 (self_trade)", "reduced 12: -5 to 3 (self_trade)",
                       "filled maker 2 taker 12: 3 at 101"]),
    ],
)  # fmt: skip
def test_the_takers_mode_decides_when_an_owner_meets_himself(desk: Desk, mode: int, then):
    desk.sell(11, 100, 5, owner=ALICE, terms=c.CANCEL_TAKER)  # The resting order's mode is moot.
    desk.sell(2, 101, 3)

    said = desk.buy(12, 101, 8, owner=ALICE, terms=mode)

    prevented = "prevented 12 with 11: 5"
    assert [*said[:2], *said[2 : 2 + len(then)]] == ["accepted 12", prevented, *then]
    rest = {c.CANCEL_MAKER: ["rested 12: 5 at 101"]}.get(mode, [])
    assert said[2 + len(then) :] == rest


def test_decrement_counts_all_of_an_iceberg_and_shrinks_its_hidden_lots_first(desk: Desk):
    desk.special(11, c.SELL, 100, 20, owner=ALICE, display_lots=5)

    said = desk.buy(12, 100, 12, owner=ALICE, terms=c.DECREMENT)

    assert said == [
        "accepted 12",
        "prevented 12 with 11: 12",
        "reduced 11: -12 to 8 (self_trade)",
        "expired 12: 12 (self_trade)",
    ]
    assert desk.buy(3, 100, 8)[1:] == [
        "filled maker 11 taker 3: 5 at 100",
        "rested 11: 3 at 100",
        "filled maker 11 taker 3: 3 at 100",
    ]


def test_cancel_maker_expires_an_iceberg_whole(desk: Desk):
    desk.special(11, c.SELL, 100, 20, owner=ALICE, display_lots=5)

    said = desk.buy(12, 100, 1, owner=ALICE)

    assert said[2:] == ["expired 11: 20 (self_trade)", "rested 12: 1 at 100"]


def test_cancel_maker_takes_an_oco_sibling_along(desk: Desk):
    desk.trade_at(100)
    desk.pair(ALICE, side=c.SELL, lots=5, limit=110, trigger=90, stop=80)

    said = desk.buy(13, 110, 1, owner=ALICE)

    assert said == [
        "accepted 13",
        "prevented 13 with 11: 1",
        "expired 11: 5 (self_trade)",
        "expired 12: 5 (other_leg)",
        "rested 13: 1 at 110",
    ]


# Fill or kill.


def test_own_resting_orders_count_for_nothing_in_a_fill_or_kill(desk: Desk):
    desk.sell(11, 100, 5, owner=ALICE)
    desk.sell(2, 101, 5)

    assert desk.buy(12, 101, 6, owner=ALICE, terms=c.FOK)[1:] == ["expired 12: 6 (fok_unfilled)"]
    assert desk.buy(13, 101, 5, owner=ALICE, terms=c.FOK)[1:] == [
        "prevented 13 with 11: 5",
        "expired 11: 5 (self_trade)",
        "filled maker 2 taker 13: 5 at 101",
    ]


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_fill_or_kill_that_would_meet_its_owner_touches_nothing(desk: Desk, mode: int):
    desk.sell(2, 100, 5)
    desk.sell(11, 100, 1, owner=ALICE)
    desk.sell(3, 100, 5)

    said = desk.buy(12, 100, 10, owner=ALICE, terms=c.FOK | mode)

    assert said == ["accepted 12", "expired 12: 10 (fok_unfilled)"]
    assert desk.buy(13, 100, 5, owner=ALICE, terms=c.FOK | mode)[1:] == [
        "filled maker 2 taker 13: 5 at 100"
    ]


def test_a_fill_or_kill_sees_the_hidden_part_of_icebergs(desk: Desk):
    desk.special(1, c.SELL, 100, 20, display_lots=5)

    assert desk.buy(2, 100, 21, terms=c.FOK)[1:] == ["expired 2: 21 (fok_unfilled)"]
    assert len([e for e in desk.buy(3, 100, 20, terms=c.FOK) if e.startswith("filled")]) == 4


# Bounds of one command's work.


def test_a_fill_or_kill_of_too_many_trades_expires_whole():
    desk = Desk(Rules(fills_max=2))
    for order_id in (1, 2, 3):
        desk.sell(order_id, 100, 1)

    assert desk.buy(9, 100, 3, terms=c.FOK)[1:] == ["expired 9: 3 (fok_unfilled)"]
    assert len(desk.buy(10, 100, 2, terms=c.FOK)) == 3


def test_a_taker_of_too_many_trades_expires_in_part_also_when_it_could_rest():
    desk = Desk(Rules(fills_max=2))
    for order_id in (1, 2, 3):
        desk.sell(order_id, 100, 1)

    assert desk.buy(9, 100, 3)[1:] == [
        "filled maker 1 taker 9: 1 at 100",
        "filled maker 2 taker 9: 1 at 100",
        "expired 9: 1 (fills_max)",
    ]


def test_a_cascade_of_stops_lets_in_only_so_many_at_once():
    desk = Desk(Rules(cascade_max=2))
    desk.trade_at(100)
    for order_id in (1, 2, 3, 4, 5):
        desk.special(order_id, c.BUY, 200, 1, trigger_kind=c.STOP, trigger=105 + order_id // 3)

    desk.sell(90, 110, 1)
    said = desk.buy(91, 110, 1)

    assert [e for e in said if e.startswith("triggered")] == ["triggered 1", "triggered 2"]
    assert [e for e in desk.later(1) if e.startswith("triggered")] == ["triggered 3", "triggered 4"]
    assert [e for e in desk.later(1) if e.startswith("triggered")] == ["triggered 5"]
    assert desk.later(1) == []


def test_a_stop_that_trades_sets_off_the_next(desk: Desk):
    desk.trade_at(100)
    for step in range(4):
        desk.special(
            10 + step, c.BUY | c.MARKET, 200, 1, trigger_kind=c.STOP, trigger=110 + 10 * step
        )
        desk.sell(20 + step, 120 + 10 * step, 1)

    desk.sell(30, 110, 1)
    said = desk.buy(31, 110, 1)

    fills = [event for event in said if event.startswith("filled")]
    assert fills == ["filled maker 30 taker 31: 1 at 110"] + [
        f"filled maker {20 + step} taker {10 + step}: 1 at {120 + 10 * step}" for step in range(4)
    ]


# Post-only.


def test_post_only_is_rejected_rather_than_taking(desk: Desk):
    desk.sell(1, 100, 1)

    assert desk.buy(2, 100, 1, terms=c.POST_ONLY) == ["rejected 2 (would_take)"]
    assert desk.buy(3, 99, 1, terms=c.POST_ONLY) == ["rested 3: 1 at 99"]


def test_a_triggered_post_only_order_that_would_take_expires(desk: Desk):
    desk.trade_at(100)
    desk.special(1, c.BUY | c.POST_ONLY, 120, 1, trigger_kind=c.STOP, trigger=110)
    desk.sell(2, 110, 2)

    said = desk.buy(3, 110, 1)

    assert said[-2:] == ["triggered 1", "expired 1: 1 (would_take)"]


# Icebergs.


def test_an_icebergs_next_part_joins_the_end_of_the_queue(desk: Desk):
    desk.special(1, c.SELL, 100, 7, display_lots=3)
    desk.sell(2, 100, 1)

    assert desk.buy(9, 100, 8)[1:] == [
        "filled maker 1 taker 9: 3 at 100",
        "rested 1: 3 at 100",
        "filled maker 2 taker 9: 1 at 100",
        "filled maker 1 taker 9: 3 at 100",
        "rested 1: 1 at 100",
        "filled maker 1 taker 9: 1 at 100",
    ]


# One cancels the other.


@pytest.fixture
def paired(desk: Desk) -> Desk:
    desk.trade_at(100)
    said = desk.pair(ALICE, side=c.SELL, lots=5, limit=110, trigger=90, stop=80)
    assert said == ["rested 11: 5 at 110", "waiting 12"]
    return desk


def test_the_limit_legs_first_fill_expires_the_stop_and_the_rest_goes_on(paired: Desk):
    assert paired.buy(2, 110, 2)[1:] == [
        "filled maker 11 taker 2: 2 at 110",
        "expired 12: 5 (other_leg)",
    ]
    assert paired.buy(3, 110, 3)[1:] == ["filled maker 11 taker 3: 3 at 110"]


def test_the_stop_legs_trigger_expires_the_limit_before_it_enters(paired: Desk):
    paired.buy(2, 90, 9)
    said = paired.sell(3, 90, 1)

    assert said[1:] == [
        "filled maker 2 taker 3: 1 at 90",
        "triggered 12",
        "expired 11: 5 (other_leg)",
        "accepted 12",
        "filled maker 2 taker 12: 5 at 90",
    ]


def test_canceling_one_leg_cancels_the_other(paired: Desk):
    assert paired.cancel(12, owner=ALICE) == [
        "canceled 12: 5 (by_owner)",
        "canceled 11: 5 (other_leg)",
    ]


def test_amending_one_leg_shrinks_the_other(paired: Desk):
    assert paired.amend(11, 3, owner=ALICE) == [
        "reduced 11: -2 to 3 (by_owner)",
        "reduced 12: -2 to 3 (other_leg)",
    ]


def test_a_pair_is_placed_whole_or_not_at_all(desk: Desk):
    desk.trade_at(100)

    said = desk.pair(ALICE, side=c.SELL, lots=5, limit=110, trigger=100, stop=80)

    assert said == ["rejected 11 (would_trigger)", "rejected 12 (would_trigger)"]


# Triggers.


@pytest.mark.parametrize(
    ("kind", "terms", "met", "waits"),
    [
        (c.STOP, c.BUY, 100, 101),
        (c.STOP, c.SELL, 100, 99),
        (c.TAKE_PROFIT, c.BUY, 100, 99),
        (c.TAKE_PROFIT, c.SELL, 100, 101),
    ],
)
def test_a_trigger_that_is_met_already_is_rejected(desk: Desk, kind, terms, met, waits):
    desk.trade_at(100)

    refused = desk.special(1, terms, 100, 1, trigger_kind=kind, trigger=met)
    placed = desk.special(2, terms, 100, 1, trigger_kind=kind, trigger=waits)

    assert refused == ["rejected 1 (would_trigger)"]
    assert placed == ["waiting 2"]


def test_nearest_triggers_wake_first_and_at_one_trigger_the_oldest(desk: Desk):
    desk.trade_at(100)
    for order_id, trigger in ((1, 120), (2, 110), (3, 110)):
        desk.special(order_id, c.BUY, 105, 1, trigger_kind=c.STOP, trigger=trigger)

    desk.sell(8, 130, 1)
    said = desk.buy(9, 130, 1)

    assert [e for e in said if e.startswith("triggered")] == [
        "triggered 2",
        "triggered 3",
        "triggered 1",
    ]


def test_a_trailing_stop_needs_a_price_to_follow(desk: Desk):
    said = desk.special(1, c.SELL, 1, 1, trigger_kind=c.TRAIL_TICKS, trigger=10)

    assert said == ["rejected 1 (no_last_price)"]


def test_a_trailing_stop_follows_the_best_price_and_never_back(desk: Desk):
    desk.trade_at(100)
    desk.special(1, c.SELL | c.MARKET, 1, 1, trigger_kind=c.TRAIL_TICKS, trigger=10)
    desk.trade_at(150)
    desk.trade_at(141)
    desk.buy(2, 140, 5)

    said = desk.sell(3, 140, 1)

    assert said[-3:] == ["triggered 1", "accepted 1", "filled maker 2 taker 1: 1 at 140"]


# Market orders.


def test_a_market_order_stops_at_the_nearer_of_its_price_and_the_protection_band():
    desk = Desk(Rules(protection_bps=1_000))
    for order_id, price in ((1, 100), (2, 110), (3, 111)):
        desk.sell(order_id, price, 1)

    said = desk.buy(9, 200, 3, terms=c.MARKET)

    assert said[-1] == "expired 9: 1 (market_remainder)"
    assert desk.buy(10, 105, 1, terms=c.MARKET)[-1] == "expired 10: 1 (market_remainder)"


def test_a_market_order_spends_its_budget_and_not_a_tick_lot_more(desk: Desk):
    desk.sell(1, 100, 5)
    desk.sell(2, 150, 5)

    assert desk.special(9, c.BUY | c.MARKET, 200, 1_000, budget=700)[1:] == [
        "filled maker 1 taker 9: 5 at 100",
        "filled maker 2 taker 9: 1 at 150",
    ]


def test_a_budget_ends_before_a_level_it_cannot_pay_a_lot_of(desk: Desk):
    desk.sell(1, 100, 5)
    desk.sell(2, 150, 5)

    assert desk.special(9, c.BUY | c.MARKET, 200, 1_000, budget=649)[1:] == [
        "filled maker 1 taker 9: 5 at 100",
        "expired 9: 995 (budget_spent)",
    ]
