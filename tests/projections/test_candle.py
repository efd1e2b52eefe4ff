"""Candles give the same figures for the same trades, whatever the order and the repeats."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.candle import (
    SOURCE,
    STORED,
    Candle,
    Interval,
    add_trades,
    merge,
    next_open_at_ms,
    open_at_ms,
    without_gaps,
)
from projections.trade import Trade

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine that runs this may be busy."""

MARKET = MarketId("BTC-USDT")


def trade(number: int, price: int, lots: int, at_ms: int, side: Side = Side.BUY) -> Trade:
    return Trade(
        MARKET,
        TradeId(number),
        1,
        number * 3,
        price,
        lots,
        side,
        at_ms,
        OrderId(1),
        OrderId(2),
        CustomerId(1),
        CustomerId(2),
    )


def candles_of(trades: list[Trade], interval: Interval) -> list[Candle]:
    """The obvious way: look at all trades of each interval at once."""
    made = []
    for start in sorted({open_at_ms(interval, each.traded_at_ms) for each in trades}):
        inside = [each for each in trades if open_at_ms(interval, each.traded_at_ms) == start]
        made.append(add_trades(None, interval, inside))
    return [candle for candle in made if candle is not None]


@st.composite
def histories(draw: st.DrawFn) -> list[Trade]:
    count = draw(st.integers(1, 30))
    at_ms = draw(st.integers(0, 2_000_000_000_000))
    trades = []
    for number in range(1, count + 1):
        at_ms += draw(st.sampled_from([0, 1, 900, 61_000, 4_000_000, 90_000_000]))
        side = draw(st.sampled_from(Side))
        trades.append(trade(number, draw(st.integers(1, 99)), draw(st.integers(1, 9)), at_ms, side))
    return trades


@RELAXED
@given(histories(), st.data())
def test_repeated_late_and_reordered_trades_give_the_same_candles(
    trades: list[Trade], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(trades), max_size=10))
    deliveries = data.draw(st.permutations(trades + repeats))

    for interval in STORED:
        stored: dict[int, Candle] = {}
        for each in deliveries:
            start = open_at_ms(interval, each.traded_at_ms)
            candle = add_trades(stored.get(start), interval, [each])
            assert candle is not None
            stored[start] = candle

        assert [stored[start] for start in sorted(stored)] == candles_of(trades, interval)


@RELAXED
@given(histories())
def test_merged_candles_equal_those_made_from_the_trades(trades: list[Trade]) -> None:
    for interval, source in SOURCE.items():
        assert merge(candles_of(trades, source), interval) == candles_of(trades, interval)


@RELAXED
@given(histories())
def test_volume_and_count_are_those_of_the_trades(trades: list[Trade]) -> None:
    candles = candles_of(trades, Interval.HOUR)

    assert sum(candle.lots for candle in candles) == sum(each.lots for each in trades)
    assert sum(candle.notional for candle in candles) == sum(
        each.lots * each.price_ticks for each in trades
    )
    assert sum(candle.trade_count for candle in candles) == len(trades)


@RELAXED
@given(st.sampled_from(Interval), st.integers(0, 4_000_000_000_000))
def test_every_moment_is_in_exactly_one_interval(interval: Interval, at_ms: int) -> None:
    start = open_at_ms(interval, at_ms)

    assert start <= at_ms < next_open_at_ms(interval, start)
    assert open_at_ms(interval, next_open_at_ms(interval, start) - 1) == start


def test_open_is_the_first_trade_and_close_the_last_by_number() -> None:
    late_first = [trade(2, 110, 1, 10), trade(1, 100, 2, 5), trade(3, 90, 1, 20, Side.SELL)]

    candle = add_trades(None, Interval.MINUTE, late_first)

    assert candle is not None
    assert (candle.open_ticks, candle.close_ticks) == (100, 90)
    assert (candle.high_ticks, candle.low_ticks) == (110, 90)
    assert (candle.lots, candle.taker_buy_lots) == (4, 3)
    assert candle.trades == ((1, 3),)


def test_gaps_are_filled_with_the_last_price() -> None:
    candles = candles_of([trade(1, 100, 1, 0), trade(2, 120, 1, 180_000)], Interval.MINUTE)

    filled = list(without_gaps(candles, until_ms=300_000))

    assert [candle.open_at_ms for candle in filled] == [0, 60_000, 120_000, 180_000, 240_000]
    assert [candle.close_ticks for candle in filled] == [100, 100, 100, 120, 120]
    assert [candle.trade_count for candle in filled] == [1, 0, 0, 1, 0]


def test_months_and_weeks_start_where_the_calendar_says() -> None:
    thursday = int(datetime(2024, 2, 29, 13, tzinfo=UTC).timestamp()) * 1000

    month = datetime.fromtimestamp(open_at_ms(Interval.MONTH, thursday) / 1000, UTC)
    week = datetime.fromtimestamp(open_at_ms(Interval.WEEK, thursday) / 1000, UTC)

    assert (month.year, month.month, month.day) == (2024, 2, 1)
    assert (week.month, week.day, week.weekday()) == (2, 26, 0)
