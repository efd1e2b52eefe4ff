"""Trades in DynamoDB: the market's tape, and each customer's own fills.

The tape is cut into blocks of a thousand trade numbers, one partition each: a market of any speed
writes at most a thousand items to a partition in its life, and moves on. Fills of one customer are
spread over eight partitions, for a market maker has a part in every trade.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from heapq import nlargest

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.trade import Fill, Trade
from storage.dynamo import Dynamo, Key, Span
from storage.dynamo_tables import TRADES
from storage.dynamo_values import Item

BLOCK = 1000
"""Trades in a partition: what DynamoDB takes per second and partition."""

SPREAD = 8
"""Partitions of one customer's fills."""


def put_trades(dynamo: Dynamo, trades: Iterable[Trade]) -> None:
    """Write trades to the tape; a repeat changes nothing."""
    dynamo.put_many(TRADES, (_trade_item(trade) for trade in trades))


def put_fills(dynamo: Dynamo, fills: Iterable[Fill]) -> None:
    """Write settled fills to their customers' lists; a repeat changes nothing."""
    dynamo.put_many(TRADES, (_fill_item(fill) for fill in fills))


def find_trade(dynamo: Dynamo, market: MarketId, trade_id: TradeId) -> Trade | None:
    item = dynamo.get(TRADES, (_block(market, trade_id), _number(trade_id)))
    return _to_trade(item) if item else None


def find_trades(dynamo: Dynamo, keys: Iterable[tuple[str, int]]) -> list[Trade]:
    """Those of the (market, number) that are on a tape."""
    places = [(_block(market, number), _number(number)) for market, number in keys]
    return [_to_trade(item) for item in dynamo.get_many(TRADES, places).values()]


def trades_before(
    dynamo: Dynamo,
    market: MarketId,
    trade_id: TradeId,
    *,
    limit: int = 100,
    blocks_max: int | None = None,
) -> list[Trade]:
    """The newest trades with a number below `trade_id`, newest first.

    Start from one that exists, or one above the last: every empty block costs a call, of which
    there are `blocks_max` at most.
    """
    trades: list[Trade] = []
    last = int(trade_id) - 1
    calls = 0
    while last > 0 and len(trades) < limit and calls != blocks_max:
        calls += 1
        span = Span(high=_number(last), descending=True, limit=limit - len(trades))
        trades += map(_to_trade, dynamo.query(TRADES, _block(market, last), span).items)
        last = last // BLOCK * BLOCK - 1
    return trades


def fills_of(
    dynamo: Dynamo, customer_id: CustomerId, *, before_ms: int, limit: int = 100
) -> list[Fill]:
    """A customer's newest fills before that time, newest first."""
    span = Span(high=f"{before_ms - 1:015}~", descending=True, limit=limit)
    found: list[Item] = []
    for part in range(SPREAD):
        found += dynamo.query(TRADES, _fills_key(customer_id, part), span).items
    return [_to_fill(item) for item in nlargest(limit, found, key=lambda item: item["sk"])]


def fill_key(fill: Fill) -> Key:
    """Where the fill stands in its customer's list."""
    role = "maker" if fill.is_maker else "taker"
    return (
        _fills_key(fill.customer_id, fill.trade_id % SPREAD),
        f"{fill.traded_at_ms:015}#{fill.market}#{_number(fill.trade_id)}#{fill.side}#{role}",
    )


def find_fills(dynamo: Dynamo, keys: Iterable[Key]) -> dict[Key, Fill]:
    """Those of the fills that are there."""
    return {key: _to_fill(item) for key, item in dynamo.get_many(TRADES, keys).items()}


def scan_fills(dynamo: Dynamo) -> Iterator[tuple[Key, Fill]]:
    """Every customer's fills, each with where it stands, in no order."""
    for item in dynamo.scan(TRADES):
        if item["pk"].startswith("customer#"):
            yield (item["pk"], item["sk"]), _to_fill(item)


def scan(dynamo: Dynamo) -> Iterator[Trade]:
    """Every trade on every tape, in no order."""
    for item in dynamo.scan(TRADES):
        if item["pk"].startswith("market#"):
            yield _to_trade(item)


def _block(market: str, trade_id: int) -> str:
    return f"market#{market}#{trade_id // BLOCK:012}"


def _number(trade_id: int) -> str:
    return f"{trade_id:020}"


def _fills_key(customer_id: int, part: int) -> str:
    return f"customer#{customer_id}#{part}"


def _trade_item(trade: Trade) -> Item:
    return {"pk": _block(trade.market, trade.id), "sk": _number(trade.id)} | asdict(trade)


def _fill_item(fill: Fill) -> Item:
    pk, sk = fill_key(fill)
    return asdict(fill) | {"pk": pk, "sk": sk, "fee_units": str(fill.fee_units)}


def _to_trade(item: Item) -> Trade:
    return Trade(
        MarketId(item["market"]),
        TradeId(item["id"]),
        item["epoch"],
        item["sequence"],
        item["price_ticks"],
        item["lots"],
        Side(item["taker_side"]),
        item["traded_at_ms"],
        OrderId(item["maker_order_id"]),
        OrderId(item["taker_order_id"]),
        CustomerId(item["maker_id"]),
        CustomerId(item["taker_id"]),
    )


def _to_fill(item: Item) -> Fill:
    return Fill(
        MarketId(item["market"]),
        TradeId(item["trade_id"]),
        CustomerId(item["customer_id"]),
        OrderId(item["order_id"]),
        Side(item["side"]),
        item["is_maker"],
        item["price_ticks"],
        item["lots"],
        int(item["fee_units"]),
        item["traded_at_ms"],
    )
