"""Public market data: books, trades, prices, and what is listed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from api.dialect import limits
from api.dialect.call import Call
from api.dialect.errors import DialectError
from api.dialect.numbers import milliseconds, notional, price, size
from api.dialect.symbol_rules import symbol_fields
from domain.market import Market, Side
from engine.events import BUY_AGGRESSOR
from storage.order_rows import StoredTrade
from streams.market_data import Trade

DEPTH_MAX = 5000
ROWS_MAX = 1000
ROWS = 500


async def ping(_: Call) -> dict[str, Any]:
    return {}


async def server_time(_: Call) -> dict[str, Any]:
    return {"serverTime": now_ms()}


async def exchange_info(call: Call) -> dict[str, Any]:
    markets, _ = call.parts.symbols.several(call.parameters)
    permissions = call.parameters.get("permissions")
    if permissions is not None and "SPOT" not in permissions:
        markets = []
    state = call.services.trading.market_data.state
    found = [symbol_fields(market, state(market.id)) for market in markets]
    wanted = call.parameters.get("symbolStatus")
    return {
        "timezone": "UTC",
        "serverTime": now_ms(),
        "rateLimits": limits.announced(),
        "exchangeFilters": [],
        "symbols": [each for each in found if wanted in (None, each["status"])],
    }


async def no_symbols(_: Call) -> dict[str, Any]:
    """There are no futures here; clients ask all the same."""
    return {"timezone": "UTC", "serverTime": now_ms(), "rateLimits": [], "symbols": []}


async def depth(call: Call) -> dict[str, Any]:
    market = call.market()
    limit = call.parameters.limit(100, DEPTH_MAX)
    book = call.services.trading.market_data.current_book(market.id)
    return {
        "lastUpdateId": book.sequence,
        "bids": [[price(market, p), size(market, lots)] for p, lots, _ in book.bids(limit)],
        "asks": [[price(market, p), size(market, lots)] for p, lots, _ in book.asks(limit)],
    }


async def trades(call: Call) -> list[dict[str, Any]]:
    """The newest."""
    market = call.market()
    limit = call.parameters.limit(ROWS, ROWS_MAX)
    live = _live(call, market)[-limit:]
    rows = [_live_row(market, each) for each in live]
    if len(rows) < limit:
        stored = await call.parts.search.market_trades(market.id, first_id=None, limit=limit)
        before = live[0].trade_id if live else None
        older = [each for each in stored if before is None or each.id < before]
        rows = [*(_stored_row(market, each) for each in older), *rows]
    return rows[-limit:]


async def historical_trades(call: Call) -> list[dict[str, Any]]:
    first_id = call.parameters.whole("fromId")
    return await trades(call) if first_id is None else await _from_number(call, first_id)


async def aggregate_trades(call: Call) -> list[dict[str, Any]]:
    """One row for each trade: an aggregate of one."""
    first_id = call.parameters.whole("fromId")
    start, end = call.milliseconds("startTime"), call.milliseconds("endTime")
    if first_id is not None and (start is not None or end is not None):
        raise DialectError(-1128, "Combination of optional parameters invalid.")
    if start is not None:
        first_id = await _number_at(call, start)
        rows = [] if first_id is None else await _from_number(call, first_id)
    else:
        rows = await historical_trades(call)
    return [_aggregate(row) for row in rows if end is None or row["time"] <= end]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _live(call: Call, market: Market) -> list[Trade]:
    return list(call.services.trading.market_data.book(market.id).trades)


async def _number_at(call: Call, start_ms: int) -> int | None:
    """Number of the first trade since then, settled or not."""
    market = call.market()
    moment = datetime.fromtimestamp(start_ms / 1000, UTC)
    found = await call.parts.search.first_trade_since(market.id, moment)
    if found is not None:
        return found
    live = _live(call, market)
    return next((each.trade_id for each in live if each.time_us // 1000 >= start_ms), None)


async def _from_number(call: Call, first_id: int) -> list[dict[str, Any]]:
    market = call.market()
    limit = call.parameters.limit(ROWS, ROWS_MAX)
    stored = await call.parts.search.market_trades(market.id, first_id=first_id, limit=limit)
    after = stored[-1].id if stored else first_id - 1
    live = [each for each in _live(call, market) if each.trade_id > after]
    rows = [_stored_row(market, each) for each in stored]
    return [*rows, *(_live_row(market, each) for each in live)][:limit]


def _aggregate(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "a": row["id"],
        "p": row["price"],
        "q": row["qty"],
        "f": row["id"],
        "l": row["id"],
        "T": row["time"],
        "m": row["isBuyerMaker"],
        "M": True,
    }


def _live_row(market: Market, trade: Trade) -> dict[str, Any]:
    is_buy = trade.aggressor == BUY_AGGRESSOR
    time_ms = trade.time_us // 1000
    return trade_row(market, trade.trade_id, trade.price, trade.lots, time_ms, taker_buys=is_buy)


def _stored_row(market: Market, trade: StoredTrade) -> dict[str, Any]:
    is_buy = trade.taker_side is Side.BUY
    time_ms = milliseconds(trade.traded_at)
    return trade_row(market, trade.id, trade.price_ticks, trade.lots, time_ms, taker_buys=is_buy)


def trade_row(
    market: Market, trade_id: int, ticks: int, lots: int, time_ms: int, *, taker_buys: bool
) -> dict[str, Any]:
    return {
        "id": trade_id,
        "price": price(market, ticks),
        "qty": size(market, lots),
        "quoteQty": notional(market, ticks * lots),
        "time": time_ms,
        "isBuyerMaker": not taker_buys,
        "isBestMatch": True,
    }
