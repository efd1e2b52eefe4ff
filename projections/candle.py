"""Candles: at what prices a market traded and how much, per interval.

A candle remembers which trades it holds as ranges of their gapless numbers: a repeated trade adds
nothing, a late one finds its place, and the same trades always give the same candle. Prices are
ticks, sizes lots, notional their exact product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from domain.market import MarketId, Side
from projections import ranges
from projections.ranges import Ranges
from projections.trade import Trade

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MONDAY_MS = 4 * _DAY_MS
"""The first Monday of Unix time, 5 January 1970: weeks start there."""


class Interval(StrEnum):
    SECOND = "1s"
    MINUTE = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    HOUR_6 = "6h"
    HOUR_8 = "8h"
    HOUR_12 = "12h"
    DAY = "1d"
    DAY_3 = "3d"
    WEEK = "1w"
    MONTH = "1M"


_I = Interval
LENGTH_MS = {
    _I.SECOND: 1000,
    _I.MINUTE: _MINUTE_MS,
    _I.MINUTE_3: 3 * _MINUTE_MS,
    _I.MINUTE_5: 5 * _MINUTE_MS,
    _I.MINUTE_15: 15 * _MINUTE_MS,
    _I.MINUTE_30: 30 * _MINUTE_MS,
    _I.HOUR: _HOUR_MS,
    _I.HOUR_2: 2 * _HOUR_MS,
    _I.HOUR_4: 4 * _HOUR_MS,
    _I.HOUR_6: 6 * _HOUR_MS,
    _I.HOUR_8: 8 * _HOUR_MS,
    _I.HOUR_12: 12 * _HOUR_MS,
    _I.DAY: _DAY_MS,
    _I.DAY_3: 3 * _DAY_MS,
    _I.WEEK: 7 * _DAY_MS,
}

STORED = (_I.SECOND, _I.MINUTE, _I.MINUTE_5, _I.MINUTE_15, _I.HOUR, _I.HOUR_4, _I.DAY, _I.MONTH)
"""Kept in the store. The others are merged from these when read, at most seven from one."""

SOURCE = {
    _I.MINUTE_3: _I.MINUTE,
    _I.MINUTE_30: _I.MINUTE_15,
    _I.HOUR_2: _I.HOUR,
    _I.HOUR_6: _I.HOUR,
    _I.HOUR_8: _I.HOUR_4,
    _I.HOUR_12: _I.HOUR_4,
    _I.DAY_3: _I.DAY,
    _I.WEEK: _I.DAY,
}


@dataclass(frozen=True, slots=True)
class Candle:
    market: MarketId
    interval: Interval
    open_at_ms: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int
    notional: int
    """Sum of price ticks x lots; the market says how many quote units one is."""
    taker_buy_lots: int
    taker_buy_notional: int
    trades: Ranges
    """Numbers of the trades inside; empty for a candle that only fills a gap."""

    @property
    def trade_count(self) -> int:
        return ranges.size(self.trades)


def open_at_ms(interval: Interval, at_ms: int) -> int:
    """Start of the interval that holds this moment. Days are UTC days, weeks start on Monday."""
    if interval is Interval.MONTH:
        moment = datetime.fromtimestamp(at_ms // 1000, UTC)
        return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000
    start_ms = _MONDAY_MS if interval is Interval.WEEK else 0
    return at_ms - (at_ms - start_ms) % LENGTH_MS[interval]


def next_open_at_ms(interval: Interval, start_ms: int) -> int:
    """Start of the interval after the one that starts at `start_ms`."""
    if interval is Interval.MONTH:
        return open_at_ms(interval, start_ms + 31 * _DAY_MS)
    return start_ms + LENGTH_MS[interval]


def add_trades(candle: Candle | None, interval: Interval, trades: Iterable[Trade]) -> Candle | None:
    """The candle with these trades of its interval added; those it holds already change nothing."""
    held = candle.trades if candle else ()
    fresh = {trade.id: trade for trade in trades if not ranges.contains(held, trade.id)}
    if not fresh:
        return candle
    added = _of_trades(interval, [fresh[trade_id] for trade_id in sorted(fresh)])
    if candle is None:
        return added
    assert (added.market, added.open_at_ms) == (candle.market, candle.open_at_ms)
    return _joined(candle, added)


def merge(candles: Sequence[Candle], interval: Interval) -> list[Candle]:
    """Candles of a longer interval from those of a shorter one, given in order of time."""
    groups = groupby(candles, key=lambda each: open_at_ms(interval, each.open_at_ms))
    return [_merged(interval, start_ms, list(group)) for start_ms, group in groups]


def without_gaps(candles: Iterable[Candle], *, until_ms: int) -> Iterator[Candle]:
    """The same candles with flat ones where nothing traded, up to the one before `until_ms`."""
    previous: Candle | None = None
    for candle in candles:
        if previous is not None:
            yield from _flat(previous, candle.open_at_ms)
        yield candle
        previous = candle
    if previous is not None:
        yield from _flat(previous, until_ms)


def _of_trades(interval: Interval, trades: Sequence[Trade]) -> Candle:
    """A candle of trades in ascending order, each once."""
    start_ms = open_at_ms(interval, trades[0].traded_at_ms)
    prices = [trade.price_ticks for trade in trades]
    bought = [trade for trade in trades if trade.taker_side is Side.BUY]
    assert all(open_at_ms(interval, trade.traded_at_ms) == start_ms for trade in trades)
    return Candle(
        trades[0].market,
        interval,
        start_ms,
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(trade.lots for trade in trades),
        sum(trade.price_ticks * trade.lots for trade in trades),
        sum(trade.lots for trade in bought),
        sum(trade.price_ticks * trade.lots for trade in bought),
        ranges.of(trade.id for trade in trades),
    )


def _joined(one: Candle, other: Candle) -> Candle:
    """Both candles' trades in one candle that starts where the first does."""
    joined = ranges.union(one.trades, other.trades)
    assert ranges.size(joined) == one.trade_count + other.trade_count, "a trade in both candles"
    earlier = one if one.trades[0][0] < other.trades[0][0] else other
    later = one if one.trades[-1][1] > other.trades[-1][1] else other
    return replace(
        one,
        open_ticks=earlier.open_ticks,
        high_ticks=max(one.high_ticks, other.high_ticks),
        low_ticks=min(one.low_ticks, other.low_ticks),
        close_ticks=later.close_ticks,
        lots=one.lots + other.lots,
        notional=one.notional + other.notional,
        taker_buy_lots=one.taker_buy_lots + other.taker_buy_lots,
        taker_buy_notional=one.taker_buy_notional + other.taker_buy_notional,
        trades=joined,
    )


def _merged(interval: Interval, start_ms: int, parts: list[Candle]) -> Candle:
    merged = replace(parts[0], interval=interval, open_at_ms=start_ms)
    for part in parts[1:]:
        merged = _joined(merged, part)
    return merged


def _flat(previous: Candle, until_ms: int) -> Iterator[Candle]:
    """Intervals in which nothing traded: they open and close at the last price."""
    start_ms = next_open_at_ms(previous.interval, previous.open_at_ms)
    close = previous.close_ticks
    while start_ms < until_ms:
        yield Candle(
            previous.market, previous.interval, start_ms, close, close, close, close, 0, 0, 0, 0, ()
        )
        start_ms = next_open_at_ms(previous.interval, start_ms)
