"""Candles in DynamoDB. One partition holds up to a thousand candles of a market and interval.

A candle is changed by reading it, adding trades and writing it back if nobody else did meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.market import MarketId
from projections.candle import (
    LENGTH_MS,
    SOURCE,
    STORED,
    Candle,
    Interval,
    add_trades,
    merge,
    next_open_at_ms,
    open_at_ms,
)
from projections.trade import Trade
from storage.dynamo import Dynamo, Key, Span
from storage.dynamo_tables import CANDLES, EXPIRY_ATTRIBUTE
from storage.dynamo_values import Item

_DAY_SECONDS = 86_400
KEPT_SECONDS = {Interval.SECOND: 7 * _DAY_SECONDS, Interval.MINUTE: 732 * _DAY_SECONDS}
"""The longer intervals stay: a busy market's five-minute candles of a year are 20 MB."""

PER_PARTITION = 1000
_Place = tuple[MarketId, Interval, int]


def add_to_candles(dynamo: Dynamo, trades: Iterable[Trade]) -> None:
    """Add trades to the candles of every stored interval; repeats change nothing."""
    pending: dict[_Place, list[Trade]] = {}
    for trade in trades:
        for interval in STORED:
            start_ms = open_at_ms(interval, trade.traded_at_ms)
            pending.setdefault((trade.market, interval, start_ms), []).append(trade)
    while pending:  # Somebody else wrote a candle between our read and our write: read it again.
        pending = _add(dynamo, pending)


def candles_between(
    dynamo: Dynamo, market: MarketId, interval: Interval, start_ms: int, end_ms: int
) -> list[Candle]:
    """Candles of any interval that open from `start_ms` on and before `end_ms`; gaps stay gaps."""
    if interval in SOURCE:
        start_ms = open_at_ms(interval, start_ms + next_open_at_ms(interval, 0) - 1)
        end_ms = next_open_at_ms(interval, open_at_ms(interval, end_ms - 1))
        return merge(candles_between(dynamo, market, SOURCE[interval], start_ms, end_ms), interval)
    if start_ms >= end_ms:
        return []
    items: list[Item] = []
    for chunk in range(_chunk(interval, start_ms), _chunk(interval, end_ms - 1) + 1):
        partition = _partition(market, interval, chunk)
        items += dynamo.query_all(CANDLES, partition, _moment(start_ms), _moment(end_ms - 1))
    return [_to_candle(item) for item in items]


def last_candle_before(
    dynamo: Dynamo, market: MarketId, interval: Interval, start_ms: int
) -> Candle | None:
    """The newest stored candle that opens before `start_ms`, from its partition or the one before.

    Its close fills a gap at the start of a range.
    """
    assert interval in STORED
    span = Span(high=_moment(start_ms - 1), descending=True, limit=1)
    chunk = _chunk(interval, start_ms - 1)
    for each in (chunk, chunk - 1):
        items = dynamo.query(CANDLES, _partition(market, interval, each), span).items
        if items:
            return _to_candle(items[0])
    return None


def months_of(dynamo: Dynamo, market: str) -> list[Candle]:
    """A market's candles of a month, all of them: they are one partition."""
    items = dynamo.query_all(CANDLES, _partition(market, Interval.MONTH, 0))
    return [_to_candle(item) for item in items]


def _add(dynamo: Dynamo, pending: dict[_Place, list[Trade]]) -> dict[_Place, list[Trade]]:
    """One attempt; returns the trades whose candle changed under our hands."""
    stored = dynamo.get_many(CANDLES, map(_key, pending))
    places: list[_Place] = []
    puts: list[tuple[Item, str, int | None]] = []
    for place, trades in pending.items():
        item = stored.get(_key(place))
        before = _to_candle(item) if item else None
        after = add_trades(before, place[1], trades)
        assert after is not None
        if after is not before:
            places.append(place)
            puts.append((_to_item(after), "trade_count", before.trade_count if before else None))
    taken = dynamo.put_if_unchanged(CANDLES, puts)
    return {place: pending[place] for place, ok in zip(places, taken, strict=True) if not ok}


def _partition(market: str, interval: Interval, chunk: int) -> str:
    return f"{market}#{interval}#{chunk}"


def _chunk(interval: Interval, at_ms: int) -> int:
    if interval is Interval.MONTH:
        return 0
    return at_ms // (LENGTH_MS[interval] * PER_PARTITION)


def _moment(at_ms: int) -> str:
    return f"{at_ms:015}"


def _key(place: _Place) -> Key:
    market, interval, start_ms = place
    return _partition(market, interval, _chunk(interval, start_ms)), _moment(start_ms)


def _to_item(candle: Candle) -> Item:
    pk, sk = _key((candle.market, candle.interval, candle.open_at_ms))
    kept_seconds = KEPT_SECONDS.get(candle.interval)
    return {
        "pk": pk,
        "sk": sk,
        "market": candle.market,
        "interval": candle.interval,
        "open_at_ms": candle.open_at_ms,
        "open_ticks": candle.open_ticks,
        "high_ticks": candle.high_ticks,
        "low_ticks": candle.low_ticks,
        "close_ticks": candle.close_ticks,
        "lots": candle.lots,
        "notional": candle.notional,
        "taker_buy_lots": candle.taker_buy_lots,
        "taker_buy_notional": candle.taker_buy_notional,
        "trade_count": candle.trade_count,
        "trades": [list(run) for run in candle.trades],
        EXPIRY_ATTRIBUTE: candle.open_at_ms // 1000 + kept_seconds if kept_seconds else None,
    }


def _to_candle(item: Item) -> Candle:
    return Candle(
        MarketId(item["market"]),
        Interval(item["interval"]),
        item["open_at_ms"],
        item["open_ticks"],
        item["high_ticks"],
        item["low_ticks"],
        item["close_ticks"],
        item["lots"],
        item["notional"],
        item["taker_buy_lots"],
        item["taker_buy_notional"],
        tuple((first, last) for first, last in item["trades"]),
    )
